"""Deferred to `asyncio.Future` and back, for where one object has to be handed over.  Floor 0.

In a coroutine neither is needed: Deferreds and asyncio's awaitables can be awaited side by side.
"""

from __future__ import annotations

import asyncio
from typing import Any

from selvage.defer._deferred import Deferred, late
from selvage.defer._task_face import CancelledByAsyncio
from selvage.failure import Failure

__all__: list[str] = []


def _as_future(d: Deferred[Any], loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = loop.create_future()

    def cancelled(_: object) -> None:
        if future.cancelled():
            d.cancel()

    future.add_done_callback(cancelled)

    def succeed(result: Any) -> None:
        if not future.done():
            future.set_result(result)

    def fail(failure: Failure) -> None:
        if future.done():
            return
        error = failure.value
        if isinstance(error, asyncio.CancelledError):
            future.cancel()
        elif isinstance(error, StopIteration):
            # A future refuses it, since awaiting would take it for an end.
            future.set_exception(RuntimeError(f"a Deferred failed with {error!r}"))
        else:
            future.set_exception(error)

    d.addCallbacks(succeed, fail)
    return future


def _from_future(future: asyncio.Future[Any]) -> Deferred[Any]:
    def cancel(d: Deferred[Any]) -> None:
        future.remove_done_callback(done)
        future.cancel()
        d.errback(Failure(CancelledByAsyncio()))

    d: Deferred[Any] = Deferred(cancel)

    def done(_: object) -> None:
        if future.cancelled():
            d.errback(Failure(CancelledByAsyncio()))
            return
        error = future.exception()
        if error is None:
            d.callback(future.result())
        else:
            d.errback(Failure(error))

    future.add_done_callback(done)
    return d


late.as_future = _as_future
late.from_future = _from_future
