"""What every stream connection promises, whatever it runs over: one suite, for each way in which a connection is made.

`test_stream.py` and `test_producers.py` go into the corners with TCP; here the same sentences are held against all.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket
import ssl
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL

from selvage.errors import ConnectionAborted, ConnectionDone, ConnectionLost

from .certificates import (
    HOST,
    OpenSSLContext,
    client_context,
    openssl_server_context,
    server_context,
)
from .helpers import Peer, Recorder, Recording, TLSPeer, turn
from .test_producers import MIB, Pull, Push
from .test_stream import HalfCloseable

AF_UNIX: Any = getattr(socket, "AF_UNIX", None)

#: More than what the system takes of a peer that does not read.
MUCH = 8 * MIB


class Pausing(Recorder):
    """Wants no input for now."""

    def connectionMade(self) -> None:
        super().connectionMade()
        self.transport.pauseProducing()


# --- The ways to a connection: each gives the protocol under test and a raw socket at the other end -------------


class Way:
    """Makes connections in one of the ways; `connect` may be called several times."""

    def __init__(self, reactor: Any, folder: Path, stack: AsyncExitStack) -> None:
        self.reactor = reactor
        self.folder = folder
        self.stack = stack
        self.loop = asyncio.get_running_loop()

    async def connect(self, protocol: Any = Recorder, fill: bytes = b"") -> tuple[Any, Peer]:
        """Return a connected protocol and its peer.

        Args:
            fill: what the peer sends before the protocol can know of it.
        """
        factory = Recording(protocol)
        peer = Peer(await self._make(factory))
        self.stack.callback(peer.leave)
        if fill:
            try:
                peer.sock.send(fill)
            except BrokenPipeError:
                pass  # the end came first
        return await factory.next(), peer

    async def _make(self, factory: Any) -> socket.socket:
        raise NotImplementedError

    def _listening(self, family: int) -> socket.socket:
        made = socket.socket(family)
        made.bind(str(self.folder / f"raw-{id(made):x}") if family == AF_UNIX else ("127.0.0.1", 0))
        made.listen()
        made.setblocking(False)
        self.stack.callback(made.close)
        return made

    async def _raw(self, family: int, address: Any) -> socket.socket:
        sock = socket.socket(family)
        sock.setblocking(False)
        await self.loop.sock_connect(sock, address)
        return sock

    async def _stop(self, port: Any) -> None:
        stopping = port.stopListening()
        if stopping is not None:
            await stopping
        await turn(4)


class TCP(Way):
    """What all ways over TCP have in common: the engine's own transport."""


class TCPServer(TCP):
    async def _make(self, factory: Any) -> socket.socket:
        port = self.reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.stack.push_async_callback(self._stop, port)
        return await self._raw(socket.AF_INET, ("127.0.0.1", port.getHost().port))


class TCPClient(TCP):
    async def _make(self, factory: Any) -> socket.socket:
        listening = self._listening(socket.AF_INET)
        self.reactor.connectTCP(*listening.getsockname(), factory)
        return (await self.loop.sock_accept(listening))[0]


class TCPAdopted(TCP):
    async def _make(self, factory: Any) -> socket.socket:
        with self._listening(socket.AF_INET) as listening:
            peer = await self._raw(socket.AF_INET, listening.getsockname())
            with (await self.loop.sock_accept(listening))[0] as sock:
                self.reactor.adoptStreamConnection(sock.fileno(), socket.AF_INET, factory)
        return peer


class TCPAdoptedPort(TCP):
    async def _make(self, factory: Any) -> socket.socket:
        with self._listening(socket.AF_INET) as listening:
            port = self.reactor.adoptStreamPort(listening.fileno(), socket.AF_INET, factory)
        self.stack.push_async_callback(self._stop, port)
        return await self._raw(socket.AF_INET, ("127.0.0.1", port.getHost().port))


class UNIX(Way):
    """What all ways over UNIX sockets have in common: a transport of ours."""


class UNIXServer(UNIX):
    async def _make(self, factory: Any) -> socket.socket:
        path = str(self.folder / f"{id(factory):x}")
        self.stack.push_async_callback(self._stop, self.reactor.listenUNIX(path, factory))
        return await self._raw(AF_UNIX, path)


class UNIXClient(UNIX):
    async def _make(self, factory: Any) -> socket.socket:
        listening = self._listening(AF_UNIX)
        self.reactor.connectUNIX(listening.getsockname(), factory)
        return (await self.loop.sock_accept(listening))[0]


