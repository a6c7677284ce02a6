"""What the reactor hands to protocols: stream transports, producers and consumers, descriptors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._base import Interface, Protocol
from ._protocol import ILoggingContext

if TYPE_CHECKING:
    from selvage.failure import Failure

    from ._address import IAddress

__all__ = [
    "IConsumer",
    "IFileDescriptor",
    "IHalfCloseableDescriptor",
    "IProducer",
    "IPullProducer",
    "IPushProducer",
    "IReadDescriptor",
    "IReadWriteDescriptor",
    "ISystemHandle",
    "ITCPTransport",
    "ITransport",
    "IUNIXTransport",
    "IWriteDescriptor",
]


class ITransport(Interface, Protocol):
    """One side of a stream. No method waits for the network: what cannot be sent now is buffered."""

    def write(self, data: bytes, /) -> None:
        """Send bytes, in the order of the calls, as soon as the network takes them."""

    def writeSequence(self, data: Iterable[bytes], /) -> None:
        """Send several pieces as if joined."""

    def loseConnection(self) -> object:
        """Close when all that was written is sent and no producer is registered any more."""

    def getPeer(self) -> IAddress:
        """Return the other side's address; behind a proxy it is the proxy's, so trust it no further than that."""

    def getHost(self) -> IAddress:
        """Return this side's address."""


class ITCPTransport(ITransport, Protocol):
    """A stream over TCP."""

    def loseWriteConnection(self) -> None:
        """Close our direction once all is sent and no producer is registered; an `IHalfCloseableProtocol` hears of it."""

    def abortConnection(self) -> None:
        """Close at once: drop what is buffered, stop the producer, reset the connection."""

    def getTcpNoDelay(self) -> bool:
        """Tell whether TCP_NODELAY is on."""

    def setTcpNoDelay(self, enabled: bool, /) -> None:
        """Send small writes at once (True), or let the system gather them (False: Nagle's algorithm)."""

    def getTcpKeepAlive(self) -> bool:
        """Tell whether SO_KEEPALIVE is on."""

    def setTcpKeepAlive(self, enabled: bool, /) -> None:
        """Let the system probe an idle peer, after two hours by default, to find out that it is gone."""

    def getHost(self) -> Any:
        """Return this side's `IPv4Address` or `IPv6Address`."""

    def getPeer(self) -> Any:
        """Return the other side's `IPv4Address` or `IPv6Address`."""


class IUNIXTransport(ITransport, Protocol):
    """A stream over a UNIX socket, which can carry file descriptors."""

    def sendFileDescriptor(self, descriptor: int, /) -> None:
        """Send a duplicate of a descriptor of this process.

        It travels with ordinary bytes, so at least as many `write` calls are needed as there are descriptors.
        The caller may close its own at once. (On Twisted, only when it has been sent.)
        """


class IProducer(Interface, Protocol):
    """A source of data for one consumer."""

    def stopProducing(self) -> object:
        """Stop for good: the consumer is gone."""


class IPushProducer(IProducer, Protocol):
    """A source that goes on by itself until told to pause."""

    def pauseProducing(self) -> object:
        """Stop for now: the consumer has more than it can pass on."""

    def resumeProducing(self) -> object:
        """Go on after a pause."""


class IPullProducer(IProducer, Protocol):
    """A source that yields one piece each time it is asked."""

    def resumeProducing(self) -> object:
        """Write one piece to the consumer, before returning."""


class IConsumer(Interface, Protocol):
    """A sink of data that can hold its source back."""

    def registerProducer(self, producer: Any, streaming: bool) -> object:
        """Take a source.

        Args:
            producer: an `IPushProducer` that starts unpaused, or an `IPullProducer`.
            streaming: True for a push producer: it is paused when the buffer is full and resumed when it is empty.
                False for a pull producer: it is asked for each piece.

        Raises:
            RuntimeError: a producer is registered already.
        """

    def unregisterProducer(self) -> object:
        """Let go of the source, without closing."""

    def write(self, data: bytes, /) -> object:
        """Take one piece from the source; never blocks, may pause a push producer."""


class IFileDescriptor(ILoggingContext, Protocol):
    """Something with a descriptor that the reactor can watch."""

    def fileno(self) -> int:
        """Return the descriptor's number, the same as long as it is valid, then -1."""

    def connectionLost(self, reason: Failure, /) -> object:
        """Take notice that the descriptor is of no more use, whoever closed it and why."""


class IReadDescriptor(IFileDescriptor, Protocol):
    """Something to be told when it can be read."""

    def doRead(self) -> object:
        """Read what there is.

        Returns: None, or a Failure (or exception) when the descriptor has become useless.
        """


class IWriteDescriptor(IFileDescriptor, Protocol):
    """Something to be told when it can be written."""

    def doWrite(self) -> object:
        """Write what there is to write.

        Returns: None, or a Failure (or exception) when the descriptor has become useless.
        """


class IReadWriteDescriptor(IReadDescriptor, IWriteDescriptor, Protocol):
    """Something to be told of both."""


class IHalfCloseableDescriptor(Interface, Protocol):
    """A descriptor whose directions close one by one."""

    def writeConnectionLost(self, reason: Failure, /) -> object:
        """Take notice that nothing can be written any more."""

    def readConnectionLost(self, reason: Failure, /) -> object:
        """Take notice that nothing can be read any more."""


class ISystemHandle(Interface, Protocol):
    """Something that wraps an object of the operating system."""

    def getHandle(self) -> Any:
        """Return that object, a socket most often, to set options that have no method here."""
