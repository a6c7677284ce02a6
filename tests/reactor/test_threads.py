"""Threads and the reactor, on both loops."""

from __future__ import annotations

import contextvars
import threading
import time

import pytest

from selvage.defer import Deferred, fail, gatherResults, succeed
from selvage.errors import CancelledError
from selvage.reactor import (
    ThreadPool,
    blockingCallFromThread,
    callMultipleInThread,
    deferToThread,
    deferToThreadPool,
    get_reactor,
    run,
)
from selvage.reactor._team import AlreadyQuit
from selvage.reactor._threadable import isInIOThread


def test_a_thread_pool_starts_and_ends_with_the_reactor(reactor, run_for):
    pool = reactor.getThreadPool()
    assert not pool.started
    states = []

    def look():
        states.append((pool.started, pool.joined))
        reactor.stop()

    reactor.callWhenRunning(look)
    run_for(reactor)
    assert states == [(True, False)]
    assert pool.joined
    assert reactor.threadpool is None


def test_a_pool_wanted_while_running_starts_at_once(reactor, run_for):
    seen = []

    def use():
        pool = reactor.getThreadPool()
        seen.append(pool.started)
        reactor.callInThread(lambda: reactor.callFromThread(reactor.stop))

    reactor.callWhenRunning(use)
    run_for(reactor)
    assert seen == [True]
    assert reactor.threadpool is None


def test_a_pool_of_a_reactor_that_never_ran_is_let_go(reactor):
    reactor.getThreadPool()
    reactor.fireSystemEvent("shutdown")
    assert reactor.threadpool is None


def test_suggested_size(reactor):
    reactor.suggestThreadPoolSize(17)
    assert reactor.getThreadPool().max == 17
    reactor._stopThreadPool()


def test_calls_from_threads_come_in_order_and_in_the_reactors_thread(reactor, run_for):
    seen = []
    count = 5000

    def ask():
        for number in range(count):
            reactor.callFromThread(lambda number=number: seen.append((number, isInIOThread())))
        reactor.callFromThread(reactor.stop)

    reactor.callInThread(ask)
    run_for(reactor)
    assert seen == [(number, True) for number in range(count)]


@pytest.mark.slow
def test_a_hundred_thousand_calls_while_the_reactor_is_busy(reactor, run_for):
    seen = []

    def ask():
        for number in range(100_000):
            reactor.callFromThread(seen.append, number)
        done.set()

    done = threading.Event()

    def busy():
        reactor.callInThread(ask)
        assert done.wait(30)
        assert seen == []
        reactor.callLater(0, lambda: reactor.callFromThread(reactor.stop))

    reactor.callWhenRunning(busy)
    run_for(reactor, 30)
    assert seen == list(range(100_000))


def test_calls_from_several_threads_at_once_are_all_made(reactor, run_for):
    seen = []
    threads = [
        threading.Thread(
            target=lambda base=base: [reactor.callFromThread(seen.append, base + n) for n in range(500)]
        )
        for base in range(0, 4000, 500)
    ]

    def start():
        for thread in threads:
            thread.start()
        look()

    def look():
        if len(seen) == 4000:
            reactor.stop()
        else:
            reactor.callLater(0.001, look)

    reactor.callWhenRunning(start)
    run_for(reactor)
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(4000))
    for base in range(0, 4000, 500):
        mine = [n for n in seen if base <= n < base + 500]
        assert mine == sorted(mine)


def test_a_call_from_a_thread_before_the_reactor_runs_waits_for_it(reactor, run_for):
    events = []
    thread = threading.Thread(target=reactor.callFromThread, args=(events.append, 1))
    thread.start()
    thread.join()
    assert events == []
    reactor.callFromThread(reactor.stop)
    run_for(reactor)
    assert events == [1]


def test_a_call_from_a_thread_after_the_end_is_kept_quietly(reactor, run_for):
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    thread = threading.Thread(target=reactor.callFromThread, args=(print, 1))
    thread.start()
    thread.join()


