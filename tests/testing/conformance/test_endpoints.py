"""The endpoint contract: every kind of stream endpoint of ours keeps it, and spoilt ones are found out."""

from __future__ import annotations

import shutil
import socket
import tempfile

import pytest

from selvage.addresses import IPv4Address
from selvage.defer import Deferred, fail, succeed
from selvage.endpoints import (
    AdoptedStreamServerEndpoint,
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ClientEndpoint,
    TCP6ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    _WrapperEndpoint,
    clientFromString,
    proxyEndpoint,
    serverFromString,
)
from selvage.errors import ConnectingCancelledError, ConnectionRefusedError, NoProtocol
from selvage.failure import Failure
from selvage.protocols.policies import ProtocolWrapper, WrappingFactory
from selvage.testing import connect
from selvage.testing.conformance import PromiseBroken, cases

ENDPOINTS = cases("endpoints")
HERE = "127.0.0.1"


@pytest.fixture
def folder():
    # Short, since the path of a UNIX socket may have no more than about 100 bytes.
    made = tempfile.mkdtemp(prefix="ep-")
    yield made
    shutil.rmtree(made)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def adopted(reactor):
    """An endpoint for a socket that somebody else has bound; it belongs to the endpoint from now on."""
    listening = socket.socket()
    listening.bind((HERE, 0))
    listening.listen()
    listening.setblocking(False)
    return AdoptedStreamServerEndpoint(reactor, listening.detach(), socket.AF_INET)


def described(reactor, port):
    return clientFromString(reactor, f"tcp:host={HERE}:port={port.getHost().port}:timeout=5")


