"""What is asked of the loop itself, past the reactor: asyncio servers, connections, and callbacks that are to come.

A loop has no lists of these to give.  Asyncio's keeps them in attributes; uvloop in fields of C, which the garbage collector
sees: what the loop refers to is asked of that.  So nothing is wrapped while a test runs, and nothing but the loop is gone
through.  What is not to be had so, as UNIX servers on uvloop, is not found; a loop of another kind has nothing to show.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

__all__ = ["callback_of", "connections", "servers", "timers"]

# What uvloop calls its ends of pipes, such as those of a child process.
_PIPES = ("ReadUnixTransport", "WriteUnixTransport")

# Who sets timers for ends of their own, which are those of a task, a transport or the reactor: by functions that nobody else has.
_ENGINES = ("asyncio", "uvloop", "selvage")


def servers(loop: Any) -> list[Any]:
    """Return the servers of `asyncio.start_server` and `loop.create_server` that serve."""
    return [each for each in _things(loop) if hasattr(each, "is_serving") and each.is_serving()]


def connections(loop: Any) -> list[Any]:
    """Return the transports of sockets that are open and were not made by Selvage."""
    return [
        each
        for known in _fields(loop, WeakValueDictionary)
        for each in list(known.values())
        if not each.is_closing() and type(each).__name__ not in _PIPES and not _is_ours(each)
    ]


def timers(loop: Any) -> list[Any]:
    """Return the handles of what `loop.call_later` and `loop.call_at` are to call, but for what the engines set for themselves."""
    return [
        each
        for each in _things(loop)
        if isinstance(each, asyncio.TimerHandle) or type(each).__name__ == "TimerHandle"
        if not each.cancelled() and not _is_of_an_engine(callback_of(each))
    ]


def callback_of(handle: Any) -> Any:
    """Return what a handle of a timer is to call."""
    if hasattr(handle, "_callback"):
        return handle._callback
    # The first field of uvloop's that can be called, and the only one.
    return next(filter(callable, gc.get_referents(handle)), None)


def _things(loop: Any) -> Iterator[Any]:
    """Give the servers and the handles of timers that a loop knows, and others."""
    yield from getattr(loop, "_scheduled", ())
    selector = getattr(loop, "_selector", None)
    for key in () if selector is None else list(selector.get_map().values()):
        for handle in key.data if isinstance(key.data, tuple) else ():
            yield from getattr(handle, "_args", None) or ()
    if selector is None:
        for known in _fields(loop, set):
            yield from list(known)


def _fields(loop: Any, kind: type) -> list[Any]:
    """Return the fields of a loop that are of a type, those of C among them."""
    fields = {id(each): each for each in (*vars(loop).values(), *gc.get_referents(loop))}
    return [each for each in fields.values() if type(each) is kind]


def _is_of_an_engine(callback: Any) -> bool:
    while isinstance(callback, partial):
        callback = callback.func
    module = getattr(callback, "__module__", None) or ""
    name = getattr(callback, "__qualname__", "")
    internal = name.rpartition(".")[2].startswith("_") or "<locals>" in name
    return internal and module.partition(".")[0] in _ENGINES


def _is_ours(transport: Any) -> bool:
    """Tell whether a transport is driven by Selvage, below TLS of the loop, too."""
    protocol = transport.get_protocol()
    below = gc.get_referents(protocol) if type(protocol).__name__ == "SSLProtocol" else []
    return any(type(each).__module__.partition(".")[0] == "selvage" for each in (protocol, *below))
