"""Connections that begin with a PROXY header: whom they are from, who may say so, how long it may take."""

from __future__ import annotations

import struct
from typing import Any

import pytest

import selvage
from selvage import _events
from selvage.addresses import IPv4Address, IPv6Address, UNIXAddress
from selvage.defer import Deferred
from selvage.endpoints import TCP4ServerEndpoint
from selvage.endpoints._haproxy import proxyEndpoint
from selvage.protocols import ClientCreator, Factory, Protocol, policies
from selvage.protocols.haproxy import (
    HAProxyWrappingFactory,
    InvalidProxyHeader,
    InvalidTLV,
    MissingAddressData,
    ProxyHeaderTimeout,
    ProxyHeaderTooLong,
    UntrustedProxy,
)
from selvage.tasks import Clock, deferLater
from selvage.testing import MemoryReactorClock, StringTransport, StringTransportWithDisconnection

PROXY = IPv4Address("TCP", "127.0.0.1", 4000)
HEADER = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"
CLIENT = IPv4Address("TCP", "192.0.2.1", 56324)
V2 = b"\r\n\r\n\x00\r\nQUIT\n"


class Notes(Protocol):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def connectionMade(self) -> None:
        self.heard.append(("made", self.transport.getPeer()))

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.heard.append("lost")


class Server(Factory[Any]):
    noisy = False

    def __init__(self, protocol: type[Any] = Notes) -> None:
        self.protocol = protocol
        self.built: list[Any] = []
        self.addresses: list[Any] = []

    def buildProtocol(self, addr: Any) -> Any:
        self.addresses.append(addr)
        protocol = super().buildProtocol(addr)
        self.built.append(protocol)
        return protocol


def connected(
    factory: Any, address: Any = PROXY, transport: Any = None
) -> tuple[Any, StringTransportWithDisconnection]:
    wrapper = factory.buildProtocol(address)
    transport = transport or StringTransportWithDisconnection(peerAddress=address)
    transport.protocol = wrapper
    wrapper.makeConnection(transport)
    return wrapper, transport


def proxied(
    server: Server | None = None, **options: Any
) -> tuple[Server, Any, Any, StringTransportWithDisconnection]:
    server = server or Server()
    factory = HAProxyWrappingFactory(server, reactor=Clock(), **options)
    wrapper, transport = connected(factory)
    return server, factory, wrapper, transport


# --- The application's view ----------------------------------------------------------------------------------------


def test_the_application_begins_when_the_client_is_known() -> None:
    server, _, wrapper, transport = proxied()
    wrapper.dataReceived(HEADER[:10])
    assert server.built == []
    wrapper.dataReceived(HEADER[10:] + b"hello")
    wrapper.dataReceived(b" world")
    assert server.addresses == [CLIENT]
    [protocol] = server.built
    assert protocol.heard == [("made", CLIENT), b"hello", b" world"]
    assert protocol.transport.getHost() == IPv4Address("TCP", "198.51.100.2", 443)
    assert protocol.transport.proxy_info.source == CLIENT
    protocol.transport.write(b"answer")
    assert transport.value() == b"answer"
    transport.loseConnection()
    assert protocol.heard[-1] == "lost"


def test_a_proxy_that_speaks_for_itself_has_its_own_address() -> None:
    server, _, wrapper, _ = proxied()
    wrapper.dataReceived(V2 + b"\x20\x00\x00\x00" + b"ping")
    assert server.addresses == [PROXY]
    assert server.built[0].heard == [("made", PROXY), b"ping"]


def test_a_wrapped_factory_may_refuse_the_client() -> None:
    class Nobody(Server):
        def buildProtocol(self, addr: Any) -> None:
            self.addresses.append(addr)

    server, factory, wrapper, transport = proxied(Nobody())
    wrapper.dataReceived(HEADER + b"more")
    assert server.addresses == [CLIENT]
    assert not transport.connected
    assert factory.protocols == {}


