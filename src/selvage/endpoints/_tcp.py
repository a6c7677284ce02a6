"""Endpoints that are one call to the reactor: TCP over IPv4 and IPv6, SSL, UNIX sockets, adopted sockets.  Floor 3."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from selvage.defer import Deferred, execute, fail, succeed
from selvage.endpoints._wrapping import connect_by
from selvage.errors import AlreadyListened, DNSLookupError
from selvage.failure import Failure
from selvage.interfaces import IStreamClientEndpoint, IStreamServerEndpoint, implementer
from selvage.reactor import deferToThread
from selvage.transports import isIPv6Address
from selvage.transports._fdesc import setNonBlocking

if TYPE_CHECKING:
    from selvage.interfaces import Binding, IListeningPort, IProtocolFactory

__all__ = [
    "AdoptedStreamServerEndpoint",
    "SSL4ClientEndpoint",
    "SSL4ServerEndpoint",
    "TCP4ClientEndpoint",
    "TCP4ServerEndpoint",
    "TCP6ClientEndpoint",
    "TCP6ServerEndpoint",
    "UNIXClientEndpoint",
    "UNIXServerEndpoint",
    "_TCPServerEndpoint",
]


class _Described:
    """A `repr` that says where."""

    def _where(self) -> str:
        raise NotImplementedError(f"{type(self).__name__} has to say where it is: override _where")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._where()}>"


def _host_and_port(host: str, port: object) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@implementer(IStreamServerEndpoint)
class _TCPServerEndpoint(_Described):
    """A TCP port to listen on."""

    def __init__(self, reactor: Any, port: int, backlog: int, interface: str) -> None:
        self._reactor = reactor
        self._port = port
        self._backlog = backlog
        self._interface = interface

    def _where(self) -> str:
        return _host_and_port(self._interface or "*", getattr(self._port, "_port", self._port))

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen.

        Fires with the port.
        Fails with `CannotListenError`.
        """
        return execute(
            self._reactor.listenTCP,
            self._port,
            protocolFactory,
            backlog=self._backlog,
            interface=self._interface,
        )


class TCP4ServerEndpoint(_TCPServerEndpoint):
    """A TCP port to listen on, IPv4.

    Args:
        reactor: an `IReactorTCP`.
        port: 0 to 65535; 0 lets the system choose.  Or what `makeBinding` returns, with more options of the socket.
        backlog: how many connections the system keeps waiting.
        interface: the local address; empty for all.

    Twisted: `twisted.internet.endpoints.TCP4ServerEndpoint`.
    """

    def __init__(self, reactor: Any, port: int, backlog: int = 50, interface: str = "") -> None:
        super().__init__(reactor, port, backlog, interface)


class TCP6ServerEndpoint(_TCPServerEndpoint):
    """A TCP port to listen on, IPv6, and IPv4 too where the system allows that.

    Args: as for `TCP4ServerEndpoint`; `interface` "::" means all.

    Twisted: `twisted.internet.endpoints.TCP6ServerEndpoint`.
    """

    def __init__(self, reactor: Any, port: int, backlog: int = 50, interface: str = "::") -> None:
        super().__init__(reactor, port, backlog, interface)


@implementer(IStreamClientEndpoint)
class _TCPClientEndpoint(_Described):
    """A TCP port to connect to."""

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        timeout: float = 30,
        bindAddress: Binding | str | tuple[bytes | str, int] | None = None,
    ) -> None:
        self._reactor = reactor
        self._host = host
        self._port = port
        self._timeout = timeout
        self._bindAddress = bindAddress

    def _where(self) -> str:
        return _host_and_port(self._host, self._port)

    def _connect_to(self, host: str, factory: IProtocolFactory) -> Deferred[Any]:
        return self._connect_by(self._reactor.connectTCP, host, factory)

    def _connect_by(self, method: Callable[..., Any], host: str, factory: IProtocolFactory) -> Deferred[Any]:
        return connect_by(
            method, factory, host, self._port, timeout=self._timeout, bindAddress=self._bindAddress
        )


class TCP4ClientEndpoint(_TCPClientEndpoint):
    """A TCP port to connect to, IPv4.

    Args:
        reactor: an `IReactorTCP`.
        host: an IPv4 address, or a name, of which only an IPv4 address is used; see `HostnameEndpoint`.
        port: 1 to 65535.
        timeout: seconds before the attempt fails.
        bindAddress: the local address, or a pair of it and a port, or what `makeBinding` returns.

    Twisted: `twisted.internet.endpoints.TCP4ClientEndpoint`.
    """

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect.

        Fires with the connected protocol.
        Fails with `ConnectionRefusedError`, `TimeoutError` and other `ConnectError`s, `DNSLookupError`, `NoProtocol`, and
            `ConnectingCancelledError` when cancelled.
        """
        return self._connect_to(self._host, protocolFactory)


class TCP6ClientEndpoint(_TCPClientEndpoint):
    """A TCP port to connect to, IPv6.

    Args: as for `TCP4ClientEndpoint`; of a name only the first IPv6 address is used.

    Twisted: `twisted.internet.endpoints.TCP6ClientEndpoint`; a name without address fails with `DNSLookupError`.
    """

    _getaddrinfo: Callable[..., Any] = staticmethod(socket.getaddrinfo)
    _deferToThread: Callable[..., Deferred[Any]] = staticmethod(cast(Any, deferToThread))

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect; as `TCP4ClientEndpoint.connect`."""
        if isIPv6Address(self._host):
            return self._connect_to(self._host, protocolFactory)
        looking_up = self._nameResolution(self._host)

        def found(answers: Any) -> Deferred[Any]:
            if not answers:
                raise DNSLookupError(f"no IPv6 address for host {self._host!r}")
            return self._connect_to(answers[0][4][0], protocolFactory)

        def not_found(failure: Failure) -> Failure:
            if failure.check(socket.gaierror) is None:
                return failure
            return Failure(DNSLookupError(f"{failure.value} (host {self._host!r}, IPv6)"))

        return looking_up.addCallbacks(found, not_found)

    def _nameResolution(self, host: str) -> Deferred[Any]:
        """Look the IPv6 addresses of `host` up; fires with what `getaddrinfo` returns."""
        return self._deferToThread(self._getaddrinfo, host, 0, socket.AF_INET6)


