"""HTTP/2: many requests on one connection.  Floor 4.

Frames, header compression, stream states and flow control are h2's; here is what becomes of them.

Theory of operation.  Each request is a stream.  A response is the same `Response` as one of HTTP/1.1, and its body comes
to it in the same way; what holds the server back is that the window of its stream is opened again only for what its
reader has taken.  Giving up a request resets its stream and nothing else.

What a hostile server may do is bounded: header lists by h2 (64 KiB), frames that bring nothing forward (settings, pings,
priorities, empty data) by `_IDLE_FRAMES`; pushes are off.

Source: RFC 9113; sections 5.1.2 (concurrency), 6.8 (GOAWAY), 8.1 (messages), 8.7 (what may be repeated).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import NoSuchStreamError, ProtocolError
from h2.settings import SettingCodes, Settings

from selvage.defer import CancelledError, Deferred, fail, maybeDeferred
from selvage.failure import Failure
from selvage.web._frame_lengths import FrameReader
from selvage.web._headers import Headers
from selvage.web._losses import _DataLoss
from selvage.web.client._errors import (
    ParseError,
    RequestGenerationFailed,
    RequestNotSent,
    ResponseFailed,
    ResponseNeverReceived,
)
from selvage.web.client._framing import CONNECTION_CONTROL
from selvage.web.client._request import _check_hosts
from selvage.web.client._response import Response
from selvage.web.interfaces import UNKNOWN_LENGTH

__all__ = ["HTTP2Client"]

#: Octets that the server may send of all responses, and of one, before it has to wait for their readers.
_CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024
_STREAM_WINDOW_BYTES = 1024 * 1024
#: Octets of a request's body that wait for the server before its producer is paused.
_HIGH_WATER_BYTES = 64 * 1024
#: Octets of a header list, uncompressed; as of HTTP/1.1.
_HEADER_LIST_BYTES = 64 * 1024
#: Requests at once, however many the server would take; nginx and Apache take 128 and 100.
_STREAMS = 100
#: Frames in a row that bring no request forward.  An honest server sends a handful of them.
_IDLE_FRAMES = 1000

_NOT_IN_HTTP2 = frozenset({name.lower() for name in CONNECTION_CONTROL} | {b"host"})

_VERSION = (b"HTTP", 2, 0)


class _Stream:
    """One request and its response: the response's transport, and the consumer of the request's body."""

    disconnecting = False

    def __init__(self, client: HTTP2Client, number: int, request: Any) -> None:
        self._client = client
        self.number = number
        self.request = request
        self.answered: Deferred[Any] = Deferred(self._cancelled)
        self.response: Response | None = None
        self.writing: Deferred[Any] | None = None
        self._producer: Any = None
        self._is_producer_paused = False
        self._is_paused = False
        self._unread = 0  # octets that the server may not send again yet
        self._unsent: list[bytes] = []
        self._waiting = 0  # octets of these
        self._is_written = False  # whether the producer is done
        self.is_sent = request.bodyProducer is None  # whether the server has all of it

    def _cancelled(self, _: Deferred[Any]) -> None:
        self._client.reset(self, Failure(CancelledError()))

    # The transport of the response.

    def pauseProducing(self) -> None:
        """Hold the server back, this response alone."""
        self._is_paused = True

    def resumeProducing(self) -> None:
        """Let the server go on."""
        self._is_paused = False
        unread, self._unread = self._unread, 0
        if unread:
            self._client.acknowledge(self, unread)

    def stopProducing(self) -> None:
        """Give the response up."""
        self.abortConnection()

    def loseConnection(self) -> None:
        """Give the response up; the connection stays."""
        self.abortConnection()

    def abortConnection(self) -> None:
        """Give the response up; the connection stays."""
        self._client.reset(self, Failure(CancelledError()))

    def received(self, data: bytes, size: int) -> None:
        """Take a piece of the body; `size` octets of the window went for it."""
        response = self.response
        if response is None:
            raise ParseError("the server sent a body before its header", b"")
        self._unread += size
        if data:
            response._bodyDataReceived(data)
        if not self._is_paused and response._state != "INITIAL":
            self.resumeProducing()

    # The consumer of the request's body.

    def start_body(self) -> None:
        """Let the producer begin."""
        self.writing = maybeDeferred(self.request.bodyProducer.startProducing, self)
        self.writing.addCallbacks(self._written, self._not_written)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Do nothing: it is the request's own producer."""

    def unregisterProducer(self) -> None:
        """Do nothing."""

    def write(self, data: bytes) -> None:
        """Send a piece, as far as the server has room for it; for nobody when the request is over."""
        if self.number not in self._client.streams:
            return
        self._unsent.append(data)
        self._waiting += len(data)
        self.flush()

    def _written(self, _: Any) -> None:
        self._is_written = True
        if self.number in self._client.streams:
            self.flush()

    def _not_written(self, failure: Failure) -> None:
        if self.number in self._client.streams:
            self._client.reset(self, Failure(RequestGenerationFailed([failure])), as_it_is=True)

    def flush(self) -> None:
        """Send what the windows allow; pause or resume the producer by what is left."""
        try:
            self._send(self._client.wire)
        except NoSuchStreamError:
            return  # reset in the same breath; the event that says so is yet to come
        self._client.send()
        self._pace()

    def _send(self, wire: H2Connection) -> None:
        while self._unsent:
            room = min(wire.local_flow_control_window(self.number), wire.max_outbound_frame_size)
            if room <= 0:
                break
            data = self._unsent[0]
            piece = data[:room]
            wire.send_data(self.number, piece)
            self._waiting -= len(piece)
            if len(piece) == len(data):
                self._unsent.pop(0)
            else:
                self._unsent[0] = data[room:]
        if not self._unsent and self._is_written and not self.is_sent:
            self.is_sent = True
            wire.end_stream(self.number)

    def _pace(self) -> None:
        if self._waiting > _HIGH_WATER_BYTES and not self._is_producer_paused:
            self._is_producer_paused = True
            self.request.bodyProducer.pauseProducing()
        elif self._waiting <= _HIGH_WATER_BYTES // 2 and self._is_producer_paused:
            self._is_producer_paused = False
            self.request.bodyProducer.resumeProducing()

    def stop_writing(self) -> None:
        """Have the producer stop, if it has not written all."""
        if self.writing is not None and not self.writing.called:
            self.request.stopWriting()

    def fail(self, failure: Failure, as_it_is: bool = False) -> None:
        """Tell whoever waits that no more will come."""
        self.stop_writing()
        response = self.response
        if response is not None:
            if response._state in ("INITIAL", "CONNECTED"):
                reasons = [failure, Failure(_DataLoss("the stream ended before the body did"))]
                response._bodyDataFinished(Failure(ResponseFailed(reasons, response)))
        elif not self.answered.called:
            self.answered.errback(failure if as_it_is else Failure(ResponseNeverReceived([failure])))


