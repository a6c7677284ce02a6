"""The reactor's socket methods, for `selvage.reactor` to compose with the loop's part.  Floor 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.interfaces import Binding, IReactorTCP, implementer

from . import tcp
from ._engine import Engine

if TYPE_CHECKING:
    import asyncio

__all__ = ["TCPReactorMixin", "TransportsMixin"]


class TransportsMixin:
    """What all of them share: the `Engine`, and the transports among what the reactor watches.

    Goes before the class that has `_asyncioEventloop`, `removeAll`, `getReaders` and `disconnectAll`.
    """

    _asyncioEventloop: asyncio.AbstractEventLoop
    _engine: Engine | None = None

    def _transport_engine(self) -> Engine:
        """Return what this reactor's transports share; a new one when the reactor was given a new loop."""
        engine = self._engine
        if engine is None or engine.loop is not self._asyncioEventloop:
            engine = self._engine = Engine(self, self._asyncioEventloop)
        return engine

    def removeAll(self) -> list[Any]:
        """Take every descriptor, port and connection from the reactor and return them."""
        watched: list[Any] = list(super().removeAll())  # type: ignore[misc]
        if self._engine is not None:
            for transport in list(self._engine.open):
                transport.stopReading()
                watched.append(transport)
            self._engine.open.clear()
        return watched

    def getReaders(self) -> list[Any]:
        """Return what is watched for reading, ports and connections included."""
        readers: list[Any] = list(super().getReaders())  # type: ignore[misc]
        if self._engine is not None:
            readers.extend(self._engine.open)
        return readers


@implementer(IReactorTCP)
class TCPReactorMixin(TransportsMixin):
    """TCP."""

    def listenTCP(
        self, port: int | Binding, factory: Any, backlog: int = 50, interface: str | None = ""
    ) -> tcp.Port:
        """Accept connections, from before this returns.

        Args:
            port: 0 to 65535; 0 lets the system choose, `getHost` tells which.  Or what `makeBinding` returns.
            factory: makes a protocol for each connection.  A class or object with a `protocol` will do.
            backlog: how many connections the system may keep waiting to be accepted.
            interface: IP literal of the local address; empty for every IPv4 address, "::" for every IPv6 one.

        Raises:
            CannotListenError: the address is taken, forbidden or not of this machine.
        """
        listening = tcp.Port(port, factory, backlog, interface, self)
        listening.startListening()
        return listening

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float | None = 30, bindAddress: Any = None
    ) -> tcp.Connector:
        """Connect; the outcome is told to the factory.

        Args:
            host: a name or an IP literal.
            port: 1 to 65535, or the name of a service.
            timeout: seconds for the attempt; None for as long as the system tries.
            bindAddress: an IP literal, a pair of literal and port, or what `makeBinding` returns, to connect from.

        Raises:
            ServiceNameUnknownError: the system knows no service of that name.
        """
        connector = tcp.Connector(host, port, factory, timeout, bindAddress, self)
        connector.connect()
        return connector
