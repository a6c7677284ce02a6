"""TCP: ports, servers, connectors and clients.  Floor 2.

Made by ``reactor.listenTCP`` and ``reactor.connectTCP``.  Twisted: `twisted.internet.tcp`.
"""

from __future__ import annotations

import socket
from typing import Any

from selvage._hostnames import shortened
from selvage.addresses import IPv4Address, IPv6Address
from selvage.errors import CannotListenError, DNSLookupError, ServiceNameUnknownError
from selvage.failure import Failure
from selvage.interfaces import Binding, _Binding
from selvage.reactor._platform import CAN_REUSE_ADDRESS

from ._connecting import BaseClient as _BaseClient, BaseConnector
from ._ip import _NUMERIC_ONLY, _resolveIPv6, isIPAddress, isIPv6Address
from ._listening import BaseServer, StreamPort, ambient_reactor
from ._stream import Connection, log_prefix

_SYSTEM: Any = socket  # with what only some systems have

__all__ = ["BaseClient", "Client", "Connection", "Connector", "Port", "Server", "makeBinding"]


def makeBinding(
    interface: str = "", port: int = 0, reuseAddress: bool = False, reusePort: bool = False
) -> Binding:
    """Say where and how to bind, for `listenTCP` and `connectTCP`.

    Args:
        interface: IP literal of a local address; empty for any.
        port: 0 to 65535; 0 lets the system choose.
        reuseAddress: SO_REUSEADDR.
        reusePort: SO_REUSEPORT, so that several processes share one port.
    """
    return Binding(_Binding(interface or None, port, reuseAddress, reusePort))


def _tcp_address(name: tuple[Any, ...]) -> IPv4Address | IPv6Address:
    if len(name) == 2:
        return IPv4Address("TCP", *name)
    host, port, flow, scope = name
    if scope and "%" not in host:
        # A link-local host means nothing without its scope; loops leave it out of the text.
        host = socket.getnameinfo(name, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]
    return IPv6Address("TCP", host, port, flow, scope)


class _TCPMixin:
    """Names of both ends, as TCP gives them."""

    __slots__ = ()

    def getHost(self: Any) -> Any:
        """Return this side's address."""
        return _tcp_address(self.extra("sockname"))

    def getPeer(self: Any) -> Any:
        """Return the other side's address."""
        return _tcp_address(self.extra("peername"))


