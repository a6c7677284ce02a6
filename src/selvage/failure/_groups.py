"""Equal failures are counted, not repeated: groups by fingerprint.  Floor 0.

Theory of operation
-------------------

Every report is counted in the group of its fingerprint. Of each group the first few in a window of time are *told*, that
is written by the default reporter; the others are *held*: counted, until a summary says how many there were. So output is
bounded by groups and windows, whatever happens how often, and at any moment

    count = told + held + summed + silenced

*Bounded.* There are so many groups and no more; what comes then is counted and told together, in the overflow group. When
all places are taken, groups that have been quiet for long make room: their counts go to the overflow group.

*No live objects.* A group keeps the story of its first failure, which is text, and nothing else of it: kept frames would
keep everything that the program had in hand when it failed.

*No lock.* Reports are made by finalizers, which run in the middle of anything, perhaps while their thread holds a lock that
another thread waits for which is reporting, too. So counting must not wait for anybody: a `Tally` counts in one step of the
interpreter. What maintains the table (summaries, making room) is done by one thread at a time, and who comes second leaves
it to the first.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from selvage.failure._failure import Failure
from selvage.failure._fingerprint import fingerprint
from selvage.failure._render import is_plain
from selvage.failure._report import Report
from selvage.failure._story import Story

__all__ = ["AT_MOST", "GROUPS", "OVERFLOW", "WINDOW_S", "Group", "Groups", "fingerprint_of"]

# Reports of one group that are told in each window. Enough to see whether they differ in what the fingerprint leaves
# out (messages, hosts), few enough to read.
AT_MOST = 10

# Seconds of a window: a person who looks at a log wants to know within a minute that it goes on.
WINDOW_S = 60.0

# Groups kept: each takes a few kilobytes of text, and hardly a program has more faults at a time.
GROUPS = 1000

# Seconds without a report after which a group makes room for others when all places are taken.
STALE_S = 3600.0

#: In place of a fingerprint: what came when all places were taken.
OVERFLOW = "overflow"
#: Likewise, for what came at the end of the stack, where not even that could be found out.
NO_STACK = "no-stack"

# Characters of a message that a group keeps. It may have come from a peer, in any length.
_MESSAGE_LIMIT = 2000

# Characters of it that a summary repeats.
_BRIEF = 200

# Who looks into the log for each single error, when these modules are in use: so nothing is held.
_COLLECTORS = ("twisted.trial.unittest",)

#: Who does so for the time being: while there is anybody in it nothing is held.
collectors: set[object] = set()


class Tally:
    """A count that any thread may add to, in one step of the interpreter, at any time."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers = count()

    def add(self) -> int:
        """Add one; tell how many there were before."""
        return next(self._numbers)

    def __int__(self) -> int:
        # "count(5)": to look is one step as well, and the only way that takes none away.
        return int(repr(self._numbers)[6:-1])


@dataclass(frozen=True, slots=True)
class Group:
    """What is known of failures with the same fingerprint."""

    #: See `selvage.failure.fingerprint`; `OVERFLOW` for those that found no place.
    fingerprint: str
    #: The first of them as text: its frames, causes and message are there, its live objects are not.
    failure: Failure
    #: Where the first was left over, in words and in one word.
    message: str
    source: str
    #: How many there were.
    count: int
    #: When the first and the last came, in seconds since the epoch.
    first: float
    last: float
    #: How many were only counted, and no summary has said so yet.
    held: int
    #: How many were not told because of a `silence`.
    silenced: int
    #: How many were handled after they had been reported.
    handled: int


class _Window:
    """A stretch of time, and how much was told in it."""

    __slots__ = ("handled", "number", "start")

    def __init__(self, start: float) -> None:
        self.start = start
        self.number = Tally()
        self.handled = Tally()


