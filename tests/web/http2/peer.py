"""A client of HTTP/2 that knows no rules: raw frames in, raw frames out, with HPACK's and hyperframe's help only."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import hpack
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
)

from tests.web.serving import Later, Server

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Types, flags and codes of RFC 9113 sections 6 and 7, by number: frames that hyperframe would not make are made by hand.
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, WITH_PRIORITY = 0x4, 0x8, 0x20

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = 5, 6, 7, 8, 9
ENHANCE_YOUR_CALM = 11

GET = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"a")]
POST = [(b":method", b"POST"), *GET[1:]]


def frame(
    kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"", length: int | None = None
) -> bytes:
    """Return any frame, right or wrong."""
    size = len(payload) if length is None else length
    return struct.pack("!BHBBL", size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def settings(*pairs: tuple[int, int]) -> bytes:
    return frame(SETTINGS, payload=b"".join(struct.pack("!HL", code, value) for code, value in pairs))


def window_update(stream: int, increment: int) -> bytes:
    return frame(WINDOW_UPDATE, 0, stream, struct.pack("!L", increment))


def reset(stream: int, code: int = CANCEL) -> bytes:
    return frame(RST_STREAM, 0, stream, struct.pack("!L", code))


def data(stream: int, content: bytes = b"", flags: int = 0) -> bytes:
    return frame(DATA, flags, stream, content)


def frames_in(sent: bytes) -> list[Frame]:
    """Return the frames that bytes consist of."""
    found = []
    while sent:
        one, length = Frame.parse_frame_header(memoryview(sent)[:9])
        one.parse_body(memoryview(sent)[9 : 9 + length])
        found.append(one)
        sent = sent[9 + length :]
    return found


class Peer:
    """The other side of one connection to a site, its beginning done.

    Args:
        resource: the root, as of `Server`.
        preface: what is sent first.
        options: for `Site`.
    """

    def __init__(
        self, resource: Any = None, preface: bytes = PREFACE + frame(SETTINGS), **options: Any
    ) -> None:
        self.server = Server(resource, **options)
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.greeting = self.send(preface)

    def block(self, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Return a header block."""
        return self.encoder.encode(list(fields))

    def headers(
        self, stream: int, fields: Iterable[tuple[bytes, bytes]] = GET, flags: int = END_STREAM | END_HEADERS
    ) -> bytes:
        return frame(HEADERS, flags, stream, self.block(fields))

    def send(self, *frames: bytes) -> list[Frame]:
        """Send bytes, as one segment, and return the frames that came back."""
        self.server.transport.clear()
        self.server.protocol.dataReceived(b"".join(frames))
        return self.heard()

    def heard(self) -> list[Frame]:
        """Return the frames that were sent since the last call."""
        for _ in range(20):
            self.server.clock.advance(0)
        sent = self.server.answered()
        self.server.transport.clear()
        return frames_in(sent)

    @property
    def closing(self) -> bool:
        return self.server.closing

    @property
    def seen(self) -> list[tuple[bytes, bytes, bytes]]:
        return self.server.seen

    def is_alive(self) -> bool:
        """Tell whether the connection answers a ping."""
        acks = [one for one in self.send(frame(PING, payload=b"are you?")) if one.type == PING]
        return not self.closing and [(one.opaque_data, "ACK" in one.flags) for one in acks] == [
            (b"are you?", True)
        ]

    def answers(self, frames: Iterable[Frame], stream: int = 1) -> list[tuple[int, bytes]]:
        """Return status and body of the answers on a stream that have ended."""
        status, body, found = 0, b"", []
        for one in frames:
            if isinstance(one, HeadersFrame):
                fields = dict(self.decoder.decode(one.data, raw=True))
                if one.stream_id == stream:
                    status = int(fields[b":status"])
            elif isinstance(one, DataFrame) and one.stream_id == stream:
                body += one.data
            if one.stream_id == stream and "END_STREAM" in one.flags:
                found.append((status, body))
        return found


def waiting() -> Peer:
    """Return a peer of a site that leaves every request unanswered."""
    return Peer(Later())


def goaway(frames: Iterable[Frame]) -> list[int]:
    """Return the codes of the good-byes among frames."""
    return [one.error_code for one in frames if isinstance(one, GoAwayFrame)]


def resets(frames: Iterable[Frame]) -> list[tuple[int, int]]:
    """Return stream and code of the resets among frames."""
    return [(one.stream_id, one.error_code) for one in frames if isinstance(one, RstStreamFrame)]


def of_kind(frames: Iterable[Frame], kind: type[Frame]) -> list[Frame]:
    return [one for one in frames if isinstance(one, kind)]
