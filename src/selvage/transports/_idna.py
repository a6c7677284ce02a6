"""Host names between their two spellings: text that people read, and the ASCII that goes over the wire.  Floor 2.

Source: RFC 5891 (IDNA 2008) where the package `idna` is installed; it refuses what look-alike attacks use.  Else the
standard library's codec, which is RFC 3490 (IDNA 2003).
"""

from __future__ import annotations

__all__ = ["_idnaBytes", "_idnaText"]


def _idnaBytes(text: str) -> bytes:
    """Return a host name as it goes over the wire.

    Raises:
        UnicodeError: it cannot be one.
    """
    try:
        import idna
    except ImportError:
        return text.encode("idna")
    return idna.encode(text)


def _idnaText(octets: bytes) -> str:
    """Return a host name as people read it.

    Raises:
        UnicodeError: these bytes are none.
    """
    try:
        import idna
    except ImportError:
        return octets.decode("idna")
    return idna.decode(octets)
