"""The folder in which tests run: `_trial_temp`, or `_trial_temp-1` where that is in use.  Beside the floors."""

from __future__ import annotations

import os
from itertools import count
from random import randrange
from typing import Any

from selvage.paths import FilePath
from selvage.reactor import FilesystemLock

__all__ = ["CannotBegin", "NoTrialMarker", "WorkingDirectoryBusy", "remove_safely", "unused_test_directory"]

#: A file of this name says that a folder is trial's, and may be removed.
_MARKER = "_trial_marker"


class CannotBegin(Exception):
    """No test can be run: what the run needs around it cannot be had.  Its text is for who has called trial."""


class NoTrialMarker(CannotBegin):
    """A folder is not trial's, so it is not removed."""


class WorkingDirectoryBusy(CannotBegin):
    """Another run of trial is using the folder that was asked for."""


def remove_safely(path: Any) -> None:
    """Remove a folder that is trial's; where that cannot be done give it another name.

    Args:
        path: a `FilePath`, or an object with its attribute `path` and its methods `remove` and `moveTo`.

    Raises:
        NoTrialMarker: the folder is not trial's.
    """
    name = os.fsdecode(path.path)
    if not os.path.exists(os.path.join(name, _MARKER)):
        raise NoTrialMarker(
            f"{name!r} is not a folder that trial has made (there is no file {_MARKER} in it), so it is not removed: "
            "remove it yourself, or choose another with --temp-directory"
        )
    try:
        path.remove()
    except OSError as error:
        print(f"could not remove {path!r}, caught OSError: {error}")
        other = f"_trial_temp_old{randrange(1_000_000)}"
        path.moveTo(type(path)(os.path.join(os.path.dirname(name), other)))


def unused_test_directory(base: Any, exact: bool = False) -> tuple[FilePath[str], FilesystemLock]:
    """Make an empty folder that nobody else is using.

    Args:
        base: its path, or a `FilePath`; a number is added where it is in use.
        exact: no number is added.

    Returns:
        The folder, a `FilePath`, and the lock that holds it, to be unlocked.

    Raises:
        WorkingDirectoryBusy: it is in use, and it has to be this one.
        NoTrialMarker: it is there, and it is not trial's.
        CannotBegin: it cannot be made.
    """
    wanted = os.path.abspath(os.fspath(getattr(base, "path", base)))
    try:
        return _made(wanted, exact)
    except (OSError, ValueError) as error:  # a ValueError: the name of its lock is taken by something else
        raise CannotBegin(
            f"the folder {wanted!r} for the tests cannot be made ({error}): choose another with --temp-directory"
        ) from error


def _made(wanted: str, exact: bool) -> tuple[FilePath[str], FilesystemLock]:
    os.makedirs(os.path.dirname(wanted), exist_ok=True)
    for number in count():
        path = f"{wanted}-{number}" if number else wanted
        lock = FilesystemLock(path + ".lock")
        if lock.lock():
            break
        if exact:
            raise WorkingDirectoryBusy(
                f"{path!r} is in use by another run of trial: choose another with --temp-directory"
            )
    folder = FilePath(path)
    try:
        if os.path.exists(path):
            remove_safely(folder)
        os.makedirs(path)
        with open(os.path.join(path, _MARKER), "wb"):
            pass
    except BaseException:
        lock.unlock()
        raise
    return folder, lock
