"""Saying that ports turn peers away because descriptors have run out, and that it is over.  Floor 2.

Once when it begins, again while it lasts, and when there are descriptors again: not once for each peer, of whom there may
be thousands a second.  Where a port accepts by itself, `accept` fails and the port knows. uvloop accepts, sheds and says
nothing; but the system gives out the lowest number that is free, which tells how many are left.
"""

from __future__ import annotations

import os
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

__all__ = ["LOOK_EVERY", "Scarcity"]

#: Seconds between two reports while it lasts.
_REPORT_INTERVAL_S = 60.0
#: Seconds between two looks whether it is over.
_LOOK_INTERVAL_S = 1.0
#: How many connections a port accepts between two looks: so few that the cost of one is spread thin.
LOOK_EVERY = 16
#: With fewer descriptors left than this, there may be none before the next look.
_MARGIN = LOOK_EVERY


def descriptor_limit() -> int | None:
    """Return how many descriptors this process may have; None where the system has no such limit."""
    try:
        import resource
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


class Scarcity:
    """Whether descriptors have run out, for all ports on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._begun: float | None = None
        self._reported = 0.0
        self._turned_away = 0
        self._port: Any = None  # the one that noticed

    def look(self, port: Any) -> None:
        """See how many descriptors are left; ports ask every `LOOK_EVERY` connections."""
        if _left() < _MARGIN:
            self._notice(port)

    def turned_away(self, port: Any) -> None:
        """Count a peer for whom there was no descriptor."""
        self._notice(port)
        self._turned_away += 1

    def _notice(self, port: Any) -> None:
        now = self._loop.time()
        if self._begun is None:
            self._begun = now
            self._turned_away = 0
            self._port = port
            self._loop.call_later(_LOOK_INTERVAL_S, self._look)
        elif now - self._reported < _REPORT_INTERVAL_S:
            return
        self._reported = now
        port._mention(
            f"Connections are turned away: this process has used up its {descriptor_limit()} descriptors "
            "(raise the limit with `ulimit -n`, or accept fewer connections at a time)",
            "warn",
        )

    def _look(self) -> None:
        """See whether there are descriptors again."""
        if _left() < 2 * _MARGIN:
            self._loop.call_later(_LOOK_INTERVAL_S, self._look)
            return
        begun, self._begun = self._begun, None
        assert begun is not None
        lasted = self._loop.time() - begun
        counted = f"; {self._turned_away} connections were turned away" if self._turned_away else ""
        port, self._port = self._port, None
        port._mention(f"There are descriptors again, after {lasted:.0f} s{counted}", "warn")


def _left() -> float:
    """Tell how many descriptors are left, as the lowest number that is free tells."""
    limit = descriptor_limit()
    if limit is None:
        return inf
    try:
        number = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return 0
    os.close(number)
    return limit - number
