"""UDP: ports, multicast.  Floor 2.

Made by ``reactor.listenUDP`` and ``reactor.listenMulticast``.  Twisted: `twisted.internet.udp`.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

from selvage._hostnames import shortened
from selvage.addresses import IPv4Address, IPv6Address
from selvage.defer import Deferred, fail, succeed
from selvage.errors import InvalidAddressError, InvalidPortError, MulticastJoinError
from selvage.interfaces import IMulticastTransport, IUDPTransport, implementer

from ._datagram import BaseDatagramPort, _sockErrReadIgnore, _sockErrReadRefuse
from ._ip import _resolveIPv6, isIPAddress, isIPv6Address
from ._writing import BYTES_LIKE, not_bytes

__all__ = ["MulticastMixin", "MulticastPort", "Port", "_sockErrReadIgnore", "_sockErrReadRefuse"]

#: How many hosts `write` remembers to have checked; a table of that size is small, and few programs talk to as many.
_HOSTS_REMEMBERED = 4096


@implementer(IUDPTransport)
class Port(BaseDatagramPort):
    """A UDP socket with a protocol.

    Args:
        port: 0 to 65535; 0 lets the system choose.
        proto: a `DatagramProtocol`.
        interface: IP literal of the local address; empty for every IPv4 address, "::" for every IPv6 one.
        maxPacketSize: octets of the longest datagram that is read whole.

    Raises:
        InvalidAddressError: `interface` is no IP literal.
    """

    _realPortNumber: int | None = None

    def __init__(
        self, port: int, proto: Any, interface: str = "", maxPacketSize: int = 8192, reactor: Any = None
    ) -> None:
        super().__init__(proto, maxPacketSize, reactor)
        self.port = port
        self.interface = interface
        # Hosts that are known to be literals of our family: looked at for each datagram.
        self._hosts = {"<broadcast>"}
        self._set_family()

    @classmethod
    def _fromListeningDescriptor(
        cls, reactor: Any, fd: int, addressFamily: int, protocol: Any, maxPacketSize: int
    ) -> Port:
        """Return a port on a duplicate of a socket that is bound already."""
        adopted = socket.fromfd(fd, addressFamily, cls.socketType)
        adopted.setblocking(False)
        name = adopted.getsockname()
        self = cls(name[1], protocol, interface=name[0], maxPacketSize=maxPacketSize, reactor=reactor)
        self._adopted = adopted
        return self

    def _set_family(self) -> None:
        if isIPv6Address(self.interface):
            self.addressFamily = socket.AF_INET6
            self._delivers_as_received = False
        elif self.interface and not isIPAddress(self.interface):
            raise InvalidAddressError(self.interface, "not an IPv4 or IPv6 address.")

    def _bound(self) -> socket.socket:
        address: Any = (self.interface, self.port)
        if self.addressFamily == socket.AF_INET6:
            address = _resolveIPv6(self.interface, self.port)
        sock: socket.socket = self.createInternetSocket()
        try:
            sock.bind(address)
        except BaseException:
            sock.close()
            raise
        return sock

    def startListening(self) -> None:
        """Bind and receive; ports from `listenUDP` have done so already.

        Raises:
            CannotListenError: the address is taken, forbidden or not of this machine.
        """
        super().startListening()

    def _asked(self) -> tuple[Any, Any]:
        return self.interface, self.port

    def _local_name(self) -> object:
        if self._realPortNumber is None and self.socket is not None:
            self._realPortNumber = self.socket.getsockname()[1]
        return self._realPortNumber

    def _release(self) -> None:
        super()._release()
        self._realPortNumber = None

    def _deliver(self, data: bytes, address: Any) -> None:
        self.protocol.datagramReceived(data, address[:2])

    def getHost(self) -> Any:
        """Return the address of the socket, with the port number that the system chose when 0 was asked for."""
        name = self.socket.getsockname()
        if len(name) == 2:
            return IPv4Address("UDP", *name)
        return IPv6Address("UDP", *name[:2])

    def write(self, datagram: bytes, addr: tuple[str, int] | None = None) -> Any:
        """Send one datagram.

        Args:
            datagram: at most 65507 octets over IPv4.
            addr: (IP literal, port) of the receiver; None, or the connected one, after `connect`.

        Returns: how many octets were taken, or None when the peer is known to be absent.

        Raises:
            InvalidAddressError: `addr` holds a name, a literal of the other family, or a port that cannot be.
            MessageLengthError: the system does not send datagrams of that length.
            TypeError: `datagram` is not bytes.
            OSError: what else the system has against it.
        """
        try:
            if self._connected_to is not None:
                if addr is not None and addr != self._connected_to:
                    raise AssertionError(
                        f"this port is connected to {self._connected_to}: it cannot write to {addr}"
                    )
                return self.socket.send(datagram)
            if addr is None:
                raise AssertionError("write() needs an address, or a connect() before it")
            if addr[0] not in self._hosts:
                self._check_host(addr[0])
            return self.socket.sendto(datagram, addr)
        except OSError as exc:
            return self._send_failed(exc, len(datagram))
        except OverflowError as exc:
            raise InvalidPortError(addr, "a port is a number from 0 to 65535") from exc
        except TypeError as exc:
            if isinstance(datagram, BYTES_LIKE):
                raise
            raise not_bytes(datagram) from exc

    def _check_host(self, host: str) -> None:
        if not isIPAddress(host) and not isIPv6Address(host):
            raise InvalidAddressError(host, "write() only accepts IP addresses, not hostnames")
        if isIPAddress(host) and self.addressFamily == socket.AF_INET6:
            raise InvalidAddressError(host, "IPv6 port write() called with IPv4 address")
        if isIPv6Address(host) and self.addressFamily == socket.AF_INET:
            raise InvalidAddressError(host, "IPv4 port write() called with IPv6 address")
        if len(self._hosts) >= _HOSTS_REMEMBERED:
            self._hosts = {"<broadcast>"}
        self._hosts.add(host)

    def writeSequence(self, seq: Any, addr: tuple[str, int] | None = None) -> Any:
        """Send several pieces as one datagram."""
        return self.write(b"".join(seq), addr)

    def connect(self, host: str, port: int) -> None:
        """Send to and receive from one peer only; then the protocol's `connectionRefused` hears when it is not there.

        Raises:
            RuntimeError: it is connected already.
            InvalidAddressError: `host` is a name or of the other family, or `port` cannot be.
        """
        if self._connected_to is not None:
            raise RuntimeError(
                f"already connected to {self._connected_to}: a UDP port is connected once; listen on another one"
            )
        if not isIPAddress(host) and not isIPv6Address(host):
            raise InvalidAddressError(host, "not an IPv4 or IPv6 address.")
        family = socket.AF_INET6 if isIPv6Address(host) else socket.AF_INET
        if family != self.addressFamily:
            ours = "IPv4" if self.addressFamily == socket.AF_INET else "IPv6"
            raise InvalidAddressError(
                host, f"this port speaks {ours}: listen on an interface of the other family"
            )
        try:
            self.socket.connect((host, port))
        except OverflowError as exc:
            raise InvalidPortError((host, port), "a port is a number from 0 to 65535") from exc
        self._connected_to = (host, port)

    @property
    def _connectedAddr(self) -> Any:
        return self._connected_to

    def setBroadcastAllowed(self, enabled: bool) -> None:
        """Allow or forbid sending to broadcast addresses."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, bool(enabled))

    def getBroadcastAllowed(self) -> bool:
        """Tell whether sending to broadcast addresses is allowed."""
        return bool(self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST))


