"""How often somebody was refused and why, told without letting a peer write the log.  Floor 3."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Any

from selvage import _events

__all__ = ["Refusals", "Refusing", "TooManyConnections", "clock_of"]

#: Refusals are mentioned at most once in so many seconds: often enough to see an attack while it lasts, and one line for it.
MENTION_INTERVAL_S = 10.0


def clock_of(reactor: Any) -> Any:
    """Return `reactor`, or the ambient one for None."""
    if reactor is None:
        from selvage.reactor import get_reactor

        return get_reactor()
    return reactor


class TooManyConnections(Exception):
    """There are as many connections as there may be.

    Args:
        network: whose, as text: an address, or a network with its prefix; None for all connections together.
        limit: how many there may be.
    """

    def __init__(self, network: str | None, limit: int) -> None:
        super().__init__(network, limit)
        self.network = network
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.network or 'everybody together'} may have {self.limit} connections, and has them"


class Refusals:
    """Counts what a factory refuses.

    The first is mentioned at once; what follows within `MENTION_INTERVAL_S` is summed up in the next mention, or in
    that of `flush`.  Nothing is lost from the counts.

    Args:
        speaker: the factory.
        reactor: whose clock is looked at; None for the ambient one.
    """

    def __init__(self, speaker: Any, reactor: Any = None) -> None:
        #: How many there were, for each class of error by name.
        self.counts: Counter[str] = Counter()
        #: The last one.
        self.last: Exception | None = None
        self._speaker = speaker
        self._reactor = reactor
        self._unmentioned = 0
        self._mentioned_at: float | None = None
        self._peer: Any = None

    def __repr__(self) -> str:
        return f"<Refusals {dict(self.counts)}>"

    @property
    def total(self) -> int:
        """How many there were."""
        return self.counts.total()

    def add(self, error: Exception, peer: Any) -> None:
        """Count one, and mention it unless one was mentioned just before.

        Args:
            error: why; its class is what is counted.
            peer: whom it happened to.
        """
        self.counts[type(error).__name__] += 1
        self.last = error
        self._peer = peer
        self._unmentioned += 1
        now = clock_of(self._reactor).seconds()
        if self._mentioned_at is None or now - self._mentioned_at >= MENTION_INTERVAL_S:
            self._mentioned_at = now
            self.flush()

    def flush(self) -> None:
        """Mention what was not mentioned yet."""
        count, self._unmentioned = self._unmentioned, 0
        if count:
            kind = type(self._speaker)
            _events.emit(
                f"{kind.__module__}.{kind.__qualname__}",
                "warn",
                "{factory} refused {count}, the last {peer}: {reason}: {error}",
                factory=kind.__name__,
                count=count,
                peer=self._peer,
                reason=type(self.last).__name__,
                error=self.last,
                log_source=self._speaker,
            )


class Refusing:
    """Mixed into a factory that refuses connections: has `refusals`, also where a subclass leaves out our `__init__`."""

    #: Gives the time; None for the ambient one.
    _reactor: Any = None

    @cached_property
    def refusals(self) -> Refusals:
        """What was refused, and why."""
        return Refusals(self, self._reactor)

    def stopFactory(self) -> None:
        """Mention what was refused and not mentioned yet."""
        self.refusals.flush()
