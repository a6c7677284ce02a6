"""Iterators that share the reactor's time: each step of each one is a short piece of work.

Floor 2.  A `Cooperator` holds the tasks that can go on and gives each a step in turn until its slice of time is used
up, then lets the reactor do other things.  A task leaves that round while it is paused, while it waits for a Deferred
that it yielded (which counts as one pause), and for good when it is complete.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextvars import copy_context
from time import perf_counter
from typing import Any, Generic, Protocol, TypeVar

from selvage.defer import Deferred, fail, succeed
from selvage.errors import NotPaused, SchedulerError, SchedulerStopped, TaskDone, TaskFailed, TaskStopped
from selvage.failure import Failure
from selvage.reactor import get_reactor
from selvage.tasks._frames import failure_below

__all__ = ["CooperativeTask", "Cooperator", "coiterate", "cooperate"]

_Iterator = TypeVar("_Iterator", bound=Iterator[Any])

# How long one turn may take before the reactor gets to run again, in seconds: long enough to make the turn's own cost
# vanish, short enough that a connection served in between feels no delay.
_SLICE_S = 0.01


class _Cancellable(Protocol):
    """What a scheduler returns; where it also says whether it is still `active`, that is respected."""

    def cancel(self) -> object: ...


def _is_active(call: _Cancellable) -> bool:
    active = getattr(call, "active", None)
    return active is None or bool(active())


def _time_slice() -> Callable[[], bool]:
    end = perf_counter() + _SLICE_S
    return lambda: perf_counter() > end


def _on_the_reactor(turn: Callable[[], None]) -> _Cancellable:
    return get_reactor().callLater(0, turn)


class CooperativeTask(Generic[_Iterator]):
    """One iterator at work in a `Cooperator`; `Cooperator.cooperate` makes it.

    Its steps run in the context (`contextvars`) in which it was made.

    Twisted: `twisted.internet.task.CooperativeTask`.  There, the failure of a task whose end nobody asked for is lost;
    here it is reported as unhandled once the task is dropped, unless `stop` or `pause` told of it.
    """

    def __init__(self, iterator: _Iterator, cooperator: Cooperator) -> None:
        self._iterator = iterator
        self._cooperator = cooperator
        self._deferreds: list[Deferred[_Iterator]] = []
        self._pauseCount = 0
        self._context = copy_context()
        # How it ended, and with what; None while it has not.
        self._completionState: SchedulerError | None = None
        self._completionResult: _Iterator | Failure | None = None
        # Holds a failure that nobody has been told of; it reports itself when dropped.
        self._untold: Deferred[None] | None = None
        cooperator._addTask(self)

    def whenDone(self) -> Deferred[_Iterator]:
        """Ask to be told of the end; each call gives a Deferred of its own.

        Fires / Fails:
            With the iterator once it is exhausted.  Fails with what it raised, with what a Deferred it yielded failed
            with, with `TaskStopped` after `stop`, or with `SchedulerStopped` when its cooperator was stopped.
        """
        if self._completionState is None:
            done: Deferred[_Iterator] = Deferred()
            self._deferreds.append(done)
            return done
        self._mark_told()
        if isinstance(self._completionResult, Failure):
            return fail(self._completionResult)
        return succeed(self._iterator)

    def pause(self) -> None:
        """Take no further step until `resume` was called as often as `pause`.

        Raises:
            TaskFinished: the task is over; which of its subclasses says how it ended.
        """
        self._require_unfinished()
        self._pause()

    def resume(self) -> None:
        """Undo one `pause`; does nothing for a task that was paused and then came to its end.

        Raises:
            NotPaused: it is not paused.
        """
        if self._pauseCount == 0:
            raise NotPaused(f"{self!r} is not paused; call resume() once for each pause()")
        self._pauseCount -= 1
        if self._pauseCount == 0 and self._completionState is None:
            self._cooperator._addTask(self)

    def stop(self) -> None:
        """End the task before its iterator is exhausted; `whenDone` fails with `TaskStopped`.

        Raises:
            TaskFinished: the task is over already; which of its subclasses says how it ended.
        """
        self._require_unfinished()
        state = TaskStopped()
        self._complete(state, Failure(state))

    def _pause(self) -> None:
        self._pauseCount += 1
        if self._pauseCount == 1:
            self._cooperator._removeTask(self)

    def _require_unfinished(self) -> None:
        if self._completionState is not None:
            self._mark_told()
            state = type(self._completionState)
            cause = self._completionResult.value if state is TaskFailed else None  # type: ignore[union-attr]
            raise state(f"{self!r} is over; whenDone() tells how it ended") from cause

    def _step(self) -> None:
        """Take one step of the iterator; called by the cooperator."""
        try:
            result = self._context.run(next, self._iterator)
        except StopIteration:
            self._complete(TaskDone(), self._iterator)
        except BaseException as error:
            self._complete(TaskFailed(), failure_below(error))
        else:
            if isinstance(result, Deferred):
                self._pause()
                result.addCallbacks(self._waited, self._waited_in_vain)

    def _waited(self, _: object) -> None:
        self.resume()

    def _waited_in_vain(self, reason: Failure) -> Failure | None:
        if self._completionState is not None:
            # Stopped meanwhile: nobody waits for this any more, but it is somebody's failure.  Left on the Deferred.
            self._pauseCount -= 1
            return reason
        self._complete(TaskFailed(), reason)
        self._pauseCount -= 1
        return None

    def _complete(self, state: SchedulerError, result: _Iterator | Failure) -> None:
        self._completionState = state
        self._completionResult = result
        if self._pauseCount == 0:
            self._cooperator._removeTask(self)
        deferreds, self._deferreds = self._deferreds, []
        if isinstance(result, Failure):
            if isinstance(state, TaskFailed) and not deferreds:
                self._untold = fail(result)
            for each in deferreds:
                each.errback(result)
        else:
            for each in deferreds:
                each.callback(result)

    def _mark_told(self) -> None:
        if self._untold is not None:
            self._untold.addErrback(lambda _: None)
            self._untold = None

    def __repr__(self) -> str:
        if self._completionState is not None:
            state = type(self._completionState).__name__
        elif self._pauseCount:
            state = f"paused {self._pauseCount} x"
        else:
            state = "running"
        return f"<CooperativeTask {state} of {self._iterator!r}>"


class Cooperator:
    """Run iterators a step at a time, in turn, between other events.

    An iterator that yields a Deferred goes on once that has fired; what else it yields does not matter.

    Args:
        terminationPredicateFactory: called at the beginning of each turn; what it returns is called after each step
            and ends the turn by returning true.  By default a turn lasts a hundredth of a second.
        scheduler: called with a function of no arguments, which it has to call later; returns something with a
            `cancel` method.  By default the reactor's next turn.
        started: whether to begin at once; otherwise tasks wait for `start`.

    Twisted: `twisted.internet.task.Cooperator`.
    """

    def __init__(
        self,
        terminationPredicateFactory: Callable[[], Callable[[], bool]] = _time_slice,
        scheduler: Callable[[Callable[[], None]], _Cancellable] = _on_the_reactor,
        started: bool = True,
    ) -> None:
        # The tasks that can go on, next one first.  A dict in order, since tasks leave from the middle.
        self._tasks: OrderedDict[CooperativeTask[Any], None] = OrderedDict()
        self._terminationPredicateFactory = terminationPredicateFactory
        self._scheduler = scheduler
        self._delayedCall: _Cancellable | None = None
        self._started = started
        self._stopped = False

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._started and not self._stopped

    def coiterate(
        self, iterator: _Iterator, doneDeferred: Deferred[_Iterator] | None = None
    ) -> Deferred[_Iterator]:
        """Add an iterator and ask to be told of its end.

        Args:
            iterator: whose steps to take.
            doneDeferred: the Deferred to fire and return; a new one when left out.

        Fires / Fails:
            As `CooperativeTask.whenDone`.
        """
        done: Deferred[_Iterator] = Deferred() if doneDeferred is None else doneDeferred
        self.cooperate(iterator).whenDone().chainDeferred(done)
        return done

    def cooperate(self, iterator: _Iterator) -> CooperativeTask[_Iterator]:
        """Add an iterator; returns its task, by which it can be paused, stopped and waited for.

        A cooperator that was stopped completes the task at once, with `SchedulerStopped`.
        """
        return CooperativeTask(iterator, self)

    def start(self) -> None:
        """Begin, or begin again after `stop`."""
        self._stopped = False
        self._started = True
        self._reschedule()

    def stop(self) -> None:
        """Take no further step; every task that could go on is complete, with `SchedulerStopped`."""
        self._stopped = True
        self._end_all()

    def _end_all(self) -> None:
        tasks = list(self._tasks)
        self._tasks.clear()
        for task in tasks:
            self._refuse(task)
        self._unschedule()

    def _refuse(self, task: CooperativeTask[Any]) -> None:
        state = SchedulerStopped()
        task._complete(state, Failure(state))

    def _addTask(self, task: CooperativeTask[Any]) -> None:
        if self._stopped:
            self._refuse(task)
            return
        if self._delayedCall is not None and not _is_active(self._delayedCall):
            # The reactor has been renewed and dropped its timers: these tasks belong to a program that is over.
            self._end_all()
        self._tasks[task] = None
        self._reschedule()

    def _removeTask(self, task: CooperativeTask[Any]) -> None:
        self._tasks.pop(task, None)
        if not self._tasks:
            self._unschedule()

    def _tick(self) -> None:
        """Give the tasks their steps, one each in turn, until the time is up."""
        self._delayedCall = None
        tasks = self._tasks
        try:
            time_is_up = self._terminationPredicateFactory()
            while tasks:
                task = next(iter(tasks))
                tasks.move_to_end(task)
                task._step()
                if time_is_up():
                    break
        finally:
            # Also when the predicate raised: the tasks are not to be forgotten for that.
            self._reschedule()

    def _reschedule(self) -> None:
        if self._tasks and self._started and self._delayedCall is None:
            self._delayedCall = self._scheduler(self._tick)

    def _unschedule(self) -> None:
        call, self._delayedCall = self._delayedCall, None
        if call is not None and _is_active(call):
            call.cancel()

    def __repr__(self) -> str:
        state = "running" if self.running else "stopped" if self._stopped else "not started"
        return f"<Cooperator {state}, {len(self._tasks)} tasks>"


_theCooperator = Cooperator()


def coiterate(iterator: _Iterator) -> Deferred[_Iterator]:
    """Take an iterator's steps beside those of all others given to this function or to `cooperate`.

    Fires / Fails:
        As `CooperativeTask.whenDone`.
    """
    return _theCooperator.coiterate(iterator)


def cooperate(iterator: _Iterator) -> CooperativeTask[_Iterator]:
    """Take an iterator's steps beside those of all others given to this function or to `coiterate`."""
    return _theCooperator.cooperate(iterator)