class UNIXAdopted(UNIX):
    async def _make(self, factory: Any) -> socket.socket:
        peer, sock = socket.socketpair()
        with sock:
            self.reactor.adoptStreamConnection(sock.fileno(), AF_UNIX, factory)
        return peer


class UNIXAdoptedPort(UNIX):
    async def _make(self, factory: Any) -> socket.socket:
        with self._listening(AF_UNIX) as listening:
            port = self.reactor.adoptStreamPort(listening.fileno(), AF_UNIX, factory)
            path = listening.getsockname()
        self.stack.push_async_callback(self._stop, port)
        return await self._raw(AF_UNIX, path)


class TLS(Way):
    """What all ways with TLS have in common: a `TLSTransport` between the connection and one of the others."""

    peer_is_client = True

    async def connect(self, protocol: Any = Recorder, fill: bytes = b"") -> tuple[Any, Peer]:
        factory = Recording(protocol)
        sock = await self._make(factory)
        if self.peer_is_client:
            peer = TLSPeer(sock, client_context(), server_hostname=HOST)
        else:
            peer = TLSPeer(sock, server_context(), server_side=True)
        self.stack.callback(peer.leave)
        made = await self._secured(factory)
        try:
            await peer.shake()
            if fill:
                peer.send_now(fill)
        except (OSError, ssl.SSLError):
            pass  # the end came first
        await turn(3)
        return made, peer

    async def _secured(self, factory: Any) -> Any:
        return await factory.next()


class TLSServer(TLS, TCP):
    async def _make(self, factory: Any) -> socket.socket:
        port = self.reactor.listenSSL(0, factory, server_context(), interface="127.0.0.1")
        self.stack.push_async_callback(self._stop, port)
        return await self._raw(socket.AF_INET, ("127.0.0.1", port.getHost().port))


class TLSClient(TLS, TCP):
    peer_is_client = False

    async def _make(self, factory: Any) -> socket.socket:
        listening = self._listening(socket.AF_INET)
        self.reactor.connectSSL(*listening.getsockname(), factory, client_context())
        return (await self.loop.sock_accept(listening))[0]


class TLSOfPyOpenSSL(TLSServer):
    async def _make(self, factory: Any) -> socket.socket:
        context = openssl_server_context()
        context.set_max_proto_version(SSL.TLS1_2_VERSION)  # without tickets, see `server_context`
        port = self.reactor.listenSSL(0, factory, OpenSSLContext(context), interface="127.0.0.1")
        self.stack.push_async_callback(self._stop, port)
        return await self._raw(socket.AF_INET, ("127.0.0.1", port.getHost().port))


class TLSStarted(TLS, TCPServer):
    """Begun when the connection stood already."""

    async def _secured(self, factory: Any) -> Any:
        made = await factory.next()
        if made.transport is not None:
            made.transport.startTLS(server_context())
        return made


class TLSOverUNIX(TLSStarted, UNIXClient):
    peer_is_client = False

    _make = UNIXClient._make

    async def _secured(self, factory: Any) -> Any:
        made = await factory.next()
        made.transport.startTLS(client_context(), server_hostname=HOST)
        return made


WAYS = [TCPServer, TCPClient, TCPAdopted, TCPAdoptedPort]
if AF_UNIX is not None:
    WAYS += [UNIXServer, UNIXClient, UNIXAdopted, UNIXAdoptedPort, TLSOverUNIX]
WAYS += [TLSServer, TLSClient, TLSOfPyOpenSSL, TLSStarted]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: the system allows about 100 bytes for the name of a socket."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def hold(
    request: Any, reactor: Any, run: Any, folder: Path, monkeypatch: Any
) -> Callable[[Callable[[Way], Awaitable[None]]], None]:
    """Run a coroutine function with a way to connect, and see that nothing stays open."""

    @asynccontextmanager
    async def way() -> AsyncIterator[Way]:
        async with AsyncExitStack() as stack:
            yield request.param(reactor, folder, stack)

    # Most peers here do not answer a goodbye.
    monkeypatch.setattr("selvage.transports._tls_transport.CLOSE_TIMEOUT_S", 0.05)

    def hold_it(scene: Callable[[Way], Awaitable[None]]) -> None:
        async def main() -> None:
            async with way() as made:
                await scene(made)

        run(main)

    return hold_it


