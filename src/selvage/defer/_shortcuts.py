"""Deferreds made of results, failures and calls.  Floor 0."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Coroutine
from types import CoroutineType, GeneratorType
from typing import Any, ParamSpec, TypeVar, overload

from selvage.defer._deferred import Deferred
from selvage.defer._loop import DEFERREDS, SPECIAL, caught
from selvage.errors import DeferredTimeoutError
from selvage.failure import Failure, report

__all__ = ["execute", "fail", "logError", "maybeDeferred", "passthru", "succeed", "timeout"]

_T = TypeVar("_T")
_P = ParamSpec("_P")


@overload
def succeed(result: Deferred[_T]) -> Deferred[_T]: ...


@overload
def succeed(result: _T) -> Deferred[_T]: ...


def succeed(result: Any) -> Deferred[Any]:
    """Make a Deferred that has fired with `result`.

    Args:
        result: the result; of a Deferred, the one that it has or will have.

    Twisted: as `twisted.internet.defer.succeed`, which does not look into a Deferred.
    """
    d: Deferred[Any]
    if type(result) in SPECIAL or Deferred.debug:
        d = Deferred()
        d.callback(result)
    else:
        # Quick way: what __init__ and callback would do, without the calls (benchmarks/programs/twisted_results.py).
        d = _new(Deferred)
        d.called = True
        d.paused = 0
        d._running = False
        d._callbacks = []
        d._canceller = None
        d._debugInfo = None
        d.result = result
    return d


_new: Any = Deferred.__new__


def fail(result: Failure | BaseException | None = None) -> Deferred[Any]:
    """Make a Deferred that has fired with a failure.

    Args:
        result: a Failure or an exception; None takes the exception that is being handled.

    Raises:
        NoCurrentExceptionError: `result` is None and no exception is being handled.
    """
    d: Deferred[Any] = Deferred()
    d.errback(result)
    return d


def execute(callable: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Deferred[_T]:
    """Call a function, and make a Deferred of what it returns or raises."""
    d: Deferred[Any] = Deferred()
    try:
        result: Any = callable(*args, **kwargs)
    except BaseException as exc:
        d.errback(caught(exc, d.debug))
    else:
        d.callback(result)
    return d


@overload
def maybeDeferred(f: Callable[_P, Deferred[_T]], *args: _P.args, **kwargs: _P.kwargs) -> Deferred[_T]: ...


@overload
def maybeDeferred(
    f: Callable[_P, Coroutine[Any, Any, _T]], *args: _P.args, **kwargs: _P.kwargs
) -> Deferred[_T]: ...


@overload
def maybeDeferred(f: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Deferred[_T]: ...


def maybeDeferred(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Deferred[Any]:
    """Call a function of which one does not know whether it waits.

    Returns:
        the Deferred that `f` returns; one for the coroutine or `asyncio.Future` that it returns; else one that has
        fired with what it returns or raises.
    """
    try:
        result = f(*args, **kwargs)
    except BaseException as exc:
        return fail(caught(exc, Deferred.debug))
    return as_deferred(result)


def as_deferred(result: Any) -> Deferred[Any]:
    """Give the Deferred that `result` is or stands for, or one that has fired with it."""
    kind = type(result)
    if kind in DEFERREDS:
        return result  # type: ignore[no-any-return]
    if kind is CoroutineType:
        return Deferred.fromCoroutine(result)
    if getattr(kind, "_asyncio_future_blocking", None) is not None and kind is not GeneratorType:
        return Deferred.fromFuture(result)
    return succeed(result)


def passthru(arg: _T) -> _T:
    """Return the argument: a callback or errback that changes nothing."""
    return arg


def logError(err: Failure) -> Failure:
    """Report a failure to the hub and pass it on: an errback.

    What is reported here is not reported again when nobody handles it.
    """
    report(err, "Unhandled Error", source="deferred")
    return err


def timeout(deferred: Deferred[object]) -> None:
    """Fail a Deferred with `TimeoutError`.  Deprecated; use `Deferred.addTimeout`."""
    warnings.warn(
        "twisted.internet.defer.timeout was deprecated in Twisted 17.1.0;"
        " please use twisted.internet.defer.Deferred.addTimeout instead",
        DeprecationWarning,
        stacklevel=2,
    )
    deferred.errback(Failure(DeferredTimeoutError("Callback timed out")))
