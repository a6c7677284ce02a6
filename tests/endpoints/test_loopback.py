"""Endpoints on real sockets of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest
from zope.interface import implementer

import selvage
from selvage.defer import Deferred
from selvage.endpoints import (
    AdoptedStreamServerEndpoint,
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ClientEndpoint,
    TCP6ServerEndpoint,
    clientFromString,
    connectProtocol,
    serverFromString,
)
from selvage.errors import (
    CannotListenError,
    ConnectingCancelledError,
    ConnectionDone,
    ConnectionRefusedError,
    DNSLookupError,
)
from selvage.interfaces import IHalfCloseableProtocol
from selvage.protocols import ClientCreator, Factory, Protocol
from selvage.protocols.basic import Int32StringReceiver, LineReceiver

try:
    import uvloop
except ImportError:  # pragma: no cover
    uvloop = None

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.SelectorEventLoop}
if uvloop is not None:
    LOOPS["uvloop"] = uvloop.new_event_loop


@pytest.fixture(params=sorted(LOOPS))
def run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Run a coroutine function on a fresh reactor; it is given the reactor."""

    def run_it(main: Callable[[Any], Any]) -> Any:
        async def steps() -> Any:
            result = main(selvage.get_reactor())
            return (
                await result.addTimeout(8, selvage.get_reactor())
                if isinstance(result, Deferred)
                else await result
            )

        return selvage.run(steps, loop_factory=LOOPS[request.param])

    return run_it


class Upper(LineReceiver):
    """Sends lines back in capitals."""

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(line.upper())


class Client(LineReceiver):
    """Collects lines; `ended` fires with the reason of the end."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.enough: Deferred[list[bytes]] = Deferred()
        self.ended: Deferred[Any] = Deferred()

    def lineReceived(self, line: bytes) -> None:
        self.lines.append(line)
        if len(self.lines) == 2:
            self.enough.callback(self.lines)

    def connectionLost(self, reason: Any = None) -> None:
        self.ended.callback(reason.value)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


async def converse(client: Any) -> list[bytes]:
    client.sendLine(b"one")
    client.transport.write(b"tw")
    client.transport.write(b"o\r\n")
    lines: list[bytes] = await client.enough
    client.transport.loseConnection()
    assert isinstance(await client.ended, ConnectionDone)
    return lines


def quiet(kind: type[Any]) -> Factory[Any]:
    factory = Factory.forProtocol(kind)
    factory.noisy = False
    return factory


@pytest.mark.parametrize("way", ["tcp4", "tcp6", "hostname", "text"])
def test_conversation(run: Any, way: str) -> None:
    if way == "tcp6" and not has_ipv6():
        pytest.skip("no IPv6 on this machine")

    async def main(reactor: Any) -> list[bytes]:
        server: Any = {
            "tcp4": TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"),
            "tcp6": TCP6ServerEndpoint(reactor, 0, interface="::1"),
            "hostname": TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"),
            "text": serverFromString(reactor, "tcp:0:interface=127.0.0.1"),
        }[way]
        port = await server.listen(quiet(Upper))
        number = port.getHost().port
        endpoint: Any = {
            "tcp4": TCP4ClientEndpoint(reactor, "127.0.0.1", number),
            "tcp6": TCP6ClientEndpoint(reactor, "::1", number),
            "hostname": HostnameEndpoint(reactor, "localhost", number),
            "text": clientFromString(reactor, f"tcp:127.0.0.1:{number}"),
        }[way]
        client = Client()
        assert await connectProtocol(endpoint, client) is client
        try:
            return await converse(client)
        finally:
            await port.stopListening()

    assert run(main) == [b"ONE", b"TWO"]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        number: int = sock.getsockname()[1]
        return number


def test_nobody_listens(run: Any) -> None:
    async def main(reactor: Any) -> None:
        for endpoint in (
            TCP4ClientEndpoint(reactor, "127.0.0.1", free_port()),
            HostnameEndpoint(reactor, "127.0.0.1", free_port()),
        ):
            with pytest.raises(ConnectionRefusedError):
                await endpoint.connect(quiet(Client))

    run(main)


def test_name_that_does_not_exist(run: Any) -> None:
    """`.invalid` never resolves (RFC 6761); a resolver that cannot be reached says the same."""

    async def main(reactor: Any) -> None:
        for kind in (HostnameEndpoint, TCP6ClientEndpoint):
            with pytest.raises(DNSLookupError):
                await kind(reactor, "no-such-host.invalid", 80).connect(quiet(Client))

    run(main)


def test_busy_port(run: Any) -> None:
    async def main(reactor: Any) -> None:
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(quiet(Upper))
        number = port.getHost().port
        with pytest.raises(CannotListenError, match=f"127.0.0.1:{number}"):
            await TCP4ServerEndpoint(reactor, number, interface="127.0.0.1").listen(quiet(Upper))
        await port.stopListening()

    run(main)


def test_cancelling_a_connection_under_way(run: Any) -> None:
    async def main(reactor: Any) -> None:
        # A listening socket whose queue nobody empties would do, but an address that drops packets need not exist:
        # cancelling comes before the loop has looked at the socket at all.
        connecting = HostnameEndpoint(reactor, "127.0.0.1", free_port()).connect(quiet(Client))
        connecting.cancel()
        with pytest.raises(ConnectingCancelledError):
            await connecting

    run(main)


def test_adopted_socket(run: Any) -> None:
    async def main(reactor: Any) -> list[bytes]:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            fileno = sock.detach()
        port = await AdoptedStreamServerEndpoint(reactor, fileno, socket.AF_INET).listen(quiet(Upper))
        client = Client()
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), client)
        try:
            return await converse(client)
        finally:
            await port.stopListening()

    assert run(main) == [b"ONE", b"TWO"]


def test_wrapper_takes_itself_out_of_the_way(run: Any) -> None:
    """The transport of a connection made by an endpoint calls the application's protocol directly."""

    async def main(reactor: Any) -> None:
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(quiet(Upper))
        client = Client()
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), client)
        transport: Any = client.transport
        assert transport.protocol is client
        assert await converse(client) == [b"ONE", b"TWO"]
        await port.stopListening()

    run(main)


