"""Forwarding a TCP port to another host.  Floor 3.

    reactor.listenTCP(8080, ProxyFactory("backend.example", 80))

Each side is the producer of the other: a slow reader slows the other side's peer down, and memory stays small.

Twisted: `twisted.protocols.portforward`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage._publish import publish
from selvage.failure import Failure
from selvage.protocols._factory import ClientFactory, Factory
from selvage.protocols._mention import mention
from selvage.protocols._protocol import Protocol, connectionDone
from selvage.protocols._relay import join, part

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["Proxy", "ProxyClient", "ProxyClientFactory", "ProxyFactory", "ProxyServer"]


class Proxy(Protocol):
    """One side of a forwarded connection."""

    #: Whether a connection that was lost before the other side was there is mentioned to the log.
    noisy = True
    #: The other side.
    peer: Any = None
    #: Both sides' transports are each other's producers.
    _is_joined = False

    def setPeer(self, peer: Proxy | None) -> None:
        """Tell which one the other side is."""
        self.peer = peer

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close the other side."""
        peer, self.peer = self.peer, None
        if self._is_joined:
            part(peer.transport)
        elif peer is not None:
            peer.transport.loseConnection()
        elif self.noisy:
            mention(self, "Unable to connect to peer: {reason}", reason=reason)

    def dataReceived(self, data: bytes) -> None:
        """Send it to the other side."""
        self.peer.transport.write(data)


class ProxyClient(Proxy):
    """The side that connects onward."""

    def connectionMade(self) -> None:
        """Join both sides and let the first one begin."""
        peer = self.peer
        peer.setPeer(self)
        join(self.transport, peer.transport)
        self._is_joined = peer._is_joined = True
        peer.transport.resumeProducing()


class ProxyClientFactory(ClientFactory[Any]):
    """Connects onward for one accepted connection."""

    protocol = ProxyClient
    server: Any = None

    def setServer(self, server: Any) -> None:
        """Tell which connection to connect for."""
        self.server = server

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Make the onward side."""
        client = super().buildProtocol(addr)
        if client is not None:
            client.setPeer(self.server)
        return client

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Close the connection that nobody can be found for."""
        self.server.transport.loseConnection()


class ProxyServer(Proxy):
    """The side that was accepted; reads nothing before the other side is there."""

    #: Makes the factory that connects onward.
    clientProtocolFactory: Any = ProxyClientFactory
    #: What connects onward; the ambient reactor by default.
    reactor: Any = None
    #: The attempt to connect onward.
    _connector: Any = None

    def connectionMade(self) -> None:
        """Connect onward."""
        transport: Any = self.transport
        transport.pauseProducing()
        client = self.clientProtocolFactory()
        client.setServer(self)
        if self.reactor is None:
            from selvage.reactor import get_reactor

            self.reactor = get_reactor()
        self._connector = self.reactor.connectTCP(self.factory.host, self.factory.port, client)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close the other side; give it up, if it is not there yet."""
        connector, self._connector = self._connector, None
        if self.peer is None and connector is not None:
            connector.disconnect()
        super().connectionLost(reason)


class ProxyFactory(Factory[Any]):
    """Forwards every connection to one place.

    Args:
        host: and port: where to connect onward.
    """

    protocol = ProxyServer

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port


publish(globals())
