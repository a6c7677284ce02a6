"""What a fault is, how it draws lots, and what is kept of those that struck.

Three rules make a run repeatable:

* *A lot of its own.* Each fault draws from a generator seeded by the plan's seed, the fault's name and what it happens to
  (connection 3, received).  So what happens to one connection depends neither on the others nor on their order, and a fault
  that is added to a plan leaves the fates that the others have dealt as they were.
* *Bytes, not pieces.* Where a connection is cut, corrupted or stalled is drawn as the number of a byte when the connection
  begins; how the network cuts the stream into pieces makes no difference.  Waits are drawn piece by piece.
* *Nothing unsaid.* What struck is kept as an `Injected`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Literal, NoReturn

from selvage.failure import safe_repr

__all__ = ["CLOSED", "CUT", "HALF", "LOST", "Amount", "Draws", "Fault", "Injected", "Item", "Stage"]

#: A number, or the lowest and the highest of those to draw from.
Amount = float | tuple[float, float]

Direction = Literal["both", "sent", "received"]

# Of a value that is refused, the characters that are told.
_TOLD = 200

# How a stream ends: cut by a fault; one direction only; closed on this side; lost, for a reason that comes with it.
CUT, HALF, CLOSED, LOST = "cut", "half", "closed", "lost"


@dataclass(slots=True, eq=False)
class Item:
    """A piece of a stream, a datagram, or an end, on its way."""

    data: bytes
    #: When it arrives, in seconds on the plan's clock.
    due: float
    #: How the stream ends here; empty if it does not.
    end: str = ""
    #: With LOST: the Failure; of a datagram: its address.
    extra: Any = None
    #: Of a datagram: how many later ones go first.
    behind: int = 0


#: What items go through: gives what becomes of one.
Stage = Callable[[Item], list[Item]]


@dataclass(frozen=True, slots=True)
class Injected:
    """One fault that struck.

    Attributes:
        fault: its name, as "cut".
        target: what it struck: "connection 3", "datagrams 1", "look-up of example.com", "clock".
        direction: "sent" or "received", as the protocol behind the faults sees it; empty where there is none.
        at: how many bytes (of datagrams: datagrams) had passed in this direction; None where nothing passes.
        time: seconds on the plan's clock since the plan was made; None without one.
        detail: what exactly was done.
    """

    fault: str
    target: str
    direction: str = ""
    at: int | None = None
    time: float | None = None
    detail: str = ""

    def __str__(self) -> str:
        when = "" if self.time is None else f"{self.time:.3f} s: "
        where = f", {self.direction}" if self.direction else ""
        at = "" if self.at is None else f", at {self.at}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{when}{self.target}{where}{at}: {self.fault}{detail}"


@dataclass(slots=True)
class Draws:
    """What a fault is given for one thing that it may strike: its lots, the time, and where to say what it did."""

    random: Random
    now: Callable[[], float]
    note: Callable[[int | None, str], None]

    def happens(self, probability: float) -> bool:
        """Draw whether it happens."""
        return self.random.random() < probability

    def number(self, amount: Amount) -> float:
        """Draw from a range, evenly."""
        return self.random.uniform(*amount) if isinstance(amount, tuple) else amount

    def wait(self, probability: float, seconds: Amount) -> float | None:
        """Draw whether there is a wait and how long, and tell of it; None for none."""
        happens, drawn = self.happens(probability), self.number(seconds)
        if not happens:
            return None
        self.note(None, f"{drawn:.3f} s")
        return drawn

    def whole(self, amount: Amount) -> int:
        """Draw a whole number from a range, evenly."""
        if isinstance(amount, tuple):
            return self.random.randint(int(amount[0]), int(amount[1]))
        return int(amount)


class Fault:
    """One thing that can go wrong; give it to a `FaultPlan`.  Each kind is a frozen dataclass.

    Attributes:
        name: how records call it.
        applies_to: to what it can happen: "connections", "attempts", "datagrams", "look-ups", "clocks".
        ranges: by name the fields that are an `Amount`, and the lowest number that makes sense there.
        whole: those of them that are whole numbers.
        probability: how likely it is, from 0 to 1: of each connection, datagram or look-up.
    """

    name: ClassVar[str]
    applies_to: ClassVar[tuple[str, ...]]
    ranges: ClassVar[dict[str, float]] = {}
    whole: ClassVar[tuple[str, ...]] = ()
    probability: float

    def __post_init__(self) -> None:
        if not _is_number(self.probability) or not 0 <= self.probability <= 1:
            self._refuse("probability", "a number from 0 to 1", _is_number(self.probability))
        for name, least in self.ranges.items():
            self._check_amount(name, least)

    def _check_amount(self, name: str, least: float) -> None:
        value = getattr(self, name)
        if value is None and getattr(type(self), name, 0) is None:
            return
        ends = value if isinstance(value, tuple) else (value, value)
        numbers = all(map(_is_number, ends))
        whole = name in self.whole
        if not numbers or not _can_be_drawn(ends, least, whole):
            from_ = "" if least == -math.inf else f" from {least:g} up"
            allowed = f"a {'whole ' * whole}number{from_}, or a pair (lowest, highest) of such"
            self._refuse(name, allowed, numbers)

    def _refuse(self, name: str, allowed: str, right_type: bool) -> NoReturn:
        """Raise what says which argument is wrong, and what it may be."""
        value = safe_repr(getattr(self, name))[:_TOLD]
        error = ValueError if right_type else TypeError
        raise error(f"{type(self).__name__}: {name} is {allowed}, not {value}")

    @property
    def needs_clock(self) -> bool:
        """Whether it takes time."""
        return False

    def on_stream(self, draws: Draws) -> Stage:
        """Give what each item of one direction of a connection goes through; "connections" only."""
        raise NotImplementedError(f"{self!r} does not happen to connections")

    def on_datagrams(self, draws: Draws) -> Stage:
        """Give what each datagram of one direction goes through; "datagrams" only."""
        raise NotImplementedError(f"{self!r} does not happen to datagrams")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _can_be_drawn(ends: tuple[float, ...], least: float, whole: bool) -> bool:
    if len(ends) != 2 or not least <= ends[0] <= ends[1]:
        return False
    try:
        low, high = map(float, ends)
    except OverflowError:
        return False
    return math.isfinite(high - low) and not (whole and (low % 1 or high % 1))
