"""What a pool and its workers say to one another: pickles with their length before them.  Floor 3.

Both ends are this program on this machine, over pipes that nobody else has, so pickles are as safe as the program.
Knows no pipes and no processes.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Sequence
from typing import Any

from selvage.failure import Failure

__all__ = ["LENGTH", "Message", "NotSendable", "pack", "pack_outcome"]

#: The length of the pickle that follows, in octets.
LENGTH = struct.Struct("!Q")


class NotSendable(TypeError):
    """A function, an argument or a result cannot be sent to another process, because it cannot be pickled."""


def pack(message: Any) -> bytes:
    """Return a message as octets.

    Raises:
        NotSendable: it cannot be pickled.
    """
    try:
        text = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise NotSendable(
            f"{message!r} cannot be sent to another process: {error}; functions have to be importable by name, so no "
            "lambdas and none defined within another function"
        ) from error
    return LENGTH.pack(len(text)) + text


def pack_outcome(succeeded: bool, outcome: Any) -> bytes:
    """Return what became of a call as octets: a result that cannot be sent is a failure, and a failure can always be."""
    try:
        return pack((succeeded, outcome))
    except NotSendable:
        return pack((False, Failure()))


class Message:
    """Puts one message together from the pieces in which it comes."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Sequence[Any]:
        """Add a piece; returns the message in a list of one when it is complete, else nothing.

        Raises:
            Exception: whatever unpickling it raises.
        """
        self._data += data
        start = LENGTH.size
        if len(self._data) < start:
            return ()
        (length,) = LENGTH.unpack_from(self._data)
        if len(self._data) < start + length:
            return ()
        text = bytes(self._data[start : start + length])
        del self._data[: start + length]
        return (pickle.loads(text),)
