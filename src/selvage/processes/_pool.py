"""Calls in other processes: the pool and its workers as the reactor sees them.  Floor 3.

Each worker is a child that takes one call at a time, over a pipe of its own, and is used again. A worker that dies fails
the call that it had, and no other; the next call gets a new one. Cancelling a call that is under way kills its worker:
there is no other way to stop Python code from outside.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from selvage.defer import Deferred, DeferredList
from selvage.errors import ProcessExitedAlready
from selvage.failure import Failure
from selvage.processes._messages import Message, pack
from selvage.processes._tracebacks import real_traceback
from selvage.protocols import ProcessProtocol
from selvage.reactor import get_reactor

__all__ = ["PoolClosed", "ProcessPool", "WorkerDied", "deferToProcess"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

#: The worker's descriptors for calls and outcomes.
_CALLS, _OUTCOMES = 3, 4
_PROGRAM = f"from selvage.processes._worker import main; main({_CALLS}, {_OUTCOMES})"


class WorkerDied(RuntimeError):
    """The worker process that ran a call ended before the call did.

    Attributes:
        function: what was called.
        reason: the exception that says how the process ended, `ProcessTerminated` or `ProcessDone`.
    """

    def __init__(self, function: Any, reason: BaseException) -> None:
        super().__init__(function, reason)
        self.function = function
        self.reason = reason

    def __str__(self) -> str:
        return f"the worker process that ran {self.function!r} died: {self.reason}"


class PoolClosed(RuntimeError):
    """A process pool was closed, and takes no more calls."""


class _Call:
    """One call on its way."""

    def __init__(self, pool: ProcessPool, function: Any, message: bytes) -> None:
        self.function = function
        self.message = message
        self.worker: _Worker | None = None
        self.deferred: Deferred[Any] = Deferred(lambda _deferred: pool._cancelled(self))

    def finish(self, succeeded: bool, outcome: Any) -> None:
        """Fire, unless it was cancelled."""
        if self.deferred.called:
            return
        if succeeded:
            self.deferred.callback(outcome)
        else:
            self.deferred.errback(_local(outcome))


def _local(failure: Failure) -> Failure:
    """Return a failure of another process as one that can be raised here and still shows the frames of there."""
    if failure.tb is None and isinstance(failure.value, BaseException):
        failure.tb = real_traceback(failure.frames)
        failure.value.__traceback__ = failure.tb
    return failure


class _Worker(ProcessProtocol):
    """One worker, from its start to its end."""

    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool
        self._message = Message()
        self.call: _Call | None = None
        self.ended: Deferred[None] = Deferred()

    def run(self, call: _Call) -> None:
        """Send it a call; only when it has none."""
        self.call = call
        call.worker = self
        self.transport.writeToChild(_CALLS, call.message)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Take a piece of an outcome."""
        try:
            outcomes = self._message.feed(data)
        except Exception:
            # The result cannot be unpickled here; what came is consumed, and the worker is as good as before.
            outcomes = [(False, Failure())]
        for succeeded, outcome in outcomes:
            call, self.call = self.call, None
            self._pool._idle(self)
            if call is not None:
                call.finish(succeeded, outcome)

    def kill(self) -> None:
        """End it whatever it does."""
        try:
            self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            pass

    def retire(self) -> None:
        """Let it end when its call is done: it can be sent no more."""
        self.transport.closeChildFD(_CALLS)

    def processEnded(self, reason: Failure) -> None:
        """Fail the call that it had."""
        call, self.call = self.call, None
        self._pool._ended(self)
        if call is not None:
            call.finish(False, Failure(WorkerDied(call.function, reason.value)))
        self.ended.callback(None)


