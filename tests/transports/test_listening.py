"""Ports: binding, factories, pausing, adopting, running out of descriptors."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage import _events
from selvage.addresses import IPv4Address, IPv6Address
from selvage.errors import CannotListenError, ConnectionDone, UnsupportedAddressFamily
from selvage.interfaces import IListeningPort
from selvage.protocols import Factory, Protocol
from selvage.transports import _listening
from selvage.transports.tcp import Port, makeBinding

from .helpers import Peer, Recorder, Recording, end, served, turn


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")


def test_the_address_is_right_at_once(reactor, run):
    port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
    host = port.getHost()
    assert isinstance(host, IPv4Address)
    assert (host.type, host.host) == ("TCP", "127.0.0.1")
    assert host.port == port._realPortNumber > 0
    verifyObject(IListeningPort, port)

    async def main():
        await port.stopListening()

    run(main)


def test_connections_may_come_before_the_reactor_runs(reactor, run):
    factory = Recording()
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    early = socket.create_connection(("127.0.0.1", port.getHost().port))
    early.send(b"early")

    async def main():
        server = await factory.next()
        assert await server.got(5) == b"early"
        await end(port, Peer(early))

    run(main)


def test_a_busy_port_is_named(reactor, run):
    async def main():
        port = reactor.listenTCP(0, Recording(), interface="127.0.0.1")
        number = port.getHost().port
        factory = Recording()
        with pytest.raises(CannotListenError) as caught:
            reactor.listenTCP(number, factory, interface="127.0.0.1")
        assert "127.0.0.1" in str(caught.value)
        assert str(number) in str(caught.value)
        assert caught.value.socketError.errno == errno.EADDRINUSE
        assert caught.value.__cause__ is caught.value.socketError
        assert factory.log == []
        await port.stopListening()

    run(main)


@pytest.mark.parametrize(("number", "interface"), [(70000, "127.0.0.1"), (-1, ""), (0, "203.0.113.7")])
def test_impossible_addresses_are_named(reactor, number, interface):
    with pytest.raises(CannotListenError) as caught:
        reactor.listenTCP(number, Recording(), interface=interface)
    assert (caught.value.interface, caught.value.port) == (interface, number)


def test_factory_starts_and_stops_with_the_port(reactor, run):
    async def main():
        factory = Recording()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        assert factory.log == ["start"]
        assert repr(port).endswith(f" on {port.getHost().port}>")
        stopped = port.stopListening()
        assert port.stopListening() is stopped
        assert factory.log == ["start"]
        await stopped
        assert factory.log == ["start", "stop"]
        assert repr(port).endswith(" (not listening)>")
        assert port.stopListening() is None
        assert port.fileno() == -1

    run(main)


def test_connections_outlive_their_port(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        await port.stopListening()
        await peer.send(b"still")
        assert await server.got(5) == b"still"
        with pytest.raises(ConnectionRefusedError):
            await Peer.connect(_Remembered(server.transport.getHost()))
        await end(port, peer) if port.connected else peer.close()
        await server.lost()

    run(main)


class _Remembered:
    def __init__(self, host: Any) -> None:
        self.host = host

    def getHost(self) -> Any:
        return self.host


def test_a_port_may_listen_again(reactor, run):
    async def main():
        factory = Recording()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        await port.stopListening()
        port.startListening()
        peer = await Peer.connect(port)
        await factory.next()
        await end(port, peer)

    run(main)


def test_a_factory_that_fails_to_start_leaves_nothing(reactor):
    class Failing(Recording):
        def startFactory(self) -> None:
            raise ZeroDivisionError

    port = Port(0, Failing(), interface="127.0.0.1", reactor=reactor)
    with pytest.raises(ZeroDivisionError):
        port.startListening()
    assert not port.connected
    assert not reactor._transport_engine().open


def test_a_factory_that_fails_to_stop_fails_the_deferred(reactor, run):
    class Failing(Recording):
        def stopFactory(self) -> None:
            raise ZeroDivisionError

    async def main():
        port = reactor.listenTCP(0, Failing(), interface="127.0.0.1")
        with pytest.raises(ZeroDivisionError):
            await port.stopListening()
        assert not port.connected

    run(main)


@pytest.mark.parametrize("give", ["class", "instance", "factory class"])
def test_a_plain_factory_will_do(reactor, run, give):
    """The guide passes classes and objects that only have a `protocol`."""

    class Hello(Protocol):
        def connectionMade(self) -> None:
            self.transport.write(type(self.factory).__name__.encode())
            self.transport.loseConnection()

    class Plain:
        protocol = Hello

    class Proper(Factory):
        protocol = Hello

    factory = {"class": Plain, "instance": Plain(), "factory class": Proper}[give]

    async def main():
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        peer = await Peer.connect(port)
        assert await peer.rest() == (b"Proper" if give == "factory class" else b"Plain")
        await end(port, peer)

    run(main)


def test_what_is_no_factory_is_refused_at_once(reactor):
    with pytest.raises(TypeError, match="is no factory"):
        reactor.listenTCP(0, object())


def test_accepting_may_pause(reactor, run):
    async def main():
        factory = Recording()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        port.pauseProducing()
        port.pauseProducing()
        assert port not in reactor.getReaders()
        peer = await Peer.connect(port)
        await turn(5)
        assert factory.protocols == []
        port.resumeProducing()
        port.resumeProducing()
        assert port in reactor.getReaders()
        await factory.next()
        reactor.removeReader(port)
        assert port not in reactor.getReaders()
        reactor.addReader(port)
        assert port in reactor.getReaders()
        await end(port, peer)

    run(main)


def test_the_backlog_and_binding_options_reach_the_socket(reactor, run):
    async def main():
        binding = makeBinding("127.0.0.1", 0, reuseAddress=False, reusePort=True)
        port = reactor.listenTCP(binding, Recording(), backlog=3)
        options = port.getHandle()
        assert not options.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert options.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
        again = reactor.listenTCP(
            makeBinding("127.0.0.1", port.getHost().port, reusePort=True), Recording(), interface="127.0.0.1"
        )
        await again.stopListening()
        await port.stopListening()
        with pytest.raises(ValueError, match="give one of them"):
            reactor.listenTCP(binding, Recording(), interface="::1")

    run(main)


@needs_ipv6
def test_ipv6(reactor, run):
    async def main():
        factory = Recording()
        port = reactor.listenTCP(0, factory, interface="::1")
        assert port.addressFamily == socket.AF_INET6
        peer = await Peer.connect(port)
        server = await factory.next()
        for address in (
            port.getHost(),
            server.transport.getHost(),
            server.transport.getPeer(),
            factory.log[1],
        ):
            assert isinstance(address, IPv6Address)
            assert address.host == "::1"
        assert server.transport.getPeer().port == peer.sock.getsockname()[1]
        await end(port, peer)

    run(main)


def test_listening_and_closing_are_mentioned(reactor, run):
    heard = []

    def hear(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        heard.append(format.format(**fields))

    async def main():
        port = reactor.listenTCP(0, Recording(), interface="127.0.0.1")
        number = port.getHost().port
        await port.stopListening()
        assert heard[0].endswith(f" starting on {number}")
        assert f"(TCP Port {number} Closed)" in heard

    _events.subscribe(hear)
    try:
        run(main)
    finally:
        _events.unsubscribe(hear)


# --- Sockets that somebody else made ---------------------------------------------------------------------------


def test_adopting_a_port(reactor, run):
    async def main():
        factory = Recording()
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            port = reactor.adoptStreamPort(sock.fileno(), socket.AF_INET, factory)
            assert port.getHost().port == sock.getsockname()[1]
        peer = await Peer.connect(port)
        server = await factory.next()
        await peer.send(b"x")
        await server.got(1)
        await end(port, peer)

    run(main)


def test_adopting_a_connection(reactor, run):
    async def main():
        port, peer, first = await served(reactor)
        factory = Recording()
        reactor.removeReader(first.transport)
        reactor.removeWriter(first.transport)
        transport = reactor.adoptStreamConnection(first.transport.fileno(), socket.AF_INET, factory)
        first.transport.socket.close()
        server = await factory.next()
        assert server.transport is transport
        assert factory.log[0] == transport.getPeer()
        await peer.send(b"hello")
        assert await server.got(5) == b"hello"
        transport.write(b"answer")
        assert await peer.recv() == b"answer"
        await end(port, peer)
        assert type(await server.lost()) is ConnectionDone
        assert first.events == ["made"]

    run(main)


@needs_ipv6
def test_adopting_ipv6(reactor, run):
    async def main():
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
            address = listening.getsockname()[:2]
            first = Recording()
            port = reactor.adoptStreamPort(listening.fileno(), socket.AF_INET6, first)
        assert port.getHost() == IPv6Address("TCP", *address)
        peer = await Peer.connect(port)
        server = await first.next()
        assert server.transport.getHost() == port.getHost()
        # The peer's end, adopted as well, so that both are ours.
        second = Recording()
        reactor.adoptStreamConnection(peer.sock.fileno(), socket.AF_INET6, second)
        peer.close()
        client = await second.next()
        assert client.transport.getPeer() == port.getHost()
        assert client.transport.getHost() == server.transport.getPeer()
        server.transport.write(b"question")
        assert await client.got(8) == b"question"
        client.transport.loseConnection()
        assert type(await server.lost()) is ConnectionDone
        await end(port)

    run(main)


def test_adopting_a_connection_may_be_refused(reactor, run, reports):
    class Refusing(Recording):
        def buildProtocol(self, addr: Any) -> None:
            return None

    class Failing(Recording):
        def buildProtocol(self, addr: Any) -> None:
            raise ZeroDivisionError

    async def main():
        port, peer, first = await served(reactor)
        assert reactor.adoptStreamConnection(first.transport.fileno(), socket.AF_INET, Refusing()) is None
        with pytest.raises(ZeroDivisionError):
            reactor.adoptStreamConnection(first.transport.fileno(), socket.AF_INET, Failing())
        await end(port, peer)

    run(main)


def test_only_known_families_are_adopted(reactor):
    for adopt in (reactor.adoptStreamPort, reactor.adoptStreamConnection, reactor.adoptDatagramPort):
        with pytest.raises(UnsupportedAddressFamily):
            adopt(0, 12345, Recording())


# --- Running out of descriptors --------------------------------------------------------------------------------


class _NoDescriptors:
    """A listening socket for which there is no descriptor left, until one is freed."""

    def __init__(self, real: socket.socket) -> None:
        self.real = real
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def accept(self) -> Any:
        if _listening.reserved_descriptor.available():
            self.refused += 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return self.real.accept()


def test_without_descriptors_peers_are_turned_away(run, reactor, monkeypatch, capsys):
    monkeypatch.setattr(Port, "_accepts_itself", True)
    monkeypatch.setattr(_events, "_subscribers", ())  # no log, whatever other tests have imported

    async def main():
        factory = Recording()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        real, port.socket = port.socket, _NoDescriptors(port.socket)
        peer = await Peer.connect(port)
        assert await peer.rest() == b""
        assert factory.protocols == []
        assert port.socket.refused
        assert _listening.reserved_descriptor.available()
        port.socket = real
        second = await Peer.connect(port)
        await factory.next()
        await end(port, peer, second)

    run(main)
    assert "Connections are turned away" in capsys.readouterr().err


def test_without_a_reserved_descriptor_it_is_reported(run, reactor, monkeypatch, reports):
    monkeypatch.setattr(Port, "_accepts_itself", True)

    async def main():
        port = reactor.listenTCP(0, Recording(), interface="127.0.0.1")
        failing = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        monkeypatch.setattr(_listening.reserved_descriptor, "available", lambda: False)
        assert not port._shed(failing)
        assert [report.failure.value for report in reports] == [failing]
        reports.clear()
        await port.stopListening()

    run(main)


@pytest.mark.parametrize(
    ("number", "reported"),
    [(errno.ECONNABORTED, 0), (errno.ENOBUFS, 0), (errno.ENOMEM, 0), (errno.EPERM, 0), (errno.EOPNOTSUPP, 1)],
)
def test_what_accept_fails_with_is_reported_unless_it_is_a_matter_of_course(
    run, reactor, monkeypatch, reports, number, reported
):
    monkeypatch.setattr(Port, "_accepts_itself", True)

    class Failing:
        def accept(self) -> Any:
            raise OSError(number, os.strerror(number))

    async def main():
        port = reactor.listenTCP(0, Recording(), interface="127.0.0.1")
        real, port.socket = port.socket, Failing()
        port.doRead()
        port.socket = real
        assert [report.failure.value.errno for report in reports] == [number] * reported
        reports.clear()
        await port.stopListening()

    run(main)


def test_as_many_are_accepted_at_once_as_came_before(run, reactor, monkeypatch):
    monkeypatch.setattr(Port, "_accepts_itself", True)

    class Queue:
        """A listening socket with so many waiting, none of whom can be served."""

        def __init__(self, waiting: int) -> None:
            self.waiting, self.asked = waiting, 0

        def accept(self) -> Any:
            self.asked += 1
            if self.waiting:
                self.waiting -= 1
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            raise BlockingIOError

    async def main():
        port = reactor.listenTCP(0, Recording(), interface="127.0.0.1")
        monkeypatch.setattr(port, "_shed", lambda error: True)
        real = port.socket
        asked = []
        for waiting in (3, 3, 4, 0, 500):
            port.socket = Queue(waiting)
            port.doRead()
            asked.append((port.socket.asked, port.numberAccepts))
        port.socket = real
        # Once too often at the first turn, when it did not know; then never more than came, or twice that.
        assert asked == [(4, 3), (3, 6), (5, 4), (1, 1), (1, 2)]
        for _ in range(10):
            port.socket = Queue(500)
            port.doRead()
        assert port.socket.asked == port.numberAccepts == 100
        port.socket = real
        await port.stopListening()

    run(main)


def test_accepting_by_hand_takes_the_reserve_first(run, reactor, monkeypatch, reports):
    """Whoever calls `doRead` of a port that the loop accepts for; without the reserve it would be reported."""
    monkeypatch.setattr(_listening.reserved_descriptor, "_file", None)

    async def main():
        port = reactor.listenTCP(0, Recording(), interface="127.0.0.1")
        real, port.socket = port.socket, _NoDescriptors(port.socket)
        port.doRead()
        assert port.socket.refused == 1
        assert reports == []
        port.socket = real
        await port.stopListening()

    run(main)


def test_a_port_that_accepts_itself_serves_many(run, reactor, monkeypatch):
    monkeypatch.setattr(Port, "_accepts_itself", True)

    async def main():
        factory = Recording(Recorder)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        peers = [await Peer.connect(port) for _ in range(5)]
        await factory.next(4)
        for number, peer in enumerate(peers):
            await peer.send(b"%d" % number)
        for protocol in factory.protocols:
            await protocol.got(1)
        assert sorted(protocol.data for protocol in factory.protocols) == [b"0", b"1", b"2", b"3", b"4"]
        assert [protocol.transport.sessionno for protocol in factory.protocols] == [0, 1, 2, 3, 4]
        await end(port, *peers)

    run(main)


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="a system without shared ports")
def test_ports_that_share_a_number_serve_between_them(reactor, run):
    async def main():
        factories = [Recording(), Recording()]
        number, ports = 0, []
        for factory in factories:
            binding = makeBinding("127.0.0.1", number, reusePort=True)
            ports.append(reactor.listenTCP(binding, factory))
            number = ports[0].getHost().port
        peers = [await Peer.connect(ports[0]) for _ in range(8)]
        # Whichever socket each of them came to: when one port stops, the other one serves all that come.
        await turn(5)
        assert sum(len(factory.protocols) for factory in factories) == 8
        await ports[0].stopListening()
        before = len(factories[1].protocols)
        peers.append(await Peer.connect(ports[1]))
        await factories[1].next(before)
        await end(ports[1], *peers)

    run(main)


def test_a_peer_that_reset_before_it_was_accepted_disturbs_nobody(run, reactor):
    """It has no address any more: there is nothing to build a protocol for."""

    async def main():
        factory = Recording()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        for _ in range(3):
            # Without a turn of the loop between: the system has completed the connection, we have not looked.
            sock = socket.create_connection((port.getHost().host, port.getHost().port))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        late = await Peer.connect(port)
        await late.send(b"hello")
        await turn(5)
        assert [protocol.data for protocol in factory.protocols if not protocol.reasons] == [b"hello"]
        await end(port, late)

    run(main)


def test_a_connection_that_is_gone_when_it_is_adopted_is_lost(run, reactor):
    async def main():
        factory = Recording()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        port.stopReading()
        peer = await Peer.connect(port)
        connection, _ = port.socket.accept()
        peer.reset()
        with pytest.raises(OSError):
            reactor.adoptStreamConnection(connection.fileno(), socket.AF_INET, Recording())
        connection.close()
        await port.stopListening()

    run(main)
