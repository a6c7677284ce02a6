"""What may be given to a transport's `write`, and what is said of anything else.  Floor 2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["BYTES_LIKE", "bytes_to_write", "join_to_write", "not_bytes"]

#: What is bytes, or can be copied into bytes.
BYTES_LIKE = (bytes, bytearray, memoryview)


def join_to_write(pieces: Iterable[Any]) -> bytes:
    """Return what was given to a `writeSequence` as bytes.

    Raises:
        TypeError: one of the pieces is not bytes.
    """
    try:
        return b"".join(pieces)
    except TypeError:
        error = TypeError("Data must be bytes")
        error.add_note("transport.writeSequence() takes bytes: encode text first, as in data.encode('utf-8')")
        raise error from None


def bytes_to_write(data: Any) -> bytes:
    """Return what was given to a `write` as bytes; a buffer that may change is copied.

    Raises:
        TypeError: it is a str, or anything else that is not bytes.
    """
    if isinstance(data, BYTES_LIKE):
        return bytes(data)
    raise not_bytes(data)


def not_bytes(data: object) -> TypeError:
    """Return the error for a `write` of something else than bytes, with the fix where it is known."""
    if isinstance(data, str):
        return TypeError(
            "transport.write() takes bytes, not str: encode it first, as in data.encode('utf-8')"
        )
    return TypeError(f"transport.write() takes bytes, not {type(data).__name__}")
