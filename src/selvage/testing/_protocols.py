"""Protocols and producers that do little and remember it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.protocols import Protocol, connectionDone
from selvage.protocols.basic import LineReceiver
from selvage.tasks import LoopingCall

__all__ = ["AccumulatingProtocol", "LineSendingProtocol", "NonStreamingProducer", "waitUntilAllDisconnected"]


class AccumulatingProtocol(Protocol):
    """Keep all that is received.

    Attributes:
        made, closed: 1 once `connectionMade`, `connectionLost` was called.
        data: all bytes received.
        closedReason: the Failure given to `connectionLost`.
        closedDeferred: fired with None by `connectionLost`; set it.
        factory: its `protocolConnectionMade`, a Deferred or None, is fired with this protocol when connected, once.
    """

    made = closed = 0
    closedReason: Failure | None = None
    closedDeferred: Deferred[None] | None = None
    data = b""
    factory: Any = None

    def connectionMade(self) -> None:
        """Note it, and tell whoever waits for it at the factory."""
        self.made = 1
        waiting = getattr(self.factory, "protocolConnectionMade", None)
        if waiting is not None:
            self.factory.protocolConnectionMade = None
            waiting.callback(self)

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.data += data

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Note it, and tell whoever waits for it."""
        self.closed = 1
        self.closedReason = reason
        if self.closedDeferred is not None:
            waiting, self.closedDeferred = self.closedDeferred, None
            waiting.callback(None)


class LineSendingProtocol(LineReceiver):
    """Send some lines, when connected or when the first line arrives, and keep the lines received.

    Args:
        lines: what to send.
        start: whether to send as soon as connected; otherwise after the first line received.

    Attributes:
        response: the lines received.
        lostConn: whether the connection is over.
    """

    lostConn = False

    def __init__(self, lines: Iterable[bytes], start: bool = True) -> None:
        self.lines = list(lines)
        self.response: list[bytes] = []
        self.start = start

    def connectionMade(self) -> None:
        """Send the lines, unless the other side shall begin."""
        if self.start:
            for line in self.lines:
                self.sendLine(line)

    def lineReceived(self, line: bytes) -> None:
        """Keep the line; send ours if they are still to be sent."""
        if not self.start:
            lines, self.lines = self.lines, []
            for ours in lines:
                self.sendLine(ours)
        self.response.append(line)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note it."""
        self.lostConn = True


class NonStreamingProducer:
    """A pull producer that writes the numbers 0 to 9, one each time it is asked.

    Args:
        consumer: where to write; it has to know this producer already.

    Attributes:
        result: a Deferred that fires when it is done or stopped.
        counter: how many numbers it wrote.
        stopped: whether it was stopped.
    """

    counter = 0
    stopped = False

    def __init__(self, consumer: Any) -> None:
        self.consumer = consumer
        self.result: Deferred[None] = Deferred()

    def resumeProducing(self) -> None:
        """Write the next number.

        Raises:
            RuntimeError: it is done; a consumer that asks again has a defect.
        """
        if self.consumer is None or self.counter >= 10:
            raise RuntimeError("BUG: resume after unregister/stop.")
        self.consumer.write(b"%d" % self.counter)
        self.counter += 1
        if self.counter == 10:
            self.consumer.unregisterProducer()
            self._done()

    def pauseProducing(self) -> None:
        """Refuse: a pull producer is not paused, it is just not asked.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("BUG: pause should never be called.")

    def stopProducing(self) -> None:
        """Stop for good."""
        self.stopped = True
        self._done()

    def _done(self) -> None:
        self.consumer = None
        if not self.result.called:
            self.result.callback(None)


def waitUntilAllDisconnected(reactor: Any, protocols: Iterable[Any]) -> Deferred[LoopingCall]:
    """Wait until the transport of each protocol says that it is not connected, asking every hundredth of a second.

    Args:
        reactor: the timer, a provider of `IReactorTime`.
        protocols: those to watch.

    Fires / Fails:
        Once none is connected; what it fires with is of no meaning.
    """
    watched = list(protocols)

    def check() -> None:
        if not any(protocol.transport.connected for protocol in watched):
            loop.stop()

    loop = LoopingCall(check)
    loop.clock = reactor
    return loop.start(0.01, True)
