"""A real traceback from records of frames that were left in another process.  Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Any

__all__ = ["real_traceback"]


def real_traceback(frames: Sequence[Sequence[Any]]) -> TracebackType | None:
    """Return a traceback that shows these frames, for an exception to carry on its way through this process.

    Args:
        frames: records `(function, filename, line, ...)`, outermost first.
    """
    traceback: TracebackType | None = None
    for function, filename, line, *_ in reversed(frames):
        frame = _frame(function, filename, max(line, 1))
        # No instruction, so that nobody looks for columns to underline: they would be those of our stand-in.
        traceback = TracebackType(traceback, frame, -1, line)
    return traceback


def _frame(function: str, filename: str, line: int) -> FrameType:
    """Return a frame that has ended, of a function of this name and place."""
    code = compile("raise_it()", filename, "exec").replace(co_name=function, co_firstlineno=line)

    def raise_it() -> None:
        raise StopIteration

    try:
        exec(code, {"raise_it": raise_it})
    except StopIteration as error:
        entry = error.__traceback__
        while entry is not None:
            if entry.tb_frame.f_code is code:
                return entry.tb_frame
            entry = entry.tb_next
    raise AssertionError("the frame was not found")
