"""Twisted's dynamic scoping: keys and values that hold for the calls below.  Floor 1.

New programs use `contextvars`; this is for those that use `twisted.python.context` (its log system among them).
Both are carried into the thread pool.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

__all__ = [
    "ContextTracker",
    "ThreadedContextTracker",
    "call",
    "defaultContextDict",
    "get",
    "installContextTracker",
    "setDefault",
    "theContextTracker",
]

_R = TypeVar("_R")

#: What a key means where nobody has set it.
defaultContextDict: dict[Any, Any] = {}


class _Speaking:
    """Who has the word in the loop's thread: the transport whose input is being served, or None."""

    __slots__ = ("transport",)

    def __init__(self) -> None:
        self.transport: Any = None


#: Transports set this around their protocol's hooks; so an old log knows whose words it writes, at the price of a store.
speaking = _Speaking()


def setDefault(key: Any, value: Any) -> None:
    """Say what `get(key)` returns where nobody has set it."""
    defaultContextDict[key] = value


def _with_speaker(key: Any, value: Any) -> Any:
    """Fill in the system that Twisted's log context names, where nobody has set the context and a transport speaks."""
    transport = speaking.transport
    if transport is None or getattr(key, "__name__", "") != "ILogContext":
        return value
    # Loaded by whoever speaks; a program that only logs does without.
    from asyncio import _get_running_loop

    if _get_running_loop() is None:
        return value
    return {**value, "system": transport.logPrefix()} if isinstance(value, dict) else value


class ContextTracker:
    """A stack of dictionaries; each holds all that is set at its level.

    Attributes:
        contexts: the stack, innermost last.
    """

    def __init__(self) -> None:
        self.contexts: list[dict[Any, Any]] = [defaultContextDict]

    def callWithContext(
        self, newContext: Mapping[Any, Any], func: Callable[..., _R], *args: Any, **kw: Any
    ) -> _R:
        """Call a function with more set than is set here, and return what it returns."""
        self.contexts.append({**self.contexts[-1], **newContext})
        try:
            return func(*args, **kw)
        finally:
            self.contexts.pop()

    def getContext(self, key: Any, default: Any = None) -> Any:
        """Return what is set for `key`."""
        value = self.contexts[-1].get(key, default)
        if value is defaultContextDict.get(key):
            return _with_speaker(key, value)
        return value


class ThreadedContextTracker:
    """A `ContextTracker` for each thread."""

    def __init__(self) -> None:
        self.storage = threading.local()

    def currentContext(self) -> ContextTracker:
        """Return the tracker of this thread."""
        try:
            tracker: ContextTracker = self.storage.ct
        except AttributeError:
            tracker = self.storage.ct = ContextTracker()
        return tracker

    def callWithContext(self, ctx: Mapping[Any, Any], func: Callable[..., _R], *args: Any, **kw: Any) -> _R:
        """As `ContextTracker.callWithContext`, in this thread."""
        return self.currentContext().callWithContext(ctx, func, *args, **kw)

    def getContext(self, key: Any, default: Any = None) -> Any:
        """As `ContextTracker.getContext`, in this thread."""
        return self.currentContext().getContext(key, default)


class _Tracker(Protocol):
    def callWithContext(
        self, ctx: Mapping[Any, Any], func: Callable[..., Any], *args: Any, **kw: Any
    ) -> Any: ...

    def getContext(self, key: Any, default: Any = None) -> Any: ...


def call(ctx: Mapping[Any, Any], func: Callable[..., _R], *args: Any, **kw: Any) -> _R:
    """Call a function with `ctx` set on top of what is set here, and return what it returns."""
    result: _R = theContextTracker.callWithContext(ctx, func, *args, **kw)
    return result


def get(key: Any, default: Any = None) -> Any:
    """Return what is set for `key`, or `default`."""
    return theContextTracker.getContext(key, default)


def installContextTracker(ctr: Any) -> None:
    """Replace the tracker behind `call` and `get`."""
    global theContextTracker
    theContextTracker = ctr


theContextTracker: Any = ThreadedContextTracker()
