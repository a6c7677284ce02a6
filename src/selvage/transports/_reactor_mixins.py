"""The reactor's socket methods, for `selvage.reactor` to compose with the loop's part.  Floor 2."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from selvage.errors import CONNECTION_LOST, UnsupportedAddressFamily
from selvage.failure import Failure, report
from selvage.interfaces import (
    Binding,
    IReactorMulticast,
    IReactorSocket,
    IReactorSSL,
    IReactorTCP,
    IReactorUDP,
    IReactorUNIX,
    IReactorUNIXDatagram,
    implementer,
)

from . import tcp, udp, unix
from ._datagram import BaseDatagramPort
from ._engine import Engine
from ._factories import as_factory
from ._listening import StreamPort
from ._stream import Connection
from ._tls_limits import HANDSHAKE_TIMEOUT_S, MAX_HANDSHAKES

if TYPE_CHECKING:
    import asyncio

    from . import tls

__all__ = [
    "SSLReactorMixin",
    "SocketReactorMixin",
    "TCPReactorMixin",
    "TransportsMixin",
    "UDPReactorMixin",
    "UNIXReactorMixin",
]


# What rides the loop's transports, and is not watched by descriptor.
_OURS = (Connection, StreamPort, BaseDatagramPort)


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
        """Take every descriptor, port and connection that is active from the reactor and return them."""
        watched: list[Any] = list(super().removeAll())  # type: ignore[misc]
        if self._engine is not None:
            for transport in list(self._engine.open):
                if transport._is_reading() or transport._is_writing():
                    self._engine.open.discard(transport)
                    transport.stopReading()
                    watched.append(transport)
        return watched

    def disconnectAll(self) -> None:
        """Take everything from the reactor and tell each that it is lost, paused and half-closed connections too."""
        super().disconnectAll()  # type: ignore[misc]
        for transport in [] if self._engine is None else list(self._engine.open):
            try:
                transport.connectionLost(Failure._withoutTraceback(CONNECTION_LOST))
            except BaseException:
                report(Failure(), "Unhandled error in connectionLost", source="reader", descriptor=transport)

    def getReaders(self) -> list[Any]:
        """Return what is watched for reading, ports and connections included."""
        readers: list[Any] = list(super().getReaders())  # type: ignore[misc]
        if self._engine is not None:
            readers.extend([transport for transport in self._engine.open if transport._is_reading()])
        return readers

    def getWriters(self) -> list[Any]:
        """Return what waits to be written, connections included."""
        writers: list[Any] = list(super().getWriters())  # type: ignore[misc]
        if self._engine is not None:
            writers.extend([transport for transport in self._engine.open if transport._is_writing()])
        return writers

    def addReader(self, reader: Any) -> None:
        """Call `reader.doRead` whenever its descriptor can be read; a transport of ours resumes."""
        if isinstance(reader, _OURS):
            reader.startReading()
        else:
            super().addReader(reader)  # type: ignore[misc]

    def removeReader(self, reader: Any) -> None:
        """Stop that; a transport of ours pauses."""
        if isinstance(reader, _OURS):
            reader.stopReading()
        else:
            super().removeReader(reader)  # type: ignore[misc]

    def addWriter(self, writer: Any) -> None:
        """Call `writer.doWrite` whenever its descriptor can be written; transports of ours know that themselves."""
        if not isinstance(writer, _OURS):
            super().addWriter(writer)  # type: ignore[misc]

    def removeWriter(self, writer: Any) -> None:
        """Stop that."""
        if not isinstance(writer, _OURS):
            super().removeWriter(writer)  # type: ignore[misc]


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
        listening = tcp.Port(port, as_factory(factory), backlog, interface, self)
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
        connector = tcp.Connector(host, port, as_factory(factory), timeout, bindAddress, self)
        connector.connect()
        return connector


@implementer(IReactorSSL)
class SSLReactorMixin(TransportsMixin):
    """TLS over TCP.  Nothing of it is imported before it is used."""

    def listenSSL(
        self,
        port: int | Binding,
        factory: Any,
        contextFactory: Any,
        backlog: int = 50,
        interface: str | None = "",
        *,
        handshake_timeout: float | None = HANDSHAKE_TIMEOUT_S,
        max_handshakes: int | None = MAX_HANDSHAKES,
    ) -> tls.Port:
        """Accept TLS connections, from before this returns; arguments as for `listenTCP`, and:

        Args:
            contextFactory: an `ssl.SSLContext`, the options of `selvage.tls`, a provider of
                `IOpenSSLServerConnectionCreator`, or an object whose `getContext()` returns a context.
            handshake_timeout: seconds for a client to finish the handshake, a minute by default; None for no end.
            max_handshakes: how many may be under way at once; one more ends the oldest.  None for any number.

        Raises:
            CannotListenError: the address is taken, forbidden or not of this machine.
            TypeError: `contextFactory` is none of these.  Whatever it raises itself is raised as well.
        """
        from . import tls

        listening = tls.Port(
            port,
            as_factory(factory),
            contextFactory,
            backlog,
            interface,
            self,
            handshake_timeout=handshake_timeout,
            max_handshakes=max_handshakes,
            stacklevel=2,
        )
        listening.startListening()
        return listening

    def connectSSL(
        self,
        host: str,
        port: int,
        factory: Any,
        contextFactory: Any,
        timeout: float | None = 30,
        bindAddress: Any = None,
        *,
        handshake_timeout: float | None = HANDSHAKE_TIMEOUT_S,
        server_hostname: str | None = None,
    ) -> tls.Connector:
        """Connect over TLS; arguments as for `connectTCP`, and:

        Args:
            contextFactory: an `ssl.SSLContext`, the options of `selvage.tls`, a provider of
                `IOpenSSLClientConnectionCreator`, or an object whose `getContext()` returns a context.
            handshake_timeout: seconds for the server to finish the handshake, a minute by default; None for no end.
            server_hostname: the name that the server has to have, by default `host`; only for an `ssl.SSLContext`.

        Raises:
            TypeError: `contextFactory` is none of these.  Whatever it raises itself is raised as well.
            ServiceNameUnknownError: the system knows no service of that name.
        """
        from . import tls

        connector = tls.Connector(
            host,
            port,
            as_factory(factory),
            contextFactory,
            timeout,
            bindAddress,
            self,
            handshake_timeout=handshake_timeout,
            server_hostname=server_hostname,
            stacklevel=2,
        )
        connector.connect()
        return connector


@implementer(IReactorUDP, IReactorUNIX, IReactorUNIXDatagram, IReactorMulticast)
class UDPReactorMixin(TransportsMixin):
    """UDP and multicast."""

    def listenUDP(self, port: int, protocol: Any, interface: str = "", maxPacketSize: int = 8192) -> udp.Port:
        """Receive datagrams; the socket is bound when this returns.

        Args:
            port: 0 to 65535; 0 lets the system choose.
            protocol: a `DatagramProtocol`.
            interface: IP literal of the local address; empty for every IPv4 address.
            maxPacketSize: octets of the longest datagram that is read whole.

        Raises:
            CannotListenError: the address is taken, forbidden or not of this machine.
            InvalidAddressError: `interface` is no IP literal.
        """
        listening = udp.Port(port, protocol, interface, maxPacketSize, self)
        listening.startListening()
        return listening

    def listenMulticast(
        self,
        port: int,
        protocol: Any,
        interface: str = "",
        maxPacketSize: int = 8192,
        listenMultiple: bool = False,
    ) -> udp.MulticastPort:
        """Receive datagrams on a port that can join groups; arguments as for `listenUDP`, and:

        Args:
            listenMultiple: let other sockets be bound to the same port, to receive the same groups.
        """
        listening = udp.MulticastPort(port, protocol, interface, maxPacketSize, self, listenMultiple)
        listening.startListening()
        return listening


@implementer(IReactorUNIX, IReactorUNIXDatagram)
class UNIXReactorMixin(TransportsMixin):
    """UNIX sockets, streams and datagrams."""

    def listenUNIX(
        self,
        address: str | bytes,
        factory: Any,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool | int = 0,
    ) -> unix.Port:
        """Accept connections, from before this returns.

        Args:
            address: path of the socket to make; with a leading NUL, a name in Linux's abstract namespace.
            factory: makes a protocol for each connection.
            backlog: how many connections the system may keep waiting to be accepted.
            mode: permission bits of the socket's file.
            wantPID: leave our process number beside the socket, and clear away a dead process's socket.

        Raises:
            CannotListenError: the path is taken or forbidden.
        """
        listening = unix.Port(address, as_factory(factory), backlog, mode, self, wantPID)
        listening.startListening()
        return listening

    def connectUNIX(
        self, address: str | bytes, factory: Any, timeout: float | None = 30, checkPID: bool | int = 0
    ) -> unix.Connector:
        """Connect; the outcome is told to the factory.

        Args:
            address: path of the socket; with a leading NUL, a name in Linux's abstract namespace.
            timeout: seconds for the attempt; None for no end.
            checkPID: refuse unless the process that left its number beside the socket is alive.
        """
        connector = unix.Connector(address, as_factory(factory), timeout, self, checkPID)
        connector.connect()
        return connector

    def listenUNIXDatagram(
        self, address: str | bytes, protocol: Any, maxPacketSize: int = 8192, mode: int = 0o666
    ) -> unix.DatagramPort:
        """Receive datagrams on a socket made at a path.

        Args:
            protocol: a `DatagramProtocol`.
            maxPacketSize: octets of the longest datagram that is read whole.
            mode: permission bits of the socket's file.

        Raises:
            CannotListenError: the path is taken or forbidden.
        """
        listening = unix.DatagramPort(address, protocol, maxPacketSize, mode, self)
        listening.startListening()
        return listening

    def connectUNIXDatagram(
        self,
        address: str | bytes,
        protocol: Any,
        maxPacketSize: int = 8192,
        mode: int = 0o666,
        bindAddress: str | bytes | None = None,
    ) -> unix.ConnectedDatagramPort:
        """Exchange datagrams with the socket at a path.

        Args:
            protocol: a `ConnectedDatagramProtocol`.
            bindAddress: path of our own socket, for answers; None for none.
        """
        connected = unix.ConnectedDatagramPort(address, protocol, maxPacketSize, mode, bindAddress, self)
        connected.startListening()
        return connected


@implementer(IReactorSocket)
class SocketReactorMixin(TransportsMixin):
    """Sockets that somebody else made."""

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: Any) -> Any:
        """Accept connections on a duplicate of a socket that is bound and listens already.

        Args:
            fileDescriptor: its number; closing it stays the caller's business.
            addressFamily: AF_INET, AF_INET6 or AF_UNIX.

        Raises:
            UnsupportedAddressFamily: another family.
        """
        kind: type[tcp.Port] = unix.Port if addressFamily == unix.AF_UNIX else tcp.Port
        if addressFamily not in (socket.AF_INET, socket.AF_INET6, unix.AF_UNIX):
            raise UnsupportedAddressFamily(addressFamily)
        port = kind._fromListeningDescriptor(self, fileDescriptor, addressFamily, as_factory(factory))
        port.startListening()
        return port

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: int, factory: Any) -> Any:
        """Go on with a duplicate of a connection that stands already, as its server.

        Args:
            fileDescriptor: its number; closing it stays the caller's business.
            addressFamily: AF_INET, AF_INET6 or AF_UNIX.

        Returns: the transport; None when the factory's `buildProtocol` returns None.

        Raises:
            UnsupportedAddressFamily: another family.
        """
        if addressFamily == unix.AF_UNIX:
            return unix.Server._fromConnectedSocket(fileDescriptor, as_factory(factory), self)
        if addressFamily not in (socket.AF_INET, socket.AF_INET6):
            raise UnsupportedAddressFamily(addressFamily)
        return tcp.Server._fromConnectedSocket(fileDescriptor, addressFamily, as_factory(factory), self)

    def adoptDatagramPort(
        self, fileDescriptor: int, addressFamily: int, protocol: Any, maxPacketSize: int = 8192
    ) -> udp.Port:
        """Receive datagrams on a duplicate of a socket that is bound already.

        Args:
            fileDescriptor: its number; closing it stays the caller's business.
            addressFamily: AF_INET or AF_INET6.
            maxPacketSize: octets of the longest datagram that is read whole.

        Raises:
            UnsupportedAddressFamily: another family.
        """
        if addressFamily not in (socket.AF_INET, socket.AF_INET6):
            raise UnsupportedAddressFamily(addressFamily)
        port = udp.Port._fromListeningDescriptor(self, fileDescriptor, addressFamily, protocol, maxPacketSize)
        port.startListening()
        return port
