"""`Deferred` and the loop that runs its callbacks.  Floor 0.

Theory of operation
-------------------

A Deferred keeps its callbacks in one list, in the order in which they were added, and `_run` walks that list with one
list iterator. Python's list iterators see what is appended while they walk, so a callback that adds another to its own
Deferred needs no special care: the new one runs when its turn comes.

*Entries.* The most frequent entry by far, `addCallback(f)` without further arguments, is `f` itself. Everything else
is a tuple `(callback, errback, callback arguments, errback arguments)`; None for a side that the entry does not
concern; arguments are None, a tuple, or `_Arguments` if there are keywords. A *link* is such a tuple whose callback and
errback are one of the markers below and whose two last items are its target:

    _CONTINUE   a Deferred that waits for the result of this one, because one of its callbacks returned this one
    _FIRE       a Deferred to fire with the result of this one (`chainDeferred`)
    _RESUME     something to resume with the result, which is then used up: a generator that yielded this Deferred
    _PEEK       likewise, but the result stays, since awaiting only looks at it: a coroutine, an asyncio Task

*Two inner loops*, one while the result is a success and one while it is a failure, share the iterator. Whether a
result is a Failure or a Deferred is one look-up of its class in a set that all subclasses enter when they are made;
`isinstance` would cost three times as much for the usual result that is neither (benchmarks/bench_deferred.py).

*No recursion.* Where a link hands the result on, the target becomes the Deferred that the loop works on. The one
before is pushed on a stack of its own, and only if it has callbacks left; so a chain of any length costs neither C
stack nor list. Resuming a coroutine is done in the same way: `resume` runs it until it waits again or ends, and gives
back its Deferred if that is to be run next, rather than running it.

*State.* `_running` is False while idle and True while the loop works on the Deferred (somewhere on the stack counts).
When a callback returns an unfired Deferred, the walk ends in the middle: either what was walked is cut off the list or,
if more is still to come than was walked, the iterator itself is kept in `_running`. Both keep the cost of a long list
of callbacks that all wait in proportion to its length.

*Failures left over.* See `_debug`: a sentinel is made when a walk ends with a Failure and disarmed when one begins.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from selvage.defer._debug import DebugInfo, here
from selvage.defer._waiter import Waiter, as_exception
from selvage.errors import AlreadyCalledError, CancelledError, DeferredTimeoutError
from selvage.failure import Failure, machinery, plain_init, special_results

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Coroutine

__all__ = ["Deferred", "getDebugging", "setDebugging"]

_T = TypeVar("_T")
_N = TypeVar("_N")
_P = ParamSpec("_P")

# What the loop has to look at before it goes on: the classes of failures and of Deferreds.
SPECIAL: set[type] = special_results
DEFERREDS: set[type] = set()
# The same in the order of their creation, under the name by which Twisted's own code knows it.
_DEFERRED_SUBCLASSES: list[type] = []


_new_waiter: Any = Waiter.__new__


class _Marker:
    """Marks a tuple in the list of callbacks as a link."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


CONTINUE: Any = _Marker("continue a waiting Deferred")
FIRE: Any = _Marker("fire a chained Deferred")
RESUME: Any = _Marker("resume with the result, using it up")
PEEK: Any = _Marker("resume with the result, leaving it")


