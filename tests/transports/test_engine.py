"""Stepping the loop's coroutines by hand."""

from __future__ import annotations

import asyncio

import pytest

from selvage.reactor import Reactor
from selvage.transports._engine import complete_now, drive


def test_complete_now_returns_the_result():
    async def yields_once() -> int:
        await asyncio.sleep(0)
        return 7

    assert complete_now(yields_once()) == 7


def test_complete_now_refuses_to_wait(loop):
    async def waits() -> None:
        await loop.create_future()

    with pytest.raises(RuntimeError, match="waits for the loop"):
        complete_now(waits())


def test_complete_now_passes_exceptions_on():
    async def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        complete_now(fails())


@pytest.mark.parametrize("fails", [False, True])
def test_drive_runs_to_the_end(loop, fails):
    seen: list[object] = []

    async def work() -> None:
        await asyncio.sleep(0)
        future = loop.create_future()
        loop.call_soon(future.set_result, "result")
        seen.append(await future)
        if fails:
            raise ZeroDivisionError

    drive(loop, work(), seen.append)
    loop.run_until_complete(asyncio.sleep(0.001))
    assert seen[0] == "result"
    assert [type(each) for each in seen[1:]] == ([ZeroDivisionError] if fails else [])


def test_a_reactor_has_one_engine_a_loop(loop):
    reactor = Reactor(loop)
    engine = reactor._transport_engine()
    assert reactor._transport_engine() is engine
    assert engine.loop is loop
    assert engine.reactor is reactor
