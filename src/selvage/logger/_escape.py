"""Keeping what comes from elsewhere from posing as the log.  Floor 1.

What fills a field may come from a peer. Written as it is, a line end in it begins a line that looks like an event of its
own, and control characters move the cursor of the terminal on which somebody reads the log, or worse. So text output
shows such characters by their escapes. A format is the program's own, and so are the line ends in it.
"""

from __future__ import annotations

import re

__all__ = ["as_field", "as_lines"]

# C0 and C1 controls and DEL; what turns the direction of writing or ends a line in Unicode's eyes; halves of surrogate
# pairs, which no file would take.
_REST = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"

_IN_LINES = re.compile(f"[{_REST}]")
_IN_FIELD = re.compile(f"[\t\n{_REST}]")

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def as_field(text: str) -> str:
    """Return `text` on one line, with every character that does more than stand there escaped."""
    # What is printable in Unicode's eyes is so in ours; most text is, and the answer costs next to nothing.
    return text if text.isprintable() else _IN_FIELD.sub(_escape, text)


def as_lines(text: str) -> str:
    """Return `text` escaped like `as_field` does it, but for its line ends and tabs."""
    return text if text.isprintable() else _IN_LINES.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    short = _SHORT.get(character)
    if short is not None:
        return short
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