class _Arguments:
    """Further arguments of a callback, if there are keywords among them."""

    __slots__ = ("args", "keywords")

    def __init__(self, args: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
        self.args = args
        self.keywords = keywords


class _Late:
    """What Deferred's own methods lead to in the modules that build on this one, which fill it in."""

    as_future: Callable[[Deferred[Any], Any], Any]
    from_coroutine: Callable[[Any], Deferred[Any]]
    from_future: Callable[[Any], Deferred[Any]]


late = _Late()

LINKS = frozenset((CONTINUE, FIRE, RESUME, PEEK))

# How far to follow who waits for whom when looking for a circle. Circles that somebody made by mistake have a handful
# of members, and following a chain of 100,000 each time that one is added would be quadratic.
_CIRCLE_HOPS = 64

_NO_KEYWORDS: Mapping[str, Any] = {}


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
            info.creator = here()

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
                _Arguments(callbackArgs or (), callbackKeywords)
                if callbackKeywords
                else callbackArgs or None,
                _Arguments(errbackArgs or (), errbackKeywords) if errbackKeywords else errbackArgs or None,
            )
        )
        if self.called:
            _run(self)
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
            self._callbacks.append((callback, None, _Arguments(args, kwargs) if kwargs else args, None))
        elif type(callback) is tuple:
            # The one thing that the loop would take for something else.
            self._callbacks.append((callback, None, None, None))
        else:
            # Quick way: nothing to allocate (benchmarks/bench_deferred.py).
            self._callbacks.append(callback)
        if self.called:
            _run(self)
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
        self._callbacks.append((None, errback, None, _Arguments(args, kwargs) if kwargs else args or None))
        if self.called:
            _run(self)
        return self

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
        arguments = _Arguments(args, kwargs) if kwargs else args or None
        self._callbacks.append((callback, callback, arguments, arguments))
        if self.called:
            _run(self)
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
            _run(self)
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
            _refuse(self)
            return
        if self.debug:
            record_firing(self)
        self.called = True
        self._canceller = None
        self.result = result
        if self._callbacks or type(result) in SPECIAL:
            _run(self)

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
            _refuse(self)
            return
        if self.debug:
            record_firing(self)
        self.called = True
        self._canceller = None
        self.result = failure
        _run(self)

    def pause(self) -> None:
        """Run no further callbacks until `unpause` is called as often; those that are running are not stopped."""
        self.paused += 1

    def unpause(self) -> None:
        """Take back one `pause`, and run what has been waiting if it was the last."""
        self.paused -= 1
        if self.called and not self.paused:
            _run(self)

    def cancel(self) -> None:
        """Ask for the operation to be given up; do nothing when the result is there already.

        One that has not fired calls its canceller, and fires with `CancelledError` unless the canceller fired it.
        Without a canceller, the result that may still come is swallowed, once. One that waits for another Deferred
        (a callback returned it, or a coroutine awaits it) cancels that one instead.

        Raises:
            Exception: what the canceller raised. The Deferred has been fired with `CancelledError` by then.
        """
        d: Deferred[Any] = self
        while True:
            if d.called:
                inner = d.result
                if type(inner) not in DEFERREDS:
                    return
                d = inner
                continue
            canceller = d._canceller
            if canceller is None:
                d._suppressAlreadyCalled = True
                d.errback(Failure(CancelledError()))
                return
            # The Deferred of a coroutine fires when the coroutine ends, which may handle the cancellation.
            step = getattr(canceller, "_cancel_step", None)
            if step is None:
                break
            following = step()
            if following is None:
                return
            d = following
        try:
            canceller(d)
        except BaseException as exc:
            if not d.called:
                _fire_after_failed_canceller(d, exc)
            raise
        if not d.called:
            d.errback(Failure(CancelledError()))

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
            _run(self)
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
            _run(self)

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
        _run(self)

    @property
    def _runningCallbacks(self) -> bool:
        return self._running is True


def _register(cls: type) -> None:
    SPECIAL.add(cls)
    DEFERREDS.add(cls)
    _DEFERRED_SUBCLASSES.append(cls)


_register(Deferred)


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


# --- The loop ----------------------------------------------------------------------------------------------------


