"""The small services, port forwarding and protocols of states."""

from __future__ import annotations

import struct
import time
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import selvage
from selvage import _events
from selvage.defer import Deferred
from selvage.errors import ConnectionRefusedError
from selvage.failure import Failure
from selvage.protocols import ClientCreator, Factory, Protocol, wire
from selvage.protocols.portforward import ProxyFactory, ProxyServer
from selvage.protocols.stateful import StatefulProtocol
from selvage.testing import MemoryReactorClock, StringTransport
from selvage.testing.strategies import Framed, framed


def serve(kind: type[Any]) -> tuple[Any, StringTransport]:
    protocol, transport = kind(), StringTransport()
    protocol.makeConnection(transport)
    return protocol, transport


def test_echo_and_discard() -> None:
    for kind, answer in ((wire.Echo, b"hello"), (wire.Discard, b"")):
        protocol, transport = serve(kind)
        protocol.dataReceived(b"hello")
        assert transport.value() == answer


@pytest.mark.parametrize(
    ("kind", "answer"),
    [(wire.QOTD, b"An apple a day keeps the doctor away.\r\n"), (wire.Who, b"root\r\n")],
)
def test_services_that_answer_and_close(kind: type[Any], answer: bytes) -> None:
    _, transport = serve(kind)
    assert (transport.value(), transport.disconnecting) == (answer, True)


def test_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.5)
    _, daytime = serve(wire.Daytime)
    assert (daytime.value(), daytime.disconnecting) == (b"Thu Jan  1 00:00:00 1970\r\n", True)
    _, seconds = serve(wire.Time)
    assert struct.unpack("!I", seconds.value()) == (2208988800,)


def test_chargen_sends_as_much_as_is_taken() -> None:
    chargen, transport = serve(wire.Chargen)
    assert (transport.producer, bool(transport.streaming)) == (chargen, False)
    chargen.resumeProducing()
    chargen.pauseProducing()
    chargen.resumeProducing()
    chargen.stopProducing()
    assert transport.value() == 2 * wire.Chargen.noise


# --- States ------------------------------------------------------------------------------------------------------


class Frames(StatefulProtocol):
    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def getInitialState(self) -> Any:
        return self.header, 1

    def header(self, data: bytes) -> Any:
        return (self.body, data[0]) if data[0] else None

    def body(self, data: bytes) -> Any:
        self.frames.append(data)
        if data == b"fail":
            raise ZeroDivisionError
        return self.header, 1


def test_initial_state_has_to_be_given() -> None:
    with pytest.raises(NotImplementedError, match="has to override getInitialState"):
        StatefulProtocol().makeConnection(StringTransport())
    with pytest.raises(RuntimeError, match="before makeConnection"):
        StatefulProtocol().dataReceived(b"x")


@given(framed(st.binary(max_size=20), lambda frame: bytes([len(frame)]) + frame))
@settings(deadline=None)
def test_states_in_any_pieces(sent: Framed[bytes]) -> None:
    protocol, _ = serve(Frames)
    for piece in sent.pieces:
        protocol.dataReceived(piece)
    assert protocol.frames == [frame for frame in sent.frames if frame]


def test_state_that_raises_has_used_its_bytes() -> None:
    protocol, _ = serve(Frames)
    with pytest.raises(ZeroDivisionError):
        protocol.dataReceived(b"\4fail\2")
    assert protocol.frames == [b"fail"]


# --- Port forwarding ---------------------------------------------------------------------------------------------


def forward() -> tuple[MemoryReactorClock, Any, StringTransport, Any]:
    reactor = MemoryReactorClock()
    server = ProxyFactory("backend", 80).buildProtocol(None)
    server.reactor = reactor
    transport = StringTransport()
    server.makeConnection(transport)
    [(host, port, factory, _, _)] = reactor.tcpClients
    assert (host, port) == ("backend", 80)
    return reactor, server, transport, factory


