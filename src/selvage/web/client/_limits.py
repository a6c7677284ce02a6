"""How long, how often and how much: the pleasant client's limits.  Floor 4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from random import random

__all__ = ["Retries", "Timeouts"]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a request may take, in seconds; None for no limit.

    Args:
        total: all of it, redirections, retries and the body included.  Five minutes, as aiohttp has: longer than what
            anybody waits for, shorter than for ever.
        connect: until there is a connection, TLS and proxies included.
        read: between two pieces of a response, and until its first.
    """

    total: float | None = 300.0
    connect: float | None = 30.0
    read: float | None = 60.0


@dataclass(frozen=True, slots=True)
class Retries:
    """When a request that failed is sent again: only where twice does the same as once.

    Args:
        count: how often, besides the first time.
        methods: those that are safe to repeat.
        statuses: codes that say "not now".
        first_delay_s: seconds before the first repetition; they grow by `factor`, up to `max_delay_s`.
        jitter: the part of a delay that is left to chance, so that many clients do not come back together.
        dice: returns 0 to 1; for tests.

    A server that says how long to wait (Retry-After) is obeyed, up to `max_delay_s`.
    """

    count: int = 2
    methods: frozenset[str] = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
    statuses: frozenset[int] = frozenset({429, 502, 503, 504})
    first_delay_s: float = 0.5
    factor: float = 2.0
    max_delay_s: float = 30.0
    jitter: float = 0.25
    dice: Callable[[], float] = field(default=random, repr=False)

    def delay_s(self, attempt: int, retry_after: str | None = None, now: float = 0.0) -> float:
        """Return how long to wait.

        Args:
            attempt: 0 for the first repetition.
            retry_after: the header's value.
            now: seconds since the epoch, for a Retry-After that is a date.
        """
        asked = _seconds_of(retry_after, now)
        if asked is not None:
            return min(max(asked, 0.0), self.max_delay_s)
        delay = min(self.first_delay_s * self.factor**attempt, self.max_delay_s)
        return delay * (1 - self.jitter * self.dice())


def _seconds_of(retry_after: str | None, now: float) -> float | None:
    """Return a Retry-After in seconds from now; None for none, or for one that cannot be read."""
    if not retry_after:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])  # thirty years
    try:
        return parsedate_to_datetime(retry_after).timestamp() - now
    except (ValueError, OverflowError):
        return None
