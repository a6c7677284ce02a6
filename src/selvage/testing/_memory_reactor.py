"""Reactors without a network: they note what is asked of them, or refuse it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from socket import AF_INET, AF_INET6
from typing import Any, NoReturn

from zope.interface import implementer

from selvage.addresses import IPv4Address, IPv6Address, UNIXAddress
from selvage.errors import UnsupportedAddressFamily
from selvage.interfaces import (
    IConnector,
    IHostnameResolver,
    IHostResolution,
    IListeningPort,
    IReactorCore,
    IReactorFDSet,
    IReactorPluggableNameResolver,
    IReactorSocket,
    IReactorSSL,
    IReactorTCP,
    IReactorUNIX,
    IResolutionReceiver,
)
from selvage.tasks import Clock

__all__ = ["MemoryReactor", "MemoryReactorClock", "RaisingMemoryReactor", "SynchronousResolver"]

# What an adopted socket says it is bound to; nothing is looked up.
_ADOPTED_PORT = 1234


def _tcp_address(host: str, port: int) -> IPv4Address | IPv6Address:
    """An address of the kind that a host's text calls for; names count as IPv4."""
    if ":" in host:
        return IPv6Address("TCP", host, port)
    return IPv4Address("TCP", host, port)


@implementer(IListeningPort)
class _FakePort:
    """A port that listens nowhere.

    Args:
        hostAddress: what `getHost` returns.
    """

    def __init__(self, hostAddress: Any) -> None:
        self._hostAddress = hostAddress

    def startListening(self) -> None:
        """Do nothing."""

    def stopListening(self) -> None:
        """Do nothing."""

    def getHost(self) -> Any:
        """Return the address it was made with."""
        return self._hostAddress


@implementer(IConnector)
class _FakeConnector:
    """A connector that connects nowhere.

    Args:
        address: what `getDestination` returns.

    Attributes:
        stoppedConnecting: whether `stopConnecting` was called.
    """

    _disconnected = False
    stoppedConnecting = False

    def __init__(self, address: Any) -> None:
        self._address = address

    def stopConnecting(self) -> None:
        """Note it in `stoppedConnecting`."""
        self.stoppedConnecting = True

    def disconnect(self) -> None:
        """Note it."""
        self._disconnected = True

    def connect(self) -> None:
        """Do nothing."""

    def getDestination(self) -> Any:
        """Return the address it was made with."""
        return self._address


@implementer(IHostResolution)
class _SynchronousResolution:
    """A resolution that is over before anybody can cancel it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> NoReturn:
        raise Exception("already resolved")


@implementer(IHostnameResolver)
class SynchronousResolver:
    """Resolve every name to 127.0.0.1, at once, with the port asked for."""

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[Any]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Tell the receiver of beginning, address and end before returning."""
        resolution = _SynchronousResolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        if addressTypes is None or IPv4Address in addressTypes:
            resolutionReceiver.addressResolved(IPv4Address("TCP", "127.0.0.1", portNumber))
        resolutionReceiver.resolutionComplete()
        return resolution