def test_limits_by_address_see_the_client() -> None:
    limit = policies.LimitConnectionsByPeer(Server())
    limit.maxConnectionsPerPeer = 1
    factory = HAProxyWrappingFactory(limit, reactor=Clock())
    first, first_transport = connected(factory)
    first.dataReceived(HEADER)
    second, second_transport = connected(factory)
    second.dataReceived(HEADER)
    other, other_transport = connected(factory)
    other.dataReceived(HEADER.replace(b"192.0.2.1", b"192.0.2.9"))
    assert [transport.connected for transport in (first_transport, second_transport, other_transport)] == [
        True,
        False,
        True,
    ]


def test_a_protocol_given_by_hand_is_the_one() -> None:
    factory = HAProxyWrappingFactory(Server(), reactor=Clock())
    mine = Notes()
    wrapper = factory.protocol(factory, mine)
    wrapper.makeConnection(StringTransport())
    wrapper.dataReceived(HEADER + b"x")
    assert mine.heard == [("made", CLIENT), b"x"]
    assert factory.wrappedFactory.built == []


def test_what_came_with_the_header_waits_while_the_application_pauses() -> None:
    class Pausing(Notes):
        def connectionMade(self) -> None:
            self.transport.pauseProducing()  # type: ignore[attr-defined]

    reactor = Clock()
    for own_reactor in (None, reactor):
        server = Server(Pausing)
        transport = StringTransportWithDisconnection(peerAddress=PROXY)
        if own_reactor is not None:
            transport.reactor = own_reactor  # type: ignore[attr-defined]
        wrapper, _ = connected(HAProxyWrappingFactory(server, reactor=Clock()), transport=transport)
        wrapper.dataReceived(HEADER + b"early")
        [protocol] = server.built
        assert protocol.heard == []
        assert transport.producerState == "paused"
        protocol.transport.resumeProducing()
        if own_reactor is not None:
            assert protocol.heard == []  # not from within the call
            protocol.transport.pauseProducing()
            reactor.advance(0)
            assert protocol.heard == []
            protocol.transport.resumeProducing()
            reactor.advance(0)
        assert protocol.heard == [b"early"]
        assert transport.producerState == "producing"
        protocol.transport.pauseProducing()
        assert transport.producerState == "paused"
        protocol.transport.resumeProducing()
        assert transport.producerState == "producing"


def test_an_application_that_closes_at_once_is_given_nothing() -> None:
    class Closing(Notes):
        def connectionMade(self) -> None:
            self.transport.loseConnection()

    server, _, wrapper, _ = proxied(Server(Closing))
    wrapper.dataReceived(HEADER + b"too late")
    assert server.built[0].heard == ["lost"]


def test_names_for_logs() -> None:
    _, factory, wrapper, _ = proxied()
    assert factory.logPrefix() == "Server (HAProxyWrappingFactory)"
    assert wrapper.logPrefix() == "Server (HAProxyProtocolWrapper)"
    wrapper.dataReceived(HEADER)
    assert wrapper.logPrefix() == "Notes (HAProxyProtocolWrapper)"


# --- Whom to believe -----------------------------------------------------------------------------------------------

LOCAL = [
    PROXY,
    IPv4Address("TCP", "127.9.9.9", 1),
    IPv6Address("TCP", "::1", 1),
    IPv6Address("TCP", "::ffff:127.0.0.1", 1),
    UNIXAddress(None),
    UNIXAddress(b"/run/x"),
]
REMOTE = [
    IPv4Address("TCP", "192.0.2.1", 1),
    IPv4Address("TCP", "10.0.0.1", 1),
    IPv6Address("TCP", "2001:db8::1", 1),
    IPv6Address("TCP", "::ffff:192.0.2.1", 1),
    IPv6Address("TCP", "fe80::1%eth0", 1),
    IPv4Address("TCP", "localhost", 1),
]


@pytest.mark.parametrize("address", REMOTE)
def test_attack_101_header_from_an_untrusted_peer(address: Any) -> None:
    server = Server()
    factory = HAProxyWrappingFactory(server, reactor=Clock())
    assert factory.buildProtocol(address) is None
    assert server.built == []
    assert isinstance(factory.refusals.last, UntrustedProxy)
    assert "name it in `trusted`" in str(factory.refusals.last)


@pytest.mark.parametrize("address", LOCAL)
def test_this_machine_is_trusted_unless_others_are_named(address: Any) -> None:
    assert HAProxyWrappingFactory(Server(), reactor=Clock()).buildProtocol(address) is not None
    named = HAProxyWrappingFactory(Server(), trusted=["10.0.0.0/8"], reactor=Clock())
    assert (named.buildProtocol(address) is not None) == isinstance(address, UNIXAddress)


