"""Frames by hand, as no library would make them, and a program that notes what it is told."""

from __future__ import annotations

import struct
import zlib

from selvage.failure import Failure

TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
MASK = b"\x37\xfa\x21\x3d"


def masked(data: bytes, mask: bytes = MASK) -> bytes:
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = MASK
) -> bytes:
    """Return one frame; of a client unless `mask` is None."""
    first = (fin << 7) | (rsv << 4) | opcode
    masks = 0x80 if mask is not None else 0
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, masks | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, masks | 126, size)
    else:
        head = struct.pack("!BBQ", first, masks | 127, size)
    return head + (payload if mask is None else mask + masked(payload, mask))


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def deflated(data: bytes) -> bytes:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


def frames_of(data: bytes) -> list[tuple[int, bytes]]:
    """Take the frames of a server apart: opcode and payload of each."""
    found = []
    while data:
        size, at = data[1], 2
        assert size < 128, "a server does not mask"
        if size == 126:
            size, at = struct.unpack("!H", data[2:4])[0], 4
        elif size == 127:
            size, at = struct.unpack("!Q", data[2:10])[0], 10
        found.append((data[0] & 15, data[at : at + size]))
        data = data[at + size :]
    return found


def close_code(payload: bytes) -> int:
    return int(struct.unpack("!H", payload[:2])[0])


class Program:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.lost: Failure | None = None

    def negotiationStarted(self, transport):
        self.transport = transport
        self.told.append("started")

    def negotiationFinished(self):
        self.told.append("finished")

    def textMessageReceived(self, message):
        self.told.append(message)

    bytesMessageReceived = pongReceived = textMessageReceived

    def connectionLost(self, reason):
        assert self.lost is None
        self.lost = reason
