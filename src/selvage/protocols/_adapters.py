"""Bridges between protocols, consumers and files.  Floor 3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, BinaryIO

from zope.interface.adapter import AdapterRegistry
from zope.interface.interface import adapter_hooks

from selvage.failure import Failure
from selvage.interfaces import IConsumer, IProtocol, ITransport, implementer
from selvage.protocols._protocol import connectionDone

__all__ = ["ConsumerToProtocolAdapter", "FileWrapper", "ProtocolToConsumerAdapter"]


@implementer(IConsumer)
class ProtocolToConsumerAdapter:
    """Makes a protocol look like a consumer: what is written to it, the protocol receives.

    `IConsumer(protocol)` makes one.  Twisted: `twisted.internet.protocol.ProtocolToConsumerAdapter`.
    """

    def __init__(self, original: Any) -> None:
        self.original = original

    def write(self, data: bytes) -> None:
        """Give `data` to the protocol's `dataReceived`."""
        self.original.dataReceived(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Accept any producer: a protocol has no way to slow one down."""

    def unregisterProducer(self) -> None:
        """Accept that the producer is done."""


@implementer(IProtocol)
class ConsumerToProtocolAdapter:
    """Makes a consumer look like a protocol: what it receives, the consumer is given.

    `IProtocol(consumer)` makes one.  Twisted: `twisted.internet.protocol.ConsumerToProtocolAdapter`.
    """

    def __init__(self, original: Any) -> None:
        self.original = original

    def dataReceived(self, data: bytes) -> None:
        """Write `data` to the consumer."""
        self.original.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """A consumer does not hear of the end."""

    def makeConnection(self, transport: Any) -> None:
        """A consumer does not need the transport."""

    def connectionMade(self) -> None:
        """A consumer does not hear of the beginning."""


_registry = AdapterRegistry()
_registry.register([IProtocol], IConsumer, "", ProtocolToConsumerAdapter)
_registry.register([IConsumer], IProtocol, "", ConsumerToProtocolAdapter)
# `IConsumer(protocol)` asks the hooks in order until one answers.
adapter_hooks.append(_registry.adapter_hook)


@implementer(ITransport)
class FileWrapper:
    """A transport that writes to a file; for protocols whose output one wants to see.

    Twisted: `twisted.internet.protocol.FileWrapper`.
    """

    closed = 0
    disconnecting = 0
    producer: Any = None
    streamingProducer: Any = 0

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def write(self, data: bytes) -> None:
        """Write `data` to the file; an error goes to `handleException`."""
        try:
            self.file.write(data)
        except Exception:
            self.handleException()

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write the joined pieces to the file."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Close the file."""
        self.closed = 1
        try:
            self.file.close()
        except OSError:
            self.handleException()

    def getPeer(self) -> Any:
        """Return `("file", "file")`: a file has no peer."""
        return "file", "file"

    def getHost(self) -> Any:
        """Return `"file"`."""
        return "file"

    def handleException(self) -> None:
        """Hook: called in the `except` block of a write or close that failed; the base version drops the error."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a producer; a pull producer is asked for its first data at once."""
        self.producer = producer
        self.streamingProducer = streaming
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """Forget the producer."""
        self.producer = None

    def _checkProducer(self) -> None:
        """Ask a producer for more; for tests, which have no loop that would."""
        if self.producer:
            self.producer.resumeProducing()

    def stopConsuming(self) -> None:
        """Forget the producer and close the file."""
        self.unregisterProducer()
        self.loseConnection()

    def pauseProducing(self) -> None:
        """Nothing: a file in this place is written to, not read."""

    def resumeProducing(self) -> None:
        """Nothing: a file in this place is written to, not read."""

    def stopProducing(self) -> None:
        """Close the file."""
        self.loseConnection()
