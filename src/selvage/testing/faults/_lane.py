"""One direction of a connection, or of a datagram socket: what is under way, and when it arrives."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from selvage.failure import Failure
from selvage.testing.faults._base import Item, Stage

__all__ = ["Lane"]

# What is due within this is due now: sums of fractions miss the very moment that a timer was set for.
_TICK_S = 1e-6


class Lane:
    """Puts items through stages and delivers them when they are due: at once, if they are.

    Args:
        stages: what each item goes through, in this order.
        clock: the timer; needed only when something is due later.
        deliver: called with each item that has arrived.
        failed: called with the Failure of a `deliver` that a timer called; what `put` and `resume` call raises to them.
        patience_s: for datagrams, which need not keep their order: how long one waits that is to be overtaken.  None: items
            arrive in the order in which they were put.

    Attributes:
        held: how many bytes are under way.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        clock: Any,
        deliver: Callable[[Item], object],
        failed: Callable[[Failure], object] | None = None,
        patience_s: float | None = None,
    ) -> None:
        self.held = 0
        self.stages = tuple(stages)
        self._clock = clock
        self._deliver = deliver
        self._failed = failed
        self._patience_s = patience_s
        self._under_way: deque[Item] = deque()
        self._last_due = 0.0
        self._timer: Any = None
        self._running = False
        self._paused = False
        self._stopped = False

    def put(self, item: Item) -> None:
        """Send an item on its way."""
        if self._stopped:
            return
        items = [item]
        for stage in self.stages:
            items = [outcome for each in items for outcome in stage(each)]
        for each in items:
            if each.data or each.end or self._patience_s is not None:
                self._add(each)
        self._run()

    def pause(self) -> None:
        """Deliver nothing until `resume`."""
        self._paused = True
        self._disarm()

    def resume(self) -> None:
        """Deliver what is due, and go on: not before this returns, where there is a clock to do it."""
        self._paused = False
        if self._clock is None:
            self._run()
        else:
            self._arm()

    def stop(self) -> None:
        """Drop what is under way, and all that is put from now on."""
        self._stopped = True
        self._under_way.clear()
        self.held = 0
        self._disarm()

    def _add(self, item: Item) -> None:
        if self._patience_s is None:
            # What was put later arrives no sooner.
            item.due = self._last_due = max(item.due, self._last_due)
        overtaken = [] if self._patience_s is None else [each for each in self._under_way if each.behind]
        self._under_way.append(item)
        self.held += len(item.data)
        for each in overtaken:
            each.behind -= 1
            if not each.behind:
                each.due = max(each.due, item.due)
                self._under_way.remove(each)
                self._under_way.append(each)

    def _run(self) -> None:
        if self._running:
            return  # what is delivering now goes on with it
        self._running = True
        try:
            while not self._paused and (item := self._take()) is not None:
                self._deliver(item)
        finally:
            self._running = False
            self._arm()

    def _take(self) -> Item | None:
        """Take the item that is to be delivered now, if there is one."""
        waiting = self._under_way
        if not waiting:
            return None
        now = 0.0 if self._clock is None else self._clock.seconds() + _TICK_S
        if self._patience_s is None:
            found = waiting[0] if waiting[0].due <= now else None
        else:
            ready = [each for each in waiting if self._due(each) <= now]
            found = min(ready, key=self._due, default=None)
        if found is not None:
            waiting.remove(found)  # of a stream the first, which is found at once
            self.held -= len(found.data)
        return found

    def _due(self, item: Item) -> float:
        """When a datagram arrives as things stand now."""
        if not item.behind:
            return item.due
        assert self._patience_s is not None
        return item.due + self._patience_s if self._clock is not None else float("inf")

    def _arm(self) -> None:
        self._disarm()
        if self._clock is None or self._paused or not self._under_way:
            return
        due = self._under_way[0].due if self._patience_s is None else min(map(self._due, self._under_way))
        self._timer = self._clock.callLater(max(0.0, due - self._clock.seconds()), self._on_time)

    def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _on_time(self) -> None:
        try:
            self._run()
        except Exception:
            if self._failed is None:
                raise
            self._failed(Failure())
