"""Refusing frames of HTTP/2 that are too long where they begin.  Floor 4; no I/O.

h2 looks at the length of a frame when all of it is there: who announces 16 MiB has that much kept, for every connection.
"""

from __future__ import annotations

from typing import Any

import h2.errors
from h2.exceptions import FrameTooLargeError

__all__ = ["PREFACE_BYTES", "FrameReader"]

#: What a client says before its first frame (RFC 9113 section 3.4), in bytes.
PREFACE_BYTES = 24

# The head of a frame begins with three bytes of length and is nine bytes long (RFC 9113 section 4.1).
_LENGTH_BYTES, _HEAD_BYTES = 3, 9


class FrameReader:
    """Feeds an h2 connection, as long as no frame is longer than it allows.

    Args:
        wire: the `h2.connection.H2Connection`.
        preface: bytes before the first frame.
    """

    __slots__ = ("_begun", "_skip", "_wire")

    def __init__(self, wire: Any, preface: int = 0) -> None:
        self._wire = wire
        self._skip = preface  # bytes until the next frame begins
        self._begun = b""  # the first bytes of its length

    def receive(self, data: bytes) -> Any:
        """Take input, and return the events in it.

        Raises:
            h2.exceptions.ProtocolError: the other side broke the rules; what h2 has to say to that waits to be sent.
        """
        allowed = self._wire.max_inbound_frame_size
        ahead = self._begun + data if self._begun else data
        at, size = self._skip, len(ahead)
        while at + _LENGTH_BYTES <= size:
            length = ahead[at] << 16 | ahead[at + 1] << 8 | ahead[at + 2]
            if length > allowed:
                # What is wrong before it is said first, however the input was cut.
                self._wire.receive_data(data[: max(at - len(self._begun), 0)])
                self._wire.close_connection(h2.errors.ErrorCodes.FRAME_SIZE_ERROR)
                raise FrameTooLargeError(f"a frame of {length} bytes begins, and {allowed} are allowed")
            at += _HEAD_BYTES + length
        self._begun, self._skip = (ahead[at:], 0) if at < size else (b"", at - size)
        return self._wire.receive_data(data)
