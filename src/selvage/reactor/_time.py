"""Delayed calls and the heap they wait in.  Floor 2; knows no loop.

A call that is scheduled goes to a plain list; before calls are run, the list moves to a heap of `(time, order, call)`
tuples, which the C code of `heapq` compares without calling us.  A call that is cancelled or moved sooner leaves its
entry behind: such entries are skipped when they surface, and the heap is rebuilt when most of it is dead.
"""

from __future__ import annotations

import time as _time_module
from collections.abc import Callable, Sequence
from contextvars import Context
from heapq import heapify, heappop, heappush
from itertools import count
from traceback import format_stack
from typing import Any

from zope.interface import implementer

from selvage.errors import AlreadyCalled, AlreadyCancelled
from selvage.failure import Failure, report
from selvage.interfaces import IDelayedCall

__all__ = ["DelayedCall", "TimerHeap", "seconds"]

#: The reactor's clock: seconds since the epoch, as Twisted's.
seconds = _time_module.time

# Below so many dead entries a heap is not worth rebuilding.
_REBUILD_FROM = 64


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
    # Defaults live on the class: what is not set at creation costs nothing there (benchmarks/timers.py).
    called: int | bool = 0
    cancelled: int | bool = 0
    delayed_time: float = 0
    context: Context | None = None

    def __init__(
        self,
        time: float,
        func: Callable[..., Any],
        args: Sequence[Any],
        kw: dict[str, Any],
        cancel: Callable[[DelayedCall], object],
        reset: Callable[[DelayedCall], object],
        seconds: Callable[[], float] = seconds,
    ) -> None:
        self.time = time
        self.func = func
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
            raise AlreadyCancelled
        if self.called:
            raise AlreadyCalled
        self.cancelled = 1
        self.canceller(self)
        # What the call held is no longer wanted; keep it where `repr` should tell who was cancelled.
        if not self.debug:
            self._let_go()

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
            raise AlreadyCancelled
        if self.called:
            raise AlreadyCalled

    def _let_go(self) -> None:
        del self.func, self.args, self.kw

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
        if hasattr(self, "func"):
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
        kw: dict[str, Any],
        heap: TimerHeap,
        context: Context,
    ) -> None:
        self.time = time
        self.func = func
        self.args = args
        self.kw = kw
        self.heap = heap
        self.context = context
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
            raise AlreadyCancelled
        if self.called:
            raise AlreadyCalled
        self.cancelled = 1
        self.heap._cancellations += 1
        if not self.debug:
            del self.func, self.args, self.kw, self.context


def _safe_repr(value: object) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__qualname__} at 0x{id(value):x} whose repr raised {type(error).__name__}>"


class TimerHeap:
    """The part of a reactor that keeps time.

    `seconds` may be replaced on an instance or in a subclass: everything here asks it.
    """

    seconds = staticmethod(seconds)

    def __init__(self) -> None:
        self._newTimedCalls: list[ScheduledCall] = []  # scheduled since the heap was last looked at
        self._pendingTimedCalls: list[tuple[float, int, ScheduledCall]] = []  # a heap
        self._cancellations = 0  # cancelled calls that still lie in either
        self._order = count()

    def getDelayedCalls(self) -> list[DelayedCall]:
        """Return the calls still to come, in no particular order."""
        return list(self._live_calls())

    def _live_calls(self) -> dict[ScheduledCall, None]:
        calls = dict.fromkeys(entry[2] for entry in self._pendingTimedCalls)
        calls.update(dict.fromkeys(self._newTimedCalls))
        return {call: None for call in calls if not (call.cancelled or call.called)}

    def _cancelCallLater(self, call: DelayedCall) -> None:
        self._cancellations += 1

    def _moveCallLaterSooner(self, call: DelayedCall) -> None:
        """Let a call be found at its new, sooner time; the entry at the old one is skipped when it surfaces."""
        assert isinstance(call, ScheduledCall)
        self._newTimedCalls.append(call)

    def _insertNewDelayedCalls(self) -> None:
        """Move what was scheduled to the heap."""
        new, self._newTimedCalls = self._newTimedCalls, []
        heap = self._pendingTimedCalls
        order = self._order
        entries = []
        for call in new:
            if call.cancelled:
                self._cancellations -= 1
            elif not call.called:
                if call.delayed_time:
                    call.activate_delay()
                entries.append((call.time, next(order), call))
        if len(entries) > 8 and len(entries) * 4 > len(heap):
            heap += entries
            heapify(heap)
        else:
            for entry in entries:
                heappush(heap, entry)

    def _next_time(self) -> float | None:
        """Return when the next call is due, or None; forgets cancelled calls on the way."""
        if self._newTimedCalls:
            self._insertNewDelayedCalls()
        heap = self._pendingTimedCalls
        if self._cancellations > _REBUILD_FROM and self._cancellations * 2 > len(heap):
            self._cancellations = 0
            heap[:] = [entry for entry in heap if not entry[2].cancelled]
            heapify(heap)
        while heap:
            when, _, call = heap[0]
            if call.cancelled:
                self._cancellations -= 1
            elif call.called or when != call.time:
                pass
            elif call.delayed_time:
                call.activate_delay()
                heappush(heap, (call.time, next(self._order), call))
            else:
                return when
            heappop(heap)
        return None

    def _run_due_calls(self) -> None:
        """Run what is due by now; what that schedules waits for the next time, however soon it is due."""
        if self._newTimedCalls:
            self._insertNewDelayedCalls()
        heap = self._pendingTimedCalls
        now = self.seconds()
        while heap and heap[0][0] <= now:
            when, _, call = heappop(heap)
            if call.cancelled:
                self._cancellations -= 1
                continue
            if call.called or when != call.time:
                continue
            if call.delayed_time:
                call.activate_delay()
                heappush(heap, (call.time, next(self._order), call))
                continue
            call.called = 1
            try:
                call.context.run(call.func, *call.args, **call.kw)  # type: ignore[union-attr]
            except BaseException:
                report(Failure(), "Unhandled error in a delayed call", source="timer", call=call)
