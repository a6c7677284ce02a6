"""Two protocols joined in one process."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from zope.interface.verify import verifyObject

import selvage
from selvage.interfaces import IConsumer, ITransport
from selvage.protocols import Factory, Protocol, loopback
from selvage.protocols.basic import FileSender, LineReceiver


class Speaker(LineReceiver):
    """Greets, answers three times, closes."""

    def __init__(self, greets: bool = False) -> None:
        self.greets = greets
        self.lines: list[bytes] = []
        self.lost = 0

    def connectionMade(self) -> None:
        if self.greets:
            self.sendLine(b"0")

    def lineReceived(self, line: bytes) -> None:
        self.lines.append(line)
        number = int(line)
        if number == 5:
            self.transport.loseConnection()
        else:
            self.sendLine(b"%d" % (number + 1))

    def connectionLost(self, reason: Any = None) -> None:
        self.lost += 1


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "memory": loopback.loopbackAsync,
    "joined": lambda server, client: loopback.loopbackAsync(server, client, loopback.collapsingPumpPolicy),
    "tcp": lambda server, client: loopback.loopbackTCP(server, client, noisy=False),
    "unix": lambda server, client: loopback.loopbackUNIX(server, client, noisy=False),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("greeting", ["server", "client"])
def test_conversation(way: str, greeting: str) -> None:
    if way == "unix" and not hasattr(selvage.get_reactor(), "listenUNIX"):
        pytest.skip("this reactor has no UNIX sockets")
    server, client = Speaker(greeting == "server"), Speaker(greeting == "client")

    async def main() -> None:
        await WAYS[way](server, client)

    selvage.run(main)
    first, second = (client, server) if greeting == "server" else (server, client)
    assert (first.lines, second.lines) == ([b"0", b"2", b"4"], [b"1", b"3", b"5"])
    assert (server.lost, client.lost) == (1, 1)


def test_hook_that_raises_fails_the_deferred() -> None:
    class Broken(Speaker):
        def lineReceived(self, line: bytes) -> None:
            raise ZeroDivisionError

    async def main() -> None:
        await loopback.loopbackAsync(Speaker(True), Broken())

    with pytest.raises(ZeroDivisionError):
        selvage.run(main)


def test_pull_producers_are_asked() -> None:
    from io import BytesIO

    class Sending(Protocol):
        def connectionMade(self) -> None:
            sender = FileSender()
            sender.CHUNK_SIZE = 3
            sender.beginFileTransfer(BytesIO(b"0123456789"), self.transport).addCallback(
                lambda _: self.transport.loseConnection()
            )

    class Receiving(Protocol):
        data = b""

        def dataReceived(self, data: bytes) -> None:
            self.data += data

    receiving = Receiving()

    async def main() -> None:
        await loopback.loopbackAsync(Sending(), receiving)

    selvage.run(main)
    assert receiving.data == b"0123456789"


def test_transport_in_memory() -> None:
    queue = loopback._LoopbackQueue()
    transport = loopback._LoopbackTransport(queue)
    assert verifyObject(ITransport, transport)
    assert verifyObject(IConsumer, transport)
    with pytest.raises(TypeError, match="takes bytes, not str"):
        transport.write("x")  # type: ignore[arg-type]
    transport.registerProducer("p", True)
    with pytest.raises(RuntimeError, match="never unregistered"):
        transport.registerProducer("q", True)
    transport.unregisterProducer()
    assert not transport.disconnecting
    transport.writeSequence([b"a", b"b"])
    transport.abortConnection()
    transport.write(b"late")
    transport.loseConnection()
    assert queue.disconnect
    assert not transport.disconnecting
    assert [queue.get(), queue.get(), queue.get(), bool(queue)] == [b"ab", None, b"late", False]
    assert transport.getHost() is not None
    assert transport.getPeer() is not None


@pytest.mark.parametrize(
    ("policy", "pieces"),
    [(loopback.identityPumpPolicy, [b"a", b"b"]), (loopback.collapsingPumpPolicy, [b"ab"])],
)
def test_pump_policies(policy: Any, pieces: list[bytes]) -> None:
    received: list[bytes] = []

    class Notes(Protocol):
        def dataReceived(self, data: bytes) -> None:
            received.append(data)

    queue = loopback._LoopbackQueue()
    for value in (b"a", b"b", None):
        queue.put(value)
    policy(queue, Notes())
    policy(queue, Notes())
    assert received == pieces


def test_relay_holds_until_it_is_cleared() -> None:
    target = Speaker()
    log = StringIO()
    relay: Any = loopback.LoopbackRelay(target, log)
    target.makeConnection(relay)

    class Producer:
        asked = 0

        def resumeProducing(self) -> None:
            self.asked += 1

    producer = Producer()
    relay.registerProducer(producer, False)
    relay.write(b"3\r")
    relay.writeSequence([b"\n"])
    assert target.lines == []
    relay.clearBuffer()
    relay.unregisterProducer()
    assert (target.lines, producer.asked) == ([b"3"], 1)
    assert log.getvalue() == "loopback receiving b'3\\r\\n'\n"
    relay.loseConnection()
    assert target.lost == 0
    for _ in range(2):
        relay.clearBuffer()
        relay.loseConnection()
    assert target.lost == 1
    assert (relay.getHost(), relay.getPeer(), relay.logPrefix()) == (
        "loopback",
        "loopback",
        "Loopback('Speaker')",
    )


def test_client_that_cannot_connect() -> None:
    from selvage.errors import ConnectionRefusedError
    from selvage.failure import Failure

    results: list[Any] = []
    factory = loopback.LoopbackClientFactory(Protocol())
    factory.deferred.addErrback(results.append)
    factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
    assert results[0].check(ConnectionRefusedError)


def test_nothing_is_left_of_the_unix_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary folder goes with the connection, also when listening is not possible."""
    seen: list[str] = []

    class Refusing:
        def listenUNIX(self, path: str, factory: Factory[Any]) -> None:
            seen.append(path)
            raise OSError("no sockets here")

    monkeypatch.setattr("selvage.reactor.get_reactor", Refusing)
    with pytest.raises(OSError, match="no sockets here"):
        loopback.loopbackUNIX(Speaker(), Speaker())
    assert not os.path.exists(os.path.dirname(seen[0]))


def test_conversation_that_needs_no_turn_is_over_at_once() -> None:
    """As in Twisted: whoever joins two protocols in memory finds the whole exchange done when the call returns."""
    server, client = Speaker(True), Speaker()
    done = loopback.loopbackAsync(server, client)
    assert done.called
    assert (server.lost, client.lost) == (1, 1)


def test_side_that_has_closed_receives_what_was_under_way() -> None:
    class Server(LineReceiver):
        def lineReceived(self, line: bytes) -> None:
            self.sendLine(b"answer to " + line)

    class Client(LineReceiver):
        def __init__(self) -> None:
            self.lines: list[bytes] = []

        def connectionMade(self) -> None:
            self.sendLine(b"one")
            self.transport.loseConnection()

        def lineReceived(self, line: bytes) -> None:
            self.lines.append(line)

    client = Client()
    loopback.loopbackAsync(Server(), client)
    assert client.lines == [b"answer to one"]
