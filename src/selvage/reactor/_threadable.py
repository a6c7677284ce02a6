"""Which thread is the reactor's, and methods that lock their object.  Floor 2."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = [
    "DummyLock",
    "XLock",
    "getThreadID",
    "init",
    "ioThread",
    "isInIOThread",
    "registerAsIOThread",
    "synchronize",
    "threaded",
    "threadingmodule",
    "unpickle_lock",
]

#: Threads are always there.
threaded = True
threadingmodule = threading

#: Identity of the thread that a reactor runs in, or None before any has run.
ioThread: int | None = None

_creation_lock = threading.Lock()


class DummyLock:
    """What `unpickle_lock` made where there were no threads; kept so that old pickles load."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return unpickle_lock, ()


class XLock(threading._RLock):  # type: ignore[misc]
    """A reentrant lock that can be pickled; the copy is a new, free lock."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return unpickle_lock, ()


def unpickle_lock() -> XLock:
    """Return a new lock; pickles of locks call this."""
    return XLock()


def synchronize(*klasses: type) -> None:
    """Make the methods that each class names in its list `synchronized` lock their object while they run.

    The lock belongs to the instance, is reentrant and is made when it is first needed.
    """
    for klass in klasses:
        for name in klass.synchronized:  # type: ignore[attr-defined]
            setattr(klass, name, _synchronized(klass.__dict__[name]))


def _synchronized(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def locked(self: Any, *args: Any, **kwargs: Any) -> Any:
        lock = self.__dict__.get("_threadable_lock")
        if lock is None:
            with _creation_lock:
                lock = self.__dict__.setdefault("_threadable_lock", XLock())
        with lock:
            return method(self, *args, **kwargs)

    return locked


def init(with_threads: int = 1) -> None:
    """Do nothing: threads are always there.  Programs written for Twisted call it."""


def getThreadID() -> int:
    """Return the identity of the current thread."""
    return threading.get_ident()


def isInIOThread() -> bool:
    """Tell whether this is the thread that the reactor runs in."""
    return ioThread == threading.get_ident()


def registerAsIOThread() -> None:
    """Make this the thread that the reactor runs in; the reactor calls it when it starts."""
    global ioThread
    ioThread = threading.get_ident()
