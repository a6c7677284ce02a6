"""Limits on hostile peers: connections by address, how often they come, and peers that do not read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import selvage
from selvage import _events
from selvage.addresses import IPv4Address, IPv6Address, UNIXAddress
from selvage.defer import Deferred
from selvage.errors import ConnectionAborted
from selvage.protocols import ClientCreator, Factory, Protocol, policies
from selvage.protocols._guard import GuardedProtocol
from selvage.protocols.haproxy import HAProxyWrappingFactory
from selvage.protocols.policies import (
    AcceptRateExceeded,
    LimitAcceptRateFactory,
    LimitConnectionsPerAddressFactory,
    LimitSlowReadersFactory,
    OutputLimitExceeded,
    OutputStalled,
    TooManyConnections,
)
from selvage.tasks import Clock
from selvage.testing import StringTransportWithDisconnection


class Notes(Protocol):
    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.reasons: list[Any] = []

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.reasons.append(reason.value)


def notes() -> Factory[Any]:
    factory = Factory.forProtocol(Notes)
    factory.noisy = False
    return factory


class Peer(StringTransportWithDisconnection):
    """A transport of which the test says how much its peer has taken."""

    taken = 0

    def unsent_bytes(self) -> int:
        return len(self.value()) - self.taken


def v4(host: str) -> IPv4Address:
    return IPv4Address("TCP", host, 1)


def v6(host: str) -> IPv6Address:
    return IPv6Address("TCP", host, 1)


def connected(factory: Any, address: Any = None) -> Any:
    """Return what the factory builds, with a transport; None when it refuses."""
    protocol = factory.buildProtocol(address)
    if protocol is None:
        return None
    transport = Peer(peerAddress=address)
    transport.protocol = protocol
    protocol.makeConnection(transport)
    return protocol


# --- How many ------------------------------------------------------------------------------------------------------


def per_address(limit: int = 2, **options: Any) -> Any:
    return LimitConnectionsPerAddressFactory(notes(), limit, reactor=Clock(), **options)


def test_attack_090_connections_of_one_address_are_limited() -> None:
    factory = per_address()
    mine = [connected(factory, v4("192.0.2.1")) for _ in range(5)]
    assert [protocol is not None for protocol in mine] == [True, True, False, False, False]
    assert connected(factory, v4("192.0.2.2")) is not None
    assert factory.connections == {"192.0.2.1": 2, "192.0.2.2": 1}
    assert factory.refusals.counts == {"TooManyConnections": 3}
    error = factory.refusals.last
    assert isinstance(error, TooManyConnections)
    assert (error.network, error.limit) == ("192.0.2.1", 2)
    assert str(error) == "192.0.2.1 may have 2 connections, and has them"
    mine[0].transport.loseConnection()
    assert connected(factory, v4("192.0.2.1")) is not None


def test_attack_090_the_addresses_of_one_ipv6_subscriber_are_one_peer() -> None:
    factory = per_address()
    addresses = [f"2001:db8:0:1::{number:x}" for number in range(4)] + ["2001:db8:0:1:ffff:ffff:ffff:ffff"]
    assert sum(connected(factory, v6(address)) is not None for address in addresses) == 2
    assert connected(factory, v6("2001:db8:0:2::1")) is not None
    assert factory.connections == {"2001:db8:0:1::/64": 2, "2001:db8:0:2::/64": 1}
    single = per_address(ipv6_prefix=128)
    assert all(connected(single, v6(address)) for address in addresses)
    site = per_address(ipv4_prefix=24)
    assert [connected(site, v4(f"192.0.2.{number}")) is not None for number in (1, 2, 3)] == [
        True,
        True,
        False,
    ]


def test_an_ipv4_peer_is_the_same_over_ipv6() -> None:
    factory = per_address()
    for address in (v4("192.0.2.1"), v6("::ffff:192.0.2.1"), v6("::ffff:c000:201")):
        connected(factory, address)
    assert factory.connections == {"192.0.2.1": 2}
    assert factory.refusals.total == 1


def test_peers_without_address_and_trusted_ones_are_not_counted() -> None:
    factory = per_address(limit=0, trusted=["10.0.0.0/8", "fd00::/8"])
    for address in (
        None,
        UNIXAddress(None),
        UNIXAddress(b"/x"),
        v4("10.1.2.3"),
        v6("fd00::1"),
        v6("::ffff:10.0.0.1"),
    ):
        protocol = connected(factory, address)
        assert type(protocol) is Notes  # nothing of ours stands before it
    assert connected(factory, v4("192.0.2.1")) is None
    assert factory.connections == {}
    with pytest.raises(ValueError, match="here"):
        per_address(trusted=["here"])


def test_what_the_wrapped_factory_refuses_is_not_counted() -> None:
    class Moody(Factory[Any]):
        mood: Any = None

        def buildProtocol(self, addr: Any) -> Any:
            if self.mood is not None:
                raise self.mood

    moody = Moody()
    factory = LimitConnectionsPerAddressFactory(moody, 1, reactor=Clock())
    assert factory.buildProtocol(v4("192.0.2.1")) is None
    moody.mood = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        factory.buildProtocol(v4("192.0.2.1"))
    assert factory.connections == {}


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
@settings(deadline=None)
def test_the_count_is_that_of_open_connections(moves: list[tuple[int, bool]]) -> None:
    factory = per_address(limit=3)
    opened: list[Any] = []
    for number, closes in moves:
        if closes and opened:
            opened.pop(number % len(opened)).transport.loseConnection()
        else:
            protocol = connected(factory, v4(f"192.0.2.{number}"))
            if protocol is not None:
                opened.append(protocol)
    hosts = [protocol.getPeer().host for protocol in opened]
    assert factory.connections == {host: hosts.count(host) for host in hosts}
    assert all(count <= 3 for count in factory.connections.values())
    for protocol in opened:
        protocol.transport.loseConnection()
    assert factory.connections == {}


# --- How often -----------------------------------------------------------------------------------------------------


def paced(**options: Any) -> tuple[Any, Clock]:
    clock = Clock()
    return LimitAcceptRateFactory(notes(), reactor=clock, **options), clock


def accepted(factory: Any, count: int, address: Any = v4("192.0.2.1")) -> int:
    return sum(factory.buildProtocol(address) is not None for _ in range(count))


def test_attack_090_one_address_may_come_so_often() -> None:
    factory, clock = paced(rate=2, burst=10)
    assert accepted(factory, 100) == 10
    assert accepted(factory, 100, v4("192.0.2.2")) == 10
    clock.advance(0.5)
    assert accepted(factory, 100) == 1
    clock.advance(2)
    assert accepted(factory, 100) == 4
    clock.advance(1000)
    assert accepted(factory, 100) == 10
    error = factory.refusals.last
    assert isinstance(error, AcceptRateExceeded)
    assert (error.network, error.rate) == ("192.0.2.1", 2)
    assert str(error) == "192.0.2.1 connects more often than 2 times a second"


def test_attack_090_all_together_may_come_so_often() -> None:
    factory, clock = paced(total_rate=100, total_burst=50)
    assert sum(accepted(factory, 1, v6(f"2001:db8:{number:x}::1")) for number in range(1000)) == 50
    assert str(factory.refusals.last) == "everybody together connects more often than 100 times a second"
    clock.advance(0.1)
    assert accepted(factory, 1000) == 10
    assert accepted(factory, 10, UNIXAddress(None)) == 10


def test_one_peer_that_is_refused_takes_nothing_from_the_others() -> None:
    factory, _ = paced(rate=1, burst=5, total_rate=1, total_burst=10)
    assert accepted(factory, 1000) == 5
    assert accepted(factory, 1000, v4("192.0.2.2")) == 5


def test_attack_116_the_table_of_addresses_is_bounded() -> None:
    factory, clock = paced(rate=1, burst=2, max_networks=100)
    assert accepted(factory, 5) == 2
    for number in range(99):
        assert accepted(factory, 1, v6(f"2001:db8:{number:x}::1")) == 1
        assert accepted(factory, 1) == 0  # who goes on trying is not forgotten
    for number in range(1_000):
        factory.buildProtocol(v6(f"2001:db8:1:{number:x}::1"))
    assert len(factory._full_at) == 100
    assert accepted(factory, 5) == 2  # it took a hundred other networks to have this one forgotten


def test_rates_that_allow_nothing_are_refused_with_words() -> None:
    with pytest.raises(ValueError, match="a rate above 0"):
        paced(rate=0)
    with pytest.raises(ValueError, match="burst of at least 1"):
        paced(total_rate=1, total_burst=0)


def test_an_accepted_connection_is_its_protocols_alone() -> None:
    factory, _ = paced(rate=1)
    assert type(factory.buildProtocol(v4("192.0.2.1"))) is Notes
    assert type(LimitAcceptRateFactory(notes(), reactor=Clock()).buildProtocol(None)) is Notes


@given(
    st.integers(1, 1000),
    st.integers(1, 50),
    st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=200),
)
@settings(deadline=None)
def test_no_more_than_burst_and_rate_allow(rate: int, burst: int, waits: list[float]) -> None:
    factory, clock = paced(rate=rate, burst=burst)
    count = 0
    for wait in waits:
        clock.advance(wait)
        count += accepted(factory, 1)
        assert count <= burst + clock.seconds() * rate + 0.01
    clock.advance(burst / rate)
    assert accepted(factory, 2 * burst) >= burst


# --- Peers that do not read ----------------------------------------------------------------------------------------


def slow(**options: Any) -> tuple[Any, Clock, Any]:
    clock = Clock()
    factory = LimitSlowReadersFactory(notes(), reactor=clock, **options)
    return factory, clock, connected(factory, v4("192.0.2.1"))


def test_attack_054_what_waits_for_a_slow_reader_is_limited() -> None:
    factory, _, guarded = slow(max_unsent=1000)
    protocol, transport = guarded.wrappedProtocol, guarded.transport
    for _ in range(10):
        protocol.transport.write(b"x" * 100)
    assert transport.connected
    protocol.transport.writeSequence([b"x", b"y"])
    assert not transport.connected
    [error] = protocol.reasons
    assert isinstance(error, OutputLimitExceeded)
    assert isinstance(error, ConnectionAborted)
    assert (error.unsent, error.limit) == (1002, 1000)
    assert str(error) == "The peer reads too slowly: 1002 bytes waited to be sent, 1000 may."
    assert factory.refusals.counts == {"OutputLimitExceeded": 1}
    assert factory.protocols == {}


def test_a_reader_that_keeps_up_may_be_sent_any_amount() -> None:
    _, _, guarded = slow(max_unsent=1000)
    for _ in range(100):
        guarded.write(b"x" * 600)
        guarded.transport.taken += 600
    assert guarded.transport.connected
    guarded.write(b"x" * 1001)
    assert not guarded.transport.connected


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=60))
@settings(deadline=None)
def test_it_is_closed_in_the_write_that_makes_it_too_much(moves: list[tuple[int, int]]) -> None:
    _, _, guarded = slow(max_unsent=1000)
    transport = guarded.transport
    for size, taken in moves:
        guarded.write(b"x" * size)
        assert transport.connected == (transport.unsent_bytes() <= 1000)
        if not transport.connected:
            return
        transport.taken = min(transport.taken + taken, len(transport.value()))


def test_attack_054_a_reader_that_stops_is_given_up() -> None:
    factory, clock, guarded = slow(stall_timeout_s=20)
    protocol, transport = guarded.wrappedProtocol, guarded.transport
    clock.pump([5] * 20)  # nothing waits, so nothing stalls
    guarded.write(b"x" * 100)
    clock.pump([5] * 4)
    transport.taken = 1  # slow, but it reads
    clock.pump([5] * 4)
    assert transport.connected
    clock.pump([5])
    assert not transport.connected
    assert clock.seconds() == 145
    [error] = protocol.reasons
    assert isinstance(error, OutputStalled)
    assert (error.unsent, error.seconds) == (99, 20)
    assert str(error) == "The peer has stopped reading: 99 bytes waited to be sent for 20 seconds."
    assert factory.refusals.counts == {"OutputStalled": 1}
    assert clock.getDelayedCalls() == []


def test_attack_054_a_reader_of_one_byte_at_a_time_is_given_up_too() -> None:
    for rate, survives in ((0, True), (10, False)):
        _, clock, guarded = slow(stall_timeout_s=20, min_rate=rate)
        guarded.write(b"x" * 1000)
        for _ in range(20):
            clock.advance(5)
            guarded.transport.taken += 1
        assert guarded.transport.connected == survives
    _, clock, guarded = slow(stall_timeout_s=20, min_rate=10)
    guarded.write(b"x" * 2000)
    for _ in range(20):
        guarded.transport.taken += 50
        clock.advance(5)
    assert guarded.transport.connected


def test_what_is_written_meanwhile_is_no_progress() -> None:
    _, clock, guarded = slow(stall_timeout_s=20)
    for _ in range(5):
        guarded.write(b"x" * 100)
        clock.advance(5)
    assert not guarded.transport.connected


def test_a_stall_begins_when_something_waits() -> None:
    _, clock, guarded = slow(stall_timeout_s=20)
    clock.advance(4.9)
    guarded.write(b"x" * 100)
    clock.pump([0.1, 5, 5, 5])
    assert guarded.transport.connected
    clock.pump([5])
    assert not guarded.transport.connected


def test_no_timer_is_left_when_all_connections_are_over() -> None:
    factory, clock, first = slow(stall_timeout_s=20)
    second = connected(factory, v4("192.0.2.2"))
    assert len(clock.getDelayedCalls()) == 1
    first.transport.loseConnection()
    assert len(clock.getDelayedCalls()) == 1
    second.transport.loseConnection()
    assert clock.getDelayedCalls() == []
    assert isinstance(first.wrappedProtocol, type(None))
    assert connected(factory, v4("192.0.2.2")) is not None
    assert len(clock.getDelayedCalls()) == 1


def test_a_transport_that_cannot_say_what_waits_is_refused_with_words() -> None:
    factory = LimitSlowReadersFactory(notes(), max_unsent=1, reactor=Clock())
    protocol = factory.buildProtocol(None)
    with pytest.raises(TypeError, match=r"has no unsent_bytes\(\)"):
        protocol.makeConnection(StringTransportWithDisconnection())


def test_a_slow_reader_on_a_real_socket() -> None:
    class Flood(Protocol):
        ended: Deferred[Any] = Deferred()

        def connectionMade(self) -> None:
            self.again()

        def again(self) -> None:
            if not self.ended.called:
                self.transport.write(b"x" * 100_000)
                selvage.get_reactor().callLater(0, self.again)

        def connectionLost(self, reason: Any = None) -> None:
            self.ended.callback(reason.value)

    class Patient(Protocol):
        ended: Deferred[Any] = Deferred()

        def connectionMade(self) -> None:
            self.transport.pauseProducing()  # type: ignore[attr-defined]

        def connectionLost(self, reason: Any = None) -> None:
            self.ended.callback(reason.value)

    async def main() -> tuple[Any, int]:
        reactor: Any = selvage.get_reactor()
        factory = LimitSlowReadersFactory(Factory.forProtocol(Flood), max_unsent=1 << 20)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        client = await ClientCreator(reactor, Patient).connectTCP("127.0.0.1", port.getHost().port)
        error = await Flood.ended
        client.transport.resumeProducing()
        await Patient.ended
        await port.stopListening()
        return error, factory.refusals.total

    error, refused = selvage.run(main)
    assert isinstance(error, OutputLimitExceeded)
    assert 1 << 20 < error.unsent < (1 << 20) + 200_000
    assert refused == 1


# --- All of them ---------------------------------------------------------------------------------------------------


def test_all_limits_together_are_one_object_between() -> None:
    clock = Clock()
    for wrap in (
        lambda inner: LimitConnectionsPerAddressFactory(
            LimitSlowReadersFactory(inner, 1000, 20, reactor=clock), 1, reactor=clock
        ),
        lambda inner: LimitSlowReadersFactory(
            LimitConnectionsPerAddressFactory(inner, 1, reactor=clock), 1000, 20, reactor=clock
        ),
    ):
        factory = LimitAcceptRateFactory(wrap(notes()), rate=1, burst=5, reactor=clock)
        guarded = connected(factory, v4("192.0.2.1"))
        assert type(guarded) is GuardedProtocol
        protocol = guarded.wrappedProtocol
        assert type(protocol) is Notes
        assert connected(factory, v4("192.0.2.1")) is None
        guarded.dataReceived(b"in")
        protocol.transport.write(b"out")
        assert (protocol.heard, guarded.transport.value()) == ([b"in"], b"out")
        protocol.transport.write(b"x" * 1000)
        assert isinstance(protocol.reasons[0], OutputLimitExceeded)
        assert connected(factory, v4("192.0.2.1")) is not None
        clock.advance(30)


def test_two_limits_on_slow_readers_both_hold() -> None:
    for outer, inner in ((1000, 500), (500, 1000)):
        factory = LimitSlowReadersFactory(
            LimitSlowReadersFactory(notes(), inner, reactor=Clock()), outer, reactor=Clock()
        )
        guarded = connected(factory)
        guarded.wrappedProtocol.write(b"x" * 501)
        assert not guarded.transport.connected


def test_behind_a_proxy_the_client_is_the_peer() -> None:
    clock = Clock()
    factory = HAProxyWrappingFactory(
        LimitAcceptRateFactory(per_address(1), rate=1, burst=3, reactor=clock), reactor=clock
    )
    kept = []
    for client in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        protocol = connected(factory, v4("127.0.0.1"))
        protocol.dataReceived(b"PROXY TCP4 %b 198.51.100.1 1 2\r\n" % client.encode())
        kept.append(protocol.transport.connected)
    assert kept == [True, False, True]


def test_they_wrap_other_policies_and_are_wrapped_by_them() -> None:
    clock = Clock()

    class Timing(policies.TimeoutFactory):
        def callLater(self, period: float, func: Any) -> Any:
            return clock.callLater(period, func)

    factory = Timing(LimitSlowReadersFactory(Timing(notes(), 20), 1000, reactor=clock), 10)
    protocol = connected(factory)
    protocol.dataReceived(b"x")
    clock.advance(10)
    assert not protocol.transport.connected
    assert clock.getDelayedCalls() == []


def test_attack_116_an_attack_writes_one_line_in_ten_seconds() -> None:
    heard: list[str] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        heard.append(f"{namespace} {level} {format.format(**fields)}")

    factory, clock = paced(rate=1, burst=1)
    factory.wrappedFactory.noisy = factory.noisy = False
    factory.doStart()
    _events.subscribe(listen)
    try:
        for _ in range(30):
            accepted(factory, 100)
            clock.advance(1)
        factory.doStop()
    finally:
        _events.unsubscribe(listen)
    assert factory.refusals.total == 3_000 - 30
    assert len(heard) == 4
    assert heard[1] == (
        "selvage.protocols.policies.LimitAcceptRateFactory warn LimitAcceptRateFactory refused 990, the last "
        "IPv4Address(type='TCP', host='192.0.2.1', port=1): AcceptRateExceeded: "
        "192.0.2.1 connects more often than 1 times a second"
    )
