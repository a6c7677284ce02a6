"""asyncio inside Selvage's coroutines, Deferreds inside asyncio's tasks: one await, both ways."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

import selvage
from selvage.defer import (
    Deferred,
    DeferredList,
    DeferredQueue,
    ensureDeferred,
    fail,
    gatherResults,
    inlineCallbacks,
    succeed,
)
from selvage.errors import CancelledError, DeferredTimeoutError
from selvage.reactor import deferToThread, get_reactor
from selvage.tasks import deferLater

from .driving import LOOPS


def later(delay=0.0, result="deferred"):
    return deferLater(get_reactor(), delay, lambda: result)


# --- Awaiting each other


def test_both_kinds_in_one_coroutine(drive):
    async def inner():
        return await later(0, "from a Deferred"), await asyncio.sleep(0, "from asyncio")

    async def main():
        future = asyncio.get_running_loop().create_future()
        get_reactor().callLater(0, future.set_result, "future")
        task = asyncio.create_task(inner())
        return await later(), await asyncio.sleep(0.001, "slept"), await future, await inner(), await task

    both = ("from a Deferred", "from asyncio")
    assert drive(main) == ("deferred", "slept", "future", both, both)


def test_exceptions_of_both_kinds(drive):
    async def stumble():
        await asyncio.sleep(0)
        raise KeyError("asyncio")

    async def main():
        caught = []
        for awaitable in (
            fail(ValueError("deferred")),
            stumble(),
            asyncio.create_task(stumble()),
            later_fail(),
        ):
            try:
                await awaitable
            except (ValueError, KeyError) as error:
                caught.append(repr(error))
        return caught

    def later_fail():
        return deferLater(get_reactor(), 0, lambda: fail(ValueError("later")))

    assert drive(main) == [
        "ValueError('deferred')",
        "KeyError('asyncio')",
        "KeyError('asyncio')",
        "ValueError('later')",
    ]


def test_a_deferred_already_fired_does_not_wait(drive):
    async def main():
        return await succeed(1), await gatherResults([succeed(2), later(0, 3)])

    assert drive(main) == (1, [2, 3])


def test_gather_takes_deferreds(drive):
    async def main():
        return await asyncio.gather(later(0.002, 1), later(0.001, 2), asyncio.sleep(0, 3), succeed(4))

    assert drive(main) == [1, 2, 3, 4]


def test_deferred_list_takes_what_asyncio_gives(drive):
    async def work(result):
        await asyncio.sleep(0)
        return result

    async def main():
        deferreds = [
            ensureDeferred(work(1)),
            Deferred.fromFuture(asyncio.ensure_future(work(2))),
            Deferred.fromCoroutine(work(3)),
        ]
        return await DeferredList(deferreds)

    assert drive(main) == [(True, 1), (True, 2), (True, 3)]


def test_as_future(drive):
    async def main():
        loop = asyncio.get_running_loop()
        good = later(0, "result").asFuture(loop)
        bad = deferLater(get_reactor(), 0, lambda: 1 / 0).asFuture(loop)
        with pytest.raises(ZeroDivisionError):
            await bad
        return await good

    assert drive(main) == "result"


@pytest.mark.parametrize("loop", LOOPS)
def test_inline_callbacks_yield_what_asyncio_gives(loop):
    async def work(result):
        await asyncio.sleep(0)
        return result

    @inlineCallbacks
    def main():
        running = asyncio.get_running_loop()
        future = running.create_future()
        running.call_soon(future.set_result, "future")
        results = []
        results.append((yield work("coroutine")))
        results.append((yield asyncio.ensure_future(work("task"))))
        results.append((yield future))
        results.append((yield later()))
        try:
            yield asyncio.wait_for(Deferred(), 0.01)
        except TimeoutError:
            results.append("timeout")
        return results

    assert selvage.run(main, loop_factory=LOOPS[loop]) == [
        "coroutine",
        "task",
        "future",
        "deferred",
        "timeout",
    ]


def test_threads_of_both_kinds(drive):
    async def main():
        return await deferToThread(lambda: "pool"), await asyncio.to_thread(lambda: "to_thread")

    assert drive(main) == ("pool", "to_thread")


def test_queues_of_both_kinds(drive):
    async def main():
        ours, theirs, seen = DeferredQueue(), asyncio.Queue(), []

        async def from_theirs_to_ours():
            while (item := await theirs.get()) is not None:
                ours.put(item * 10)
            ours.put(None)

        mover = asyncio.create_task(from_theirs_to_ours())
        for item in (1, 2, 3, None):
            await theirs.put(item)
        while (item := await ours.get()) is not None:
            seen.append(item)
        await mover
        return seen

    assert drive(main) == [10, 20, 30]


def test_locks_events_and_conditions(drive):
    async def main():
        lock, event, seen = asyncio.Lock(), asyncio.Event(), []

        async def holder():
            async with lock:
                seen.append("held")
                await event.wait()
            seen.append("released")

        first = ensureDeferred(holder())
        second = asyncio.create_task(holder())
        await later()
        assert seen == ["held"]
        event.set()
        await first
        await second
        return seen

    assert drive(main) == ["held", "released", "held", "released"]


# --- The current task


def test_a_selvage_coroutine_is_a_task_in_asyncios_eyes(drive):
    async def main():
        outer = asyncio.current_task()
        assert outer is not None
        await asyncio.sleep(0)
        assert asyncio.current_task() is outer
        # Not before it met asyncio: a coroutine that never does shall not pay for being listed.
        assert outer in asyncio.all_tasks()

        async def inner():
            mine = asyncio.current_task()
            await asyncio.sleep(0)
            assert asyncio.current_task() is mine
            await later()
            assert asyncio.current_task() is mine
            return mine

        other = ensureDeferred(inner())
        assert asyncio.current_task() is outer
        theirs = await other
        assert theirs is not outer
        assert asyncio.current_task() is outer
        return "same"

    assert drive(main) == "same"


# --- Time limits


def test_a_timeout_that_does_not_strike(drive):
    async def main():
        async with asyncio.timeout(5) as limit:
            result = await later()
        return result, limit.expired()

    assert drive(main) == ("deferred", False)


@pytest.mark.parametrize("wait", [Deferred, lambda: asyncio.sleep(60)], ids=["Deferred", "asyncio"])
def test_a_timeout_that_strikes(drive, wait):
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01) as limit:
                await wait()
        assert limit.expired()
        return await later(0, "goes on"), await asyncio.sleep(0, "and on")

    assert drive(main) == ("goes on", "and on")


def test_a_timeout_cancels_the_deferred(drive):
    cancelled = []

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await Deferred(cancelled.append)

    drive(main)
    assert len(cancelled) == 1


def test_nested_timeouts_strike_where_they_should(drive):
    async def main():
        seen = []
        try:
            async with asyncio.timeout(0.02):
                try:
                    async with asyncio.timeout(5):
                        await Deferred()
                except TimeoutError:
                    seen.append("inner")
        except TimeoutError:
            seen.append("outer")
        return seen

    assert drive(main) == ["outer"]


def test_a_timeout_of_zero_strikes_at_the_first_wait(drive):
    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await Deferred()
        return "done"

    assert drive(main) == "done"


def test_wait_for(drive):
    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Deferred(), 0.01)
        return await asyncio.wait_for(later(), 5)

    assert drive(main) == "deferred"


def test_add_timeout_of_a_deferred_around_asyncio(drive):
    async def main():
        slow = ensureDeferred(asyncio.sleep(60))
        slow.addTimeout(0.01, get_reactor())
        with pytest.raises(DeferredTimeoutError):
            await slow
        return "done"

    assert drive(main) == "done"


# --- Groups


def test_a_task_group(drive):
    async def work(number):
        await later()
        return number * 2

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work(number)) for number in range(3)]
            await later()
        return [task.result() for task in tasks]

    assert drive(main) == [0, 2, 4]


def test_a_task_group_with_a_failing_child(drive):
    ended = []

    async def stumble():
        await later()
        raise ValueError("child")

    async def wait():
        try:
            await Deferred()
        except BaseException as error:
            ended.append(type(error))
            raise

    async def main():
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                group.create_task(stumble())
                group.create_task(wait())
                await Deferred()
        assert [str(error) for error in caught.value.exceptions] == ["child"]
        return await later(0, "goes on")

    assert drive(main) == "goes on"
    assert len(ended) == 1


def test_a_task_group_with_a_failing_body(drive):
    async def main():
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(60))
                await later()
                raise ValueError("body")
        return [str(error) for error in caught.value.exceptions]

    assert drive(main) == ["body"]


# --- Cancelling


def test_cancelling_a_task_cancels_the_deferred_it_awaits(drive):
    cancelled = []

    async def main():
        async def wait():
            await Deferred(cancelled.append)

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        return "done"

    assert drive(main) == "done"
    assert len(cancelled) == 1


def test_a_task_may_survive_its_cancellation(drive):
    async def main():
        async def wait():
            try:
                await Deferred()
            except asyncio.CancelledError:
                return "survived"

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        return await task

    assert drive(main) == "survived"


def test_cancelling_a_deferred_cancels_the_asyncio_future_it_awaits(drive):
    async def main():
        future = asyncio.get_running_loop().create_future()
        seen = []

        async def wait():
            try:
                await future
            except BaseException as error:
                seen.append(type(error))
                raise

        waiting = ensureDeferred(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises((CancelledError, asyncio.CancelledError)):
            await waiting
        assert future.cancelled()
        assert len(seen) == 1
        return "done"

    assert drive(main) == "done"


def test_cancelling_a_deferred_cancels_the_task_it_came_from(drive):
    async def main():
        task = asyncio.ensure_future(asyncio.sleep(60))
        waiting = Deferred.fromFuture(task)
        waiting.cancel()
        with pytest.raises((CancelledError, asyncio.CancelledError)):
            await waiting
        await asyncio.sleep(0)
        return task.cancelled()

    assert drive(main) is True


def test_cancelling_as_future_cancels_the_deferred(drive):
    cancelled = []

    async def main():
        future = Deferred(cancelled.append).asFuture(asyncio.get_running_loop())
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await future
        return future.cancelled()

    assert drive(main) is True
    assert len(cancelled) == 1


def test_shield_keeps_a_deferred_from_being_cancelled(drive):
    async def main():
        kept = Deferred()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.shield(kept.asFuture(asyncio.get_running_loop()))
        assert not kept.called
        kept.callback("kept")
        return "done"

    assert drive(main) == "done"


# --- Context variables


def test_context_variables_are_kept_across_both_kinds_of_await(drive):
    var = contextvars.ContextVar("var", default="unset")

    async def main():
        var.set("mine")
        fired = Deferred()

        def fire():
            var.set("the timer's")
            fired.callback(None)

        get_reactor().callLater(0, fire)
        await fired
        seen = [var.get()]
        await asyncio.sleep(0)
        seen.append(var.get())

        async def child():
            seen.append(var.get())
            var.set("the child's")
            await later()
            seen.append(var.get())

        await asyncio.create_task(child())
        seen.append(var.get())
        seen.append(await deferToThread(var.get))
        return seen

    assert drive(main) == ["mine", "mine", "mine", "the child's", "mine", "mine"]


# --- Failures


@pytest.mark.parametrize("loop", LOOPS)
def test_an_exception_in_a_callback_of_the_loop_reaches_the_hub(reports, loop):
    async def main():
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0)
        await later()

    selvage.run(main, loop_factory=LOOPS[loop])
    assert [report.failure.type for report in reports] == [ZeroDivisionError]
    assert reports[0].source == "asyncio"


@pytest.mark.parametrize("loop", LOOPS)
def test_the_exception_of_a_forgotten_task_reaches_the_hub(reports, loop):
    async def stumble():
        raise ValueError("forgotten")

    async def main():
        task = asyncio.create_task(stumble())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        await later()

    selvage.run(main, loop_factory=LOOPS[loop])
    assert [str(report.failure.value) for report in reports] == ["forgotten"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_program_may_be_run_again_and_again(loop):
    async def main(number):
        async with asyncio.timeout(5):
            return await later(0, number)

    assert [selvage.run(main, number, loop_factory=LOOPS[loop]) for number in range(5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("loop", LOOPS)
def test_the_reactor_attaches_to_a_running_loop(loop):
    async def main():
        reactor = get_reactor()
        assert reactor.running
        assert reactor._asyncioEventloop is asyncio.get_running_loop()
        return await later()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(main()) == "deferred"
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(main()) == "deferred"
