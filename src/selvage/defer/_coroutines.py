"""Coroutines: the driver behind `inlineCallbacks`, `ensureDeferred` and `Deferred.fromCoroutine`.  Floor 0.

Theory of operation
-------------------

A `CoroutineDriver` steps one coroutine or generator. `resume(value, failed)` sends it a value or throws a failure into
it, and looks at what it yields in return:

* a `Waiter`: it awaits a Deferred that is not ready. The driver puts a link to itself among the callbacks of that
  Deferred and is resumed by the loop that runs them, synchronously, when the result gets there;
* a Deferred: an `inlineCallbacks` generator yielded it, and uses its result up. One that is ready costs no callback;
* an asyncio future (`_asyncio_future_blocking`): a done callback resumes the coroutine on the loop;
* None from a coroutine: a bare `yield`, by which `asyncio.sleep(0)` asks for one turn of the loop;
* anything else from a generator goes straight back in: a coroutine as what it results in, a Failure as an exception.

It goes on like this, without recursion, until there is something to wait for or the coroutine ends. Then `resume`
returns: the coroutine's Deferred if that has callbacks to run, so that the caller, usually the callback loop, can run
them without a deeper stack.

The coroutine runs in the copy of the context that was current when it was started. While it is stepped on a running
loop, the driver is asyncio's current task; see `_task_face`.
"""

from __future__ import annotations

import asyncio
import warnings
from asyncio import _get_running_loop as running_loop
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from functools import wraps
from inspect import isgeneratorfunction
from types import CoroutineType, GeneratorType
from typing import Any, NoReturn, ParamSpec, TypeVar, cast

from selvage.defer._debug import record_firing
from selvage.defer._deferred import Deferred, late, new_deferred
from selvage.defer._held import RAISED, give_back, held_by
from selvage.defer._loop import DEFERREDS, PEEK, RESUME, SPECIAL, caught, leave_over, run
from selvage.defer._shortcuts import as_deferred, fail, succeed
from selvage.defer._task_face import CancelledByAsyncio, TaskFace, current_tasks
from selvage.defer._waiter import Waiter, as_exception
from selvage.errors import CancelledError, NotACoroutineError
from selvage.failure import Failure, report
from selvage.failure._frames import machinery

__all__ = ["ensureDeferred", "inlineCallbacks", "returnValue"]

_T = TypeVar("_T")
_P = ParamSpec("_P")

# Stands for: nothing to resume with, it waits; and for: nothing yielded yet.
_NOTHING: Any = object()


