"""A pool of threads for what blocks.  Floor 2; knows no reactor."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, ParamSpec, TypeVar

from selvage import _context
from selvage.failure import Failure, report

from ._team import AlreadyQuit, Team, pool as make_team

__all__ = ["ThreadPool"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


class ThreadPool:
    """Threads that share the work, between `min` and `max` of them.

    A function runs with the context variables, and with `twisted.python.context`, of who asked for it.

    Args:
        minthreads: so many threads are kept.
        maxthreads: more are never made.
        name: goes into the threads' names.

    Attributes:
        min, max, name: as above.
        started: `start` was called.
        joined: `stop` was called, and all threads have ended.
        threads: the threads there are.
    """

    min = 5
    max = 20
    joined = False
    started = False
    name: str | None = None
    threadFactory = threading.Thread

    def __init__(self, minthreads: int = 5, maxthreads: int = 20, name: str | None = None) -> None:
        _check_sizes(minthreads, maxthreads)
        self.min = minthreads
        self.max = maxthreads
        self.name = name
        self.threads: list[threading.Thread] = []
        self._make_team()

    def _make_team(self) -> None:
        def current_limit() -> int:
            return self.max if self.started else 0

        def make_thread(*args: Any, **kwargs: Any) -> threading.Thread:
            kwargs["name"] = self._generateName()
            thread = self.threadFactory(*args, **kwargs)
            self.threads.append(thread)
            return thread

        self._team = self._pool(current_limit, make_thread)

    @staticmethod
    def currentThread() -> threading.Thread:
        """Return the current thread.  Deprecated: use `threading.current_thread`."""
        warnings.warn(
            f"{ThreadPool.currentThread.__module__}.ThreadPool.currentThread was deprecated in Twisted 22.1.0; "
            "please use threading.current_thread instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return threading.current_thread()

    def _pool(self, currentLimit: Callable[[], int], threadFactory: Callable[..., threading.Thread]) -> Team:
        """Make the team that does the work; tests replace it."""
        return make_team(currentLimit, threadFactory)

    def _generateName(self) -> str:
        return f"PoolThread-{self.name or id(self)}-{self.workers}"

    # -- what it is doing -------------------------------------------------------------------------------------------

    @property
    def workers(self) -> int:
        """How many threads there are."""
        now = self._team.statistics()
        return now.idleWorkerCount + now.busyWorkerCount

    @property
    def working(self) -> list[None]:
        """As many items as there are busy threads."""
        return [None] * self._team.statistics().busyWorkerCount

    @property
    def waiters(self) -> list[None]:
        """As many items as there are idle threads."""
        return [None] * self._team.statistics().idleWorkerCount

    @property
    def _queue(self) -> _Backlog:
        return _Backlog(self._team.statistics().backloggedWorkCount)

    q = _queue

    def dumpStats(self) -> None:
        """Print what the pool is doing."""
        now = self._team.statistics()
        print(
            f"thread pool {self.name or hex(id(self))}: {now.idleWorkerCount} idle and {now.busyWorkerCount} busy "
            f"of at most {self.max} threads, {now.backloggedWorkCount} calls waiting"
        )

    # -- its life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make the least number of threads and begin with what was asked for so far."""
        self.joined = False
        self.started = True
        self.adjustPoolsize()
        backlog = self._team.statistics().backloggedWorkCount
        if backlog:
            self._team.grow(backlog)

    def startAWorker(self) -> None:
        """Make one thread more, if there may be one."""
        self._team.grow(1)

    def stopAWorker(self) -> None:
        """Let one thread end."""
        self._team.shrink(1)

    def stop(self) -> None:
        """Finish what was asked for, end all threads and wait for them."""
        self.joined = True
        self.started = False
        self._team.quit()
        for thread in self.threads:
            if thread is not threading.current_thread():
                thread.join()
        self.threads = []

    def adjustPoolsize(self, minthreads: int | None = None, maxthreads: int | None = None) -> None:
        """Change how many threads are kept, and how many there may be."""
        least = self.min if minthreads is None else minthreads
        most = self.max if maxthreads is None else maxthreads
        _check_sizes(least, most)
        self.min = least
        self.max = most
        if not self.started:
            return
        if self.workers > most:
            self._team.shrink(self.workers - most)
        if self.workers < least:
            self._team.grow(least - self.workers)

    def __getstate__(self) -> dict[str, Any]:
        return {"min": self.min, "max": self.max, "name": self.name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["min"], state["max"], state["name"])  # type: ignore[misc]

    # -- work -------------------------------------------------------------------------------------------------------

    def callInThread(self, func: Callable[_P, object], *args: _P.args, **kw: _P.kwargs) -> None:
        """Call a function in a thread; what it raises goes to the hub."""
        self.callInThreadWithCallback(None, func, *args, **kw)

    def callInThreadWithCallback(
        self,
        onResult: Callable[[bool, Any], object] | None,
        func: Callable[_P, _R],
        *args: _P.args,
        **kw: _P.kwargs,
    ) -> None:
        """Call a function in a thread, and `onResult(success, result)` in the same thread.

        Args:
            onResult: gets True and what the function returned, or False and a Failure; None if nobody cares.
        """
        if self.joined:
            # Too late; who waits for a result shall not wait for ever.
            if onResult is not None:
                onResult(
                    False,
                    Failure(AlreadyQuit(f"the thread pool {self.name or hex(id(self))} has been stopped")),
                )
            return
        state: list[Any] = [onResult, func, args, kw]
        scope = _context.theContextTracker.currentContext().contexts[-1]
        context = copy_context()

        def in_thread() -> None:
            # Emptied first: while the result is handled, and after, no thread keeps alive what the call was made of.
            on_result, function, arguments, keywords = state
            state.clear()
            try:
                result = _context.call(scope, function, *arguments, **keywords)
                success = True
            except BaseException:
                result = Failure()
                success = False
            del function, arguments, keywords
            if on_result is not None:
                _context.call(scope, on_result, success, result)
            elif not success:
                report(result, "Unhandled error in a thread", source="thread")

        self._team.do(lambda: context.run(in_thread))


class _Backlog:
    """The backlog, with the one method of a queue that programs ask."""

    def __init__(self, size: int) -> None:
        self._size = size

    def qsize(self) -> int:
        """Return how many calls wait for a thread."""
        return self._size


def _check_sizes(least: int, most: int) -> None:
    if least < 0:
        raise AssertionError(f"a thread pool cannot keep {least} threads: the minimum is 0")
    if least > most:
        raise AssertionError(
            f"a thread pool cannot keep {least} threads when it may have {most}: raise maxthreads"
        )
