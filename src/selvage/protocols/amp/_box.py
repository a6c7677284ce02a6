"""Boxes: key-value pairs, as bytes and back.  Floor 3; knows no connection.

A box is a row of pairs, each key and each value preceded by its length in 16 bits, and ends with a key of no length.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, Any

from selvage.protocols.amp._errors import MalformedAmpBox, TooLong

__all__ = [
    "ANSWER",
    "ASK",
    "COMMAND",
    "ERROR",
    "ERROR_CODE",
    "ERROR_DESCRIPTION",
    "MAX_KEY_LENGTH",
    "MAX_VALUE_LENGTH",
    "AmpBox",
    "QuitBox",
    "join_strings",
    "parse",
    "parseString",
    "split_strings",
]

#: Most bytes of a key: the high byte of its length is always zero, so that nobody mistakes text for a box.
MAX_KEY_LENGTH = 0xFF
#: Most bytes of a value.
MAX_VALUE_LENGTH = 0xFFFF

# The keys that make a box a command, an answer or an error.
ASK = b"_ask"
ANSWER = b"_answer"
COMMAND = b"_command"
ERROR = b"_error"
ERROR_CODE = b"_error_code"
ERROR_DESCRIPTION = b"_error_description"

_length = struct.Struct("!H")


class AmpBox(dict[Any, Any]):
    """A dictionary of bytes that can be sent; keys given as text when it is made become bytes."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for name in [name for name in self if isinstance(name, str)]:
            self[name.encode("ascii")] = self.pop(name)

    def copy(self) -> AmpBox:
        """Return another box of the same kind with the same pairs."""
        return type(self)(self)

    def serialize(self) -> bytes:
        """Return it as it goes over the wire, keys in order.

        Raises:
            TooLong: a key or a value is too long.
            TypeError: one of them is text.
        """
        pieces = []
        for key, value in sorted(self.items()):
            if isinstance(key, str) or isinstance(value, str):
                raise TypeError(f"keys and values of a box are bytes: {key!r}: {value!r}")
            if len(key) > MAX_KEY_LENGTH:
                raise TooLong(True, True, key)
            if len(value) > MAX_VALUE_LENGTH:
                raise TooLong(False, True, value, key)
            pieces += [_length.pack(len(key)), key, _length.pack(len(value)), value]
        return b"".join([*pieces, b"\0\0"])

    def _sendTo(self, proto: Any) -> None:
        """Send it; what kind of box it is decides what follows from that."""
        proto.sendBox(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict.__repr__(self)})"


class QuitBox(AmpBox):
    """The last box of a connection."""

    def _sendTo(self, proto: Any) -> None:
        super()._sendTo(proto)
        proto.transport.loseConnection()


def parse(fileObj: IO[bytes]) -> list[AmpBox]:
    """Read boxes from a file to its end; see `parseString`."""
    return parseString(fileObj.read())


def parseString(data: bytes) -> list[AmpBox]:
    """Read a row of boxes.

    Raises:
        MalformedAmpBox: the last one is not complete.
        TooLong: a key is longer than keys are.
    """
    boxes: list[AmpBox] = []
    box = AmpBox()
    strings = split_strings(data)
    for key in strings:
        if not key:
            boxes.append(box)
            box = AmpBox()
            continue
        if len(key) > MAX_KEY_LENGTH:
            raise TooLong(True, False, key)
        value = next(strings, None)
        if value is None:
            raise MalformedAmpBox(f"the key {key!r} has no value")
        box[key] = value
    if box:
        raise MalformedAmpBox(f"a box of {len(box)} pairs does not end")
    return boxes


def split_strings(data: bytes) -> Iterator[bytes]:
    """Yield strings that are each preceded by their length.

    Raises:
        MalformedAmpBox: the last one is not complete.
    """
    start, end = 0, len(data)
    while start < end:
        begin = start + _length.size
        stop = begin + _length.unpack_from(data, start)[0] if begin <= end else end + 1
        if stop > end:
            raise MalformedAmpBox(f"{end - start} bytes at the end are no string")
        yield data[begin:stop]
        start = stop


def join_strings(strings: list[bytes]) -> bytes:
    """Return what `split_strings` splits.

    Raises:
        TooLong: one of them is too long.
    """
    for string in strings:
        if len(string) > MAX_VALUE_LENGTH:
            raise TooLong(False, True, string)
    return b"".join(_length.pack(len(string)) + string for string in strings)
