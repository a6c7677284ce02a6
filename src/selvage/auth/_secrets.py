"""Comparing what must not be guessed.  Floor 4."""

from __future__ import annotations

from hmac import compare_digest

__all__ = ["same_secret"]


def same_secret(one: object, other: object) -> bool:
    """Tell whether two passwords or digests are equal, in a time that tells nothing of where they differ.

    Text stands for its UTF-8, so that a checker may keep passwords as text: what comes off the wire is bytes.
    """
    left, right = _octets(one), _octets(other)
    if left is None or right is None:
        return one == other
    return compare_digest(left, right)


def _octets(value: object) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else None
