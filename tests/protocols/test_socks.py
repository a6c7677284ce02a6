"""The SOCKS server: requests as bytes, whom it serves, both commands on real sockets."""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import selvage
from selvage import _events
from selvage.addresses import IPv4Address, IPv6Address, UNIXAddress
from selvage.defer import Deferred, fail, succeed
from selvage.errors import ConnectionRefusedError, DNSLookupError
from selvage.failure import subscribe, unsubscribe
from selvage.protocols import ClientCreator, Factory, Protocol, socks, wire
from selvage.protocols._socks4 import MAX_REQUEST, SOCKSRequestError, read_request
from selvage.tasks import Clock, deferLater
from selvage.testing import MemoryReactorClock, StringTransport

GRANTED = struct.pack("!BBH", 0, 90, 34) + socket.inet_aton("192.0.2.1")
REJECTED = struct.pack("!BBH4x", 0, 91, 0)
HERE = IPv4Address("TCP", "127.0.0.1", 4000)


def request(
    command: int = 1,
    port: int = 34,
    host: str = "192.0.2.1",
    user: bytes = b"user",
    name: bytes | None = None,
) -> bytes:
    fixed = struct.pack("!BBH4s", 4, command, port, socket.inet_aton(host)) + user + b"\0"
    return fixed if name is None else fixed + name + b"\0"


# --- Bytes ---------------------------------------------------------------------------------------------------------

names = st.binary(max_size=255).map(lambda name: name.replace(b"\0", b"x"))


@settings(deadline=None)
@given(
    st.sampled_from([1, 2]), st.integers(0, 65535), st.ip_addresses(v=4), names, names, st.binary(max_size=9)
)
def test_every_cut_of_a_request(
    command: int, port: int, host: Any, user: bytes, name: bytes, rest: bytes
) -> None:
    named = host.packed[:3] == b"\0\0\0" and host.packed[3] != 0
    asked = request(command, port, str(host), user, (name or b"x") if named else None)
    assert len(asked) <= MAX_REQUEST
    for size in range(len(asked)):
        assert read_request(asked[:size]) is None
    read = read_request(asked + rest)
    assert read == (command, port, str(host), user, (name or b"x") if named else None, rest)


@settings(deadline=None)
@given(st.integers(1, 255), names.filter(bool))
def test_a_name_follows_the_addresses_that_say_so(last: int, name: bytes) -> None:
    asked = request(host=f"0.0.0.{last}", name=name)
    assert all(read_request(asked[:size]) is None for size in range(len(asked)))
    read = read_request(asked)
    assert read is not None
    assert read.name == name


BROKEN = [
    b"\x05\x01\x00",
    b"\x00",
    b"GET http://example/ HTTP/1.1\r\n",
    b"\x04\x00",
    b"\x04\x03",
    b"\x04\x05\x00\x22",
    request(user=b"x" * 256),
    struct.pack("!BBH4s", 4, 1, 34, b"\1\2\3\4") + b"x" * 256,
    request(host="0.0.0.1", name=b"x" * 256),
    request(host="0.0.0.1", name=b""),
]


@pytest.mark.parametrize("asked", BROKEN)
def test_what_is_no_request(asked: bytes) -> None:
    with pytest.raises(SOCKSRequestError):
        read_request(asked)


@settings(deadline=None)
@given(st.binary(max_size=40), st.integers(0, 2))
def test_any_bytes_are_a_request_or_refused_or_wait(rest: bytes, known: int) -> None:
    data = (b"\x04\x01" + rest) if known else rest
    try:
        read_request(data)
    except SOCKSRequestError:
        pass


# --- Whom it serves ------------------------------------------------------------------------------------------------


class Serving(socks.SOCKSv4):
    """Makes its other sides without a network."""

    other: Any = None
    waiting: Any = None

    def connectClass(self, host: str, port: int, klass: Any, *args: Any) -> Deferred[Any]:
        self.other = klass(*args)
        self.other.makeConnection(StringTransport(peerAddress=IPv4Address("TCP", host, port)))
        return succeed(self.other)

    def listenClass(self, port: int, klass: Any, *args: Any) -> Deferred[tuple[str, int]]:
        self.waiting = klass(*args)
        return succeed(("198.51.100.9", 1234))


class Names:
    """A reactor that looks names up."""

    def resolve(self, name: bytes) -> Deferred[str]:
        return succeed("192.0.2.1") if name == b"host.example" else fail(DNSLookupError())