class CoroutineDriver(TaskFace):
    """Steps one coroutine; asyncio's current task while it does."""

    # Whether it is a generator of inlineCallbacks, which yields values of all kinds.
    __slots__ = ("_plain",)

    _plain: bool

    @machinery
    def resume(self, value: Any, failed: bool, yielded: Any = _NOTHING) -> Any:
        """Step the coroutine until it waits or ends.

        Args:
            value: what to send into it, or the Failure to throw into it.
            failed: which of the two.
            yielded: what it yielded when it was started, if this is the first time; nothing is sent then.

        Returns:
            the Deferred of the coroutine, if it has ended and callbacks are to be run; else None.
        """
        self._waiting = None
        raised = False
        if self._face is not None and yielded is _NOTHING:
            if self._face.held:
                give_back(self._face.held)
                self._face.held = []
                raised = True
            value, failed = self._apply_cancellation(value, failed)
        coro = self._coro
        context = self._context
        loop = running_loop()
        if loop is not None:
            self._loop = loop
            outer = current_tasks.get(loop)
            current_tasks[loop] = self
        try:
            while True:
                if yielded is _NOTHING:
                    try:
                        if failed:
                            raised = True
                            yielded = context.run(coro.throw, as_exception(value))
                        else:
                            yielded = context.run(coro.send, value)
                    except StopIteration as stop:
                        value = stop.value
                        failed = False
                        break
                    except BaseException as exc:
                        if _context_is_entered(exc):
                            context = _HERE
                            continue
                        value, failed = _raised(exc, coro)
                        break
                kind = type(yielded)
                if kind in DEFERREDS:
                    deferred, link = yielded, RESUME
                elif kind is Waiter:
                    deferred, link = yielded.deferred, PEEK
                else:
                    value, failed = self._look_at(yielded)
                    if value is _NOTHING:
                        if raised or RAISED:
                            self._hold()
                        return None
                    yielded = _NOTHING
                    continue
                yielded = _NOTHING
                if deferred is self._deferred:
                    value = Failure(RuntimeError(f"{self!r} cannot wait for its own result"))
                    failed = True
                    continue
                if (not deferred.called or deferred.paused or deferred._running is not False) and (
                    self._face is None or not self._cancel_before_waiting(deferred)
                ):
                    self._waiting = deferred
                    deferred._callbacks.append((link, link, self, self))
                    if raised or RAISED:
                        self._hold()
                    return None
                # Quick way: it is there, so that no callback is needed (benchmarks/programs/twisted_results.py).
                value = deferred.result
                if link is RESUME:
                    deferred.result = None
                failed = type(value) in SPECIAL
                if deferred._debugInfo is not None:
                    deferred._debugInfo.failResult = None
        finally:
            if loop is not None:
                if outer is None:
                    del current_tasks[loop]
                else:
                    current_tasks[loop] = outer
        d = self._deferred
        if failed or d.called or d.debug or self._face is not None or type(value) in SPECIAL:
            return self._end(value, failed)
        # Quick way: what _end does for a plain success.
        self._coro = None
        self._outcome = value
        d.called = True
        d._canceller = None
        d.result = value
        return d if d._callbacks else None

    def _hold(self) -> None:
        """It waits after it was given an exception: keep the tracebacks that it will go on with."""
        held = held_by(self._coro)
        if held or self._face is not None:
            self._meet().held = held

    def _end(self, value: Any, failed: bool) -> Any:
        """The coroutine has ended: fire its Deferred, up to the point where callbacks would run."""
        self._coro = None
        self._outcome = value
        if self._face is not None:
            self._ended(self._face)
        d = self._deferred
        if d.called:
            # Somebody else fired it. A success is of no use any more; a failure must not get lost.
            if failed:
                report(
                    value, "Unhandled error in coroutine whose Deferred was fired before:", source="coroutine"
                )
            return None
        if d.debug:
            record_firing(d, value)
        d.called = True
        d._canceller = None
        d.result = value
        if d._callbacks:
            return d
        if failed:
            leave_over(d, value)
        elif type(value) in SPECIAL:
            return d
        return None

    def _look_at(self, yielded: Any) -> tuple[Any, bool]:
        """Decide about something yielded that is no Deferred: what to resume with, or that it waits."""
        if getattr(yielded, "_asyncio_future_blocking", None) is not None:
            return self._wait_for_future(yielded)
        if not self._plain:
            loop = running_loop()
            if yielded is None and loop is not None:
                self._register()
                self._waiting = loop.call_soon(self._turn)
                return _NOTHING, False
            return yielded, False
        if type(yielded) in SPECIAL:
            return yielded, True
        if isinstance(yielded, Coroutine):
            return self._wait_for_deferred(drive(yielded, False))
        return yielded, False

    def _wait_for_deferred(self, d: Deferred[Any]) -> tuple[Any, bool]:
        if d.called and not d.paused:
            result, d.result = d.result, None
            if d._debugInfo is not None:
                d._debugInfo.failResult = None
            return result, type(result) in SPECIAL
        if self._face is not None:
            self._cancel_before_waiting(d)
            if d.called:
                return self._wait_for_deferred(d)
        self._waiting = d
        d._callbacks.append((RESUME, RESUME, self, self))
        return _NOTHING, False

    def _wait_for_future(self, future: Any) -> tuple[Any, bool]:
        if self._plain:
            if future.done():
                return _outcome_of(future)
        else:
            # The await expression asks the future itself.
            future._asyncio_future_blocking = False
        self._register()
        self._waiting = future
        future.add_done_callback(self._wake)
        face = self._meet()
        if face.cancel_on_wait or (face.must_cancel and future.cancel(msg=face.cancel_message)):
            if face.cancel_on_wait:
                face.cancel_on_wait = False
                future.cancel()
            face.must_cancel = False
        return _NOTHING, False

    def _cancel_before_waiting(self, deferred: Any) -> bool:
        """Do what was asked for while the coroutine ran; tell whether `deferred` has a result now."""
        face = self._meet()
        if face.must_cancel:
            self.get_loop().call_soon(self._deliver)
        elif face.cancel_on_wait:
            face.cancel_on_wait = False
            deferred.cancel()
            return deferred.called and not deferred.paused and deferred._running is False
        return False

    def _wake(self, future: Any) -> None:
        """The asyncio future that is waited for is done."""
        if self._waiting is future:
            if not future.cancelled() and future.exception() is not None:
                RAISED[:] = (True,)
            if self._plain:
                self._go_on(*_outcome_of(future))
            else:
                self._go_on(None, False)

    def _turn(self) -> None:
        """One turn of the loop is over."""
        self._go_on(None, False)

    def _go_on(self, value: Any, failed: bool) -> None:
        following = self.resume(value, failed)
        if following is not None:
            run(following)

    def _cancel_step(self) -> Any:
        """`Deferred.cancel` was called for the coroutine's Deferred.

        Returns:
            the Deferred to cancel in its place; None if everything is done.
        """
        waiting = self._waiting
        if type(waiting) in DEFERREDS:
            return waiting
        face = self._meet()
        if waiting is None:
            face.cancel_on_wait = True
            return None
        face.requests += 1
        face.cancel_message = None
        if asyncio.isfuture(waiting):
            waiting.remove_done_callback(self._wake)
        waiting.cancel()
        self._go_on(Failure(asyncio.CancelledError()), True)
        return None

    def _leave_circle(self, waiting: Deferred[Any]) -> None:
        """What it waits for waits for it, so that there is nothing else to cancel: stop waiting."""
        waiting._callbacks[:] = [
            entry for entry in waiting._callbacks if type(entry) is not tuple or entry[2] is not self
        ]
        self._go_on(Failure(CancelledError()), True)