def test_a_call_that_asks_for_another_lets_timers_run(reactor, run_for):
    events = []

    def first():
        reactor.callFromThread(second)
        reactor.callLater(0, events.append, "timer")

    def second():
        events.append("second")
        reactor.callLater(0, reactor.stop)

    reactor.callFromThread(first)
    run_for(reactor)
    assert set(events) == {"timer", "second"}


def test_errors_in_calls_from_and_in_threads_are_reported(reactor, run_for, reports):
    def fail_with(error):
        raise error

    reactor.callFromThread(fail_with, KeyError("from"))
    reactor.callInThread(fail_with, IndexError("in"))
    reactor.callLater(0.05, reactor.stop)
    run_for(reactor)
    assert {report.failure.type for report in reports} == {KeyError, IndexError}
    assert {report.source for report in reports} == {"thread"}
    reports.clear()


def test_context_variables_go_to_threads_and_back(reactor, run_for):
    variable = contextvars.ContextVar("variable", default="outside")
    seen = []

    def in_thread():
        seen.append(variable.get())
        variable.set("set in thread")
        reactor.callFromThread(lambda: seen.append(variable.get()))
        reactor.callFromThread(reactor.stop)

    def start():
        variable.set("asked")
        reactor.callInThread(in_thread)

    reactor.callWhenRunning(start)
    run_for(reactor)
    assert seen == ["asked", "set in thread"]
    assert variable.get() == "outside"


def test_stop_while_a_thread_is_at_work_waits_for_it(reactor, run_for):
    events = []

    def work():
        time.sleep(0.05)
        events.append("done")

    reactor.callInThread(work)
    reactor.callLater(0.01, reactor.stop)
    run_for(reactor)
    assert events == ["done"]


# -- results ----------------------------------------------------------------------------------------------------------


def test_results_and_failures_come_back():
    async def main():
        assert await deferToThread(lambda x, y=5: x + y, 3, y=4) == 7
        with pytest.raises(ZeroDivisionError):
            await deferToThread(lambda: 1 / 0)
        assert await deferToThread(isInIOThread) is False
        return await gatherResults([deferToThread(pow, 2, n) for n in range(8)])

    assert run(main) == [1, 2, 4, 8, 16, 32, 64, 128]


def test_cancelling_does_not_wait_for_the_thread():
    async def main():
        release = threading.Event()
        waiting = deferToThread(release.wait, 10)
        waiting.cancel()
        with pytest.raises(CancelledError):
            await waiting
        release.set()

    run(main)


def test_a_pool_of_ones_own():
    async def main():
        pool = ThreadPool(0, 2)
        pool.start()
        try:
            assert await deferToThreadPool(get_reactor(), pool, sum, [1, 2]) == 3
        finally:
            pool.stop()
        with pytest.raises(AlreadyQuit, match="has been stopped"):
            await deferToThreadPool(get_reactor(), pool, sum, [1, 2])

    run(main)


def test_several_calls_in_one_thread():
    async def main():
        seen = []
        done = Deferred()

        def note(value, *, twice=False):
            seen.append((value * (2 if twice else 1), threading.get_ident()))

        callMultipleInThread(
            [
                (note, (1,), {}),
                (note, (2,), {"twice": True}),
                (get_reactor().callFromThread, (done.callback, None), {}),
            ]
        )
        await done
        return seen

    seen = run(main)
    assert [value for value, _ in seen] == [1, 4]
    assert len({thread for _, thread in seen}) == 1
    assert seen[0][1] != threading.get_ident()


def test_a_thread_can_wait_for_the_reactor():
    async def coroutine():
        return "coroutine"

    def later():
        deferred = Deferred()
        get_reactor().callLater(0.01, deferred.callback, "later")
        return deferred

    def raises():
        raise LookupError("in the reactor")

    def in_thread():
        reactor = get_reactor()
        results = [
            blockingCallFromThread(reactor, f)
            for f in (isInIOThread, lambda: succeed("now"), later, coroutine)
        ]
        for bad in (raises, lambda: fail(LookupError("deferred"))):
            with pytest.raises(LookupError):
                blockingCallFromThread(reactor, bad)
        return results

    async def main():
        return await deferToThread(in_thread)

    assert run(main) == [True, "now", "later", "coroutine"]
