"""A connection that speaks HTTP/1, as the server sees it.  Floor 4.

Theory of operation.  Input is in one of four states, and `_consume` goes from one to the next until it needs more bytes:

    a head comes        `_transferDecoder` None, no request under way
    a body comes        `_transferDecoder` takes it, an `IncomingBody`; one that is there with its head needs none
    an answer is due    `_handlingRequest`: one request at a time is with the application, so that answers keep the order
                        of the requests; what comes meanwhile waits, and when much waits nothing more is read
    nothing counts      `_ended`: it is being closed

Where a resource streams, body and answer are due at the same time: the request goes to the application with its head.  When
the answer is complete first, the rest of the body is discarded.

Who finds the end of a head or a body knows where the next thing begins, so no parser ever sees bytes of two requests.

Who has to wait for whom, and when nothing is read, is in `BackPressure`.

Deadlines.  `timeOut` is the time without any input while input is due, as in Twisted.  It does not help against who sends
one byte at a time; so a channel made by a `Site` has two more, see `Limits`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from selvage.failure import Failure
from selvage.interfaces import IConsumer, IPushProducer, ISSLTransport, ITransport, implementer
from selvage.logger import Logger
from selvage.protocols import Protocol, connectionDone
from selvage.protocols.policies import TimeoutMixin
from selvage.web._answer_head import head_of_answer, whole_answer
from selvage.web._channel_pressure import BackPressure
from selvage.web._grammar import empty_lines
from selvage.web._head import BadRequest, HeadParser
from selvage.web._headers import Headers
from selvage.web._incoming import IncomingBody, begin_body, take_body
from selvage.web._limits import DEFAULT_LIMITS, Limits
from selvage.web._lingering import close_while_input_comes, refuse
from selvage.web._partial_head import PartialHead, forget_partial_head, keep_incomplete_head
from selvage.web._request import Request
from selvage.web._status import BAD_REQUEST, REQUEST_HEADER_FIELDS_TOO_LARGE
from selvage.web._unread import HEAD_BYTES, MUCH, close_in_time, look_at_transport
from selvage.web.errors import BodyNotKept, RequestBodyError
from selvage.web.interfaces import INonQueuedRequestFactory

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["HTTPChannel"]


@implementer(ITransport, IPushProducer, IConsumer)
class HTTPChannel(BackPressure, Protocol, TimeoutMixin):
    """Takes requests from a connection, one at a time, and sends the answers.

    To requests it is the transport.  A `Site` or an `HTTPFactory` makes it.

    Twisted: `twisted.web.http.HTTPChannel`, but it receives no lines: what is a head is found at once.
    """

    #: How many header fields a request may have.
    maxHeaders = 500
    #: Bytes that the head of a request may have.  nginx and Apache take 8 KiB a line; the figure is Twisted's.
    totalHeadersSize = 16384
    #: Seconds from the end of `timeOut` until the connection is cut; None for never.
    abortTimeout: float | None = 15
    #: Bytes of input that may wait while a request is answered, before nothing more is read.
    _optimisticEagerReadSize = 16384

    #: Makes the requests.
    requestFactory: Any = Request
    #: The `Site`, if one made it.
    site: Any = None
    #: Whether more is asked of requests than llhttp and Twisted ask, see `check_fields`; and what else is limited.
    strict = False
    limits: Limits = DEFAULT_LIMITS

    #: Whether the connection outlives the request being answered.
    persistent = True
    #: Bytes of the body of the request that comes in; None when nobody knows.
    length: int | None = 0

    _log = Logger()
    _handlingRequest = False
    _transferDecoder: IncomingBody | None = None
    _abortingCall: Any = None

    _command = _path = _version = b""
    _dataBuffer = b""  # input that waits
    _partial_head: PartialHead | None = None  # what is known of a head of which that input is the beginning
    _consuming = False
    _ended = False
    _finishing = False  # the site stops: this answer is the last
    _seconds: Any = None  # gives the time, where the clock is known
    _heard_at = 0.0  # when input came last
    _upgraded: Any = None  # the protocol that has taken over
    _next_headers: Headers | None = None  # those of the request that is being made
    _savedTimeOut: float | None = None  # what `timeOut` will be when the answer is done
    _made_for: Any = None  # the request factory that `_takes_queued` is about
    _takes_queued = True
    _peer: Any = None
    _own: Any = None

    def __init__(self) -> None:
        self.requests: list[Any] = []
        # A factory puts its own in this place: a head is parsed in one go, so that one parser does for all connections.
        self._parser: HeadParser | None = None

    # --- What the transport calls ------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Begin to wait for a request, and for the transport to be full."""
        if hasattr(self.transport, "registerProducer"):
            self._networkProducer = self.transport
            if not hasattr(self.transport, "unsent_bytes"):
                self._watch()
        # Where the clock is known, the time of each input is noted and the timer looks at that when it is up: to put off a
        # timer with each request costs more.
        clock = getattr(self.callLater, "__self__", None)
        if clock is not self:
            self._seconds = getattr(clock, "seconds", None)
            if self._seconds is not None:
                self._heard_at = self._seconds()
        self.setTimeout(self.timeOut)
        self._tell_site("_channel_made")

    def open_requests(self) -> list[Any]:
        """Return the requests that have begun and are not answered."""
        return list(self.requests)

    def _tell_site(self, what: str) -> None:
        tell = getattr(self.site, what, None)
        if tell is not None:
            tell(self)

    def finish_and_close(self) -> None:
        """Close when the answer that is due is complete; at once when none is."""
        self.persistent = False
        self._finishing = True
        going_away = getattr(self._upgraded, "going_away", None)
        if going_away is not None:
            going_away()
        if not self.requests and not self._ended:
            if self._transferDecoder is None:
                self.loseConnection()
            else:
                close_while_input_comes(self)  # the client still sends what is discarded
        for request in self.requests:
            if not request.startedWriting:  # a proxy sends nothing more then (RFC 9112 section 9.6)
                request.responseHeaders.setRawHeaders(b"connection", [b"close"])

    def dataReceived(self, data: bytes) -> None:
        """Take input."""
        if self._ended:
            if self._upgraded is not None:
                self._upgraded.dataReceived(data)
            return
        if (self._handlingRequest or self._unread) and self._transferDecoder is None:
            self._dataBuffer += data
            if len(self._dataBuffer) > self._optimisticEagerReadSize:
                self._update_reading()
            return
        if self._dataBuffer:
            data = self._dataBuffer + data
            self._dataBuffer = b""
        self._consume(data)
        if self._seconds is not None:
            self._heard_at = self._seconds()
        elif (not self._handlingRequest or self._transferDecoder is not None) and not self._ended:
            self.resetTimeout()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Take notice of the end, and tell the request being answered."""
        self._ended = True
        self.setTimeout(None)
        forget_partial_head(self)
        self._stop_body()
        self._cancel_stall()
        if self._abortingCall is not None:
            self._abortingCall.cancel()
            self._abortingCall = None
        if self._upgraded is not None:
            self._upgraded.connectionLost(reason)
        requests, self.requests = self.requests, []
        for request in requests:
            request.connectionLost(reason)
        self._tell_site("_channel_gone")

    # --- Input -------------------------------------------------------------------------------------------------

    def _consume(self, data: bytes) -> None:
        """Go through input until it is used up, or an answer is due first."""
        self._consuming = True
        try:
            while data:
                if self._ended:
                    if self._upgraded is not None:
                        self._upgraded.dataReceived(data)
                    break
                if self._transferDecoder is not None:
                    data = take_body(self, self._transferDecoder, data)
                elif self._handlingRequest or self._unread:
                    # Who does not take its answers is not answered further.
                    self._dataBuffer = data
                    break
                else:
                    data = self._take_head(data)
        finally:
            self._consuming = False

    def _take_head(self, data: bytes) -> bytes:
        """Take a head, if all of it is there, and return what comes after it."""
        if data[0] == b"\r"[0] and (found := empty_lines(data)) is not None:
            data = data[found.end() :]
        partial = self._partial_head
        end = data.find(b"\r\n\r\n", 0 if partial is None else partial.searched)
        if end < 0:
            if data:
                keep_incomplete_head(self, data)
            return b""
        end += 4
        head, rest = (data, b"") if end == len(data) else (data[:end], data[end:])
        if partial is not None:
            forget_partial_head(self)
        try:
            if end > self.totalHeadersSize:
                raise BadRequest(REQUEST_HEADER_FIELDS_TOO_LARGE, "the head is too long")
            return self._head_received(head, rest)
        except (BadRequest, RequestBodyError) as error:
            refuse(self, error)
            return b""

    def _head_received(self, head: bytes, rest: bytes) -> bytes:
        """Make a request of a head, and begin with it; return what is left of the input."""
        parser = self._parser
        if parser is None:
            parser = self._parser = HeadParser()
        command, path, version, headers, length = parser.parse(head, self.maxHeaders, self.strict)
        self._command, self._path, self._version, self.length = command, path, version, length
        self._next_headers = headers
        factory = self.requestFactory
        if factory is self._made_for and self._takes_queued:
            request = factory(self, len(self.requests))
        else:
            request = self._make_request(factory)
        self._next_headers = None
        request.requestHeaders = headers
        if b"Cookie" in headers._rawHeaders:
            request.parseCookies()
        if length != 0:
            limit = self.limits.body_bytes
            # The quick way: what is there as a whole needs nobody to wait for it (benchmarks: web json).
            if length is None or length > len(rest) or (limit is not None and length > limit):
                return begin_body(self, request, length, rest)
        self.requests.append(request)
        self.persistent = self.checkPersistence(request, version)
        request.gotLength(length)
        self.allHeadersReceived()
        if length:
            if not self.requests or self._ended:
                return rest[length:]  # it was answered at its head
            if length == len(rest):
                request.handleContentChunk(rest)
                rest = b""
            else:
                request.handleContentChunk(rest[:length])
                rest = rest[length:]
        self.allContentReceived()
        return rest

    def _make_request(self, factory: Any) -> Any:
        if factory is not self._made_for:
            # What zope has to look up is asked once, not for each request.
            self._made_for = factory
            self._takes_queued = not INonQueuedRequestFactory.providedBy(factory)
        return factory(self, len(self.requests)) if self._takes_queued else factory(self)

    # --- Bodies that do not come at once -----------------------------------------------------------------------

    def _stop_body(self) -> None:
        body, self._transferDecoder = self._transferDecoder, None
        if body is not None:
            body.stop()
            if self._body_paused:
                self.resume_body()

    def _ignore_input(self) -> None:
        """Close when the request that is with the application is answered, and take nothing more until then."""
        self._ended = True
        self.persistent = False
        self._stop_body()

    def continue_body(self) -> None:
        """Tell a client that waits for that (100-continue) to send the body.  The request's body calls this."""
        if self._transferDecoder is not None:
            self._transferDecoder.tell_to_go_on()

    def allContentReceived(self) -> None:
        """Hand the request over to the application.  Called when all of it is there."""
        self._handlingRequest = True
        request = self.requests[-1]
        try:
            request.requestReceived(self._command, self._path, self._version)
        except BodyNotKept as error:
            refuse(self, error)
            return
        if self._handlingRequest and not self._ended:
            # It is the application that takes its time now, and the client who waits.
            self._savedTimeOut = self.setTimeout(None)
            self._watch()

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Tell whether the connection outlives this request; announce it when it does not though it could.

        Args:
            version: of the request; that of HTTP/1.0 never keeps its connection here.
        """
        connection = request.requestHeaders._rawHeaders.get(b"Connection")
        if version != b"HTTP/1.1":
            return False
        if connection is not None:
            words = b",".join(connection).lower().replace(b" ", b"").split(b",")
            if b"close" in words:
                request.responseHeaders.setRawHeaders(b"connection", [b"close"])
                return False
        return True

    def requestDone(self, request: Any) -> None:
        """Take notice that the answer is complete, and go on.  Requests call this.

        Raises:
            TypeError: it is not the request being answered.
        """
        if not self.requests or (request is not self.requests[0] and request != self.requests[0]):
            raise TypeError(f"{request!r} is not the request that is being answered")
        del self.requests[0]
        if self.factory is not None:
            self.factory.log(request)
        self._handlingRequest = False
        if not self._watching:
            self._unwatched += request.sentLength + HEAD_BYTES
            if self._unwatched > MUCH:
                look_at_transport(self, request.sentLength)
        body = self._transferDecoder
        if body is not None and body.streams and not body.discards and body.discard():
            self.resume_body()
            return
        if body is not None or self._ended:
            # The answer was there before all of the body: what is left of that cannot be told from a request.
            close_while_input_comes(self)
            return
        if not self.persistent or self._finishing:
            self.loseConnection()
            return
        if self._savedTimeOut is not None:
            self._watch_time()
        if self._consuming:
            return  # whoever consumes goes on
        data, self._dataBuffer = self._dataBuffer, b""
        if data:
            self._consume(data)
        self._update_reading()

    def _watch_time(self) -> None:
        """Count the time without input again: it is the client's turn."""
        saved, self._savedTimeOut = self._savedTimeOut, None
        if saved is not None:
            self.setTimeout(saved)
            if self._seconds is not None:
                self._heard_at = self._seconds()

    def allHeadersReceived(self) -> None:
        """Hook: called when the headers of a request are in, before its body."""

    def lineReceived(self, line: bytes) -> None:
        """Take input that somebody has cut into lines."""
        self.dataReceived(line + b"\r\n")

    def rawDataReceived(self, data: bytes) -> None:
        """Take input; the same as `dataReceived`."""
        self.dataReceived(data)

    # --- Another protocol takes over ---------------------------------------------------------------------------

    def upgrade(self, protocol: Any) -> None:
        """Hand the connection over to another protocol, in the place of an answer.

        The request being answered is over, without its end being told; nothing is written for it.

        Args:
            protocol: gets the transport by `makeConnection`, then all input that has come after the request.
        """
        self._handlingRequest = False
        self.requests.clear()
        producer = self._let_go()
        if self._reading_paused and producer is not None:
            producer.resumeProducing()
        self._upgraded = protocol
        protocol.makeConnection(self.transport)
        data, self._dataBuffer = self._dataBuffer, b""
        if data:
            protocol.dataReceived(data)

    _protocolUpgradeForWebsockets = upgrade

    def _let_go(self) -> Any:
        """Take nothing more from the transport, and return it as far as it can be paused."""
        self._ended = True
        forget_partial_head(self)
        self._stop_body()
        self.setTimeout(None)
        producer, self._networkProducer = self._networkProducer, None
        if producer is not None and self._watching:
            producer.unregisterProducer()
        return producer

    # --- Refusing, and running out of time ---------------------------------------------------------------------

    def _respondToBadRequestAndDisconnect(self) -> None:
        """Answer 400 in the place of the application, and close."""
        refuse(self, BadRequest(BAD_REQUEST, "the body is not what its type says"))

    def callLater(self, period: float, func: Any, *args: Any) -> Any:
        """Hook: schedule a call; the factory puts its reactor's in this place."""
        return super().callLater(period, lambda: func(*args) if args else func())

    def timeoutConnection(self) -> None:
        """Close a connection that was idle for `timeOut`; cut it when that does not help."""
        if self._waitingForTransport and self._stall is not None:
            # It is not idle: it takes what it was sent, slowly.
            self.setTimeout(self.timeOut)
            return
        if self._seconds is not None and self.timeOut is not None:
            left = self._heard_at + self.timeOut - self._seconds()
            if left > 0:
                whole = self.timeOut
                self.setTimeout(left)
                self.timeOut = whole
                return
        self._log.info("Timing out client: {peer}", peer=self.getPeer())
        if self.abortTimeout is not None:
            self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)
        self.loseConnection()

    def forceAbortClient(self) -> None:
        """Cut the connection: the client does not read what should be sent before it closes."""
        self._abortingCall = None
        self._log.info("Forcibly timing out client: {peer}", peer=self.getPeer())
        self.transport.abortConnection()  # type: ignore[attr-defined]

    # --- Output ------------------------------------------------------------------------------------------------

    def writeHeaders(
        self, version: bytes, code: bytes, reason: bytes, headers: Headers | Iterable[tuple[bytes, bytes]]
    ) -> None:
        """Send the head of an answer, see `head_of_answer`.  Requests call this."""
        self.transport.write(head_of_answer(version, code, reason, headers))

    def write_answer(self, status_line: bytes, headers: Headers, body: bytes) -> None:
        """Send head and body at once: `writeHeaders` and `write`, for less."""
        if len(body) > MUCH and not self._watching:
            self._watch()
        self.transport.write(whole_answer(status_line, headers, body))

    def write(self, data: bytes) -> None:
        """Send a piece of an answer as it is."""
        if len(data) > MUCH and not self._watching:
            self._watch()
        self.transport.write(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send several pieces as if joined."""
        self.transport.writeSequence(iovec)

    def loseConnection(self) -> None:
        """Close when all is sent; nothing more is received."""
        self._let_go()
        self.transport.loseConnection()
        close_in_time(self)

    def abortConnection(self) -> None:
        """Cut the connection."""
        self._ended = True
        self._stop_body()
        self.transport.abortConnection()  # type: ignore[attr-defined]

    def getPeer(self) -> IAddress:
        """Return the address of the other side."""
        if self._peer is None:
            self._peer = self.transport.getPeer()
        return self._peer  # type: ignore[no-any-return]

    def getHost(self) -> IAddress:
        """Return the address of this side."""
        if self._own is None:
            self._own = self.transport.getHost()
        return self._own  # type: ignore[no-any-return]

    def isSecure(self) -> bool:
        """Tell whether the connection is over TLS."""
        return ISSLTransport.providedBy(self.transport) or bool(getattr(self.transport, "TLS", False))