def test_nothing_is_read_before_the_other_side_is_there() -> None:
    _, server, transport, factory = forward()
    assert transport.producerState == "paused"
    client, onward = factory.buildProtocol(None), StringTransport()
    client.makeConnection(onward)
    assert (transport.producerState, transport.producer, onward.producer) == ("producing", onward, transport)
    server.dataReceived(b"to")
    client.dataReceived(b"fro")
    assert (onward.value(), transport.value()) == (b"to", b"fro")
    client.connectionLost()
    assert transport.disconnecting
    server.connectionLost()


def test_who_goes_before_the_other_side_is_there_takes_the_attempt_along() -> None:
    reactor, server, _, _ = forward()
    server.connectionLost()
    assert reactor.connectors[0]._disconnected


def test_nobody_there() -> None:
    heard: list[str] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        heard.append(format)

    _, server, transport, factory = forward()
    factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
    assert transport.disconnecting
    _events.subscribe(listen)
    try:
        server.connectionLost()
        quiet = ProxyServer()
        quiet.noisy = False
        quiet.connectionLost()
    finally:
        _events.unsubscribe(listen)
    assert heard == ["Unable to connect to peer: {reason}"]


def test_forwarding_on_real_sockets() -> None:
    class Client(Protocol):
        def __init__(self) -> None:
            self.data = b""
            self.ended: Deferred[bytes] = Deferred()

        def dataReceived(self, data: bytes) -> None:
            self.data += data
            if len(self.data) == 500_000:
                self.transport.loseConnection()

        def connectionLost(self, reason: Any = None) -> None:
            self.ended.callback(self.data)

    async def main() -> bytes:
        reactor: Any = selvage.get_reactor()
        echo = reactor.listenTCP(0, Factory.forProtocol(wire.Echo), interface="127.0.0.1")
        proxy = reactor.listenTCP(0, ProxyFactory("127.0.0.1", echo.getHost().port), interface="127.0.0.1")
        client = await ClientCreator(reactor, Client).connectTCP("127.0.0.1", proxy.getHost().port)
        client.transport.write(b"x" * 500_000)
        data = await client.ended
        await proxy.stopListening()
        await echo.stopListening()
        return bytes(data)

    assert selvage.run(main) == b"x" * 500_000


@pytest.mark.parametrize("who", ["client", "backend"])
def test_forwarding_ends_when_either_side_does(who: str) -> None:
    class Side(Protocol):
        def __init__(self) -> None:
            self.heard: Deferred[None] = Deferred()
            self.ended: Deferred[None] = Deferred()

        def dataReceived(self, data: bytes) -> None:
            self.heard.callback(None)

        def connectionLost(self, reason: Any = None) -> None:
            self.ended.callback(None)

    async def main() -> None:
        reactor: Any = selvage.get_reactor()
        sides: dict[str, Any] = {"backend": Side()}
        factory: Any = Factory()
        factory.buildProtocol = lambda address: sides["backend"]
        backend = reactor.listenTCP(0, factory, interface="127.0.0.1")
        proxy = reactor.listenTCP(0, ProxyFactory("127.0.0.1", backend.getHost().port), interface="127.0.0.1")
        sides["client"] = await ClientCreator(reactor, Side).connectTCP("127.0.0.1", proxy.getHost().port)
        sides["client"].transport.write(b"x")
        await sides["backend"].heard
        sides[who].transport.loseConnection()
        await sides["client"].ended
        await sides["backend"].ended
        await proxy.stopListening()
        await backend.stopListening()

    selvage.run(main)


def test_attack_102_where_to_forward_is_never_the_peers_word() -> None:
    reactor, server, _, factory = forward()
    onward = StringTransport()
    factory.buildProtocol(None).makeConnection(onward)
    asked = b"CONNECT evil.example:25 HTTP/1.1\r\n\r\n\x04\x01\x00\x19\x01\x02\x03\x04\x00\x05\x01\x00"
    server.dataReceived(asked)
    assert [(host, port) for host, port, *_ in reactor.tcpClients] == [("backend", 80)]
    assert onward.value() == asked