class ProcessPool:
    """Calls functions in other processes, each in one that is free, at most so many at a time.

    Args:
        workers: how many processes there are at the most; None for one each processor.
        reactor: in whose thread Deferreds fire; None for the ambient one.  The pool is closed when it shuts down.

    Workers are started when there is work for them, and used again.
    """

    def __init__(self, workers: int | None = None, reactor: Any = None) -> None:
        count = (os.cpu_count() or 1) if workers is None else workers
        if count < 1:
            raise ValueError(f"a process pool has at least one worker, not {workers!r}")
        self.limit = count
        self.closed = False
        self._reactor = get_reactor() if reactor is None else reactor
        self._waiting: deque[_Call] = deque()
        self._free: list[_Worker] = []
        self._all: set[_Worker] = set()
        # "before": the reactor waits for what these return.
        self._trigger = self._reactor.addSystemEventTrigger("before", "shutdown", self._shut_down)

    def __repr__(self) -> str:
        busy = len(self._all) - len(self._free)
        state = "closed" if self.closed else "open"
        return (
            f"<ProcessPool {state}: {busy} of {self.limit} workers busy, {len(self._waiting)} calls waiting>"
        )

    def call(self, f: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> Deferred[_R]:
        """Call a function in another process.

        Args:
            f: a function that can be imported by name; it, its arguments and its result are pickled.

        Fires with what the function returns.
        Fails with what it raises, the frames of the other process in its story; with `NotSendable` when the result cannot
        be pickled; with `WorkerDied` when the process ended.  Cancelling kills the process.

        Raises:
            NotSendable: the function or an argument cannot be pickled.
            PoolClosed: the pool was closed.
        """
        if self.closed:
            raise PoolClosed(f"{self!r} takes no more calls")
        call = _Call(self, f, pack((f, args, kwargs)))
        self._waiting.append(call)
        self._assign()
        return call.deferred

    def close(self) -> Deferred[None]:
        """Take no more calls: those that wait fail with `PoolClosed`, those under way are killed.

        Fires with None when every worker has ended.
        """
        if not self.closed:
            self.closed = True
            if self._trigger is not None:
                self._reactor.removeSystemEventTrigger(self._trigger)
            waiting, self._waiting = self._waiting, deque()
            for call in waiting:
                call.finish(
                    False, Failure(PoolClosed(f"{self!r} was closed before {call.function!r} was called"))
                )
        for worker in self._all:
            if worker.call is None:
                worker.retire()
            else:
                worker.kill()
        return DeferredList([worker.ended for worker in self._all]).addCallback(lambda _results: None)

    def _shut_down(self) -> Deferred[None]:
        self._trigger = None
        return self.close()

    # --- Who does what -----------------------------------------------------------------------------------------

    def _assign(self) -> None:
        """Give calls that wait to workers that are free, or start some."""
        while self._waiting and (self._free or len(self._all) < self.limit):
            call = self._waiting.popleft()
            try:
                worker = self._free.pop() if self._free else self._start()
            except Exception:
                call.finish(False, Failure())
            else:
                worker.run(call)

    def _start(self) -> _Worker:
        # What it takes to make a process like this one is known to multiprocessing: flags, path, main module.
        from multiprocessing.spawn import get_preparation_data
        from multiprocessing.util import _args_from_interpreter_flags  # type: ignore[attr-defined]

        likeness = get_preparation_data("selvage worker")
        # For multiprocessing's own use: a secret, which it pickles for its own children only, and how it makes those.
        likeness["authkey"] = bytes(likeness["authkey"])
        del likeness["start_method"]
        worker = _Worker(self)
        arguments = [sys.executable, *_args_from_interpreter_flags(), "-c", _PROGRAM]
        with open(os.devnull, "rb") as nothing:
            # What a function prints is seen; what we read is no business of its.
            descriptors: dict[int, int | str] = {0: nothing.fileno(), 1: 1, 2: 2, _CALLS: "w", _OUTCOMES: "r"}
            self._reactor.spawnProcess(worker, sys.executable, arguments, env=None, childFDs=descriptors)
        self._all.add(worker)
        worker.transport.writeToChild(_CALLS, pack(likeness))
        return worker

    def _idle(self, worker: _Worker) -> None:
        if self.closed:
            worker.retire()
        else:
            self._free.append(worker)
            self._assign()

    def _ended(self, worker: _Worker) -> None:
        self._all.discard(worker)
        if worker in self._free:
            self._free.remove(worker)
        if not self.closed:
            self._assign()

    def _cancelled(self, call: _Call) -> None:
        if call.worker is None:
            self._waiting.remove(call)
        elif call.worker.call is call:
            call.worker.kill()


# The pool of each reactor, made on first use.
_pools: WeakKeyDictionary[Any, ProcessPool] = WeakKeyDictionary()


def deferToProcess(f: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> Deferred[_R]:
    """Call a function in a process of the ambient reactor's pool, which has one worker for each processor.

    Args:
        f: a function that can be imported by name; it, its arguments and its result are pickled.

    Fires with what the function returns.
    Fails with what it raises, the frames of the other process in its story; with `WorkerDied` when the process ended.
    Cancelling kills the process.

    Raises:
        NotSendable: the function or an argument cannot be pickled.
    """
    reactor = get_reactor()
    pool = _pools.get(reactor)
    if pool is None or pool.closed:
        pool = _pools[reactor] = ProcessPool(reactor=reactor)
    return pool.call(f, *args, **kwargs)
