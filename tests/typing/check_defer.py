"""What type checkers make of Deferreds, without any plugin.

Each `type: ignore` marks a mistake that has to be noticed: both checkers are told to complain of ignores without cause.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any, assert_type

from selvage.defer import (
    Deferred,
    DeferredList,
    DeferredLock,
    DeferredQueue,
    Failure,
    ensureDeferred,
    execute,
    fail,
    gatherResults,
    inlineCallbacks,
    maybeDeferred,
    race,
    succeed,
)


def as_text(number: int) -> str:
    return str(number)


def scaled(number: int, factor: int, *, offset: int = 0) -> float:
    return number * factor + offset


def fetch(key: str) -> Deferred[bytes]:
    return succeed(key.encode())


def recover(failure: Failure) -> int:
    failure.trap(KeyError)
    return 0


def pass_on(failure: Failure) -> Failure:
    return failure


def perhaps(number: int) -> int | Failure:
    return number if number else Failure(ValueError(number))


async def coroutine(number: int) -> str:
    d = succeed(number)
    assert_type(await d, int)
    return str(await d)


def callbacks(d: Deferred[int]) -> None:
    assert_type(d.addCallback(as_text), Deferred[str])
    assert_type(d.addCallback(as_text).addCallback(fetch), Deferred[bytes])
    assert_type(d.addCallback(as_text).addCallback(fetch).addCallback(len), Deferred[int])
    assert_type(d.addCallback(scaled, 2), Deferred[float])
    assert_type(d.addCallback(scaled, 2, offset=1), Deferred[float])
    assert_type(d.addCallback(perhaps), Deferred[int])
    assert_type(d.addCallback(lambda number: [number]), Deferred[list[int]])
    assert_type(d.addErrback(recover), Deferred[int])
    assert_type(d.addErrback(pass_on), Deferred[int])
    assert_type(d.addCallbacks(as_text), Deferred[str])
    assert_type(d.addBoth(lambda _: None), Deferred[None])
    d.addCallback(fetch)  # type: ignore[call-overload]
    d.addCallback(scaled, "two")  # type: ignore[call-overload]
    d.addErrback(as_text)  # type: ignore[call-overload]
    d.callback(1)
    d.callback("one")  # type: ignore[arg-type]
    d.errback(ValueError())
    d.errback("reason")  # type: ignore[arg-type]


def making() -> None:
    assert_type(succeed(1), Deferred[int])
    assert_type(succeed(succeed(1)), Deferred[int])
    d: Deferred[int] = fail(ValueError())
    assert_type(execute(scaled, 1, 2), Deferred[float])
    execute(scaled, 1)  # type: ignore[call-arg]
    assert_type(maybeDeferred(fetch, "key"), Deferred[bytes])
    assert_type(maybeDeferred(as_text, 1), Deferred[str])
    assert_type(maybeDeferred(coroutine, 1), Deferred[str])
    assert_type(ensureDeferred(coroutine(1)), Deferred[str])
    assert_type(ensureDeferred(d), Deferred[int])
    assert_type(Deferred.fromCoroutine(coroutine(1)), Deferred[str])


@inlineCallbacks
def generator(number: int) -> Generator[Deferred[Any], Any, str]:
    yield succeed(number)
    return str(number)


def coroutines(loop: asyncio.AbstractEventLoop, future: asyncio.Future[int]) -> None:
    assert_type(generator(1), Deferred[str])
    generator("one")  # type: ignore[arg-type]
    assert_type(Deferred.fromFuture(future), Deferred[int])
    assert_type(succeed(1).asFuture(loop), asyncio.Future[int])


def several(first: Deferred[int], second: Deferred[int]) -> None:
    assert_type(gatherResults([first, second]), Deferred[list[int]])
    assert_type(race([first, second]), Deferred[tuple[int, int]])
    DeferredList([first, second], consumeErrors=True)


async def primitives(queue: DeferredQueue[int], lock: DeferredLock) -> None:
    assert_type(await queue.get(), int)
    queue.put("one")  # type: ignore[arg-type]
    assert_type(lock.run(as_text, 1), Deferred[str])
    assert_type(lock.run(coroutine, 1), Deferred[str])
    assert_type(await lock.acquire(), DeferredLock)
    async with lock:
        pass


async def under_asyncio() -> None:
    # A Deferred is something to await for asyncio as well.
    assert_type(await asyncio.wait_for(succeed(1), 1), int)
