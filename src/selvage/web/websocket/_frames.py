"""Frames become messages, and messages frames.  Floor 4; knows no socket, clock or Deferred.

wsproto has the frames (masks, lengths, opcodes, UTF-8, close codes); here messages are put together, within limits.

Source: RFC 6455.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from wsproto import events
from wsproto.connection import CLIENT, SERVER, Connection, ConnectionState

from selvage.web.websocket._deflate import BoundedDeflate

__all__ = [
    "MAX_FRAGMENTS",
    "MAX_MESSAGE_BYTES",
    "MESSAGE_TOO_BIG",
    "Closed",
    "Frames",
    "Ping",
    "Pong",
    "Violation",
]

#: Bytes of one message, inflated, that a peer may send: as much as aiohttp's, four times as much as websockets'.
MAX_MESSAGE_BYTES = 4 << 20

#: Frames that one message may come in: one in the smallest piece that is still reasonable to send, 64 bytes.
MAX_FRAGMENTS = 65_536

#: Status codes of RFC 6455 section 7.4.1.
NORMAL_CLOSURE = 1000
GOING_AWAY = 1001
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011


@dataclass(slots=True)
class Ping:
    """The peer wants to know whether this side is there."""

    payload: bytes


@dataclass(slots=True)
class Pong:
    """The peer is there."""

    payload: bytes


@dataclass(slots=True)
class Closed:
    """The peer closes, or answers that this side does."""

    code: int
    reason: str


@dataclass(slots=True)
class Violation:
    """The peer broke the rules; nothing that comes after it means anything."""

    code: int
    reason: str


class Frames:
    """One side of a connection.

    Args:
        is_client: which side.
        deflate: the extension, if it was negotiated.
        max_message_bytes: of one message.
        max_fragments: frames of one message.
    """

    def __init__(
        self,
        is_client: bool,
        deflate: BoundedDeflate | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        max_fragments: int = MAX_FRAGMENTS,
    ) -> None:
        self._connection = Connection(CLIENT if is_client else SERVER, [deflate] if deflate else [])
        self._max_message_bytes = max_message_bytes
        self._max_fragments = max_fragments
        self._is_over = False
        # The message that is coming in: text, bytes, or neither.
        self._text: StringIO | None = None
        self._bytes: bytearray | None = None
        self._size = 0
        self._fragments = 0

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._connection.state is ConnectionState.OPEN

    def receive(self, data: bytes) -> Iterator[str | bytes | Ping | Pong | Closed | Violation]:
        """Yield what some bytes complete: messages as str and bytes, and what control frames say.

        After `Closed` and `Violation` nothing more comes.
        """
        if self._is_over:
            return
        self._connection.receive_data(data)
        try:
            for event in self._connection.events():
                if isinstance(event, events.TextMessage):
                    message: str | bytes | None = self._add_text(event)
                elif isinstance(event, events.BytesMessage):
                    message = self._add_bytes(event)
                elif isinstance(event, events.Ping):
                    yield Ping(bytes(event.payload))
                    continue
                elif isinstance(event, events.Pong):
                    yield Pong(bytes(event.payload))
                    continue
                elif isinstance(event, events.CloseConnection):
                    yield self._end(int(event.code), event.reason or "")
                    return
                else:
                    continue
                if message is not None:
                    yield message
        except _Excess as excess:
            self._is_over = True
            yield Violation(MESSAGE_TOO_BIG, str(excess))

    def _end(self, code: int, reason: str) -> Closed | Violation:
        """Tell apart what wsproto tells in the same words: the peer closes, or what it sent cannot be read."""
        self._is_over = True
        by_peer = self._connection.state in (ConnectionState.REMOTE_CLOSING, ConnectionState.CLOSED)
        return Closed(code, reason) if by_peer else Violation(code, reason)

    def _count(self, size: int, ends_frame: bool) -> None:
        self._size += size
        if self._size > self._max_message_bytes:
            raise _Excess(f"a message of more than {self._max_message_bytes} bytes")
        self._fragments += ends_frame
        if self._fragments > self._max_fragments:
            raise _Excess(f"a message in more than {self._max_fragments} frames")

    def _add_text(self, event: events.TextMessage) -> str | None:
        data = event.data
        self._count(len(data) if data.isascii() else len(data.encode()), event.frame_finished)
        if self._text is None:
            if event.message_finished:
                self._size = self._fragments = 0
                return data
            self._text = StringIO()
        self._text.write(data)
        if not event.message_finished:
            return None
        text, self._text = self._text.getvalue(), None
        self._size = self._fragments = 0
        return text

    def _add_bytes(self, event: events.BytesMessage) -> bytes | None:
        self._count(len(event.data), event.frame_finished)
        if self._bytes is None:
            if event.message_finished:
                self._size = self._fragments = 0
                return bytes(event.data)
            self._bytes = bytearray()
        self._bytes += event.data
        if not event.message_finished:
            return None
        data, self._bytes = bytes(self._bytes), None
        self._size = self._fragments = 0
        return data

    def text(self, text: str) -> bytes:
        """Return the frame of a text message."""
        return self._connection.send(events.TextMessage(data=text))

    def binary(self, data: bytes) -> bytes:
        """Return the frame of a binary message."""
        return self._connection.send(events.BytesMessage(data=data))

    def ping(self, payload: bytes) -> bytes:
        """Return the frame of a ping."""
        return self._connection.send(events.Ping(payload=payload))

    def pong(self, payload: bytes) -> bytes:
        """Return the frame of a pong."""
        return self._connection.send(events.Pong(payload=payload))

    def close(self, code: int, reason: str = "") -> bytes:
        """Return the frame that closes, or answers that the peer does."""
        return self._connection.send(events.CloseConnection(code=code, reason=reason))

    @property
    def may_close(self) -> bool:
        """Whether a closing frame can still be sent."""
        return self._connection.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING)


class _Excess(Exception):
    """A message goes beyond a limit."""
