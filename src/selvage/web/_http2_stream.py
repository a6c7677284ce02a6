"""One request of an HTTP/2 connection.  Floor 4.

To the request it is the channel: the contract is that of docs/design/http.md, so a resource cannot tell the version.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.interfaces import IConsumer, IPushProducer, ITransport, implementer
from selvage.logger import Logger
from selvage.web._grammar import field_value, host, target_in_origin_form, token
from selvage.web._head import BadRequest, check_expectations, content_length
from selvage.web._headers import Headers, InvalidHeaderName
from selvage.web._http2_windows import READ_BYTES
from selvage.web._pace import Pace
from selvage.web._pull import _PullToPush
from selvage.web._status import (
    BAD_REQUEST,
    REQUEST_HEADER_FIELDS_TOO_LARGE,
)
from selvage.web._transfer import _MAX_TRAILERS
from selvage.web.errors import BodyMalformed, BodyNotKept, BodyTooLarge, RequestBodyError
from selvage.web.interfaces import INonQueuedRequestFactory

if TYPE_CHECKING:
    from selvage.interfaces import IAddress
    from selvage.web._http2 import H2Connection

__all__ = ["H2Stream"]

#: How many header fields a request may have; the figure of HTTP/1.
_MAX_HEADERS = 500

#: Pieces of bodies that are smaller are put together while they wait; in bytes, as many as may be copied for each.
_SMALL_BYTES = 1024

#: What is about one connection has no place in HTTP/2 (RFC 9113 section 8.2.2).
_OF_ONE_CONNECTION = frozenset(
    (b"Connection", b"Keep-Alive", b"Proxy-Connection", b"Transfer-Encoding", b"Upgrade")
)


@implementer(ITransport, IConsumer, IPushProducer)
class H2Stream:
    """Takes one request, and sends its answer through the connection.

    Args:
        streamID: its number.
        connection: the `H2Connection`.
        headers: as h2 gives them, pseudo-headers first; h2 has checked them.
        requestFactory: makes the request.
        site: the `Site`, if there is one.
        factory: keeps the access log.
        has_body: whether anything comes after the headers.
    """

    # Requests ask for it as for the attribute of a channel.
    transport: Any = None
    #: Fields to be sent after the answer.
    response_trailers: Sequence[tuple[bytes, bytes]] = ()
    _log = Logger()

    def __init__(
        self,
        streamID: int,
        connection: H2Connection,
        headers: Iterable[tuple[bytes, bytes]],
        requestFactory: Any,
        site: Any,
        factory: Any,
        has_body: bool = True,
    ) -> None:
        self.streamID = streamID
        self.site = site
        self.factory = factory
        self.producing = True
        self.command: bytes = b""
        self.path: bytes = b""
        self.producer: Any = None
        self._producerProducing = False
        self._hasStreamingProducer: bool | None = None
        self._connection = connection
        self._inbound: deque[tuple[bytes, int] | None] = deque()  # None is the end
        self._body_size = 0
        self._limits = connection.limits
        self._pace: Pace | None = None
        self._has_body = has_body
        self._whole = not has_body  # nothing more comes
        self._awaited = False  # the client waits to be told that it may send (100-continue)
        self._done = False  # the answer is complete
        self.transport = connection.transport
        takes_queued = not INonQueuedRequestFactory.providedBy(requestFactory)
        self._request = requestFactory(self, False) if takes_queued else requestFactory(self)
        self._take_headers(headers)

    def _take_headers(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Hand the headers to the request.

        Raises:
            BadRequest: they are not in order, on a connection that is strict.
        """
        headers = Headers()
        pseudo: dict[bytes, bytes] = {}
        for count, (name, value) in enumerate(fields):
            if count > _MAX_HEADERS:
                raise BadRequest(
                    REQUEST_HEADER_FIELDS_TOO_LARGE, f"there are more than {_MAX_HEADERS} header fields"
                )
            if name.startswith(b":"):
                pseudo[bytes(name)] = bytes(value)
            else:
                try:
                    headers.addRawHeader(bytes(name), bytes(value))
                except (InvalidHeaderName, ValueError) as error:
                    raise BadRequest(BAD_REQUEST, "a header field is malformed") from error
        self.command = pseudo.get(b":method", b"")
        self.path = pseudo.get(b":path", b"")
        if b":authority" in pseudo:
            headers.setRawHeaders(b"Host", [pseudo[b":authority"]])
        self._request.requestHeaders = headers
        if self._connection.strict:
            self._check(headers, pseudo)
        if headers.hasHeader(b"cookie"):
            self._request.parseCookies()
        if self._has_body:
            plan = getattr(self._request, "plan_body", None)
            self._limits = (None if plan is None else plan(self.command, self.path)) or self._limits
        length = headers._rawHeaders.get(b"Content-Length")
        size = int(length[0]) if length and length[0].isdigit() else None
        limit = self._limit()
        if size is not None and limit is not None and size > limit:
            raise BodyTooLarge(limit)
        self._request.gotLength(size if self._has_body else 0)
        self._awaited = (headers.getRawHeaders(b"expect") or [b""])[-1].lower() == b"100-continue"

    def begin(self) -> None:
        """Begin with the request, whose headers are in.  Called once, when the connection knows of the stream."""
        streams = self._streams
        if self._has_body and (self._connection.strict or streams):
            connection = self._connection
            self._pace = Pace(self._limits, connection.callLater, connection.seconds, self._fail)
        if streams:
            self._hold(False)
            self._request.requestReceived(self.command, self.path, b"HTTP/2")
        else:
            self.continue_body()

    def _check(self, headers: Headers, pseudo: dict[bytes, bytes]) -> None:
        """Ask what HTTP/1 asks, of what h2 lets pass."""
        fields = headers._rawHeaders
        hosts = fields.get(b"Host", [])
        if len(hosts) != 1 or host(hosts[0]) is None:
            raise BadRequest(BAD_REQUEST, "the :authority is not one host")
        if token(self.command) is None:
            raise BadRequest(BAD_REQUEST, "the :method is not a method")
        # Nothing is tunnelled here, and no extended CONNECT (RFC 8441) was offered.
        if self.command == b"CONNECT" or b":protocol" in pseudo:
            raise BadRequest(BAD_REQUEST, "there is no CONNECT in HTTP/2 here")
        if pseudo.get(b":scheme") not in (b"http", b"https"):
            raise BadRequest(BAD_REQUEST, "the :scheme is not that of HTTP")
        if target_in_origin_form(self.path) is None and not (
            self.path == b"*" and self.command == b"OPTIONS"
        ):
            raise BadRequest(BAD_REQUEST, "the :path is not a path")
        if not all(field_value(value) for values in fields.values() for value in values):
            raise BadRequest(BAD_REQUEST, "a header field has control characters")
        # h2 compares the length with what comes, if anything comes.
        if content_length(headers) and not self._has_body:
            raise BadRequest(BAD_REQUEST, "there is a Content-Length, and no body")
        expectations = fields.get(b"Expect")
        if expectations is not None:
            check_expectations(expectations)

    def _limit(self) -> int | None:
        return self._limits.body_bytes if self._connection.strict or self._streams else None

    @property
    def _streams(self) -> bool:
        """Whether the body is read as it comes, by an application that answers already."""
        return bool(getattr(self._request, "_streams", False))

    # --- What the connection calls -----------------------------------------------------------------------------

    def receiveDataChunk(self, data: bytes, flowControlledLength: int) -> None:
        """Take a piece of the body.

        Args:
            flowControlledLength: so much of the window it took.
        """
        self._awaited = False
        self._body_size += len(data)
        if self._pace is not None:
            self._pace.received = self._body_size
        limit = self._limit()
        if self._done:
            self._connection.unread.take(self.streamID, flowControlledLength)
        elif limit is not None and self._body_size > limit:
            self._fail(BodyTooLarge(limit))
            # The window is that of all streams: nobody reads this, and the others go on.
            self._connection.unread.take(self.streamID, flowControlledLength)
        elif self.producing:
            self._deliver(data, flowControlledLength)
            if self._body_size >= READ_BYTES and self.producing:
                self._connection.windows.widen(self.streamID)
        else:
            if self._streams:
                # Who reads this one slowly holds up nobody else: its own window stays closed, and that of all is opened.
                self._connection.windows.open_connection(flowControlledLength)
            self._keep(data, flowControlledLength)

    def _keep(self, data: bytes, flowControlledLength: int) -> None:
        """Keep a piece for when the body is read on; small ones together, for each costs more than what it carries."""
        last = self._inbound[-1] if self._inbound else None
        if last is not None and len(last[0]) < _SMALL_BYTES:
            self._inbound[-1] = last[0] + data, last[1] + flowControlledLength
        else:
            self._inbound.append((data, flowControlledLength))

    def take_trailers(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the fields that came after the body, which have nothing to say about it."""
        trailers = Headers()
        try:
            for count, (name, value) in enumerate(fields, 1):
                if count > _MAX_TRAILERS:
                    raise ValueError
                trailers.addRawHeader(bytes(name), bytes(value))
        except ValueError:
            self._fail(BodyMalformed("a trailer is malformed, or there are too many"))
            return
        if not self._done:
            self._request.trailers = trailers

    def requestComplete(self) -> None:
        """Take notice that all of the request is there."""
        self._whole = True
        self._stop_pace()
        if self.producing:
            self._complete()
        else:
            self._inbound.append(None)

    def _deliver(self, data: bytes, flowControlledLength: int) -> None:
        try:
            self._request.handleContentChunk(data)
        except BodyNotKept as error:
            self._fail(error)
            self._connection.unread.take(self.streamID, flowControlledLength)
        else:
            self._connection.openStreamWindow(self.streamID, flowControlledLength)

    def _complete(self) -> None:
        if self._done:
            return
        if self._streams:
            self._request.body_ended()
            return
        try:
            self._request.requestReceived(self.command, self.path, b"HTTP/2")
        except BodyNotKept as error:
            self._fail(error)

    def _fail(self, error: RequestBodyError) -> None:
        """Refuse the request; but one that is with the application already is that's to answer."""
        self._log.info("{peer}: {error}", peer=self.getPeer(), error=error)
        self._stop_pace()
        if self._streams:
            self._give_up_body()
            self._request.body_ended(error)
        else:
            self._refuse(error.status)

    def connectionLost(self, reason: Failure) -> None:
        """Take notice that nothing more can be sent."""
        self._stop_pace()
        self._request.connectionLost(reason)

    def drop_input(self) -> None:
        """Give up what was kept of the body; the window that it took is that of all streams."""
        kept, self._inbound = self._inbound, deque()
        length = sum(piece[1] for piece in kept if piece is not None)
        if not self._streams:
            self._connection.windows.open_connection(length)
        elif not self._whole:
            self._connection.windows.open_stream(self.streamID, length)

    def _give_up_body(self) -> None:
        self._done = True
        if not self._whole:
            self._connection.unread.begin(self.streamID)
        self.drop_input()

    def windowUpdated(self) -> None:
        """Take notice that more may be sent; resume the producer if it was paused and is to go on."""
        if self.producer is None or self._producerProducing:
            return
        if self._connection.answers.takes_more(self.streamID):
            self._producerProducing = True
            try:
                self.producer.resumeProducing()
            except Exception:
                self._connection.stream_failed(self.streamID)

    def flowControlBlocked(self) -> None:
        """Pause the producer: the client does not take more for now."""
        if self.producer is not None and self._producerProducing:
            self.producer.pauseProducing()
            self._producerProducing = False

    # --- What the request calls --------------------------------------------------------------------------------

    def writeHeaders(
        self, version: bytes, code: bytes, reason: bytes, headers: Headers | Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Send the head of the answer."""
        if isinstance(headers, Headers):
            headers = [(name, value) for name, values in headers.getAllRawHeaders() for value in values]
        fields = [(name.lower(), value) for name, value in headers if name.title() not in _OF_ONE_CONNECTION]
        self._connection.writeHeaders(version, code, reason, fields, self.streamID)

    def write(self, data: bytes) -> None:
        """Send a piece of the answer."""
        if data:
            self._connection.answers.write(self.streamID, data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send several pieces."""
        for piece in iovec:
            self.write(piece)

    def requestDone(self, request: Any) -> None:
        """Take notice that the answer is complete."""
        self._stop_pace()
        self._give_up_body()
        trailers = getattr(request, "_response_trailers", None)
        if trailers is not None:
            self.response_trailers = [
                (name.lower(), value)
                for name, values in trailers.getAllRawHeaders()
                if name not in _OF_ONE_CONNECTION
                for value in values
            ]
        if self.factory is not None:
            self.factory.log(request)
        self._connection.answers.end(self.streamID)

    def loseConnection(self) -> None:
        """End the answer as it is."""
        self._connection.answers.end(self.streamID)

    def abortConnection(self) -> None:
        """Reset the stream."""
        self._stop_pace()
        self._connection.abortRequest(self.streamID)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Answer 400 in the place of the application."""
        self._refuse(BAD_REQUEST)

    def _refuse(self, status: int) -> None:
        self._connection._respondToBadRequestAndDisconnect(self.streamID, status)

    def _stop_pace(self) -> None:
        if self._pace is not None:
            self._pace.stop()

    def getPeer(self) -> IAddress:
        """Return the address of the other side."""
        return self._connection.getPeer()

    def getHost(self) -> IAddress:
        """Return the address of this side."""
        return self._connection.getHost()

    def isSecure(self) -> bool:
        """Tell whether the connection is over TLS."""
        return self._connection.isSecure()

    # --- Back-pressure -----------------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Have a producer write the answer, as fast as the client takes it.

        Raises:
            ValueError: there is one already.
        """
        if self.producer is not None:
            raise ValueError(
                f"registering producer {producer} before previous one ({self.producer}) was unregistered"
            )
        if not streaming:
            producer = _PullToPush(producer, self)
        self.producer = producer
        self._producerProducing = True
        self._hasStreamingProducer = streaming
        if not streaming:
            producer.startStreaming()

    def unregisterProducer(self) -> None:
        """Take notice that the producer is done."""
        producer, self.producer = self.producer, None
        if producer is not None and not self._hasStreamingProducer:
            producer.stopStreaming()
        self._producerProducing = False
        self._hasStreamingProducer = None

    def callLater(self, period: float, func: Any) -> Any:
        """Schedule a call, by the connection's clock."""
        return self._connection.callLater(period, func)

    def pauseProducing(self) -> None:
        """Keep the body that comes, and let the client send no more than the window holds."""
        self.producing = False
        self._hold(True)

    def resumeProducing(self) -> None:
        """Hand over what was kept, and go on."""
        self.producing = True
        self._hold(False)
        while self.producing and self._inbound:
            piece = self._inbound.popleft()
            if piece is None:
                self._complete()
            else:
                data, length = piece
                if not self._streams:
                    self._deliver(data, length)
                    continue
                self._request.handleContentChunk(data)
                if not self._whole:
                    self._connection.windows.open_stream(self.streamID, length)

    def _hold(self, held: bool) -> None:
        """Count no time while this side does not read, or has not told the client to begin."""
        if self._pace is not None and not self._whole:
            self._pace.pause() if held or self._awaited else self._pace.resume()

    def pause_body(self) -> None:
        """As `pauseProducing`.  The request's body calls this."""
        self.pauseProducing()

    def resume_body(self) -> None:
        """As `resumeProducing`.  The request's body calls this."""
        self.resumeProducing()

    def continue_body(self) -> None:
        """Tell a client that waits for that (100-continue) to send the body.  The request's body calls this."""
        if self._awaited and not self._done:
            self._awaited = False
            if not getattr(self._request, "startedWriting", False):
                self._connection._send_headers(self.streamID, [(b":status", b"100")])
            self._hold(not self.producing)

    @property
    def waits_for_us(self) -> bool:
        """Whether the client has sent what it may for now, and an answer is due."""
        return self._whole or self._awaited or not self.producing

    @property
    def has_more(self) -> bool:
        """Whether more of the body may come."""
        return not self._whole

    def stopProducing(self) -> None:
        """Take no more of the body: reset the stream."""
        self.producing = False
        self.abortConnection()


def lost() -> Failure:
    """Return the reason that requests are given whose stream or connection the client has ended."""
    return Failure(ConnectionLost())