class HTTP2Client:
    """The client's side of a connection that speaks HTTP/2.

    Args:
        transport: with TLS, on which "h2" was agreed.
        free: called each time that there is room for another request.
    """

    def __init__(self, transport: Any, free: Callable[[], object]) -> None:
        self._transport = transport
        self._free = free
        self.streams: dict[int, _Stream] = {}
        self._idle_frames = 0
        self._is_closing = False
        configuration = H2Configuration(client_side=True, header_encoding=None)
        self.wire = H2Connection(configuration)
        self._reader = FrameReader(self.wire)
        # Replaced rather than updated: what is updated counts, and is sent, only once the server has agreed.
        self.wire.local_settings = Settings(
            client=True,
            initial_values={
                SettingCodes.ENABLE_PUSH: 0,
                SettingCodes.INITIAL_WINDOW_SIZE: _STREAM_WINDOW_BYTES,
                SettingCodes.MAX_HEADER_LIST_SIZE: _HEADER_LIST_BYTES,
            },
        )
        self.wire.initiate_connection()
        self.wire.increment_flow_control_window(_CONNECTION_WINDOW_BYTES)
        self.send()

    @property
    def has_room(self) -> bool:
        """Whether another request may be sent."""
        limit: int = min(self.wire.remote_settings.max_concurrent_streams, _STREAMS)
        return not self._is_closing and len(self.streams) < limit

    @property
    def is_over(self) -> bool:
        """Whether no other request may ever be sent."""
        return self._is_closing

    def send(self) -> None:
        """Hand what h2 has to say to the transport."""
        data = self.wire.data_to_send()
        if data:
            self._transport.write(data)

    def request(self, request: Any) -> Deferred[Any]:
        """Send a request; as `HTTP11ClientProtocol.request`."""
        if not self.has_room:
            return fail(RequestNotSent("the connection has no room for a request"))
        number = self.wire.get_next_available_stream_id()
        stream = _Stream(self, number, request)
        try:
            self.wire.send_headers(number, _header_list(request), end_stream=stream.is_sent)
        except Exception:
            self._free()
            return fail(RequestGenerationFailed([Failure()]))
        self.streams[number] = stream
        self.send()
        if request.bodyProducer is not None:
            stream.start_body()
        return stream.answered

    def acknowledge(self, stream: _Stream, size: int) -> None:
        """Let the server send as much again."""
        try:
            self.wire.acknowledge_received_data(size, stream.number)
        except ProtocolError:
            return  # the stream is over, and the connection's window was opened when it ended
        self.send()

    def reset(self, stream: _Stream, reason: Failure, as_it_is: bool = False) -> None:
        """Give one request up."""
        if self.streams.pop(stream.number, None) is None:
            return
        self._cancel(stream)
        stream.fail(reason, as_it_is)
        self._leave(stream)

    def _cancel(self, stream: _Stream) -> None:
        """Tell the server that a stream is over."""
        try:
            self.wire.reset_stream(stream.number, ErrorCodes.CANCEL)
            self.send()
        except ProtocolError:
            pass  # over already

    def _leave(self, stream: _Stream) -> None:
        """Open the connection's window for what nobody has read, and let somebody else have the room."""
        unread, stream._unread = stream._unread, 0
        if unread:
            self.wire.increment_flow_control_window(unread)
            self.send()
        self._free()

    # --- What comes in ---------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Take what the server sent."""
        try:
            events = self._reader.receive(data)
            for event in events:
                self._happened(event)
        except (ProtocolError, ParseError, ValueError) as error:
            self.send()  # GOAWAY, with the reason
            self._transport.loseConnection()
            broken = ParseError(f"the server broke the rules of HTTP/2 ({error})", b"")
            self.lost(Failure(broken))
            return
        self.send()

    def _happened(self, event: Any) -> None:
        if isinstance(event, ResponseReceived):
            self._idle_frames = 0
            self._answered(event)
            return
        stream = self.streams.get(getattr(event, "stream_id", 0))
        if isinstance(event, DataReceived):
            self._idle_frames = 0 if event.data else self._idle_frames + 1
            if stream is not None:
                stream.received(event.data, event.flow_controlled_length)
            else:
                # Given up: its octets count for the connection all the same.
                self.wire.increment_flow_control_window(event.flow_controlled_length or 1)
        elif isinstance(event, StreamEnded):
            self._ended(stream)
        elif isinstance(event, StreamReset):
            self._reset_by_server(stream, event)
        elif isinstance(event, TrailersReceived):
            if stream is not None and stream.response is not None:
                stream.response._trailers = list(event.headers)
        elif isinstance(event, ConnectionTerminated):
            self._terminated(event)
        else:
            self._idle_frames += 1
            if isinstance(event, WindowUpdated):
                self._flush(stream)
            elif isinstance(event, RemoteSettingsChanged):
                self._flush(None)
                self._free()
        if self._idle_frames > _IDLE_FRAMES:
            raise ParseError(f"{_IDLE_FRAMES} frames in a row bring nothing", b"")

    def _flush(self, stream: _Stream | None) -> None:
        for each in [stream] if stream is not None else list(self.streams.values()):
            if each._unsent:
                each.flush()

    def _answered(self, event: Any) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is None or stream.response is not None:
            return
        fields = [(name, value) for name, value in event.headers if not name.startswith(b":")]
        code = int(dict(event.headers)[b":status"])
        headers = Headers._of_wire(fields)
        length: Any = UNKNOWN_LENGTH
        if stream.request.method != b"HEAD":
            lengths = headers._rawHeaders.pop(b"Content-Length", None)
            if lengths is not None:
                length = int(lengths[0])
        response = Response(_VERSION, code, b"", headers, stream)
        response.request = stream.request
        response.length = length
        stream.response = response
        stream.answered.callback(response)

    def _ended(self, stream: _Stream | None) -> None:
        if stream is None:
            return
        del self.streams[stream.number]
        stream.stop_writing()
        if not stream.is_sent:
            # Answered before it was sent; what the server does not want any more would keep the stream open for ever.
            self._cancel(stream)
        self._leave(stream)
        if stream.response is not None:
            stream.response._bodyDataFinished()

    def _reset_by_server(self, stream: _Stream | None, event: Any) -> None:
        self._idle_frames += 1
        if stream is None or self.streams.pop(stream.number, None) is None:
            return
        name = getattr(event.error_code, "name", event.error_code)
        if event.error_code == ErrorCodes.REFUSED_STREAM:
            # It was not looked at, so it may be sent again: section 8.7.
            stream.fail(Failure(RequestNotSent("the server refused the stream")), as_it_is=True)
        else:
            stream.fail(Failure(ParseError(f"the server gave the request up ({name})", b"")))
        self._leave(stream)

    def _terminated(self, event: Any) -> None:
        """Send no more requests; those that the server has not looked at may be sent elsewhere."""
        self._is_closing = True
        for number, stream in list(self.streams.items()):
            if number > event.last_stream_id:
                del self.streams[number]
                stream.fail(Failure(RequestNotSent("the server closes the connection")), as_it_is=True)
        if not self.streams:
            self._transport.loseConnection()

    def lost(self, reason: Failure) -> None:
        """Know that the connection is over."""
        self._is_closing = True
        streams, self.streams = self.streams, {}
        for stream in streams.values():
            stream.fail(reason)


def _header_list(request: Any) -> list[tuple[bytes, bytes]]:
    """Return what HTTP/2 has in place of a request line and a header.

    Raises: as `Request.writeTo`.
    """
    request._check_line()
    hosts = request.headers.getRawHeaders(b"host", ())
    _check_hosts(len(hosts))
    fields = [
        (b":method", request.method),
        (b":scheme", b"https"),
        (b":authority", hosts[0]),
        (b":path", request.uri),
    ]
    for name, values in request.headers.getAllRawHeaders():
        lower = name.lower()
        if lower not in _NOT_IN_HTTP2:
            fields.extend((lower, value) for value in values)
    producer = request.bodyProducer
    if producer is not None and producer.length != UNKNOWN_LENGTH:
        fields.append((b"content-length", b"%d" % producer.length))
    return fields