def test_half_close_reaches_the_application(run: Any) -> None:
    @implementer(IHalfCloseableProtocol)
    class Half(Client):
        def readConnectionLost(self) -> None:
            self.enough.callback([b"read lost"])
            self.transport.loseConnection()

        def writeConnectionLost(self) -> None:
            pass

    class Closing(Protocol):
        def connectionMade(self) -> None:
            self.transport.loseConnection()

    async def main(reactor: Any) -> Any:
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(quiet(Closing))
        half = Half()
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), half)
        lines = await half.enough
        await half.ended
        await port.stopListening()
        return lines

    assert run(main) == [b"read lost"]


@pytest.mark.slow
def test_many_frames_in_odd_segments(run: Any) -> None:
    """A megabyte of strings through real sockets, whose segments end where they like."""
    strings = [bytes([number % 256]) * (number * 37 % 3000) for number in range(700)]

    class Echo(Int32StringReceiver):
        def stringReceived(self, string: bytes) -> None:
            self.sendString(string)

    class Collect(Int32StringReceiver):
        def __init__(self) -> None:
            self.strings: list[bytes] = []
            self.done: Deferred[None] = Deferred()

        def stringReceived(self, string: bytes) -> None:
            self.strings.append(string)
            if len(self.strings) == len(strings):
                self.done.callback(None)

    async def main(reactor: Any) -> list[bytes]:
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(quiet(Echo))
        client = Collect()
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), client)
        for string in strings:
            client.sendString(string)
        await client.done
        client.transport.loseConnection()
        await port.stopListening()
        return client.strings

    assert run(main) == strings


def test_guide_factory_that_is_a_plain_class(run: Any) -> None:
    """The guide's factory: any object with `protocol`; listenTCP of it works."""

    class EchoFactory:
        protocol = Upper

    async def main(reactor: Any) -> list[bytes]:
        port = reactor.listenTCP(0, EchoFactory(), interface="127.0.0.1")
        client = Client()
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), client)
        try:
            return await converse(client)
        finally:
            await port.stopListening()

    assert run(main) == [b"ONE", b"TWO"]


def test_calls_scheduled_at_once_precede_the_first_data(run: Any) -> None:
    """What connectionMade puts off with callLater(0) is done when the first data comes, however fast the peer is."""
    heard: list[Any] = []

    class Hasty(Protocol):
        def connectionMade(self) -> None:
            self.transport.write(b"first")
            self.transport.loseConnection()

    class Patient(Protocol):
        def connectionMade(self) -> None:
            selvage.get_reactor().callLater(0, heard.append, "later")

        def dataReceived(self, data: bytes) -> None:
            heard.append(data)

        def connectionLost(self, reason: Any = None) -> None:
            ended.callback(None)

    ended: Deferred[None] = Deferred()

    async def main(reactor: Any) -> None:
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(quiet(Hasty))
        creator = ClientCreator(reactor, Patient)
        heard.append(type(await creator.connectTCP("127.0.0.1", port.getHost().port)))
        await ended
        await port.stopListening()

    run(main)
    assert sorted(heard[:2], key=str) == [Patient, "later"]
    assert heard[2] == b"first"
