"""What is shown of a failure's traceback: the program's frames, not those of who ran the test or checked.  Beside the floors."""

from __future__ import annotations

import os
import unittest
from collections.abc import Sequence
from copy import copy
from typing import Any

from selvage.failure import Failure

from ._outcomes import FailTest

__all__ = ["formatted", "trimmed"]

#: Folders with the code that runs tests and makes assertions: trial's and the standard library's.
_OWN = (os.path.dirname(os.path.abspath(__file__)) + os.sep, os.path.dirname(unittest.__file__) + os.sep)

_DETAILS = {"plain": "default", "cgitb": "verbose"}


def _is_own(frame: Any) -> bool:
    try:
        return str(frame[1]).startswith(_OWN)
    except (TypeError, IndexError):
        return False


def trimmed(frames: Sequence[Any]) -> list[Any]:
    """Leave out the frames at both ends that are not the program's, unless there are no others."""
    first, last = 0, len(frames)
    while last > first and _is_own(frames[last - 1]):
        last -= 1
    while first < last and _is_own(frames[first]):
        first += 1
    return list(frames[first:last] or frames)


def formatted(failure: Failure, detail: str) -> str:
    """Return the traceback of a failure.

    Args:
        detail: "default", "brief", "verbose" or "emacs".
    """
    frames = failure.frames
    shown = trimmed(frames)
    if failure.check(FailTest) and all(map(_is_own, frames)):
        shown = []  # of an assertion that a Deferred called
    if detail == "emacs":
        places = "".join(f"{file}:{line}:{function}\n" for function, file, line, *_ in shown)
        return f"{places}{failure.type.__module__}.{failure.type.__qualname__}: {failure.getErrorMessage()}\n"
    if len(shown) != len(frames):
        failure = copy(failure)
        failure.frames = shown
    return failure.getTraceback(detail=_DETAILS.get(detail, detail))
