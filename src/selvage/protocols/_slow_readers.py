"""Limits on peers that do not read what is sent to them: how much may wait, how long nothing may leave.  Floor 3.

A peer that asks and does not read makes the server keep the answers.  A program that streams registers a producer,
which is paused; but the answers to a thousand pipelined requests, or a chat line to a thousand sleeping readers, are
written as they come.  Two limits:

* What waits to be sent to one peer.  Measured not at each write but when so much was written that it might be too much.
* The time in which a peer takes nothing, or next to nothing, of what waits.  One timer for all connections looks at
  each a few times in that period; a write only counts bytes.

What waits is what the transport has not given to the system (`unsent_bytes`); the system's own buffer comes on top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.errors import ConnectionAborted
from selvage.protocols._guard import GuardedProtocol, guard
from selvage.protocols._refusals import Refusing, clock_of
from selvage.protocols._wrapping import WrappingFactory, cancel

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["LimitSlowReadersFactory", "OutputLimitExceeded", "OutputStalled"]

#: Looks at each connection in the period in which it may stall: one that stalls is closed at most a quarter of it later.
LOOKS = 4


class OutputLimitExceeded(ConnectionAborted):
    """More waited to be sent to a peer than may wait.

    Args:
        unsent: how many bytes waited.
        limit: how many may.
    """

    MESSAGE = "The peer reads too slowly"

    def __init__(self, unsent: int, limit: int) -> None:
        super().__init__(unsent, limit)
        self.unsent = unsent
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.MESSAGE}: {self.unsent} bytes waited to be sent, {self.limit} may."


class OutputStalled(ConnectionAborted):
    """A peer took nothing, or too little, of what waited to be sent.

    Args:
        unsent: how many bytes waited.
        seconds: how long.
    """

    MESSAGE = "The peer has stopped reading"

    def __init__(self, unsent: int, seconds: float) -> None:
        super().__init__(unsent, seconds)
        self.unsent = unsent
        self.seconds = seconds

    def __str__(self) -> str:
        return f"{self.MESSAGE}: {self.unsent} bytes waited to be sent for {self.seconds:g} seconds."


class _Progress:
    """How far a peer had read when it was last seen to read on, and when that was; None while nothing waits."""

    __slots__ = ("since", "taken")

    def __init__(self) -> None:
        self.taken = 0
        self.since: float | None = None


class LimitSlowReadersFactory(Refusing, WrappingFactory[Any]):
    """Breaks connections off whose peers do not read what is sent to them.

    The protocol's `connectionLost` has `OutputLimitExceeded` or `OutputStalled` as its reason.

    Args:
        wrappedFactory: builds the protocols.
        max_unsent: bytes that may wait to be sent to one peer; None for no limit.
        stall_timeout_s: seconds in which a peer has to read something of what waits; None for no limit.
        min_rate: bytes a second that it has to read at the least, on average over that time.  Without it a peer that reads one
            packet in that time may go on for ever.
        reactor: gives the time; None for the ambient one.
    """

    def __init__(
        self,
        wrappedFactory: Any,
        max_unsent: int | None = None,
        stall_timeout_s: float | None = None,
        min_rate: float = 0,
        reactor: Any = None,
    ) -> None:
        super().__init__(wrappedFactory)
        self.max_unsent = max_unsent
        self.stall_timeout_s = stall_timeout_s
        self.min_rate = min_rate
        self._reactor = reactor
        self._watched: dict[GuardedProtocol, _Progress] = {}
        self._timer: Any = None

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Build a protocol, and watch its output."""
        protocol = self.wrappedFactory.buildProtocol(addr)
        if protocol is None or (self.max_unsent is None and self.stall_timeout_s is None):
            return protocol
        guarded = guard(self, protocol)
        if guarded.is_measured:  # by another factory of this class, which has limits of its own
            guarded = GuardedProtocol(self, guarded)
        guarded.is_measured = True
        if self.max_unsent is not None:
            guarded.measure_at(self.max_unsent, self._measure)
        if self.stall_timeout_s is not None:
            self._watch(guarded, self.stall_timeout_s)
        return guarded

    # --- How much waits --------------------------------------------------------------------------------------------

    def _measure(self, connection: GuardedProtocol) -> None:
        """So much was written that too much may wait: see how much does, and when to look again."""
        assert self.max_unsent is not None
        unsent = _unsent(connection)
        if unsent > self.max_unsent:
            self._break_off(connection, OutputLimitExceeded(unsent, self.max_unsent))
        else:
            connection.measure_at(connection.written + self.max_unsent - unsent, self._measure)

    # --- How long --------------------------------------------------------------------------------------------------

    def _watch(self, connection: GuardedProtocol, period: float) -> None:
        self._watched[connection] = _Progress()
        connection.when_over(self._unwatch)
        if self._timer is None:
            self._timer = clock_of(self._reactor).callLater(period / LOOKS, self._look, period)

    def _unwatch(self, connection: GuardedProtocol) -> None:
        self._watched.pop(connection, None)
        if not self._watched and self._timer is not None:
            timer, self._timer = self._timer, None
            cancel(timer)

    def _look(self, period: float) -> None:
        """See of each connection whether its peer has read on."""
        clock = clock_of(self._reactor)
        now = clock.seconds()
        enough = max(1.0, self.min_rate * period)
        self._timer = clock.callLater(period / LOOKS, self._look, period)
        for connection, progress in list(self._watched.items()):
            unsent = _unsent(connection) if connection.connected else 0
            taken = connection.written - unsent
            if not unsent:
                progress.since = None
            elif progress.since is None or taken - progress.taken >= enough:
                progress.taken = taken
                progress.since = now
            elif now - progress.since >= period:
                self._unwatch(connection)
                self._break_off(connection, OutputStalled(unsent, now - progress.since))

    def _break_off(self, connection: GuardedProtocol, error: Exception) -> None:
        self.refusals.add(error, connection.getPeer())
        connection.measure_at(float("inf"), self._measure)
        connection.break_off(error)


def _unsent(connection: GuardedProtocol) -> int:
    """Return how many bytes wait to be sent, by the transport's own count."""
    transport: Any = connection.transport
    unsent: int = transport.unsent_bytes()
    return unsent
