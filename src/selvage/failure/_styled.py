"""A report as pieces of printable text in styles.  Floor 0."""

from __future__ import annotations

from collections.abc import Iterator

from selvage.failure._layout import Form, Line, lines_of
from selvage.failure._printable import printable
from selvage.failure._story import Story

__all__ = ["styled"]

# How each style of `_layout` looks, in the words of the rich library.
_STYLES = {
    "border": "dim",
    "caret": "bold red",
    "code": "",
    "context": "dim",
    "file": "cyan",
    "function": "bold",
    "head": "dim",
    "line": "cyan",
    "link": "italic",
    "message": "red",
    "name": "blue",
    "note": "yellow",
    "type": "bold red",
    "value": "dim",
}

# Lines of source before and after the one that failed: enough to see the condition or the loop that it is in.
_CONTEXT = 2


def styled(story: Story) -> Iterator[Line]:
    """Give the lines of a report as pieces of printable text with styles in the words of rich."""
    for line in lines_of(story, Form(guarded=True, context=_CONTEXT)):
        yield [(printable(text), _STYLES.get(style, "")) for text, style in line]
