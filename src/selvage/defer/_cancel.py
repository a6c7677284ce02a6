"""What `Deferred.cancel` does.  Floor 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.defer._loop import DEFERREDS
from selvage.errors import CancelledError
from selvage.failure import Failure

if TYPE_CHECKING:
    from selvage.defer._deferred import Deferred

__all__ = ["cancel"]


def cancel(d: Deferred[Any], plain: object) -> None:
    """Cancel `d`, or what it waits for in the end; see `Deferred.cancel`.

    Args:
        plain: that method. Where a Deferred on the way has another, that is called.
    """
    # Coroutines passed on the way to what is to be cancelled: two may wait for each other.
    passed: set[int] = set()
    while True:
        if d.called:
            inner = d.result
            if type(inner) not in DEFERREDS:
                return
            d = inner
            if type(d).cancel is not plain:
                d.cancel()
                return
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
        if id(d) in passed:
            canceller._leave_circle(following)
            return
        passed.add(id(d))
        d = following
        if type(d).cancel is not plain:
            d.cancel()
            return
    try:
        canceller(d)
    except BaseException as exc:
        if not d.called:
            _fire_after_failed_canceller(d, exc)
        raise
    if not d.called:
        d.errback(Failure(CancelledError()))


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
