"""anyio inside Selvage's coroutines: task groups, cancel scopes, streams, threads."""

from __future__ import annotations

import pytest

from selvage.defer import Deferred, ensureDeferred
from selvage.reactor import get_reactor
from selvage.tasks import deferLater

anyio = pytest.importorskip("anyio")


def later(delay=0.0, result="deferred"):
    return deferLater(get_reactor(), delay, lambda: result)


def test_a_task_group(drive):
    async def main():
        seen = []

        async def child(number):
            await later()
            await anyio.sleep(0)
            seen.append(number)

        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(child, number)
            await later()
        return sorted(seen)

    assert drive(main) == [0, 1, 2]


def test_start_waits_until_the_child_is_ready(drive):
    async def main():
        async def child(*, task_status):
            await later()
            task_status.started("ready")
            await Deferred()

        async with anyio.create_task_group() as group:
            result = await group.start(child)
            group.cancel_scope.cancel()
        return result

    assert drive(main) == "ready"


def test_a_failing_child_cancels_the_others(drive):
    cancelled = []

    async def main():
        async def stumble():
            await later()
            raise ValueError("child")

        with pytest.raises(ExceptionGroup) as caught:
            async with anyio.create_task_group() as group:
                group.start_soon(stumble)
                await Deferred(cancelled.append)
        assert [str(error) for error in caught.value.exceptions] == ["child"]
        return await later(0, "goes on")

    assert drive(main) == "goes on"
    assert len(cancelled) == 1


def test_a_failing_body_cancels_the_children(drive):
    cancelled = []

    async def main():
        async def wait():
            await Deferred(cancelled.append)

        with pytest.raises(ExceptionGroup):
            async with anyio.create_task_group() as group:
                group.start_soon(wait)
                await later()
                raise ValueError("body")
        await anyio.sleep(0)
        return "goes on"

    assert drive(main) == "goes on"
    assert len(cancelled) == 1


@pytest.mark.parametrize("wait", [Deferred, lambda: anyio.sleep(60)], ids=["Deferred", "anyio"])
def test_move_on_after(drive, wait):
    async def main():
        with anyio.move_on_after(0.01) as scope:
            await wait()
        return scope.cancelled_caught, await later()

    assert drive(main) == (True, "deferred")


def test_fail_after(drive):
    async def main():
        with pytest.raises(TimeoutError):
            with anyio.fail_after(0.01):
                await Deferred()
        with anyio.fail_after(5):
            return await later()

    assert drive(main) == "deferred"


def test_nested_scopes_are_cancelled_where_they_should(drive):
    async def main():
        seen = []
        with anyio.move_on_after(0.02) as outer:
            with anyio.move_on_after(5) as inner:
                await Deferred()
            seen.append("not reached")
        return seen, outer.cancelled_caught, inner.cancelled_caught

    assert drive(main) == ([], True, False)


def test_a_scope_cancelled_by_hand(drive):
    async def main():
        with anyio.CancelScope() as scope:
            get_reactor().callLater(0, scope.cancel)
            await Deferred()
        return scope.cancelled_caught, await later()

    assert drive(main) == (True, "deferred")


def test_a_cancelled_scope_cancels_each_further_wait(drive):
    """anyio's cancellation lasts: who swallows it once gets it again at the next wait."""

    async def main():
        seen = []
        with anyio.move_on_after(0.01):
            while len(seen) < 3:
                try:
                    await Deferred()
                except BaseException as error:
                    seen.append(type(error).__name__)
                    if len(seen) == 3:
                        raise
        return len(seen)

    assert drive(main) == 3


def test_a_shielded_scope_finishes_its_work(drive):
    async def main():
        seen = []
        with anyio.move_on_after(0.01):
            try:
                await Deferred()
            finally:
                with anyio.CancelScope(shield=True):
                    seen.append(await later(0.01, "cleaned up"))
        return seen

    assert drive(main) == ["cleaned up"]


def test_streams_between_a_selvage_coroutine_and_a_task(drive):
    async def main():
        send, receive = anyio.create_memory_object_stream(1)

        async def produce():
            async with send:
                for number in range(3):
                    await send.send(number)
                    await later()

        producer = ensureDeferred(produce())
        async with receive:
            seen = [item async for item in receive]
        await producer
        return seen

    assert drive(main) == [0, 1, 2]


def test_events_limits_and_locks(drive):
    async def main():
        event, limiter, lock = anyio.Event(), anyio.CapacityLimiter(1), anyio.Lock()
        get_reactor().callLater(0, event.set)
        await event.wait()
        async with limiter, lock:
            return await later()

    assert drive(main) == "deferred"


def test_threads(drive):
    async def main():
        def work():
            return anyio.from_thread.run(anyio.sleep, 0) or "worked"

        return await anyio.to_thread.run_sync(lambda: "plain"), await anyio.to_thread.run_sync(work)

    assert drive(main) == ("plain", "worked")


def test_sockets(drive):
    async def main():
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(anyio.abc.SocketAttribute.local_port)

        async def echo(stream):
            async with stream:
                await stream.send(await stream.receive())

        async with anyio.create_task_group() as group:
            group.start_soon(listener.serve, echo)
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(b"hello")
                result = await stream.receive()
            group.cancel_scope.cancel()
        await listener.aclose()
        return result

    assert drive(main) == b"hello"


def test_two_coroutines_have_scopes_of_their_own(drive):
    async def main():
        async def limited(delay):
            with anyio.move_on_after(delay) as scope:
                await later(0.03)
            return scope.cancelled_caught

        short, long = ensureDeferred(limited(0.005)), ensureDeferred(limited(5))
        return await short, await long

    assert drive(main) == (True, False)
