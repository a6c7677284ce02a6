"""A clock that jumps: what programs see when a machine sleeps, or somebody sets its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from selvage.tasks import Clock
from selvage.testing.faults._base import Amount, Draws, Fault

__all__ = ["Jump", "JumpingClock"]


@dataclass(frozen=True)
class Jump(Fault):
    """Let the clock jump when it is advanced; backwards, too, if the range begins below zero.

    Args:
        seconds: by how much.
        probability: of each `advance`.
    """

    name = "jump"
    applies_to = ("clocks",)
    ranges = {"seconds": float("-inf")}
    seconds: Amount = (-3600.0, 3600.0)
    probability: float = 1.0

    def on_clock(self, draws: Draws) -> Callable[[], float]:
        """Give what draws by how much to jump next; 0 for not at all."""

        def jump() -> float:
            happens, seconds = draws.happens(self.probability), draws.number(self.seconds)
            if not happens:
                return 0.0
            draws.note(None, f"{seconds:+.3f} s")
            return seconds

        return jump


class JumpingClock(Clock):
    """A `Clock` whose time jumps: by `jump`, and by the `Jump` faults of the plan that it is given to.

    Forwards, all that has become due meanwhile runs at once, late; backwards, what is waiting waits longer by as much.
    """

    def __init__(self) -> None:
        super().__init__()
        self._jumps: list[Callable[[], float]] = []
        self._advancing = False

    def advance(self, amount: float) -> None:
        """Move time forward by `amount` seconds, and wherever the faults of the plan want it."""
        # One that a call makes while it runs belongs to the same step.
        jumped = 0.0 if self._advancing else sum(jump() for jump in self._jumps)
        outer, self._advancing = self._advancing, True
        try:
            super().advance(amount + jumped)
        finally:
            self._advancing = outer

    def jump(self, seconds: float) -> None:
        """Set the time `seconds` ahead, or back if that is below zero, and run what is due."""
        super().advance(seconds)
