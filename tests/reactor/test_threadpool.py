"""The thread pool by itself."""

from __future__ import annotations

import contextvars
import gc
import pickle
import threading
import weakref

import pytest

from selvage import _context as scope
from selvage.reactor import ThreadPool
from selvage.reactor._team import AlreadyQuit, Team, createMemoryWorker


@pytest.fixture
def pool():
    made = ThreadPool(0, 2, "test")
    made.start()
    yield made
    if not made.joined:
        made.stop()


def wait_for(condition):
    deadline = threading.Event()
    for _ in range(2000):
        if condition():
            return
        deadline.wait(0.001)
    raise AssertionError("it did not come about")


def test_sizes():
    pool = ThreadPool(3, 10)
    assert (pool.min, pool.max, pool.threads) == (3, 10, [])
    pool.start()
    assert len(pool.threads) == 3
    pool.adjustPoolsize(minthreads=5)
    wait_for(lambda: pool.workers == 5)
    pool.adjustPoolsize(0, 2)
    wait_for(lambda: pool.workers == 2)
    pool.startAWorker()
    assert pool.workers == 2
    pool.stopAWorker()
    wait_for(lambda: pool.workers == 1)
    pool.stop()
    assert pool.joined
    assert pool.threads == []
    pool.adjustPoolsize(2, 4)
    assert pool.threads == []


@pytest.mark.parametrize("sizes", [(-1, 2), (3, 2)])
def test_impossible_sizes(sizes):
    with pytest.raises(AssertionError, match="a thread pool cannot keep"):
        ThreadPool(*sizes)


def test_threads_are_named_and_not_more_than_allowed(pool):
    release = threading.Event()
    names = []

    def work():
        names.append(threading.current_thread().name)
        release.wait(10)

    for _ in range(5):
        pool.callInThread(work)
    wait_for(lambda: len(names) == 2)
    assert (len(pool.working), len(pool.waiters), pool._queue.qsize(), pool.q.qsize()) == (2, 0, 3, 3)
    release.set()
    wait_for(lambda: len(names) == 5)
    assert set(names) == {"PoolThread-test-0", "PoolThread-test-1"}


def test_what_is_asked_before_the_start_comes_then():
    pool = ThreadPool(0, 1)
    done = threading.Event()
    pool.callInThread(done.set)
    assert not done.is_set()
    pool.start()
    assert done.wait(5)
    pool.stop()


def test_stop_finishes_what_was_asked_for(pool):
    done = []
    for n in range(100):
        pool.callInThread(done.append, n)
    pool.stop()
    assert sorted(done) == list(range(100))


def test_a_stopped_pool_says_so_to_who_waits_for_a_result(pool):
    pool.stop()
    results = []
    pool.callInThread(results.append, "nobody waits")
    pool.callInThreadWithCallback(lambda *result: results.append(result), print)
    ((success, failure),) = results
    assert success is False
    assert failure.check(AlreadyQuit)
    assert "test" in failure.getErrorMessage()


def test_a_pool_can_be_stopped_from_one_of_its_threads(pool):
    done = threading.Event()

    def stop():
        pool.stop()
        done.set()

    pool.callInThread(stop)
    assert done.wait(5)


def test_results_and_failures_come_in_the_same_thread(pool):
    results = []
    done = threading.Semaphore(0)

    def on_result(success, result):
        results.append((success, result, threading.get_ident()))
        done.release()

    pool.callInThreadWithCallback(on_result, threading.get_ident)
    pool.callInThreadWithCallback(on_result, lambda: 1 / 0)
    for _ in range(2):
        assert done.acquire(timeout=5)
    by_success = {success: (result, thread) for success, result, thread in results}
    assert by_success[True][0] == by_success[True][1]
    assert by_success[False][0].check(ZeroDivisionError)


def test_errors_are_reported(pool, reports):
    pool.callInThread(lambda: 1 / 0)
    pool.callInThreadWithCallback(lambda success, result: {}[1], lambda: None)
    pool.stop()
    assert {report.failure.type for report in reports} == {ZeroDivisionError, KeyError}
    assert {report.source for report in reports} == {"thread"}
    reports.clear()


def test_contexts_of_both_kinds_are_carried(pool):
    variable = contextvars.ContextVar("variable", default=None)
    seen = []

    def look(*_):
        seen.append((variable.get(), scope.get("key")))

    def ask():
        variable.set("value")
        scope.call({"key": "there"}, pool.callInThreadWithCallback, look, look)

    contextvars.copy_context().run(ask)
    pool.stop()
    assert seen == [("value", "there")] * 2
    assert scope.get("key") is None


def test_nothing_of_a_call_is_kept_alive(pool):
    class Thing:
        pass

    thing = Thing()
    ref = weakref.ref(thing)
    seen = []
    done = threading.Event()

    def on_result(success, result):
        gc.collect()
        seen.append(ref())
        done.set()

    go = threading.Event()
    pool.callInThreadWithCallback(on_result, lambda _: go.wait(5), thing)
    del thing
    go.set()
    assert done.wait(5)
    assert seen == [None]


def test_pickling_keeps_the_sizes():
    copy = pickle.loads(pickle.dumps(ThreadPool(7, 20, "name")))
    assert (copy.min, copy.max, copy.name, copy.started) == (7, 20, "name", False)


def test_stats(pool, capsys):
    pool.dumpStats()
    assert "0 busy of at most 2 threads" in capsys.readouterr().out


def test_current_thread_is_deprecated():
    with pytest.warns(DeprecationWarning, match="threading.current_thread instead"):
        assert ThreadPool.currentThread() is threading.current_thread()


def test_a_pool_on_workers_of_ones_own_can_be_stepped():
    coordinator, coordinate = createMemoryWorker()
    workers = []

    def make_worker():
        workers.append(createMemoryWorker())
        return workers[-1][0]

    class Stepped(ThreadPool):
        def _pool(self, currentLimit, threadFactory):
            def within_limit():
                now = team.statistics()
                full = now.busyWorkerCount + now.idleWorkerCount >= currentLimit()
                return None if full else make_worker()

            team = Team(coordinator, within_limit, lambda: None)
            return team

    pool = Stepped(0, 3)
    for _ in range(10):
        pool.callInThread(lambda: None)
    while coordinate():
        pass
    assert workers == []
    pool.start()
    while coordinate():
        pass
    assert len(workers) == 3