class MulticastMixin:
    """The multicast options of a UDP socket, IPv4 or IPv6 by the port's family."""

    addressFamily: int
    socket: Any
    reactor: Any

    def _is_v6(self) -> bool:
        return self.addressFamily == socket.AF_INET6

    def _get(self, v4: int, v6: int, size: int = 0) -> Any:
        level, option = (socket.IPPROTO_IPV6, v6) if self._is_v6() else (socket.IPPROTO_IP, v4)
        return self.socket.getsockopt(level, option, size) if size else self.socket.getsockopt(level, option)

    def _set(self, v4: int, v6: int, value: Any) -> None:
        level, option = (socket.IPPROTO_IPV6, v6) if self._is_v6() else (socket.IPPROTO_IP, v4)
        self.socket.setsockopt(level, option, value)

    def getOutgoingInterface(self) -> str | int:
        """Return the interface that multicast leaves through: an IPv4 literal, or the index of an IPv6 interface."""
        if self._is_v6():
            return int(self._get(0, socket.IPV6_MULTICAST_IF))
        return socket.inet_ntoa(self._get(socket.IP_MULTICAST_IF, 0, 4))

    def setOutgoingInterface(self, addr: str | int) -> Deferred[int]:
        """Choose the interface that multicast leaves through.

        Args:
            addr: an IPv4 literal or name; or the index of an IPv6 interface.

        Fires with 1; with 0 when the system refused.
        """
        if self._is_v6():
            return self._try_outgoing(int(addr))
        resolved: Deferred[int] = self.reactor.resolve(addr).addCallback(
            lambda host: self._try_outgoing(socket.inet_aton(host))
        )
        return resolved

    def _try_outgoing(self, value: Any) -> Deferred[int]:
        try:
            self._set(socket.IP_MULTICAST_IF, socket.IPV6_MULTICAST_IF, value)
        except OSError:
            return succeed(0)
        return succeed(1)

    def getLoopbackMode(self) -> bool:
        """Tell whether what is sent to a group also comes back to this machine."""
        return bool(self._get(socket.IP_MULTICAST_LOOP, socket.IPV6_MULTICAST_LOOP))

    def setLoopbackMode(self, mode: int) -> None:
        """Let what is sent to a group come back to this machine, or not."""
        self._set(socket.IP_MULTICAST_LOOP, socket.IPV6_MULTICAST_LOOP, int(bool(mode)))

    def getTTL(self) -> int:
        """Return how many routers a multicast packet may cross."""
        return int(self._get(socket.IP_MULTICAST_TTL, socket.IPV6_MULTICAST_HOPS))

    def setTTL(self, ttl: int) -> None:
        """Set how many routers a multicast packet may cross, 0 to 255.

        Raises:
            ValueError: `ttl` is something else.
        """
        if not 0 <= ttl <= 255:
            raise ValueError(f"a multicast packet may cross 0 to 255 routers, not {ttl}")
        if self._is_v6():
            self._set(0, socket.IPV6_MULTICAST_HOPS, ttl)
        else:
            self._set(socket.IP_MULTICAST_TTL, 0, struct.pack("B", ttl))

    def joinGroup(self, addr: str, interface: str = "") -> Deferred[None]:
        """Join a group.

        Args:
            addr: the group's address, or a name for it.
            interface: address of the local interface; empty lets the system choose.

        Fires with None.
        Fails with `MulticastJoinError`.
        """
        return self._change_group(addr, interface, True)

    def leaveGroup(self, addr: str, interface: str = "") -> Deferred[None]:
        """Leave a group; arguments and outcome as for `joinGroup`."""
        return self._change_group(addr, interface, False)

    def _change_group(self, addr: str, interface: str, join: bool) -> Deferred[None]:
        family = socket.AF_INET6 if self._is_v6() else socket.AF_INET
        local = interface or ("::" if self._is_v6() else "0.0.0.0")
        if not isIPAddress(local, family):
            name = socket.AddressFamily(family).name
            return fail(MulticastJoinError(f"invalid address literal for {name}: {shortened(local)}"))
        if isIPAddress(addr, family):
            return self._try_group(addr, local, join)
        resolved: Deferred[None] = self.reactor.resolve(addr).addCallback(self._try_group, local, join)
        return resolved

    def _try_group(self, addr: str, local: str, join: bool) -> Deferred[None]:
        try:
            if self._is_v6():
                option = socket.IPV6_JOIN_GROUP if join else socket.IPV6_LEAVE_GROUP
                index = _interface_index(local)
                request = socket.inet_pton(socket.AF_INET6, addr) + struct.pack("@I", index)
                self.socket.setsockopt(socket.IPPROTO_IPV6, option, request)
            else:
                option = socket.IP_ADD_MEMBERSHIP if join else socket.IP_DROP_MEMBERSHIP
                self.socket.setsockopt(
                    socket.IPPROTO_IP, option, socket.inet_aton(addr) + socket.inet_aton(local)
                )
        except OSError as exc:
            error = MulticastJoinError(addr, local, *exc.args)
            error.__cause__ = exc
            return fail(error)
        return succeed(None)


def _interface_index(local: str) -> int:
    """Return the index of the interface that an IPv6 literal names by its scope; 0 when it names none."""
    scope = local.partition("%")[2]
    if not scope:
        return 0
    return int(scope) if scope.isdigit() else socket.if_nametoindex(scope)


@implementer(IMulticastTransport)
class MulticastPort(MulticastMixin, Port):
    """A UDP port that can join groups.

    Args:
        listenMultiple: let other sockets be bound to the same port, to receive the same groups.
    """

    def __init__(
        self,
        port: int,
        proto: Any,
        interface: str = "",
        maxPacketSize: int = 8192,
        reactor: Any = None,
        listenMultiple: bool = False,
    ) -> None:
        Port.__init__(self, port, proto, interface, maxPacketSize, reactor)
        self.listenMultiple = listenMultiple

    def createInternetSocket(self) -> socket.socket:
        """Return a new socket with the options for sharing the port."""
        made: socket.socket = Port.createInternetSocket(self)
        if self.listenMultiple:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return made