# --- Reading and writing ---------------------------------------------------------------------------------------


def test_bytes_go_both_ways_in_order(hold):
    async def scene(way):
        server, peer = await way.connect()
        sent = b""
        for number in range(40):
            piece = b"%d," % number * 50
            sent += piece
            await peer.send(piece)
            assert (await server.got(len(sent))) == sent
            server.transport.write(piece[:7])
            server.transport.writeSequence([piece[7:9], piece[9:]])
            assert await peer.read(len(piece)) == piece
        peer.close()
        assert type(await server.lost()) is ConnectionDone

    hold(scene)


def test_much_goes_both_ways_at_once(hold):
    async def scene(way):
        server, peer = await way.connect()
        content = os.urandom(MIB) * (MUCH // MIB)
        server.transport.write(content)
        sending = asyncio.ensure_future(peer.send(content))
        assert await peer.read(MUCH) == content
        await sending
        assert await server.got(MUCH) == content
        server.transport.loseConnection()
        assert type(await server.lost()) is ConnectionDone

    hold(scene)


def test_what_arrived_before_anybody_looked_is_delivered(hold):
    async def scene(way):
        server, peer = await way.connect(fill=b"early")
        assert await server.got(5) == b"early"
        peer.close()
        await server.lost()
        assert server.events == ["made", b"early", "lost"]

    hold(scene)


def test_what_waits_is_counted_until_it_has_left(hold):
    async def scene(way):
        server, peer = await way.connect()
        assert server.transport.unsent_bytes() == 0
        server.transport.write(b"x" * MUCH)
        assert server.transport.unsent_bytes() == MUCH
        await turn(3)
        assert 0 < server.transport.unsent_bytes() < MUCH
        assert await peer.read(MUCH) == b"x" * MUCH
        await turn(3)
        assert server.transport.unsent_bytes() == 0
        server.transport.abortConnection()
        await server.lost()
        assert server.transport.unsent_bytes() == 0

    hold(scene)


# --- Ending ----------------------------------------------------------------------------------------------------


def test_close_sends_what_was_written_and_drops_what_comes_after(hold):
    async def scene(way):
        server, peer = await way.connect()
        server.transport.write(b"x" * MUCH)
        server.transport.write(b"end")
        server.transport.loseConnection()
        server.transport.write(b"dropped")
        server.transport.writeSequence([b"dropped", b"too"])
        assert server.reasons == []
        assert await peer.rest() == b"x" * MUCH + b"end"
        assert type(await server.lost()) is ConnectionDone
        server.transport.write(b"dropped")
        await turn(3)
        assert server.events == ["made", "lost"]

    hold(scene)


def test_abort_drops_what_waits(hold):
    async def scene(way):
        server, peer = await way.connect()
        server.transport.write(b"x" * MUCH)
        await turn(3)
        server.transport.abortConnection()
        server.transport.abortConnection()
        server.transport.loseConnection()
        assert server.reasons == []
        assert type(await server.lost()) is ConnectionAborted
        try:
            assert len(await peer.rest()) < MUCH
        except ConnectionResetError:
            pass  # TCP says so
        assert server.events == ["made", "lost"]

    hold(scene)


def test_abort_ends_a_close_that_waits(hold):
    async def scene(way):
        server, peer = await way.connect()
        server.transport.write(b"x" * MUCH)
        server.transport.loseConnection()
        await turn(5)
        assert server.reasons == []
        server.transport.abortConnection()
        assert type(await server.lost()) is ConnectionAborted

    hold(scene)


@pytest.mark.parametrize("ending", ["loseConnection", "abortConnection"])
def test_nothing_is_received_after_the_end_began(hold, ending):
    class Server(Recorder):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)
            getattr(self.transport, ending)()

    async def scene(way):
        server, peer = await way.connect(Server)
        await peer.send(b"one")
        await server.got(3)
        try:
            await peer.send(b"two")
        except OSError:
            pass  # it has heard already
        await server.lost()
        await turn(3)
        assert server.events == ["made", b"one", "lost"]

    hold(scene)


