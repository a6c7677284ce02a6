"""Policies on other factories' connections."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from zope.interface import implementer

from selvage import _events
from selvage.addresses import IPv4Address
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.interfaces import (
    IFileDescriptorReceiver,
    IHalfCloseableProtocol,
    IHandshakeListener,
    ITCPTransport,
)
from selvage.protocols import Factory, Protocol, policies
from selvage.protocols.haproxy import HAProxyWrappingFactory
from selvage.tasks import Clock
from selvage.testing import StringTransport, StringTransportWithDisconnection, connect

LOST = Failure(ConnectionDone())


class Notes(Protocol):
    paused = False

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.heard.append("lost")

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False


class Nothing(Factory[Any]):
    def buildProtocol(self, addr: Any) -> None:
        return None


def notes() -> Factory[Any]:
    factory = Factory.forProtocol(Notes)
    factory.noisy = False
    return factory


def connected(factory: Any, address: Any = None) -> tuple[Any, StringTransportWithDisconnection]:
    wrapper = factory.buildProtocol(address)
    transport = StringTransportWithDisconnection(peerAddress=address)
    transport.protocol = wrapper
    wrapper.makeConnection(transport)
    return wrapper, transport


ALL = [
    policies.WrappingFactory,
    policies.ThrottlingFactory,
    policies.LimitConnectionsByPeer,
    policies.TimeoutFactory,
    policies.SpewingFactory,
    lambda factory: policies.TrafficLoggingFactory(factory, "x"),
]


@pytest.mark.parametrize("make", ALL)
def test_factory_that_builds_nothing_is_not_wrapped(make: Any) -> None:
    assert make(Nothing()).buildProtocol(None) is None


def test_wrapper_is_transport_and_protocol() -> None:
    @implementer(ITCPTransport)
    class TCP(StringTransport):
        def setTcpNoDelay(self, enabled: bool) -> str:
            return f"no delay: {enabled}"

    wrapped = notes()
    factory = policies.WrappingFactory(wrapped)
    wrapper = factory.buildProtocol(None)
    transport = TCP()
    wrapper.makeConnection(transport)
    inner = wrapper.wrappedProtocol
    assert (inner.transport, inner.factory, list(factory.protocols)) == (wrapper, wrapped, [wrapper])
    assert ITCPTransport.providedBy(wrapper)
    assert wrapper.setTcpNoDelay(True) == "no delay: True"
    with pytest.raises(AttributeError, match="nonsense"):
        wrapper.nonsense
    inner.transport.write(b"a")
    inner.transport.writeSequence([b"b", b"c"])
    assert transport.value() == b"abc"
    assert (wrapper.getHost(), wrapper.getPeer()) == (transport.getHost(), transport.getPeer())
    wrapper.registerProducer(inner, True)
    assert transport.producer is inner
    wrapper.unregisterProducer()
    assert transport.producer is None
    stopped: list[bool] = []
    transport.stopConsuming = lambda: stopped.append(True)  # type: ignore[attr-defined]
    wrapper.stopConsuming()
    assert stopped == [True]
    wrapper.dataReceived(b"x")
    wrapper.loseConnection()
    assert (wrapper.disconnecting, transport.disconnecting) == (1, True)
    wrapper.connectionLost(LOST)
    assert (inner.heard, wrapper.wrappedProtocol, factory.protocols) == ([b"x", "lost"], None, {})


def test_wrapper_lets_go_though_the_hook_raises() -> None:
    class Broken(Protocol):
        def connectionLost(self, reason: Any = None) -> None:
            raise ZeroDivisionError

    wrapper, _ = connected(policies.WrappingFactory(Factory.forProtocol(Broken)))
    with pytest.raises(ZeroDivisionError):
        wrapper.connectionLost(LOST)
    assert wrapper.wrappedProtocol is None


def test_prefixes_name_both() -> None:
    class Bare:
        pass

    factory = policies.WrappingFactory(notes())
    assert factory.logPrefix() == "Factory (WrappingFactory)"
    assert factory.buildProtocol(None).logPrefix() == "Notes (ProtocolWrapper)"
    assert policies.WrappingFactory(Bare()).logPrefix() == "Bare (WrappingFactory)"


def test_wrapping_factory_hands_everything_on() -> None:
    calls: list[Any] = []

    class Client(Factory[Any]):
        noisy = False

        def startedConnecting(self, connector: Any) -> None:
            calls.append(("started", connector))

        def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
            calls.append(("failed", connector, reason))

        def clientConnectionLost(self, connector: Any, reason: Any) -> None:
            calls.append(("lost", connector, reason))

    wrapped: Any = Client()
    factory: Any = policies.WrappingFactory(wrapped)
    factory.noisy = False
    factory.doStart()
    assert (factory.numPorts, wrapped.numPorts) == (1, 1)
    factory.startedConnecting("c")
    factory.clientConnectionFailed("c", "r")
    factory.clientConnectionLost("c", "r")
    factory.doStop()
    assert (factory.numPorts, wrapped.numPorts) == (0, 0)
    assert calls == [("started", "c"), ("failed", "c", "r"), ("lost", "c", "r")]


# --- Throttling --------------------------------------------------------------------------------------------------


def throttling(**limits: Any) -> tuple[policies.ThrottlingFactory, Clock]:
    clock = Clock()
    factory = policies.ThrottlingFactory(notes(), **limits)
    factory.callLater = clock.callLater  # type: ignore[method-assign]
    return factory, clock


def test_reads_wait_as_long_as_they_would_have_taken() -> None:
    factory, clock = throttling(readLimit=10)
    wrapper, transport = connected(factory)
    wrapper.dataReceived(b"x" * 25)
    clock.advance(1)
    assert (transport.producerState, factory.readThisSecond) == ("paused", 0)
    clock.advance(1.4)
    assert transport.producerState == "paused"
    clock.advance(0.2)
    assert transport.producerState == "producing"


def test_writes_wait_as_long_as_they_would_have_taken() -> None:
    factory, clock = throttling(writeLimit=10)
    wrapper, _ = connected(factory)
    producer = Notes()
    wrapper.registerProducer(producer, True)
    wrapper.write(b"x" * 10)
    wrapper.writeSequence(piece for piece in [b"y" * 5, b"z" * 5])
    clock.advance(1)
    assert producer.paused
    clock.advance(1)
    assert not producer.paused
    wrapper.unregisterProducer()
    wrapper.write(b"x" * 30)
    clock.advance(1)
    assert not producer.paused


def test_slow_connections_are_left_alone() -> None:
    factory, clock = throttling(readLimit=10, writeLimit=10)
    wrapper, transport = connected(factory)
    wrapper.dataReceived(b"x" * 10)
    wrapper.write(b"x" * 10)
    clock.advance(1)
    assert transport.producerState == "producing"


def test_attack_116_connections_beyond_a_limit_are_counted_and_mentioned_once() -> None:
    heard: list[str] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        heard.append(format.format(**fields))

    total = policies.LimitTotalConnectionsFactory()
    total.protocol = Notes
    total.connectionLimit = 1
    each = policies.LimitConnectionsByPeer(notes())
    each.maxConnectionsPerPeer = 1
    peer = IPv4Address("TCP", "192.0.2.1", 1)
    for factory, whose in (
        (throttling(maxConnectionCount=1)[0], "everybody together"),
        (total, "everybody together"),
        (each, "192.0.2.1"),
    ):
        heard.clear()
        wrapper, transport = connected(factory, peer)
        _events.subscribe(listen)
        try:
            assert [factory.buildProtocol(peer) for _ in range(100)] == [None] * 100
        finally:
            _events.unsubscribe(listen)
        assert factory.refusals.counts == {"TooManyConnections": 100}
        assert heard == [
            f"{type(factory).__name__} refused 1, the last {peer}: TooManyConnections: "
            f"{whose} may have 1 connections, and has them"
        ]
        transport.loseConnection()
        assert factory.buildProtocol(peer) is not None


def test_clocks_stop_with_the_last_connection() -> None:
    factory, clock = throttling(readLimit=10, writeLimit=10)
    wrapper, transport = connected(factory)
    wrapper.dataReceived(b"x" * 100)
    clock.advance(1)
    assert len(clock.getDelayedCalls()) == 3
    transport.loseConnection()
    assert clock.getDelayedCalls() == []


# --- Limits ------------------------------------------------------------------------------------------------------


def test_each_peer_has_so_many_connections() -> None:
    factory = policies.LimitConnectionsByPeer(notes())
    factory.maxConnectionsPerPeer = 2
    here, there = IPv4Address("TCP", "192.0.2.1", 1), IPv4Address("TCP", "192.0.2.2", 1)
    first, transport = connected(factory, here)
    connected(factory, here)
    assert factory.buildProtocol(here) is None
    _, other = connected(factory, there)
    transport.loseConnection()
    other.loseConnection()
    assert factory.peerConnections == {"192.0.2.1": 1}
    assert factory.buildProtocol(here) is not None
    factory.startFactory()
    assert factory.peerConnections == {}


def test_all_peers_together_have_so_many_connections() -> None:
    factory = policies.LimitTotalConnectionsFactory()
    factory.protocol = Notes
    factory.connectionLimit = 1
    _, transport = connected(factory)
    assert factory.buildProtocol(None) is None
    factory.overflowProtocol = Notes
    overflow, overflow_transport = connected(factory)
    assert (factory.connectionCount, overflow.wrappedProtocol.factory) == (2, factory)
    transport.loseConnection()
    overflow_transport.loseConnection()
    assert factory.connectionCount == 0


# --- Time-outs ---------------------------------------------------------------------------------------------------


def timing_out(period: float | None = 3) -> tuple[Any, StringTransportWithDisconnection, Clock]:
    clock = Clock()
    factory = policies.TimeoutFactory(notes(), period)
    factory.callLater = clock.callLater  # type: ignore[method-assign]
    return *connected(factory), clock


def test_silence_closes() -> None:
    wrapper, transport, clock = timing_out()
    clock.advance(2)
    wrapper.dataReceived(b"x")
    clock.advance(2)
    wrapper.write(b"x")
    clock.advance(2)
    wrapper.writeSequence([b"x"])
    clock.advance(2)
    assert transport.connected
    clock.advance(1)
    assert not transport.connected
    assert clock.getDelayedCalls() == []


def test_end_stops_the_clock() -> None:
    _, transport, clock = timing_out()
    transport.loseConnection()
    assert clock.getDelayedCalls() == []


def test_no_time_out() -> None:
    wrapper, transport, clock = timing_out(None)
    wrapper.dataReceived(b"x")
    wrapper.cancelTimeout()
    wrapper.setTimeout(3)
    wrapper.setTimeout()
    clock.advance(10)
    assert transport.connected


def test_time_out_cancelled_by_somebody_else() -> None:
    wrapper, transport, clock = timing_out()
    wrapper.timeoutCall.cancel()
    wrapper.cancelTimeout()
    assert transport.connected


class Impatient(Protocol, policies.TimeoutMixin):
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def callLater(self, period: float, func: Any) -> Any:
        return self.clock.callLater(period, func)


def test_mixin_closes_when_nothing_good_happens() -> None:
    clock = Clock()
    impatient = Impatient(clock)
    impatient.makeConnection(StringTransport())
    transport: Any = impatient.transport
    impatient.resetTimeout()
    assert impatient.setTimeout(3) is None
    clock.advance(2)
    impatient.resetTimeout()
    clock.advance(2)
    assert not transport.disconnecting
    clock.advance(1)
    assert transport.disconnecting
    assert impatient.setTimeout(5) == 3
    assert impatient.setTimeout(7) == 5
    assert clock.getDelayedCalls()[0].getTime() == clock.seconds() + 7
    clock.getDelayedCalls()[0].cancel()
    assert impatient.setTimeout(None) == 7
    assert clock.getDelayedCalls() == []


def test_time_comes_from_the_ambient_reactor(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("selvage.reactor.get_reactor", lambda: clock)
    policies.TimeoutMixin().setTimeout(3)
    policies.TimeoutFactory(notes()).buildProtocol(None)
    policies.ThrottlingFactory(notes(), readLimit=1).buildProtocol(None)
    assert [call.getTime() for call in clock.getDelayedCalls()] == [1, 3, 1800]


# --- Records -----------------------------------------------------------------------------------------------------


def test_spewing_mentions_all() -> None:
    heard: list[str] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        heard.append(format.format(**fields))

    wrapper, transport = connected(policies.SpewingFactory(notes()))
    _events.subscribe(listen)
    try:
        wrapper.dataReceived(b"a")
        wrapper.write(b"b")
    finally:
        _events.unsubscribe(listen)
    assert heard == ["Received: b'a'", "Sending: b'b'"]
    assert (wrapper.wrappedProtocol.heard, transport.value()) == ([b"a"], b"b")


def test_traffic_is_recorded() -> None:
    class Recording(policies.TrafficLoggingFactory):
        def open(self, name: str) -> Any:
            self.opened = (name, StringIO())
            return self.opened[1]

    factory = Recording(notes(), "pre", lengthLimit=20)
    wrapper, _ = connected(factory)
    wrapper.dataReceived(b"hello")
    wrapper.write(b"x" * 21)
    wrapper.writeSequence([b"a", b"y" * 21])
    wrapper.loseConnection()
    name, file = factory.opened
    lines = file.getvalue().splitlines()
    assert name == "pre-1"
    assert lines[:5] == [
        "*",
        "C 1: b'hello'",
        "S 1: b'xxxxxxxx<... elided>'",
        "SV 1: [b'a', b'yyyyyyyy<... elided>']",
        "S 1: *",
    ]
    assert lines[5].startswith("C 1: <selvage.failure.Failure") and "ConnectionDone" in lines[5]
    factory.buildProtocol(None)
    assert factory.opened[0] == "pre-2"
    factory.resetCounter()
    factory.buildProtocol(None)
    assert factory.opened[0] == "pre-1"


def test_traffic_goes_to_files(tmp_path: Path) -> None:
    factory = policies.TrafficLoggingFactory(notes(), str(tmp_path / "log"))
    wrapper, _ = connected(factory)
    wrapper.dataReceived(b"hello")
    wrapper.logfile.close()
    assert (tmp_path / "log-1").read_text() == "*\nC 1: b'hello'\n"


# --- What only some protocols want to hear of ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrap",
    [
        policies.WrappingFactory,
        lambda factory: policies.WrappingFactory(policies.TimeoutFactory(factory, None)),
        lambda factory: policies.LimitSlowReadersFactory(
            policies.LimitConnectionsPerAddressFactory(factory, 9, reactor=Clock()), reactor=Clock()
        ),
        lambda factory: HAProxyWrappingFactory(factory, header_timeout_s=None),
    ],
)
def test_a_wrapped_protocol_outlives_one_direction_if_it_wants_to(wrap: Any) -> None:
    made: list[Any] = []

    @implementer(IHalfCloseableProtocol, IFileDescriptorReceiver, IHandshakeListener)
    class Answering(Notes):
        def connectionMade(self) -> None:
            made.append(self)

        def readConnectionLost(self) -> None:
            self.transport.write(b"answer")
            self.transport.loseConnection()

        def writeConnectionLost(self) -> None:
            self.heard.append("write lost")

        def fileDescriptorReceived(self, descriptor: int) -> None:
            self.heard.append(descriptor)

        def handshakeCompleted(self) -> None:
            self.heard.append("handshake")

    @implementer(IHalfCloseableProtocol)
    class Asking(Notes):
        def connectionMade(self) -> None:
            self.transport.write(b"PROXY UNKNOWN\r\n" if is_proxied else b"question")
            self.transport.loseWriteConnection()  # type: ignore[attr-defined]

        def readConnectionLost(self) -> None:
            self.heard.append("read lost")

        def writeConnectionLost(self) -> None:
            pass

    factory = wrap(Factory.forProtocol(Answering))
    is_proxied = isinstance(factory, HAProxyWrappingFactory)
    wrapper, asking = factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)), Asking()
    asking_pair = connect(wrapper, asking)
    asking_pair.pump()
    wrapper.fileDescriptorReceived(7)
    wrapper.handshakeCompleted()
    asking_pair.flush()
    assert b"answer" in asking.heard
    assert made[0].heard[-3:] == [7, "handshake", "lost"]
    assert not hasattr(wrapper, "readConnectionLost")  # nothing keeps the protocol alive


def test_a_plain_protocol_stays_one_when_it_is_wrapped() -> None:
    wrapper, _ = connected(policies.WrappingFactory(notes()))
    assert not IHalfCloseableProtocol.providedBy(wrapper)
    assert not hasattr(wrapper, "fileDescriptorReceived")
