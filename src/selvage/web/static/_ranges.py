"""Which parts of a file a client asks for.  Floor 4; knows no files and no requests.

Source: RFC 9110 section 14.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["MAX_RANGES", "Range", "parse_range_header", "satisfiable"]

#: Ranges that one request may ask for.  Readers of PDF and players of films ask for a few; with many, small or one above
#: the other, an answer costs more than the whole file (CVE-2011-3192).
MAX_RANGES = 32

#: First and last byte, either of which may be open: `(None, 5)` is the last five bytes.
Range = tuple[int | None, int | None]

# Digits of ASCII only: int() takes those of all scripts, signs and underscores.
_match_range = re.compile(rb"([0-9]*)[ \t]*-[ \t]*([0-9]*)").fullmatch

_WHITE = b" \t\r\n"


def parse_range_header(value: bytes) -> list[Range]:
    """Parse the value of a Range header.

    Raises:
        ValueError: it is malformed, of another unit, or asks for too many ranges.
    """
    unit, equals, ranges = value.partition(b"=")
    if not equals or unit.strip(_WHITE) != b"bytes":
        raise ValueError(f"{value!r} is no Range header with the unit bytes")
    found: list[Range] = []
    for part in ranges.split(b","):
        part = part.strip(_WHITE)
        if not part:
            continue
        match = _match_range(part)
        if match is None or not (match[1] or match[2]):
            raise ValueError(f"{part!r} in a Range header is no range")
        first = int(match[1]) if match[1] else None
        last = int(match[2]) if match[2] else None
        if first is not None and last is not None and last < first:
            raise ValueError(f"the range {part!r} ends before it begins")
        found.append((first, last))
        if len(found) > MAX_RANGES:
            raise ValueError(f"a Range header asks for more than {MAX_RANGES} ranges")
    if not found:
        raise ValueError(f"{value!r} is a Range header without ranges")
    return found


def satisfiable(wanted: Range, size: int) -> tuple[int, int] | None:
    """Return offset and length of a range within a file of `size` bytes, None when no byte of it is there."""
    first, last = wanted
    if first is None:
        assert last is not None
        first = max(0, size - last)
        last = size - 1
    elif last is None or last >= size:
        last = size - 1
    return (first, last - first + 1) if first <= last else None


def costs_more_than_all(parts: Sequence[tuple[int, int]], size: int) -> bool:
    """Tell whether some parts are together larger than the file: they overlap, and the file itself is the better answer."""
    return sum(length for _, length in parts) > size