@pytest.mark.parametrize(
    ("ending", "reason"), [("loseConnection", ConnectionDone), ("abortConnection", ConnectionAborted)]
)
def test_the_end_may_come_in_connection_made(hold, ending, reason):
    class Server(Recorder):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.transport.write(b"bye")
            getattr(self.transport, ending)()

    async def scene(way):
        server, peer = await way.connect(Server, fill=b"hello")
        assert type(await server.lost()) is reason
        assert server.events == ["made", "lost"]
        try:
            assert await peer.rest() == (b"bye" if reason is ConnectionDone else b"")
        except ConnectionResetError:
            pass  # with input that nobody read, systems say so

    hold(scene)


def test_the_peer_s_end_is_the_end(hold):
    async def scene(way):
        server, peer = await way.connect()
        await peer.send(b"last words")
        peer.close()
        assert type(await server.lost()) is ConnectionDone
        await turn(3)
        assert server.events == ["made", b"last words", "lost"]

    hold(scene)


def test_writing_to_who_has_gone_is_the_end_once(hold):
    async def scene(way):
        server, peer = await way.connect(Pausing)
        peer.close()
        for _ in range(10):
            server.transport.write(b"x" * 1000)
            await turn()
        assert type(await server.lost()) in (ConnectionLost, ConnectionDone)
        await turn(3)
        assert server.events == ["made", "lost"]

    hold(scene)


@pytest.mark.parametrize("size", [10, 150_000])
@pytest.mark.parametrize("pausing", [False, True])
def test_a_peer_that_goes_without_reading_is_the_end(hold, size, pausing):
    """Over UNIX sockets that is an error, which some loops mention once at the most."""

    class Server(Recorder):
        def dataReceived(self, data: bytes) -> None:
            if pausing:
                self.transport.pauseProducing()
            super().dataReceived(data)

    async def scene(way):
        server, peer = await way.connect(Pausing)
        server.transport.protocol = subject = Server()
        subject.transport = server.transport
        server.transport.write(b"never read")
        await turn(2)
        peer.send_now(b"x" * size)
        peer.leave()
        subject.transport.resumeProducing()
        while not subject.reasons:
            await turn()
            subject.transport.resumeProducing()
        assert type(await subject.lost()) in (ConnectionDone, ConnectionLost)
        await turn(3)
        assert subject.events.count("lost") == 1
        if isinstance(way, UNIX):
            # TCP's reset may overtake what was sent before.
            assert subject.data == b"x" * size
            assert isinstance(subject.reasons[0].value.__cause__, ConnectionResetError)

    hold(scene)


@pytest.mark.parametrize("hook", ["dataReceived", "connectionLost"])
def test_an_exception_in_a_hook_ends_that_connection_only(hold, reports, hook):
    async def scene(way):
        server, peer = await way.connect()
        other, other_peer = await way.connect()
        original = getattr(server, hook)

        def failing(*args: Any) -> None:
            original(*args)
            raise ZeroDivisionError

        setattr(server, hook, failing)
        await peer.send(b"x")
        if hook == "connectionLost":
            await server.got(1)
            server.transport.loseConnection()
        assert type(await server.lost()) is (ZeroDivisionError if hook == "dataReceived" else ConnectionDone)
        await turn()
        assert [type(report.failure.value) for report in reports] == [ZeroDivisionError]
        reports.clear()
        await other_peer.send(b"alive")
        assert await other.got(5) == b"alive"
        other.transport.loseConnection()
        await other.lost()

    hold(scene)


# --- Half-closes -----------------------------------------------------------------------------------------------


def test_the_peer_may_close_its_half(hold):
    async def scene(way):
        server, peer = await way.connect(HalfCloseable)
        await peer.send(b"question")
        peer.half_close()
        await server.until(lambda: "read lost" in server.events)
        await turn(3)
        server.transport.write(b"answer")
        assert await peer.read(6) == b"answer"
        server.transport.loseConnection()
        assert await peer.rest() == b""
        assert type(await server.lost()) is ConnectionDone
        assert server.events == ["made", b"question", "read lost", "lost"]

    hold(scene)


def test_we_may_close_our_half(hold):
    async def scene(way):
        server, peer = await way.connect(HalfCloseable)
        server.transport.write(b"x" * MUCH)
        server.transport.loseWriteConnection()
        server.transport.write(b"dropped")
        await turn(3)
        assert "write lost" not in server.events
        assert await peer.rest() == b"x" * MUCH
        await server.until(lambda: "write lost" in server.events)
        await peer.send(b"more")
        await server.got(4)
        peer.half_close()
        await server.until(lambda: "read lost" in server.events)
        server.transport.loseConnection()
        assert type(await server.lost()) is ConnectionDone
        assert server.events == ["made", "write lost", b"more", "read lost", "lost"]

    hold(scene)


