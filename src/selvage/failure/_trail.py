"""The way of a failure through Deferreds and their callbacks, noted on its exception in debug mode.  Floor 0.

A traceback tells which functions were calling each other. It cannot tell where a Deferred was made, where a callback was
added or who fired it: those calls have ended long before. In debug mode `selvage.defer` notes them here, on the exception
itself, so that the way goes on when a coroutine raises the exception again. A step is a dictionary of plain values, since
exceptions are pickled with what they carry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["TRAIL", "Place", "forget", "note", "steps_of"]

#: A function, its file, the line.
Place = tuple[str, str, int]

#: The attribute.
TRAIL = "__selvage_trail__"

# Steps kept of one exception: the first and the last of them. One that is raised again and again must not grow.
_FIRST = 10
_STEPS = 50

# Past any __setattr__ or __dict__ of the user's class.
_own_dict: Callable[[BaseException], dict[str, Any]] = BaseException.__dict__["__dict__"].__get__


def note(
    error: object,
    event: str,
    callback: str = "",
    *,
    added: Place | None,
    made: Place | None,
    fired: Place | None,
) -> None:
    """Note one step.

    Args:
        event: "fired" if a Deferred was fired with it, "raised" if a callback raised it, "passed" if a callback got it and
            passed it on.
        callback: the name of the function.
        added, made, fired: where the callback was added to the Deferred, where that was made and first fired.
    """
    if not isinstance(error, BaseException):
        return
    steps: list[dict[str, Any]] = _own_dict(error).setdefault(TRAIL, [])
    steps.append({"event": event, "callback": callback, "added": added, "made": made, "fired": fired})
    if len(steps) > _STEPS:
        del steps[_FIRST]


def forget(error: object) -> None:
    """Begin anew, with the next step."""
    if isinstance(error, BaseException):
        _own_dict(error).pop(TRAIL, None)


def steps_of(error: object) -> list[dict[str, Any]]:
    """Give the steps noted so far, oldest first."""
    if not isinstance(error, BaseException):
        return []
    return list(_own_dict(error).get(TRAIL, ()))
