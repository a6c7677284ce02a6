"""Connecting through proxies on real sockets of this machine, on each loop: who stands between, who is paused."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
from zope.interface import implementer

import selvage
from selvage.defer import Deferred
from selvage.endpoints import (
    HTTPConnectClientEndpoint,
    SOCKS5ClientEndpoint,
    TCP4ClientEndpoint,
    clientFromString,
    connectProtocol,
    serverFromString,
)
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.interfaces import IHalfCloseableProtocol
from selvage.protocols import Factory, Protocol, connectionDone
from selvage.tasks import deferLater

try:
    import uvloop
except ImportError:  # pragma: no cover
    uvloop = None

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.SelectorEventLoop}
if uvloop is not None:
    LOOPS["uvloop"] = uvloop.new_event_loop

#: Turns of the loop that stand for "for ever" where nothing may happen.
SOME_TURNS = 20


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[Any], Any]], Any]:
    def run_it(main: Callable[[Any], Any]) -> Any:
        return selvage.run(lambda: main(selvage.get_reactor()), loop_factory=LOOPS[request.param])

    return run_it


class Proxy(Protocol):
    """Grants whatever is asked, is the target itself, says something with its last answer and echoes from then on."""

    #: What is expected, and the answer to it, in order.
    SCRIPT: list[tuple[bytes, bytes]]
    GREETING = b""

    def connectionMade(self) -> None:
        self.script = list(self.SCRIPT)
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        if not self.script:
            self.transport.write(data)  # type: ignore[union-attr]
            return
        self.received += data
        expected, answer = self.script[0]
        if self.received.endswith(expected):
            del self.script[0]
            self.received = b""
            self.transport.write(answer + (b"" if self.script else self.GREETING))  # type: ignore[union-attr]


GRANTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
SCRIPTS = {
    SOCKS5ClientEndpoint: [(b"\x05\x01\x00", b"\x05\x00"), (b"\x03\x06target\x00\x50", GRANTED)],
    HTTPConnectClientEndpoint: [(b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n")],
}


@implementer(IHalfCloseableProtocol)
class Client(Protocol):
    def __init__(self, expected: int, pause: bool = False) -> None:
        self.expected = expected
        self.pause = pause
        self.received = b""
        self.enough: Deferred[bytes] = Deferred()
        self.read_lost = False
        self.ended: Deferred[Any] = Deferred()

    def connectionMade(self) -> None:
        if self.pause:
            self.transport.pauseProducing()  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if len(self.received) == self.expected:
            self.enough.callback(self.received)

    def readConnectionLost(self) -> None:
        self.read_lost = True
        self.transport.loseConnection()  # type: ignore[union-attr]

    def writeConnectionLost(self) -> None:
        pass

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.ended.callback(reason.value)


async def through(reactor: Any, kind: Any, client: Client, greeting: bytes = b"") -> Any:
    """Connect `client` through a proxy of a kind; return the port to stop listening on."""
    factory = Factory.forProtocol(type("P", (Proxy,), {"SCRIPT": SCRIPTS[kind], "GREETING": greeting}))
    factory.noisy = False
    port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(factory)
    way = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    assert await connectProtocol(kind(reactor, way, "target", 80), client) is client
    return port


@pytest.mark.parametrize("kind", list(SCRIPTS))
def test_nobody_stands_between_a_connection_and_its_protocol(run: Any, kind: Any) -> None:
    async def main(reactor: Any) -> None:
        client = Client(4)
        port = await through(reactor, kind, client)
        transport: Any = client.transport
        assert transport.protocol is client
        transport.write(b"ping")
        assert await client.enough == b"ping"
        transport.loseWriteConnection()  # the proxy hears of the end and closes
        reason = await client.ended
        assert client.read_lost
        assert isinstance(reason, ConnectionDone)
        await port.stopListening()

    run(main)


@pytest.mark.parametrize("kind", list(SCRIPTS))
@pytest.mark.parametrize("pause", [False, True])
def test_a_target_that_speaks_first(run: Any, kind: Any, pause: bool) -> None:
    async def main(reactor: Any) -> None:
        client = Client(9, pause)
        port = await through(reactor, kind, client, b"220 hello")
        transport: Any = client.transport
        if pause:
            for _ in range(SOME_TURNS):
                await deferLater(reactor, 0, lambda: None)
            assert client.received == b""
            transport.resumeProducing()
        assert await client.enough == b"220 hello"
        client.received, client.expected, client.enough = b"", 4, Deferred()
        transport.write(b"ping")
        assert await client.enough == b"ping"
        transport.loseConnection()
        assert isinstance(await client.ended, ConnectionDone)
        await port.stopListening()

    run(main)


# --- Descriptions of sockets -------------------------------------------------------------------------------------


class Greet(Protocol):
    def connectionMade(self) -> None:
        self.transport.write(b"hello")  # type: ignore[union-attr]
        self.transport.loseConnection()  # type: ignore[union-attr]


async def greeted(reactor: Any, port: int) -> bytes:
    client = Client(5)
    await connectProtocol(clientFromString(reactor, f"tcp:127.0.0.1:{port}"), client)
    received = await client.enough
    await client.ended
    return received


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="this system has no SO_REUSEPORT")
def test_two_ports_share_a_number(run: Any) -> None:
    async def main(reactor: Any) -> None:
        factory = Factory.forProtocol(Greet)
        first = await serverFromString(reactor, "tcp:0:127.0.0.1:reusePort=1").listen(factory)
        number = first.getHost().port
        second = await serverFromString(reactor, f"tcp:{number}:127.0.0.1:reusePort=1").listen(factory)
        assert second.getHost() == first.getHost()
        assert await greeted(reactor, number) == b"hello"
        await first.stopListening()
        assert await greeted(reactor, number) == b"hello"
        await second.stopListening()

    run(main)


def test_a_socket_that_is_open_already(run: Any) -> None:
    async def main(reactor: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            number, copy = listening.getsockname()[1], os.dup(listening.fileno())
        port = await serverFromString(reactor, f"fd:{copy}").listen(Factory.forProtocol(Greet))
        with pytest.raises(OSError):
            os.fstat(copy)  # the endpoint closed it once the reactor had its own
        assert await greeted(reactor, number) == b"hello"
        await port.stopListening()

    run(main)