def serving(peer: Any = HERE, kind: type[Any] = Serving, trusted: Any = None, log: str | None = None) -> Any:
    class Made(socks.SOCKSv4Factory):
        def buildProtocol(self, addr: Any) -> Any:
            made = super().buildProtocol(addr)
            protocol = kind(self.logging, Names())
            protocol.factory, protocol.trusted = self, made.trusted
            return protocol

    factory = Made(log, trusted)
    factory.refusals._reactor = Clock()
    protocol = factory.buildProtocol(peer)
    protocol.makeConnection(StringTransport(peerAddress=peer))
    return protocol


LOCAL = [HERE, IPv6Address("TCP", "::1", 1), IPv6Address("TCP", "::ffff:127.0.0.1", 1), UNIXAddress(None)]
REMOTE = [
    IPv4Address("TCP", "192.0.2.7", 1),
    IPv4Address("TCP", "10.0.0.7", 1),
    IPv6Address("TCP", "2001:db8::1", 1),
    IPv6Address("TCP", "::ffff:192.0.2.7", 1),
]


@pytest.mark.parametrize("peer", REMOTE)
@pytest.mark.parametrize("asked", [request(), request(2), request(host="0.0.0.1", name=b"host.example")])
def test_attack_102_a_stranger_gets_nothing_relayed(peer: Any, asked: bytes) -> None:
    protocol = serving(peer)
    protocol.dataReceived(asked + b"MAIL FROM:<>\r\n")
    assert protocol.transport.value() == REJECTED
    assert protocol.transport.disconnecting
    assert protocol.other is protocol.waiting is None
    refusals = protocol.factory.refusals
    assert refusals.counts == {"RelayRefused": 1}
    assert "name the client's network in `trusted`" in str(refusals.last)
    protocol.dataReceived(request())
    assert protocol.transport.value() == REJECTED


def test_attack_102_a_plain_factory_is_no_open_relay_either() -> None:
    factory: Any = Factory.forProtocol(Serving)
    protocol = factory.buildProtocol(REMOTE[0])
    protocol.makeConnection(StringTransport(peerAddress=REMOTE[0]))
    heard: list[str] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        heard.append(format.format(**fields))

    _events.subscribe(listen)
    try:
        protocol.dataReceived(request())
    finally:
        _events.unsubscribe(listen)
    assert protocol.transport.value() == REJECTED
    assert heard == [
        "Refused IPv4Address(type='TCP', host='192.0.2.7', port=1): b'user' may not ask to connect to 192.0.2.1:34; "
        "name the client's network in `trusted`, or override authorize()"
    ]


@pytest.mark.parametrize("peer", LOCAL)
def test_this_machine_is_served(peer: Any) -> None:
    protocol = serving(peer)
    protocol.dataReceived(request())
    assert protocol.transport.value() == GRANTED


def test_named_networks_are_served_and_then_only_they() -> None:
    for peer, granted in ((REMOTE[1], True), (REMOTE[0], False), (HERE, False)):
        protocol = serving(peer, trusted=["10.0.0.0/8"])
        protocol.dataReceived(request())
        assert (protocol.transport.value() == GRANTED) == granted


def test_the_hook_decides_about_what_was_found_not_what_was_asked() -> None:
    class Careful(Serving):
        asked: tuple[Any, ...] = ()

        def authorize(self, *asked: Any) -> bool:
            self.asked = asked
            return False

    protocol = serving(kind=Careful)
    protocol.dataReceived(request(host="0.0.0.9", name=b"host.example"))
    assert protocol.asked == (1, "192.0.2.1", 34, b"user")
    assert protocol.transport.value() == REJECTED


# --- What goes wrong -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", BROKEN)
@pytest.mark.parametrize("piece", [1, 1000])
def test_a_broken_request_is_rejected(asked: bytes, piece: int) -> None:
    protocol = serving()
    for at in range(0, len(asked), piece):
        protocol.dataReceived(asked[at : at + piece])
    assert protocol.transport.value() == REJECTED
    assert protocol.transport.disconnecting
    assert protocol.factory.refusals.counts == {"SOCKSRequestError": 1}


def test_a_name_that_is_none_is_rejected() -> None:
    protocol = serving()
    protocol.dataReceived(request(host="0.0.0.9", name=b"nowhere.example"))
    assert protocol.transport.value() == REJECTED


