"""What the user writes: protocols and their factories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._base import Interface, Protocol

if TYPE_CHECKING:
    from selvage.failure import Failure


__all__ = [
    "IFileDescriptorReceiver",
    "IHalfCloseableProtocol",
    "IHandshakeListener",
    "ILoggingContext",
    "IProtocol",
    "IProtocolFactory",
    "IProtocolNegotiationFactory",
]


class ILoggingContext(Interface, Protocol):
    """Something that names itself in log lines."""

    def logPrefix(self) -> str:
        """Return a short name for log lines, such as the class of the protocol."""


class IProtocol(Interface, Protocol):
    """The user's side of one stream connection; the reactor calls every method."""

    def dataReceived(self, data: bytes, /) -> object:
        """Take bytes as they come: each call carries one or more octets, cut anywhere."""

    def connectionLost(self, reason: Failure, /) -> object:
        """Take notice that the connection is over. Called once, and nothing is called after it.

        Args:
            reason: holds ConnectionDone (closed in order), ConnectionLost or ConnectionAborted (broken), or the
                exception of a hook that raised.
        """

    def makeConnection(self, transport: Any, /) -> object:
        """Take the transport, an `ITransport`, and call `connectionMade`. Called once, before all else."""

    def connectionMade(self) -> object:
        """Begin: the connection stands and may be written to."""


class IHalfCloseableProtocol(Interface, Protocol):
    """A protocol that outlives the closing of one direction; without it, either one ends the connection."""

    def readConnectionLost(self) -> object:
        """Take notice that the peer will send no more. Whoever is told so has to call `loseConnection` in the end."""

    def writeConnectionLost(self) -> object:
        """Take notice that our direction is closed, which for TCP is when `loseWriteConnection` has flushed."""


class IHandshakeListener(Interface, Protocol):
    """A protocol that wants to know when its TLS transport is ready."""

    def handshakeCompleted(self) -> object:
        """Take notice that the TLS handshake, or a renegotiation, is done and the peer's certificate can be read."""


class IFileDescriptorReceiver(Interface, Protocol):
    """A protocol over a UNIX socket that accepts file descriptors."""

    def fileDescriptorReceived(self, descriptor: int, /) -> object:
        """Take a descriptor that the peer has sent; it belongs to the protocol, which closes it."""


class IProtocolFactory(Interface, Protocol):
    """What makes a protocol for each connection, and lives as long as the port or connector."""

    def buildProtocol(self, addr: Any, /) -> IProtocol | None:
        """Make the protocol of a new connection.

        Args:
            addr: the `IAddress` of the peer.

        Returns: the protocol, or None to refuse; the connection is then closed.
        """

    def doStart(self) -> object:
        """Take notice of one more port or connector that uses this factory."""

    def doStop(self) -> object:
        """Take notice that one port or connector stopped using it."""


class IProtocolNegotiationFactory(Interface, Protocol):
    """A factory whose TLS connections choose their protocol by ALPN."""

    def acceptableProtocols(self) -> list[bytes]:
        """Return the ALPN names that are spoken here (`b"h2"`, `b"http/1.1"`), the preferred one first."""
