"""What stands between a reactor's `connect...` and the Deferred of an endpoint.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zope.interface import directlyProvides

from selvage.defer import Deferred, fail
from selvage.errors import ConnectingCancelledError, NoProtocol
from selvage.failure import Failure
from selvage.interfaces import (
    IFileDescriptorReceiver,
    IHalfCloseableProtocol,
    IHandshakeListener,
    ILoggingContext,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
    implementer,
)
from selvage.protocols import ClientFactory, Factory, Protocol, connectionDone
from selvage.transports._stream import Connection

if TYPE_CHECKING:
    from selvage.interfaces import IListeningPort, IProtocol, IProtocolFactory

__all__ = [
    "_WrapperEndpoint",
    "_WrapperServerEndpoint",
    "_WrappingFactory",
    "_WrappingProtocol",
    "connectProtocol",
    "connect_by",
]

# A transport asks by these whether its protocol wants more than bytes; the wrapper provides what the wrapped one does.
_OPTIONAL = (IHalfCloseableProtocol, IFileDescriptorReceiver, IHandshakeListener)


class _WrappingProtocol(Protocol):
    """Tells an endpoint that its connection is there, and is only an envelope from then on.

    On a connection of ours it takes itself out of the way: the transport calls the wrapped protocol directly, so that
    a connection made through an endpoint costs per segment what any other costs.
    """

    def __init__(self, connectedDeferred: Deferred[Any], wrappedProtocol: Any) -> None:
        self._connectedDeferred = connectedDeferred
        self._wrappedProtocol = wrappedProtocol
        provided = [interface for interface in _OPTIONAL if interface.providedBy(wrappedProtocol)]
        if provided:
            directlyProvides(self, *provided)

    def logPrefix(self) -> str:
        """Return the wrapped protocol's own prefix, or the name of its class."""
        if ILoggingContext.providedBy(self._wrappedProtocol):
            return str(self._wrappedProtocol.logPrefix())
        return str(self._wrappedProtocol.__class__.__name__)

    def connectionMade(self) -> None:
        """Hand the transport on, then fire; a protocol that cannot begin fails the attempt, and the connection is closed."""
        transport: Any = self.transport
        wrapped = self._wrappedProtocol
        try:
            wrapped.makeConnection(transport)
        except Exception:
            if self._connectedDeferred.called:
                raise
            transport.loseConnection()
            self._connectedDeferred.errback(Failure())
            return
        if isinstance(transport, Connection) and transport.protocol is self:
            transport.protocol = wrapped
        self._connectedDeferred.callback(wrapped)

    def dataReceived(self, data: bytes) -> None:
        """Hand on."""
        self._wrappedProtocol.dataReceived(data)

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Hand on."""
        self._wrappedProtocol.fileDescriptorReceived(descriptor)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Hand on."""
        self._wrappedProtocol.connectionLost(reason)

    def readConnectionLost(self) -> None:
        """Hand on."""
        self._wrappedProtocol.readConnectionLost()

    def writeConnectionLost(self) -> None:
        """Hand on."""
        self._wrappedProtocol.writeConnectionLost()

    def handshakeCompleted(self) -> None:
        """Hand on."""
        self._wrappedProtocol.handshakeCompleted()


class _WrappingFactory(ClientFactory[Any]):
    """A factory for one attempt: `_onConnection` fires with the protocol that the wrapped factory makes."""

    protocol = _WrappingProtocol  # type: ignore[assignment]

    def __init__(self, wrappedFactory: IProtocolFactory) -> None:
        self._wrappedFactory = wrappedFactory
        self._connector: Any = None
        self._onConnection: Deferred[Any] = Deferred(self._cancel)

    def _cancel(self, deferred: Deferred[Any]) -> None:
        """Give the attempt up.  Failing first, so that what stopConnecting reports comes too late to matter."""
        connector = self._connector
        deferred.errback(ConnectingCancelledError(connector.getDestination()))
        connector.stopConnecting()

    def startedConnecting(self, connector: Any) -> None:
        """Remember whom to tell when the attempt is given up."""
        self._connector = connector

    def doStart(self) -> None:
        """Count for the wrapped factory."""
        self._wrappedFactory.doStart()

    def doStop(self) -> None:
        """Count for the wrapped factory."""
        self._wrappedFactory.doStop()

    def buildProtocol(self, addr: Any) -> Any:
        """Wrap what the wrapped factory builds; a factory that builds none, or raises, fails the attempt."""
        try:
            protocol = self._wrappedFactory.buildProtocol(addr)
            if protocol is None:
                raise NoProtocol()
        except Exception:
            self._onConnection.errback(Failure())
            return None
        return _WrappingProtocol(self._onConnection, protocol)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Fail the attempt, unless that has happened by cancelling."""
        if not self._onConnection.called:
            self._onConnection.errback(reason)


def connect_by(
    method: Callable[..., Any], factory: IProtocolFactory, *before: Any, **options: Any
) -> Deferred[Any]:
    """Call a reactor's `connect...` method with a wrapping factory.

    Args:
        method: called with `before`, the factory, and `options`.
        factory: makes the protocol.

    Fires with the connected protocol.
    Fails with what the attempt fails with, and with what `method` raises.
    """
    try:
        wrapping = _WrappingFactory(factory)
        method(*before, wrapping, **options)
    except Exception:
        return fail(Failure())
    return wrapping._onConnection


@implementer(IStreamClientEndpoint)
class _WrapperEndpoint:
    """A client endpoint whose connections speak another protocol below the application's, such as TLS.

    Args:
        wrappedEndpoint: makes the connections.
        wrapperFactory: makes of the application's factory one whose protocols have a `wrappedProtocol`.
    """

    def __init__(self, wrappedEndpoint: IStreamClientEndpoint, wrapperFactory: Callable[[Any], Any]) -> None:
        self._wrappedEndpoint = wrappedEndpoint
        self._wrapperFactory = wrapperFactory

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._wrappedEndpoint!r}>"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect; fires with the application's protocol."""
        connecting = self._wrappedEndpoint.connect(self._wrapperFactory(protocolFactory))
        return connecting.addCallback(lambda protocol: protocol.wrappedProtocol)


@implementer(IStreamServerEndpoint)
class _WrapperServerEndpoint:
    """A server endpoint whose connections speak another protocol below the application's.

    Args:
        wrappedEndpoint: listens.
        wrapperFactory: makes of the application's factory the one that listens.
    """

    def __init__(self, wrappedEndpoint: IStreamServerEndpoint, wrapperFactory: Callable[[Any], Any]) -> None:
        self._wrappedEndpoint = wrappedEndpoint
        self._wrapperFactory = wrapperFactory

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._wrappedEndpoint!r}>"

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen; fires with the port."""
        return self._wrappedEndpoint.listen(self._wrapperFactory(protocolFactory))


def connectProtocol(endpoint: IStreamClientEndpoint, protocol: IProtocol) -> Deferred[Any]:
    """Connect one protocol that needs no factory.

    Args:
        endpoint: where to connect.
        protocol: the protocol; it serves this connection only.

    Fires with `protocol` once it is connected.
    Fails as `endpoint.connect` fails; cancelling gives the attempt up.
    Twisted: `twisted.internet.endpoints.connectProtocol`.
    """

    class OneProtocol(Factory[Any]):
        def buildProtocol(self, addr: Any) -> Any:
            return protocol

    OneProtocol.noisy = False
    return endpoint.connect(OneProtocol())
