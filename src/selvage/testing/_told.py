"""What is said of connections and tasks that a test leaves: whose they are, where they wait, and in debug mode where they were made."""

from __future__ import annotations

import os
import sys
from itertools import takewhile
from linecache import getline
from traceback import format_list
from typing import Any

import selvage
from selvage.defer._graph import suspended
from selvage.interfaces import IListeningPort
from selvage.testing._addresses import shown

__all__ = ["connection_told", "is_connection", "note_coroutines", "task_told", "where_made"]

# Calls noted of the stack on which a coroutine is made: it is made by who wants it, and that is near.
_CALLS_NOTED = 20

# Where the frames lie of those who call a test, and of what it calls: they say nothing about it.
_OURS = (os.path.dirname(selvage.__file__) + os.sep,)
_RUNNERS = (
    *(f"{os.sep}{name}{os.sep}" for name in ("_pytest", "pluggy")),
    os.path.join(*_OURS, "testing", "trial", ""),
)


def note_coroutines() -> None:
    """Have the interpreter note from now on where coroutines are made: that is where a task's work was begun."""
    sys.set_coroutine_origin_tracking_depth(_CALLS_NOTED)


def is_connection(thing: Any) -> bool:
    """Tell whether something that the reactor watches is a connection."""
    return hasattr(thing, "abortConnection")


def connection_told(connection: Any) -> str:
    """Say whose a connection is, and between which addresses; empty where it cannot say."""
    protocol = getattr(connection, "protocol", None)
    owner = getattr(connection, "_owner", None)
    factory = getattr(protocol, "factory", None) or getattr(owner, "factory", None)
    whose = type(protocol).__qualname__ if protocol is not None else "no protocol yet"
    of = type(factory).__qualname__ if factory is not None else "_"
    of = "" if of.startswith("_") else f" of {of}"  # one of an endpoint is nobody's
    try:
        return f"{whose}{of}, {shown(connection.getHost())} to {shown(connection.getPeer())}"
    except Exception:  # it is not open yet, or any more
        return ""


def task_told(task: Any) -> str:
    """Say what a task is, and where the coroutines wait that it runs, where they are more than the one it tells itself."""
    _, places = suspended(task.get_coro())
    lines = [f'\n  at File "{file}", line {line}, in {function}' for function, file, line in places]
    return repr(task) + "".join(lines if len(lines) > 1 else [])


def where_made(thing: Any) -> tuple[str, list[str]]:
    """Tell where something was made, as far as the test has to do with it.

    Returns: of what it is told, empty for the thing itself; and the lines of the stack, as of `traceback`, innermost first:
        none where nobody noted it, and none of Selvage and of who runs the test unless there are no others.
    """
    of, frames = _frames_of(thing)
    in_test = takewhile(lambda frame: not _is_of(frame, _RUNNERS), frames)
    return of, [each for each in in_test if not _is_of(each, _OURS)] or frames


def _frames_of(thing: Any) -> tuple[str, list[str]]:
    if hasattr(thing, "get_coro"):
        origin = getattr(thing.get_coro(), "cr_origin", None) or ()
        return "", format_list([(file, line, name, getline(file, line)) for file, line, name in origin])
    creator = getattr(thing, "creator", None)
    if creator is not None:
        return "", list(reversed(creator))
    owner = getattr(thing, "_owner", None)
    of = "its port" if IListeningPort.providedBy(owner) else ""
    return of, list(reversed(getattr(owner, "creator", None) or ()))


def _is_of(frame: str, folders: tuple[str, ...]) -> bool:
    return any(folder in frame for folder in folders)
