"""A clock that moves only when it is told to: time for tests and simulations.

Floor 2.  The calls are the reactor's `DelayedCall`; what differs is who says that time passes, and that an exception goes
to whoever says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import copy_context
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from selvage.interfaces import IReactorTime
from selvage.reactor import DelayedCall

__all__ = ["Clock"]


@implementer(IReactorTime)
class Clock:
    """Time that stands still until `advance` moves it: hand it to whatever takes a reactor for its timers.

    Calls run inside `advance`, in the order in which they are due, each in the context (`contextvars`) in which it was
    scheduled.  A call may itself advance the clock, schedule, cancel and move others; what becomes due that way runs
    before `advance` returns.

    Attributes:
        rightNow: the current time in seconds; starts at 0.

    Twisted: `twisted.internet.task.Clock`, whose every operation sorts all pending calls; here an operation costs what
    a heap costs.  `calls` is a copy.
    """

    rightNow = 0.0

    def __init__(self) -> None:
        # Entries (time, order, call).  One that is dead (its call cancelled, or moved sooner) is skipped when it surfaces.
        self._heap: list[tuple[float, int, DelayedCall]] = []
        self._order = count()
        self._dead = 0

    @property
    def calls(self) -> list[DelayedCall]:
        """The calls still to come, soonest first: a copy."""
        waiting = dict.fromkeys(
            call for when, _, call in sorted(self._heap) if when == call.time and call.active()
        )
        return sorted(waiting, key=DelayedCall.getTime)

    def seconds(self) -> float:
        """Return the current time of this clock, in seconds."""
        return self.rightNow

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> DelayedCall:
        """Call a function once the clock has been advanced by `delay` seconds.

        Raises:
            TypeError: `callable` cannot be called, or `delay` is no number.
            ValueError: `delay` is NaN.
        """
        if not _is_callable(callable):
            raise TypeError(
                f"callLater needs something to call, not {callable!r}; pass the function, do not call it"
            )
        try:
            time = self.seconds() + delay
        except TypeError:
            raise TypeError(
                f"callLater takes the delay first, a number of seconds, then what to call, not {delay!r}"
            ) from None
        if time != time:
            raise ValueError(f"callLater cannot wait for {delay!r} seconds")
        call = DelayedCall(time, callable, args, kw, self._cancelled, self._moved_sooner, self.seconds)
        call.context = copy_context()
        self._push(call)
        return call

    def getDelayedCalls(self) -> list[DelayedCall]:
        """Return the calls still to come, soonest first."""
        return self.calls

    def advance(self, amount: float) -> None:
        """Move time forward by `amount` seconds and run what is due.

        Raises:
            Exception: whatever a call raises.  The calls after it are kept; advancing by 0 runs those that are due.
        """
        self.rightNow += amount
        while self._heap and self._heap[0][0] <= self.seconds():
            when, _, call = heappop(self._heap)
            if call.cancelled or call.called or when != call.time:
                self._dead -= 1
            elif call.delayed_time:
                call.activate_delay()
                self._push(call)
            else:
                call.called = 1
                self._run(call)

    def pump(self, timings: Iterable[float]) -> None:
        """Advance by each of the given amounts in turn."""
        for amount in timings:
            self.advance(amount)

    def _push(self, call: DelayedCall) -> None:
        heappush(self._heap, (call.time, next(self._order), call))

    def _moved_sooner(self, call: DelayedCall) -> None:
        self._dead += 1
        self._push(call)

    def _cancelled(self, call: DelayedCall) -> None:
        self._dead += 1
        # Rebuild when most entries are dead; the cost is shared by those who killed them.
        if self._dead > 32 and self._dead * 2 > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].active() and entry[0] == entry[2].time]
            heapify(self._heap)
            self._dead = 0

    def _run(self, call: DelayedCall) -> None:
        assert call.context is not None
        assert call.func is not None
        call.context.run(call.func, *call.args, **call.kw)


# `callable` is the name of an argument above, as it is in Twisted.
_is_callable = callable

if TYPE_CHECKING:
    _provided: type[IReactorTime] = Clock
