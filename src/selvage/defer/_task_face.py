"""How a coroutine that Selvage drives looks to asyncio: as the current Task.  Floor 0.

Theory of operation
-------------------

`asyncio.timeout`, `TaskGroup`, anyio, aiohttp and httpx begin with `asyncio.current_task()` and later call `cancel`,
`uncancel` and `cancelling` of what they got. While the driver of a coroutine steps it on a running loop, the driver
itself stands in the place of the current Task; it inherits the methods of a Task from `TaskFace`. Nothing is made for
that: entering and leaving are two calls per step. All further state lives in a `FaceState`, which comes into being the
first time that the coroutine waits for something of asyncio's or that somebody calls one of these methods. Only then
does it also enter `asyncio.all_tasks()`, so that `asyncio.run` cancels it at its end.

Being cancelled through the face differs from `Deferred.cancel`:

* it takes effect on the loop's next turn, because `asyncio.timeout` and anyio note that they have cancelled only after
  the call; `Deferred.cancel` is synchronous;
* what is raised in the coroutine is exactly `asyncio.CancelledError` with the message given, because anyio knows its
  own cancellations by it and `asyncio.timeout` compares the class.

The way there: if the coroutine waits for an asyncio future, that is cancelled and wakes the coroutine in the usual way.
If it waits for a Deferred, a call on the next turn cancels that, and the `CancelledError` in which this normally
results is exchanged. If it does not wait at the moment, the cancellation is kept until it does.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from asyncio import tasks
from typing import TYPE_CHECKING, Any, TextIO

from selvage.defer._held import Held
from selvage.defer._loop import DEFERREDS
from selvage.errors import CancelledError
from selvage.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextvars import Context

__all__ = ["CancelledByAsyncio", "FaceState", "TaskFace", "current_tasks"]


class CancelledByAsyncio(CancelledError, asyncio.CancelledError):
    """An `asyncio.CancelledError` that left a coroutine, as the failure of its Deferred: handlers of either find it."""


class _CurrentTasks:
    """Where the current task of a loop is looked up and set, by asyncio's own functions."""

    def get(self, loop: Any) -> Any:
        return tasks.current_task(loop)

    def __setitem__(self, loop: Any, task: Any) -> None:
        tasks._swap_current_task(loop, task)  # type: ignore[attr-defined]

    def __delitem__(self, loop: Any) -> None:
        tasks._swap_current_task(loop, None)  # type: ignore[attr-defined]


# Which task is the current one of each loop. Up to 3.13 asyncio keeps a dictionary, and changing that costs a third of
# the documented `_leave_task` and `_enter_task` (benchmarks/programs/twisted_results.py).
current_tasks: Any = tasks._current_tasks if sys.version_info < (3, 14) else _CurrentTasks()  # type: ignore[attr-defined]


_numbers = itertools.count(1)


class FaceState:
    """What a coroutine needs to remember once it has met asyncio."""

    __slots__ = (
        "callbacks",
        "cancel_message",
        "cancel_on_wait",
        "exchange",
        "held",
        "must_cancel",
        "name",
        "registered",
        "requests",
    )

    def __init__(self) -> None:
        #: Done callbacks with their contexts.
        self.callbacks: list[tuple[Callable[[Any], object], Context | None]] = []
        #: What `cancel` was given.
        self.cancel_message: Any = None
        #: `Deferred.cancel` was called while the coroutine was running: cancel what it waits for next.
        self.cancel_on_wait = False
        #: The Deferred that is waited for was cancelled through the face: exchange its CancelledError.
        self.exchange = False
        #: Tracebacks of exceptions that it handles while it waits; see `_held`.
        self.held: Held = []
        #: Raise asyncio.CancelledError at the next opportunity.
        self.must_cancel = False
        self.name = ""
        #: Whether it is in `asyncio.all_tasks()`.
        self.registered = False
        #: How often `cancel` was called more than `uncancel`.
        self.requests = 0

    def cancelled_error(self) -> asyncio.CancelledError:
        """Make what is raised in the coroutine."""
        if self.cancel_message is None:
            return asyncio.CancelledError()
        return asyncio.CancelledError(self.cancel_message)