# --- Pausing ---------------------------------------------------------------------------------------------------


def test_pausing_in_connection_made_holds(hold):
    async def scene(way):
        server, peer = await way.connect(Pausing, fill=b"early")
        await turn(10)
        assert server.events == ["made"]
        assert server.transport not in way.reactor.getReaders()
        await peer.send(b" bird")
        server.transport.resumeProducing()
        assert await server.got(10) == b"early bird"
        peer.close()
        assert type(await server.lost()) is ConnectionDone

    hold(scene)


def test_pausing_holds_before_the_next_data_received(hold):
    class Server(Recorder):
        def dataReceived(self, data: bytes) -> None:
            self.transport.pauseProducing()
            super().dataReceived(data)

    async def scene(way):
        server, peer = await way.connect(Server)
        for number in range(4):
            await peer.send(b"x")
            await server.got(number * 2 + 1)
            await peer.send(b"y")
            await turn(5)
            assert len(server.data) == number * 2 + 1
            server.transport.resumeProducing()
            await server.until(lambda number=number: len(server.data) >= number * 2 + 2)
            server.transport.resumeProducing()
        server.transport.loseConnection()
        await server.lost()

    hold(scene)


def test_resuming_begins_where_it_was_paused(hold):
    async def scene(way):
        server, peer = await way.connect()
        for number in range(1, 6):
            server.transport.pauseProducing()
            await peer.send(b"x" * 10)
            await turn(3)
            assert len(server.data) == (number - 1) * 10
            server.transport.resumeProducing()
            await server.got(number * 10)
        server.transport.pauseProducing()
        server.transport.loseConnection()
        assert type(await server.lost()) is ConnectionDone

    hold(scene)


# --- Producers -------------------------------------------------------------------------------------------------


def test_a_push_producer_is_held_back_and_goes_on(hold):
    async def scene(way):
        server, peer = await way.connect()
        producer = Push(server.transport, b"x" * 16384, MUCH // 16384)
        producer.go()
        assert producer.paused
        await turn(10)
        server.transport.loseConnection()
        assert len(await peer.rest()) == MUCH
        assert type(await server.lost()) is ConnectionDone
        assert producer.most <= server.transport.bufferSize + 16384
        assert "stop" not in producer.log
        assert producer.log.count("pause") in range(1, len(producer.log) + 1)

    hold(scene)


def test_a_pull_producer_is_asked_for_each_piece(hold):
    async def scene(way):
        server, peer = await way.connect()
        producer = Pull(server.transport, [b"x" * MIB for _ in range(8)])
        server.transport.registerProducer(producer, False)
        server.transport.loseConnection()
        assert producer.log == ["resume"]
        assert len(await peer.rest()) == 8 * MIB
        assert type(await server.lost()) is ConnectionDone
        assert producer.log == ["resume"] * 9

    hold(scene)


def test_a_producer_hears_that_the_connection_is_lost(hold):
    async def scene(way):
        server, peer = await way.connect()
        producer = Push(server.transport, b"x" * 16384, MUCH)
        producer.go()
        await turn(3)
        peer.close()
        server.transport.abortConnection()
        await server.lost()
        assert producer.log[-1] == "stop"
        late = Push(server.transport, b"x", 1)
        server.transport.registerProducer(late, True)
        assert late.log == ["stop"]

    hold(scene)


# --- Context variables -----------------------------------------------------------------------------------------


def test_hooks_run_in_one_context_whoever_resumes(hold):
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="where it was made")
    seen: set[str] = set()

    class Asking(Recorder):
        def _note(self, event: Any) -> None:
            seen.add(variable.get())
            super()._note(event)

    def elsewhere(function: Callable[[], object]) -> None:
        context = contextvars.copy_context()
        context.run(variable.set, "elsewhere")
        context.run(function)

    async def scene(way):
        server, peer = await way.connect(Asking)
        for number in range(4):
            elsewhere(server.transport.pauseProducing)
            elsewhere(server.transport.resumeProducing)
            elsewhere(lambda: server.transport.write(b"x"))
            await peer.send(b"x")
            await server.got(number + 1)
        elsewhere(server.transport.loseConnection)
        await server.lost()
        if isinstance(way, TCP) and isinstance(way.loop, asyncio.BaseEventLoop):
            return  # asyncio goes on reading in the context of who resumes
        assert seen == {"where it was made"}

    hold(scene)