class Announced(ProtocolWrapper):
    """Says first for whom it connects, as a proxy does."""

    def makeConnection(self, transport):
        transport.write(b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 80\r\n")
        super().makeConnection(transport)


class Announcing(WrappingFactory):
    protocol = Announced


# What listens, and what connects to the port that was opened.
KINDS = {
    "tcp4": (
        lambda reactor, folder: TCP4ServerEndpoint(reactor, 0, interface=HERE),
        lambda reactor, port: TCP4ClientEndpoint(reactor, HERE, port.getHost().port),
    ),
    "tcp6": (
        lambda reactor, folder: TCP6ServerEndpoint(reactor, 0, interface="::1"),
        lambda reactor, port: TCP6ClientEndpoint(reactor, "::1", port.getHost().port),
    ),
    "hostname": (
        lambda reactor, folder: TCP4ServerEndpoint(reactor, 0, interface=HERE),
        lambda reactor, port: HostnameEndpoint(reactor, HERE, port.getHost().port),
    ),
    "unix": (
        lambda reactor, folder: UNIXServerEndpoint(reactor, f"{folder}/socket"),
        lambda reactor, port: UNIXClientEndpoint(reactor, port.getHost().name),
    ),
    "adopted": (
        lambda reactor, folder: adopted(reactor),
        lambda reactor, port: TCP4ClientEndpoint(reactor, HERE, port.getHost().port),
    ),
    "haproxy": (
        lambda reactor, folder: proxyEndpoint(TCP4ServerEndpoint(reactor, 0, interface=HERE)),
        lambda reactor, port: _WrapperEndpoint(
            TCP4ClientEndpoint(reactor, HERE, port.getHost().port), Announcing
        ),
    ),
    "tcp string": (
        lambda reactor, folder: serverFromString(reactor, f"tcp:0:interface={HERE}"),
        lambda reactor, port: described(reactor, port),
    ),
    "unix string": (
        lambda reactor, folder: serverFromString(reactor, f"unix:{folder}/socket"),
        lambda reactor, port: clientFromString(reactor, f"unix:{port.getHost().name.decode()}"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", ENDPOINTS, ids=str)
def test_ours(case, kind, reactor, folder, quiet):
    if kind == "tcp6" and not has_ipv6():
        pytest.skip("this machine has no IPv6 on its loopback interface")
    server, client = KINDS[kind]
    case.run(
        lambda: server(reactor, folder),
        lambda port: client(reactor, port),
        lambda: reactor.iterate(0.0005),
    )


# Endpoints in memory, as they should be, and spoilt in one place.


class Port:
    def __init__(self, factory):
        self.factory = factory
        self.open = True
        factory.doStart()

    def getHost(self):
        return IPv4Address("TCP", HERE, 1)

    def stopListening(self):
        if self.open:
            self.open = False
            self.factory.doStop()
        return succeed(None)


class Server:
    port = Port

    def listen(self, factory):
        return succeed(self.port(factory))


class Client:
    """Connects when `pump` is called next."""

    def __init__(self, port, world):
        self.port = port
        self.world = world

    def connect(self, factory):
        self.cancelled = False
        deferred = Deferred(self.cancel)
        self.world.later.append(lambda: self.cancelled or self.go(factory, deferred))
        return deferred

    def cancel(self, deferred):
        self.cancelled = True
        deferred.errback(Failure(ConnectingCancelledError(self.port.getHost())))

    def go(self, factory, deferred):
        if not self.port.open:
            deferred.errback(Failure(ConnectionRefusedError()))
            return
        try:
            mine = factory.buildProtocol(self.port.getHost())
            if mine is None:
                raise NoProtocol
        except Exception:
            deferred.errback(Failure())
            return
        theirs = self.port.factory.buildProtocol(IPv4Address("TCP", HERE, 2))
        if theirs is None:
            theirs = self.world.hanging_up()
        self.world.pairs.append(connect(mine, theirs))
        deferred.callback(mine)


class World:
    server, client = Server, Client

    def __init__(self):
        self.pairs = []
        self.later = []

    def hanging_up(self):
        from selvage.protocols import Protocol

        class HangsUp(Protocol):
            def connectionMade(self):
                self.transport.loseConnection()

        return HangsUp()

    def pump(self):
        later, self.later = self.later, []
        for call in later:
            call()
        moved = [pair.pump() for pair in self.pairs]
        return bool(later) or any(moved)


def spoilt(server=Server, client=Client, port=Port):
    """The arguments of a check, with one of the parts exchanged."""
    world = World()
    listening = server()
    listening.port = port
    return listening, lambda opened: client(opened, world), world.pump


class FailsToListen(Server):
    def listen(self, factory):
        return fail(Failure(OSError("no")))


class ListensForNothing(Server):
    def listen(self, factory):
        return self.port(factory)


class StartsNothing(Port):
    def __init__(self, factory):
        super().__init__(factory)
        factory.started = 0


class StopsNothing(Port):
    def stopListening(self):
        self.open = False
        return succeed(None)


class KeepsListening(Port):
    def stopListening(self):
        self.factory.doStop()
        return succeed(None)


class EndsConnections(Port):
    def stopListening(self):
        for protocol in [self.factory._made[-1]]:
            if hasattr(protocol, "transport"):
                protocol.transport.loseConnection()
        return super().stopListening()


class NeverConnects(Client):
    def go(self, factory, deferred):
        pass


class FiresTooSoon(Client):
    def go(self, factory, deferred):
        mine = factory.buildProtocol(None)
        deferred.callback(mine)
        factory._made = [mine]
        super().go(factory, Deferred())


class FiresWithAnother(Client):
    def go(self, factory, deferred):
        inner = Deferred()
        inner.addCallbacks(lambda mine: deferred.callback(object()), deferred.errback)
        super().go(factory, inner)


class Crosses(Client):
    """What one side writes comes back to it."""

    def go(self, factory, deferred):
        mine, theirs = factory.buildProtocol(None), self.port.factory.buildProtocol(None)
        for protocol in (mine, theirs):
            self.world.pairs.append(
                connect(protocol, type(protocol)(on_data=lambda me: me.transport.write(b"?")))
            )
        deferred.callback(mine)


class EndsTheOthers(Client):
    def go(self, factory, deferred):
        super().go(factory, deferred)
        first, last = self.world.pairs[0].first, self.world.pairs[-1].first
        if first is not last:
            lost = first.protocol.connectionLost
            first.protocol.connectionLost = lambda reason: (lost(reason), last.loseConnection())


class HasNoProtocolError(Client):
    def go(self, factory, deferred):
        inner = Deferred()
        inner.addCallbacks(deferred.callback, lambda reason: deferred.callback(None))
        super().go(factory, inner)


class LeavesTheServerConnected(Client):
    def go(self, factory, deferred):
        theirs = self.port.factory.buildProtocol(None)
        from selvage.testing.conformance._parts import Recorder

        self.world.pairs.append(connect(Recorder(), theirs))
        self.port.factory._made = [theirs]
        super().go(factory, deferred)


class LosesTheError(Client):
    def go(self, factory, deferred):
        try:
            factory.buildProtocol(None)
        except Exception:
            deferred.errback(Failure(ConnectionRefusedError()))
        else:
            super().go(factory, deferred)


class StaysWithNobody(Client):
    def go(self, factory, deferred):
        from selvage.protocols import Protocol

        self.world.hanging_up = Protocol
        super().go(factory, deferred)


class CannotBeCancelled(Client):
    def cancel(self, deferred):
        self.cancelled = False
        deferred.errback(Failure(ConnectingCancelledError(None)))

    def go(self, factory, deferred):
        super().go(factory, Deferred())


class CancelsQuietly(Client):
    def cancel(self, deferred):
        self.cancelled = True
        deferred.callback(None)


FAULTS = [
    ({"server": FailsToListen}, "listening_gives_a_port"),
    ({"server": ListensForNothing}, "listening_gives_a_port"),
    ({"port": StartsNothing}, "listening_gives_a_port"),
    ({"port": StopsNothing}, "listening_gives_a_port"),
    ({"client": NeverConnects}, "connecting_gives_the_protocol"),
    ({"client": FiresTooSoon}, "connecting_gives_the_protocol"),
    ({"client": FiresWithAnother}, "connecting_gives_the_protocol"),
    ({"client": Crosses}, "both_sides_can_talk"),
    ({"client": EndsTheOthers}, "connections_are_independent"),
    ({"client": HasNoProtocolError}, "a_factory_may_have_no_protocol"),
    ({"client": LeavesTheServerConnected}, "a_factory_may_have_no_protocol"),
    ({"client": LosesTheError}, "a_factory_may_fail"),
    ({"client": StaysWithNobody}, "a_server_may_have_no_protocol"),
    ({"port": KeepsListening}, "nobody_listens_no_more"),
    ({"client": CannotBeCancelled}, "an_attempt_can_be_cancelled"),
    ({"client": CancelsQuietly}, "an_attempt_can_be_cancelled"),
]


@pytest.mark.parametrize("case", ENDPOINTS, ids=str)
def test_endpoints_in_memory(case):
    case.run(*spoilt())


@pytest.mark.parametrize(
    ("parts", "name"), FAULTS, ids=lambda each: str(*each.values()) if isinstance(each, dict) else each
)
def test_a_fault_is_found_by_the_case_that_names_it(parts, name):
    [case] = [case for case in ENDPOINTS if case.name == name]
    with pytest.raises(PromiseBroken, match=name) as caught:
        case.run(*spoilt(**parts))
    assert "was raised:" not in caught.value.how


def test_each_case_has_a_fault_that_it_finds():
    assert {name for _, name in FAULTS} == {case.name for case in ENDPOINTS}
