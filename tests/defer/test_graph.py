"""Who waits for whom, and the list of what is pending."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from selvage.defer import (
    Deferred,
    DeferredList,
    Pending,
    ensureDeferred,
    gatherResults,
    inlineCallbacks,
    pending,
    succeed,
    waiters_of,
    waits_for,
)


@pytest.fixture(autouse=True)
def nothing_else() -> None:
    gc.collect()


async def wait(d: Any) -> Any:
    return await d


def test_a_deferred_that_nobody_has_fired_waits_for_nothing_else() -> None:
    d: Deferred[None] = Deferred()
    assert (waits_for(d), waiters_of(d)) == ([], [])
    d.addCallback(lambda _: None)
    assert (waits_for(d), waiters_of(d)) == ([], [])


def test_one_whose_callback_returned_another() -> None:
    inner: Deferred[None] = Deferred()
    outer = succeed(None).addCallback(lambda _: inner)
    assert waits_for(outer) == [inner]
    assert waiters_of(inner) == [outer]


def test_one_that_is_chained() -> None:
    first, second = Deferred[None](), Deferred[None]()
    first.chainDeferred(second)
    assert waits_for(second) == [first]
    assert waiters_of(first) == [second]


def test_coroutines() -> None:
    inner: Deferred[None] = Deferred()

    @inlineCallbacks
    def generator() -> Any:
        yield inner

    waiting = [ensureDeferred(wait(inner)), generator()]
    assert waiters_of(inner) == waiting
    assert [waits_for(each) for each in waiting] == [[inner], [inner]]
    inner.callback(None)
    assert [waits_for(each) for each in waiting] == [[], []]


def test_lists() -> None:
    members: list[Deferred[int]] = [Deferred(), succeed(1), Deferred()]
    gathered = gatherResults(members)
    listed = DeferredList(members)
    assert waits_for(gathered) == waits_for(listed) == [members[0], members[2]]
    assert waiters_of(members[2]) == [gathered, listed]
    members[0].callback(0)
    members[2].callback(0)
    assert waits_for(gathered) == []


def test_asyncio() -> None:
    async def main() -> None:
        d: Deferred[None] = Deferred()
        task = asyncio.ensure_future(wait(d))
        future = asyncio.get_running_loop().create_future()
        coroutine = ensureDeferred(wait(future))
        await asyncio.sleep(0)
        assert waiters_of(d) == ["an asyncio task"]
        assert waits_for(coroutine) == [future]
        assert str(Pending.of(coroutine)).splitlines()[-1].startswith("waits for <Future pending")
        d.callback(None)
        future.set_result(None)
        await task
        await coroutine

    asyncio.run(main())


def lines_of(*functions: Any) -> list[tuple[str, int]]:
    return [(function.__code__.co_name, function.__code__.co_firstlineno + 1) for function in functions]


def test_the_lines_at_which_a_coroutine_waits() -> None:
    d: Deferred[None] = Deferred()

    async def outer() -> None:
        await middle()

    async def middle() -> None:
        await inner()

    async def inner() -> None:
        await d

    looked = Pending.of(ensureDeferred(outer()))
    assert looked.coroutine.endswith("outer")
    assert [(function, line) for function, _, line in looked.at] == lines_of(outer, middle, inner)
    assert {file for _, file, _ in looked.at} == {__file__}
    assert (looked.made, looked.since) == (None, None)
    assert looked.waits_for == [d]
    assert Pending.of(d).waiters == [looked.deferred]


def test_where_and_since_when_in_debug_mode(debugging: None) -> None:
    before = Pending.of(Deferred())
    d: Deferred[None] = Deferred()
    looked = Pending.of(d)
    assert looked.made is not None and looked.since is not None and before.since is not None
    function, file, line = looked.made
    assert (function, file) == ("test_where_and_since_when_in_debug_mode", __file__)
    assert looked.since >= before.since
    assert f'made in File "{__file__}", line {line}, in test_where' in str(looked)


def test_all_that_is_pending_roots_first() -> None:
    inner: Deferred[None] = Deferred()
    coroutine = ensureDeferred(wait(inner))
    outer = succeed(None).addCallback(lambda _: coroutine)
    fired = succeed(None)
    found = [each.deferred for each in pending()]
    ours = [each for each in found if each in (inner, coroutine, outer, fired)]
    assert ours[0] is outer
    assert set(ours[1:]) == {inner, coroutine}
    inner.callback(None)
    assert not {inner, coroutine, outer} & {each.deferred for each in pending()}


def test_it_is_told_from_the_outermost_to_what_has_to_be_fired() -> None:
    inner: Deferred[None] = Deferred()
    coroutine = ensureDeferred(wait(inner))
    gathered = gatherResults([coroutine, Deferred(), Deferred()])
    line = wait.__code__.co_firstlineno + 1
    assert str(Pending.of(gathered)).splitlines() == [
        f"Gathered at {id(gathered):#x}",
        f"waits for 2 more and coroutine wait at {id(coroutine):#x}",
        f'  at File "{__file__}", line {line}, in wait',
        f"waits for Deferred at {id(inner):#x}",
    ]


def test_a_circle_is_told_once() -> None:
    cell: list[Deferred[None]] = []

    async def circle(other: int) -> None:
        await cell[other]

    gate: Deferred[None] = Deferred()

    async def first() -> None:
        await gate
        await circle(1)

    cell.append(ensureDeferred(first()))
    cell.append(ensureDeferred(circle(0)))
    gate.callback(None)
    told = str(Pending.of(cell[0])).splitlines()
    assert told[-1] == f"waits for the one at {id(cell[0]):#x} again: a circle"
    assert len(told) == 6
    cell[0].cancel()
    assert gatherResults(cell, consumeErrors=True).addErrback(lambda _: None).called


def test_a_recursion_is_not_told_in_full() -> None:
    d: Deferred[None] = Deferred()

    async def deeper(left: int) -> None:
        if left:
            await deeper(left - 1)
        else:
            await d

    told = str(Pending.of(ensureDeferred(deeper(100)))).splitlines()
    assert len(told) == 5
    d.callback(None)


def test_a_chain_without_end_is_told_so_far() -> None:
    d: Deferred[None] = Deferred()
    last: Any = d
    for _ in range(1000):
        last = ensureDeferred(wait(last))
    assert len(str(Pending.of(last)).splitlines()) < 110
    d.callback(None)