class Server(_TCPMixin, BaseServer):
    """The server's side of a TCP connection; ports make them."""

    __slots__ = ()

    @classmethod
    def _fromConnectedSocket(cls, fileDescriptor: int, addressFamily: int, factory: Any, reactor: Any) -> Any:
        """Return the transport of an adopted connection, or None when the factory wants none."""
        sock = socket.fromfd(fileDescriptor, addressFamily, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            peer, number = _tcp_address(sock.getpeername()), sock.getsockname()[1]
        except OSError:
            sock.close()
            raise
        return cls._adopt(reactor._transport_engine(), sock, factory, peer, number)

    def _build_protocol(self) -> Any:
        if self.protocol is None and self.extra("peername") is None:
            return None  # it was reset before we came to look: there is nobody to talk to, and no address to tell
        return super()._build_protocol()

    @property
    def client(self) -> Any:
        """The client's socket address."""
        return self.extra("peername")

    @property
    def hostname(self) -> str:
        """The client's host as an IP literal."""
        return str(self.getPeer().host)

    def _log_name(self) -> str:
        name = "Uninitialized" if self.protocol is None else log_prefix(self.protocol)
        return f"{name},{self.sessionno},{self.hostname}"

    def __repr__(self) -> str:
        name = "Uninitialized" if self.protocol is None else type(self.protocol).__name__
        return f"<{name} #{self.sessionno} on {self._owner._realPortNumber}>"


class Port(StreamPort):
    """A TCP port that accepts connections.

    Args:
        port: 0 to 65535, 0 lets the system choose; or what `makeBinding` returns, which then says the interface too.
        factory: makes a protocol for each connection.
        backlog: how many connections the system may keep waiting to be accepted.
        interface: IP literal of the local address; empty for every IPv4 address, "::" for every IPv6 one.
    """

    transport: type[Any] = Server

    _realPortNumber: int | None = None
    _type = "TCP"

    def __init__(
        self,
        port: int | Binding,
        factory: Any,
        backlog: int = 50,
        interface: str | None = "",
        reactor: Any = None,
    ) -> None:
        super().__init__(factory, backlog, reactor)
        self._reuse_address, self._reuse_port = CAN_REUSE_ADDRESS, False
        if isinstance(port, _Binding):
            if interface and interface != port._address:
                raise ValueError(
                    f"listenTCP() was given the interface {interface!r} and a Binding to {port._address!r}: give one of them"
                )
            interface = port._address or ""
            self._reuse_address, self._reuse_port = port._reuseAddress, port._reusePort
            port = port._port
        self.port = port
        self.interface = interface or ""
        if isIPv6Address(self.interface):
            self.addressFamily = socket.AF_INET6
        self._adopted: socket.socket | None = None

    @classmethod
    def _fromListeningDescriptor(cls, reactor: Any, fd: int, addressFamily: int, factory: Any) -> Port:
        """Return a port on a duplicate of a socket that is bound and listens already."""
        adopted = socket.fromfd(fd, addressFamily, cls.socketType)
        adopted.setblocking(False)
        name = adopted.getsockname()
        self = cls(name[1], factory, interface=name[0], reactor=reactor)
        self._adopted = adopted
        return self

    def createInternetSocket(self) -> socket.socket:
        """Return a new socket with the options for listening."""
        made: socket.socket = super().createInternetSocket()
        if self._reuse_address:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._reuse_port:
            made.setsockopt(socket.SOL_SOCKET, _SYSTEM.SO_REUSEPORT, 1)
        return made

    def startListening(self) -> None:
        """Bind and accept; ports from `listenTCP` have done so already.

        Raises:
            CannotListenError: the address is taken, forbidden or not of this machine.
        """
        sock, self._adopted = self._adopted, None
        if sock is None:
            sock = self._bound()
        self._realPortNumber = sock.getsockname()[1]
        self._log_start(self._realPortNumber)
        self._begin(sock)

    def _bound(self) -> socket.socket:
        if not hasattr(self.port, "__index__"):
            raise TypeError(f"a port to listen on is a number from 0 to 65535, not {self.port!r}")
        sock: socket.socket | None = None
        try:
            address: Any = (self.interface, self.port)
            if self.addressFamily == socket.AF_INET6:
                address = _resolveIPv6(self.interface, self.port)
            sock = self.createInternetSocket()
            sock.bind(address)
            sock.listen(self.backlog)
        except BaseException as exc:
            if sock is not None:
                sock.close()
            if not isinstance(exc, (OSError, OverflowError, UnicodeError)):
                raise
            raise CannotListenError(self.interface, self.port, exc) from exc
        return sock

    def getHost(self) -> Any:
        """Return the address listened on, with the port number that the system chose when 0 was asked for."""
        return _tcp_address(self.socket.getsockname())

    def connectionLost(self, reason: Failure | None) -> None:
        """Close the socket and stop the factory, at once."""
        try:
            super().connectionLost(reason)
        finally:
            self._realPortNumber = None

    def _log_name(self) -> str:
        return f"{self._type} Port {self._realPortNumber}"

    def __repr__(self) -> str:
        factory = self.factory if isinstance(self.factory, type) else type(self.factory)
        where = "(not listening)" if self._realPortNumber is None else f"on {self._realPortNumber}"
        return f"<{type(self)} of {factory} {where}>"


class BaseClient(_TCPMixin, _BaseClient):
    """The client's side of a TCP connection, before and after it stands."""

    __slots__ = ()


class Client(BaseClient):
    """A client that connects to a host and port.

    Args:
        host: a name or an IP literal.
        port: 1 to 65535.
        bindAddress: an IP literal, a pair of literal and port, what `makeBinding` returns, or None.
        connector: is told what becomes of it.
    """

    __slots__ = ("_bind_address", "addr", "realAddress")

    def __init__(
        self, host: str, port: int, bindAddress: Any = None, connector: Any = None, reactor: Any = None
    ) -> None:
        #: The host and port asked for, and the socket address that this became.
        self.addr = (host, port)
        self.realAddress: tuple[Any, ...] | None = None
        self._bind_address = bindAddress
        if isIPv6Address(host):
            self.addressFamily = socket.AF_INET6
        super().__init__(ambient_reactor(reactor)._transport_engine(), connector)

    def _bind(self, sock: socket.socket) -> None:
        asked = self._bind_address
        if asked is None:
            return
        host, port = asked, 0
        if isinstance(asked, _Binding):
            host, port = asked._address or "", asked._port
            if asked._reuseAddress:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if asked._reusePort:
                sock.setsockopt(socket.SOL_SOCKET, _SYSTEM.SO_REUSEPORT, 1)
        elif not isinstance(asked, str):
            host, port = asked
        address: Any = (host, port)
        if isIPv6Address(host):
            address = _resolveIPv6(host, port)
        sock.bind(address)

    def resolveAddress(self) -> None:
        """Look the name up, unless it is an IP literal; then connect."""
        host, port = self.addr
        if self.addressFamily == socket.AF_INET6:
            # Asked for by number: this only splits the scope off, and refuses ports below zero.
            try:
                address = socket.getaddrinfo(host, port, 0, 0, 0, _NUMERIC_ONLY)[0][4]
            except UnicodeError as exc:
                error = DNSLookupError(f"{shortened(host)} has a scope that cannot be")
                error.__cause__ = exc
                self.failIfNotConnected(error)
                return
            self._connect((address[0], port, *address[2:]))
        elif isIPAddress(host):
            self._connect((host, port))
        else:
            self.reactor.resolve(host).addCallbacks(self._resolved, self._unresolved)

    def _is_local(self, address: Any) -> bool:
        host: str | bytes = address[0]
        return host[:4] in ("127.", b"127.") or host in ("::1", b"::1")

    def _nonsense(self, address: Any, exc: Exception) -> Exception:
        # Its own words are those that programs know; they do not say which of all connections it was.
        exc.add_note(f"while connecting to {address[0]}:{address[1]}")
        return exc

    def _resolved(self, host: str) -> None:
        self._connect((host, self.addr[1]))

    def _unresolved(self, reason: Failure) -> None:
        if reason.check(DNSLookupError):
            self.failIfNotConnected(reason.value)
        else:
            error = DNSLookupError(str(reason.value))
            error.__cause__ = reason.value
            self.failIfNotConnected(error)

    @property
    def _tls_name(self) -> str:
        """The name that a server's certificate should have: that of who was asked to be connected to."""
        return str(getattr(self._owner, "server_hostname", None) or self.addr[0])

    def _connect(self, address: tuple[Any, ...]) -> None:
        self.realAddress = address
        self._connect_to(address)

    def getPeer(self) -> Any:
        """Return the address that it is or will be connected to."""
        return _tcp_address(self.realAddress or self.addr)

    def __repr__(self) -> str:
        return f"<{type(self)} to {self.addr} at {id(self):x}>"


class Connector(BaseConnector):
    """What `connectTCP` returns: one outgoing TCP connection, as often as it is begun.

    Args:
        host: a name or an IP literal.
        port: a number, or the name of a TCP service.
        factory: makes the protocol and hears what happens.
        timeout: seconds for an attempt; None for as long as the system tries.
        bindAddress: as for `Client`.

    Raises:
        ServiceNameUnknownError: the system knows no service of that name.
    """

    def __init__(
        self,
        host: str,
        port: int | str,
        factory: Any,
        timeout: float | None,
        bindAddress: Any,
        reactor: Any = None,
    ) -> None:
        if isinstance(port, str):
            try:
                port = socket.getservbyname(port, "tcp")
            except OSError as exc:
                raise ServiceNameUnknownError(string=f"{exc} ({shortened(port)})") from exc
        self.host, self.port = host, port
        self.bindAddress = bindAddress
        super().__init__(factory, timeout, ambient_reactor(reactor))

    def _makeTransport(self) -> Client:
        return Client(self.host, self.port, self.bindAddress, self, self.reactor)

    def getDestination(self) -> Any:
        """Return the address asked for; its host is a name when a name was given."""
        if isIPv6Address(self.host):
            return IPv6Address("TCP", self.host, self.port)
        return IPv4Address("TCP", self.host, self.port)
