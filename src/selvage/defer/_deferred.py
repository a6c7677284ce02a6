"""`Deferred`.  Floor 0.

The loop that runs the callbacks is in `_loop`, and its theory of operation too.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Mapping
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from selvage.defer._cancel import cancel
from selvage.defer._debug import DebugInfo, record_firing, refuse
from selvage.defer._held import RAISED, skip
from selvage.defer._loop import DEFERREDS, FIRE, LINKS, PEEK, SPECIAL, Arguments, call_none, run
from selvage.defer._trail import exchange
from selvage.defer._waiter import Waiter, as_exception
from selvage.errors import CancelledError, DeferredTimeoutError
from selvage.failure import Failure, Kind, as_kinds, handle, machinery

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Coroutine

__all__ = ["Deferred", "getDebugging", "setDebugging"]

_T = TypeVar("_T")
_N = TypeVar("_N")
_P = ParamSpec("_P")

_new_waiter: Any = Waiter.__new__

_NO_KEYWORDS: Mapping[str, Any] = {}

# All classes of Deferreds in the order of their creation, under the name by which Twisted's own code knows it.
_DEFERRED_SUBCLASSES: list[type] = []


class _Late:
    """What Deferred's own methods lead to in the modules that build on this one, which fill it in."""

    as_future: Callable[[Deferred[Any], Any], Any]
    from_coroutine: Callable[[Any], Deferred[Any]]
    from_future: Callable[[Any], Deferred[Any]]


late = _Late()


