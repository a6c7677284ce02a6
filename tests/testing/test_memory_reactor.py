"""Reactors that note, and reactors that refuse."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, AF_UNIX

import pytest
from zope.interface.verify import verifyObject

from selvage.addresses import IPv4Address, IPv6Address, UNIXAddress
from selvage.errors import UnsupportedAddressFamily
from selvage.interfaces import (
    IConnector,
    IHostResolution,
    IListeningPort,
    IReactorCore,
    IReactorFDSet,
    IReactorPluggableNameResolver,
    IReactorSocket,
    IReactorSSL,
    IReactorTCP,
    IReactorTime,
    IReactorUNIX,
)
from selvage.protocols import ClientFactory, Factory
from selvage.testing import MemoryReactor, MemoryReactorClock, RaisingMemoryReactor, SynchronousResolver

SOCKETS = [IReactorTCP, IReactorSSL, IReactorUNIX, IReactorSocket, IReactorPluggableNameResolver]


@pytest.mark.parametrize("interface", [*SOCKETS, IReactorCore, IReactorFDSet, IReactorTime])
def test_memory_reactor_provides(interface):
    assert verifyObject(interface, MemoryReactorClock())


@pytest.mark.parametrize("interface", SOCKETS)
def test_raising_reactor_provides(interface):
    assert verifyObject(interface, RaisingMemoryReactor())


class Started(ClientFactory):
    def startedConnecting(self, connector):
        self.connector = connector


def test_notes_what_listens():
    reactor, factory = MemoryReactor(), Factory()
    ports = [
        reactor.listenTCP(80, factory),
        reactor.listenTCP(81, factory, 5, "::1"),
        reactor.listenSSL(443, factory, "context"),
        reactor.listenUNIX("/path", factory),
    ]
    assert all(verifyObject(IListeningPort, port) for port in ports)
    assert reactor.tcpServers == [(80, factory, 50, ""), (81, factory, 5, "::1")]
    assert reactor.sslServers == [(443, factory, "context", 50, "")]
    assert reactor.unixServers == [("/path", factory, 50, 0o666, False)]
    assert [port.getHost() for port in ports] == [
        IPv4Address("TCP", "0.0.0.0", 80),
        IPv6Address("TCP", "::1", 81),
        IPv4Address("TCP", "0.0.0.0", 443),
        UNIXAddress("/path"),
    ]
    assert ports[0].startListening() is None
    assert ports[0].stopListening() is None


def test_notes_what_connects_and_tells_the_factory():
    reactor = MemoryReactor()
    factories = [Started() for _ in range(4)]
    connectors = [
        reactor.connectTCP("host", 80, factories[0]),
        reactor.connectTCP("::1", 80, factories[1], 5, ("::", 0)),
        reactor.connectSSL("host", 443, factories[2], "context"),
        reactor.connectUNIX("/path", factories[3]),
    ]
    assert all(verifyObject(IConnector, connector) for connector in connectors)
    assert [factory.connector for factory in factories] == connectors == reactor.connectors
    assert reactor.tcpClients == [
        ("host", 80, factories[0], 30, None),
        ("::1", 80, factories[1], 5, ("::", 0)),
    ]
    assert reactor.sslClients == [("host", 443, factories[2], "context", 30, None)]
    assert reactor.unixClients == [("/path", factories[3], 30, False)]
    assert [connector.getDestination() for connector in connectors] == [
        IPv4Address("TCP", "host", 80),
        IPv6Address("TCP", "::1", 80),
        IPv4Address("TCP", "host", 443),
        UNIXAddress("/path"),
    ]
    connector = connectors[0]
    assert not connector.stoppedConnecting
    connector.stopConnecting()
    connector.disconnect()
    connector.connect()
    assert connector.stoppedConnecting
    assert connector._disconnected


def test_notes_adopted_sockets():
    reactor = MemoryReactor()
    assert reactor.adoptStreamPort(3, AF_INET, "factory").getHost() == IPv4Address("TCP", "0.0.0.0", 1234)
    assert reactor.adoptStreamPort(4, AF_INET6, "factory").getHost() == IPv6Address("TCP", "::", 1234)
    assert reactor.adoptDatagramPort(5, AF_INET, "protocol").getHost() == IPv4Address("UDP", "0.0.0.0", 1234)
    with pytest.raises(UnsupportedAddressFamily):
        reactor.adoptStreamPort(6, AF_UNIX, "factory")
    assert reactor.adoptedPorts == [
        (3, AF_INET, "factory"),
        (4, AF_INET6, "factory"),
        (5, AF_INET, "protocol", 8192),
    ]
    reactor.adoptStreamConnection(7, AF_INET, "factory")
    assert reactor.adoptedStreamConnections == [(7, AF_INET, "factory")]


def test_runs_hooks_and_stops():
    reactor, seen = MemoryReactor(), []
    reactor.callWhenRunning(lambda *a, **k: seen.append((a, k, reactor.running)), 1, b=2)
    reactor.run()
    assert seen == [((1,), {"b": 2}, True)]
    assert (reactor.hasRun, reactor.running, reactor.hasStopped) == (True, False, True)
    reactor.callWhenRunning(seen.append, "now")
    assert seen[-1] == "now"


def test_notes_the_rest():
    reactor = MemoryReactor()
    reactor.install()
    reactor.addSystemEventTrigger("before", "shutdown", print, 1, end="")
    assert reactor.triggers == {"before": {"shutdown": [(print, (1,), {"end": ""})]}}
    reactor.crash()
    assert (reactor.hasInstalled, reactor.hasCrashed, reactor.running) == (True, True, None)
    with pytest.raises(AssertionError, match="running is None"):
        reactor.run()


@pytest.mark.parametrize(
    "call",
    [
        lambda reactor: reactor.resolve("name"),
        lambda reactor: reactor.iterate(),
        lambda reactor: reactor.fireSystemEvent("shutdown"),
        lambda reactor: reactor.removeSystemEventTrigger(1),
    ],
)
def test_what_it_cannot_pretend_is_refused(call):
    with pytest.raises(NotImplementedError, match="MemoryReactor has no"):
        call(MemoryReactor())


def test_readers_and_writers():
    reactor = MemoryReactor()
    for _ in range(2):
        reactor.addReader("r")
        reactor.addWriter("w")
    reactor.addWriter("r")
    assert (reactor.getReaders(), sorted(reactor.getWriters())) == (["r"], ["r", "w"])
    reactor.removeWriter("w")
    reactor.removeReader("unknown")
    assert reactor.removeAll() == ["r"]
    assert reactor.getReaders() == reactor.getWriters() == []


class Receiver:
    def __init__(self):
        self.seen = []

    def resolutionBegan(self, resolution):
        self.resolution = resolution
        self.seen.append("began")

    def addressResolved(self, address):
        self.seen.append(address)

    def resolutionComplete(self):
        self.seen.append("complete")


def test_every_name_is_this_machine():
    receiver = Receiver()
    resolution = SynchronousResolver().resolveHostName(receiver, "name.example", 80)
    assert receiver.seen == ["began", IPv4Address("TCP", "127.0.0.1", 80), "complete"]
    assert receiver.resolution is resolution
    assert verifyObject(IHostResolution, resolution)
    with pytest.raises(Exception, match="already resolved"):
        resolution.cancel()


def test_no_address_of_another_family():
    receiver = Receiver()
    SynchronousResolver().resolveHostName(receiver, "name.example", 80, [IPv6Address])
    assert receiver.seen == ["began", "complete"]


@pytest.mark.parametrize("reactor", [MemoryReactor(), RaisingMemoryReactor()])
def test_the_resolver_can_be_replaced(reactor):
    other = SynchronousResolver()
    previous = reactor.nameResolver
    assert reactor.installNameResolver(other) is previous
    assert reactor.nameResolver is other


LISTEN = [
    ("listenTCP", (1, 2)),
    ("listenSSL", (1, 2, 3)),
    ("listenUNIX", ("a", 2)),
    ("adoptStreamPort", (1, 2, 3)),
]
CONNECT = [
    ("connectTCP", ("h", 1, 2)),
    ("connectSSL", ("h", 1, 2, 3)),
    ("connectUNIX", ("a", 2)),
    ("adoptStreamConnection", (1, 2, 3)),
    ("adoptDatagramPort", (1, 2, 3, 4)),
]


@pytest.mark.parametrize(("method", "args"), LISTEN)
def test_listening_is_refused(method, args):
    with pytest.raises(KeyError):
        getattr(RaisingMemoryReactor(KeyError("listen"), ValueError("connect")), method)(*args)
    with pytest.raises(TypeError, match="listenException"):
        getattr(RaisingMemoryReactor(), method)(*args)


@pytest.mark.parametrize(("method", "args"), CONNECT)
def test_connecting_is_refused(method, args):
    with pytest.raises(ValueError, match="connect"):
        getattr(RaisingMemoryReactor(KeyError("listen"), ValueError("connect")), method)(*args)
    with pytest.raises(TypeError, match="connectException"):
        getattr(RaisingMemoryReactor(), method)(*args)


def test_with_a_clock_it_has_timers():
    reactor, seen = MemoryReactorClock(), []
    reactor.callLater(1, seen.append, "late")
    reactor.advance(1)
    assert seen == ["late"]
    assert reactor.tcpServers == []