def _outcome_of(future: Any) -> tuple[Any, bool]:
    """Give result or Failure of an asyncio future that is done."""
    try:
        return future.result(), False
    except BaseException as exc:
        return Failure(exc), True


class _Here:
    """Stands for a context that is entered already."""

    def run(self, function: Callable[..., Any], argument: Any) -> Any:
        return function(argument)


_HERE: Any = _Here()


def _context_is_entered(exc: BaseException) -> bool:
    """Tell whether `Context.run` refused to run a coroutine, because what resumes it runs in its context.

    That happens when something was called with the context of a driven coroutine, which is that of asyncio's current
    task: `call_soon(d.callback, None, context=task.get_context())`.
    """
    tb = exc.__traceback__
    return (
        type(exc) is RuntimeError
        and tb is not None
        and tb.tb_next is None
        and "cannot enter context" in str(exc)
    )


def _raised(exc: BaseException, coro: Any) -> tuple[Any, bool]:
    """Turn what a coroutine raised into its result."""
    if isinstance(exc, _Return):
        _warn_of_distant_return(exc, coro)
        return exc.value, False
    if type(exc) is asyncio.CancelledError:
        cancelled = CancelledByAsyncio(*exc.args)
        cancelled.__context__ = exc.__context__
        cancelled.__cause__ = exc.__cause__
        exc = cancelled.with_traceback(exc.__traceback__)
    return caught(exc, Deferred.debug), True


_new_driver: Any = CoroutineDriver.__new__


@machinery
def drive(coro: Any, plain: bool) -> Deferred[Any]:
    """Start a coroutine or generator, and give the Deferred of its result.

    Args:
        coro: not started yet.
        plain: whether it is a generator of inlineCallbacks.
    """
    context = copy_context()
    yielded: Any = None
    value: Any = None
    # Without a loop nobody can ask for the current task, so that there is no driver before the first time that the
    # coroutine waits, which may never come (benchmarks/programs/twisted_results.py).
    driver: Any = None
    loop = running_loop()
    if loop is not None:
        driver = _new_driver(CoroutineDriver)
        driver._coro = coro
        driver._context = context
        driver._plain = plain
        driver._loop = loop
        driver._face = driver._waiting = None
        outer = current_tasks.get(loop)
        current_tasks[loop] = driver
    send = coro.send
    ended = failed = False
    try:
        while True:
            yielded = context.run(send, value)
            # Quick way: a Deferred whose result is there.
            if type(yielded) not in DEFERREDS or not yielded.called or yielded.paused or yielded._running:
                break
            value = yielded.result
            if type(value) in SPECIAL:
                break
            yielded.result = None
    except StopIteration as stop:
        value = stop.value
        ended = True
    except BaseException as exc:
        value, failed = _raised(exc, coro)
        ended = True
    finally:
        if loop is not None:
            if outer is None:
                del current_tasks[loop]
            else:
                current_tasks[loop] = outer
    if ended:
        if driver is not None:
            driver._coro = None
            driver._outcome = value
            if driver._face is not None:
                driver._ended(driver._face)
        return fail(value) if failed else succeed(value)
    if driver is None:
        driver = _new_driver(CoroutineDriver)
        driver._coro = coro
        driver._context = context
        driver._plain = plain
        driver._loop = driver._face = None
    driver._deferred = deferred = new_deferred(driver)
    # Quick way: it awaits or yielded a Deferred that has not fired.
    if driver._face is None and not RAISED:
        kind = type(yielded)
        if kind is Waiter:
            if not yielded.deferred.called:
                driver._waiting = waiting = yielded.deferred
                waiting._callbacks.append((PEEK, PEEK, driver, driver))
                return deferred
        elif kind in DEFERREDS and not yielded.called:
            driver._waiting = yielded
            yielded._callbacks.append((RESUME, RESUME, driver, driver))
            return deferred
    following = driver.resume(None, False, yielded)
    if following is not None:
        run(following)
    return deferred