@pytest.mark.parametrize("reason", [ConnectionRefusedError(), ZeroDivisionError()])
def test_another_side_that_is_not_there_is_rejected_and_only_a_defect_is_reported(reason: Exception) -> None:
    class Failing(Serving):
        def connectClass(self, *args: Any) -> Deferred[Any]:
            raise reason

    reported: list[Any] = []

    def listen(each: Any) -> None:
        reported.append(each)

    subscribe(listen)
    try:
        protocol = serving(kind=Failing)
        protocol.dataReceived(request())
    finally:
        unsubscribe(listen)
    assert protocol.transport.value() == REJECTED
    assert len(reported) == isinstance(reason, ZeroDivisionError)


def test_what_comes_before_the_answer_waits_and_is_bounded() -> None:
    class Slow(Serving):
        def connectClass(self, *args: Any) -> Deferred[Any]:
            return Deferred()

    protocol = serving(kind=Slow)
    protocol.dataReceived(request())
    protocol.dataReceived(b"x" * socks.MAX_EARLY)
    assert protocol.transport.producerState == "producing"  # else nobody would notice that it goes
    protocol.dataReceived(b"x")
    assert protocol.transport.producerState == "paused"
    Serving.connectClass(protocol, "192.0.2.1", 34, socks.SOCKSv4Outgoing, protocol)
    assert protocol.transport.producerState == "producing"
    assert protocol.other.transport.value() == b"x" * (socks.MAX_EARLY + 1)
    assert protocol.transport.value() == GRANTED


def test_nothing_is_waited_for_without_end() -> None:
    class Slow(Serving):
        cancelled = False

        def connectClass(self, *args: Any) -> Deferred[Any]:
            def cancel(deferred: Any) -> None:
                self.cancelled = True

            return Deferred(cancel)

    for asked, seconds in ((b"\x04\x01", 30), (request(), 120)):
        clock = Clock()
        protocol = Slow()
        transport: Any = StringTransport(peerAddress=HERE)
        transport.reactor = clock
        protocol.makeConnection(transport)
        protocol.dataReceived(asked)
        clock.advance(seconds - 1)
        assert not transport.disconnecting
        clock.advance(1)
        assert transport.value() == REJECTED
        assert transport.disconnecting
        assert protocol.cancelled == (seconds == 120)
        assert clock.getDelayedCalls() == []


def test_a_client_that_goes_takes_all_along() -> None:
    reactor = MemoryReactorClock()
    transport: Any = StringTransport(peerAddress=HERE)
    transport.reactor = reactor
    protocol = socks.SOCKSv4(reactor=reactor)
    protocol.makeConnection(transport)
    protocol.dataReceived(request())
    [connector] = reactor.connectors
    protocol.connectionLost()
    assert connector._disconnected or connector.stoppedConnecting
    assert reactor.getDelayedCalls() == []

    granted = serving()
    granted.dataReceived(request())
    granted.connectionLost()
    assert granted.other is not None
    assert granted.other is not granted.otherConn


def test_another_side_that_comes_too_late_is_closed() -> None:
    protocol = serving()
    protocol.connectionLost()
    for kind in (socks.SOCKSv4Outgoing, socks.SOCKSv4Incoming):
        late = kind(protocol)
        late.makeConnection(StringTransport())
        assert late.transport.disconnecting
        late.connectionLost()


# --- What goes right -----------------------------------------------------------------------------------------------


def test_early_data_follows_and_each_side_is_the_others_producer(tmp_path: Path) -> None:
    log = tmp_path / "log"
    protocol = serving(log=str(log))
    protocol.dataReceived(request() + b"early")
    client, other = protocol.transport, protocol.other.transport
    assert (client.value(), other.value()) == (GRANTED, b"early")
    assert (client.producer, other.producer) == (other, client)
    assert client.producerState == "producing"
    protocol.dataReceived(b" late")
    protocol.other.dataReceived(b"back\n")
    assert (client.value(), other.value()) == (GRANTED + b"back\n", b"early late")
    protocol.other.connectionLost()
    assert client.disconnecting
    assert client.producer is None
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    assert [data for _, _, data in lines] == ["b'early'", "b' late'", "b'back\\n'"]
    assert [" > " in who for _, who, _ in lines] == [True, True, False]


def test_waiting_takes_one_connection_from_the_right_host() -> None:
    protocol = serving()
    protocol.dataReceived(request(2))
    first = struct.pack("!BBH", 0, 90, 1234) + socket.inet_aton("198.51.100.9")
    assert protocol.transport.value() == first
    factory = protocol.waiting
    incoming = factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 5))
    assert factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 6)) is None
    incoming.makeConnection(StringTransport())
    assert protocol.transport.value() == first + struct.pack("!BBH4x", 0, 90, 0)
    incoming.dataReceived(b"hello")
    assert protocol.transport.value().endswith(b"hello")
    assert not protocol.transport.disconnecting