class _Counts:
    """One group, as it is counted."""

    __slots__ = (
        "count",
        "failure",
        "fingerprint",
        "first",
        "handled",
        "last",
        "message",
        "moved",
        "silenced",
        "since",
        "source",
        "sum_at",
        "summed",
        "told",
        "window",
    )

    def __init__(self, key: str, report: Report) -> None:
        self.fingerprint = key
        self.failure = _as_text(report.failure, key)
        self.message = report.message
        self.source = report.source
        self.first = self.last = self.since = report.time
        self.count, self.told, self.silenced, self.handled = Tally(), Tally(), Tally(), Tally()
        # What summaries have told, and what groups that made room have left here.
        self.summed = self.moved = 0
        self.window = _Window(report.time)
        # When what is held has to be summed up; infinite while nothing is.
        self.sum_at = float("inf")

    @property
    def total(self) -> int:
        return int(self.count) + self.moved

    @property
    def held(self) -> int:
        # `told` is counted first and read last: so this may be too small for a moment, never too large.
        return max(0, int(self.count) - self.summed - int(self.silenced) - int(self.told))

    def snapshot(self) -> Group:
        return Group(
            self.fingerprint,
            self.failure,
            self.message,
            self.source,
            self.total,
            self.first,
            self.last,
            self.held,
            int(self.silenced),
            int(self.handled),
        )


