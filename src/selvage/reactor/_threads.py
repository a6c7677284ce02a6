"""Functions in threads whose results come back to the reactor.  Floor 2."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from selvage.defer import Deferred, maybeDeferred
from selvage.failure import Failure, machinery

from ._loop import running_loop

if TYPE_CHECKING:
    from selvage.interfaces import IReactorFromThreads

    from ._threadpool import ThreadPool

__all__ = ["blockingCallFromThread", "callMultipleInThread", "deferToThread", "deferToThreadPool"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def deferToThreadPool(
    reactor: IReactorFromThreads,
    threadpool: ThreadPool,
    f: Callable[_P, _R],
    *args: _P.args,
    **kwargs: _P.kwargs,
) -> Deferred[_R]:
    """Call a function in a thread of a pool.

    Args:
        reactor: in whose thread the Deferred fires.

    Fires with what the function returns.
    Fails with what it raises.  Cancelling fails the Deferred at once; the function, if it has begun, runs on unheard.
    """
    deferred: Deferred[_R] = Deferred()

    def on_result(success: bool, result: Any) -> None:
        reactor.callFromThread(deferred.callback if success else deferred.errback, result)

    threadpool.callInThreadWithCallback(on_result, f, *args, **kwargs)
    return deferred


def deferToThread(f: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> Deferred[_R]:
    """Call a function in a thread of the ambient reactor's pool.

    Fires with what the function returns.
    Fails with what it raises.  Cancelling fails the Deferred at once; the function, if it has begun, runs on unheard.
    """
    reactor = _ambient_reactor()
    return deferToThreadPool(reactor, reactor.getThreadPool(), f, *args, **kwargs)


def callMultipleInThread(
    tupleList: Iterable[tuple[Callable[..., object], Sequence[Any], Mapping[str, Any]]],
) -> None:
    """Call several functions, `(f, args, kwargs)` each, one after the other in one thread of the reactor's pool.

    What one of them raises goes to the hub; those after it are not called.
    """

    def call_all(calls: Sequence[tuple[Callable[..., object], Sequence[Any], Mapping[str, Any]]]) -> None:
        for function, args, kwargs in calls:
            function(*args, **kwargs)

    _ambient_reactor().callInThread(call_all, list(tupleList))


@machinery
def blockingCallFromThread(
    reactor: IReactorFromThreads,
    f: Callable[_P, _R] | Callable[_P, Deferred[_R]],
    *a: _P.args,
    **kw: _P.kwargs,
) -> _R:
    """Call a function in the reactor's thread, from another thread, and wait for what comes of it.

    Args:
        f: returns a value, a Deferred or a coroutine.

    Raises:
        BaseException: what `f` raises, or its Deferred fails with.
        RuntimeError: this is the reactor's own thread, which would wait for itself.
    """
    _refuse_own_thread(reactor, f)
    results: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def call() -> None:
        maybeDeferred(f, *a, **kw).addBoth(results.put)

    reactor.callFromThread(call)
    result = results.get()
    if isinstance(result, Failure):
        result.raiseException()
    answer: _R = result
    return answer


def _refuse_own_thread(reactor: object, f: object) -> None:
    if _runs_here(reactor):
        raise RuntimeError(
            "blockingCallFromThread() was called in the reactor's own thread, which would wait for itself for ever: "
            f"call {f!r} directly, and await its result or add callbacks to it"
        )


def _runs_here(reactor: Any) -> bool:
    """Tell whether the loop that runs in this thread is the reactor's."""
    loop = running_loop()
    # `running` attaches a reactor that may be attached.
    return loop is not None and bool(reactor.running) and getattr(reactor, "_loop", None) is loop


def _ambient_reactor() -> Any:
    from ._ambient import get_reactor

    return get_reactor()
