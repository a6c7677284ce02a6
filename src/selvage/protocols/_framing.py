"""From bytes to frames and back: lines, length-prefixed strings, netstrings.  Floor 3.

Nothing here knows a socket, a clock, a Deferred or a log: bytes go in, frames come out, and what is incomplete is kept.
`selvage.protocols.basic` puts protocols over it.

How the work stays proportional to the bytes.  A segment that ends on a frame's end is cut without being copied into
any buffer.  What is left of a frame is kept as it is and joined with the next segment, once.  Only a frame that comes
in many pieces is collected in a `bytearray`, which grows in place; a search for a delimiter begins where the last one
ended, and a frame of known length is not looked at before enough bytes are there.

How it costs no call per frame.  One call cuts a whole segment (lines by one `bytes.split`) and hands out the list's own
iterator.  Whoever wants the bytes back that were cut but not delivered yet, because the protocol changed to raw mode
or was paused, takes them from the same iterator, and the loop that was running over it ends by itself.  The rows
"lines" and "frames" of benchmarks/ show what it is worth.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from copy import copy
from functools import lru_cache
from itertools import repeat

__all__ = [
    "FrameBuffer",
    "LineBuffer",
    "NetstringBuffer",
    "NetstringParseError",
    "encode_netstring",
    "length_codec",
]

#: Lines or strings that are cut from a buffer at once.  A protocol that changes its mind after one (raw mode, another
#: delimiter, a pause) has the others put back, so this bounds what such a change costs.
FRAMES_AT_ONCE = 64


class NetstringParseError(ValueError):
    """The peer sent something that is no netstring, or one that is too long."""


class _CutBuffer:
    """What buffers share that cut a stream into frames.

    The bytes in them are, in this order: frames that are cut and wait for delivery, then the tail, which is not cut yet.
    """

    __slots__ = ("_batch", "_tail", "_waiting", "busy", "unsettled")

    def __init__(self) -> None:
        #: For the user of this buffer: a delivery is going on.
        self.busy = False
        #: The tail may have complete frames in it.
        self.unsettled = False
        # Where `cut` left off: the frames, and the bytes after them.
        self._waiting: Iterator[bytes] = iter(())
        self._tail: bytes | bytearray = b""
        self._batch = FRAMES_AT_ONCE

    def add(self, data: bytes) -> None:
        """Append `data` without looking at it."""
        if data:
            tail = self._tail
            if not tail:
                self._tail = data
            elif isinstance(tail, bytearray):
                tail += data
            else:
                self._tail = bytearray(tail)
                self._tail += data
            self.unsettled = True

    def recall(self) -> None:
        """Put the frames that were cut and not delivered back before the tail; whoever iterates over them ends."""
        self._tail = self.take()
        self.unsettled = True
        # Somebody changes his mind after every frame, perhaps: cut no more than that at first.
        self._batch = 1

    def take(self) -> bytes:
        """Give out every byte that was not delivered and be empty; whoever iterates over frames ends."""
        raise NotImplementedError


class LineBuffer(_CutBuffer):
    """Cuts a stream into lines."""

    __slots__ = ("_delimiter", "_searched", "closed", "overlong")

    def __init__(self) -> None:
        super().__init__()
        #: For the user of this buffer: the transport that a hook has closed; nothing more is delivered from it.
        self.closed: object = None
        #: The bytes after the lines last cut are a line that is too long, or the beginning of one.
        self.overlong = False
        #: What the lines that wait were cut by.
        self._delimiter = b""
        #: How many bytes of the tail are known not to begin `_delimiter`; less than all only while it is collected.
        self._searched = 0

    def cut(self, data: bytes, delimiter: bytes, limit: int) -> Iterator[bytes]:
        """Add `data` and give out the complete lines, delimiters removed.

        Args:
            data: what arrived; may be empty.
            delimiter: at least one byte.
            limit: no line is longer than this many bytes, the delimiter not counted.

        Returns: an iterator over the lines, or the first of them; lines that are not taken from it stay in this
            buffer.  Afterwards `overlong` says whether a line that is too long comes next (all of it that is known is
            what `take` returns after the lines were delivered), and `unsettled` whether there may be more lines.
        """
        if self._tail:
            data = self._join(data, delimiter, limit)
        batch = self._batch
        lines = data.split(delimiter, batch)
        tail = lines.pop()
        self.unsettled = unsettled = len(lines) == batch
        if batch != FRAMES_AT_ONCE:
            self._batch = min(2 * batch, FRAMES_AT_ONCE)
        if len(data) > limit:
            if lines and max(map(len, lines)) > limit:
                first = next(index for index, line in enumerate(lines) if len(line) > limit)
                tail = delimiter.join((*lines[first:], tail))
                del lines[first:]
                self.overlong = True
            elif not unsettled and len(tail) >= limit + len(delimiter):
                # Not even a delimiter that has begun could end this line in time.
                self.overlong = True
        if tail:
            self._tail = tail
        self._delimiter = delimiter
        waiting = self._waiting = iter(lines)
        return waiting

    def _join(self, data: bytes, delimiter: bytes, limit: int) -> bytes:
        """Return tail and `data` as one if there is a delimiter in them; else keep both and return nothing."""
        tail = self._tail
        if delimiter not in data:
            if self.unsettled or self._delimiter != delimiter:
                self._searched = 0
            if not isinstance(tail, bytearray):
                tail = self._tail = bytearray(tail)
            tail += data
            # A delimiter may have begun before the end of what was searched.
            if tail.find(delimiter, max(0, self._searched - len(delimiter) + 1)) < 0:
                self._searched = len(tail)
                self.overlong = len(tail) >= limit + len(delimiter)
                return b""
            data = b""
        self._searched = 0
        self._tail = b""
        return b"".join((tail, data))

    def take(self) -> bytes:
        """Give out every byte that was not delivered and be empty; whoever iterates over lines ends."""
        rest = self._delimiter.join((*self._waiting, self._tail))
        self._tail = b""
        self._searched = 0
        self.unsettled = self.overlong = False
        return rest

    def peek(self) -> bytes:
        """Return every byte that was not delivered."""
        return self._delimiter.join((*copy(self._waiting), self._tail))


@lru_cache(maxsize=64)
def length_codec(format: str, prefix_length: int) -> struct.Struct:
    """Return what reads and writes a length prefix.

    Args:
        format: of the `struct` module, for one integer.  A signed one is read as unsigned: no length is negative.
        prefix_length: how many bytes the prefix has.

    Raises:
        ValueError: the two do not agree.
    """
    codec = struct.Struct(format)
    if codec.size != prefix_length:
        raise ValueError(
            f"structFormat {format!r} describes {codec.size} bytes, but prefixLength is {prefix_length}"
        )
    (all_ones,) = codec.unpack(b"\xff" * codec.size)
    return codec if all_ones >= 0 else struct.Struct(format.upper())


class FrameBuffer(_CutBuffer):
    """Cuts a stream into strings that are preceded by their length."""

    __slots__ = ("_codec", "_needed", "excess", "refused")

    def __init__(self) -> None:
        super().__init__()
        #: For the user of this buffer: nothing of the peer's is looked at any more.
        self.refused = False
        #: The length that was announced for the string after those last cut, if it is too long.
        self.excess: int | None = None
        self._codec: struct.Struct | None = None
        #: So many bytes have to be there before it is worth looking at the tail again.
        self._needed = 0

    def cut(self, data: bytes, codec: struct.Struct, limit: int) -> Iterator[bytes]:
        """Add `data` and give out the complete strings, their lengths removed.

        Args:
            data: what arrived; may be empty.
            codec: of the length, from `length_codec`.
            limit: no string is longer than this many bytes.

        Returns: an iterator over the strings, or the first of them; strings that are not taken from it stay in this
            buffer.  Afterwards `excess` and `unsettled` say what comes next.
        """
        if self._tail:
            data = self._join(data)
        strings: list[bytes] = []
        keep = strings.append
        unpack = codec.unpack_from
        prefix = codec.size
        size = len(data)
        start = 0
        batch = self._batch
        self.unsettled = False
        for _ in repeat(None, batch):
            begin = start + prefix
            if begin > size:
                needed = prefix
                break
            (length,) = unpack(data, start)
            if length > limit:
                self.excess = length
                needed = 0
                break
            end = begin + length
            if end > size:
                needed = prefix + length
                break
            keep(data[begin:end])
            start = end
        else:
            needed = 0
            self.unsettled = True
        if batch != FRAMES_AT_ONCE:
            self._batch = min(2 * batch, FRAMES_AT_ONCE)
        if start < size:
            self._tail = data[start:]
            self._needed = needed
        self._codec = codec
        waiting = self._waiting = iter(strings)
        return waiting

    def _join(self, data: bytes) -> bytes:
        """Return tail and `data` as one if they can be a whole string; else keep both and return nothing."""
        tail = self._tail
        if not self.unsettled and len(tail) + len(data) < self._needed:
            if not isinstance(tail, bytearray):
                tail = self._tail = bytearray(tail)
            tail += data
            return b""
        self._tail = b""
        return b"".join((tail, data))

    def take(self) -> bytes:
        """Give out every byte that was not delivered and be empty; whoever iterates over strings ends."""
        rest = self._encode(self._waiting)
        self._tail = b""
        self.unsettled = False
        self.excess = None
        return rest

    def peek(self) -> bytes:
        """Return every byte that was not delivered."""
        return self._encode(copy(self._waiting))

    def _encode(self, strings: Iterator[bytes]) -> bytes:
        """Return `strings` with their lengths, and the tail."""
        codec = self._codec
        if codec is None:
            return bytes(self._tail)
        pieces: list[bytes | bytearray] = []
        for string in strings:
            pieces.append(codec.pack(len(string)))
            pieces.append(string)
        pieces.append(self._tail)
        return b"".join(pieces)


class NetstringBuffer:
    """Cuts a stream into netstrings.

    Source: D. J. Bernstein, "Netstrings" (1997): the length in ASCII digits without leading zeros, a colon, the
    bytes, a comma.
    """

    __slots__ = ("_data", "_held", "_needed", "_offset")

    def __init__(self) -> None:
        # What is being cut, and how far; then what waits for more bytes, and how many it waits for at least.
        self._data = b""
        self._offset = 0
        self._held = bytearray()
        self._needed = 0

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        if self._offset < len(self._data):
            self._data = self._data[self._offset :] + data
        elif self._held:
            self._held += data
            if len(self._held) < self._needed:
                return
            self._data = bytes(self._held)
            self._held.clear()
        else:
            self._data = data
        self._offset = 0

    def take(self) -> bytes:
        """Give out every byte that was not delivered and be empty."""
        rest = self._data[self._offset :] + bytes(self._held)
        self._data = b""
        self._offset = self._needed = 0
        self._held.clear()
        return rest

    def next_string(self, limit: int) -> bytes | None:
        """Give out the next string, or None when its end is not there yet.

        Args:
            limit: no string is longer than this many bytes.

        Raises:
            NetstringParseError: what comes next is no netstring; the buffer is of no use any more.
        """
        data = self._data
        start = self._offset
        if start >= len(data):
            return None
        begin, length = _netstring_length(data, start, limit)
        end = begin + length
        if length < 0 or end >= len(data):
            self._needed = 0 if length < 0 else end + 1 - start
            self._held += data[start:]
            self._data = b""
            self._offset = 0
            return None
        if data[end] != _COMMA:
            raise NetstringParseError(f"A netstring of {length} bytes is not followed by a comma")
        self._offset = end + 1
        return data[begin:end]


_COMMA = ord(",")


def _netstring_length(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """Read the length of the netstring at `start`: where its bytes begin and how many they are.

    Returns: a length of -1 when the colon is not there yet.

    Raises:
        NetstringParseError: these bytes begin no netstring of at most `limit` bytes.
    """
    most_digits = len(str(limit))
    colon = data.find(b":", start, start + most_digits + 1)
    digits = data[start:colon] if colon >= 0 else data[start : start + most_digits + 1]
    # bytes.isdigit is true for ASCII digits only.
    if not digits.isdigit() or (digits[:1] == b"0" and len(digits) > 1):
        raise NetstringParseError(f"A netstring does not begin with a length: {digits!r}")
    length = int(digits)
    if length > limit:
        raise NetstringParseError(
            f"A netstring of {length} or more bytes is longer than the maximum of {limit}"
        )
    return (colon + 1, length) if colon >= 0 else (start, -1)


def encode_netstring(string: bytes) -> bytes:
    """Return `string` as a netstring."""
    return b"%d:%b," % (len(string), string)
