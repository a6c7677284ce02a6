"""Connectors and clients: states, failures, timeouts, names."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage.addresses import IPv4Address, IPv6Address
from selvage.defer import Deferred, fail, succeed
from selvage.errors import (
    ConnectBindError,
    ConnectError,
    ConnectionDone,
    ConnectionRefusedError,
    DNSLookupError,
    NotConnectingError,
    ServiceNameUnknownError,
    TimeoutError,
    UserError,
)
from selvage.interfaces import IConnector
from selvage.protocols import ClientFactory
from selvage.transports import tcp
from selvage.transports.tcp import makeBinding

from .helpers import Recorder, Recording, end, turn
from .test_listening import needs_ipv6


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(reactor: Any) -> tuple[Any, Recording]:
    factory = Recording()
    return reactor.listenTCP(0, factory, interface="127.0.0.1"), factory


def test_connecting(reactor, run):
    async def main():
        port, servers = listening(reactor)
        number = port.getHost().port
        factory = Recording()
        connector = reactor.connectTCP("127.0.0.1", number, factory)
        verifyObject(IConnector, connector)
        assert connector.state == "connecting"
        assert factory.log == ["start", "connecting"]
        assert connector.getDestination() == IPv4Address("TCP", "127.0.0.1", number)
        client = await factory.next()
        server = await servers.next()
        assert connector.state == "connected"
        assert client.transport is connector.transport
        assert client.transport.connector is connector
        assert client.transport.getPeer() == connector.getDestination() == server.transport.getHost()
        assert client.transport.getHost() == server.transport.getPeer()
        assert client.transport.logstr == "Recorder,client"
        assert f"to ('127.0.0.1', {number}) at" in repr(client.transport)
        assert "connected" in repr(connector)
        client.transport.write(b"ping")
        assert await server.got(4) == b"ping"
        server.transport.write(b"pong")
        assert await client.got(4) == b"pong"
        connector.disconnect()
        assert type(await client.lost()) is ConnectionDone
        await turn()
        assert connector.state == "disconnected"
        assert factory.log[3:] == [("lost", factory.log[3][1]), "stop"]
        await end(port)

    run(main)


def test_nobody_there(reactor, run):
    async def main():
        factory = Recording()
        connector = reactor.connectTCP("127.0.0.1", free_port(), factory)
        log = await factory.logged(4)
        assert log[:2] == ["start", "connecting"]
        assert isinstance(log[2], ConnectionRefusedError)
        assert log[2].osError == errno.ECONNREFUSED
        assert log[3] == "stop"
        assert connector.state == "disconnected"
        assert connector.transport is None

    run(main)


def test_a_bad_name(reactor, run):
    class Resolver:
        def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:
            return fail(DNSLookupError(f"no such name: {name}"))

    async def main():
        reactor.installResolver(Resolver())
        factory = Recording()
        reactor.connectTCP("nowhere.example", 80, factory)
        log = await factory.logged(4)
        assert isinstance(log[2], DNSLookupError)
        assert "nowhere.example" in str(log[2])

    run(main)


def test_a_resolver_that_fails_oddly(reactor, run):
    class Resolver:
        def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:
            return fail(KeyError(name))

    async def main():
        reactor.installResolver(Resolver())
        factory = Recording()
        reactor.connectTCP("nowhere.example", 80, factory)
        log = await factory.logged(4)
        assert isinstance(log[2], DNSLookupError)
        assert isinstance(log[2].__cause__, KeyError)

    run(main)


def test_names_are_resolved(reactor, run):
    class Resolver:
        def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:
            assert name == "here.example"
            return succeed("127.0.0.1")

    async def main():
        port, servers = listening(reactor)
        reactor.installResolver(Resolver())
        factory = Recording()
        connector = reactor.connectTCP("here.example", port.getHost().port, factory)
        client = await factory.next()
        assert connector.getDestination().host == "here.example"
        assert client.transport.getPeer().host == "127.0.0.1"
        client.transport.loseConnection()
        await client.lost()
        await servers.next()
        await end(port)

    run(main)


def test_an_attempt_takes_at_most_its_timeout(reactor, run):
    class Resolver:
        def getHostByName(self, name: str, timeout: Any = ()) -> Deferred[str]:
            return Deferred()

    async def main():
        reactor.installResolver(Resolver())
        factory = Recording()
        connector = reactor.connectTCP("slow.example", 80, factory, timeout=0.01)
        log = await factory.logged(4)
        assert type(log[2]) is TimeoutError
        assert connector.timeoutID is None
        reactor.connectTCP("slow.example", 80, factory, timeout=None).stopConnecting()

    run(main)


def test_a_connection_in_time_stops_the_clock(reactor, run):
    async def main():
        port, servers = listening(reactor)
        factory = Recording()
        before = set(reactor.getDelayedCalls())
        connector = reactor.connectTCP("127.0.0.1", port.getHost().port, factory, timeout=5)
        client = await factory.next()
        assert set(reactor.getDelayedCalls()) <= before
        connector.disconnect()
        await client.lost()
        await servers.next()
        await end(port)

    run(main)


@pytest.mark.parametrize("how", ["stopConnecting", "disconnect"])
def test_giving_up(reactor, run, how):
    async def main():
        port, servers = listening(reactor)
        factory = Recording()
        connector = reactor.connectTCP("127.0.0.1", port.getHost().port, factory)
        getattr(connector, how)()
        assert type(factory.log[2]) is UserError
        assert factory.log[3] == "stop"
        assert connector.state == "disconnected"
        await turn(10)
        assert servers.protocols == factory.protocols == []
        with pytest.raises(NotConnectingError, match="disconnected"):
            connector.stopConnecting()
        connector.disconnect()
        await end(port)

    run(main)


def test_giving_up_while_the_engine_takes_over(reactor, run):
    async def main():
        port, servers = listening(reactor)
        factory = Recording()
        connector = reactor.connectTCP("127.0.0.1", port.getHost().port, factory)
        client = connector.transport
        established = client._established

        def give_up() -> None:
            established()
            connector.stopConnecting()

        client.__class__ = type("Watched", (type(client),), {"_established": lambda self: give_up()})
        await factory.logged(4)
        await turn(10)
        assert factory.protocols == []
        await end(port)

    run(main)


def test_giving_up_in_started_connecting(reactor, run):
    class Fickle(Recording):
        def startedConnecting(self, connector: Any) -> None:
            connector.stopConnecting()

    async def main():
        factory = Fickle()
        reactor.connectTCP("127.0.0.1", free_port(), factory)
        assert factory.log[0] == "start"
        assert type(factory.log[1]) is UserError
        await turn(3)

    run(main)


def test_connecting_twice_is_refused(reactor, run):
    async def main():
        factory = Recording()
        connector = reactor.connectTCP("127.0.0.1", free_port(), factory)
        with pytest.raises(RuntimeError, match="connecting already"):
            connector.connect()
        connector.stopConnecting()

    run(main)


def test_connecting_again_from_the_hooks(reactor, run):
    class Persistent(Recording):
        def clientConnectionLost(self, connector: Any, reason: Any) -> None:
            super().clientConnectionLost(connector, reason)
            connector.connect()

    async def main():
        port, servers = listening(reactor)
        factory = Persistent()
        connector = reactor.connectTCP("127.0.0.1", port.getHost().port, factory)
        first = await factory.next()
        (await servers.next()).transport.loseConnection()
        await first.lost()
        second = await factory.next(1)
        assert factory.log.count("start") == 1
        assert "stop" not in factory.log
        await port.stopListening()
        factory.clientConnectionLost = lambda connector, reason: Recording.clientConnectionLost(
            factory, connector, reason
        )
        second.transport.loseConnection()
        await second.lost()
        await turn(3)
        assert factory.log[-1] == "stop"
        assert connector.state == "disconnected"

    run(main)


def test_build_protocol_may_refuse(reactor, run):
    class Refusing(Recording):
        def buildProtocol(self, addr: Any) -> None:
            return None

    async def main():
        port, servers = listening(reactor)
        factory = Refusing()
        reactor.connectTCP("127.0.0.1", port.getHost().port, factory)
        log = await factory.logged(4)
        assert type(log[2][1]) is ConnectionDone
        await (await servers.next()).lost()
        await end(port)

    run(main)


@pytest.mark.parametrize(
    "hook", ["buildProtocol", "clientConnectionLost", "clientConnectionFailed", "stopFactory"]
)
def test_an_exception_in_a_factory_hook_is_reported_once(reactor, run, reports, hook):
    class Buggy(Recording):
        pass

    def raises(self: Any, *args: Any) -> None:
        self._tell("raised")
        raise ZeroDivisionError

    setattr(Buggy, hook, raises)

    async def main():
        port, servers = listening(reactor)
        factory = Buggy()
        number = free_port() if hook == "clientConnectionFailed" else port.getHost().port
        connector = reactor.connectTCP("127.0.0.1", number, factory)
        if hook in ("clientConnectionLost", "stopFactory"):
            (await factory.next()).transport.loseConnection()
        while "raised" not in factory.log:
            await factory.logged(len(factory.log) + 1)
        await turn(5)
        assert connector.state == "disconnected"
        [report] = reports
        assert report.source == "factory"
        assert type(report.failure.value) is ZeroDivisionError
        reports.clear()
        await end(port)

    run(main)


# --- Where from, where to --------------------------------------------------------------------------------------


@pytest.mark.parametrize("give", ["pair", "literal", "binding"])
def test_the_local_address_may_be_chosen(reactor, run, give):
    async def main():
        port, servers = listening(reactor)
        own = free_port() if give == "pair" else 0
        asked = {
            "pair": ("127.0.0.1", own),
            "literal": "127.0.0.1",
            "binding": makeBinding("127.0.0.1", reuseAddress=True, reusePort=True),
        }[give]
        factory = Recording()
        connector = reactor.connectTCP("127.0.0.1", port.getHost().port, factory, bindAddress=asked)
        bound = connector.transport.socket
        assert bound.getsockname()[0] == "127.0.0.1"
        assert bool(bound.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)) is (give == "binding")
        client = await factory.next()
        assert give != "pair" or client.transport.getHost().port == own
        client.transport.abortConnection()
        await client.lost()
        await servers.next()
        await end(port)

    run(main)


def test_a_local_address_that_is_taken(reactor, run):
    async def main():
        port, servers = listening(reactor)
        factory = Recording()
        taken = ("127.0.0.1", port.getHost().port)
        connector = reactor.connectTCP("127.0.0.1", port.getHost().port, factory, bindAddress=taken)
        assert factory.log == ["start", "connecting"]
        log = await factory.logged(4)
        assert type(log[2]) is ConnectBindError
        assert log[2].osError == errno.EADDRINUSE
        assert connector.state == "disconnected"
        await end(port)

    run(main)


def test_no_socket_to_be_had(reactor, run, monkeypatch):
    def refuse(self: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(tcp.Client, "createInternetSocket", refuse)

    async def main():
        factory = Recording()
        reactor.connectTCP("127.0.0.1", 1, factory)
        log = await factory.logged(4)
        assert type(log[2]) is ConnectError
        assert log[2].osError == errno.EMFILE

    run(main)


def test_services_have_names(reactor, run):
    async def main():
        connector = reactor.connectTCP("127.0.0.1", "http", Recording())
        assert connector.getDestination().port == 80
        connector.stopConnecting()
        with pytest.raises(ServiceNameUnknownError, match="no-such-service"):
            reactor.connectTCP("127.0.0.1", "no-such-service", Recording())

    run(main)


@pytest.mark.parametrize("number", [-1, 65536])
def test_impossible_ports_are_told_to_the_factory(reactor, run, number):
    async def main():
        factory = Recording()
        reactor.connectTCP("127.0.0.1", number, factory)
        error = (await factory.logged(4))[2]
        assert isinstance(error, OverflowError)
        assert "port must be 0-65535" in str(error)
        assert error.__notes__ == [f"while connecting to 127.0.0.1:{number}"]

    run(main)


@needs_ipv6
def test_ipv6(reactor, run):
    async def main():
        servers = Recording()
        port = reactor.listenTCP(0, servers, interface="::1")
        factory = Recording()
        connector = reactor.connectTCP("::1", port.getHost().port, factory, bindAddress=("::1", 0))
        assert isinstance(connector.getDestination(), IPv6Address)
        client = await factory.next()
        assert isinstance(client.transport.getPeer(), IPv6Address)
        assert client.transport.getPeer() == port.getHost()
        client.transport.loseConnection()
        await client.lost()
        await servers.next()
        await end(port)
        hopeless = Recording()
        reactor.connectTCP("::1", -1, hopeless)
        assert isinstance((await hopeless.logged(4))[2], socket.gaierror)

    run(main)


def test_plain_factories_connect_too(reactor, run):
    class Plain:
        protocol = Recorder

        def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
            told.callback(reason.value)

    told: Deferred[Any] = Deferred()

    async def main():
        reactor.connectTCP("127.0.0.1", free_port(), Plain())
        assert isinstance(await told, ConnectionRefusedError)

    run(main)


def test_shutdown_ends_attempts_and_connections(reactor, run):
    seen = []

    async def main():
        port, servers = listening(reactor)
        factory = Recording()
        reactor.connectTCP("127.0.0.1", port.getHost().port, factory)
        client = await factory.next()
        server = await servers.next()
        for protocol in (client, server):
            protocol.transport.disconnecting = True
        port.disconnecting = True
        seen.extend([client, server, factory])

    run(main)
    client, server, factory = seen
    assert client.events[-1] == server.events[-1] == "lost"
    assert factory.log[-1] == "stop"


def test_an_attempt_that_trips_over_our_own_error_ends(reactor: Any, run: Any, monkeypatch: Any) -> None:
    """The factory hears of it; it must not wait for ever."""

    def trip(self: Any) -> None:
        raise RuntimeError("a bug on the way to the address")

    monkeypatch.setattr(tcp.Client, "resolveAddress", trip)

    async def main() -> None:
        failed: Deferred[Any] = Deferred()

        class Caller(ClientFactory):
            def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
                failed.callback(reason.value)

        reactor.connectTCP("127.0.0.1", 1, Caller())
        assert isinstance(await failed, RuntimeError)

    run(main)
