"""Tracebacks of the exceptions that a waiting coroutine is about to raise again.  Floor 0.

An exception has one traceback, which grows while it is raised. Two coroutines that wait for the same Deferred get the same
exception; if the first, in an `except` or a `finally`, waits for something else before it lets the exception go on, the
second raises it meanwhile. The first would then go on with the traceback of the second, and its own levels would be
missing from the story. So the driver looks, when a coroutine waits after it was given an exception, which exceptions it
still refers to (the garbage collector's view of it tells), and gives them their tracebacks back when it goes on.

Nothing of this runs for a coroutine that never meets an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from gc import get_referents
from types import CoroutineType, GeneratorType, TracebackType
from typing import Any

__all__ = ["RAISED", "Held", "give_back", "held_by", "skip"]

#: Exceptions with their tracebacks.
Held = list[tuple[BaseException, TracebackType | None]]

#: Not empty when an `await` has raised an exception without asking the driver, since the Deferred had failed already.
RAISED: list[bool] = []

# What awaits a Deferred is a generator, too, and has no variables of interest.
_AWAITING: Any = None

# Coroutines that await each other directly, from the driver's on; those further in are not looked at.
_DEPTH = 100


def held_by(coro: Any) -> Held:
    """Give the exceptions that a suspended coroutine refers to: those it is handling, and those in its variables."""
    RAISED.clear()
    chain: list[Any] = []
    while len(chain) < _DEPTH:
        kind = type(coro)
        if kind is CoroutineType:
            chain.append(coro)
            coro = coro.cr_await
        elif kind is GeneratorType and coro.gi_code is not _AWAITING:
            chain.append(coro)
            coro = coro.gi_yieldfrom
        else:
            break
    return [
        (each, each.__traceback__)
        for each in get_referents(*chain)
        if isinstance(each, BaseException) and each.__traceback__ is not None
    ]


def give_back(held: Held) -> None:
    """Give exceptions the tracebacks that they had."""
    for error, tb in held:
        error.__traceback__ = tb


def skip(function: Callable[..., object]) -> None:
    """Tell which function it is that awaits a Deferred."""
    global _AWAITING
    _AWAITING = function.__code__
