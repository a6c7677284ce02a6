"""Transports that keep what is written to them, for tests of one protocol without a network."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from selvage.addresses import IPv4Address
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.interfaces import IConsumer, IProtocol, IPushProducer, ITransport

__all__ = ["StringIOWithoutClosing", "StringTransport", "StringTransportWithDisconnection"]


class StringIOWithoutClosing(BytesIO):
    """A file in memory that stays open, so that its content can be looked at after code under test closed it."""

    def close(self) -> None:
        """Do nothing."""


@implementer(ITransport, IConsumer, IPushProducer)
class StringTransport:
    """A transport that keeps what is written and remembers what was asked of it, and does nothing else.

    Args:
        hostAddress, peerAddress: what `getHost` and `getPeer` return; addresses of the IPv4 kind when left out.
        lenient: allow `pauseProducing` and `resumeProducing` after `loseConnection` or `abortConnection`, which
            otherwise raise, since code that does it expects an effect that it will not have.

    Attributes (for tests; real transports do not have them all):
        io: the `BytesIO` behind `value`.
        disconnecting: whether `loseConnection` or `abortConnection` was called.
        disconnected: whether `abortConnection` was called.
        connected: true; a subclass that ends the connection makes it false.
        producer, streaming: what `registerProducer` was given; None without a producer.
        producerState: "producing", "paused" or "stopped": what was last asked of this transport as a producer.
    """

    disconnecting = False
    disconnected = False

    producer: Any = None
    streaming: bool | None = None
    producerState = "producing"

    hostAddr: Any = None
    peerAddr: Any = None

    def __init__(self, hostAddress: Any = None, peerAddress: Any = None, lenient: bool = False) -> None:
        self.clear()
        if hostAddress is not None:
            self.hostAddr = hostAddress
        if peerAddress is not None:
            self.peerAddr = peerAddress
        self.connected = True
        self._lenient = lenient

    def clear(self) -> None:
        """Forget what was written so far.  For tests."""
        self.io = BytesIO()

    def value(self) -> bytes:
        """Return what was written since the last `clear`.  For tests."""
        return self.io.getvalue()

    def write(self, data: bytes) -> None:
        """Keep `data`.

        Raises:
            TypeError: it is no bytes.
        """
        if not isinstance(data, bytes):
            raise TypeError(f"Data must be bytes, not {type(data).__name__}: {data!r:.60}")
        self.io.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Keep several pieces.

        Raises:
            TypeError: one of them is no bytes.
        """
        self.io.write(b"".join(data))

    def loseConnection(self) -> None:
        """Remember in `disconnecting` that the connection shall end."""
        self.disconnecting = True

    def abortConnection(self) -> None:
        """Remember in `disconnected` that the connection shall end at once, then do as `loseConnection`."""
        self.disconnected = True
        self.loseConnection()

    def getPeer(self) -> Any:
        """Return the other side's address."""
        if self.peerAddr is None:
            return IPv4Address("TCP", "192.168.1.1", 54321)
        return self.peerAddr

    def getHost(self) -> Any:
        """Return this side's address."""
        if self.hostAddr is None:
            return IPv4Address("TCP", "10.0.0.1", 12345)
        return self.hostAddr

    # As a consumer.

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Remember a producer.

        Raises:
            RuntimeError: there is one already.
        """
        if self.producer is not None:
            raise RuntimeError(f"Cannot register two producers: {self.producer!r} is registered")
        self.producer = producer
        self.streaming = streaming

    def unregisterProducer(self) -> None:
        """Forget the producer.

        Raises:
            RuntimeError: there is none.
        """
        if self.producer is None:
            raise RuntimeError("Cannot unregister a producer unless one is registered")
        self.producer = None
        self.streaming = None

    # As a producer.

    def _checkState(self) -> None:
        if self.disconnecting and not self._lenient:
            raise RuntimeError("Cannot pause or resume producing after loseConnection")
        if self.producerState == "stopped":
            raise RuntimeError("Cannot pause or resume a stopped producer")

    def pauseProducing(self) -> None:
        """Remember to be paused.

        Raises:
            RuntimeError: it is stopped, or the connection is ending and this transport is not lenient.
        """
        self._checkState()
        self.producerState = "paused"

    def resumeProducing(self) -> None:
        """Remember to be producing.

        Raises:
            RuntimeError: it is stopped, or the connection is ending and this transport is not lenient.
        """
        self._checkState()
        self.producerState = "producing"

    def stopProducing(self) -> None:
        """Remember to be stopped."""
        self.producerState = "stopped"


class StringTransportWithDisconnection(StringTransport):
    """A `StringTransport` that tells its protocol of the end: `loseConnection` calls `connectionLost`.

    Attributes:
        protocol: whom to tell; set it.
    """

    protocol: IProtocol

    def loseConnection(self) -> None:
        """End the connection cleanly, once: the protocol's `connectionLost` is called before this returns."""
        if self.connected:
            self.connected = False
            self.protocol.connectionLost(Failure(ConnectionDone("Bye.")))


if TYPE_CHECKING:
    _transport: type[ITransport] = StringTransport
    _consumer: type[IConsumer] = StringTransport
    _producer: type[IPushProducer] = StringTransport
