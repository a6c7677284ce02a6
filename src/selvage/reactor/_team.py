"""Workers and teams of workers: the machine under the thread pool.  Floor 2; apart from `_threadpool`, knows no pool.

A worker takes functions and calls each, one after the other.  A team spreads functions over workers; its own bookkeeping
runs on one more worker, the coordinator, so it needs no locks and can be stepped by hand in a test:

    do(task) -> coordinator: an idle worker? -> worker: task() -> coordinator: idle again, or quit
                             none, may create one? create it
                             neither: the task waits
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread, local
from typing import TYPE_CHECKING, Any, Protocol

from zope.interface import Interface, implementer

__all__ = [
    "AlreadyQuit",
    "IWorker",
    "LockWorker",
    "MemoryWorker",
    "Quit",
    "SimpleLock",
    "Statistics",
    "Team",
    "ThreadWorker",
    "createMemoryWorker",
    "pool",
]

_Work = Callable[[], object]

if TYPE_CHECKING:

    class IWorker(Protocol):
        """Takes functions and calls each, one after the other."""

        def do(self, work: _Work) -> None:
            """Call `work`, now or later; raises AlreadyQuit after `quit`."""

        def quit(self) -> None:
            """Finish what was given, then stop for good; raises AlreadyQuit the second time."""

else:

    class IWorker(Interface):
        """Takes functions and calls each, one after the other."""

        def do(work):
            """Call `work`, now or later; raises AlreadyQuit after `quit`."""

        def quit():
            """Finish what was given, then stop for good; raises AlreadyQuit the second time."""


class AlreadyQuit(Exception):
    """This worker, or team, was told to quit and takes no more work."""


class Quit:
    """A flag that can be set once.

    Attributes:
        isSet: whether it was.
    """

    def __init__(self) -> None:
        self.isSet = False

    def set(self) -> None:
        """Set it; raises AlreadyQuit the second time."""
        self.check()
        self.isSet = True

    def check(self) -> None:
        """Raise AlreadyQuit when it is set."""
        if self.isSet:
            raise AlreadyQuit("it was told to quit before and takes no more work")


_STOP = object()


@implementer(IWorker)
class ThreadWorker:
    """A worker in a thread of its own.

    Args:
        startThread: called once with the function that the thread has to run.
        queue: where work waits; has `put` and a blocking `get`.
    """

    def __init__(self, startThread: Callable[[_Work], object], queue: Any) -> None:
        self._q = queue
        self._hasQuit = Quit()

        def work() -> None:
            while True:
                task = queue.get()
                if task is _STOP:
                    return
                task()
                # The thread must not keep alive what the task held.
                del task

        startThread(work)

    def do(self, work: _Work) -> None:
        """Call `work` in the thread."""
        self._hasQuit.check()
        self._q.put(work)

    def quit(self) -> None:
        """End the thread when all that was given is done."""
        self._hasQuit.set()
        self._q.put(_STOP)


class SimpleLock(Protocol):
    """What `LockWorker` asks of a lock."""

    def acquire(self) -> object:
        """Wait until the lock is free and take it."""

    def release(self) -> object:
        """Free the lock."""


@implementer(IWorker)
class LockWorker:
    """A worker that works in the thread of whoever asks, one at a time.

    Args:
        lock: held while working.
        local: a `threading.local` of its own; work given from within work waits there.
    """

    _lock: Any

    def __init__(self, lock: Any, local: local) -> None:
        self._quit = Quit()
        self._lock = lock
        self._local = local

    def do(self, work: _Work) -> None:
        """Call `work` before returning, or, from within work, when that is done."""
        lock = self._lock
        local = self._local
        self._quit.check()
        waiting = getattr(local, "working", None)
        if waiting is not None:
            waiting.append(work)
            return
        waiting = local.working = deque([work])
        try:
            lock.acquire()
            try:
                while waiting:
                    waiting.popleft()()
            finally:
                lock.release()
        finally:
            local.working = None

    def quit(self) -> None:
        """Take no more work, and let go of the lock."""
        self._quit.set()
        self._lock = None


@implementer(IWorker)
class MemoryWorker:
    """A worker that does nothing until it is told to, for tests; see `createMemoryWorker`."""

    def __init__(self) -> None:
        self._quit = Quit()
        self._pending: list[Any] = []

    def do(self, work: _Work) -> None:
        """Remember `work`."""
        self._quit.check()
        self._pending.append(work)

    def quit(self) -> None:
        """Take no more work."""
        self._quit.set()
        self._pending.append(_STOP)


def createMemoryWorker() -> tuple[MemoryWorker, Callable[[], bool]]:
    """Return a worker and a function that makes it do one piece of work.

    The function returns False when there is nothing to do.
    """
    worker = MemoryWorker()

    def perform() -> bool:
        if not worker._pending or worker._pending[0] is _STOP:
            return False
        worker._pending.pop(0)()
        return True

    return worker, perform


class Statistics:
    """What a team is doing.

    Attributes:
        idleWorkerCount: workers with nothing to do.
        busyWorkerCount: workers at work.
        backloggedWorkCount: functions that wait for a worker.
    """

    def __init__(self, idleWorkerCount: int, busyWorkerCount: int, backloggedWorkCount: int) -> None:
        self.idleWorkerCount = idleWorkerCount
        self.busyWorkerCount = busyWorkerCount
        self.backloggedWorkCount = backloggedWorkCount


@implementer(IWorker)
class Team:
    """Workers that share what there is to do.

    Args:
        coordinator: a worker for the bookkeeping; it alone touches the fields below.
        createWorker: returns a new worker, or None when there must be no more.
        logException: called, in the `except` block, when a task raises.
    """

    def __init__(
        self,
        coordinator: IWorker,
        createWorker: Callable[[], IWorker | None],
        logException: Callable[[], object],
    ) -> None:
        self._quit = Quit()
        self._coordinator = coordinator
        self._createWorker = createWorker
        self._logException = logException
        # A list and no set: the worker that worked last is warm, and takes the next task.
        self._idle: list[IWorker] = []
        self._busyCount = 0
        self._pending: deque[_Work] = deque()
        self._shouldQuitCoordinator = False
        self._toShrink = 0

    def statistics(self) -> Statistics:
        """Return what the team is doing; from another thread than the coordinator's, a guess."""
        return Statistics(len(self._idle), self._busyCount, len(self._pending))

    def do(self, task: _Work) -> None:
        """Have one of the workers call `task`."""
        self._quit.check()
        self._coordinator.do(lambda: self._coordinateThisTask(task))

    def grow(self, n: int) -> None:
        """Make `n` more idle workers, or as many as may be made."""
        self._quit.check()

        def create_workers() -> None:
            for _ in range(n):
                worker = self._createWorker()
                if worker is None:
                    return
                self._recycleWorker(worker)

        self._coordinator.do(create_workers)

    def shrink(self, n: int | None = None) -> None:
        """Let `n` workers (None: all) quit; those that are busy finish first."""
        self._quit.check()
        self._coordinator.do(lambda: self._quitIdlers(n))

    def quit(self) -> None:
        """Let all workers quit when all work is done, and then the coordinator."""
        self._quit.set()

        def start_quitting() -> None:
            self._shouldQuitCoordinator = True
            self._quitIdlers()

        self._coordinator.do(start_quitting)

    def _coordinateThisTask(self, task: _Work) -> None:
        worker = self._idle.pop() if self._idle else self._createWorker()
        if worker is None:
            self._pending.append(task)
            return
        self._busyCount += 1
        team = self

        def work() -> None:
            try:
                task()
            except BaseException:
                team._logException()

            def finished() -> None:
                team._busyCount -= 1
                team._recycleWorker(worker)

            team._coordinator.do(finished)

        worker.do(work)

    def _recycleWorker(self, worker: IWorker) -> None:
        """Give a worker that is free its next task, or let it idle, or quit."""
        self._idle.append(worker)
        if self._pending:
            self._coordinateThisTask(self._pending.popleft())
        elif self._shouldQuitCoordinator:
            self._quitIdlers()
        elif self._toShrink > 0:
            self._toShrink -= 1
            self._idle.remove(worker)
            worker.quit()

    def _quitIdlers(self, n: int | None = None) -> None:
        if n is None:
            n = len(self._idle) + self._busyCount
        for _ in range(n):
            if self._idle:
                self._idle.pop().quit()
            else:
                self._toShrink += 1
        if self._shouldQuitCoordinator and self._busyCount == 0 and not self._pending:
            self._coordinator.quit()


def pool(currentLimit: Callable[[], int], threadFactory: Callable[..., Thread] = Thread) -> Team:
    """Return a team whose workers are threads.

    Args:
        currentLimit: returns how many threads there may be now.
        threadFactory: called with `target=`; returns a thread that was not started.
    """
    from selvage.failure import Failure, report

    def start_thread(target: _Work) -> None:
        threadFactory(target=target).start()

    def create_worker() -> IWorker | None:
        now = team.statistics()
        if now.busyWorkerCount + now.idleWorkerCount >= currentLimit():
            return None
        return ThreadWorker(start_thread, SimpleQueue())

    def log_exception() -> None:
        report(Failure(), "Unhandled error in a thread", source="thread")

    team = Team(LockWorker(Lock(), local()), create_worker, log_exception)
    return team
