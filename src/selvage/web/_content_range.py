"""The header Content-Range, read.  Floor 4; no I/O."""

from __future__ import annotations

import re

__all__ = ["parseContentRange"]

# RFC 9110 section 14.4:    Content-Range = range-unit SP ( first-pos "-" last-pos "/" ( complete-length / "*" ) )
_content_range = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+|\*)", re.ASCII).fullmatch


def parseContentRange(header: str | bytes) -> tuple[int, int, int | None]:
    """Return first and last byte of the part, and the length of the whole, None when it is not known.

    Raises:
        ValueError: it does not say that.
    """
    text = header.decode("latin-1") if isinstance(header, bytes) else header
    found = _content_range(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a range of bytes")
    length = None if found[3] == "*" else int(found[3])
    return int(found[1]), int(found[2]), length
