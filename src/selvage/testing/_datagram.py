"""A datagram transport that keeps what is sent."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from selvage.addresses import IPv4Address
from selvage.interfaces import IUDPTransport

__all__ = ["FakeDatagramTransport"]


@implementer(IUDPTransport)
class FakeDatagramTransport:
    """Keep each datagram and where it was to go.

    Attributes:
        written: pairs of (packet, address), in order; `noAddr` stands where none was given.
    """

    noAddr = object()

    def __init__(self) -> None:
        self.written: list[tuple[bytes, Any]] = []
        self._connected: tuple[str, int] | None = None
        self._broadcast = False

    def write(self, packet: bytes, addr: Any = noAddr) -> None:
        """Keep one datagram."""
        self.written.append((packet, addr))

    def connect(self, host: str, port: int) -> None:
        """Remember a peer."""
        self._connected = (host, port)

    def getHost(self) -> IPv4Address:
        """Return an address that nothing listens on."""
        return IPv4Address("UDP", "10.0.0.1", 12345)

    def stopListening(self) -> None:
        """Do nothing."""

    def setBroadcastAllowed(self, enabled: bool) -> None:
        """Remember the wish."""
        self._broadcast = enabled

    def getBroadcastAllowed(self) -> bool:
        """Return the wish."""
        return self._broadcast
