"""Reports for terminals and logs, where others than the program have a say in what is shown.  Floor 0.

What an exception says of itself may come from a peer, and what a terminal gets it acts upon. So control characters are
escaped, in file names and source lines too; notes and the lines of a message after its first are indented, and cannot
pass for lines of the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from selvage.failure._failure import Failure
from selvage.failure._layout import GUARDED, plain
from selvage.failure._printable import printable
from selvage.failure._render import is_plain, render_plain
from selvage.failure._story import Story
from selvage.failure._styled import styled

if TYPE_CHECKING:
    from selvage.failure._locals import Locals

__all__ = ["printable_traceback", "to_terminal"]

# The codes of ECMA-48 for these words (Select Graphic Rendition).
_CODES = {"bold": "1", "dim": "2", "italic": "3", "red": "31", "yellow": "33", "blue": "34", "cyan": "36"}
_RESET = "\x1b[0m"


def printable_traceback(failure: Failure) -> str:
    """Return the traceback of `failure` for a terminal or a log, without colour."""
    message = failure.getErrorMessage()
    if type(failure).printTraceback is not Failure.printTraceback:
        # A subclass prints in a way of its own.
        text = failure.getTraceback()
        return printable(text.replace(message, message.replace("\n", "\n    ")) if "\n" in message else text)
    if "\n" in message or not is_plain(failure):
        return printable(plain(Story.of(failure), GUARDED))
    return printable(render_plain(failure))


def to_terminal(
    failure: Story | BaseException,
    *,
    color: bool = True,
    carets: bool = True,
    locals: Locals | bool = False,
    machinery: bool = False,
) -> str:
    """Give the report of a failure for a person at a terminal: with colour, carets, and the source around the failure.

    Args:
        failure: a Failure, another exception, or its story.
        color: False leaves out the codes for colour.
        carets, locals, machinery: as `Story.of` has them.
    """
    story = Story.of(failure, carets=carets, locals=locals, machinery=machinery)
    parts: list[str] = []
    for line in styled(story):
        for text, style in line:
            codes = ";".join([_CODES[word] for word in style.split()]) if color else ""
            parts.append(f"\x1b[{codes}m{text}{_RESET}" if codes and text else text)
        parts.append("\n")
    return "".join(parts)
