"""The proxy itself: what it accepts it connects to the service, and the faults lie between client and proxy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from selvage.defer import Deferred
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.interfaces import IHalfCloseableProtocol, IStreamClientEndpoint
from selvage.protocols import Factory, Protocol, connectionDone
from selvage.testing._addresses import shown
from selvage.testing.faults._last_words import when_sent

__all__ = ["ChaosFactory", "Event"]

#: Something that happened: its name, the connection's name, and what is to be said of it.
Event = Callable[[str, str, dict[str, Any]], object]


@implementer(IHalfCloseableProtocol)
class _Side(Protocol):
    """One side of a connection through the proxy; gives what it receives to the other side."""

    other: _Side | None = None
    #: Bytes received.
    count = 0
    _heard_all = False  # the peer has said its last word
    _said_all = False  # ... and was told the other side's

    def dataReceived(self, data: bytes) -> None:
        """Hand over."""
        self.count += len(data)
        assert self.other is not None
        self.other.transport.write(data)

    def readConnectionLost(self) -> None:
        """Nothing more will come: say so on the other side, whose own words still pass."""
        self._heard_all = True
        if self.other is not None:
            transport: Any = self.other.transport
            transport.unregisterProducer()
            transport.loseWriteConnection()
            self.other._said_all = True
            self._leave_if_done()
            self.other._leave_if_done()

    def _leave_if_done(self) -> None:
        """A transport whose two directions have ended is still open until it is told."""
        if self._heard_all and self._said_all:
            self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """The other side's words have all been said."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End the other side the same way: in order, or by a reset."""
        other, self.other = self.other, None
        if other is not None:
            other.other = None
            transport: Any = other.transport
            transport.unregisterProducer()
            if reason.check(ConnectionDone):
                transport.loseConnection()
            else:
                when_sent(transport, transport.abortConnection)


class _Client(_Side):
    """What a client is connected to: connects to the service before anything is read."""

    _connecting: Deferred[Any] | None = None
    _server: _Side | None = None

    def __init__(self, factory: ChaosFactory) -> None:
        self._factory = factory

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.pauseProducing()
        self._factory.clients.add(self)
        self._factory.tell("connection", self, peer=shown(transport.getPeer()))
        self._connecting = self._factory.service.connect(Factory.forProtocol(_Side))
        self._connecting.addCallbacks(self._connected, self._failed)

    def _connected(self, server: _Side) -> None:
        self._connecting = None
        transport: Any = self.transport
        there: Any = server.transport
        self._server = self.other = server
        server.other = self
        transport.registerProducer(there, True)
        there.registerProducer(transport, True)
        transport.resumeProducing()

    def _failed(self, failure: Failure) -> None:
        self._connecting = None
        self._factory.tell("unreachable", self, error=failure.getErrorMessage())
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._connecting is not None:
            connecting, self._connecting = self._connecting, None
            connecting.addErrback(lambda _: None)
            connecting.cancel()
        super().connectionLost(reason)
        self.tell_end(reason.type.__name__)

    def tell_end(self, reason: str) -> None:
        """Say that it is over, once."""
        if self in self._factory.clients:
            self._factory.clients.discard(self)
            to_client = 0 if self._server is None else self._server.count
            self._factory.tell("closed", self, to_server=self.count, to_client=to_client, reason=reason)


class ChaosFactory(Factory[Any]):
    """Connects each client to a service; listen with `plan.factory` of it.

    Args:
        service: where the service is.
        event: called with what happens.

    Attributes:
        clients: those that are connected.
    """

    noisy = False

    def __init__(self, service: IStreamClientEndpoint, event: Event) -> None:
        self.service: Any = service
        self._event = event
        self.clients: set[_Client] = set()

    def buildProtocol(self, addr: Any) -> Any:
        """Make the client's side."""
        return _Client(self)

    def tell(self, event: str, client: _Client, **facts: Any) -> None:
        """Say what happened to a client."""
        transport: Any = client.transport
        self._event(event, transport.target, facts)

    def end(self) -> None:
        """Break what is still connected, and count it."""
        for client in list(self.clients):
            client.tell_end("the proxy has ended")
            transport: Any = client.transport
            transport.abortConnection()
