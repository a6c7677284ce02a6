"""Endpoints behind faults, in memory and on real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.defer import Deferred
from selvage.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    connectProtocol,
)
from selvage.errors import (
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
    TimeoutError,
)
from selvage.failure import Failure
from selvage.protocols import DatagramProtocol, Factory, Protocol
from selvage.tasks import Clock
from selvage.testing import AccumulatingProtocol, StringTransport
from selvage.testing.faults import (
    ConnectTimeout,
    Corrupt,
    Cut,
    Delay,
    Duplicate,
    FaultPlan,
    Fragment,
    NoAddress,
    Refuse,
    SlowConnect,
    WrongAddress,
)


class Echo(Protocol):
    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)


class Client(Protocol):
    """Keeps what it hears; fires when it has heard enough, or the end."""

    def __init__(self, enough: int = 0) -> None:
        self.enough = enough
        self.heard = b""
        self.full: Deferred[None] = Deferred()
        self.lost: Deferred[BaseException] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        if len(self.heard) >= self.enough and not self.full.called:
            self.full.callback(None)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.lost.callback(reason.value)


class Endpoint:
    """A client endpoint that connects to nothing, at once."""

    attempts = 0

    def connect(self, factory: Any) -> Deferred[Any]:
        self.attempts += 1
        protocol = factory.buildProtocol(None)
        protocol.makeConnection(StringTransport())
        made: Deferred[Any] = Deferred()
        made.callback(protocol)
        return made


def attempt(plan: FaultPlan) -> tuple[list[Any], Endpoint, Deferred[Any]]:
    endpoint = Endpoint()
    outcome: list[Any] = []
    connecting = connectProtocol(plan.client(endpoint), Client())  # type: ignore[arg-type]
    connecting.addBoth(outcome.append)
    return outcome, endpoint, connecting


def test_an_attempt_that_is_spared_gives_the_protocol_of_the_factory() -> None:
    outcome, endpoint, _ = attempt(FaultPlan(Refuse(0), ConnectTimeout(0), SlowConnect(1, 0), clock=Clock()))
    assert isinstance(outcome[0], Client)
    assert endpoint.attempts == 1


def test_an_attempt_is_refused() -> None:
    plan = FaultPlan(Refuse(), seed=5)
    outcome, endpoint, _ = attempt(plan)
    assert outcome[0].check(ConnectionRefusedError)
    assert "refused by FaultPlan" in str(outcome[0].value) and "seed=5" in str(outcome[0].value)
    assert (endpoint.attempts, plan.counts) == (0, {"refuse": 1})


def test_an_attempt_times_out() -> None:
    clock = Clock()
    outcome, endpoint, _ = attempt(FaultPlan(ConnectTimeout(seconds=30), clock=clock))
    clock.advance(29)
    assert outcome == []
    clock.advance(1)
    assert outcome[0].check(TimeoutError)
    assert endpoint.attempts == 0


@pytest.mark.parametrize("fault", [ConnectTimeout(seconds=30), SlowConnect(30)])
def test_an_attempt_under_way_can_be_given_up(fault: Any) -> None:
    clock = Clock()
    outcome, endpoint, connecting = attempt(FaultPlan(fault, clock=clock))
    connecting.cancel()
    assert isinstance(outcome[0], Failure)
    assert clock.getDelayedCalls() == []
    assert endpoint.attempts == 0


def test_connections_overtake_each_other() -> None:
    clock = Clock()
    plan = FaultPlan(SlowConnect((0, 10)), seed=2, clock=clock)
    endpoint = plan.client(Endpoint())  # type: ignore[arg-type]
    order: list[int] = []
    for number in range(10):
        connectProtocol(endpoint, Client()).addCallback(lambda _, number=number: order.append(number))
    clock.pump([0.1] * 101)
    assert order != sorted(order) == list(range(10))


def test_a_server_leaves_a_connection_alone_for_a_while() -> None:
    clock = Clock()
    plan = FaultPlan(SlowConnect(5), clock=clock)
    factory = plan.factory(Factory.forProtocol(AccumulatingProtocol))
    protocol, transport = factory.buildProtocol(None), StringTransport()
    protocol.makeConnection(transport)
    inner = protocol.wrappedProtocol
    assert (inner.made, transport.producerState) == (0, "paused")
    clock.advance(5)
    assert (inner.made, transport.producerState) == (1, "producing")
    early = factory.buildProtocol(None)
    early.makeConnection(StringTransport())
    inner = early.wrappedProtocol
    early.connectionLost(Failure(ConnectionDone()))
    clock.advance(5)
    assert (inner.made, inner.closed) == (0, 0)
    assert list(factory.protocols) == [protocol]


def test_a_server_that_does_not_answer_resets_in_the_end() -> None:
    clock = Clock()
    factory = FaultPlan(ConnectTimeout(seconds=5), clock=clock).factory(Factory.forProtocol(Echo))
    protocol, transport = factory.buildProtocol(None), StringTransport()
    protocol.makeConnection(transport)
    protocol.dataReceived(b"anybody there?")
    assert (transport.value(), transport.disconnected) == (b"", False)
    clock.advance(5)
    assert transport.disconnected


# --- On sockets ----------------------------------------------------------------------------------------------------


class Network:
    """An echo server and a way to it, each behind a plan of its own."""

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.here = self.there = FaultPlan(clock=reactor)
        self.port: Any = None

    async def open(self, here: tuple[Any, ...] = (), there: tuple[Any, ...] = (), seed: int = 1) -> Any:
        """Listen; returns the client's endpoint."""
        self.here = FaultPlan(*here, seed=seed, clock=self.reactor)
        self.there = FaultPlan(*there, seed=seed, clock=self.reactor)
        listening = self.there.server(TCP4ServerEndpoint(self.reactor, 0, interface="127.0.0.1"))
        self.port = await listening.listen(Factory.forProtocol(Echo))
        return self.here.client(TCP4ClientEndpoint(self.reactor, "127.0.0.1", self.port.getHost().port))


