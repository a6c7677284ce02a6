"""What trial's parts have in common: the janitor, folders for tests, and small helpers.  Beside the floors.

Twisted: `twisted.trial.util`, which is this very module in the wing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TextIO, TypeVar

from selvage._publish import publish
from selvage.failure import Failure

# Those with an underscore are here for programs that import them by Twisted's names.
from ._folders import (
    NoTrialMarker as _NoTrialMarker,  # noqa: F401
    WorkingDirectoryBusy as _WorkingDirectoryBusy,  # noqa: F401
    remove_safely as _removeSafely,  # noqa: F401
    unused_test_directory as _unusedTestDirectory,  # noqa: F401
)
from ._janitor import DirtyReactorAggregateError, Janitor as _Janitor  # noqa: F401
from ._warnings import suppress

__all__ = [
    "DEFAULT_TIMEOUT",
    "DEFAULT_TIMEOUT_DURATION",
    "DirtyReactorAggregateError",
    "acquireAttribute",
    "excInfoOrFailureToExcInfo",
    "openTestLog",
    "profiled",
    "suppress",
]

_T = TypeVar("_T")
_P = ParamSpec("_P")

#: For those who ask whether a test has a time limit of its own.
DEFAULT_TIMEOUT = object()

#: Seconds that a test may take which says nothing itself (attribute `timeout`); Twisted's number.
DEFAULT_TIMEOUT_DURATION = 120.0

_DEFAULT = object()


def acquireAttribute(objects: Iterable[Any], attr: str, default: Any = _DEFAULT) -> Any:
    """Return the attribute of the first object that has it.

    Raises:
        AttributeError: none has, and there is no `default`.
    """
    for each in objects:
        if hasattr(each, attr):
            return getattr(each, attr)
    if default is not _DEFAULT:
        return default
    raise AttributeError(f"attribute {attr!r} not found in {objects!r}")


def excInfoOrFailureToExcInfo(err: Any) -> Any:
    """Return what `sys.exc_info` would give, of a Failure; anything else as it is."""
    if isinstance(err, Failure):
        return (err.type, err.value, err.getTracebackObject())
    return err


def profiled(f: Callable[_P, _T], outputFile: str) -> Callable[_P, _T]:
    """Return a function that runs `f` under Python's profiler and writes the figures to a file."""

    def run(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        from cProfile import Profile

        profile = Profile()
        result = profile.runcall(f, *args, **kwargs)
        profile.dump_stats(outputFile)
        return result

    return run


def openTestLog(path: Any) -> TextIO:
    """Open a log file, to add to it.

    Args:
        path: a path, or an object like Twisted's `FilePath` with the attribute `path`.
    """
    name = os.fspath(getattr(path, "path", path))
    folder = os.path.dirname(name)
    if folder:
        os.makedirs(folder, exist_ok=True)
    # The lines of the log end as the system has it; what is written has characters of every kind.
    return open(name, "a", encoding="utf-8", errors="strict")


def _listToPhrase(things: Any, finalDelimiter: str, delimiter: str = ", ") -> str:
    """Return "a, b, and c" of a list.

    Raises:
        TypeError: `things` is neither list nor tuple.
    """
    if not isinstance(things, list | tuple):
        raise TypeError("Things must be a list or a tuple")
    words = [str(thing) for thing in things]
    if len(words) < 3:
        return f" {finalDelimiter} ".join(words)
    return f"{delimiter.join(words[:-1])}{delimiter}{finalDelimiter} {words[-1]}"


publish(globals())
