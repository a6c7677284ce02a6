"""Delayed calls and the heap they wait in.  Floor 2; knows no loop.

A call that is scheduled goes to a plain list.  When calls are run, few new ones are pushed on a heap (as tuples, which C
code compares without calling us), and many are sorted into a row: sorting costs a fraction of so many pushes, and taking
from the end of a list a fraction of a pop.  The next call is the top of the heap or the end of the row.  A call that is
cancelled or moved sooner stays where it is, too: it is skipped there when it surfaces, and heap and row are rebuilt when
most of them is dead.

What decides the cost of a hundred thousand calls is the garbage collector, so a waiting call is few objects: itself and its
context.
"""

from __future__ import annotations

import time as _time_module
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from operator import attrgetter
from traceback import format_stack
from types import MappingProxyType
from typing import Any

from zope.interface import implementer

from selvage.errors import AlreadyCalled, AlreadyCancelled
from selvage.failure import Failure, report
from selvage.interfaces import IDelayedCall

__all__ = ["DelayedCall", "TimerHeap", "seconds"]

#: The reactor's clock: seconds since the epoch, as Twisted's.
seconds = _time_module.time

# Below so many dead entries it is not worth rebuilding; below so many new ones, not worth sorting.
_REBUILD_FROM = 64
_SORT_FROM = 32

_NO_KEYWORDS: Mapping[str, Any] = MappingProxyType({})


@implementer(IDelayedCall)
class DelayedCall:
    """One call that waits for its time; `reactor.callLater` makes these.

    Attributes:
        time: when it is due, in seconds on the clock `seconds`; `delayed_time` is added to it when it surfaces.
        func, args, kw: what will be called.
        called, cancelled: true once it ran (or is running) or was taken back.
        debug: class-wide switch: remember who scheduled each call, for `repr` and for reports.
        creator: the stack of who scheduled it, as text lines, when `debug` was on.
    """

    debug = False
    creator: Sequence[str] | None = None
    called: int | bool = 0
    cancelled: int | bool = 0
    delayed_time: float = 0
    context: Context | None = None

    def __init__(
        self,
        time: float,
        func: Callable[..., Any],
        args: Sequence[Any],
        kw: Mapping[str, Any],
        cancel: Callable[[DelayedCall], object],
        reset: Callable[[DelayedCall], object],
        seconds: Callable[[], float] = seconds,
    ) -> None:
        self.time = time
        self.func: Callable[..., Any] | None = func  # None once cancelled: what it holds goes
        self.args = args
        self.kw = kw
        self.canceller = cancel
        self.resetter = reset
        self.seconds = seconds
        if self.debug:
            self.creator = format_stack()[:-2]

    def getTime(self) -> float:
        """Return when the call is due, in seconds on its clock."""
        return self.time + self.delayed_time

    def active(self) -> bool:
        """Tell whether the call is still to come."""
        return not (self.cancelled or self.called)

    def cancel(self) -> None:
        """Take the call back.

        Raises:
            AlreadyCancelled: it was taken back before.
            AlreadyCalled: it has run, or is running now.
        """
        if self.cancelled:
            raise AlreadyCancelled(f"{self!r}, see its active()")
        if self.called:
            raise AlreadyCalled(f"{self!r}, see its active()")
        self.cancelled = 1
        self.canceller(self)
        self.func, self.args, self.kw = None, (), {}

    def reset(self, secondsFromNow: float) -> None:
        """Make the call due so many seconds from now, whenever it was due before.

        Raises:
            AlreadyCancelled: it was taken back.
            AlreadyCalled: it has run, or is running now.
        """
        self._require_active()
        when = self.seconds() + secondsFromNow
        if when < self.time:
            self.delayed_time = 0
            self.time = when
            self.resetter(self)
        else:
            self.delayed_time = when - self.time

    def delay(self, secondsLater: float) -> None:
        """Make the call due so many seconds later than it was due before; a negative number makes it sooner.

        Raises:
            AlreadyCancelled: it was taken back.
            AlreadyCalled: it has run, or is running now.
        """
        self._require_active()
        self.delayed_time += secondsLater
        if self.delayed_time < 0:
            self.activate_delay()
            self.resetter(self)

    def activate_delay(self) -> None:
        """Make the postponement part of `time`; the reactor does this when the call surfaces too soon."""
        self.time += self.delayed_time
        self.delayed_time = 0

    def _require_active(self) -> None:
        if self.cancelled:
            raise AlreadyCancelled(f"{self!r}, see its active()")
        if self.called:
            raise AlreadyCalled(f"{self!r}, see its active()")

    def __le__(self, other: DelayedCall) -> bool:
        return self.time <= other.time

    def __lt__(self, other: DelayedCall) -> bool:
        return self.time < other.time

    def __repr__(self) -> str:
        now = self.seconds()
        text = (
            f"<DelayedCall 0x{id(self):x} [{self.time - now}s] "
            f"called={int(self.called)} cancelled={int(self.cancelled)}"
        )
        if self.func is not None:
            name = getattr(self.func, "__qualname__", None) or getattr(self.func, "__name__", None)
            arguments = [_safe_repr(each) for each in self.args]
            arguments += [f"{key}={_safe_repr(value)}" for key, value in self.kw.items()]
            text += f" {name or _safe_repr(self.func)}({', '.join(arguments)})"
        if self.creator is not None:
            text += "\n\ntraceback at creation: \n\n" + "    ".join(self.creator)
        return text + ">"