# --- Ports -----------------------------------------------------------------------------------------------------


PORTS = [TCPServer, TCPAdoptedPort] + ([] if AF_UNIX is None else [UNIXServer, UNIXAdoptedPort])


@pytest.fixture(params=PORTS, ids=lambda way: way.__name__)
def hold_port(request: Any, reactor: Any, run: Any, folder: Path) -> Callable[[Any], None]:
    """Run a coroutine function with a port, its factory, and a way to make raw sockets that connect to it."""

    def hold_it(scene: Any) -> None:
        async def main() -> None:
            async with AsyncExitStack() as stack:
                way = request.param(reactor, folder, stack)
                factory = Recording()
                first = Peer(await way._make(factory))
                (await factory.next()).transport.loseConnection()
                await first.rest()
                first.close()
                (port,) = [each for each in reactor._transport_engine().open if each.factory is factory]
                address = port.socket.getsockname()

                async def connect() -> Peer:
                    peer = Peer(await way._raw(port.addressFamily, address))
                    stack.callback(peer.close)
                    return peer

                await scene(port, factory, connect)

        run(main)

    return hold_it


@pytest.mark.parametrize(
    ("pause", "resume"), [("pauseProducing", "resumeProducing"), ("stopReading", "startReading")]
)
def test_who_connects_to_a_paused_port_waits(hold_port, pause, resume):
    async def scene(port, factory, connect):
        for _ in range(3):
            getattr(port, pause)()
            getattr(port, pause)()
            assert port not in port.reactor.getReaders()
            before = len(factory.protocols)
            peers = [await connect() for _ in range(5)]
            await turn(5)
            assert len(factory.protocols) == before
            getattr(port, resume)()
            getattr(port, resume)()
            for number, peer in enumerate(peers):
                server = await factory.next(before + number)
                await peer.send(b"x")
                assert await server.got(1) == b"x"
                server.transport.loseConnection()
                assert await peer.rest() == b""
                await server.lost()

    hold_port(scene)


def test_a_paused_port_may_be_closed(hold_port):
    async def scene(port, factory, connect):
        port.pauseProducing()
        peer = await connect()
        before = len(factory.protocols)
        await port.stopListening()
        port.resumeProducing()
        await turn(3)
        assert port not in port.reactor.getReaders()
        assert len(factory.protocols) == before
        with pytest.raises((ConnectionError, AssertionError)):
            assert await peer.recv(), "an end is as good as a reset"

    hold_port(scene)


# --- Many at once ----------------------------------------------------------------------------------------------


def _lose(server: Any, peer: Peer) -> None:
    server.transport.loseConnection()


def _abort(server: Any, peer: Peer) -> None:
    server.transport.abortConnection()


def _leave(server: Any, peer: Peer) -> None:
    peer.sock.close()


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("way", [UNIXAdopted, TCPAdopted] if AF_UNIX is not None else [TCPAdopted])
@pytest.mark.parametrize("end_one", [_lose, _abort, _leave])
def test_thousands_end_in_one_turn(reactor, run, folder, way, end_one):
    """Each hears of it once, from the loop and not from each other's hooks, for the same work as when there are few."""
    few, many = 100, 2000
    depths: set[int] = set()

    class Ending(Recorder):
        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            depths.add(len(list(traceback.walk_stack(None))))

    async def calls_per_connection(count: int) -> float:
        async with AsyncExitStack() as stack:
            made = way(reactor, folder, stack)
            pairs = [await made.connect(Ending) for _ in range(count)]
            calls = 0

            def profile(frame: object, event: str, argument: object) -> None:
                nonlocal calls
                calls += event in ("call", "c_call")

            sys.setprofile(profile)
            try:
                for server, peer in pairs:
                    end_one(server, peer)
                for server, _ in pairs:
                    await server.lost()
            finally:
                sys.setprofile(None)
            await turn(3)
            assert all(server.events == ["made", "lost"] for server, _ in pairs)
            return calls / count

    async def main():
        await calls_per_connection(2)
        assert await calls_per_connection(many) < 1.5 * await calls_per_connection(few)
        assert max(depths) - min(depths) < 5

    run(main, 50)
