"""Locks, semaphores and queues."""

from __future__ import annotations

from collections import deque

import pytest

from selvage.defer import (
    CancelledError,
    Deferred,
    DeferredLock,
    DeferredQueue,
    DeferredSemaphore,
    QueueOverflow,
    QueueUnderflow,
    ensureDeferred,
    succeed,
)

from .test_deferred import has_result, result_of


def test_lock_is_handed_on_in_order():
    lock, order = DeferredLock(), []
    assert not lock.locked
    for n in range(3):
        lock.acquire().addCallback(lambda got, n=n: order.append((n, got is lock)))
    assert lock.locked and order == [(0, True)] and len(lock.waiting) == 2
    lock.release()
    lock.release()
    assert order == [(0, True), (1, True), (2, True)] and lock.locked
    lock.release()
    assert not lock.locked


def test_release_without_acquire_says_so():
    with pytest.raises(AssertionError, match="Tried to release an unlocked lock.*unlocked"):
        DeferredLock().release()
    with pytest.raises(AssertionError, match="too many tokens"):
        DeferredSemaphore(1).release()


def test_cancelling_takes_out_of_the_line():
    for primitive in (DeferredLock(), DeferredSemaphore(1)):
        held = primitive.acquire()
        first, second = primitive.acquire(), primitive.acquire()
        first.cancel()
        assert result_of(first).check(CancelledError)
        primitive.release()
        assert has_result(second) and primitive.waiting == []
        held.cancel()
        assert has_result(held)


def test_run_releases_after_success_failure_and_cancellation():
    for primitive, free in (
        (DeferredLock(), lambda p: not p.locked),
        (DeferredSemaphore(1), lambda p: p.tokens == 1),
    ):
        assert result_of(primitive.run(lambda a, b: a + b, 1, b=2)) == 3 and free(primitive)
        assert result_of(primitive.run(lambda: 1 / 0)).check(ZeroDivisionError) and free(primitive)
        inner = Deferred()
        d = primitive.run(lambda inner=inner: inner)
        waiting = primitive.run(lambda: "next")
        assert not free(primitive) and not has_result(waiting)
        d.cancel()
        assert result_of(d).check(CancelledError) and result_of(waiting) == "next" and free(primitive)

        async def coroutine():
            return await succeed("coroutine")

        assert result_of(primitive.run(coroutine)) == "coroutine" and free(primitive)
        with pytest.raises(TypeError):
            primitive.run()


def test_async_with():
    lock, semaphore = DeferredLock(), DeferredSemaphore(2)

    async def program():
        async with lock as got:
            assert got is lock and lock.locked
        async with semaphore, semaphore:
            assert semaphore.tokens == 0
        with pytest.raises(ValueError, match="passes"):
            async with lock:
                raise ValueError("passes")
        return lock.locked, semaphore.tokens

    assert result_of(ensureDeferred(program())) == (False, 2)


def test_semaphore_counts():
    semaphore = DeferredSemaphore(2)
    got = [semaphore.acquire() for _ in range(3)]
    assert [has_result(d) for d in got] == [True, True, False]
    assert semaphore.tokens == 0 and semaphore.limit == 2
    semaphore.release()
    assert has_result(got[2]) and semaphore.tokens == 0
    semaphore.release()
    semaphore.release()
    assert semaphore.tokens == 2


@pytest.mark.parametrize("tokens", [0, -1])
def test_semaphore_needs_a_token(tokens):
    with pytest.raises(ValueError, match="requires tokens >= 1"):
        DeferredSemaphore(tokens)


def test_queue_hands_over_in_order():
    queue, got = DeferredQueue(), []
    for _ in range(2):
        queue.get().addCallback(got.append)
    for n in range(4):
        queue.put(n)
    assert got == [0, 1] and queue.pending == [2, 3]
    assert result_of(queue.get()) == 2


def test_queue_limits():
    queue = DeferredQueue(size=1, backlog=1)
    waiting = queue.get()
    with pytest.raises(QueueUnderflow, match="1 wait"):
        queue.get()
    queue.put("for the one who waits")
    assert result_of(waiting) == "for the one who waits"
    queue.put("kept")
    with pytest.raises(QueueOverflow, match="may hold 1 objects"):
        queue.put("too many")
    with pytest.raises(QueueOverflow):
        DeferredQueue(size=0).put(None)
    with pytest.raises(QueueUnderflow):
        DeferredQueue(backlog=0).get()


def test_queue_get_may_be_cancelled():
    queue = DeferredQueue()
    first, second = queue.get(), queue.get()
    first.cancel()
    assert result_of(first).check(CancelledError)
    queue.put("for the second")
    assert result_of(second) == "for the second"


def test_queue_keeps_deferreds_and_failures_as_they_are_put():
    """A Deferred that is put is waited for by who gets it."""
    queue, inner = DeferredQueue(), Deferred()
    queue.put(inner)
    got = queue.get()
    assert not has_result(got)
    inner.callback(1)
    assert result_of(got) == 1


def test_lines_compare_with_lists():
    queue = DeferredQueue()
    queue.put(1)
    assert queue.pending == [1] and queue.pending == deque([1]) and queue.pending != (1,)


def test_they_show_their_state():
    lock, semaphore, queue = DeferredLock(), DeferredSemaphore(2), DeferredQueue()
    assert repr(lock).endswith("unlocked>")
    lock.acquire()
    lock.acquire()
    semaphore.acquire()
    queue.put(1)
    assert repr(lock).endswith("locked, 1 waiting>")
    assert repr(semaphore).endswith("1 of 2 free, 0 waiting>")
    assert repr(queue).endswith("1 pending, 0 waiting>")


def test_a_hundred_thousand_in_line():
    lock, count = DeferredLock(), 0

    def step(_):
        nonlocal count
        count += 1

    for _ in range(100_000):
        lock.acquire().addCallback(step)
    for _ in range(100_000):
        lock.release()
    assert count == 100_000 and not lock.locked
