"""Transports of datagram protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._base import Interface, Protocol

if TYPE_CHECKING:
    from selvage.defer import Deferred


__all__ = [
    "IMulticastTransport",
    "IUDPTransport",
    "IUNIXDatagramConnectedTransport",
    "IUNIXDatagramTransport",
]


class IUDPTransport(Interface, Protocol):
    """A UDP socket."""

    def write(self, packet: bytes, addr: tuple[str, int] | None) -> object:
        """Send one datagram.

        Args:
            packet: one datagram, at most 65507 octets over IPv4.
            addr: (IP literal, port) of the receiver; None, or the connected one, after `connect`.

        Raises:
            MessageLengthError: the packet is too long.
        """

    def connect(self, host: str, port: int) -> None:
        """Send to and receive from one peer only, which also makes refusals known to the protocol.

        Args:
            host: an IP literal, not a name.
        """

    def getHost(self) -> Any:
        """Return the address of the socket, an `IPv4Address` or `IPv6Address`."""

    def stopListening(self) -> Deferred[Any] | None:
        """Close the socket.

        Returns: None when that is done at once, else a Deferred.
        Fires with None when it is closed.
        """

    def setBroadcastAllowed(self, enabled: bool) -> None:
        """Allow or forbid sending to broadcast addresses (SO_BROADCAST)."""

    def getBroadcastAllowed(self) -> bool:
        """Tell whether sending to broadcast addresses is allowed."""


class IMulticastTransport(IUDPTransport, Protocol):
    """A UDP socket that can join multicast groups."""

    def getOutgoingInterface(self) -> str | int:
        """Return the interface that multicast leaves through: an IPv4 literal, or the index of an IPv6 interface."""

    def setOutgoingInterface(self, addr: str | int) -> Deferred[int]:
        """Choose the interface that multicast leaves through, given as `getOutgoingInterface` returns it.

        Fires with 1, or 0 when that failed.
        """

    def getLoopbackMode(self) -> bool:
        """Tell whether what is sent to a group also comes back to this machine."""

    def setLoopbackMode(self, mode: bool) -> None:
        """Let what is sent to a group come back to this machine, or not."""

    def getTTL(self) -> int:
        """Return how many routers a multicast packet may cross."""

    def setTTL(self, ttl: int) -> None:
        """Set how many routers a multicast packet may cross, 0 to 255."""

    def joinGroup(self, addr: str, interface: str = "") -> Deferred[Any]:
        """Join a group.

        Args:
            addr: the group's address.
            interface: address of the local interface; empty lets the system choose.

        Fires with None.
        Fails with MulticastJoinError.
        """

    def leaveGroup(self, addr: str, interface: str = "") -> Deferred[Any]:
        """Leave a group, named as for `joinGroup`.

        Fires with None.
        """


class IUNIXDatagramTransport(Interface, Protocol):
    """A UNIX datagram socket."""

    def write(self, packet: bytes, addr: str) -> object:
        """Send one datagram to the socket at path `addr`."""

    def getHost(self) -> Any:
        """Return the `UNIXAddress` of the socket."""


class IUNIXDatagramConnectedTransport(Interface, Protocol):
    """A UNIX datagram socket with one peer."""

    def write(self, packet: bytes) -> object:
        """Send one datagram to the peer."""

    def getHost(self) -> Any:
        """Return the `UNIXAddress` of the socket."""

    def getPeer(self) -> Any:
        """Return the `UNIXAddress` of the peer."""