@machinery
def _run(d: Any) -> None:  # one room on purpose: each step in a function of its own would cost a call
    """Run the callbacks of a fired Deferred, and of all that wait for it; see the theory of operation above."""
    if d.paused or d._running is True:
        return
    stack: list[tuple[Any, Any, Any]] | None = None
    it: Any = None
    seen: Any = None
    entry: Any = None
    while True:
        # 1. Begin with `d`, or go on with it after what it handed its result to. `seen` is a failure that somebody
        #    who awaits has seen, so that it counts as handled though it stays.
        if it is None:
            it = d._running or iter(d._callbacks)
            d._running = True
            if d._debugInfo is not None:
                d._debugInfo.failResult = None
        result = d.result
        failed = False
        link: Any = None
        following: Any = None
        new: Any = None
        if type(result) in SPECIAL:
            if type(result) in DEFERREDS:
                # Fired with a Deferred.
                new, result = result, None
            else:
                failed = True
        # 2. Walk until the callbacks are at their end, or the result goes to another Deferred.
        while True:
            if new is not None:
                # A callback returned a Failure or a Deferred.
                if type(new) not in DEFERREDS:
                    result = new
                    failed = True
                elif new is d:
                    result, failed = _returned_itself(d, entry, result, failed)
                elif new.called and not new.paused and new._running is False:
                    # It is there already: take it over and go on.
                    result = new.result
                    new.result = None
                    failed = type(result) in SPECIAL
                    if new._debugInfo is not None:
                        new._debugInfo.failResult = None
                elif _waits_for(new, d):
                    result = _circle(d, new)
                    failed = True
                else:
                    break
                new = None
            if failed:
                for entry in it:
                    if type(entry) is not tuple:
                        continue
                    _, errback, _, arguments = entry
                    if errback is None:
                        continue
                    try:
                        if arguments is None:
                            new = errback(result)
                        elif type(arguments) is tuple:
                            if len(arguments) == 1:
                                new = errback(result, arguments[0])
                            else:
                                new = errback(result, *arguments)
                        elif errback in LINKS:
                            link = entry
                            break
                        else:
                            new = errback(result, *arguments.args, **arguments.keywords)
                    except BaseException as exc:
                        result = caught(exc, d.debug)
                        continue
                    if type(new) not in SPECIAL:
                        result = new
                        new = None
                        failed = False
                    break
                else:
                    break
            else:
                try:
                    for entry in it:
                        if type(entry) is not tuple:
                            new = entry(result)
                        else:
                            callback, _, arguments, _ = entry
                            if callback is None:
                                continue
                            if arguments is None:
                                new = callback(result)
                            elif type(arguments) is tuple:
                                # Quick way: unpacking one costs more than the call.
                                if len(arguments) == 1:
                                    new = callback(result, arguments[0])
                                else:
                                    new = callback(result, *arguments)
                            elif callback in LINKS:
                                link = entry
                                break
                            else:
                                new = callback(result, *arguments.args, **arguments.keywords)
                        if type(new) in SPECIAL:
                            break
                        result = new
                    else:
                        new = None
                        break
                except BaseException as exc:
                    new = None
                    result = caught(exc, d.debug)
                    failed = True
                    continue
            if link is None:
                continue
            # 3. A link: hand the result on.
            kind, _, target, _ = link
            link = new = None
            if kind is PEEK:
                d.result = seen = result
                following = target.resume(result, failed)
            else:
                d.result = None
                given, result = result, None
                if kind is CONTINUE:
                    target.result = given
                    target.paused -= 1
                    following = target
                    failed = False
                elif kind is RESUME:
                    following = target.resume(given, failed)
                    failed = False
                else:
                    failed = False
                    try:
                        following = _fire(target, given)
                    except AlreadyCalledError as exc:
                        result = caught(exc, d.debug)
                        failed = True
                given = None
            if following is not None:
                if not following.paused and following._running is not True:
                    break
                following = None
        # 4. Leave `d`: it hands over with callbacks left, or waits for another Deferred, or is at its end.
        if following is not None and it.__length_hint__():
            d.result = result
            if stack is None:
                stack = []
            stack.append((d, it, seen))
            d, it, seen = following, None, None
            continue
        if new is not None:
            _wait(d, it, new)
        else:
            d._callbacks.clear()
            d._running = False
            d.result = result
            if failed and result is not seen:
                leave_over(d, result)
        if following is not None:
            d, it, seen = following, None, None
        elif stack:
            d, it, seen = stack.pop()
        else:
            break
    if failed:
        # The frames of what was raised refer to this one: without this every failure would be part of a circle.
        d = result = seen = new = entry = errback = callback = None


def caught(exc: BaseException, debug: bool) -> Failure:
    """Make a Failure of what a callback raised, without the frame of the loop that called it."""
    if debug or type(exc) in SPECIAL or Failure.__init__ is not plain_init:
        # The last: failure.startDebugMode() wants to see each Failure made.
        return Failure(exc, captureVars=debug)
    # Quick way: what Failure() does, without finding out what it was given (benchmarks/bench_deferred.py).
    failure: Failure = _new_failure(Failure)
    tb = exc.__traceback__
    if tb is not None and tb.tb_next is not None:
        exc.__traceback__ = tb = tb.tb_next
    failure.value = exc
    failure.type = type(exc)
    failure.tb = tb
    failure.captureVars = False
    return failure


_new_failure = Failure.__new__


def leave_over(d: Deferred[Any], failure: Failure) -> None:
    """Arm the sentinel: report `failure` when the last reference to `d` goes."""
    info = d._debugInfo
    if info is None:
        info = d._debugInfo = DebugInfo()
    info.failResult = failure


def _wait(d: Any, it: Any, inner: Any) -> None:
    """Let `d`, in the middle of its callbacks, wait for `inner`."""
    callbacks = d._callbacks
    left = it.__length_hint__()
    done = len(callbacks) - left
    if done >= left:
        del callbacks[:done]
        d._running = False
    else:
        d._running = it
    d.result = inner
    d.paused += 1
    inner._callbacks.append((CONTINUE, CONTINUE, d, d))