@pytest.mark.parametrize("host", ["10.0.0.1", "10.255.255.255", "192.0.2.7", "::ffff:10.0.0.1", "fd00::1"])
def test_named_networks_are_trusted(host: str) -> None:
    factory = HAProxyWrappingFactory(
        Server(), trusted=["10.0.0.0/8", "192.0.2.7", "fd00::/8"], reactor=Clock()
    )
    kind = IPv6Address if ":" in host else IPv4Address
    assert factory.buildProtocol(kind("TCP", host, 1)) is not None
    assert factory.buildProtocol(IPv4Address("TCP", "192.0.2.8", 1)) is None


def test_networks_that_are_none_are_refused_with_words() -> None:
    with pytest.raises(TypeError, match="a list of networks is needed"):
        HAProxyWrappingFactory(Server(), trusted="10.0.0.0/8")
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8 has host bits set; write 10\.0\.0\.0/8"):
        HAProxyWrappingFactory(Server(), trusted=["10.0.0.1/8"])
    with pytest.raises(ValueError, match="balancer"):
        HAProxyWrappingFactory(Server(), trusted=["balancer.example"])


# --- Bad headers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"GET / HTTP/1.1\r\n", InvalidProxyHeader),
        (b"\x16\x03\x01", InvalidProxyHeader),
        (b"PROXY TCP4 1.1.1.1\r\n2.2.2.2 8080\r\n", MissingAddressData),
        (b"PROXY UNKNOWN " + b"x" * 200, ProxyHeaderTooLong),
        (V2 + b"\x21\x11\xff\xff", ProxyHeaderTooLong),
        (V2 + b"\x21\x11\x00\x0d" + b"\0" * 13, InvalidTLV),
    ],
)
@pytest.mark.parametrize("piece", [1, 1000])
def test_attack_101_a_broken_header_closes_and_nothing_more_is_looked_at(
    data: bytes, error: type[Exception], piece: int
) -> None:
    server, factory, wrapper, transport = proxied()
    for at in range(0, len(data), piece):
        wrapper.dataReceived(data[at : at + piece])
    assert not transport.connected
    assert type(factory.refusals.last) is error
    assert factory.refusals.total == 1
    wrapper.dataReceived(HEADER + b"GET")
    assert server.built == []
    assert factory.protocols == {}


def test_attack_101_a_header_that_never_ends_is_not_waited_for() -> None:
    server, factory, wrapper, transport = proxied(header_timeout_s=10)
    clock = factory.reactor
    wrapper.dataReceived(HEADER[:20])
    clock.advance(9.9)
    wrapper.dataReceived(HEADER[20:30])
    assert transport.connected
    clock.advance(0.1)
    assert not transport.connected
    assert isinstance(factory.refusals.last, ProxyHeaderTimeout)
    assert str(factory.refusals.last) == "no complete header within 10 seconds"
    assert server.built == []


def test_no_timer_is_left() -> None:
    _, factory, wrapper, transport = proxied()
    clock = factory.reactor
    assert len(clock.getDelayedCalls()) == 1
    wrapper.dataReceived(HEADER)
    assert clock.getDelayedCalls() == []
    _, factory, wrapper, transport = proxied()
    transport.loseConnection()  # a balancer that only looks whether the port is open
    assert factory.reactor.getDelayedCalls() == []
    assert factory.refusals.total == 0
    assert proxied(header_timeout_s=None)[1].reactor.getDelayedCalls() == []


def test_the_transports_own_reactor_gives_the_time() -> None:
    factory = HAProxyWrappingFactory(Server())
    transport = StringTransportWithDisconnection(peerAddress=PROXY)
    clock = transport.reactor = Clock()  # type: ignore[attr-defined]
    connected(factory, transport=transport)
    factory.refusals._reactor = clock
    clock.advance(10)
    assert not transport.connected


