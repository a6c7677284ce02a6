"""The reactor's sockets: TCP, UDP, UNIX, adopted ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._base import Interface, Protocol

if TYPE_CHECKING:
    import socket

    from ._address import Binding, IConnector, IListeningPort
    from ._protocol import IProtocolFactory

__all__ = [
    "IReactorMulticast",
    "IReactorSocket",
    "IReactorTCP",
    "IReactorTCP2",
    "IReactorUDP",
    "IReactorUNIX",
    "IReactorUNIXDatagram",
]


class IReactorTCP(Interface, Protocol):
    """A reactor with TCP."""

    def listenTCP(
        self, port: int, factory: IProtocolFactory, backlog: int = 50, interface: str = ""
    ) -> IListeningPort:
        """Accept connections.

        Args:
            port: 0 to 65535; 0 lets the system choose, `getHost` tells which.
            factory: makes a protocol for each connection.
            backlog: how many connections the system may keep waiting to be accepted.
            interface: IP literal of the local address; empty for every IPv4 address, "::" for every IPv6 one.

        Raises:
            CannotListenError: the address is taken, forbidden or not of this machine.
        """

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: IProtocolFactory,
        timeout: float = 30.0,
        bindAddress: tuple[str, int] | None = None,
    ) -> IConnector:
        """Connect; the outcome is told to the factory.

        Args:
            host: a name or an IP literal.
            timeout: seconds for the attempt.
            bindAddress: (IP literal, port) to connect from.
        """


class IReactorTCP2(IReactorTCP, Protocol):
    """A reactor with TCP whose binding can be chosen in detail, by what `makeBinding` returns."""

    def listenTCP(
        self, port: int | Binding, factory: IProtocolFactory, backlog: int = 50, interface: str | None = None
    ) -> IListeningPort:
        """Accept connections, as in `IReactorTCP`; `port` may be a Binding, which then says the interface too."""

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: IProtocolFactory,
        timeout: float = 30.0,
        bindAddress: tuple[str, int] | Binding | None = None,
    ) -> IConnector:
        """Connect, as in `IReactorTCP`; `bindAddress` may be a Binding."""


class IReactorUNIX(Interface, Protocol):
    """A reactor with UNIX stream sockets."""

    def connectUNIX(
        self, address: str | bytes, factory: IProtocolFactory, timeout: float = 30, checkPID: bool = False
    ) -> IConnector:
        """Connect; the outcome is told to the factory.

        Args:
            address: path of the socket; with a leading NUL, a name in Linux's abstract namespace.
            timeout: seconds for the attempt.
            checkPID: refuse unless the process that left its number beside the socket is alive.
        """

    def listenUNIX(
        self,
        address: str | bytes,
        factory: IProtocolFactory,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
    ) -> IListeningPort:
        """Accept connections.

        Args:
            address: path of the socket to make; with a leading NUL, a name in Linux's abstract namespace.
            backlog: how many connections the system may keep waiting to be accepted.
            mode: permission bits of the socket's file.
            wantPID: leave our process number beside the socket, and clear away a dead process's socket.

        Raises:
            CannotListenError: the path is taken or forbidden.
        """


class IReactorUNIXDatagram(Interface, Protocol):
    """A reactor with UNIX datagram sockets."""

    def connectUNIXDatagram(
        self, address: str, protocol: Any, maxPacketSize: int, mode: int, bindAddress: str | None
    ) -> IConnector:
        """Connect a datagram socket.

        Args:
            address: path of the peer's socket.
            protocol: a `ConnectedDatagramProtocol`.
            maxPacketSize: octets of the longest datagram that is read whole.
            mode: permission bits of our socket's file.
            bindAddress: path of our socket; None for none.
        """

    def listenUNIXDatagram(
        self, address: str, protocol: Any, maxPacketSize: int, mode: int
    ) -> IListeningPort:
        """Receive datagrams on a socket made at the path `address`; arguments as above."""


class IReactorUDP(Interface, Protocol):
    """A reactor with UDP."""

    def listenUDP(self, port: int, protocol: Any, interface: str, maxPacketSize: int) -> IListeningPort:
        """Receive datagrams.

        Args:
            port: 0 to 65535; 0 lets the system choose.
            protocol: a `DatagramProtocol`.
            interface: IP literal of the local address; empty for every IPv4 address.
            maxPacketSize: octets of the longest datagram that is read whole.

        Raises:
            CannotListenError: the address is taken, forbidden or not of this machine.
        """


class IReactorMulticast(Interface, Protocol):
    """A reactor with UDP multicast."""

    def listenMulticast(
        self,
        port: int,
        protocol: Any,
        interface: str = "",
        maxPacketSize: int = 8192,
        listenMultiple: bool = False,
    ) -> IListeningPort:
        """Receive datagrams on a socket that can join groups; its transport is an `IMulticastTransport`.

        Args:
            interface: as for `listenUDP`; an IPv6 literal, such as "::", makes an IPv6 socket.
            listenMultiple: let other sockets bind the same port (SO_REUSEADDR, SO_REUSEPORT).
        """


class IReactorSocket(Interface, Protocol):
    """A reactor that takes over sockets made elsewhere.

    The descriptor is duplicated: it stays the caller's, who may close it when the method returns. It has to be
    non-blocking.
    """

    def adoptStreamPort(
        self, fileDescriptor: int, addressFamily: socket.AddressFamily, factory: IProtocolFactory
    ) -> IListeningPort:
        """Accept connections on a stream socket that listens already.

        Raises:
            UnsupportedAddressFamily: the family is none of IPv4, IPv6 and, where there is such, UNIX.
            UnsupportedSocketType: it is no stream socket.
        """

    def adoptStreamConnection(
        self, fileDescriptor: int, addressFamily: socket.AddressFamily, factory: IProtocolFactory
    ) -> Any:
        """Serve a stream socket that is connected already; the factory's `doStart` and `doStop` are not called.

        Raises: as `adoptStreamPort`.
        """

    def adoptDatagramPort(
        self, fileDescriptor: int, addressFamily: socket.AddressFamily, protocol: Any, maxPacketSize: int
    ) -> IListeningPort:
        """Receive datagrams on a socket that is bound already.

        Raises:
            UnsupportedAddressFamily: the family is neither IPv4 nor IPv6.
            UnsupportedSocketType: it is no datagram socket.
        """