class ScheduledCall(DelayedCall):
    """A delayed call of a reactor that keeps its own heap: lighter, and it runs in the context of who scheduled it."""

    def __init__(
        self,
        time: float,
        func: Callable[..., Any],
        args: Sequence[Any],
        kw: Mapping[str, Any],
        heap: TimerHeap,
        context: Context,
    ) -> None:
        self.time = self.place = time  # place: the time by which it lies in the row
        self.func = func
        self.args = args
        self.kw = kw or _NO_KEYWORDS
        self.heap = heap
        self.context = context
        # Set though the class has the same defaults: an attribute that comes after the first few dozen instances
        # gives each instance a dictionary, which made cancelling three times as expensive (benchmarks: timers).
        self.called = self.cancelled = 0
        self.delayed_time = 0
        if self.debug:
            self.creator = format_stack()[:-2]

    @property
    def seconds(self) -> Callable[[], float]:  # type: ignore[override]
        """The clock on which the call waits."""
        return self.heap.seconds

    @property
    def canceller(self) -> Callable[[DelayedCall], object]:  # type: ignore[override]
        return self.heap._cancelCallLater

    @property
    def resetter(self) -> Callable[[DelayedCall], object]:  # type: ignore[override]
        return self.heap._moveCallLaterSooner

    def cancel(self) -> None:
        """As `DelayedCall.cancel`."""
        if self.cancelled:
            raise AlreadyCancelled(f"{self!r}, see its active()")
        if self.called:
            raise AlreadyCalled(f"{self!r}, see its active()")
        self.cancelled = 1
        self.heap._cancellations += 1
        # What the call would have used goes now; the rest is small and goes with the entry.
        self.func = None
        self.args = ()
        self.kw = _NO_KEYWORDS


def _safe_repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__qualname__} at 0x{id(value):x} whose repr raised {type(error).__name__}>"


_place = attrgetter("place")