def test_attack_116_refusals_do_not_flood_the_log() -> None:
    heard: list[dict[str, Any]] = []

    def subscriber(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        heard.append({"text": format.format(**fields), "level": level, **fields})

    clock = Clock()
    factory = HAProxyWrappingFactory(Server(), reactor=clock)
    factory.noisy = factory.wrappedFactory.noisy = False
    factory.doStart()
    _events.subscribe(subscriber)
    try:
        for _ in range(1000):
            factory.buildProtocol(REMOTE[0])
        assert [event["count"] for event in heard] == [1]
        clock.advance(10)
        factory.buildProtocol(REMOTE[1])
        assert [event["count"] for event in heard] == [1, 1000]
        factory.buildProtocol(REMOTE[0])
        factory.doStop()
    finally:
        _events.unsubscribe(subscriber)
    assert [event["count"] for event in heard] == [1, 1000, 1]
    assert heard[0]["level"] == "warn"
    assert heard[0]["text"].startswith(
        "HAProxyWrappingFactory refused 1, the last IPv4Address(type='TCP', host='192.0.2.1', port=1): UntrustedProxy: the peer"
    )
    assert factory.refusals.total == 1002
    assert factory.refusals.counts == {"UntrustedProxy": 1002}
    assert repr(factory.refusals) == "<Refusals {'UntrustedProxy': 1002}>"


# --- The endpoint --------------------------------------------------------------------------------------------------


def test_endpoint_wraps_what_listens() -> None:
    reactor = MemoryReactorClock()
    proxyEndpoint(TCP4ServerEndpoint(reactor, 80)).listen(Server())
    [(port, factory, *_)] = reactor.tcpServers
    assert port == 80
    assert isinstance(factory, HAProxyWrappingFactory)
    assert factory.buildProtocol(REMOTE[1]) is None
    proxyEndpoint(TCP4ServerEndpoint(reactor, 81), trusted=["10.0.0.0/8"]).listen(Server())
    assert reactor.tcpServers[1][1].buildProtocol(REMOTE[1]) is not None
    with pytest.raises(ValueError, match="balancer"):
        proxyEndpoint(TCP4ServerEndpoint(reactor, 82), trusted=["balancer"])


def test_ports_of_version_2_are_read_in_network_order() -> None:
    server, _, wrapper, _ = proxied()
    wrapper.dataReceived(V2 + b"\x21\x11\x00\x0c" + bytes([192, 0, 2, 1] * 2) + struct.pack("!HH", 1, 256))
    assert server.addresses == [IPv4Address("TCP", "192.0.2.1", 1)]
    assert server.built[0].transport.getHost().port == 256


def test_on_real_sockets() -> None:
    """The header in two segments, data with the second; the application pauses, and answers when it goes on."""

    class Pausing(Protocol):
        def connectionMade(self) -> None:
            self.peer = self.transport.getPeer()
            self.transport.pauseProducing()  # type: ignore[attr-defined]
            selvage.get_reactor().callLater(0, self.transport.resumeProducing)  # type: ignore[attr-defined]

        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data.upper() + str(self.peer.host).encode())
            self.transport.loseConnection()

    class Client(Protocol):
        def __init__(self) -> None:
            self.data = b""
            self.ended: Deferred[bytes] = Deferred()

        def dataReceived(self, data: bytes) -> None:
            self.data += data

        def connectionLost(self, reason: Any = None) -> None:
            self.ended.callback(self.data)

    async def main() -> tuple[bytes, bytes, list[Any]]:
        reactor: Any = selvage.get_reactor()
        factory = HAProxyWrappingFactory(Factory.forProtocol(Pausing))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        number = port.getHost().port
        client = await ClientCreator(reactor, Client).connectTCP("127.0.0.1", number)
        client.transport.write(HEADER[:20])
        while not any(wrapper._parser for wrapper in factory.protocols):
            await deferLater(reactor, 0)
        client.transport.write(HEADER[20:] + b"hello ")
        good = await client.ended
        client = await ClientCreator(reactor, Client).connectTCP("127.0.0.1", number)
        client.transport.write(b"GET / HTTP/1.1\r\n\r\n")
        bad = await client.ended
        await port.stopListening()
        calls = [call for call in reactor.getDelayedCalls() if call.func.__name__ == "_too_late"]
        return good, bad, calls

    assert selvage.run(main) == (b"HELLO 192.0.2.1", b"", [])
