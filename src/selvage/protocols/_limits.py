"""Limits on how many connections there are.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selvage.protocols._factory import ServerFactory
from selvage.protocols._refusals import Refusing, TooManyConnections
from selvage.protocols._wrapping import ProtocolWrapper, WrappingFactory

if TYPE_CHECKING:
    from selvage.interfaces import IAddress


__all__ = ["LimitConnectionsByPeer", "LimitTotalConnectionsFactory"]


class LimitConnectionsByPeer(Refusing, WrappingFactory[Any]):
    """Limits how many connections one host may have.

    Twisted: raises `TypeError` for every connection, since addresses are objects.
    """

    #: Connections beyond this are closed at once.  Twisted's figure.
    maxConnectionsPerPeer = 5

    def __init__(self, wrappedFactory: Any) -> None:
        super().__init__(wrappedFactory)
        #: How many connections each host has.
        self.peerConnections: dict[Any, int] = {}

    def startFactory(self) -> None:
        """Begin to count."""
        self.peerConnections = {}

    @staticmethod
    def _host(addr: Any) -> Any:
        return getattr(addr, "host", addr)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Build a protocol, unless its peer has as many connections as may be."""
        host = self._host(addr)
        count = self.peerConnections.get(host, 0)
        if count >= self.maxConnectionsPerPeer:
            self.refusals.add(TooManyConnections(str(host), self.maxConnectionsPerPeer), addr)
            return None
        protocol = super().buildProtocol(addr)
        if protocol is not None:
            self.peerConnections[host] = count + 1
        return protocol

    def unregisterProtocol(self, p: Any) -> None:
        """Count one connection of its peer less."""
        super().unregisterProtocol(p)
        host = self._host(p.getPeer())
        left = self.peerConnections.get(host, 1) - 1
        if left:
            self.peerConnections[host] = left
        else:
            self.peerConnections.pop(host, None)


class LimitTotalConnectionsFactory(Refusing, ServerFactory[Any]):
    """Limits how many connections there are."""

    #: How many there are.
    connectionCount = 0
    #: How many there may be; None for no limit.
    connectionLimit: int | None = None
    #: Called to build the protocol of a connection beyond the limit, which counts too; None closes it at once.
    overflowProtocol: Callable[[], Any] | None = None

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Build a protocol, or the one for connections beyond the limit."""
        if self.connectionLimit is None or self.connectionCount < self.connectionLimit:
            wrapped = super().buildProtocol(addr)
        elif self.overflowProtocol is None:
            self.refusals.add(TooManyConnections(None, self.connectionLimit), addr)
            return None
        else:
            wrapped = self.overflowProtocol()
            wrapped.factory = self
        self.connectionCount += 1
        return ProtocolWrapper(self, wrapped)

    def registerProtocol(self, p: Any) -> None:
        """Nothing: it was counted when it was built."""

    def unregisterProtocol(self, p: Any) -> None:
        """Count one connection less."""
        self.connectionCount -= 1
