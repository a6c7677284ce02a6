"""Text from elsewhere, for terminals and logs.  Floor 0."""

from __future__ import annotations

import re

__all__ = ["printable"]

# What a terminal, or whoever reads a log line by line, would act upon rather than show: control characters but for tab
# and newline, other ends of line, and what turns the direction of writing. And what no encoding can write: halves of
# surrogate pairs.
_UNPRINTABLE = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]"
)


def printable(text: str) -> str:
    """Return `text` with what could take over a terminal escaped; for text that may come from a peer."""
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
