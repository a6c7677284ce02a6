"""How long, how often and how much: the pleasant client's limits.  Floor 4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from random import random
from typing import Any

__all__ = ["Retries", "Timeouts", "check_seconds"]


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

    def __post_init__(self) -> None:
        for name in ("total", "connect", "read"):
            check_seconds(f"the {name} timeout", getattr(self, name))


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

    def __post_init__(self) -> None:
        if not isinstance(self.count, int) or isinstance(self.count, bool) or self.count < 0:
            raise ValueError(f"retries={self.count!r}: give how often a request is sent again, 0 or more")
        for name in ("methods", "statuses"):
            if isinstance(getattr(self, name), (str, int)):
                raise TypeError(f"{name}={getattr(self, name)!r}: give a set of them")
        if any(method != method.upper() for method in self.methods):
            raise ValueError(f"methods={sorted(self.methods)}: methods are in capitals, such as 'GET'")
        for name in ("first_delay_s", "max_delay_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)!r}: a delay is 0 seconds or more")

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


def check_seconds(what: str, given: Any) -> None:
    """Refuse what is no time to wait.

    Raises:
        TypeError: it is no number.
        ValueError: it is not above 0.
    """
    if given is None:
        return
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise TypeError(f"{what} is a {type(given).__name__}: give seconds, or None for no limit")
    if not given > 0:
        raise ValueError(f"{what} is {given!r}: give seconds above 0, or None for no limit")


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