def from_coroutine(coro: Any) -> Deferred[Any]:
    """See `Deferred.fromCoroutine`."""
    kind = type(coro)
    if kind is CoroutineType or kind is GeneratorType or isinstance(coro, (Coroutine, Generator)):
        return drive(coro, False)
    raise NotACoroutineError(f"{coro!r} is not a coroutine")


late.from_coroutine = from_coroutine


def ensureDeferred(
    coro: Coroutine[Any, Any, _T] | Generator[Any, Any, _T] | asyncio.Future[_T] | Deferred[_T],
) -> Deferred[_T]:
    """Give a Deferred for what may be a coroutine.

    Args:
        coro: a coroutine or generator, which is started (see `Deferred.fromCoroutine`); an `asyncio.Future`; or a
            Deferred, which is returned as it is.

    Raises:
        NotACoroutineError: it is none of these.
    """
    kind = type(coro)
    if kind is CoroutineType:
        return drive(coro, False)
    if kind in DEFERREDS:
        return coro  # type: ignore[return-value]
    if getattr(kind, "_asyncio_future_blocking", None) is not None:
        return Deferred.fromFuture(cast("asyncio.Future[_T]", coro))
    try:
        return from_coroutine(coro)
    except NotACoroutineError:
        raise NotACoroutineError(
            f"{coro!r} is not a coroutine or a Deferred; was the function called, and is it an async function?"
        ) from None


def inlineCallbacks(f: Callable[_P, Generator[Any, Any, _T]]) -> Callable[_P, Deferred[_T]]:
    """Make a generator function wait at each `yield` for what it yields.

    Args:
        f: a generator function. It may yield Deferreds, coroutines and asyncio futures, and gets their results, or
            their failures as exceptions; any other value it gets back at once.

    Returns:
        a function that starts the generator and returns a Deferred, which fires with what the generator returns or
        fails with what it raises. Cancelling that cancels what the generator is waiting for.

    Twisted: as `twisted.internet.defer.inlineCallbacks`; a function that does not yield is no error here, but treated
    as by `maybeDeferred`.
    """
    yields = isgeneratorfunction(f)

    @wraps(f)
    def start(*args: _P.args, **kwargs: _P.kwargs) -> Deferred[_T]:
        if yields:
            return drive(f(*args, **kwargs), True)
        return _call_plain(f, args, kwargs)

    return start


def _call_plain(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Deferred[Any]:
    """Call what was decorated with inlineCallbacks but does not look like a generator function."""
    try:
        result = f(*args, **kwargs)
    except _Return as exc:
        return as_deferred(exc.value)
    except BaseException as exc:
        return fail(caught(exc, Deferred.debug))
    if isinstance(result, Generator):
        return drive(result, True)
    return as_deferred(result)


class _Return(BaseException):
    """Carries the value of `returnValue` out of the generator."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


def returnValue(val: object) -> NoReturn:
    """End an `inlineCallbacks` generator with a result.  Deprecated; write `return val`."""
    warnings.warn(
        "twisted.internet.defer.returnValue was deprecated in Twisted 24.7.0;"
        " please use standard return statement instead",
        DeprecationWarning,
        stacklevel=2,
    )
    raise _Return(val)


def _warn_of_distant_return(exc: _Return, coro: Any) -> None:
    """Warn if `returnValue` was called by a function that the generator called, not by itself."""
    generator_code = getattr(coro, "gi_code", None) or getattr(coro, "cr_code", None)
    if generator_code is None:
        return
    caller = None
    tb = exc.__traceback__
    inside = False
    while tb is not None and tb.tb_next is not None:
        inside = inside or tb.tb_frame.f_code is generator_code
        caller = tb
        tb = tb.tb_next
    if not inside or caller is None or caller.tb_frame.f_code is generator_code:
        return
    code = caller.tb_frame.f_code
    warnings.warn_explicit(
        f"returnValue() in {code.co_name!r} causing {generator_code.co_name!r} to exit: "
        "returnValue should only be invoked by functions decorated with inlineCallbacks",
        DeprecationWarning,
        code.co_filename,
        caller.tb_lineno,
    )
