"""One await for both worlds: Deferreds in asyncio Tasks, asyncio's awaitables in Selvage's coroutines."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import weakref

import pytest

from selvage.defer import (
    CancelledError,
    Deferred,
    Failure,
    ensureDeferred,
    fail,
    inlineCallbacks,
    succeed,
)

LOOPS = [pytest.param(asyncio.new_event_loop, id="asyncio")]
try:
    import uvloop
except ImportError:
    pass
else:
    LOOPS.append(pytest.param(uvloop.new_event_loop, id="uvloop"))


@pytest.fixture(params=LOOPS)
def run(request):
    """Run a coroutine as an asyncio program would, on each kind of loop."""

    def run(main):
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(main)

    return run


def later(value, delay=0.001):
    d = Deferred()
    asyncio.get_running_loop().call_later(delay, d.callback, value)
    return d


# --- A Deferred in an asyncio Task ---------------------------------------------------------------------------------


def test_task_awaits_fired_and_pending(run):
    async def main():
        return [await succeed(1), await later(2), await later(None), await asyncio.create_task(nested())]

    async def nested():
        return await later(3)

    assert run(main()) == [1, 2, None, 3]


def test_task_gets_failures(run):
    async def main():
        with pytest.raises(KeyError):
            await fail(KeyError("fired"))
        d = Deferred()
        asyncio.get_running_loop().call_soon(d.errback, ValueError("pending"))
        with pytest.raises(ValueError, match="pending") as caught:
            await d
        assert caught.value.__traceback__ is not None
        return "done"

    assert run(main()) == "done"


def test_waiting_tools_of_asyncio_take_deferreds(run):
    async def main():
        assert await asyncio.wait_for(later(1), 5) == 1
        assert await asyncio.gather(later(1), later(2), succeed(3)) == [1, 2, 3]
        async with asyncio.timeout(5):
            assert await later(4) == 4
        pending = Deferred()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pending, 0.001)
        assert pending.called
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await Deferred()
        return "done"

    assert run(main()) == "done"


def test_cancelling_the_task_cancels_the_deferred(run):
    cancelled = []

    async def main():
        d = Deferred(cancelled.append)

        async def wait():
            await d

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        assert task.cancelled()
        if sys.version_info < (3, 13) or caught.value.args:
            assert caught.value.args == ("enough",)
        return d

    assert run(main()) is cancelled[0]


def test_a_task_that_is_cancelled_gets_another_outcome_of_the_canceller(run):
    async def main():
        async def wait(d):
            return await d

        task = asyncio.create_task(wait(Deferred(lambda d: d.callback("in time"))))
        await asyncio.sleep(0)
        task.cancel()
        assert await task == "in time"
        task = asyncio.create_task(wait(Deferred(lambda d: d.errback(ValueError("broken")))))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(ValueError, match="broken"):
            await task

    run(main())


def test_a_deferred_cancelled_by_others_does_not_cancel_the_task(run):
    async def main():
        d = Deferred()
        asyncio.get_running_loop().call_soon(d.cancel)
        with pytest.raises(CancelledError):
            await d
        assert not asyncio.current_task().cancelling()
        return "alive"

    assert run(main()) == "alive"


def test_several_wait_for_one_deferred(run):
    """Awaiting looks at the result and leaves it, so everybody gets it."""

    async def main():
        d = later(7)

        async def wait():
            return await d

        results = await asyncio.gather(wait(), wait(), ensureDeferred(wait()))
        return [*results, await d]

    assert run(main()) == [7, 7, 7, 7]


def test_several_wait_for_one_failure(run):
    async def main():
        d = Deferred()

        async def wait():
            with pytest.raises(ValueError):
                await d

        waiters = asyncio.gather(wait(), wait(), ensureDeferred(wait()))
        asyncio.get_running_loop().call_soon(d.errback, ValueError())
        await waiters

    run(main())


def test_waiter_answers_like_a_future(run):
    async def main():
        d = Deferred()
        waiter = d.__await__().send(None)
        assert asyncio.isfuture(waiter)
        assert not waiter.done() and not waiter.cancelled() and waiter.value is None
        with pytest.raises(asyncio.InvalidStateError, match="no result yet"):
            waiter.result()
        called = []
        waiter.add_done_callback(called.append)
        waiter.add_done_callback(print)
        assert waiter.remove_done_callback(print) == 1
        assert waiter.remove_done_callback(print) == 0
        d.callback(1)
        await asyncio.sleep(0)
        assert called == [waiter]
        waiter.add_done_callback(called.append)
        await asyncio.sleep(0)
        assert called == [waiter, waiter]
        assert waiter.result() == 1 and waiter.exception() is None
        assert not waiter.cancel()
        assert "current result: 1" in repr(waiter)

    run(main())


# --- asyncio's awaitables in a Selvage coroutine --------------------------------------------------------------------


def test_coroutine_awaits_asyncio(run):
    async def main():
        async def mixed():
            future = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(future.set_result, "future")
            task = asyncio.create_task(asyncio.sleep(0.001, "task"))
            await asyncio.sleep(0)
            return [await future, await task, await later("deferred"), await asyncio.sleep(0.001, "sleep")]

        return await ensureDeferred(mixed())

    assert run(main()) == ["future", "task", "deferred", "sleep"]


def test_inline_callbacks_yields_asyncio(run):
    async def main():
        @inlineCallbacks
        def mixed():
            loop = asyncio.get_running_loop()
            done = loop.create_future()
            done.set_result("done")
            future = loop.create_future()
            loop.call_soon(future.set_result, "future")
            bad = loop.create_future()
            loop.call_soon(bad.set_exception, KeyError("bad"))
            results = []
            results.append((yield done))
            results.append((yield future))
            results.append((yield asyncio.create_task(asyncio.sleep(0, "task"))))
            results.append((yield asyncio.sleep(0, "coroutine")))
            results.append((yield later("deferred")))
            try:
                yield bad
            except KeyError:
                results.append("failed")
            return results

        return await mixed()

    assert run(main()) == ["done", "future", "task", "coroutine", "deferred", "failed"]


def test_coroutine_starts_and_resumes_synchronously(run):
    """On a running loop and without one."""
    seen = []

    async def coroutine(d):
        seen.append("started")
        seen.append(await d)
        return "result"

    def check():
        seen.clear()
        d = Deferred()
        result = ensureDeferred(coroutine(d))
        assert seen == ["started"]
        d.callback("fired")
        assert seen == ["started", "fired"]
        assert result.result == "result"

    async def main():
        check()

    check()
    run(main())


def test_sleep_zero_takes_one_turn(run):
    async def main():
        order = []

        async def coroutine():
            order.append("before")
            await asyncio.sleep(0)
            order.append("after")

        d = ensureDeferred(coroutine())
        order.append("outside")
        await d
        return order

    assert run(main()) == ["before", "outside", "after"]


def test_sleep_zero_without_loop():
    """There are no turns to wait for."""

    async def coroutine():
        await asyncio.sleep(0)
        return 1

    assert ensureDeferred(coroutine()).result == 1


def test_coroutine_is_the_current_task(run):
    async def main():
        outer = asyncio.current_task()

        async def coroutine():
            me = asyncio.current_task()
            assert me is not outer
            assert me.get_coro() is not None and not me.done()
            await later(None)
            assert asyncio.current_task() is me
            await asyncio.sleep(0)
            assert asyncio.current_task() is me
            assert me in asyncio.all_tasks()
            return me

        d = ensureDeferred(coroutine())
        assert asyncio.current_task() is outer
        me = await d
        assert asyncio.current_task() is outer
        assert me not in asyncio.all_tasks()
        assert me.done() and not me.cancelled() and me.result() is me and me.exception() is None

    run(main())


def test_a_coroutine_that_does_not_wait_is_a_task_too(run):
    async def main():
        faces, called = [], []

        async def coroutine(error=None):
            me = asyncio.current_task()
            me.add_done_callback(called.append)
            faces.append(me)
            if error is not None:
                raise error
            return "result"

        assert ensureDeferred(coroutine()).result == "result"
        ensureDeferred(coroutine(ValueError())).addErrback(lambda f: None)
        await asyncio.sleep(0)
        assert called == faces and [face.done() for face in faces] == [True, True]
        assert faces[0].result() == "result"
        with pytest.raises(ValueError):
            faces[1].result()
        assert faces[0].uncancel() == 0 and not faces[0]._must_cancel and faces[0]._fut_waiter is None

    run(main())


def test_started_by_a_callback_of_the_loop(run):
    """There is no task around it, and none afterwards."""

    async def main():
        seen = []

        async def coroutine(d):
            seen.append(asyncio.current_task())
            await d

        def start(d):
            ensureDeferred(coroutine(d))
            seen.append(asyncio.current_task())

        loop = asyncio.get_running_loop()
        d = Deferred()
        loop.call_soon(start, d)
        loop.call_soon(start, succeed(None))
        await asyncio.sleep(0)
        loop.call_soon(d.callback, None)
        await asyncio.sleep(0)
        assert seen[0] is not None and seen[2] is not None and seen[1] is seen[3] is None

    run(main())


def test_nested_coroutines_are_tasks_of_their_own(run):
    async def main():
        tasks = []

        async def inner():
            tasks.append(asyncio.current_task())

        async def outer():
            tasks.append(asyncio.current_task())
            ensureDeferred(inner())
            tasks.append(asyncio.current_task())

        await ensureDeferred(outer())
        assert tasks[0] is tasks[2] is not tasks[1]

    run(main())


def test_timeout_inside(run):
    async def main():
        async def on_asyncio():
            async with asyncio.timeout(0.001):
                await asyncio.sleep(60)

        async def on_deferred():
            async with asyncio.timeout(0.001):
                await Deferred()

        async def nested():
            async with asyncio.timeout(0.001):
                await ensureDeferred(asyncio.sleep(60))

        for each in (on_asyncio, on_deferred, nested):
            with pytest.raises(TimeoutError):
                await ensureDeferred(each())

        async def goes_on():
            try:
                async with asyncio.timeout(0.001):
                    await Deferred()
            except TimeoutError:
                assert asyncio.current_task().cancelling() == 0
                return await later("after")

        assert await ensureDeferred(goes_on()) == "after"

        async def in_time():
            async with asyncio.timeout(5):
                return await later(1)

        assert await ensureDeferred(in_time()) == 1

    run(main())


def test_task_group_inside(run):
    async def main():
        async def good():
            async with asyncio.TaskGroup() as group:
                one = group.create_task(asyncio.sleep(0.001, 1))
                two = group.create_task(asyncio.sleep(0, 2))
                three = await later(3)
            return [one.result(), two.result(), three]

        assert await ensureDeferred(good()) == [1, 2, 3]

        async def broken():
            raise ValueError("broken")

        async def bad(waiting_for):
            async with asyncio.TaskGroup() as group:
                group.create_task(broken())
                await waiting_for()

        for waiting_for in (Deferred, lambda: asyncio.sleep(60)):
            with pytest.raises(ExceptionGroup) as caught:
                await ensureDeferred(bad(waiting_for))
            assert caught.value.subgroup(ValueError)

    run(main())


def test_queue_lock_and_event_inside(run):
    async def main():
        queue, lock, event = asyncio.Queue(), asyncio.Lock(), asyncio.Event()

        async def consumer():
            await event.wait()
            async with lock:
                return await queue.get()

        d = ensureDeferred(consumer())
        event.set()
        await queue.put("item")
        assert await d == "item"

    run(main())


# --- Cancelling through the face of a Task -------------------------------------------------------------------------


def test_cancelling_the_face_waits_for_the_next_turn_and_keeps_its_message(run):
    async def main(waiting_for):
        faces, caught = [], []

        async def coroutine():
            faces.append(asyncio.current_task())
            try:
                await waiting_for()
            except asyncio.CancelledError as error:
                caught.append(error)
                raise

        d = ensureDeferred(coroutine())
        assert faces[0].cancel("the message")
        assert faces[0].cancelling() == 1
        assert not caught
        with pytest.raises(CancelledError) as failed:
            await d
        assert type(caught[0]) is asyncio.CancelledError
        assert caught[0].args == ("the message",)
        assert isinstance(failed.value, asyncio.CancelledError) and failed.value.args == ("the message",)
        assert faces[0].cancelled() and not faces[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            faces[0].result()

    for waiting_for in (Deferred, lambda: asyncio.sleep(60), lambda: asyncio.sleep(0)):
        run(main(waiting_for))


def test_cancelling_itself_while_running(run):
    async def main(waiting_for):
        async def coroutine():
            asyncio.current_task().cancel("myself")
            try:
                await succeed("is there already")
                await waiting_for()
            except asyncio.CancelledError as error:
                return error.args

        assert await ensureDeferred(coroutine()) == ("myself",)

    for waiting_for in (Deferred, lambda: asyncio.sleep(60), lambda: asyncio.sleep(0)):
        run(main(waiting_for))


def test_cancelled_face_and_a_result_that_comes_first(run):
    """The result is lost, as for a Task whose future is done when it is cancelled."""

    async def main():
        faces = []

        async def coroutine(awaitable):
            faces.append(asyncio.current_task())
            await awaitable

        d = Deferred()
        result = ensureDeferred(coroutine(d))
        faces[-1].cancel()
        d.callback("too late")
        with pytest.raises(CancelledError):
            await result
        future = asyncio.get_running_loop().create_future()
        result = ensureDeferred(coroutine(future))
        future.set_result("too late")
        faces[-1].cancel()
        with pytest.raises(CancelledError):
            await result

    run(main())


def test_cancelled_face_and_a_canceller_with_a_result(run):
    async def main():
        faces = []

        async def coroutine():
            faces.append(asyncio.current_task())
            return await Deferred(lambda d: d.callback("in time"))

        d = ensureDeferred(coroutine())
        faces[0].cancel()
        assert await d == "in time"

    run(main())


def test_uncancel(run):
    async def main():
        async def coroutine():
            me = asyncio.current_task()
            assert me.uncancel() == 0
            me.cancel()
            me.cancel()
            assert me.uncancel() == 1
            try:
                await Deferred()
            except asyncio.CancelledError:
                assert me.uncancel() == 0
            return await later("went on")

        assert await ensureDeferred(coroutine()) == "went on"

    run(main())


def test_run_cancels_what_is_left_at_its_end(run):
    seen = []

    async def main():
        async def coroutine():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

        d = ensureDeferred(coroutine())
        d.addErrback(lambda f: f.trap(CancelledError) and None)

    run(main())
    assert seen == ["cancelled"]


def test_face_can_be_waited_for(run):
    async def main():
        faces = []

        async def coroutine(result):
            faces.append(asyncio.current_task())
            await asyncio.sleep(0.001)
            if isinstance(result, Exception):
                raise result
            return result

        d = ensureDeferred(coroutine(1))
        assert await asyncio.wait_for(faces[0], 5) == 1
        assert await faces[0] == 1
        done, _ = await asyncio.wait([faces[0]])
        assert done == {faces[0]}
        d = ensureDeferred(coroutine(ValueError("no")))
        d.addErrback(lambda f: None)
        with pytest.raises(asyncio.InvalidStateError, match="has not ended"):
            faces[1].result()
        (result,) = await asyncio.gather(faces[1], return_exceptions=True)
        assert isinstance(result, ValueError)
        called = []
        faces[1].add_done_callback(called.append)
        await asyncio.sleep(0)
        assert called == [faces[1]]

    run(main())


def test_face_shows_itself(run, capsys):
    async def main():
        async def sleeper():
            await asyncio.sleep(0.001)

        async def coroutine():
            me = asyncio.current_task()
            assert "running" in repr(me) and "coroutine" in repr(me)
            await sleeper()

        faces = []

        async def starter():
            faces.append(asyncio.current_task())
            await coroutine()

        d = ensureDeferred(starter())
        (face,) = faces
        assert "waiting on" in repr(face)
        assert face.get_name().startswith("Coroutine-")
        face.set_name("named")
        assert face.get_name() == "named"
        assert [frame.f_code.co_name for frame in face.get_stack()][:3] == ["starter", "coroutine", "sleeper"]
        assert len(face.get_stack(limit=1)) == 1
        face.print_stack(file=sys.stdout)
        assert "in sleeper" in capsys.readouterr().out
        assert face.get_context() is not None
        assert face.get_loop() is asyncio.get_running_loop()
        assert face.remove_done_callback(print) == 0
        await d
        assert "ended" in repr(face) and face.get_stack() == []

    run(main())


# --- Deferred.cancel -----------------------------------------------------------------------------------------------


def test_deferred_cancel_is_synchronous(run):
    async def main():
        async def coroutine():
            await asyncio.sleep(60)

        d = ensureDeferred(coroutine())
        d.cancel()
        assert d.called
        failure = d.result
        assert failure.check(CancelledError) and failure.check(asyncio.CancelledError)
        d.addErrback(lambda f: None)
        future = asyncio.get_running_loop().create_future()

        async def waits(future):
            return await future

        d = ensureDeferred(waits(future))
        d.cancel()
        assert future.cancelled() and d.called
        d.addErrback(lambda f: None)

        @inlineCallbacks
        def yields(future):
            yield future

        future = asyncio.get_running_loop().create_future()
        d = yields(future)
        d.cancel()
        assert future.cancelled() and d.called
        d.addErrback(lambda f: None)
        d = ensureDeferred(asyncio.sleep(0))
        d.cancel()
        assert d.called
        d.addErrback(lambda f: None)

    run(main())


def test_deferred_cancel_may_be_handled(run):
    async def main():
        async def coroutine():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                return await later("handled")

        d = ensureDeferred(coroutine())
        d.cancel()
        assert not d.called
        assert await d == "handled"

    run(main())


def test_deferred_cancel_while_the_coroutine_runs(run):
    """What it waits for next is cancelled."""

    async def main(waiting_for):
        holder = []

        async def coroutine():
            await later(None)
            holder[0].cancel()
            await waiting_for()

        holder.append(ensureDeferred(coroutine()))
        with pytest.raises(CancelledError):
            await holder[0]

    for waiting_for in (Deferred, lambda: asyncio.sleep(60), lambda: ensureDeferred(asyncio.sleep(60))):
        run(main(waiting_for))


def test_cancelled_future_fails_the_coroutine(run):
    async def main():
        future = asyncio.get_running_loop().create_future()

        async def waits():
            await future

        @inlineCallbacks
        def yields():
            yield future

        waiting, yielding = ensureDeferred(waits()), yields()
        future.cancel()
        for d in (waiting, yielding):
            with pytest.raises(asyncio.CancelledError):
                await d
        d = yields()
        assert d.result.check(CancelledError)
        d.addErrback(lambda f: None)

    run(main())


def test_cancelled_error_raised_without_loop():
    async def coroutine():
        raise asyncio.CancelledError("left")

    d = ensureDeferred(coroutine())
    failure = d.result
    assert failure.check(CancelledError) and failure.check(asyncio.CancelledError)
    assert failure.value.args == ("left",)
    assert "in coroutine" in failure.getTraceback()
    d.addErrback(lambda f: None)


# --- Futures -------------------------------------------------------------------------------------------------------


def test_as_future(run):
    async def main():
        loop = asyncio.get_running_loop()
        d = Deferred()
        future = d.asFuture(loop)
        d.callback(13)
        assert d.result is None
        assert await future == 13
        d = Deferred()
        future = d.asFuture(loop)
        d.errback(KeyError("k"))
        with pytest.raises(KeyError):
            await future
        cancelled = []
        d = Deferred(cancelled.append)
        future = d.asFuture(loop)
        future.cancel()
        await asyncio.sleep(0)
        assert cancelled == [d]
        future = fail(StopIteration()).asFuture(loop)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await future
        future = fail(asyncio.CancelledError()).asFuture(loop)
        assert future.cancelled()

    run(main())


def test_from_future(run):
    async def main():
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        d = Deferred.fromFuture(future)
        future.set_result(7)
        assert await d == 7
        future = loop.create_future()
        d = Deferred.fromFuture(future)
        future.set_exception(KeyError("k"))
        with pytest.raises(KeyError):
            await d
        future = loop.create_future()
        d = Deferred.fromFuture(future)
        future.cancel()
        with pytest.raises(CancelledError):
            await d
        future = loop.create_future()
        d = ensureDeferred(future)
        d.cancel()
        assert future.cancelled() and d.called
        failure = d.result
        d.addErrback(lambda f: None)
        assert failure.check(asyncio.CancelledError) and failure.check(CancelledError)

    run(main())


# --- Context variables ---------------------------------------------------------------------------------------------

variable = contextvars.ContextVar("variable", default="unset")


def test_coroutine_keeps_the_context_it_was_started_in(run):
    async def main():
        seen = []

        async def coroutine():
            seen.append(variable.get())
            await asyncio.sleep(0)
            seen.append(variable.get())
            await later(None)
            variable.set("inside")
            await later(None)
            seen.append(variable.get())

        variable.set("started")
        d = ensureDeferred(coroutine())
        variable.set("changed")
        await d
        return [*seen, variable.get()]

    assert run(main()) == ["started", "started", "inside", "changed"]


def test_a_token_can_be_reset_after_waiting(run):
    async def main():
        async def coroutine():
            token = variable.set("mine")
            await asyncio.sleep(0)
            await later(None)
            variable.reset(token)
            return variable.get()

        return await ensureDeferred(coroutine())

    assert run(main()) == "unset"


def test_resumed_from_inside_its_own_context(run):
    """Something that runs with the context of the task fires what the task waits for."""

    async def main():
        async def coroutine(fail):
            d = Deferred()
            context = asyncio.current_task().get_context()
            fire = d.errback if fail else d.callback
            result = ValueError() if fail else "fired"
            asyncio.get_running_loop().call_soon(fire, result, context=context)
            variable.set("mine")
            seen = [await d, variable.get()]
            variable.set("still mine")
            return [*seen, await later("after"), variable.get()]

        assert await ensureDeferred(coroutine(False)) == ["fired", "mine", "after", "still mine"]
        with pytest.raises(ValueError):
            await ensureDeferred(coroutine(True))

    run(main())


def test_a_callback_runs_in_the_context_of_who_fires():
    seen = []
    d = Deferred()
    variable.set("adding")
    d.addCallback(lambda _: seen.append(variable.get()))
    context = contextvars.copy_context()
    context.run(variable.set, "firing")
    context.run(d.callback, None)
    assert seen == ["firing"]


# --- Nothing stays behind ------------------------------------------------------------------------------------------


def test_no_circle_is_left_after_a_coroutine_on_a_loop(run):
    class Token:
        pass

    async def main():
        token = Token()
        gone = weakref.ref(token)

        async def coroutine(_):
            await later(None)

        gc.collect()
        gc.disable()
        try:
            d = ensureDeferred(coroutine(token))
            done = weakref.ref(d)
            del token
            await d
            del d
            await asyncio.sleep(0)
            return gone() is None, done() is None
        finally:
            gc.enable()

    assert run(main()) == (True, True)


def test_exceptions_of_both_worlds_keep_their_frames(run):
    async def main():
        async def fails():
            await asyncio.sleep(0)
            raise ValueError("story")

        @inlineCallbacks
        def between():
            yield fails()

        async def outermost():
            await between()

        d = ensureDeferred(outermost())
        d.addErrback(lambda f: f.getTraceback())
        return await d

    text = run(main())
    assert "in fails" in text and "in between" in text and "in outermost" in text
    assert "selvage/defer" not in text


def test_failure_type_is_importable_from_defer():
    from selvage import failure

    assert Failure is failure.Failure