def test_waiting_rejects_another_host() -> None:
    protocol = serving()
    protocol.dataReceived(request(2))
    protocol.transport.clear()
    assert protocol.waiting.buildProtocol(IPv4Address("TCP", "192.0.2.9", 5)) is None
    assert protocol.transport.value() == REJECTED


class Client(Protocol):
    def __init__(self) -> None:
        self.data = b""
        self.wanted = 0
        self.heard: Deferred[bytes] | None = None
        self.ended: Deferred[None] = Deferred()

    def until(self, size: int) -> Deferred[bytes]:
        self.wanted, self.heard = size, Deferred()
        self.dataReceived(b"")
        return self.heard or succeed(self.data)

    def dataReceived(self, data: bytes) -> None:
        self.data += data
        if self.heard is not None and len(self.data) >= self.wanted:
            heard, self.heard = self.heard, None
            heard.callback(self.data)

    def connectionLost(self, reason: Any = None) -> None:
        self.ended.callback(None)


@pytest.mark.parametrize("who", ["client", "other"])
def test_connecting_on_real_sockets(who: str) -> None:
    async def main() -> None:
        reactor: Any = selvage.get_reactor()
        echoes: list[Any] = []

        class Echo(wire.Echo):
            def connectionMade(self) -> None:
                echoes.append(self)

        echo = reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1")
        relay = reactor.listenTCP(0, socks.SOCKSv4Factory(None), interface="127.0.0.1")
        client = await ClientCreator(reactor, Client).connectTCP("127.0.0.1", relay.getHost().port)
        port = echo.getHost().port
        client.transport.write(request(1, port, "0.0.0.1", b"", b"localhost") + b"x" * 300_000)
        data = await client.until(8 + 300_000)
        assert data == struct.pack("!BBH4s", 0, 90, port, b"\x7f\0\0\1") + b"x" * 300_000
        (client if who == "client" else echoes[0]).transport.loseConnection()
        await client.ended
        await relay.stopListening()
        await echo.stopListening()

    selvage.run(main)


def test_waiting_on_real_sockets() -> None:
    async def main() -> None:
        reactor: Any = selvage.get_reactor()
        relay = reactor.listenTCP(0, socks.SOCKSv4Factory(None), interface="127.0.0.1")
        client = await ClientCreator(reactor, Client).connectTCP("127.0.0.1", relay.getHost().port)
        client.transport.write(request(2, 0, "127.0.0.1"))
        first = await client.until(8)
        port = struct.unpack("!xxH4x", first)[0]
        other = await ClientCreator(reactor, Client).connectTCP("127.0.0.1", port)
        await client.until(16)
        with pytest.raises(ConnectionRefusedError):
            await ClientCreator(reactor, Client).connectTCP("127.0.0.1", port)  # it takes one, and is closed
        other.transport.write(b"hello")
        assert (await client.until(21)).endswith(b"hello")
        other.transport.loseConnection()
        await client.ended
        await relay.stopListening()

    selvage.run(main)


@pytest.mark.parametrize("command", [1, 2])
def test_nothing_is_left_when_the_client_goes(command: int) -> None:
    """Its port is closed, its attempt to connect given up."""
    stopped: Deferred[None] = Deferred()

    class Waiting(socks.SOCKSv4):
        def connectClass(self, *args: Any) -> Deferred[Any]:
            return Deferred(lambda _: stopped.callback(None))

        def connectionLost(self, reason: Any = None) -> None:
            super().connectionLost(reason)
            if command == 2:
                stopped.callback(None)

    async def main() -> None:
        reactor: Any = selvage.get_reactor()
        relay = reactor.listenTCP(0, Factory.forProtocol(Waiting), interface="127.0.0.1")
        client = await ClientCreator(reactor, Client).connectTCP("127.0.0.1", relay.getHost().port)
        client.transport.write(request(command, 0, "127.0.0.1"))
        port = 0
        if command == 2:
            port = struct.unpack("!xxH4x", await client.until(8))[0]
        client.transport.loseConnection()
        await stopped
        if port:
            await deferLater(reactor, 0)
            with pytest.raises(ConnectionRefusedError):
                await ClientCreator(reactor, Client).connectTCP("127.0.0.1", port)
        await relay.stopListening()

    selvage.run(main)