class TaskFace:
    """The part of `asyncio.Task` that a driven coroutine offers; see the theory of operation above."""

    __slots__ = (
        "__weakref__",
        "_asyncio_future_blocking",
        "_context",
        "_coro",
        "_deferred",
        "_face",
        "_loop",
        "_outcome",
        "_waiting",
    )

    #: The coroutine or generator; None once it has ended.
    _coro: Any
    #: The context in which it runs.
    _context: Context
    #: The Deferred that fires with its result.
    _deferred: Any
    #: What it waits for: a Deferred, an asyncio future, the handle of a bare `yield`; None while it runs.
    _waiting: Any
    #: The loop on which it was last stepped, None if on none yet.
    _loop: Any
    _face: FaceState | None
    #: Its result, a Failure for what it raised.
    _outcome: Any

    def _meet(self) -> FaceState:
        face = self._face
        if face is None:
            face = self._face = FaceState()
            self._asyncio_future_blocking = False
        return face

    def _register(self) -> None:
        """Enter `asyncio.all_tasks()`."""
        face = self._meet()
        if not face.registered:
            face.registered = True
            tasks._register_task(self)  # type: ignore[arg-type]

    # --- Cancellation ------------------------------------------------------------------------------------------

    def cancel(self, msg: Any = None) -> bool:
        """Ask for `asyncio.CancelledError(msg)` to be raised in the coroutine; tell whether it was still running."""
        if self._coro is None:
            return False
        face = self._meet()
        face.requests += 1
        face.cancel_message = msg
        waiting = self._waiting
        if asyncio.isfuture(waiting):
            if waiting.cancel(msg=msg):
                return True
            # It is done, and the coroutine about to wake.
            face.must_cancel = True
            return True
        face.must_cancel = True
        if type(waiting) in DEFERREDS:
            self.get_loop().call_soon(self._deliver)
        return True

    def _deliver(self) -> None:
        """Cancel the Deferred that is waited for, on the turn after `cancel`."""
        face = self._meet()
        waiting = self._waiting
        if not face.must_cancel or type(waiting) not in DEFERREDS:
            return
        face.must_cancel = False
        face.exchange = True
        waiting.cancel()

    def _apply_cancellation(self, value: Any, failed: bool) -> tuple[Any, bool]:
        """Decide what the coroutine that is about to be resumed gets: the result, or a cancellation."""
        face = self._meet()
        exchange, face.exchange = face.exchange, False
        if face.must_cancel:
            face.must_cancel = False
        elif not (exchange and failed and value.check(CancelledError, asyncio.CancelledError)):
            return value, failed
        error = face.cancelled_error()
        if failed:
            error.__context__ = value.value
        return Failure(error), True

    def cancelling(self) -> int:
        """Tell how often `cancel` was called more than `uncancel`."""
        return 0 if self._face is None else self._face.requests

    def uncancel(self) -> int:
        """Take back one `cancel`, as whoever handled it has to; return how many are left."""
        face = self._meet()
        if face.requests > 0:
            face.requests -= 1
            if face.requests == 0:
                face.must_cancel = False
        return face.requests

    @property
    def _must_cancel(self) -> bool:
        return self._face is not None and self._face.must_cancel

    # What asyncio's own functions and anyio read of a Task, underscored or not.

    @property
    def _cancel_message(self) -> Any:
        return None if self._face is None else self._face.cancel_message

    def _make_cancelled_error(self) -> asyncio.CancelledError:
        return self._meet().cancelled_error()

    @property
    def _fut_waiter(self) -> Any:
        return self._waiting if asyncio.isfuture(self._waiting) else None

    @property
    def _callbacks(self) -> list[tuple[Callable[[Any], object], Context | None]]:
        # anyio looks through these, in every task, for the one that `run_until_complete` runs.
        return [] if self._face is None else self._face.callbacks

    # --- The future's half -------------------------------------------------------------------------------------

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop that it runs on."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop  # type: ignore[no-any-return]

    def done(self) -> bool:
        """Tell whether the coroutine has ended."""
        return self._coro is None

    def cancelled(self) -> bool:
        """Tell whether it ended because it was cancelled."""
        return self._coro is None and isinstance(self._outcome, Failure) and self._was_cancelled()

    def _was_cancelled(self) -> bool:
        return bool(self._outcome.check(CancelledError, asyncio.CancelledError))

    def result(self) -> Any:
        """Give what it returned or raise what it raised."""
        error = self.exception()
        if error is not None:
            raise error
        return self._outcome

    def exception(self) -> BaseException | None:
        """Give what it raised, None if it returned."""
        if self._coro is not None:
            raise asyncio.InvalidStateError(f"{self!r} has not ended yet")
        if not isinstance(self._outcome, Failure):
            return None
        if self._was_cancelled():
            raise self._outcome.value
        return self._outcome.value

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        """Call `callback(self)` on the loop's next turn after the coroutine has ended."""
        if self._coro is None:
            self.get_loop().call_soon(callback, self, context=context)
        else:
            self._meet().callbacks.append((callback, context))

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """Take back `add_done_callback`; return how many there were."""
        if self._face is None:
            return 0
        before = self._face.callbacks
        self._face.callbacks = [pair for pair in before if pair[0] != callback]
        return len(before) - len(self._face.callbacks)

    def _ended(self, face: FaceState) -> None:
        """Tell asyncio's side that the coroutine has ended."""
        face.held = []
        if face.registered:
            tasks._unregister_task(self)  # type: ignore[arg-type]
        callbacks, face.callbacks = face.callbacks, []
        for callback, context in callbacks:
            self.get_loop().call_soon(callback, self, context=context)

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._coro is not None:
            future = self.get_loop().create_future()

            def ended(_: object) -> None:
                if not future.done():
                    future.set_result(None)

            self.add_done_callback(ended)
            yield from future.__await__()
        return self.result()

    # --- The task's half ---------------------------------------------------------------------------------------

    def get_coro(self) -> Any:
        """Give the coroutine."""
        return self._coro

    def get_context(self) -> Context:
        """Give the context in which it runs."""
        return self._context

    def get_name(self) -> str:
        """Give its name, `Coroutine-N` unless it was set."""
        face = self._meet()
        if not face.name:
            face.name = f"Coroutine-{next(_numbers)}"
        return face.name

    def set_name(self, value: object) -> None:
        """Name it."""
        self._meet().name = str(value)

    def get_stack(self, *, limit: int | None = None) -> list[Any]:
        """Give the frames where it is suspended, outermost first."""
        frames: list[Any] = []
        coro = self._coro
        while coro is not None:
            frame = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None)
            if frame is None:
                break
            frames.append(frame)
            coro = getattr(coro, "cr_await", None) or getattr(coro, "gi_yieldfrom", None)
        return frames if limit is None else frames[-limit:]

    def print_stack(self, *, limit: int | None = None, file: TextIO | None = None) -> None:
        """Print where it is suspended."""
        print(f"Stack of {self!r} (most recent call last):", file=file or sys.stderr)
        for frame in self.get_stack(limit=limit):
            code = frame.f_code
            print(
                f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}',
                file=file or sys.stderr,
            )

    def __repr__(self) -> str:
        coro = self._coro
        if coro is None:
            return f"<coroutine at {id(self):#x} ended>"
        name = getattr(coro, "__qualname__", None) or repr(coro)
        if self._waiting is None:
            return f"<coroutine {name} at {id(self):#x} running>"
        return f"<coroutine {name} at {id(self):#x} waiting on {self._waiting!r}>"
