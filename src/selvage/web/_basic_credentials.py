"""Name and password as a browser sends them.  Floor 4; no I/O."""

from __future__ import annotations

import base64

__all__ = ["basic_credentials"]


def basic_credentials(authorization: bytes) -> tuple[bytes, bytes]:
    """Return name and password of basic authentication; both are empty when there is none, or none that can be read.

    Args:
        authorization: the value of the header, as the client sent it.
    """
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return b"", b""
    try:
        name, colon, password = base64.b64decode(encoded).partition(b":")
    except ValueError:
        return b"", b""
    return (name, password) if colon else (b"", b"")
