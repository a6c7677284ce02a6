"""Workers and teams, stepped by hand."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest

from selvage.failure import Failure
from selvage.reactor._team import AlreadyQuit, LockWorker, Quit, Team, ThreadWorker, createMemoryWorker, pool


class SteppedTeam:
    """A team whose coordinator and workers do one thing at a time."""

    def __init__(self, limit=100):
        coordinator, self.coordinate_once = createMemoryWorker()
        self.performers = {}
        self.quit = []
        self.failures = []
        self.limit = limit
        self.team = Team(coordinator, self.make_worker, lambda: self.failures.append(Failure()))

    def make_worker(self):
        if len(self.performers) >= self.limit:
            return None
        worker, perform = createMemoryWorker()
        self.performers[worker] = perform
        quit = worker.quit
        worker.quit = lambda: (self.quit.append(worker), quit())
        return worker

    def coordinate(self):
        while self.coordinate_once():
            pass

    def perform_all(self):
        did = True
        while did:
            self.coordinate()
            did = False
            for perform in self.performers.values():
                did = perform() or did

    @property
    def counts(self):
        now = self.team.statistics()
        return now.idleWorkerCount, now.busyWorkerCount, now.backloggedWorkCount


def test_a_flag_is_set_once():
    flag = Quit()
    assert not flag.isSet
    flag.check()
    flag.set()
    assert flag.isSet
    for again in (flag.set, flag.check):
        with pytest.raises(AlreadyQuit, match="takes no more work"):
            again()


def test_work_is_done_by_a_worker():
    stepped = SteppedTeam()
    done = []
    stepped.team.do(lambda: done.append(1))
    assert stepped.counts == (0, 0, 0)
    stepped.coordinate()
    assert stepped.counts == (0, 1, 0)
    stepped.perform_all()
    assert (done, stepped.counts) == ([1], (1, 0, 0))
    stepped.team.do(lambda: done.append(2))
    stepped.perform_all()
    assert (done, len(stepped.performers)) == ([1, 2], 1)


def test_work_waits_when_there_may_be_no_more_workers():
    stepped = SteppedTeam(limit=2)
    done = []
    for n in range(5):
        stepped.team.do(lambda n=n: done.append(n))
    stepped.coordinate()
    assert stepped.counts == (0, 2, 3)
    stepped.perform_all()
    assert (done, stepped.counts) == ([0, 1, 2, 3, 4], (2, 0, 0))


def test_growing_and_shrinking():
    stepped = SteppedTeam(limit=6)
    stepped.team.grow(10)
    stepped.coordinate()
    assert stepped.counts == (6, 0, 0)
    stepped.team.shrink(2)
    stepped.coordinate()
    assert (stepped.counts, len(stepped.quit)) == ((4, 0, 0), 2)
    for _ in range(4):
        stepped.team.do(list)
    stepped.coordinate()
    stepped.team.shrink(3)
    stepped.coordinate()
    assert len(stepped.quit) == 2
    stepped.perform_all()
    assert (stepped.counts, len(stepped.quit)) == ((1, 0, 0), 5)
    stepped.team.shrink()
    stepped.perform_all()
    assert (stepped.counts, len(stepped.quit)) == ((0, 0, 0), 6)


def test_an_error_is_handed_over_and_the_worker_goes_on():
    stepped = SteppedTeam()
    stepped.team.do(lambda: 1 / 0)
    stepped.perform_all()
    assert [failure.type for failure in stepped.failures] == [ZeroDivisionError]
    assert stepped.counts == (1, 0, 0)


def test_quitting_finishes_work_then_workers_then_the_coordinator():
    stepped = SteppedTeam(limit=2)
    done = []
    for n in range(4):
        stepped.team.do(lambda n=n: done.append(n))
    stepped.coordinate()
    stepped.team.quit()
    for refused in (stepped.team.quit, lambda: stepped.team.do(list), lambda: stepped.team.grow(1)):
        with pytest.raises(AlreadyQuit):
            refused()
    stepped.coordinate()
    assert stepped.quit == []
    stepped.perform_all()
    assert (done, len(stepped.quit)) == ([0, 1, 2, 3], 2)
    with pytest.raises(AlreadyQuit):
        stepped.team._coordinator.quit()


def test_a_worker_under_a_lock_postpones_what_is_asked_within():
    lock = threading.Lock()
    worker = LockWorker(lock, threading.local())
    events = []

    def outer():
        events.append(("outer", lock.locked()))
        worker.do(lambda: events.append(("inner", lock.locked())))
        events.append(("outer ends", lock.locked()))

    worker.do(outer)
    assert events == [("outer", True), ("outer ends", True), ("inner", True)]
    assert not lock.locked()


def test_a_worker_under_a_lock_frees_it_after_an_error():
    lock = threading.Lock()
    worker = LockWorker(lock, threading.local())
    with pytest.raises(ZeroDivisionError):
        worker.do(lambda: 1 / 0)
    assert not lock.locked()
    done = []
    worker.do(lambda: done.append(1))
    assert done == [1]
    worker.do(worker.quit)
    with pytest.raises(AlreadyQuit):
        worker.do(list)


def test_a_worker_in_a_thread():
    threads = []

    def start(target):
        threads.append(threading.Thread(target=target))
        threads[0].start()

    worker = ThreadWorker(start, SimpleQueue())
    seen = []
    worker.do(lambda: seen.append(threading.current_thread()))
    worker.quit()
    threads[0].join(5)
    assert seen == threads
    with pytest.raises(AlreadyQuit):
        worker.do(list)


def test_a_worker_in_memory():
    worker, perform = createMemoryWorker()
    assert perform() is False
    done = []
    worker.do(lambda: done.append(1))
    worker.quit()
    with pytest.raises(AlreadyQuit):
        worker.do(list)
    assert perform() is True
    assert perform() is False
    assert done == [1]


def test_a_team_of_threads(reports):
    others = set(threading.enumerate())
    team = pool(lambda: 2)
    done = threading.Event()
    team.do(lambda: 1 / 0)
    team.do(done.set)
    assert done.wait(5)
    team.quit()
    for thread in set(threading.enumerate()) - others:
        thread.join(5)
        assert not thread.is_alive()
    assert reports.pop().failure.check(ZeroDivisionError)
