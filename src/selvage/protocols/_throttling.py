"""Limits on bytes in a second and on connections.  Floor 3."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from selvage.protocols._refusals import Refusing, TooManyConnections
from selvage.protocols._wrapping import ProtocolWrapper, WrappingFactory, call_later, cancel

if TYPE_CHECKING:
    from selvage.interfaces import IAddress


__all__ = ["ThrottlingFactory", "ThrottlingProtocol"]


class ThrottlingProtocol(ProtocolWrapper):
    """Counts bytes for a `ThrottlingFactory`, and waits when it says so."""

    #: The producer of the wrapped protocol's output.
    producer: Any = None

    def write(self, data: bytes) -> None:
        """Count and send."""
        self.factory.registerWritten(len(data))
        super().write(data)

    def writeSequence(self, seq: Iterable[bytes]) -> None:
        """Count and send the joined pieces."""
        pieces = list(seq)
        self.factory.registerWritten(sum(map(len, pieces)))
        super().writeSequence(pieces)

    def dataReceived(self, data: bytes) -> None:
        """Count and hand on."""
        self.factory.registerRead(len(data))
        super().dataReceived(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Remember whom to pause."""
        self.producer = producer
        super().registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """Forget whom to pause."""
        self.producer = None
        super().unregisterProducer()

    def throttleReads(self) -> None:
        """Read nothing for a while."""
        transport: Any = self.transport
        transport.pauseProducing()

    def unthrottleReads(self) -> None:
        """Read again."""
        transport: Any = self.transport
        transport.resumeProducing()

    def throttleWrites(self) -> None:
        """Let the producer produce nothing for a while."""
        if self.producer is not None:
            self.producer.pauseProducing()

    def unthrottleWrites(self) -> None:
        """Let the producer produce again."""
        if self.producer is not None:
            self.producer.resumeProducing()


class ThrottlingFactory(Refusing, WrappingFactory[Any]):
    """Limits how many connections there are, and how many bytes all of them read and write in a second.

    Args:
        wrappedFactory: builds the protocols.
        maxConnectionCount: connections beyond this are closed at once.
        readLimit: bytes a second; None for no limit.
        writeLimit: bytes a second; None for no limit.

    The limits hold on average: once a second it is seen what was too much, and all connections wait as long as it would
    have taken.
    """

    protocol = ThrottlingProtocol

    def __init__(
        self,
        wrappedFactory: Any,
        maxConnectionCount: int = sys.maxsize,
        readLimit: float | None = None,
        writeLimit: float | None = None,
    ) -> None:
        super().__init__(wrappedFactory)
        self.connectionCount = 0
        self.maxConnectionCount = maxConnectionCount
        self.readLimit = readLimit
        self.writeLimit = writeLimit
        self.readThisSecond = 0
        self.writtenThisSecond = 0
        self.unthrottleReadsID: Any = None
        self.checkReadBandwidthID: Any = None
        self.unthrottleWritesID: Any = None
        self.checkWriteBandwidthID: Any = None

    def callLater(self, period: float, func: Callable[[], object]) -> Any:
        """Hook: schedule `func` in `period` seconds."""
        return call_later(period, func)

    def registerWritten(self, length: int) -> None:
        """Count bytes written."""
        self.writtenThisSecond += length

    def registerRead(self, length: int) -> None:
        """Count bytes read."""
        self.readThisSecond += length

    def checkReadBandwidth(self) -> None:
        """See whether too much was read in the last second; called each second."""
        if self.readLimit is not None and self.readThisSecond > self.readLimit:
            self.throttleReads()
            wait = self.readThisSecond / self.readLimit - 1.0
            self.unthrottleReadsID = self.callLater(wait, self.unthrottleReads)
        self.readThisSecond = 0
        self.checkReadBandwidthID = self.callLater(1, self.checkReadBandwidth)

    def checkWriteBandwidth(self) -> None:
        """See whether too much was written in the last second; called each second."""
        if self.writeLimit is not None and self.writtenThisSecond > self.writeLimit:
            self.throttleWrites()
            wait = self.writtenThisSecond / self.writeLimit - 1.0
            self.unthrottleWritesID = self.callLater(wait, self.unthrottleWrites)
        self.writtenThisSecond = 0
        self.checkWriteBandwidthID = self.callLater(1, self.checkWriteBandwidth)

    def throttleReads(self) -> None:
        """Have all connections read nothing."""
        for protocol in list(self.protocols):
            protocol.throttleReads()

    def unthrottleReads(self) -> None:
        """Have all connections read again."""
        self.unthrottleReadsID = None
        for protocol in list(self.protocols):
            protocol.unthrottleReads()

    def throttleWrites(self) -> None:
        """Have all connections' producers wait."""
        for protocol in list(self.protocols):
            protocol.throttleWrites()

    def unthrottleWrites(self) -> None:
        """Have all connections' producers go on."""
        self.unthrottleWritesID = None
        for protocol in list(self.protocols):
            protocol.unthrottleWrites()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Build a protocol, unless there are as many connections as may be."""
        if self.connectionCount >= self.maxConnectionCount:
            self.refusals.add(TooManyConnections(None, self.maxConnectionCount), addr)
            return None
        protocol = super().buildProtocol(addr)
        if protocol is None:
            return None
        if self.connectionCount == 0:
            if self.readLimit is not None:
                self.checkReadBandwidth()
            if self.writeLimit is not None:
                self.checkWriteBandwidth()
        self.connectionCount += 1
        return protocol

    def unregisterProtocol(self, p: Any) -> None:
        """Count one connection less; after the last one all clocks stop."""
        super().unregisterProtocol(p)
        self.connectionCount -= 1
        if self.connectionCount == 0:
            for name in (
                "unthrottleReadsID",
                "checkReadBandwidthID",
                "unthrottleWritesID",
                "checkWriteBandwidthID",
            ):
                call = getattr(self, name)
                setattr(self, name, None)
                if call is not None:
                    cancel(call)
