"""A Deferred that fires after a while.  Floor 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from selvage.defer import Deferred
from selvage.interfaces import IReactorTime

__all__ = ["deferLater"]

_T = TypeVar("_T")


@overload
def deferLater(
    clock: IReactorTime, delay: float, callable: Callable[..., Deferred[_T]], *args: Any, **kw: Any
) -> Deferred[_T]: ...


@overload
def deferLater(
    clock: IReactorTime, delay: float, callable: Callable[..., _T], *args: Any, **kw: Any
) -> Deferred[_T]: ...


@overload
def deferLater(clock: IReactorTime, delay: float, callable: None = None) -> Deferred[None]: ...


def deferLater(
    clock: IReactorTime, delay: float, callable: Callable[..., Any] | None = None, *args: Any, **kw: Any
) -> Deferred[Any]:
    """Wait, then call a function.

    Args:
        clock: the reactor, or a `Clock`.
        delay: seconds to wait.
        callable: what to call with the further arguments; nothing when left out.

    Fires / Fails:
        With what the function returns (a Deferred is waited for), or None without one; with what it raises.
        Cancelling takes the call back, or cancels the Deferred that the function returned.

    Raises:
        TypeError: `callable` is something that cannot be called.
    """
    if callable is not None and not _is_callable(callable):
        raise TypeError(
            f"deferLater needs something to call, not {callable!r}; pass the function, do not call it"
        )

    if not hasattr(clock, "callLater"):
        raise TypeError(
            f"deferLater takes the reactor first, as in deferLater(reactor, seconds, function), not {clock!r}"
        )

    def take_back(_: Deferred[Any]) -> None:
        call.cancel()

    done: Deferred[Any] = Deferred(take_back)
    if callable is not None:
        function = callable
        done.addCallback(lambda _: function(*args, **kw))
    call = clock.callLater(delay, done.callback, None)
    return done


_is_callable = callable
