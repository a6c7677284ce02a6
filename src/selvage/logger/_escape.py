"""Keeping what comes from elsewhere from posing as the log.  Floor 1.

What fills a field may come from a peer. Written as it is, a line end in it begins a line that looks like an event of its
own, and control characters move the cursor of the terminal on which somebody reads the log, or worse. So text output
shows such characters by their escapes. A format is the program's own, and so are the line ends in it.
"""

from __future__ import annotations

from selvage.failure import printable

__all__ = ["as_field", "as_lines"]


def as_field(text: str) -> str:
    """Return `text` on one line, with every character that does more than stand there escaped."""
    # What is printable in Unicode's eyes is so in ours; most text is, and the answer costs next to nothing.
    if text.isprintable():
        return text
    return printable(text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t"))


def as_lines(text: str) -> str:
    """Return `text` escaped like `as_field` does it, but for its line ends and tabs."""
    return text if text.isprintable() else printable(text)