class Groups:
    """All groups of a process.

    Args:
        at_most, window: so many reports of a group are told in so many seconds.
        limit: groups kept.
        clock: gives seconds since the epoch.
    """

    def __init__(
        self,
        at_most: int = AT_MOST,
        window: float = WINDOW_S,
        limit: int = GROUPS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.at_most = at_most
        self.window = window
        self.limit = limit
        self.clock = clock
        #: When there is something to sum up, on the clock; infinite while nothing is held.
        self.due = float("inf")
        self._groups: dict[str, _Counts] = {}
        self._overflow: _Counts | None = None
        # When the first of the groups may be stale; no need to look before.
        self._room_from = 0.0
        self._maintaining = threading.Lock()
        #: Those that came when no stack was left to find their group.
        self.unplaced = count()
        #: Called when something is held for the first time in a window.
        self.on_hold: Callable[[], object] | None = None

    def note(self, report: Report, silenced: bool = False) -> bool:
        """Count a report; say whether it is to be told."""
        group = self._groups.get(report.fingerprint) or self._place_for(report)
        now = group.last = report.time
        if silenced:
            group.silenced.add()
            group.count.add()
            return False
        window = group.window
        if not 0 <= now - window.start < self.window:
            # Two threads may do this at the same time: then a few more are told.
            window = group.window = _Window(now)
        number = window.number.add()
        if number < self.at_most or _somebody_collects():
            group.told.add()
            group.count.add()
            return True
        group.count.add()
        if number == self.at_most:
            if group.held <= 1:
                group.since = window.start
            group.sum_at = min(group.sum_at, window.start + self.window)
            self.due = min(self.due, group.sum_at)
            if self.on_hold is not None:
                self.on_hold()
        return False

    def note_handled(self, key: str, now: float) -> _Counts | None:
        """Count that a reported failure was handled; give its group if that is to be told."""
        group = self._groups.get(key)
        if group is None:
            return None
        group.handled.add()
        window = group.window
        if not 0 <= now - window.start < self.window:
            window = group.window = _Window(now)
        return group if window.handled.add() < self.at_most else None

    def summaries(self, now: float, everything: bool = False) -> list[Report]:
        """Give the summaries that are due, and count what they say as told.

        Args:
            everything: also of windows that have not ended.
        """
        if not self._maintaining.acquire(blocking=False):
            return []
        try:
            self.due = float("inf")
            return [
                summary
                for group in self._all()
                if group.held and (summary := self._summary(group, now, everything)) is not None
            ]
        finally:
            self._maintaining.release()

    def _summary(self, group: _Counts, now: float, everything: bool) -> Report | None:
        if now < group.sum_at and not everything:
            self.due = min(self.due, group.sum_at)
            return None
        group.sum_at = float("inf")
        held = group.held
        group.summed += held
        seconds = max(0.0, now - group.since)
        group.since = now
        what = "more that found no group" if group.fingerprint == OVERFLOW else "more"
        message = f"{group.message.rstrip(': ')}: {held:,} {what} in the last {seconds:,.0f} s"
        if group.fingerprint != OVERFLOW:
            message += f", like {_in_brief(group.failure)}"
        return Report(
            group.failure, message, group.source, {}, now, "summary", held, fingerprint=group.fingerprint
        )

    def recent(self) -> list[Group]:
        """Give the groups, those first whose last report is the youngest; the overflow group is the last."""
        found = sorted(
            (group.snapshot() for group in list(self._groups.values())), key=lambda each: -each.last
        )
        unplaced = int(repr(self.unplaced)[6:-1])
        if unplaced:
            last = Failure(RecursionError("no stack was left to look at these"))
            found.append(Group(NO_STACK, last, "Unhandled error", "", unplaced, 0.0, 0.0, 0, 0, 0))
        if self._overflow is not None:
            found.append(self._overflow.snapshot())
        return found

    def _all(self) -> Iterator[_Counts]:
        yield from list(self._groups.values())
        if self._overflow is not None:
            yield self._overflow

    def _place_for(self, report: Report) -> _Counts:
        """Give the group for a fingerprint that has none: a new one while there is room."""
        if len(self._groups) >= self.limit and not self._make_room(report.time):
            overflow = self._overflow
            if overflow is None:
                overflow = self._overflow = _Counts(OVERFLOW, report)
            return overflow
        return self._groups.setdefault(report.fingerprint, _Counts(report.fingerprint, report))

    def _make_room(self, now: float) -> bool:
        """Let stale groups go; tell whether there were any."""
        if now < self._room_from or not self._maintaining.acquire(blocking=False):
            return False
        try:
            stale = [group for group in list(self._groups.values()) if now - group.last >= STALE_S]
            for group in stale:
                if group.held:
                    # A summary will say so first.
                    continue
                self._groups.pop(group.fingerprint, None)
                if self._overflow is None:
                    self._overflow = group
                    group.fingerprint = OVERFLOW
                else:
                    self._overflow.moved += group.total
            self._room_from = (
                min((group.last for group in list(self._groups.values())), default=now) + STALE_S
            )
            return len(self._groups) < self.limit
        finally:
            self._maintaining.release()


def _somebody_collects() -> bool:
    return bool(collectors) or any(name in sys.modules for name in _COLLECTORS)


# --- What a group keeps of its first failure -------------------------------------------------------------------------


class _Words(Exception):
    """Stands in a group for an exception of which only the words are kept."""


def _as_text(failure: Failure, key: str) -> Failure:
    """Make a copy of a Failure that keeps its class, words and story, and no live objects."""
    made = Failure(_Words(""), exc_type=failure.type)
    try:
        made.value = _Words(_cut(failure.getErrorMessage()))
        story = Story.of(failure)
        story.message = _cut(story.message)
        frames = [(each.function, each.file, each.line, (), ()) for each in story.frames]
        # A Failure that was unpickled looks the same.
        made.__setstate__({"frames": frames, "story": None})
        made.__setstate__({"story": story, "pickled": 1})
    except BaseException:
        # Somebody's methods get in the way, and may raise anything; its class has to do. It must be counted.
        pass
    return made


def _in_brief(failure: Failure) -> str:
    first = failure.getErrorMessage().partition("\n")[0]
    return f"{getattr(failure.type, '__name__', failure.type)}: {first[:_BRIEF]}"


def _cut(text: str) -> str:
    return text if len(text) <= _MESSAGE_LIMIT else text[:_MESSAGE_LIMIT] + "..."


# --- Fingerprints, quickly -------------------------------------------------------------------------------------------

# Fingerprints by the class and the places that a traceback passed, as (identity of the code, instruction) pairs, for the
# plain ones, of few frames. Thirty times quicker in a storm (tests/failure/test_storm.py). The
# code objects are kept so that no other takes their identity.
_known: dict[tuple[Any, ...], tuple[str, list[object]]] = {}
_KNOWN_LIMIT = 2000
_PLAIN_FRAMES = 50


def fingerprint_of(failure: Failure) -> str:
    """Give `fingerprint(failure)`; for somebody's exception that gets in the way, what there is to say without looking."""
    try:
        key = _quick_key(failure)
        if key is None:
            return fingerprint(failure)
        known = _known.get(key)
        if known is None:
            if len(_known) >= _KNOWN_LIMIT:
                _known.clear()
            known = _known[key] = (fingerprint(failure), _codes(failure))
        return known[0]
    except BaseException:
        return f"unknown-{type(failure.value).__name__}"


def _quick_key(failure: Failure) -> tuple[Any, ...] | None:
    tb = failure.tb
    if tb is None or not is_plain(failure):
        return None
    places: list[Any] = [failure.type]
    for _ in range(_PLAIN_FRAMES):
        places.append(id(tb.tb_frame.f_code))
        places.append(tb.tb_lasti)
        tb = tb.tb_next
        if tb is None:
            return tuple(places)
    return None


def _codes(failure: Failure) -> list[object]:
    codes: list[object] = []
    tb = failure.tb
    while tb is not None:
        codes.append(tb.tb_frame.f_code)
        tb = tb.tb_next
    return codes
