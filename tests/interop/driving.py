"""The four ways in which a coroutine comes to run on Selvage beside asyncio's libraries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import selvage
from selvage.defer import ensureDeferred, inlineCallbacks

try:
    import uvloop
except ImportError:  # not on every platform
    LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
else:
    LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}

Main = Callable[[], Coroutine[Any, Any, Any]]


def own_loop(main: Main, loop: Callable[[], asyncio.AbstractEventLoop]) -> Any:
    """`selvage.run` makes loop and reactor, and its driver runs the coroutine."""
    return selvage.run(main, loop_factory=loop)


def attached(main: Main, loop: Callable[[], asyncio.AbstractEventLoop]) -> Any:
    """`asyncio.run` runs a Task which awaits the Deferred of a Selvage coroutine."""

    async def outer() -> Any:
        return await ensureDeferred(main())

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(outer())


def by_inline_callbacks(main: Main, loop: Callable[[], asyncio.AbstractEventLoop]) -> Any:
    """An inlineCallbacks generator yields the coroutine."""

    @inlineCallbacks
    def outer() -> Generator[Any, Any, Any]:
        result = yield main()
        return result

    return selvage.run(outer, loop_factory=loop)


def in_a_task(main: Main, loop: Callable[[], asyncio.AbstractEventLoop]) -> Any:
    """A plain asyncio Task, in which Deferreds are awaited."""
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(main())


WAYS = {way.__name__: way for way in (own_loop, attached, by_inline_callbacks, in_a_task)}
