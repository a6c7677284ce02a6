"""UNIX sockets: stream ports, servers, connectors and clients; datagram ports.  Floor 2.

Made by ``reactor.listenUNIX``, ``connectUNIX``, ``listenUNIXDatagram`` and ``connectUNIXDatagram``.  Twisted:
`twisted.internet.unix`.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable
from typing import Any

from zope.interface import implementedBy, implementer_only

from selvage import _events
from selvage.addresses import UNIXAddress
from selvage.errors import BadFileError, CannotListenError, ConnectError, MessageLengthError
from selvage.failure import Failure
from selvage.interfaces import (
    IFileDescriptorReceiver,
    IUNIXDatagramConnectedTransport,
    IUNIXDatagramTransport,
    IUNIXTransport,
    implementer,
)
from selvage.reactor._platform import IS_LINUX

from . import tcp
from ._connecting import BaseClient, BaseConnector
from ._datagram import BaseDatagramPort
from ._errors import lost_failure
from ._listening import BaseServer, StreamPort, ambient_reactor
from ._lock import ProcessLock, is_locked
from ._sendmsg import SendmsgTransport
from ._states import UNWANTED
from ._stream import log_prefix
from ._writing import BYTES_LIKE, not_bytes

#: None on systems that have no such sockets.
AF_UNIX: Any = getattr(socket, "AF_UNIX", None)

__all__ = ["Client", "ConnectedDatagramPort", "Connector", "DatagramPort", "Port", "Server"]

#: Octets of `sun_path`, its final NUL included; Linux has 108, BSDs have 104.
_LONGEST_PATH = 108 if IS_LINUX else 104
#: More descriptors than this on their way count as a full buffer: each takes a place in the process's table.
_DESCRIPTORS_IN_FLIGHT = 64


def _is_abstract(name: str | bytes) -> bool:
    return os.fsencode(name).startswith(b"\0")


def _shown(name: str | bytes) -> str:
    return os.fsdecode(name)


class _SocketFile:
    """The file of a socket that we bound; removed when it is still ours."""

    def __init__(self, name: str | bytes) -> None:
        self.name = name
        self._identity = self._look()

    def _look(self) -> tuple[int, int] | None:
        if _is_abstract(self.name):
            return None
        try:
            status = os.stat(self.name)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def remove(self) -> None:
        """Remove the file, unless somebody else has bound the name meanwhile."""
        if self._identity is not None and self._look() == self._identity:
            try:
                os.unlink(self.name)
            except OSError:
                pass  # gone already


def _is_socket(name: str | bytes) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(name).st_mode)
    except (OSError, ValueError):
        return False


def _explained(name: str | bytes, exc: Exception) -> Exception:
    """Return what is wrong with a path in words that help, or what the system says where those do."""
    if len(os.fsencode(name)) >= _LONGEST_PATH:
        words = f"the path has {len(os.fsencode(name))} octets, and that of a UNIX socket has {_LONGEST_PATH - 1} at most"
        return OSError(errno.ENAMETOOLONG, words)
    taken = isinstance(exc, OSError) and exc.errno == errno.EADDRINUSE
    if taken and not _is_abstract(name) and os.path.lexists(name) and not _is_socket(name):
        return OSError(errno.EADDRINUSE, "there is a file at that path which is no socket; it was left alone")
    return exc


def _bind(sock: socket.socket, name: str | bytes, mode: int) -> _SocketFile:
    if IS_LINUX:
        # What bind() makes has the socket's mode, less the umask: so at no moment may more people send than should.
        os.fchmod(sock.fileno(), mode)
    sock.bind(name)
    if not _is_abstract(name):
        os.chmod(name, mode)
    return _SocketFile(name)


# --- Streams ---------------------------------------------------------------------------------------------------


class _UNIXMixin:
    """What is the same on both sides of a UNIX stream: addresses, descriptors, options that mean nothing here."""

    __slots__ = ()

    def _ride(self: Any, sock: socket.socket, failed: Callable[[BaseException], object]) -> None:
        try:
            SendmsgTransport(self._engine.loop, sock, self)
        except OSError as exc:
            # The peer has gone between accept and here; the name of a lost socket cannot be asked.
            sock.close()
            self._engine.loop.call_soon(failed, exc)

    def getHost(self: Any) -> UNIXAddress:
        """Return this side's address, which has no name on the client's side unless that was bound."""
        return UNIXAddress(self.extra("sockname") or None)

    def getPeer(self: Any) -> UNIXAddress:
        """Return the other side's address."""
        return UNIXAddress(self.extra("peername") or None)

    def sendFileDescriptor(self: Any, descriptor: int) -> None:
        """Send a duplicate of a descriptor, before the bytes written next; the caller may close its own at once.

        At least as many bytes as descriptors have to be written.

        Raises:
            OSError: it is not open, or the process may have no more.
        """
        if self._transport is not None and not self.disconnected:
            self._transport.send_descriptor(descriptor)
            if self._flow is not None:
                self._flow.wrote(0)

    def _is_full(self: Any, waiting: int) -> bool:
        many = self._transport.descriptors_waiting() > _DESCRIPTORS_IN_FLIGHT
        return bool(many or waiting > self.bufferSize)

    def descriptor_received(self: Any, descriptor: int) -> None:
        """Pass a descriptor on, or close it when the protocol does not want any, which is mentioned once."""
        protocol = self.protocol
        if not IFileDescriptorReceiver.providedBy(protocol):
            os.close(descriptor)
            self._unwanted(protocol)
            return
        try:
            protocol.fileDescriptorReceived(descriptor)
        except BaseException:
            self._hook_failed("fileDescriptorReceived")

    def _unwanted(self: Any, protocol: Any) -> None:
        if self._flags & UNWANTED:
            return  # a peer may send as many as it likes, but fills no log
        self._flags |= UNWANTED
        _events.emit(
            f"{type(self).__module__}.{type(self).__qualname__}",
            "warn",
            "{protocolName} (on {hostAddress!r}) does not provide IFileDescriptorReceiver; "
            "closing file descriptor received (from {peerAddress!r}).",
            protocolName=log_prefix(protocol),
            hostAddress=self.getHost(),
            peerAddress=self.getPeer(),
            log_source=self,
        )

    def descriptors_missing(self: Any) -> None:
        """End the connection: the process may not have as many descriptors as came, and the protocol would mistake them."""
        if IFileDescriptorReceiver.providedBy(self.protocol):
            words = "descriptors that the peer sent were closed, because this process has used up its own"
            self._abort(lost_failure(OSError(errno.EMFILE, words)))

    def getTcpNoDelay(self) -> bool:
        """Return False: there is nothing to delay."""
        return False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing."""


@implementer(IUNIXTransport)
class Server(_UNIXMixin, BaseServer):
    """The server's side of a UNIX stream; ports make them."""

    __slots__ = ()

    @property
    def hostname(self) -> None:
        """None: a UNIX peer has no host."""

    @classmethod
    def _fromConnectedSocket(cls, fileDescriptor: int, factory: Any, reactor: Any) -> Any:
        """Return the transport of an adopted connection, or None when the factory wants none."""
        sock = socket.fromfd(fileDescriptor, AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            peer, here = UNIXAddress(sock.getpeername() or None), _shown(sock.getsockname())
        except OSError:
            sock.close()
            raise
        return cls._adopt(reactor._transport_engine(), sock, factory, peer, here)

    def _place(self) -> str:
        return _shown(getattr(self._owner, "fileName", None) or self._owner._realPortNumber or "")

    def _log_name(self) -> str:
        name = "Uninitialized" if self.protocol is None else log_prefix(self.protocol)
        return f"{name},{self.sessionno},{self._place()}"

    def __repr__(self) -> str:
        name = "Uninitialized" if self.protocol is None else type(self.protocol).__name__
        return f"<{name} #{self.sessionno} on {self._place()}>"


class Port(tcp.Port):
    """A UNIX stream port.

    Args:
        fileName: path of the socket to make; with a leading NUL, a name in Linux's abstract namespace.
        factory: makes a protocol for each connection.
        backlog: how many connections the system may keep waiting to be accepted.
        mode: permission bits of the socket's file.
        wantPID: leave our process number beside the socket, and clear away a dead process's socket.
    """

    addressFamily = AF_UNIX
    transport = Server
    lockFile: ProcessLock | None = None

    _type = "UNIX"
    _accepts_itself = True
    _file: _SocketFile | None = None

    def __init__(
        self,
        fileName: str | bytes,
        factory: Any,
        backlog: int = 50,
        mode: int = 0o666,
        reactor: Any = None,
        wantPID: bool | int = 0,
    ) -> None:
        StreamPort.__init__(self, factory, backlog, reactor)
        self.fileName = self.port = fileName  # type: ignore[assignment]
        self.interface = ""
        self.mode = mode
        self.wantPID = wantPID
        self._adopted = None

    @classmethod
    def _fromListeningDescriptor(cls, reactor: Any, fd: int, addressFamily: int, factory: Any) -> Port:
        """Return a port on a duplicate of a socket that is bound and listens already."""
        adopted = socket.fromfd(fd, addressFamily, cls.socketType)
        adopted.setblocking(False)
        self = cls(adopted.getsockname(), factory, reactor=reactor)
        self._adopted = adopted
        return self

    def createInternetSocket(self) -> socket.socket:
        """Return a new socket that does not block."""
        made: socket.socket = StreamPort.createInternetSocket(self)
        return made

    def startListening(self) -> None:
        """Bind and accept; ports from `listenUNIX` have done so already.

        Raises:
            CannotListenError: the path is taken or forbidden, or the lock is held.
        """
        sock, self._adopted = self._adopted, None
        if sock is None:
            sock = self._bound()
        else:
            self._file = _SocketFile(self.fileName)
        self._log_start(repr(_shown(self.fileName)))
        try:
            self._begin(sock)
        except BaseException:
            self._clear_away()
            raise

    def _bound(self) -> socket.socket:
        if self.wantPID:
            self._take_lock()
        sock: socket.socket | None = None
        try:
            sock = self.createInternetSocket()
            self._file = _bind(sock, self.fileName, self.mode)
            sock.listen(self.backlog)
        except (OSError, ValueError) as exc:
            if sock is not None:
                sock.close()
            self._clear_away()
            raise CannotListenError(None, self.fileName, _explained(self.fileName, exc)) from exc
        return sock

    def _take_lock(self) -> None:
        suffix: Any = ".lock" if isinstance(self.fileName, str) else b".lock"
        lock = ProcessLock(self.fileName + suffix)
        try:
            taken = lock.lock()
        except (
            OSError
        ) as exc:  # no such directory, no permission to write into it, a name too long for a file
            raise CannotListenError(None, self.fileName, _explained(self.fileName, exc)) from exc
        if not taken:
            raise CannotListenError(None, self.fileName, "Cannot acquire lock")
        self.lockFile = lock
        if not lock.clean and _is_socket(self.fileName):
            try:
                os.unlink(self.fileName)
            except FileNotFoundError:
                pass

    def _clear_away(self) -> None:
        """Remove what we left in the file system."""
        file, self._file = self._file, None
        if file is not None:
            file.remove()
        lock, self.lockFile = self.lockFile, None
        if lock is not None:
            lock.unlock()

    def _release(self) -> None:
        super()._release()
        self._clear_away()

    def getHost(self) -> Any:
        """Return the address listened on."""
        return UNIXAddress(self.socket.getsockname())

    def _log_name(self) -> str:
        return f"UNIX Port {_shown(self.fileName)}"

    def __repr__(self) -> str:
        factory = self.factory if isinstance(self.factory, type) else type(self.factory)
        where = f"on {_shown(self.fileName)!r}" if self.connected else "(not listening)"
        return f"<{factory.__module__}.{factory.__name__} {where}>"


@implementer(IUNIXTransport)
class Client(_UNIXMixin, BaseClient):
    """The client's side of a UNIX stream, before and after it stands.

    Args:
        filename: path of the socket to connect to.
        connector: is told what becomes of it.
        checkPID: refuse unless the process that left its number beside the socket is alive.
    """

    __slots__ = ("_check_pid", "addr", "realAddress")

    addressFamily = AF_UNIX

    def __init__(
        self, filename: str | bytes, connector: Any = None, reactor: Any = None, checkPID: bool | int = 0
    ) -> None:
        self.addr = self.realAddress = filename
        self._check_pid = checkPID
        super().__init__(ambient_reactor(reactor)._transport_engine(), connector)

    def resolveAddress(self) -> None:
        """Check who is there, if that was asked for; then connect."""
        if self._check_pid:
            suffix: Any = ".lock" if isinstance(self.addr, str) else b".lock"
            if not is_locked(self.addr + suffix):
                self.failIfNotConnected(BadFileError(self.addr))
                return
        self._connect_to(self.addr)

    def _nonsense(self, address: Any, exc: Exception) -> Exception:
        explained = _explained(address, exc)
        if explained is exc:
            return exc
        assert isinstance(explained, OSError)
        error = ConnectError(explained.errno, explained.strerror or "")
        error.__cause__ = exc
        return error

    def getPeer(self) -> UNIXAddress:
        """Return the address that it is or will be connected to."""
        return UNIXAddress(self.addr)

    def __repr__(self) -> str:
        return f"<{type(self)} to {_shown(self.addr)!r} at {id(self):x}>"


class Connector(BaseConnector):
    """What `connectUNIX` returns: one outgoing UNIX stream, as often as it is begun.

    Args:
        address: path of the socket; with a leading NUL, a name in Linux's abstract namespace.
        factory: makes the protocol and hears what happens.
        timeout: seconds for an attempt; None for no end.
        checkPID: refuse unless the process that left its number beside the socket is alive.
    """

    def __init__(
        self, address: str | bytes, factory: Any, timeout: float | None, reactor: Any, checkPID: bool | int
    ) -> None:
        self.address = address
        self.checkPID = checkPID
        super().__init__(factory, timeout, ambient_reactor(reactor))

    def _makeTransport(self) -> Client:
        return Client(self.address, self, self.reactor, self.checkPID)

    def getDestination(self) -> UNIXAddress:
        """Return the address asked for."""
        return UNIXAddress(self.address)


# --- Datagrams -------------------------------------------------------------------------------------------------


@implementer(IUNIXDatagramTransport)
class DatagramPort(BaseDatagramPort):
    """A UNIX datagram socket with a protocol.

    Args:
        addr: path of the socket to make; with a leading NUL, a name in Linux's abstract namespace.
        proto: a `DatagramProtocol`.
        maxPacketSize: octets of the longest datagram that is read whole.
        mode: permission bits of the socket's file.
    """

    addressFamily = AF_UNIX
    _kind = "UNIX"
    _file: _SocketFile | None = None

    def __init__(
        self, addr: str | bytes, proto: Any, maxPacketSize: int = 8192, mode: int = 0o666, reactor: Any = None
    ) -> None:
        super().__init__(proto, maxPacketSize, reactor)
        self.port = addr
        self.mode = mode

    def _bound(self) -> socket.socket:
        sock: socket.socket = self.createInternetSocket()
        try:
            self._file = _bind(sock, self.port, self.mode)
        except BaseException:
            sock.close()
            raise
        return sock

    def _asked(self) -> tuple[Any, Any]:
        return "", self.port

    def _explained(self, exc: Exception) -> Exception:
        return _explained(self.port, exc)

    def _local_name(self) -> object:
        return repr(_shown(self.port)) if self.socket is not None else None

    def _release(self) -> None:
        super()._release()
        file, self._file = self._file, None
        if file is not None:
            file.remove()

    def write(self, datagram: bytes, address: str | bytes) -> Any:
        """Send one datagram.

        Args:
            address: path of the receiver's socket.

        Returns: how many octets were taken; None when it was dropped, because the receiver's queue is full.

        Raises:
            MessageLengthError: the system does not send datagrams of that length.
            TypeError: `datagram` is not bytes.
            OSError: what else the system has against it; ConnectionRefusedError or FileNotFoundError for nobody at `address`.
        """
        return self._sending(datagram, self.socket.sendto, address)

    def _sending(self, datagram: bytes, send: Callable[..., int], *args: Any) -> Any:
        try:
            return send(datagram, *args)
        except BlockingIOError:
            return None
        except OSError as exc:
            if self._connected_to is None and exc.errno == errno.ECONNREFUSED:
                raise  # of this very datagram: unlike over UDP, the system knows at once
            if exc.errno == errno.ENOBUFS:
                words = f"the system takes no datagram of {len(datagram)} octets here"
                raise MessageLengthError(words) from exc
            return self._send_failed(exc, len(datagram))
        except TypeError as exc:
            if isinstance(datagram, BYTES_LIKE):
                raise
            raise not_bytes(datagram) from exc

    def getHost(self) -> UNIXAddress:
        """Return the address of the socket."""
        return UNIXAddress(self.socket.getsockname())

    def __repr__(self) -> str:
        protocol = type(self.protocol)
        where = f"on {_shown(self.port)!r}" if self.socket is not None else "(not listening)"
        return f"<{protocol.__module__}.{protocol.__name__} {where}>"


# Its `write` takes no address, so it is no IUNIXDatagramTransport, whatever its base is.
@implementer_only(
    IUNIXDatagramConnectedTransport,
    *(each for each in implementedBy(DatagramPort) if each is not IUNIXDatagramTransport),
)
class ConnectedDatagramPort(DatagramPort):
    """A UNIX datagram socket with one peer.

    Args:
        addr: path of the peer's socket.
        proto: a `ConnectedDatagramProtocol`.
        bindAddress: path of our own socket, for answers; None for none.
    """

    _delivers_as_received = False

    def __init__(
        self,
        addr: str | bytes,
        proto: Any,
        maxPacketSize: int = 8192,
        mode: int = 0o666,
        bindAddress: str | bytes | None = None,
        reactor: Any = None,
    ) -> None:
        super().__init__(addr, proto, maxPacketSize, mode, reactor)
        self.remoteaddr = addr
        self.bindAddress = bindAddress

    def _bound(self) -> socket.socket:
        sock: socket.socket = self.createInternetSocket()
        try:
            if self.bindAddress is not None:
                self._file = _bind(sock, self.bindAddress, self.mode)
            sock.connect(self.remoteaddr)
        except BaseException:
            sock.close()
            file, self._file = self._file, None
            if file is not None:
                file.remove()
            raise
        self._connected_to = self.remoteaddr
        return sock

    def startListening(self) -> None:
        """Connect and receive; when the peer's socket is not there, the protocol's `connectionFailed` hears of it."""
        try:
            super().startListening()
        except CannotListenError as exc:
            self.connectionFailed(Failure(exc.socketError))

    def connectionFailed(self, reason: Failure) -> None:
        """Tell the protocol that nobody is there."""
        self.stopListening()
        self.disconnected = True
        self.protocol.connectionFailed(reason)

    def _deliver(self, data: bytes, address: Any) -> None:
        self.protocol.datagramReceived(data)

    def write(self, data: bytes) -> Any:  # type: ignore[override]
        """Send one datagram to the peer; raises as `DatagramPort.write`."""
        return self._sending(data, self.socket.send)

    def getPeer(self) -> UNIXAddress:
        """Return the peer's address."""
        return UNIXAddress(self.remoteaddr)

    def _local_name(self) -> object:
        return None if self.socket is None else repr(_shown(self.bindAddress or ""))

    def __repr__(self) -> str:
        protocol = type(self.protocol)
        where = f"on {self._local_name()}" if self.socket is not None else "(not listening)"
        return f"<{protocol.__module__}.{protocol.__name__} {where}>"
