"""The small object that awaiting a pending Deferred yields.  Floor 0.

Selvage's driver knows it by its class and takes the Deferred from it. To an asyncio Task it is a future: the Task
calls `get_loop`, `add_done_callback`, in the end `result`, and `cancel` when it is itself cancelled. (A Deferred cannot
play that part itself, since `Deferred.result` is data.) Making one has to be cheap, so everything that only the Task
needs is a default of the class.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from selvage.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

__all__ = ["Waiter"]


class Waiter:
    """Stands for a Deferred where a future is expected; for as long as one await.

    Attributes:
        deferred: what is awaited.
        value: its result, once that is a success.
    """

    __slots__ = ("__dict__", "deferred")

    # asyncio's sign of a future that was yielded by `await`; the Task sets it to False.
    _asyncio_future_blocking = True

    value: Any = None
    _done = False
    _failure: Any = None
    _loop: Any = None
    _callbacks: tuple[tuple[Any, Any], ...] = ()
    # Set by the Task that is cancelled while it waits: the CancelledError is then asyncio's.
    _cancelled = False
    _cancel_message: Any = None

    def __init__(self, deferred: Any) -> None:
        self.deferred = deferred

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the Task that asks: a Deferred belongs to no loop."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        return loop  # type: ignore[no-any-return]

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Call `callback(self)` on the loop's next turn after the Deferred has a result."""
        self._callbacks = (*self._callbacks, (callback, context))
        if self._done:
            self._schedule()
        elif len(self._callbacks) == 1:
            self.get_loop()
            self.deferred._peek(self)

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """Take back `add_done_callback`; return how many there were."""
        kept = tuple(pair for pair in self._callbacks if pair[0] != callback)
        removed = len(self._callbacks) - len(kept)
        self._callbacks = kept
        return removed

    def resume(self, result: Any, failed: bool) -> None:
        """The Deferred has its result; called by the loop that runs its callbacks."""
        if failed:
            self._failure = result
        else:
            self.value = result
        self._done = True
        self._schedule()

    def _schedule(self) -> None:
        callbacks, self._callbacks = self._callbacks, ()
        loop = self.get_loop()
        for callback, context in callbacks:
            loop.call_soon(callback, self, context=context)

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the Deferred, for a Task that is cancelled while it waits."""
        if self._done:
            return False
        self._cancelled = True
        self._cancel_message = msg
        self.deferred.cancel()
        return True

    def done(self) -> bool:
        """Tell whether the Deferred has its result."""
        return self._done

    def cancelled(self) -> bool:
        """Tell whether the waiting Task was cancelled and the Deferred with it."""
        return self._done and self._cancelled and self._was_cancelled()

    def _was_cancelled(self) -> bool:
        return self._failure is not None and bool(self._failure.check(CancelledError, asyncio.CancelledError))

    def result(self) -> Any:
        """Give the value or raise the error."""
        if not self._done:
            raise asyncio.InvalidStateError(f"{self.deferred!r} has no result yet")
        if self._failure is None:
            return self.value
        if self._cancelled and self._was_cancelled():
            raise self._as_asyncio_error()
        self._failure.raiseException()
        return None

    def exception(self) -> BaseException | None:
        """Give the error, None for a success."""
        if self._failure is None:
            return None
        if self._cancelled and self._was_cancelled():
            raise self._as_asyncio_error()
        return self._failure.value  # type: ignore[no-any-return]

    def _as_asyncio_error(self) -> BaseException:
        message = self._cancel_message
        return asyncio.CancelledError() if message is None else asyncio.CancelledError(message)

    def __repr__(self) -> str:
        return f"<Waiter for {self.deferred!r}>"
