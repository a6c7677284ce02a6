"""Who waits for whom: the graph of pending Deferreds and coroutines, read off when somebody asks.  Floor 0.

The links are there anyway. A Deferred that waits for another one has it as its result; the other has an entry among its
callbacks that leads back; the driver of a coroutine knows what that waits for, and the interpreter at which line. So the
graph costs nothing until it is asked for, and `pending` finds its nodes among all the objects that the garbage collector
knows. What it cannot tell afterwards is noted in debug mode only: where and when a Deferred was made. Always on, the
site alone would cost 11 % of a Deferred with four callbacks, site and time 17 %, a weak set of the pending ones 28 %
(benchmarks/programs/sites.py); the budget was 5 %.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from types import CoroutineType, GeneratorType
from typing import Any

from selvage.defer._combinators import DeferredList
from selvage.defer._coroutines import CoroutineDriver
from selvage.defer._deferred import Deferred
from selvage.defer._loop import CONTINUE, DEFERREDS, FIRE, LINKS, PEEK, RESUME
from selvage.defer._waiter import Waiter
from selvage.failure._frames import SAME_SHOWN
from selvage.failure._trail import Place

__all__ = ["Pending", "pending", "waiters_of", "waits_for"]

# Steps followed from one Deferred to what it waits for when that is told; people look at the first few.
_STEPS = 50


def waits_for(d: Deferred[Any]) -> list[Any]:
    """Give what a Deferred directly waits for: Deferreds, asyncio futures; none if it waits to be fired."""
    driver = _driver_of(d)
    if driver is not None:
        waiting = driver._waiting
        return [] if waiting is None else [waiting]
    chained = d._chainedTo
    if chained is not None:
        return [chained]
    if isinstance(d, DeferredList) and not d.called:
        return [each for each in d._deferredList if _is_pending(each)]
    return []


def waiters_of(d: Deferred[Any]) -> list[Any]:
    """Give what directly waits for a Deferred: Deferreds (of coroutines, too), and "an asyncio task"."""
    waiters: list[Any] = []
    for entry in d._callbacks:
        if type(entry) is not tuple:
            continue
        callback, _, arguments, _ = entry
        if callback in (CONTINUE, FIRE):
            waiters.append(arguments)
        elif callback in (PEEK, RESUME):
            waiters.append(_waiter(arguments))
        elif callback not in LINKS:
            gathering = _list_of(callback)
            if gathering is not None:
                waiters.append(gathering)
    return waiters


def _waiter(target: Any) -> Any:
    if isinstance(target, CoroutineDriver):
        return target._deferred
    return "an asyncio task" if isinstance(target, Waiter) else target


def _list_of(callback: Any) -> DeferredList | None:
    """Give the DeferredList whose collecting function a callback is."""
    for cell in getattr(callback, "__closure__", None) or ():
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        if isinstance(value, DeferredList):
            return value
    return None


def _driver_of(d: Deferred[Any]) -> CoroutineDriver | None:
    driver = d._canceller
    return driver if isinstance(driver, CoroutineDriver) and driver._coro is not None else None


def _is_pending(d: Deferred[Any]) -> bool:
    return not d.called or type(getattr(d, "result", None)) in DEFERREDS


@dataclass(frozen=True, slots=True)
class Pending:
    """One Deferred that has no result yet."""

    deferred: Deferred[Any]
    #: The coroutine whose result it is; empty if it is none's.
    coroutine: str = ""
    #: The lines at which that coroutine waits, outermost first: (function, file, line).
    at: list[Place] = field(default_factory=list)
    #: Where it was made; None outside debug mode.
    made: Place | None = None
    #: When, in seconds since the epoch; None outside debug mode.
    since: float | None = None

    @classmethod
    def of(cls, d: Deferred[Any]) -> Pending:
        """Look at one Deferred."""
        driver = _driver_of(d)
        name, at = ("", []) if driver is None else suspended(driver._coro)
        info = d._debugInfo
        if info is None:
            return cls(d, name, at)
        return cls(d, name, at, info.made, info.made_at)

    @property
    def waits_for(self) -> list[Any]:
        """See `waits_for`."""
        return waits_for(self.deferred)

    @property
    def waiters(self) -> list[Any]:
        """See `waiters_of`."""
        return waiters_of(self.deferred)

    def __str__(self) -> str:
        """Say what waits, where and since when, and follow what it waits for."""
        lines = self._lines("")
        seen = {id(self.deferred)}
        node = self
        while len(lines) < _STEPS:
            following = node.waits_for
            if not following:
                break
            first, *others = following
            link = f"waits for {len(others)} more and " if others else "waits for "
            if id(first) in seen:
                lines.append(f"{link}the one at {id(first):#x} again: a circle")
                break
            if type(first) not in DEFERREDS:
                lines.append(f"{link}{first!r}")
                break
            seen.add(id(first))
            node = Pending.of(first)
            lines += node._lines(link)
        return "\n".join(lines)

    def _lines(self, link: str) -> list[str]:
        name = type(self.deferred).__name__.lstrip("_")
        what = f"coroutine {self.coroutine}" if self.coroutine else name
        made = f", made in {_at(self.made)}" if self.made is not None else ""
        age = f", {time.time() - self.since:.3f} s ago" if self.since is not None else ""
        lines = [f"{link}{what} at {id(self.deferred):#x}{made}{age}"]
        last: Place | None = None
        same = 0
        for place in self.at:
            same = same + 1 if place == last else 0
            last = place
            if same < SAME_SHOWN:
                lines.append(f"  at {_at(place)}")
        return lines


def _at(place: Place) -> str:
    function, file, line = place
    return f'File "{file}", line {line}, in {function}'


def suspended(coro: Any) -> tuple[str, list[Place]]:
    """Give the name of a coroutine and the lines at which it and those that it awaits are suspended."""
    name = getattr(coro, "__qualname__", type(coro).__name__)
    places: list[Place] = []
    while len(places) < _STEPS:
        if type(coro) is CoroutineType:
            frame, following = coro.cr_frame, coro.cr_await
        elif type(coro) is GeneratorType and coro.gi_code is not Deferred.__await__.__code__:
            frame, following = coro.gi_frame, coro.gi_yieldfrom
        else:
            break
        if frame is None:
            break
        places.append((frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno))
        coro = following
    return name, places


def pending() -> list[Pending]:
    """Give all Deferreds of the program that have no result yet, those first for which nobody else waits.

    It looks at every object that the garbage collector knows, which takes some ten milliseconds in a large program: for
    when a person asks, not for a loop.
    """
    found = [d for d in gc.get_objects() if type(d) in DEFERREDS and hasattr(d, "called") and _is_pending(d)]
    found.sort(key=lambda d: bool(waiters_of(d)))
    return [Pending.of(d) for d in found]