class SSL4ServerEndpoint(_TCPServerEndpoint):
    """A TCP port to listen on, IPv4, with TLS.

    Args:
        sslContextFactory: makes the TLS context; see `selvage.interfaces.IReactorSSL`.
        reactor: and the others as for `TCP4ServerEndpoint`.

    Twisted: `twisted.internet.endpoints.SSL4ServerEndpoint`.
    """

    def __init__(
        self, reactor: Any, port: int, sslContextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> None:
        super().__init__(reactor, port, backlog, interface)
        self._sslContextFactory = sslContextFactory

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen; as `TCP4ServerEndpoint.listen`."""
        return execute(
            self._reactor.listenSSL,
            self._port,
            protocolFactory,
            contextFactory=self._sslContextFactory,
            backlog=self._backlog,
            interface=self._interface,
        )


class SSL4ClientEndpoint(_TCPClientEndpoint):
    """A TCP port to connect to, IPv4, with TLS.

    Args:
        sslContextFactory: makes the TLS context; see `selvage.interfaces.IReactorSSL`.
        reactor: and the others as for `TCP4ClientEndpoint`.

    Twisted: `twisted.internet.endpoints.SSL4ClientEndpoint`.
    """

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        sslContextFactory: Any,
        timeout: float = 30,
        bindAddress: Any = None,
    ) -> None:
        super().__init__(reactor, host, port, timeout, bindAddress)
        self._sslContextFactory = sslContextFactory

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect; as `TCP4ClientEndpoint.connect`."""

        def connect_ssl(host: str, port: int, factory: Any, **options: Any) -> Any:
            return self._reactor.connectSSL(host, port, factory, self._sslContextFactory, **options)

        return self._connect_by(connect_ssl, self._host, protocolFactory)


@implementer(IStreamServerEndpoint)
class UNIXServerEndpoint(_Described):
    """A UNIX socket to listen on.

    Args:
        reactor: an `IReactorUNIX`.
        address: the path.
        backlog: how many connections the system keeps waiting.
        mode: permissions of the socket's file.
        wantPID: whether to keep a lock file beside it, which also clears away a socket that a dead process left.

    Twisted: `twisted.internet.endpoints.UNIXServerEndpoint`.
    """

    def __init__(
        self, reactor: Any, address: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool | int = 0
    ) -> None:
        self._reactor = reactor
        self._address = address
        self._backlog = backlog
        self._mode = mode
        self._wantPID = wantPID

    def _where(self) -> str:
        return f"unix:{self._address}"

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen.

        Fires with the port.
        Fails with `CannotListenError`.
        """
        return execute(
            self._reactor.listenUNIX,
            self._address,
            protocolFactory,
            backlog=self._backlog,
            mode=self._mode,
            wantPID=self._wantPID,
        )


@implementer(IStreamClientEndpoint)
class UNIXClientEndpoint(_Described):
    """A UNIX socket to connect to.

    Args:
        reactor: an `IReactorUNIX`.
        path: the path.
        timeout: seconds before the attempt fails.
        checkPID: whether to look for the server's lock file first.

    Twisted: `twisted.internet.endpoints.UNIXClientEndpoint`.
    """

    def __init__(self, reactor: Any, path: Any, timeout: float = 30, checkPID: bool | int = 0) -> None:
        self._reactor = reactor
        self._path = path
        self._timeout = timeout
        self._checkPID = checkPID

    def _where(self) -> str:
        return f"unix:{self._path}"

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect; as `TCP4ClientEndpoint.connect`."""
        return connect_by(
            self._reactor.connectUNIX,
            protocolFactory,
            self._path,
            timeout=self._timeout,
            checkPID=self._checkPID,
        )


@implementer(IStreamServerEndpoint)
class AdoptedStreamServerEndpoint(_Described):
    """A socket that listens already, made by somebody else (systemd, a parent process).

    Args:
        reactor: an `IReactorSocket`.
        fileno: the socket's file descriptor; this endpoint closes it once the reactor has its own copy.
        addressFamily: the socket's family, such as `socket.AF_INET`.

    Twisted: `twisted.internet.endpoints.AdoptedStreamServerEndpoint`.
    """

    _close: Callable[[int], object] = staticmethod(os.close)
    _setNonBlocking: Callable[[int], object] = staticmethod(setNonBlocking)

    def __init__(self, reactor: Any, fileno: int, addressFamily: int) -> None:
        self.reactor = reactor
        self.fileno = fileno
        self.addressFamily = addressFamily
        self._used = False

    def _where(self) -> str:
        return f"file descriptor {self.fileno}{', used' if self._used else ''}"

    def listen(self, factory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Take the socket over; works once.

        Fires with the port.
        Fails with `AlreadyListened` at the second time, `UnsupportedAddressFamily`, `OSError`.
        """
        if self._used:
            return fail(Failure(AlreadyListened()))
        self._used = True
        try:
            self._setNonBlocking(self.fileno)
            port = self.reactor.adoptStreamPort(self.fileno, self.addressFamily, factory)
            self._close(self.fileno)
        except Exception:
            return fail(Failure())
        return succeed(port)