class TimerHeap:
    """The part of a reactor that keeps time.

    `seconds` may be replaced on an instance or in a subclass: everything here asks it.
    """

    seconds = staticmethod(seconds)

    def __init__(self) -> None:
        self._newTimedCalls: list[ScheduledCall] = []  # scheduled since anybody last looked
        self._pendingTimedCalls: list[tuple[float, int, ScheduledCall]] = []  # the heap: (time, order, call)
        self._row: list[ScheduledCall] = []  # by `place`, soonest last
        self._order = count()
        self._cancellations = 0  # at least so many of the entries in these are dead

    def getDelayedCalls(self) -> list[DelayedCall]:
        """Return the calls still to come, in no particular order."""
        calls = dict.fromkeys((*self._newTimedCalls, *self._row))
        calls.update(dict.fromkeys(entry[2] for entry in self._pendingTimedCalls))
        return [call for call in calls if not (call.cancelled or call.called)]

    def _forget_delayed_calls(self) -> None:
        for call in self.getDelayedCalls():
            call.cancel()
        self._newTimedCalls.clear()
        self._pendingTimedCalls.clear()
        self._row.clear()
        self._cancellations = 0

    def _cancelCallLater(self, call: DelayedCall) -> None:
        self._cancellations += 1

    def _moveCallLaterSooner(self, call: DelayedCall) -> None:
        """Let a call be found at its new, sooner time; it is skipped where it was before."""
        assert isinstance(call, ScheduledCall)
        heappush(self._pendingTimedCalls, (call.time, next(self._order), call))

    def _insertNewDelayedCalls(self) -> None:
        """Put what was scheduled where it is found in order of time, and, at the same time, of scheduling."""
        new = self._newTimedCalls
        if not new:
            return
        heap, row = self._pendingTimedCalls, self._row
        if len(new) < _SORT_FROM or len(new) * 4 < len(heap) + len(row):
            order = self._order
            for call in new:
                if call.cancelled:
                    self._cancellations -= 1
                elif call.time == call.place:  # else it was moved, to the heap
                    heappush(heap, (call.time, next(order), call))
        else:
            # What is in the row is older than what is in the heap, and that is older than what is new; sorting keeps it so.
            row.reverse()
            heap.sort()
            for when, _, call in heap:
                if when == call.time:
                    call.place = when
                    row.append(call)
            heap.clear()
            row += new
            row.sort(key=_place)
            row.reverse()
        new.clear()

    def _drop_cancelled(self) -> None:
        """Rebuild without the dead when most are dead; the cost is shared by those who cancelled them."""
        heap, row = self._pendingTimedCalls, self._row
        if self._cancellations > _REBUILD_FROM and self._cancellations * 2 > len(heap) + len(row):
            entries = len(heap)
            heap[:] = [entry for entry in heap if not entry[2].cancelled]
            heapify(heap)
            # `_cancellations` never counts more than there are. So when it accounts for the whole row there is no need
            # to look at each, which is what costs (benchmarks: timers); all clients leaving at once is such a case.
            if self._cancellations - (entries - len(heap)) >= len(row):
                row.clear()
            else:
                row[:] = [call for call in row if not call.cancelled]
            self._cancellations = 0

    def _take(self, until: float, keep: bool = False) -> ScheduledCall | None:
        """Return the next call that is due by `until`, and take it from those that wait, unless it is to be kept."""
        heap, row = self._pendingTimedCalls, self._row
        while True:
            if row and not (heap and heap[0][0] < row[-1].place):
                call = row[-1]
                when = call.place
                in_row = True
            elif heap:
                when, _, call = heap[0]
                in_row = False
            else:
                return None
            if when > until:
                return None
            if not (call.cancelled or call.called or call.delayed_time) and when == call.time:
                if not keep:
                    row.pop() if in_row else heappop(heap)
                return call
            row.pop() if in_row else heappop(heap)
            if call.cancelled:
                self._cancellations -= 1
            elif call.delayed_time and when == call.time:
                call.activate_delay()
                heappush(heap, (call.time, next(self._order), call))

    def _next_time(self) -> float | None:
        """Return when the next call is due, or None."""
        self._insertNewDelayedCalls()
        self._drop_cancelled()
        call = self._take(inf, keep=True)
        return None if call is None else call.time

    def _run_due_calls(self) -> None:
        """Run what is due by now; what that schedules waits for the next time, however soon it is due."""
        self._insertNewDelayedCalls()
        take = self._take
        now = self.seconds()
        while (call := take(now)) is not None:
            call.called = 1
            try:
                if call.kw:
                    call.context.run(call.func, *call.args, **call.kw)  # type: ignore[arg-type, union-attr]
                else:
                    call.context.run(call.func, *call.args)  # type: ignore[arg-type, union-attr]
            except KeyboardInterrupt:
                raise
            except BaseException:
                report(Failure(), "Unhandled error in a delayed call", source="timer", call=call)