@pytest.fixture
async def network(reactor: Any) -> Any:
    network = Network(reactor)
    yield network
    await network.port.stopListening()


async def say_hello(endpoint: Any) -> bytes:
    client = await connectProtocol(endpoint, Client(enough=5))
    client.transport.write(b"hello")
    await client.full
    client.transport.loseConnection()
    await client.lost
    return bytes(client.heard)


async def hear_the_end(endpoint: Any) -> Any:
    client = await connectProtocol(endpoint, Client(enough=100))
    client.transport.write(b"hello" * 20)
    return client.heard, await client.lost


async def test_real_sockets_without_faults(network: Network) -> None:
    assert await say_hello(await network.open()) == b"hello"


async def test_real_sockets_one_byte_at_a_time(network: Network) -> None:
    slowly = Fragment(pause=0.001)
    assert await say_hello(await network.open((slowly, Delay((0, 0.001))), (slowly,))) == b"hello"
    assert network.here.counts["fragment"] == network.there.counts["fragment"] == 2


async def test_a_real_connection_is_cut_by_the_client(network: Network) -> None:
    _, reason = await hear_the_end(await network.open((Cut(at=50, direction="sent"),)))
    assert isinstance(reason, ConnectionLost)
    assert network.here.counts == {"cut": 1}


async def test_a_real_connection_is_cut_by_the_server(network: Network) -> None:
    """The client sees a reset; bytes that were under way may be lost with it."""
    _, reason = await hear_the_end(await network.open((), (Cut(at=50, direction="received"),)))
    assert isinstance(reason, ConnectionLost)
    assert [each.at for each in network.there.records] == [50]


async def test_a_real_connection_is_refused_by_the_server(network: Network) -> None:
    heard, reason = await hear_the_end(await network.open((), (Refuse(),)))
    assert heard == b"" and isinstance(reason, ConnectionLost)
    assert network.there.counts == {"refuse": 1}


async def test_the_same_bytes_are_corrupted_each_time(network: Network) -> None:
    endpoint = await network.open()

    async def talk() -> bytes:
        plan = FaultPlan(Corrupt(at=(0, 199_999), count=5, direction="received"), seed=8)
        client = await connectProtocol(plan.client(endpoint), Client(enough=200_000))
        client.transport.write(b"x" * 200_000)
        await client.full
        client.transport.loseConnection()
        await client.lost
        return bytes(client.heard)

    heard = await talk()
    assert await talk() == heard
    assert sum(byte != ord("x") for byte in heard) == 5


async def test_real_datagrams_twice(reactor: Any) -> None:
    class Echoes(DatagramProtocol):
        def datagramReceived(self, datagram: bytes, addr: Any) -> None:
            self.transport.write(datagram, addr)

    class Asks(DatagramProtocol):
        def __init__(self) -> None:
            self.answers = 0
            self.enough: Deferred[None] = Deferred()

        def datagramReceived(self, datagram: bytes, addr: Any) -> None:
            self.answers += 1
            if self.answers == 4:
                self.enough.callback(None)

    plan = FaultPlan(Duplicate(), seed=1)
    server = reactor.listenUDP(0, plan.datagrams(Echoes()), interface="127.0.0.1")
    asks = Asks()
    client = reactor.listenUDP(0, asks, interface="127.0.0.1")
    asks.transport.write(b"?", ("127.0.0.1", server.getHost().port))
    await asks.enough
    await server.stopListening()
    await client.stopListening()
    assert asks.answers == 4


async def test_names_lead_elsewhere(network: Network) -> None:
    """A HostnameEndpoint goes where the lying resolver says, and fails as it should when there is no address."""
    reactor = network.reactor
    await network.open()
    plan = FaultPlan(
        WrongAddress("127.0.0.1", host="elsewhere.example"), NoAddress(host="nowhere.example"), seed=1
    )
    before = reactor.installNameResolver(plan.resolver(reactor.nameResolver))
    try:
        port = network.port.getHost().port
        assert await say_hello(HostnameEndpoint(reactor, "elsewhere.example", port)) == b"hello"
        with pytest.raises(DNSLookupError):
            await connectProtocol(HostnameEndpoint(reactor, "nowhere.example", port), Client())
    finally:
        reactor.installNameResolver(before)
