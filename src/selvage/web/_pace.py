"""How fast the body of a request has to come.  Floor 4.

It does not help against who sends one byte at a time to ask for some byte now and then.  So there are two bounds: an end to
all of it, and a rate on the average since its beginning.  Bytes are only counted as they come; one timer, set for the
moment at which those counted so far are used up, looks at them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.web._limits import Limits
from selvage.web.errors import BodyTooSlow

__all__ = ["Pace"]


class Pace:
    """Watches one body, from now until `stop`.

    Args:
        limits: `body_s`, `body_rate` and `body_grace_s` are asked.
        call_later: schedules a call.
        seconds: gives the time, by the same clock.
        too_slow: called once, with `BodyTooSlow`, when it is.
    """

    __slots__ = (
        "_began",
        "_call",
        "_call_later",
        "_limits",
        "_paused_at",
        "_seconds",
        "_too_slow",
        "received",
    )

    def __init__(
        self,
        limits: Limits,
        call_later: Callable[..., Any],
        seconds: Callable[[], float],
        too_slow: Callable[[BodyTooSlow], object],
    ) -> None:
        #: Bytes that have come; whoever takes the body counts them here.
        self.received = 0
        self._limits = limits
        self._call_later = call_later
        self._seconds = seconds
        self._too_slow = too_slow
        self._began = seconds()
        self._paused_at: float | None = None
        self._call: Any = None
        self._wait()

    def _due_s(self) -> float | None:
        """Return the seconds from the beginning that what has come so far is good for; None for any number."""
        limits = self._limits
        if not limits.body_rate:
            return limits.body_s
        due = limits.body_grace_s + self.received / limits.body_rate
        return due if limits.body_s is None else min(due, limits.body_s)

    def _wait(self) -> None:
        due = self._due_s()
        if due is not None:
            self._call = self._call_later(max(self._began + due - self._seconds(), 0), self._look)

    def _look(self) -> None:
        self._call = None
        due, elapsed = self._due_s(), self._seconds() - self._began
        if due is not None and elapsed >= due:
            self._too_slow(BodyTooSlow(self.received, elapsed))
        else:
            self._wait()

    def pause(self) -> None:
        """Let the time stand still: it is this side that does not read."""
        if self._paused_at is None:
            self._paused_at = self._seconds()
            self.stop()

    def resume(self) -> None:
        """Let the time go on."""
        if self._paused_at is not None:
            self._began += self._seconds() - self._paused_at
            self._paused_at = None
            self._wait()

    def stop(self) -> None:
        """Watch no more."""
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