def _fire(d: Any, result: Any) -> Any:
    """Fire `d` up to the point where its callbacks would run, and return it; None if there is nothing to run."""
    if d.called:
        _refuse(d)
        return None
    if d.debug:
        record_firing(d)
    d.__dict__.pop("_chained_from", None)
    d.called = True
    d._canceller = None
    d.result = result
    return d if d._callbacks or type(result) in SPECIAL else None


def _fire_after_failed_canceller(d: Deferred[Any], error: BaseException) -> None:
    """Fire `d` though its canceller raised `error`, which is the caller's to handle."""
    cancelled = CancelledError(
        f"cancelled, though the canceller of this Deferred raised {type(error).__name__}"
    )
    cancelled.__cause__ = error
    failure = Failure(cancelled)
    d.errback(failure)
    if d._debugInfo is not None and d.result is failure:
        # Whoever called cancel() gets `error`; what follows from it is not another story.
        d._debugInfo.failResult = None


# --- What is wrong, and how to say it ----------------------------------------------------------------------------


def _refuse(d: Deferred[Any]) -> None:
    """A fired Deferred was fired again: swallow the result that comes after a cancellation, else complain."""
    if d._suppressAlreadyCalled:
        d._suppressAlreadyCalled = False
        return
    info = d._debugInfo
    sites = info._getDebugTracebacks() if info is not None and d.debug else ""
    error = AlreadyCalledError()
    if info is not None and sites:
        error = AlreadyCalledError(f"{d!r} has fired already{info.when()}; a Deferred fires once.\n{sites}")
    error.explanation = (
        f"{d!r} has fired already; a Deferred fires once. "
        "Selvage tells where it was created and first fired after selvage.defer.setDebugging(True)"
    )
    raise error


def record_firing(d: Deferred[Any]) -> None:
    info = d._debugInfo
    if info is None:
        info = d._debugInfo = DebugInfo()
    info.fired()


def _returned_itself(d: Any, entry: Any, result: Any, failed: bool) -> tuple[Any, bool]:
    """A callback of `d` returned `d`: warn, and go on with the result that the callback was given."""
    function = entry if type(entry) is not tuple else entry[1 if failed else 0]
    code = getattr(function, "__code__", None)
    message = (
        "Callback returned the Deferred it was attached to; waiting for itself it would never end. "
        f"Return a result, or nothing, from {function!r}"
    )
    try:
        if code is None:
            warnings.warn(message, DeprecationWarning, stacklevel=4)
        else:
            warnings.warn_explicit(message, DeprecationWarning, code.co_filename, code.co_firstlineno)
    except Warning as error:
        return Failure(error), True
    return result, failed


def _waits_for(inner: Any, d: Any) -> bool:
    """Tell whether `inner` waits for `d`, over a few Deferreds between them."""
    for _ in range(_CIRCLE_HOPS):
        if not inner.called:
            return False
        inner = inner.result
        if type(inner) not in DEFERREDS:
            return False
        if inner is d:
            return True
    return False


def _circle(d: Any, inner: Any) -> Failure:
    return Failure(
        RuntimeError(
            f"a callback of {d!r} returned {inner!r}, which waits for the former: neither would ever have a result"
        )
    )


def _as_pair(entry: Any) -> Any:
    """Show an entry as code for Twisted expects: `((callback, args, kwargs), (errback, args, kwargs))`."""
    if type(entry) is not tuple:
        return ((entry, (), {}), (_pass, (), {}))
    callback, errback, arguments, error_arguments = entry
    return (_as_call(callback, arguments), _as_call(errback, error_arguments))


def _as_call(function: Any, arguments: Any) -> tuple[Any, tuple[Any, ...], Mapping[str, Any]]:
    if function in LINKS:
        return (function, (arguments,), {})
    if isinstance(arguments, _Arguments):
        return (function, arguments.args, arguments.keywords)
    return (_pass if function is None else function, arguments or (), {})


def _pass(result: _T) -> _T:
    return result


def _as_timeout(value: Any, timeout: float) -> Any:
    if isinstance(value, Failure):
        value.trap(CancelledError)
        raise DeferredTimeoutError(timeout, "Deferred")
    return value


def setDebugging(on: bool) -> None:
    """Turn debug mode on or off: Deferreds record where they are made and fired, failures keep variables.

    It concerns Deferreds that are made or fired from now on.
    """
    Deferred.debug = bool(on)


def getDebugging() -> bool:
    """Tell whether debug mode is on."""
    return Deferred.debug
