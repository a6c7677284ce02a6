"""The small object that awaiting a pending Deferred yields.  Floor 0.

Selvage's driver knows it by its class and takes the Deferred from it. To an asyncio Task it is a future: the Task
calls `get_loop`, `add_done_callback`, in the end `result`, and `cancel` when it is itself cancelled. (A Deferred cannot
play that part itself, since `Deferred.result` is data.) Making one has to be cheap, so what only the Task needs lives in
a second object that it brings about.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from selvage.errors import CancelledError
from selvage.failure import DefaultException, machinery

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

__all__ = ["Waiter"]


class _Outcome:
    """What a Waiter remembers for the Task that waits for it."""

    __slots__ = ("callbacks", "cancel_message", "cancelled", "done", "failure", "linked", "loop", "value")

    def __init__(self) -> None:
        # A Deferred belongs to no loop; the Task that asks runs on this one.
        self.loop = asyncio.get_running_loop()
        self.callbacks: list[tuple[Any, Any]] = []
        #: Whether the Deferred knows that it is to resume this.
        self.linked = False
        self.done = False
        self.value: Any = None
        self.failure: Any = None
        #: The Task was cancelled while it waited: the CancelledError is then asyncio's.
        self.cancelled = False
        self.cancel_message: Any = None

    def was_cancelled(self) -> bool:
        return (
            self.cancelled
            and self.failure is not None
            and bool(self.failure.check(CancelledError, asyncio.CancelledError))
        )

    def cancelled_error(self) -> asyncio.CancelledError:
        message = self.cancel_message
        return asyncio.CancelledError() if message is None else asyncio.CancelledError(message)


class Waiter:
    """Stands for a Deferred where a future is expected; for as long as one await.

    Attributes:
        deferred: what is awaited.
    """

    __slots__ = ("_asyncio_future_blocking", "_outcome", "deferred")

    _outcome: _Outcome | None

    def __init__(self, deferred: Any) -> None:
        self.deferred = deferred
        # asyncio's sign of a future that was yielded by `await`; the Task sets it to False.
        self._asyncio_future_blocking = True
        self._outcome = None

    def _meet(self) -> _Outcome:
        outcome = self._outcome
        if outcome is None:
            outcome = self._outcome = _Outcome()
        return outcome

    @property
    def value(self) -> Any:
        """The result that a Task has been told of."""
        return None if self._outcome is None else self._outcome.value

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the Task that asks."""
        return self._meet().loop

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Call `callback(self)` on the loop's next turn after the Deferred has a result."""
        outcome = self._meet()
        outcome.callbacks.append((callback, context))
        if outcome.done:
            self._schedule(outcome)
        elif not outcome.linked:
            outcome.linked = True
            self.deferred._peek(self)

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """Take back `add_done_callback`; return how many there were."""
        outcome = self._meet()
        before = outcome.callbacks
        outcome.callbacks = [pair for pair in before if pair[0] != callback]
        return len(before) - len(outcome.callbacks)

    def resume(self, result: Any, failed: bool) -> None:
        """The Deferred has its result; called by the loop that runs its callbacks."""
        outcome = self._meet()
        if failed:
            outcome.failure = result
        else:
            outcome.value = result
        outcome.done = True
        self._schedule(outcome)

    def _schedule(self, outcome: _Outcome) -> None:
        callbacks, outcome.callbacks = outcome.callbacks, []
        for callback, context in callbacks:
            outcome.loop.call_soon(callback, self, context=context)

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the Deferred, for a Task that is cancelled while it waits."""
        outcome = self._meet()
        if outcome.done:
            return False
        outcome.cancelled = True
        outcome.cancel_message = msg
        self.deferred.cancel()
        return True

    def done(self) -> bool:
        """Tell whether the Deferred has its result."""
        return self._outcome is not None and self._outcome.done

    def cancelled(self) -> bool:
        """Tell whether the waiting Task was cancelled and the Deferred with it."""
        return self._outcome is not None and self._outcome.was_cancelled()

    @machinery
    def result(self) -> Any:
        """Give the value or raise the error."""
        error = self.exception()
        if error is None:
            return self.value
        raise error

    def exception(self) -> BaseException | None:
        """Give the error, None for a success."""
        outcome = self._outcome
        if outcome is None or not outcome.done:
            raise asyncio.InvalidStateError(f"{self.deferred!r} has no result yet")
        if outcome.failure is None:
            return None
        if outcome.was_cancelled():
            raise outcome.cancelled_error()
        return as_exception(outcome.failure)

    def __repr__(self) -> str:
        return f"<Waiter for {self.deferred!r}>"


def as_exception(failure: Any) -> BaseException:
    """Give what to raise for a Failure, with its traceback."""
    value = failure.value
    if isinstance(value, BaseException):
        return value.with_traceback(failure.tb)
    return DefaultException(failure)