@implementer(
    IReactorCore,
    IReactorTCP,
    IReactorSSL,
    IReactorUNIX,
    IReactorSocket,
    IReactorFDSet,
    IReactorPluggableNameResolver,
)
class MemoryReactor:
    """Note each request and pretend that it is under way; nothing ever connects.

    Attributes:
        tcpClients, sslClients, unixClients: the arguments of each `connect...` call, as tuples in the order of the
            signature, defaults filled in.
        tcpServers, sslServers, unixServers: those of each `listen...` call.
        adoptedPorts, adoptedStreamConnections: those of each `adopt...` call.
        connectors: what the `connect...` calls returned.
        readers, writers: sets of what was added and not removed.
        triggers: by phase, then by event, lists of (callable, args, kwargs).
        whenRunningHooks: (callable, args, kwargs) waiting for `run`.
        hasInstalled, running, hasRun, hasStopped, hasCrashed: what happened so far.
        nameResolver: the resolver that is installed; resolves all to 127.0.0.1 at first.
    """

    running: bool | None

    def __init__(self) -> None:
        self.hasInstalled = False
        self.running = False
        self.hasRun = False
        self.hasStopped = False
        self.hasCrashed = False
        self.whenRunningHooks: list[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]] = []
        self.triggers: dict[
            str, dict[str, list[tuple[Callable[..., object], tuple[Any, ...], dict[str, Any]]]]
        ] = {}
        self.tcpClients: list[tuple[Any, ...]] = []
        self.tcpServers: list[tuple[Any, ...]] = []
        self.sslClients: list[tuple[Any, ...]] = []
        self.sslServers: list[tuple[Any, ...]] = []
        self.unixClients: list[tuple[Any, ...]] = []
        self.unixServers: list[tuple[Any, ...]] = []
        self.adoptedPorts: list[tuple[Any, ...]] = []
        self.adoptedStreamConnections: list[tuple[Any, ...]] = []
        self.connectors: list[_FakeConnector] = []
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()
        self.nameResolver: IHostnameResolver = SynchronousResolver()

    # IReactorPluggableNameResolver

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Take another resolver; returns the one before."""
        previous = self.nameResolver
        self.nameResolver = resolver
        return previous

    # IReactorCore

    def install(self) -> None:
        """Note it, as a reactor module's `install` function would."""
        self.hasInstalled = True

    def resolve(self, name: str, timeout: Any = 10) -> NoReturn:
        """Refuse."""
        raise self._absent("resolve")

    def run(self) -> None:
        """Call what waits for the reactor to run, then stop."""
        assert self.running is False, (
            f"this reactor's running is {self.running!r}; it can run when that is False"
        )
        self.running = True
        self.hasRun = True
        hooks, self.whenRunningHooks = self.whenRunningHooks, []
        for function, args, kwargs in hooks:
            function(*args, **kwargs)
        self.stop()

    def stop(self) -> None:
        """Note it."""
        self.running = False
        self.hasStopped = True

    def crash(self) -> None:
        """Note it; `running` becomes None, neither true nor false."""
        self.running = None
        self.hasCrashed = True

    def iterate(self, delay: float = 0) -> NoReturn:
        """Refuse."""
        raise self._absent("iterate")

    def fireSystemEvent(self, eventType: str) -> NoReturn:
        """Refuse."""
        raise self._absent("fireSystemEvent")

    def addSystemEventTrigger(
        self, phase: str, eventType: str, callable: Callable[..., object], *args: Any, **kw: Any
    ) -> None:
        """Note it in `triggers`."""
        self.triggers.setdefault(phase, {}).setdefault(eventType, []).append((callable, args, kw))

    def removeSystemEventTrigger(self, triggerID: Any) -> NoReturn:
        """Refuse."""
        raise self._absent("removeSystemEventTrigger")

    def callWhenRunning(self, callable: Callable[..., object], *args: Any, **kw: Any) -> None:
        """Call when `run` is called, or now when it was."""
        if self.hasRun:
            callable(*args, **kw)
        else:
            self.whenRunningHooks.append((callable, args, kw))

    def _absent(self, what: str) -> Exception:
        return NotImplementedError(f"{type(self).__name__} has no {what}: there is nothing behind it")

    # IReactorSocket

    def adoptStreamPort(self, fileno: int, addressFamily: int, factory: Any) -> IListeningPort:
        """Note it in `adoptedPorts`.

        Raises:
            UnsupportedAddressFamily: neither AF_INET nor AF_INET6.
        """
        return self._adopt("TCP", addressFamily, (fileno, addressFamily, factory))

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: int, factory: Any) -> None:
        """Note it in `adoptedStreamConnections`."""
        self.adoptedStreamConnections.append((fileDescriptor, addressFamily, factory))

    def adoptDatagramPort(
        self, fileno: int, addressFamily: int, protocol: Any, maxPacketSize: int = 8192
    ) -> IListeningPort:
        """Note it in `adoptedPorts`.

        Raises:
            UnsupportedAddressFamily: neither AF_INET nor AF_INET6.
        """
        return self._adopt("UDP", addressFamily, (fileno, addressFamily, protocol, maxPacketSize))

    def _adopt(self, kind: Any, family: int, arguments: tuple[Any, ...]) -> IListeningPort:
        if family == AF_INET:
            port = _FakePort(IPv4Address(kind, "0.0.0.0", _ADOPTED_PORT))
        elif family == AF_INET6:
            port = _FakePort(IPv6Address(kind, "::", _ADOPTED_PORT))
        else:
            raise UnsupportedAddressFamily(f"a socket of address family {family!r} is neither IPv4 nor IPv6")
        self.adoptedPorts.append(arguments)
        return port

    # IReactorTCP, IReactorSSL, IReactorUNIX

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> IListeningPort:
        """Note it in `tcpServers`."""
        self.tcpServers.append((port, factory, backlog, interface))
        return self._port(interface, port)

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> IConnector:
        """Note it in `tcpClients`."""
        self.tcpClients.append((host, port, factory, timeout, bindAddress))
        return self._connector(factory, _tcp_address(host, port))

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> IListeningPort:
        """Note it in `sslServers`."""
        self.sslServers.append((port, factory, contextFactory, backlog, interface))
        return self._port(interface, port)

    def connectSSL(
        self,
        host: str,
        port: int,
        factory: Any,
        contextFactory: Any,
        timeout: float = 30,
        bindAddress: Any = None,
    ) -> IConnector:
        """Note it in `sslClients`."""
        self.sslClients.append((host, port, factory, contextFactory, timeout, bindAddress))
        return self._connector(factory, _tcp_address(host, port))

    def listenUNIX(
        self, address: str | bytes, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> IListeningPort:
        """Note it in `unixServers`."""
        self.unixServers.append((address, factory, backlog, mode, wantPID))
        return _FakePort(UNIXAddress(address))

    def connectUNIX(
        self, address: str | bytes, factory: Any, timeout: float = 30, checkPID: bool = False
    ) -> IConnector:
        """Note it in `unixClients`."""
        self.unixClients.append((address, factory, timeout, checkPID))
        return self._connector(factory, UNIXAddress(address))

    def _port(self, interface: str, port: int) -> IListeningPort:
        if ":" in interface:
            return _FakePort(IPv6Address("TCP", interface, port))
        return _FakePort(IPv4Address("TCP", "0.0.0.0", port))

    def _connector(self, factory: Any, address: Any) -> IConnector:
        connector = _FakeConnector(address)
        factory.startedConnecting(connector)
        self.connectors.append(connector)
        return connector

    # IReactorFDSet

    def addReader(self, reader: Any) -> None:
        """Note it in `readers`."""
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        """Drop it from `readers`, if it is there."""
        self.readers.discard(reader)

    def addWriter(self, writer: Any) -> None:
        """Note it in `writers`."""
        self.writers.add(writer)

    def removeWriter(self, writer: Any) -> None:
        """Drop it from `writers`, if it is there."""
        self.writers.discard(writer)

    def getReaders(self) -> list[Any]:
        """Return the readers, in no order."""
        return list(self.readers)

    def getWriters(self) -> list[Any]:
        """Return the writers, in no order."""
        return list(self.writers)

    def removeAll(self) -> list[Any]:
        """Drop all readers and writers and return them, each once."""
        removed = list(self.readers | self.writers)
        self.readers.clear()
        self.writers.clear()
        return removed


class MemoryReactorClock(MemoryReactor, Clock):
    """A `MemoryReactor` whose timers are those of a `Clock`."""

    def __init__(self) -> None:
        MemoryReactor.__init__(self)
        Clock.__init__(self)


@implementer(IReactorTCP, IReactorSSL, IReactorUNIX, IReactorSocket, IReactorPluggableNameResolver)
class RaisingMemoryReactor:
    """A reactor on which nothing can listen or connect.

    Args:
        listenException: what the `listen...` methods and `adoptStreamPort` raise.
        connectException: what the `connect...` methods and the other `adopt...` methods raise.
    """

    def __init__(
        self, listenException: Exception | None = None, connectException: Exception | None = None
    ) -> None:
        self._listenException = listenException
        self._connectException = connectException
        self.nameResolver: IHostnameResolver = SynchronousResolver()

    def installNameResolver(self, nameResolver: IHostnameResolver) -> IHostnameResolver:
        """Take another resolver; returns the one before."""
        previous = self.nameResolver
        self.nameResolver = nameResolver
        return previous

    def _refuse_listening(self) -> NoReturn:
        if self._listenException is None:
            raise TypeError("this RaisingMemoryReactor was given no listenException to raise")
        raise self._listenException

    def _refuse_connecting(self) -> NoReturn:
        if self._connectException is None:
            raise TypeError("this RaisingMemoryReactor was given no connectException to raise")
        raise self._connectException

    def adoptStreamPort(self, fileno: int, addressFamily: int, factory: Any) -> NoReturn:
        """Raise the `listenException`."""
        self._refuse_listening()

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> NoReturn:
        """Raise the `listenException`."""
        self._refuse_listening()

    def connectTCP(
        self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None
    ) -> NoReturn:
        """Raise the `connectException`."""
        self._refuse_connecting()

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = ""
    ) -> NoReturn:
        """Raise the `listenException`."""
        self._refuse_listening()

    def connectSSL(
        self,
        host: str,
        port: int,
        factory: Any,
        contextFactory: Any,
        timeout: float = 30,
        bindAddress: Any = None,
    ) -> NoReturn:
        """Raise the `connectException`."""
        self._refuse_connecting()

    def listenUNIX(
        self, address: str | bytes, factory: Any, backlog: int = 50, mode: int = 0o666, wantPID: bool = False
    ) -> NoReturn:
        """Raise the `listenException`."""
        self._refuse_listening()

    def connectUNIX(
        self, address: str | bytes, factory: Any, timeout: float = 30, checkPID: bool = False
    ) -> NoReturn:
        """Raise the `connectException`."""
        self._refuse_connecting()

    def adoptDatagramPort(
        self, fileDescriptor: int, addressFamily: int, protocol: Any, maxPacketSize: int
    ) -> NoReturn:
        """Raise the `connectException`."""
        self._refuse_connecting()

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: int, factory: Any) -> NoReturn:
        """Raise the `connectException`."""
        self._refuse_connecting()