class Deferred(Generic[_T]):
    """A result that may not be there yet, and what is to be done with it when it is.

    Args:
        canceller: called by `cancel` with the Deferred while it has not fired. It stops the operation and may fire
            the Deferred with a result or a failure of its choice; if it does not, `CancelledError` follows.

    Attributes:
        called: whether it has been fired.
        paused: how often it was paused more than unpaused; waiting for another Deferred counts as one.
        result: the current result, which callbacks change; absent until it is fired.
        debug: record where Deferreds are created and fired; see `setDebugging`.

    A Deferred whose last callback left a Failure reports it to the hub (`selvage.failure.report`) when its last
    reference goes. It can be awaited, in a Selvage coroutine and in an asyncio Task alike.

    Twisted: `twisted.internet.defer.Deferred`. Differences: a canceller that raises cannot leave it hanging; a
    Deferred that its own callback returns does not hang either; and awaiting one that has not fired leaves its result
    in place, as awaiting a fired one does.
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_callbacks",
        "_canceller",
        "_debugInfo",
        "_running",
        "called",
        "paused",
        "result",
    )

    called: bool
    paused: int
    result: Any
    _callbacks: list[Any]
    _canceller: Any
    _debugInfo: DebugInfo | None
    # False, True while it runs, or the iterator with which to go on.
    _running: Any

    debug: bool = False
    # Whether the one result that may still come after a cancellation is to be swallowed.
    _suppressAlreadyCalled = False

    if not TYPE_CHECKING:
        # Subclasses may be subscripted too, `DeferredList[int]`, as with Twisted.
        __class_getitem__ = classmethod(GenericAlias)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _register(cls)

    def __init__(self, canceller: Callable[[Deferred[Any]], object] | None = None) -> None:
        self.called = False
        self.paused = 0
        self._running = False
        self._callbacks = []
        self._canceller = canceller
        self._debugInfo = None
        if self.debug:
            self._debugInfo = info = DebugInfo()
            info.created()

    # --- Adding callbacks --------------------------------------------------------------------------------------

    @overload
    def addCallbacks(
        self,
        callback: Callable[Concatenate[_T, ...], Deferred[_N]],
        errback: Callable[Concatenate[Failure, ...], Deferred[_N] | Failure | _N] | None = ...,
        callbackArgs: tuple[Any, ...] | None = ...,
        callbackKeywords: Mapping[str, Any] | None = ...,
        errbackArgs: tuple[Any, ...] | None = ...,
        errbackKeywords: Mapping[str, Any] | None = ...,
    ) -> Deferred[_N]: ...

    @overload
    def addCallbacks(
        self,
        callback: Callable[Concatenate[_T, ...], _N | Failure],
        errback: Callable[Concatenate[Failure, ...], Deferred[_N] | Failure | _N] | None = ...,
        callbackArgs: tuple[Any, ...] | None = ...,
        callbackKeywords: Mapping[str, Any] | None = ...,
        errbackArgs: tuple[Any, ...] | None = ...,
        errbackKeywords: Mapping[str, Any] | None = ...,
    ) -> Deferred[_N]: ...

    @overload
    def addCallbacks(
        self,
        callback: Callable[..., Any] | None,
        errback: Callable[..., Any] | None = ...,
        callbackArgs: tuple[Any, ...] | None = ...,
        callbackKeywords: Mapping[str, Any] | None = ...,
        errbackArgs: tuple[Any, ...] | None = ...,
        errbackKeywords: Mapping[str, Any] | None = ...,
    ) -> Deferred[Any]: ...

    def addCallbacks(
        self,
        callback: Callable[..., Any] | None,
        errback: Callable[..., Any] | None = None,
        callbackArgs: tuple[Any, ...] | None = (),
        callbackKeywords: Mapping[str, Any] | None = _NO_KEYWORDS,
        errbackArgs: tuple[Any, ...] | None = (),
        errbackKeywords: Mapping[str, Any] | None = _NO_KEYWORDS,
    ) -> Deferred[Any]:
        """Add one pair: what to do with a success, and what to do with a failure.

        The two are alternatives: a failure of `callback` goes to the next pair's errback, not to this one.

        Args:
            callback: called as `callback(result, *callbackArgs, **callbackKeywords)`; None passes a success on.
            errback: called as `errback(failure, *errbackArgs, **errbackKeywords)`; None passes a failure on.
        """
        self._callbacks.append(
            (
                callback,
                errback,
                Arguments(callbackArgs or (), callbackKeywords) if callbackKeywords else callbackArgs or None,
                Arguments(errbackArgs or (), errbackKeywords) if errbackKeywords else errbackArgs or None,
            )
        )
        if self.called:
            run(self)
        return self

    # The order matters: a type checker takes the first that fits, and a Deferred would fit a plain result too.

    @overload
    def addCallback(
        self, callback: Callable[Concatenate[_T, _P], Deferred[_N]], *args: _P.args, **kwargs: _P.kwargs
    ) -> Deferred[_N]: ...

    @overload
    def addCallback(
        self,
        callback: Callable[Concatenate[_T, _P], Deferred[_N] | Failure],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> Deferred[_N]: ...

    @overload
    def addCallback(
        self, callback: Callable[Concatenate[_T, _P], _N | Failure], *args: _P.args, **kwargs: _P.kwargs
    ) -> Deferred[_N]: ...

    @overload
    def addCallback(
        self, callback: Callable[Concatenate[_T, _P], _N], *args: _P.args, **kwargs: _P.kwargs
    ) -> Deferred[_N]: ...

    def addCallback(self, callback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Add what to do with a success.

        Args:
            callback: called as `callback(result, *args, **kwargs)`. What it returns is the next result; a Deferred
                makes this one wait for it; a Failure, or whatever it raises, goes to the next errback.

        Returns:
            This Deferred.
        """
        if args or kwargs:
            if callback is None:
                callback = call_none
            self._callbacks.append((callback, None, Arguments(args, kwargs) if kwargs else args, None))
        elif type(callback) is tuple:
            # The one thing that the loop would take for something else.
            self._callbacks.append((callback, None, None, None))
        else:
            # Quick way: nothing to allocate (benchmarks/programs/twisted_results.py).
            self._callbacks.append(callback)
        if self.called:
            run(self)
        return self

    @overload
    def addErrback(
        self, errback: Callable[Concatenate[Failure, _P], Deferred[_N]], *args: _P.args, **kwargs: _P.kwargs
    ) -> Deferred[_T | _N]: ...

    @overload
    def addErrback(
        self,
        errback: Callable[Concatenate[Failure, _P], Deferred[_N] | Failure],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> Deferred[_T | _N]: ...

    @overload
    def addErrback(
        self, errback: Callable[Concatenate[Failure, _P], Failure], *args: _P.args, **kwargs: _P.kwargs
    ) -> Deferred[_T]: ...

    @overload
    def addErrback(
        self, errback: Callable[Concatenate[Failure, _P], _N | Failure], *args: _P.args, **kwargs: _P.kwargs
    ) -> Deferred[_T | _N]: ...

    @overload
    def addErrback(
        self, errback: Callable[Concatenate[Failure, _P], _N], *args: _P.args, **kwargs: _P.kwargs
    ) -> Deferred[_T | _N]: ...

    def addErrback(self, errback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Add what to do with a failure.

        Args:
            errback: called as `errback(failure, *args, **kwargs)`; see `addCallback` for what it may return.
        """
        if errback is None:
            errback = call_none
        self._callbacks.append((None, errback, None, Arguments(args, kwargs) if kwargs else args or None))
        if self.called:
            run(self)
        return self

    @overload
    def catch(
        self,
        types: Kind | tuple[Kind, ...],
        handler: Callable[Concatenate[Failure, _P], Deferred[_N]],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> Deferred[_T | _N]: ...

    @overload
    def catch(
        self,
        types: Kind | tuple[Kind, ...],
        handler: Callable[Concatenate[Failure, _P], Failure],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> Deferred[_T]: ...

    @overload
    def catch(
        self,
        types: Kind | tuple[Kind, ...],
        handler: Callable[Concatenate[Failure, _P], _N | Failure],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> Deferred[_T | _N]: ...

    @overload
    def catch(
        self,
        types: Kind | tuple[Kind, ...],
        handler: Callable[Concatenate[Failure, _P], _N],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> Deferred[_T | _N]: ...

    def catch(self, types: Any, handler: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Add what to do with failures of some kinds, as `except` does; all others travel on.

        Args:
            types: an exception class, its dotted name, or a function that is called with the exception and says
                whether; or several of these in a tuple. An exception group is split as `except*` splits it: the handler
                gets the members that match, the rest travels on when it is done.
            handler: called as `handler(failure, *args, **kwargs)`; see `addCallback` for what it may return.
        """
        if not callable(handler):
            raise TypeError(f"catch() takes a function of one Failure, not {handler!r}")
        self._callbacks.append((None, handle, None, (as_kinds(types, "catch()"), handler, args, kwargs)))
        if self.called:
            run(self)
        return self

    def recover(self, types: Kind | tuple[Kind, ...], value: _N) -> Deferred[_T | _N]:
        """Put a value in the place of failures of some kinds; all others travel on.

        Args:
            types: as for `catch`.
            value: the result then. If the rest of an exception group travels on, it is not used.
        """
        return self.catch(types, lambda _: value)

    @overload
    def addBoth(
        self,
        callback: Callable[Concatenate[_T | Failure, _P], Deferred[_N]],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> Deferred[_N]: ...

    @overload
    def addBoth(
        self,
        callback: Callable[Concatenate[_T | Failure, _P], Deferred[_N] | Failure],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> Deferred[_N]: ...

    @overload
    def addBoth(
        self,
        callback: Callable[Concatenate[_T | Failure, _P], _N | Failure],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> Deferred[_N]: ...

    @overload
    def addBoth(
        self, callback: Callable[Concatenate[Any, _P], _N], *args: _P.args, **kwargs: _P.kwargs
    ) -> Deferred[_N]: ...

    def addBoth(self, callback: Any, *args: Any, **kwargs: Any) -> Deferred[Any]:
        """Add what to do with the result, whether success or failure.

        Args:
            callback: called as `callback(result, *args, **kwargs)`; see `addCallback` for what it may return.
        """
        if callback is None:
            callback = call_none
        arguments = Arguments(args, kwargs) if kwargs else args or None
        self._callbacks.append((callback, callback, arguments, arguments))
        if self.called:
            run(self)
        return self

    def chainDeferred(self, d: Deferred[_T]) -> Deferred[None]:
        """Fire `d` with the result of this Deferred when it gets there; the result here is None from then on.

        Cancelling `d` does not cancel this one. To wait for a Deferred, return it from a callback instead.
        """
        if type(d).callback is Deferred.callback and type(d).errback is Deferred.errback:
            d.__dict__["_chained_from"] = self
            self._callbacks.append((FIRE, FIRE, d, d))
        else:
            self._callbacks.append((d.callback, d.errback, None, None))
        if self.called:
            run(self)
        return self  # type: ignore[return-value]

    @property
    def callbacks(self) -> list[Any]:
        """The callbacks that have not run yet, as pairs of `(function, args, kwargs)`.  Deprecated."""
        warnings.warn(
            "twisted.internet.defer.Deferred.callbacks was deprecated in Twisted 26.4.0",
            DeprecationWarning,
            stacklevel=2,
        )
        return [_as_pair(entry) for entry in self._callbacks]

    # --- Firing ------------------------------------------------------------------------------------------------

    def callback(self, result: _T | Deferred[_T] | Failure) -> None:
        """Fire with a success: run the callbacks.

        Args:
            result: handed to the first callback. A Failure goes to the first errback; a Deferred is waited for.

        Raises:
            AlreadyCalledError: it has been fired before.
        """
        if self.called:
            refuse(self)
            return
        if self.debug:
            record_firing(self, result)
        self.called = True
        self._canceller = None
        self.result = result
        if self._callbacks or type(result) in SPECIAL:
            run(self)

    def errback(self, fail: Failure | BaseException | None = None) -> None:
        """Fire with a failure: run the errbacks.

        Args:
            fail: a Failure or an exception; None takes the exception that is being handled.

        Raises:
            AlreadyCalledError: it has been fired before.
            NoCurrentExceptionError: `fail` is None and no exception is being handled.
        """
        failure = fail if type(fail) in SPECIAL else Failure(fail, captureVars=self.debug)
        if self.called:
            refuse(self)
            return
        if self.debug:
            record_firing(self, failure, afresh=True)
        self.called = True
        self._canceller = None
        self.result = failure
        run(self)

    def pause(self) -> None:
        """Run no further callbacks until `unpause` is called as often; those that are running are not stopped."""
        self.paused += 1

    def unpause(self) -> None:
        """Take back one `pause`, and run what has been waiting if it was the last."""
        self.paused -= 1
        if self.called and not self.paused:
            run(self)

    def cancel(self) -> None:
        """Ask for the operation to be given up; do nothing when the result is there already.

        One that has not fired calls its canceller, and fires with `CancelledError` unless the canceller fired it.
        Without a canceller, the result that may still come is swallowed, once. One that waits for another Deferred
        (a callback returned it, or a coroutine awaits it) cancels that one instead.

        Raises:
            Exception: what the canceller raised. The Deferred has been fired with `CancelledError` by then.
        """
        cancel(self, Deferred.cancel)

    def addTimeout(
        self,
        timeout: float,
        clock: Any,
        onTimeoutCancel: Callable[[_T | Failure, float], _N | Failure] | None = None,
    ) -> Deferred[_T | _N]:
        """Cancel this Deferred unless it has a result after some time.

        Only callbacks added before this call count: what is added later may take any time.

        Args:
            timeout: seconds on the clock.
            clock: something with `callLater`: a reactor or a Clock.
            onTimeoutCancel: called with the result and `timeout` if the time ran out, whatever the result is then;
                what it returns or raises is the new result. Without it a `CancelledError` becomes `TimeoutError`.
        """
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            self.cancel()

        call = clock.callLater(timeout, expire)

        def settle(value: Any) -> Any:
            if expired:
                return (onTimeoutCancel or _as_timeout)(value, timeout)
            if call.active():
                call.cancel()
            return value

        self._callbacks.append((settle, settle, None, None))
        if self.called:
            run(self)
        return cast("Deferred[_T | _N]", self)

    # --- Awaiting, and asyncio ---------------------------------------------------------------------------------

    @machinery
    def __await__(self) -> Generator[Any, Any, _T]:
        if self.called and not self.paused and self._running is False:
            result = self.result
            if type(result) not in SPECIAL:
                return result  # type: ignore[no-any-return]
            if type(result) not in DEFERREDS:
                if self._debugInfo is not None:
                    self._debugInfo.failResult = None
                RAISED[:] = (True,)
                raise as_exception(result)
        # What Waiter(self) does, without the call (benchmarks/programs/twisted_results.py).
        waiter: Any = _new_waiter(Waiter)
        waiter.deferred = self
        waiter._asyncio_future_blocking = True
        waiter._outcome = None
        result = yield waiter
        # Selvage's driver sends the result; an asyncio Task sends None after it has asked `waiter.result()`.
        return waiter.value if result is None else result  # type: ignore[no-any-return]

    __iter__ = __await__

    def asFuture(self, loop: AbstractEventLoop) -> Future[_T]:
        """Make an `asyncio.Future` that gets the result of this Deferred; the result here is None from then on.

        Cancelling the future cancels this Deferred. In a coroutine there is no need for it: await the Deferred.

        Args:
            loop: the loop of the future.
        """
        return cast("Future[_T]", late.as_future(self, loop))

    @classmethod
    def fromFuture(cls, future: Future[_N]) -> Deferred[_N]:
        """Make a Deferred that fires with the result of an `asyncio.Future`.

        Cancelling it cancels the future, and fires it at once with an error that is both Selvage's `CancelledError`
        and `asyncio.CancelledError`.
        """
        return late.from_future(future)

    @classmethod
    def fromCoroutine(cls, coro: Coroutine[Any, Any, _N] | Generator[Any, Any, _N]) -> Deferred[_N]:
        """Run a coroutine; it starts before this call returns.

        Args:
            coro: a coroutine, or a generator that uses `yield from` in place of `await`. It may await Deferreds
                and anything that asyncio can await.

        Returns:
            a Deferred that fires with what it returns or fails with what it raises. Cancelling it cancels what the
            coroutine is waiting for.

        Raises:
            NotACoroutineError: it is neither.
        """
        return late.from_coroutine(coro)

    # --- Showing itself ----------------------------------------------------------------------------------------

    @property
    def _chainedTo(self) -> Deferred[Any] | None:
        """The Deferred that this one waits for, if any."""
        result = getattr(self, "result", None)
        if type(result) in DEFERREDS:
            return cast("Deferred[Any]", result)
        return cast("Deferred[Any] | None", self.__dict__.get("_chained_from"))

    def _peek(self, target: Any) -> None:
        """Call `target.resume(result, failed)` when the result gets here; it stays."""
        self._callbacks.append((PEEK, PEEK, target, target))
        if self.called:
            run(self)

    def __repr__(self) -> str:
        name = type(self).__name__
        inner = self._chainedTo
        if inner is not None:
            return f"<{name} at {id(self):#x} waiting on Deferred at {id(inner):#x}>"
        if self.called:
            return f"<{name} at {id(self):#x} current result: {self.result!r}>"
        return f"<{name} at {id(self):#x}>"

    # Names under which code for Twisted reaches the loop.

    def _runCallbacks(self) -> None:
        run(self)

    @property
    def _runningCallbacks(self) -> bool:
        return self._running is True


def _register(cls: type) -> None:
    SPECIAL.add(cls)
    DEFERREDS.add(cls)
    _DEFERRED_SUBCLASSES.append(cls)


_register(Deferred)
skip(Deferred.__await__)

_new: Any = Deferred.__new__


def new_deferred(canceller: Any) -> Deferred[Any]:
    """Make `Deferred(canceller)`, without going through the class (benchmarks/programs/twisted_results.py)."""
    if Deferred.debug:
        return Deferred(canceller)
    d: Deferred[Any] = _new(Deferred)
    d.called = False
    d.paused = 0
    d._running = False
    d._callbacks = []
    d._canceller = canceller
    d._debugInfo = None
    return d


def _as_pair(entry: Any) -> Any:
    """Show an entry as code for Twisted expects: `((callback, args, kwargs), (errback, args, kwargs))`."""
    if type(entry) is not tuple:
        return ((entry, (), {}), (_pass, (), {}))
    callback, errback, arguments, error_arguments = entry
    return (_as_call(callback, arguments), _as_call(errback, error_arguments))


def _as_call(function: Any, arguments: Any) -> tuple[Any, tuple[Any, ...], Mapping[str, Any]]:
    if function in LINKS:
        return (function, (arguments,), {})
    if isinstance(arguments, Arguments):
        return (function, arguments.args, arguments.keywords)
    return (_pass if function is None else function, arguments or (), {})


def _pass(result: _T) -> _T:
    return result


def _as_timeout(value: Any, timeout: float) -> Any:
    if isinstance(value, Failure):
        value.trap(CancelledError)
        error = DeferredTimeoutError(timeout, "Deferred")  # says no more than that, as Twisted's
        error.add_note(f"the Deferred had no result within {timeout:g} s")
        raise error
    return value


def setDebugging(on: bool) -> None:
    """Turn debug mode on or off.

    With it, Deferreds know where they were made and fired and where each callback was added, and the report of a failure
    tells which of them it passed; failures keep variables. It concerns what is made, added or fired from now on.
    """
    Deferred.debug = bool(on)
    exchange(Deferred, bool(on))


def getDebugging() -> bool:
    """Tell whether debug mode is on."""
    return Deferred.debug
