"""A client factory that connects again, more patiently each time.  Floor 3."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from selvage.errors import NotConnectingError
from selvage.protocols._factory import ClientFactory, P
from selvage.protocols._mention import mention

if TYPE_CHECKING:
    from selvage.failure import Failure

__all__ = ["ReconnectingClientFactory"]


class ReconnectingClientFactory(ClientFactory[P]):
    """Reconnects when a connection fails or ends, waiting longer after each attempt that failed.

    A protocol that has got far enough to call the connection good calls `self.factory.resetDelay()`.  Whoever wants
    no further connection calls `stopTrying()` before closing.

    Twisted: `twisted.internet.protocol.ReconnectingClientFactory`; `copy`, `pickle` and the names are as there.
    """

    #: Longest wait in seconds (before jitter): one hour, Twisted's figure.
    maxDelay: float = 3600
    #: First wait in seconds.
    initialDelay: float = 1.0
    #: Each wait is this many times the one before: e, Twisted's figure.
    factor: float = 2.718281828459045
    #: Standard deviation of the wait, as a fraction of it, so that many clients of one dead server do not come back
    #: in step; None or 0 for exact waits.  The figure is Twisted's: the constant of molar Planck times speed of light.
    jitter: float | None = 0.119626565582

    #: The wait in seconds before the next attempt.
    delay: float = initialDelay
    #: Attempts since the last `resetDelay`.
    retries: int = 0
    #: No more attempts than this; None for no limit.
    maxRetries: int | None = None
    #: False (or 0) after `stopTrying`.
    continueTrying: int = 1
    #: The connector of the last attempt.
    connector: Any = None
    #: An `IReactorTime` for the waits; None for the ambient reactor.
    clock: Any = None
    _callID: Any = None

    def clientConnectionFailed(self, connector: Any, reason: Failure | None) -> None:
        """Try again after a while, unless `stopTrying` was called."""
        if self.continueTrying:
            self.connector = connector
            self.retry()

    def clientConnectionLost(self, connector: Any, unused_reason: Failure | None) -> None:
        """Connect again after a while, unless `stopTrying` was called."""
        if self.continueTrying:
            self.connector = connector
            self.retry()

    def retry(self, connector: Any = None) -> None:
        """Schedule the next attempt, unless there were `maxRetries` already or trying was stopped.

        Args:
            connector: what to connect; the one of the last attempt by default.

        Raises:
            ValueError: there was no attempt yet and no connector is given.
        """
        if not self.continueTrying:
            if self.noisy:
                mention(self, "Abandoning {connector} on explicit request", connector=connector)
            return
        connector = self.connector if connector is None else connector
        if connector is None:
            raise ValueError("no connector to retry")
        self.retries += 1
        if self.maxRetries is not None and self.retries > self.maxRetries:
            if self.noisy:
                mention(
                    self,
                    "Abandoning {connector} after {retries} retries.",
                    connector=connector,
                    retries=self.retries,
                )
            return

        delay = self.delay
        if self.jitter:
            delay = max(0.0, random.normalvariate(delay, delay * self.jitter))
        if self.noisy:
            mention(self, "{connector} will retry in {delay:.3g} seconds", connector=connector, delay=delay)
        self.delay = min(delay * self.factor, self.maxDelay)
        if self.clock is None:
            from selvage.reactor import get_reactor

            self.clock = get_reactor()

        def reconnect() -> None:
            self._callID = None
            connector.connect()

        self._callID = self.clock.callLater(delay, reconnect)

    def stopTrying(self) -> None:
        """Make no further attempt: drop the scheduled one, abandon one that is under way; keep a connection."""
        # Set first: abandoning an attempt calls clientConnectionFailed before it returns.
        self.continueTrying = 0
        if self._callID:
            self._callID.cancel()
            self._callID = None
        try:
            if self.connector is not None:
                self.connector.stopConnecting()
        except NotConnectingError:
            pass

    def resetDelay(self) -> None:
        """Begin anew with the shortest wait; call it after a connection that did some good."""
        self.delay = self.initialDelay
        self._callID = None
        self.retries = 0
        self.continueTrying = 1

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process: clock, connector, scheduled call, and the state of the waits."""
        return {name: value for name, value in self.__dict__.items() if name not in _NOT_PICKLED}


_NOT_PICKLED = frozenset({"connector", "retries", "delay", "_callID", "continueTrying", "clock"})
