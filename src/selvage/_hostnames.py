"""Host names: what can be one, and their two spellings, text for people and ASCII for the wire.  Floor 1.

Names come from strangers (a URL in a page, a header, a mail address), so their length is looked at before anything whose
cost grows with it: IDNA libraries have been slow on purpose-made input (CVE-2024-3651).

Source: RFC 5891 (IDNA 2008) where the package `idna` is installed; it refuses what look-alike attacks use.  Else the
standard library's codec, which is RFC 3490 (IDNA 2003).  RFC 1035 section 2.3.4 has the limits.
"""

from __future__ import annotations

import re

__all__ = ["MAX_LABEL_LENGTH", "MAX_NAME_LENGTH", "_idnaBytes", "_idnaText", "ascii_name", "shortened"]

#: Characters of a whole name, without the dot that may end it: 255 octets on the wire, less the first label's length and
#: the root.  No spelling with other letters is longer than its ASCII one.
MAX_NAME_LENGTH = 253
#: Characters between two dots: the wire has six bits for that number.
MAX_LABEL_LENGTH = 63

# Characters of a name that a message shows: a whole label and a bit; longer ones are long on purpose.
_SHOWN = 80

# Underscores and whatever else networks have in their names are for the resolver to judge.  These end a name where C reads
# it, or a line where a log is read.
_NOT_IN_NAMES = re.compile(r"[\x00-\x20\x7f]")

# RFC 3490 section 3.1: what people type for a dot.
_DOTS = re.compile("[.\u3002\uff0e\uff61]")


def shortened(name: object) -> str:
    """Return a host name as messages show it, whoever sent it."""
    text = repr(name) if isinstance(name, str | bytes) else f"<{type(name).__qualname__}>"
    if len(text) <= _SHOWN + 2:
        return text
    return f"{text[:_SHOWN]}...{text[-1]} ({len(name)} long)"  # type: ignore[arg-type]


def ascii_name(name: str) -> str:
    """Return a host name as resolvers take it: international labels encoded, everything else as it is.

    Args:
        name: text in either spelling; of any length, at any cost to nobody.

    Raises:
        UnicodeError: it cannot be a host name; the message says why, without the name.
    """
    _check_length(name)
    if not name.isascii():
        name = ".".join([_encoded(label) for label in _DOTS.split(name)])
        _check_length(name)
    if found := _NOT_IN_NAMES.search(name):
        raise UnicodeError(f"a host name cannot have {found[0]!r} in it")
    for label in name.removesuffix(".").split("."):
        if not label:
            raise UnicodeError("a part of it between two dots is empty")
        if len(label) > MAX_LABEL_LENGTH:
            raise UnicodeError(
                f"a part of it between two dots has {len(label)} characters, and {MAX_LABEL_LENGTH} is the most"
            )
    return name


def _check_length(name: str | bytes) -> None:
    length = len(name) - (name[-1:] in (".", b"."))
    if length > MAX_NAME_LENGTH:
        raise UnicodeError(f"it has {length} characters, and {MAX_NAME_LENGTH} is the most of a host name")


def _encoded(label: str) -> str:
    if label.isascii():
        return label
    try:
        import idna
    except ImportError:
        return label.encode("idna").decode("ascii")
    # uts46: capitals and full-width letters mean what a person means by them, as in browsers.
    return idna.encode(label, uts46=True).decode("ascii")


def _idnaBytes(text: str) -> bytes:
    """Return a host name as it goes over the wire.

    Raises:
        UnicodeError: it cannot be one.
    """
    _check_length(text)
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
    _check_length(octets)
    try:
        import idna
    except ImportError:
        return octets.decode("idna")
    return idna.decode(octets)
