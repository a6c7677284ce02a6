"""Happy Eyeballs: order, overlap, the first one wins."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given, strategies as st
from zope.interface import implementer
from zope.interface.verify import verifyObject

from selvage import failure as hub
from selvage.addresses import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from selvage.defer import Deferred, fail, succeed
from selvage.endpoints import (
    AddressForbiddenError,
    HostnameEndpoint,
    TCP6ClientEndpoint,
    _SimpleHostnameResolver,
    is_public_address,
)
from selvage.endpoints._hostname import take_turns
from selvage.errors import ConnectError, ConnectingCancelledError, ConnectionRefusedError, DNSLookupError
from selvage.failure import Failure
from selvage.interfaces import IHostnameResolver, IStreamClientEndpoint
from selvage.protocols import Factory, Protocol
from selvage.testing import MemoryReactorClock, StringTransport
from selvage.transports.tcp import makeBinding

DELAY = HostnameEndpoint._DEFAULT_ATTEMPT_DELAY


@implementer(IHostnameResolver)
class Resolver:
    """Answers at once, or when told to."""

    def __init__(self, *hosts: Any, wait: bool = False) -> None:
        self.hosts = hosts
        self.wait = wait
        self.cancelled = False
        self.receiver: Any = None

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        self.receiver, self.asked = resolutionReceiver, (hostName, portNumber)
        resolutionReceiver.resolutionBegan(self)
        if not self.wait:
            self.answer()
        return self

    def answer(self) -> None:
        for host in self.hosts:
            if isinstance(host, str):
                host = (IPv6Address if ":" in host else IPv4Address)("TCP", host, self.asked[1])
            self.receiver.addressResolved(host)
        self.receiver.resolutionComplete()

    def cancel(self) -> None:
        self.cancelled = True


class Attempts:
    """One `connect` on a reactor that connects nowhere."""

    def __init__(self, *hosts: Any, wait: bool = False, **options: Any) -> None:
        self.reactor = MemoryReactorClock()
        self.resolver = Resolver(*hosts, wait=wait)
        self.reactor.installNameResolver(self.resolver)
        self.endpoint = HostnameEndpoint(self.reactor, "host.example", 80, **options)
        self.deferred = self.endpoint.connect(Factory.forProtocol(Protocol))
        self.results: list[Any] = []
        self.deferred.addBoth(self.results.append)

    @property
    def hosts(self) -> list[str]:
        return [call[0] for call in self.reactor.tcpClients]

    def refuse(self, index: int) -> None:
        self.reactor.tcpClients[index][2].clientConnectionFailed(None, Failure(ConnectionRefusedError()))

    def accept(self, index: int) -> Any:
        wrapper = self.reactor.tcpClients[index][2].buildProtocol(None)
        wrapper.makeConnection(StringTransport())
        return wrapper._wrappedProtocol

    def stopped(self, index: int) -> bool:
        return bool(self.reactor.connectors[index].stoppedConnecting)


def test_keeps_the_contract() -> None:
    assert verifyObject(IStreamClientEndpoint, Attempts("192.0.2.1").endpoint)


def test_asks_for_host_and_port_and_passes_its_options() -> None:
    attempts = Attempts("192.0.2.1", timeout=7, bindAddress="192.0.2.9")
    assert attempts.resolver.asked == ("host.example", 80)
    host, port, _, timeout, bind = attempts.reactor.tcpClients[0]
    assert (host, port, timeout, bind) == ("192.0.2.1", 80, 7, ("192.0.2.9", 0))


def test_first_address_may_win_at_once() -> None:
    attempts = Attempts("2001:db8::1", "192.0.2.1")
    protocol = attempts.accept(0)
    assert attempts.results == [protocol]
    assert (attempts.hosts, attempts.reactor.getDelayedCalls()) == (["2001:db8::1"], [])


def test_next_address_is_tried_beside_a_slow_one() -> None:
    attempts = Attempts("2001:db8::1", "192.0.2.1")
    attempts.reactor.advance(DELAY * 0.9)
    assert attempts.hosts == ["2001:db8::1"]
    attempts.reactor.advance(DELAY * 0.2)
    assert attempts.hosts == ["2001:db8::1", "192.0.2.1"]
    protocol = attempts.accept(1)
    assert attempts.results == [protocol]
    assert attempts.stopped(0)
    assert attempts.reactor.getDelayedCalls() == []


def test_slow_one_may_win_after_all() -> None:
    attempts = Attempts("2001:db8::1", "192.0.2.1")
    attempts.reactor.advance(DELAY)
    assert attempts.results == []
    protocol = attempts.accept(0)
    assert attempts.results == [protocol]
    assert attempts.stopped(1)


def test_failure_starts_the_next_at_once() -> None:
    """RFC 8305: nothing is gained by waiting for an attempt that has failed."""
    attempts = Attempts("2001:db8::1", "192.0.2.1", "192.0.2.2")
    attempts.refuse(0)
    assert attempts.hosts == ["2001:db8::1", "192.0.2.1"]
    attempts.reactor.advance(DELAY * 0.9)
    assert len(attempts.hosts) == 2
    attempts.reactor.advance(DELAY * 0.2)
    assert len(attempts.hosts) == 3


def test_when_all_fail_the_last_error_tells_of_the_others() -> None:
    attempts = Attempts("2001:db8::1", "192.0.2.1")
    attempts.refuse(0)
    assert attempts.results == []
    attempts.refuse(1)
    [failure] = attempts.results
    assert failure.check(ConnectionRefusedError)
    assert failure.value.__notes__ == [
        "tried before: <TCP6ClientEndpoint [2001:db8::1]:80>: Connection was refused by other side."
    ]
    assert attempts.reactor.getDelayedCalls() == []


def test_all_started_and_failing_in_any_order() -> None:
    attempts = Attempts("192.0.2.1", "192.0.2.2")
    attempts.reactor.advance(DELAY)
    attempts.refuse(1)
    assert attempts.results == []
    attempts.refuse(0)
    assert attempts.results[0].check(ConnectError)


@pytest.mark.parametrize("advance", [0, DELAY * 1.5])
def test_cancelling_gives_every_attempt_up(advance: float) -> None:
    attempts = Attempts("2001:db8::1", "192.0.2.1")
    attempts.reactor.advance(advance)
    attempts.deferred.cancel()
    [failure] = attempts.results
    assert failure.check(ConnectingCancelledError)
    assert failure.value.address == HostnameAddress(b"host.example", 80)
    assert all(attempts.stopped(index) for index in range(len(attempts.hosts)))
    assert attempts.reactor.getDelayedCalls() == []


def test_cancelling_while_the_name_is_looked_up() -> None:
    attempts = Attempts("192.0.2.1", wait=True)
    attempts.deferred.cancel()
    assert attempts.resolver.cancelled
    assert attempts.results[0].check(ConnectingCancelledError)
    attempts.resolver.answer()
    assert attempts.hosts == []


@pytest.mark.parametrize("hosts", [(), (object(),)])
def test_name_without_usable_address(hosts: tuple[Any, ...]) -> None:
    attempts = Attempts(*hosts)
    assert attempts.results[0].check(DNSLookupError)
    assert "host.example" in str(attempts.results[0].value)


def test_resolver_that_raises() -> None:
    @implementer(IHostnameResolver)
    class Broken:
        def resolveHostName(self, *args: Any, **kwargs: Any) -> Any:
            raise ZeroDivisionError

    reactor = MemoryReactorClock()
    reactor.installNameResolver(Broken())
    results: list[Any] = []
    HostnameEndpoint(reactor, "h", 80).connect(Factory.forProtocol(Protocol)).addBoth(results.append)
    assert results[0].check(ZeroDivisionError)


def test_own_delay() -> None:
    attempts = Attempts("192.0.2.1", "192.0.2.2", attemptDelay=12.5)
    attempts.reactor.advance(12)
    assert len(attempts.hosts) == 1
    attempts.reactor.advance(1)
    assert len(attempts.hosts) == 2


def test_families_take_turns() -> None:
    attempts = Attempts("2001:db8::1", "2001:db8::2", "192.0.2.1", attemptDelay=1)
    attempts.reactor.pump([1, 1])
    assert attempts.hosts == ["2001:db8::1", "192.0.2.1", "2001:db8::2"]


@pytest.mark.slow
@given(st.lists(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), max_size=12))
def test_turns_keep_every_address_and_the_order_within_a_family(hosts: list[Any]) -> None:
    addresses = [
        (IPv4Address if host.version == 4 else IPv6Address)("TCP", str(host), number)
        for number, host in enumerate(hosts)
    ]
    ordered = take_turns(addresses)
    assert sorted(address.port for address in ordered) == list(range(len(hosts)))
    for kind in (IPv4Address, IPv6Address):
        ports = [address.port for address in ordered if isinstance(address, kind)]
        assert ports == sorted(ports)
    assert ordered[:1] == addresses[:1]


# --- Names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "octets", "text", "shown"),
    [
        ("example.com", b"example.com", "example.com", "example.com"),
        (b"example.com", b"example.com", "example.com", "example.com"),
        ("bücher.ch", b"xn--bcher-kva.ch", "bücher.ch", "xn--bcher-kva.ch"),
        ("bu\u0308cher.ch", b"xn--bcher-kva.ch", "bücher.ch", "xn--bcher-kva.ch"),
        (b"xn--bcher-kva.ch", b"xn--bcher-kva.ch", "bücher.ch", "xn--bcher-kva.ch"),
        ("192.0.2.1", b"192.0.2.1", "192.0.2.1", "192.0.2.1"),
        (b"192.0.2.1", b"192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::1", b"::1", "::1", "[::1]"),
        ("my_service", b"my_service", "my_service", "my_service"),
        (b"my_service", b"my_service", "my_service", "my_service"),
    ],
)
def test_spellings(host: str | bytes, octets: bytes, text: str, shown: str) -> None:
    endpoint = HostnameEndpoint(MemoryReactorClock(), host, 80)
    assert (endpoint._hostBytes, endpoint._hostText, endpoint._badHostname) == (octets, text, False)
    assert repr(endpoint) == f"<HostnameEndpoint {shown}:80>"


@pytest.mark.parametrize(
    ("host", "shown"),
    [(b"\xff-garbage", "\\xff-garbage"), ("\u2ff0-garbage", "\\u2ff0-garbage"), ("", ""), (b"", "")],
)
def test_what_is_no_name_fails_when_connecting(host: str | bytes, shown: str) -> None:
    endpoint = HostnameEndpoint(MemoryReactorClock(), host, 80)
    assert repr(endpoint) == f"<HostnameEndpoint {shown}:80>"
    results: list[Any] = []
    endpoint.connect(Factory.forProtocol(Protocol)).addBoth(results.append)
    assert str(results[0].value) == f"invalid hostname: {shown}"
    assert results[0].check(ValueError)


@pytest.mark.parametrize(
    ("given_", "used"),
    [
        (None, None),
        ("192.0.2.1", ("192.0.2.1", 0)),
        (b"192.0.2.1", ("192.0.2.1", 0)),
        (("192.0.2.1", 9), ("192.0.2.1", 9)),
        ((b"192.0.2.1", 9), ("192.0.2.1", 9)),
        (makeBinding("192.0.2.1", 9), makeBinding("192.0.2.1", 9)),
    ],
)
def test_local_addresses(given_: Any, used: Any) -> None:
    assert HostnameEndpoint(MemoryReactorClock(), "h", 80, bindAddress=given_)._bindAddress == used


# --- Reactors without a resolver ---------------------------------------------------------------------------------


class NoNames:
    """A reactor that knows nothing of names."""


def test_reactor_without_resolver_is_warned_of() -> None:
    with pytest.warns(
        DeprecationWarning, match=r"does not provide IReactorPluggableNameResolver \(.*NoNames\)"
    ):
        endpoint = HostnameEndpoint(NoNames(), "h", 80)
    asked: list[Any] = []

    def look_up(function: Any, *args: Any) -> Deferred[Any]:
        asked.append((function, args))
        return succeed([])

    endpoint._deferToThread = look_up  # type: ignore[method-assign, assignment]
    results: list[Any] = []
    endpoint.connect(Factory.forProtocol(Protocol)).addBoth(results.append)
    assert asked == [(socket.getaddrinfo, ("h", 80, 0, socket.SOCK_STREAM))]
    assert results[0].check(DNSLookupError)


class Receiver:
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def resolutionBegan(self, resolution: Any) -> None:
        self.heard.append(resolution.name)

    def addressResolved(self, address: Any) -> None:
        self.heard.append(address)

    def resolutionComplete(self) -> None:
        self.heard.append("complete")


def test_simple_resolver_delivers() -> None:
    answers = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80)),
        (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("2001:db8::1", 80, 0, 0)),
        (999, socket.SOCK_STREAM, 6, "", ("?",)),
    ]
    resolver = _SimpleHostnameResolver(lambda host, port: succeed(answers))
    assert verifyObject(IHostnameResolver, resolver)
    receiver: Any = Receiver()
    resolver.resolveHostName(receiver, "h", 80)
    assert receiver.heard == [
        "h",
        IPv4Address("TCP", "192.0.2.1", 80),
        IPv6Address("UDP", "2001:db8::1", 80),
        "complete",
    ]


def test_simple_resolver_reports_errors_and_finds_nothing() -> None:
    reports: list[hub.Report] = []
    previous = hub.set_default_reporter(None)
    hub.subscribe(reports.append)
    try:
        receiver: Any = Receiver()
        resolver = _SimpleHostnameResolver(lambda host, port: fail(socket.gaierror(-5, "no")))
        resolver.resolveHostName(receiver, "h", 80)
    finally:
        hub.unsubscribe(reports.append)
        hub.set_default_reporter(previous)
    assert receiver.heard == ["h", "complete"]
    assert [report.failure.type for report in reports] == [socket.gaierror]
    assert reports[0].context["name"] == "h"


# --- Addresses that are not wanted -------------------------------------------------------------------------------


def test_only_addresses_that_the_filter_allows_are_tried() -> None:
    attempts = Attempts(
        "10.0.0.1",
        "192.0.2.1",
        "2001:db8::1",
        address_filter=lambda address: not address.host.startswith("10."),
    )
    attempts.reactor.advance(DELAY)
    assert attempts.hosts == ["192.0.2.1", "2001:db8::1"]


def test_a_filter_that_fails_fails_the_attempt() -> None:
    attempts = Attempts("192.0.2.1", address_filter=lambda address: 1 / 0)
    assert attempts.results[0].check(ZeroDivisionError)
    assert attempts.hosts == []


def test_attack_080_names_of_private_addresses_are_caught_after_the_look_up() -> None:
    """Whatever the name looks like, what counts is where it leads, at the moment of connecting."""
    for host in ("127.0.0.1", "10.1.2.3", "::1", "::ffff:192.168.0.1", "fe80::1"):
        attempts = Attempts(host, address_filter=is_public_address)
        error = attempts.results[0].value
        assert isinstance(error, AddressForbiddenError)
        assert error.addresses == (host,)
        assert str(error) == f"'host.example' stands for {host}, which address_filter does not allow"
        assert attempts.hosts == []
    rebound = Attempts("10.1.2.3", "93.184.215.14", address_filter=is_public_address)
    assert rebound.hosts == ["93.184.215.14"]


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f::1", True),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::5db8:d70e", True),
        ("2002:5db8:d70e::1", True),
        ("0.0.0.0", False),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fc00::1", False),
        ("fe80::1%eth0", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::1", False),
    ],
)
def test_public_addresses(host: str, public: bool) -> None:
    kind = IPv6Address if ":" in host else IPv4Address
    assert is_public_address(kind("TCP", host, 80)) is public


# --- Names that do not lead anywhere -----------------------------------------------------------------------------


def test_a_name_that_only_has_addresses_of_another_kind() -> None:
    attempts = Attempts(UNIXAddress(b"/run/x"))
    assert attempts.results[0].check(DNSLookupError)
    assert "host.example" in str(attempts.results[0].value)


def test_a_name_that_changes_its_family_between_two_attempts() -> None:
    attempts = Attempts("192.0.2.1")
    attempts.resolver.hosts = ("2001:db8::1",)
    attempts.endpoint.connect(Factory.forProtocol(Protocol)).addErrback(lambda _: None)
    assert attempts.hosts == ["192.0.2.1", "2001:db8::1"]


def test_a_name_without_an_ipv6_address() -> None:
    endpoint = TCP6ClientEndpoint(MemoryReactorClock(), "four.example", 80)
    endpoint._deferToThread = lambda function, *args: succeed([])  # type: ignore[method-assign, assignment]
    results: list[Any] = []
    endpoint.connect(Factory.forProtocol(Protocol)).addBoth(results.append)
    assert results[0].check(DNSLookupError)
    assert str(results[0].value).endswith("no IPv6 address for host 'four.example'.")


def test_a_resolver_that_answers_after_the_end_is_not_heard() -> None:
    attempts = Attempts("192.0.2.1", wait=True)
    attempts.deferred.cancel()
    assert attempts.resolver.cancelled
    attempts.resolver.answer()
    assert attempts.hosts == []
    assert len(attempts.results) == 1


def test_every_attempt_is_over_when_the_race_is_lost_won_or_cancelled() -> None:
    hosts = ("2001:db8::1", "192.0.2.1", "2001:db8::2")
    for ending in ("lost", "won", "cancelled"):
        attempts = Attempts(*hosts)
        attempts.reactor.pump([DELAY, DELAY])
        assert len(attempts.hosts) == 3
        if ending == "lost":
            for index in (1, 0, 2):
                attempts.refuse(index)
            (failure,) = attempts.results
            assert failure.check(ConnectionRefusedError)
            assert len(failure.value.__notes__) == 2
        elif ending == "won":
            winner = attempts.accept(1)
            assert attempts.results == [winner]
            assert [attempts.stopped(index) for index in range(3)] == [True, False, True]
        else:
            attempts.deferred.cancel()
            assert [attempts.stopped(index) for index in range(3)] == [True, True, True]
        assert attempts.reactor.getDelayedCalls() == []


@pytest.mark.parametrize("host", ["x" * 1_000_000, "\xfc" * 1_000_000, b"\xff" * 1_000_000])
def test_a_host_that_is_too_long_is_named_by_its_beginning(host: str | bytes) -> None:
    """Host names come from strangers, and messages go to logs."""
    endpoint = HostnameEndpoint(MemoryReactorClock(), host, 80)
    failure: list[Any] = []
    endpoint._reactor.installNameResolver(Resolver())
    endpoint.connect(Factory()).addErrback(failure.append)
    assert failure[0].check(DNSLookupError, ValueError)
    for text in (str(failure[0].value), repr(endpoint)):
        assert len(text) < 200
        assert "characters" in text
