"""The kernel's file change notification: its calls, and its events as bytes.  Floor 2; Linux.

The standard library has no inotify; this is the little of it that `inotify` needs, by ctypes from the C library.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable
from functools import cache
from struct import Struct
from typing import Any, NamedTuple

__all__ = ["Event", "INotifyError", "add", "init", "parse", "remove"]

# struct inotify_event: watch, mask, cookie, length of the name that follows.
_HEADER = Struct("@iIII")


class INotifyError(OSError):
    """Files cannot be watched."""


class Event(NamedTuple):
    """One event.

    Attributes:
        watch: number of the watch, -1 when events were lost.
        mask: what happened.
        cookie: the same for both events of a renaming, else 0.
        name: of the file in the watched directory; empty when it is about what is watched itself.
    """

    watch: int
    mask: int
    cookie: int
    name: bytes


def parse(data: bytes) -> tuple[list[Event], bytes]:
    """Cut what was read into events.

    Returns: the events, and what remains of one that is not complete.
    """
    events = []
    start, end = 0, len(data)
    while start + _HEADER.size <= end:
        watch, mask, cookie, length = _HEADER.unpack_from(data, start)
        after = start + _HEADER.size + length
        if after > end:
            break
        # The name is filled up with zeros.
        name = data[start + _HEADER.size : after].partition(b"\0")[0]
        events.append(Event(watch, mask, cookie, name))
        start = after
    return events, data[start:]


def init() -> int:
    """Return a new descriptor, which does not wait and which programs that are started do not get.

    Raises:
        INotifyError: there is no inotify here, or this user has too many descriptors of the kind.
    """
    descriptor = _function("inotify_init1", ctypes.c_int)(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        raise _error(
            "files cannot be watched", " (fs.inotify.max_user_instances limits how often a user may)"
        )
    return descriptor


def add(descriptor: int, path: bytes, mask: int) -> int:
    """Watch `path` for what is in `mask`.

    Returns: the number of the watch.

    Raises:
        INotifyError: it cannot be watched.
    """
    call = _function("inotify_add_watch", ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
    watch = call(descriptor, path, mask)
    if watch < 0:
        raise _error(
            f"{os.fsdecode(path)!r} cannot be watched",
            " (fs.inotify.max_user_watches limits how many files a user may watch)",
        )
    return watch


def remove(descriptor: int, watch: int) -> None:
    """Watch no more.

    Raises:
        INotifyError: there is no such watch.
    """
    if _function("inotify_rm_watch", ctypes.c_int, ctypes.c_int)(descriptor, watch) < 0:
        raise _error(f"watch {watch} cannot be removed", "")


@cache
def _function(name: str, *argument_types: Any) -> Callable[..., int]:
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (AttributeError, OSError, TypeError) as error:
        raise INotifyError(f"files cannot be watched here: the C library has no {name}") from error
    function.argtypes = argument_types
    function.restype = ctypes.c_int
    made: Callable[..., int] = function
    return made


def _error(what: str, limit: str) -> INotifyError:
    number = ctypes.get_errno()
    reason = os.strerror(number)
    # These two mean that a limit of the system is reached, which their usual words do not say.
    if number in (errno.ENOSPC, errno.EMFILE):
        reason += limit
    return INotifyError(number, f"{what}: {reason}")
