"""A connection that speaks HTTP/2, as the server sees it.  Floor 4.

h2 knows the frames and their states; this is what goes between it, the transport and the streams.  Theory of operation:

*Control frames* (settings, acknowledgements, headers, resets) are written as soon as h2 has made them.  While the transport
is full they are kept; a client that makes us keep more than `_maxBufferedControlFrameBytes` is cut off.

*Data* of answers waits in `WaitingAnswers` until the streams have had their turns.

*Floods* of frames that cost the client next to nothing and the server something end the connection, see `Floods`.  What the
client may send of bodies is told in `ReceiveWindows`, and what becomes of bodies that nobody reads in `UnreadBodies`.

*Time.*  Without a request under way, frames that bring none put nothing off: after `timeOut` the connection ends.  While a
request comes its body has a deadline, while it is answered the application takes its time, and while the answer waits for
the client a stall has one.

Twisted: `H2Connection` of `twisted.web._http2`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import hpack

from selvage.defer import Deferred
from selvage.failure import Failure, report
from selvage.interfaces import ISSLTransport
from selvage.logger import Logger
from selvage.protocols import Protocol, connectionDone
from selvage.protocols.policies import TimeoutMixin
from selvage.reactor import get_reactor
from selvage.web._frame_lengths import PREFACE_BYTES, FrameReader
from selvage.web._head import BadRequest
from selvage.web._http2_floods import UPDATES_PER_FRAME, Floods
from selvage.web._http2_sending import WaitingAnswers
from selvage.web._http2_stream import H2Stream, lost
from selvage.web._http2_unread import UnreadBodies
from selvage.web._http2_windows import ReceiveWindows
from selvage.web._limits import DEFAULT_LIMITS, Limits
from selvage.web._request import Request
from selvage.web._status import BAD_REQUEST
from selvage.web.errors import RequestBodyError

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["H2Connection"]

#: Bytes of header fields that the compressor remembers, whatever the client allows; what RFC 7541 begins with.  The client
#: names up to 4 GiB, and with answers that repeat what it sent it would fill them.
_MOST_REMEMBERED_BYTES = 4096


class H2Connection(Protocol, TimeoutMixin):
    """Takes requests from an HTTP/2 connection, several at a time, and sends the answers.

    Args:
        reactor: keeps the time; the ambient one by default.
    """

    factory: Any = None
    site: Any = None
    requestFactory: Any = Request
    #: Whether requests are held to what `limits` and the policy of HTTP/1 ask.
    strict = False
    limits: Limits = DEFAULT_LIMITS
    #: Seconds from the end of `timeOut` until the connection is cut; None for never.
    abortTimeout: float | None = 15

    #: Bytes of control frames that are kept for a client that does not read.  The figure is Twisted's.
    _maxBufferedControlFrameBytes = 1024 * 17
    #: So many streams may be reset at once, and so many a second.  The figures are Twisted's; nobody who means well gets near.
    _resetTokenBurst = 1000
    _resetTokenRate = 33.0

    _log = Logger()
    _finishing = False  # the site stops
    _watching = False  # the transport says when it is full, as `watch` has asked
    _abortingCall: Any = None

    def __init__(self, reactor: Any = None) -> None:
        self._reactor = get_reactor() if reactor is None else reactor
        self.conn = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding=None)
        )
        self._reader = FrameReader(self.conn, PREFACE_BYTES)
        self.streams: dict[int, H2Stream] = {}
        self.answers = WaitingAnswers(self)
        self._floods = Floods(self)
        self.windows = ReceiveWindows(self)
        self.unread = UnreadBodies(self)
        self._streamCleanupCallbacks: dict[int, Deferred[int]] = {}
        self._bufferedControlFrames: deque[bytes] = deque()
        self._bufferedControlFrameBytes = 0
        self._consumerBlocked: Deferred[None] | None = None
        self._stillProducing = True

    # --- What the transport calls ------------------------------------------------------------------------------

    def connectionMade(self) -> None:
        """Send our side of the beginning."""
        self.setTimeout(self.timeOut)
        self.conn.initiate_connection()
        self._write_control()
        self._tell_site("_channel_made")

    def finish_and_close(self) -> None:
        """Close when the answers that have begun are complete; at once when there are none."""
        self._finishing = True
        if not self.streams and self._stillProducing:
            self._close(h2.errors.ErrorCodes.NO_ERROR, lost())

    def abortConnection(self) -> None:
        """Cut the connection."""
        self.transport.abortConnection()  # type: ignore[attr-defined]

    def open_requests(self) -> list[Any]:
        """As `HTTPChannel.open_requests`."""
        return [stream._request for stream in self.streams.values()]

    def _tell_site(self, what: str) -> None:
        tell = getattr(self.site, what, None)
        if tell is not None:
            tell(self)

    def watch(self) -> None:
        """Have the transport say when it is full; whoever makes the connection calls this after `makeConnection`."""
        self._watching = True
        self.transport.registerProducer(self, True)  # type: ignore[attr-defined]

    def dataReceived(self, data: bytes) -> None:
        """Take input."""
        if not self._stillProducing:
            return
        try:
            events = self._reader.receive(data) if self.strict else self.conn.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            if error.error_code == h2.errors.ErrorCodes.PROTOCOL_ERROR and isinstance(
                error.__cause__, hpack.HPACKError
            ):
                self._close_for_compression()
            self._end(Failure(error))
            return
        if not self.strict:
            self.resetTimeout()
        reset = {event.stream_id for event in events if isinstance(event, h2.events.StreamReset)}
        for event in events:
            if not self._stillProducing:
                return
            # What is reset in the same breath is not begun at all.
            if isinstance(event, h2.events.RequestReceived) and event.stream_id in reset:
                continue
            handle = _HANDLERS.get(type(event))
            if handle is not None:
                try:
                    handle(self, event)
                except Exception:
                    if not self.stream_failed(getattr(event, "stream_id", 0)):
                        raise
        if self._stillProducing:
            if self.streams:
                self.resetTimeout()
            self._write_control()

    def connectionLost(self, reason: Failure = connectionDone, _cancelTimeouts: bool = True) -> None:
        """Take notice of the end, and tell all requests.

        Args:
            _cancelTimeouts: whether the connection is gone altogether, so that it need not be cut.
        """
        self._stillProducing = False
        self.answers.stop()
        self.unread.forget()
        if _cancelTimeouts:
            self.setTimeout(None)
            call, self._abortingCall = self._abortingCall, None
            if call is not None and call.active():
                call.cancel()
        for streamID in list(self.streams):
            stream = self.streams.get(streamID)  # what one is told may have ended another
            if stream is not None:
                stream.connectionLost(reason)
                self._forget(streamID)
        if _cancelTimeouts:
            self._tell_site("_channel_gone")

    # --- Ends --------------------------------------------------------------------------------------------------

    def _end(self, reason: Failure) -> None:
        """Say good-bye, with what h2 has to say, and close; cut the connection when that takes too long."""
        self._stillProducing = False
        if not self._write_control():
            return
        if self.strict:
            self._abort_later()
        if self._watching:
            self._watching = False
            self.transport.unregisterProducer()  # type: ignore[attr-defined]
        self.transport.loseConnection()
        self.connectionLost(reason, _cancelTimeouts=False)

    def _close(self, code: Any, reason: Failure) -> None:
        self.conn.close_connection(error_code=code, last_stream_id=self.conn.highest_inbound_stream_id)
        self._end(reason)

    def _close_for_compression(self) -> None:
        """Give the reason that RFC 9113 section 4.3 asks for; h2 has said PROTOCOL_ERROR, and nothing was sent yet."""
        self.conn.clear_outbound_data_buffer()
        self.conn.close_connection(
            error_code=h2.errors.ErrorCodes.COMPRESSION_ERROR,
            last_stream_id=self.conn.highest_inbound_stream_id,
        )

    def timeoutConnection(self) -> None:
        """Close a connection on which nothing happened for `timeOut`."""
        if self.strict and any(stream.waits_for_us for stream in self.streams.values()):
            self.setTimeout(self.timeOut)  # it is the application that takes its time
            return
        self._log.info("Timing out client: {peer}", peer=self.getPeer())
        code = h2.errors.ErrorCodes.PROTOCOL_ERROR if self.streams else h2.errors.ErrorCodes.NO_ERROR
        if self._stillProducing:
            self._close(code, lost())
        self._abort_later()

    def _abort_later(self) -> None:
        self.setTimeout(None)
        if self.abortTimeout is not None and self._abortingCall is None:
            self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)

    def forceAbortClient(self) -> None:
        """Cut the connection."""
        self._abortingCall = None
        self._log.info("Forcibly timing out client: {peer}", peer=self.getPeer())
        self.transport.abortConnection()  # type: ignore[attr-defined]

    def stream_failed(self, streamID: int) -> bool:
        """Report a failure of the program and end the stream that it is about; return whether it is about one.

        The other streams of the connection go on.
        """
        if not streamID:
            return False
        stream = self.streams.get(streamID)
        request = getattr(stream, "_request", None)
        report(Failure(), f"Error in stream {streamID} of HTTP/2", source="web", request=request)
        self.abortRequest(streamID)
        return True

    # --- Events ------------------------------------------------------------------------------------------------

    def _request_received(self, event: Any) -> None:
        streamID = event.stream_id
        if self._finishing:
            # Nothing of it was done, so the client may ask again elsewhere.
            self.conn.reset_stream(streamID, h2.errors.ErrorCodes.REFUSED_STREAM)
            return
        self.answers.begin(streamID)
        self._streamCleanupCallbacks[streamID] = Deferred()
        self._floods.updates_due += UPDATES_PER_FRAME
        try:
            self.streams[streamID] = H2Stream(
                streamID,
                self,
                event.headers,
                self.requestFactory,
                self.site,
                self.factory,
                has_body=event.stream_ended is None,
            )
        except (BadRequest, RequestBodyError) as error:
            self._log.debug("A request was refused: {error}", error=error, peer=self.getPeer())
            self._respondToBadRequestAndDisconnect(streamID, error.status, more=event.stream_ended is None)
        else:
            self.streams[streamID].begin()

    def _data_received(self, event: Any) -> None:
        if not event.data and event.stream_ended is None and not self._take_empty():
            return
        stream = self.streams.get(event.stream_id)
        if stream is None:
            self.unread.take(event.stream_id, event.flow_controlled_length)
        else:
            stream.receiveDataChunk(event.data, event.flow_controlled_length)

    def _trailers_received(self, event: Any) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.take_trailers(event.headers)

    def _stream_ended(self, event: Any) -> None:
        self.unread.ended(event.stream_id)
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.requestComplete()

    def _stream_reset(self, event: Any) -> None:
        self.unread.ended(event.stream_id)
        stream = self.streams.get(event.stream_id)
        if stream is not None:
            stream.connectionLost(lost())
        self._forget(event.stream_id)
        if not self._floods.take_reset():
            self._log.warn("{peer} resets too many requests; closing", peer=self.getPeer())
            self._close(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM, lost())

    def _window_updated(self, event: Any) -> None:
        if self._floods.updates_due:
            self._floods.updates_due -= 1
        elif not self._take_empty():
            return
        if event.stream_id == 0:
            for stream in list(self.streams.values()):
                stream.windowUpdated()
        elif event.stream_id in self.streams:
            self.streams[event.stream_id].windowUpdated()
        self.answers.send_later()

    def _connection_terminated(self, event: Any) -> None:
        if self.strict and self.streams and event.error_code == h2.errors.ErrorCodes.NO_ERROR:
            # The client begins nothing more, but wants what it has asked for (RFC 9113 section 6.8); to h2 this is the end.
            self.conn.state_machine.state = h2.connection.ConnectionState.SERVER_OPEN
            self.finish_and_close()
        else:
            self._end(lost())

    def _empty_frame(self, event: Any) -> None:
        self._take_empty()

    def _take_empty(self) -> bool:
        """Count a frame that carries nothing; close and return False when there are too many."""
        if self._floods.take_empty():
            return True
        self._log.warn("{peer} sends too many frames that carry nothing; closing", peer=self.getPeer())
        self._close(h2.errors.ErrorCodes.ENHANCE_YOUR_CALM, lost())
        return False

    def _settings_changed(self, event: Any) -> None:
        if self.conn.encoder.header_table_size > _MOST_REMEMBERED_BYTES:
            self.conn.encoder.header_table_size = _MOST_REMEMBERED_BYTES
        if self._take_empty():
            for stream in list(self.streams.values()):
                stream.windowUpdated()
            self.answers.send_later()

    # Names of Twisted's tests.
    @property
    def _resetTokens(self) -> float:
        return self._resetTokenBurst if self._floods.resets is None else self._floods.resets.left

    @property
    def _resetTokenTimestamp(self) -> float:
        return 0.0 if self._floods.resets is None else self._floods.resets.at

    @_resetTokenTimestamp.setter
    def _resetTokenTimestamp(self, moment: float) -> None:
        if self._floods.resets is not None:
            self._floods.resets.at = moment

    # --- What streams call -------------------------------------------------------------------------------------

    def writeHeaders(
        self,
        version: bytes,
        code: bytes,
        reason: bytes,
        headers: Iterable[tuple[bytes, bytes]],
        streamID: int,
    ) -> None:
        """Send the head of an answer.

        Args:
            headers: names in lower case.
        """
        self._send_headers(streamID, [(b":status", code), *headers])

    def _send_headers(
        self, streamID: int, headers: list[tuple[bytes, bytes]], end_stream: bool = False
    ) -> bool:
        try:
            self.conn.send_headers(streamID, headers, end_stream=end_stream)
        except h2.exceptions.StreamClosedError:
            return False  # the client has reset it; it will be told, or has been
        except h2.exceptions.ProtocolError:
            return False  # the connection is over
        self._write_control()
        return True

    def writeDataToStream(self, streamID: int, data: bytes) -> None:
        """Queue a piece of an answer."""
        self.answers.write(streamID, data)

    def endRequest(self, streamID: int) -> None:
        """Queue the end of an answer."""
        self.answers.end(streamID)

    def abortRequest(self, streamID: int) -> None:
        """Reset a stream, by whose code the client knows that the answer is not complete; soon the request is told, too."""
        stream = self.streams.get(streamID)
        self._reset(streamID, h2.errors.ErrorCodes.INTERNAL_ERROR)
        self._forget(streamID)
        if stream is not None:
            self.callLater(0, lambda: stream.connectionLost(lost()))

    def _reset(self, streamID: int, code: Any = h2.errors.ErrorCodes.NO_ERROR) -> None:
        self.unread.ended(streamID)
        try:
            self.conn.reset_stream(streamID, code)
        except h2.exceptions.ProtocolError:
            pass  # it is over already
        self._write_control()

    def openStreamWindow(self, streamID: int, increment: int) -> None:
        """Let the client send so much more of a body."""
        self.windows.acknowledge(streamID, increment)
        self._write_control()

    def seconds(self) -> float:
        """Return the time."""
        return float(self._reactor.seconds())

    def remainingOutboundWindow(self, streamID: int) -> int:
        """Return how many bytes the client still takes, those that wait taken off."""
        return self.answers.remaining_window(streamID)

    def _respondToBadRequestAndDisconnect(
        self, streamID: int, status: int = BAD_REQUEST, more: bool = False
    ) -> None:
        """Answer with a status and nothing more, in the place of the application.

        Args:
            more: whether a stream that is not known yet has more to come.
        """
        self._send_headers(streamID, [(b":status", b"%d" % status)], end_stream=True)
        stream = self.streams.get(streamID)
        if more or (stream is not None and stream.has_more):
            self.unread.begin(streamID)
            self.unread.answered(streamID)
        if stream is not None:
            stream.connectionLost(lost())
        self._forget(streamID)

    def _forget(self, streamID: int) -> None:
        """Be done with a stream, and tell who waits for that."""
        self.answers.forget(streamID)
        stream = self.streams.pop(streamID, None)
        if stream is not None:
            stream.drop_input()
        self.windows.wide.discard(streamID)
        done = self._streamCleanupCallbacks.pop(streamID, None)
        if done is not None:
            done.callback(streamID)
        if self._finishing:
            self.finish_and_close()

    # --- Sending -----------------------------------------------------------------------------------------------

    def _write_control(self) -> bool:
        """Write what h2 has made, or keep it while the transport is full; return False when that was too much."""
        data = self.conn.data_to_send()
        if not data:
            return True
        if self._consumerBlocked is None:
            self.transport.write(data)
            return True
        self._bufferedControlFrames.append(data)
        self._bufferedControlFrameBytes += len(data)
        if self._bufferedControlFrameBytes <= self._maxBufferedControlFrameBytes:
            return True
        self._log.error(
            "Maximum number of control frame bytes buffered: {bufferedControlFrameBytes} > "
            "{maxBufferedControlFrameBytes}. Aborting connection to {client}",
            bufferedControlFrameBytes=self._bufferedControlFrameBytes,
            maxBufferedControlFrameBytes=self._maxBufferedControlFrameBytes,
            client=self.getPeer(),
        )
        # Nothing more can be kept for this client, its good-bye included.
        self.transport.abortConnection()  # type: ignore[attr-defined]
        self.connectionLost(lost())
        return False

    # --- Back-pressure -----------------------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """Send no more for a while.  The transport calls this."""
        if self._consumerBlocked is None:
            self._consumerBlocked = Deferred()
            self.answers.pause()

    def resumeProducing(self) -> None:
        """Go on.  The transport calls this."""
        blocked, self._consumerBlocked = self._consumerBlocked, None
        self.answers.client_takes()
        while self._bufferedControlFrames and self._consumerBlocked is None:
            data = self._bufferedControlFrames.popleft()
            self._bufferedControlFrameBytes -= len(data)
            self.transport.write(data)
        if blocked is not None:
            blocked.callback(None)
        self.answers.send_later()

    def stopProducing(self) -> None:
        """End everything: the connection is lost.  The transport calls this."""
        self.connectionLost(lost())

    # --- Addresses ---------------------------------------------------------------------------------------------

    def getPeer(self) -> IAddress:
        """Return the address of the other side."""
        return self.transport.getPeer()

    def getHost(self) -> IAddress:
        """Return the address of this side."""
        return self.transport.getHost()

    def isSecure(self) -> bool:
        """Tell whether the connection is over TLS."""
        return ISSLTransport.providedBy(self.transport) or bool(getattr(self.transport, "TLS", False))


_HANDLERS = {
    h2.events.RequestReceived: H2Connection._request_received,
    h2.events.DataReceived: H2Connection._data_received,
    h2.events.TrailersReceived: H2Connection._trailers_received,
    h2.events.StreamEnded: H2Connection._stream_ended,
    h2.events.StreamReset: H2Connection._stream_reset,
    h2.events.WindowUpdated: H2Connection._window_updated,
    h2.events.ConnectionTerminated: H2Connection._connection_terminated,
    h2.events.RemoteSettingsChanged: H2Connection._settings_changed,
    h2.events.PingReceived: H2Connection._empty_frame,
    h2.events.PingAckReceived: H2Connection._empty_frame,
    h2.events.PriorityUpdated: H2Connection._empty_frame,
    h2.events.SettingsAcknowledged: H2Connection._empty_frame,
    h2.events.UnknownFrameReceived: H2Connection._empty_frame,
}
