"""What every policy is made of: a factory whose protocols stand between transport and protocol.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from zope.interface import alsoProvides, directlyProvides, providedBy

from selvage.errors import AlreadyCalled, AlreadyCancelled
from selvage.failure import Failure
from selvage.interfaces import (
    IFileDescriptorReceiver,
    IHalfCloseableProtocol,
    IHandshakeListener,
    ILoggingContext,
)
from selvage.protocols._factory import ClientFactory
from selvage.protocols._protocol import Protocol, connectionDone

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["ProtocolWrapper", "WrappingFactory", "call_later", "cancel"]


def call_later(period: float, function: Callable[..., object]) -> Any:
    """Schedule `function` on the ambient reactor."""
    from selvage.reactor import get_reactor

    return get_reactor().callLater(period, function)


def cancel(call: Any) -> None:
    """Cancel a delayed call that may have been called or cancelled already."""
    try:
        call.cancel()
    except (AlreadyCalled, AlreadyCancelled):
        pass


def _prefix(wrapped: Any, wrapper: object) -> str:
    name = wrapped.logPrefix() if ILoggingContext.providedBy(wrapped) else type(wrapped).__name__
    return f"{name} ({type(wrapper).__name__})"


class ProtocolWrapper(Protocol):
    """Stands between a transport and a protocol: to each it looks like the other.

    Has every attribute of the transport, and provides every interface that it provides.

    Args:
        factory: is told of the connection's beginning and end (`registerProtocol`, `unregisterProtocol`).
        wrappedProtocol: the protocol.
    """

    disconnecting: Any = 0
    _hooks_passed_on: tuple[str, ...] = ()

    def __init__(self, factory: Any, wrappedProtocol: Any) -> None:
        self.wrappedProtocol = wrappedProtocol
        self.factory = factory

    def logPrefix(self) -> str:
        """Return the wrapped protocol's prefix and this class's name."""
        return _prefix(self.wrappedProtocol, self)

    def makeConnection(self, transport: Any) -> None:
        """Take the transport, and be the wrapped protocol's."""
        self._attach(transport)
        self._be_transport_of(self.wrappedProtocol)

    def _be_transport_of(self, protocol: Any) -> None:
        """Begin the wrapped protocol, and hear for it of what only some protocols want to hear of."""
        protocol.makeConnection(self)
        for first, interface in _MORE_HOOKS:
            # Asking zope takes ten times as long, and most protocols end here.
            if hasattr(protocol, first) and interface.providedBy(protocol):
                alsoProvides(self, interface)
                for hook in interface.names():
                    setattr(self, hook, getattr(protocol, hook))
                    self._hooks_passed_on = (*self._hooks_passed_on, hook)

    def _attach(self, transport: Any) -> None:
        """Take the transport."""
        directlyProvides(self, providedBy(transport))
        super().makeConnection(transport)
        self.factory.registerProtocol(self)

    # --- To the protocol: a transport ------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send."""
        self.transport.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send the joined pieces."""
        self.transport.writeSequence(data)

    def loseConnection(self) -> None:
        """Close when all is sent."""
        self.disconnecting = 1
        self.transport.loseConnection()

    def getPeer(self) -> Any:
        """Return the peer's address."""
        return self.transport.getPeer()

    def getHost(self) -> Any:
        """Return our own address."""
        return self.transport.getHost()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """As `IConsumer.registerProducer`."""
        transport: Any = self.transport
        transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """As `IConsumer.unregisterProducer`."""
        transport: Any = self.transport
        transport.unregisterProducer()

    def stopConsuming(self) -> None:
        """Let go of the producer and close."""
        transport: Any = self.transport
        transport.stopConsuming()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    # --- To the transport: a protocol ------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Hand on."""
        self.wrappedProtocol.dataReceived(data)

    def take_unread(self) -> bytes:
        """Give out what the wrapped protocol received and has not looked at; `startTLS` asks."""
        take = getattr(self.wrappedProtocol, "take_unread", None)
        unread: bytes = b"" if take is None else take()
        return unread

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Hand on, and let go of the wrapped protocol, which holds us as its transport."""
        self.factory.unregisterProtocol(self)
        try:
            self.wrappedProtocol.connectionLost(reason)
        finally:
            self.wrappedProtocol = None
            for hook in self._hooks_passed_on:
                delattr(self, hook)


#: What a protocol may provide beyond `IProtocol`, each with one of its hooks.  Twisted: a wrapped protocol hears of none.
_MORE_HOOKS: tuple[tuple[str, Any], ...] = (
    ("readConnectionLost", IHalfCloseableProtocol),
    ("fileDescriptorReceived", IFileDescriptorReceiver),
    ("handshakeCompleted", IHandshakeListener),
)

WP = TypeVar("WP", bound=ProtocolWrapper)


class WrappingFactory(ClientFactory[WP]):
    """Wraps the protocols of another factory.

    Args:
        wrappedFactory: builds the protocols; it is told of everything that this factory is told.
    """

    protocol: Any = ProtocolWrapper

    def __init__(self, wrappedFactory: Any) -> None:
        self.wrappedFactory = wrappedFactory
        #: The connections that are open.
        self.protocols: dict[Any, int] = {}

    def logPrefix(self) -> str:
        """Return the wrapped factory's prefix and this class's name."""
        return _prefix(self.wrappedFactory, self)

    def doStart(self) -> None:
        """Count for both factories."""
        self.wrappedFactory.doStart()
        super().doStart()

    def doStop(self) -> None:
        """Count for both factories."""
        self.wrappedFactory.doStop()
        super().doStop()

    def startedConnecting(self, connector: Any) -> None:
        """Hand on."""
        self.wrappedFactory.startedConnecting(connector)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Hand on."""
        self.wrappedFactory.clientConnectionFailed(connector, reason)

    def clientConnectionLost(self, connector: Any, reason: Failure) -> None:
        """Hand on."""
        self.wrappedFactory.clientConnectionLost(connector, reason)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Wrap what the wrapped factory builds; None when it builds none."""
        return self._wrap(self.wrappedFactory.buildProtocol(addr))

    def _wrap(self, protocol: Any, *more: Any) -> Any:
        return None if protocol is None else self.protocol(self, protocol, *more)

    def registerProtocol(self, p: Any) -> None:
        """Note that a connection is open; called by its wrapper."""
        self.protocols[p] = 1

    def unregisterProtocol(self, p: Any) -> None:
        """Note that a connection is over; called by its wrapper."""
        self.protocols.pop(p, None)
