"""The adapter: reading, writing, ending; on every loop, against peers that speak raw bytes."""

from __future__ import annotations

import contextvars
import socket
import traceback
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage.errors import ConnectionAborted, ConnectionDone, ConnectionLost
from selvage.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    ILoggingContext,
    IPushProducer,
    ISystemHandle,
    ITCPTransport,
    implementer,
)
from tests.work import calls_made

from .helpers import Peer, Recorder, Recording, end, served, turn


class Echo(Recorder):
    def dataReceived(self, data: bytes) -> None:
        super().dataReceived(data)
        self.transport.write(data)


class Counting:
    """In the place of the engine's transport, counts what is handed over."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.writes: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def write(self, data: bytes) -> None:
        self.writes.append(bytes(data))
        self.real.write(data)

    def writelines(self, pieces: list[bytes]) -> None:
        self.writes.append(b"".join(pieces))
        self.real.writelines(pieces)


def test_echo(reactor, run):
    async def main():
        port, peer, server = await served(reactor, Echo)
        for word in (b"one", b"two", b"three"):
            await peer.send(word)
            assert await peer.read(len(word)) == word
        await end(port, peer)
        assert isinstance(await server.lost(), ConnectionDone)

    run(main)


def test_transport_provides_its_interfaces(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        for interface in (ITCPTransport, IConsumer, IPushProducer, ILoggingContext, ISystemHandle):
            verifyObject(interface, server.transport)
        await end(port, peer)

    run(main)


def test_addresses_and_names(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        transport = server.transport
        name = peer.sock.getsockname()
        assert (transport.getPeer().host, transport.getPeer().port) == name
        assert transport.getHost() == port.getHost()
        assert transport.client == name
        assert transport.hostname == "127.0.0.1"
        assert transport.logstr == transport.logPrefix() == "Recorder,0,127.0.0.1"
        transport.logstr = "mine"
        assert transport.logPrefix() == "mine"
        assert repr(transport) == f"<Recorder #0 on {port.getHost().port}>"
        assert transport.server is port
        assert transport.reactor is reactor
        assert transport.extra("peername") == name
        assert transport.extra("nonsense", 7) == 7
        await end(port, peer)
        await server.lost()
        assert (transport.getPeer().host, transport.getPeer().port) == name

    run(main)


def test_flags_follow_the_state(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        transport = server.transport
        assert (transport.connected, transport.disconnecting, transport.disconnected) == (1, False, 0)
        transport.loseConnection()
        assert (transport.connected, transport.disconnecting, transport.disconnected) == (1, True, 0)
        await server.lost()
        assert (transport.connected, transport.disconnecting, transport.disconnected) == (0, True, 1)
        assert transport.fileno() == -1
        await end(port, peer)

    run(main)


def test_socket_options_and_handle(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        transport = server.transport
        for setter, getter in (("setTcpNoDelay", "getTcpNoDelay"), ("setTcpKeepAlive", "getTcpKeepAlive")):
            for value in (False, True, False):
                getattr(transport, setter)(value)
                assert getattr(transport, getter)() is value
        handle = transport.getHandle()
        assert handle is transport.socket
        assert isinstance(handle, socket.socket)
        assert handle.fileno() == transport.fileno() >= 0
        assert handle.getpeername() == peer.sock.getsockname()
        transport.loseConnection()
        await server.lost()
        with pytest.raises(OSError):
            handle.send(b"too late")
        assert transport.getHandle().fileno() == -1
        await end(port, peer)

    run(main)


def test_programs_may_keep_things_on_a_transport(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        server.transport.their_own = 1
        assert server.transport.their_own == 1
        await end(port, peer)

    run(main)


# --- Writing ---------------------------------------------------------------------------------------------------


def test_what_one_data_received_writes_leaves_at_once(reactor, run):
    class Pieces(Recorder):
        def dataReceived(self, data: bytes) -> None:
            for number in range(16):
                self.transport.write(b"%02d;" % number)
            self.transport.writeSequence([b"end", b"."])
            assert counting.writes == []

    expected = b"".join(b"%02d;" % number for number in range(16)) + b"end."

    async def main():
        nonlocal counting
        port, peer, server = await served(reactor, Pieces)
        counting = server.transport._transport = Counting(server.transport._transport)
        await peer.send(b"go")
        assert await peer.read(len(expected)) == expected
        assert counting.writes == [expected]
        await end(port, peer)

    counting: Any = None
    run(main)


def test_what_a_turn_writes_leaves_at_its_end(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        counting = server.transport._transport = Counting(server.transport._transport)
        for word in (b"a", b"b", b"c"):
            server.transport.write(word)
        server.transport.writeSequence([b"d", b"e"])
        assert counting.writes == []
        assert await peer.read(5) == b"abcde"
        assert counting.writes == [b"abcde"]
        await end(port, peer)

    run(main)


def test_order_holds_between_a_turn_and_a_data_received(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        transport = server.transport
        transport.write(b"first ")
        server.dataReceived = lambda data: transport.write(data)
        transport.data_received(b"second ")
        transport.write(b"third")
        assert await peer.read(18) == b"first second third"
        await end(port, peer)

    run(main)


def test_much_output_at_once_is_not_joined_again(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        pieces = [bytes([number]) * 50_000 for number in range(20)]
        for piece in pieces:
            server.transport.write(piece)
        assert await peer.read(1_000_000) == b"".join(pieces)
        await end(port, peer)

    run(main)


@pytest.mark.parametrize("wrong", ["text", 7, None, ["a"]])
def test_writing_what_is_no_bytes_is_a_type_error_that_names_the_fix(reactor, run, wrong):
    async def main():
        port, peer, server = await served(reactor)
        with pytest.raises(TypeError, match="takes bytes, not") as caught:
            server.transport.write(wrong)
        assert type(wrong).__name__ in str(caught.value)
        if isinstance(wrong, str):
            assert ".encode(" in str(caught.value)
        with pytest.raises(TypeError, match="Data must be bytes") as caught:
            server.transport.writeSequence([b"fine", wrong])
        assert "encode text first" in caught.value.__notes__[0]
        await end(port, peer)

    run(main)


def test_buffers_that_may_change_are_copied(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        data = bytearray(b"before")
        server.transport.write(data)
        server.transport.write(memoryview(b"|view"))
        data[:] = b"after!"
        assert await peer.read(11) == b"before|view"
        await end(port, peer)

    run(main)


def test_writes_before_lose_connection_are_flushed_and_after_it_dropped(reactor, run):
    size = 5_000_000

    class Server(Recorder):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(b"x" * size)
            self.transport.loseConnection()
            self.transport.write(b"dropped")
            self.transport.writeSequence([b"dropped"])

    async def main():
        port, peer, server = await served(reactor, Server)
        await peer.send(b"go")
        assert await peer.rest() == b"x" * size
        assert isinstance(await server.lost(), ConnectionDone)
        server.transport.write(b"much too late")
        await end(port, peer)

    run(main)


def test_writing_nothing_sends_nothing(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        server.transport.write(b"")
        server.transport.writeSequence([])
        server.transport.write(b"x")
        assert await peer.recv() == b"x"
        await end(port, peer)

    run(main)


# --- Ending ----------------------------------------------------------------------------------------------------


def test_peer_closes(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        peer.close()
        assert type(await server.lost()) is ConnectionDone
        await end(port)
        assert server.events.count("lost") == 1

    run(main)


def test_peer_resets(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        peer.reset()
        reason = await server.lost()
        assert type(reason) is ConnectionLost
        assert isinstance(reason.__cause__, OSError)
        await end(port)
        assert server.events.count("lost") == 1

    run(main)


def test_abort_drops_output_and_resets(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        server.transport.write(b"dropped")
        server.transport.abortConnection()
        server.transport.abortConnection()
        server.transport.loseConnection()
        assert server.reasons == []
        assert type(await server.lost()) is ConnectionAborted
        with pytest.raises(ConnectionResetError):
            await peer.rest()
        await end(port, peer)
        assert server.events.count("lost") == 1

    run(main)


def test_abort_ends_a_close_that_waits_for_a_slow_reader(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        server.transport.write(b"x" * 20_000_000)
        server.transport.loseConnection()
        await turn(5)
        assert server.reasons == []
        server.transport.abortConnection()
        assert type(await server.lost()) is ConnectionAborted
        await end(port, peer)

    run(main)


def test_end_of_input_sends_what_the_system_takes(reactor, run):
    async def main():
        port, peer, server = await served(reactor, Echo)
        await peer.send(b"last words")
        peer.half_close()
        assert await peer.rest() == b"last words"
        assert type(await server.lost()) is ConnectionDone
        await end(port, peer)

    run(main)


def test_end_of_input_does_not_wait_for_a_peer_that_does_not_read(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        server.transport.write(b"x" * 20_000_000)
        await turn(3)
        peer.half_close()
        assert type(await server.lost()) is ConnectionDone
        await end(port, peer)

    run(main)


def test_closing_at_once(reactor, run):
    class Impatient(Recorder):
        def connectionMade(self) -> None:
            self.transport.write(b"bye")
            self.transport.loseConnection()

    async def main():
        port, peer, server = await served(reactor, Impatient)
        assert await peer.rest() == b"bye"
        assert type(await server.lost()) is ConnectionDone
        await end(port, peer)

    run(main)


def test_nothing_is_received_after_lose_connection(reactor, run):
    class Server(Recorder):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)
            self.transport.loseConnection()

    async def main():
        port, peer, server = await served(reactor, Server)
        await peer.send(b"one")
        await server.lost()
        assert server.data == b"one"
        await end(port, peer)

    run(main)


def test_reactor_shutdown_tells_open_connections(reactor, run):
    seen = []

    async def main():
        port, peer, server = await served(reactor)
        seen.extend([port, peer, server])
        server.transport.pauseProducing()
        server.transport.disconnecting = True  # for the fixture: it is left open on purpose
        await port.stopListening()

    run(main)
    _port, peer, server = seen
    assert [type(reason.value) for reason in server.reasons] == [ConnectionLost]
    peer.close()


# --- Hooks that raise ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["dataReceived", "connectionMade", "connectionLost"])
def test_an_exception_in_a_hook_ends_that_connection_only(reactor, run, reports, hook):
    class Buggy(Recorder):
        pass

    def raises(self: Any, *args: Any) -> None:
        getattr(Recorder, hook)(self, *args)
        raise ZeroDivisionError("a bug")

    setattr(Buggy, hook, raises)

    async def main():
        factory = Recording()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        healthy_peer = await Peer.connect(port)
        healthy = await factory.next()
        factory.protocol = Buggy
        peer = await Peer.connect(port)
        buggy = await factory.next(1)
        if hook != "connectionMade":
            await peer.send(b"go")
            await buggy.until(lambda: buggy.data or buggy.reasons)
        if hook == "connectionLost":
            peer.close()
        reason = await buggy.lost()
        await turn(3)
        assert isinstance(reason, ConnectionDone if hook == "connectionLost" else ZeroDivisionError)
        [report] = reports
        assert isinstance(report.failure.value, ZeroDivisionError)
        assert "in raises" in report.failure.getTraceback()
        assert report.source == "protocol"
        reports.clear()
        await healthy_peer.send(b"still here")
        assert await healthy.got(10) == b"still here"
        await end(port, peer, healthy_peer)
        assert buggy.events.count("lost") == 1

    run(main)


def test_an_exception_after_abort_is_not_hidden(reactor, run, reports):
    class Buggy(Recorder):
        def dataReceived(self, data: bytes) -> None:
            self.transport.abortConnection()
            raise ZeroDivisionError

    async def main():
        port, peer, server = await served(reactor, Buggy)
        await peer.send(b"go")
        assert type(await server.lost()) is ZeroDivisionError
        assert len(reports) == 1
        reports.clear()
        await end(port, peer)

    run(main)


def test_an_exception_in_build_protocol_closes_that_connection(reactor, run, reports):
    class Buggy(Recording):
        def buildProtocol(self, addr: Any) -> Any:
            if not self.log.count("failed"):
                self.log.append("failed")
                raise ZeroDivisionError
            return super().buildProtocol(addr)

    async def main():
        factory = Buggy()
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        first = await Peer.connect(port)
        assert await first.rest() == b""
        assert [report.source for report in reports] == ["factory"]
        reports.clear()
        second = await Peer.connect(port)
        server = await factory.next()
        await second.send(b"fine")
        assert await server.got(4) == b"fine"
        await end(port, first, second)

    run(main)


def test_build_protocol_may_refuse(reactor, run):
    class Refusing(Recording):
        def buildProtocol(self, addr: Any) -> None:
            return None

    async def main():
        port = reactor.listenTCP(0, Refusing(), interface="127.0.0.1")
        peer = await Peer.connect(port)
        assert await peer.rest() == b""
        await end(port, peer)

    run(main)


# --- Changing protocols ----------------------------------------------------------------------------------------


def test_another_protocol_may_take_over(reactor, run):
    class Upgrading(Recorder):
        def dataReceived(self, data: bytes) -> None:
            new.makeConnection(self.transport)
            self.transport.protocol = new
            self.transport.write(b"upgraded")

    new = Recorder()

    async def main():
        port, peer, server = await served(reactor, Upgrading)
        await peer.send(b"upgrade")
        assert await peer.read(8) == b"upgraded"
        await peer.send(b"hello")
        assert await new.got(5) == b"hello"
        await end(port, peer)
        await new.lost()
        assert server.reasons == []

    run(main)


def test_data_received_may_be_set_on_the_instance(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        seen = []
        server.dataReceived = lambda data: (seen.append(data), Recorder.dataReceived(server, data))
        await peer.send(b"mine")
        await server.got(4)
        assert seen == [b"mine"]
        await end(port, peer)

    run(main)


# --- Pausing ---------------------------------------------------------------------------------------------------


def test_pausing_holds_before_the_next_data_received(reactor, run):
    class Pausing(Recorder):
        def dataReceived(self, data: bytes) -> None:
            self.transport.pauseProducing()
            super().dataReceived(data)

    async def main():
        port, peer, server = await served(reactor, Pausing)
        assert server.transport in reactor.getReaders()
        await peer.send(b"a" * 1000)
        await server.until(lambda: server.data)
        assert server.transport not in reactor.getReaders()
        before = len(server.data)
        await peer.send(b"b" * 1000)
        await turn(10)
        assert len(server.data) == before
        while len(server.data) < 2000:
            have = len(server.data)
            server.transport.resumeProducing()
            await server.got(have + 1)
        await end(port, peer)
        server.transport.resumeProducing()
        await server.lost()
        server.transport.pauseProducing()
        server.transport.resumeProducing()

    run(main)


def test_pausing_in_connection_made_holds(reactor, run):
    class Pausing(Recorder):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.transport.pauseProducing()

    async def main():
        port, peer, server = await served(reactor, Pausing)
        await peer.send(b"early")
        await turn(10)
        assert server.data == b""
        assert server.transport not in reactor.getReaders()
        await peer.send(b" bird")
        server.transport.resumeProducing()
        assert await server.got(10) == b"early bird"
        await peer.send(b"!")
        assert await server.got(11) == b"early bird!"
        await end(port, peer)
        await server.lost()

    run(main)


def test_pausing_and_resuming_in_connection_made(reactor, run):
    class Wavering(Recorder):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.transport.pauseProducing()
            self.transport.resumeProducing()

    async def main():
        port, peer, server = await served(reactor, Wavering)
        await peer.send(b"data")
        assert await server.got(4) == b"data"
        await end(port, peer)

    run(main)


def test_input_that_was_held_back_may_be_paused_again_and_ends_in_order(reactor, run):
    class Pausing(Recorder):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.transport.pauseProducing()

    async def main():
        port, peer, server = await served(reactor, Pausing)
        await peer.send(b"all")
        peer.half_close()
        await turn(10)
        server.transport.resumeProducing()
        server.transport.pauseProducing()
        await turn(10)
        assert server.events == ["made"]
        server.transport.resumeProducing()
        await server.lost()
        assert server.data == b"all"
        await end(port, peer)

    run(main)


def test_a_reset_while_input_is_held_back(reactor, run):
    class Pausing(Recorder):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.transport.pauseProducing()

    async def main():
        port, peer, server = await served(reactor, Pausing)
        server.transport.abortConnection()
        await server.lost()
        server.transport.resumeProducing()
        await end(port, peer)

    run(main)


# --- Half-close ------------------------------------------------------------------------------------------------


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Recorder):
    def readConnectionLost(self) -> None:
        self._note("read lost")

    def writeConnectionLost(self) -> None:
        self._note("write lost")


def test_the_peer_may_close_its_half(reactor, run):
    async def main():
        port, peer, server = await served(reactor, HalfCloseable)
        await peer.send(b"question")
        peer.half_close()
        await server.until(lambda: "read lost" in server.events)
        server.transport.resumeProducing()
        server.transport.write(b"answer")
        assert await peer.read(6) == b"answer"
        server.transport.loseConnection()
        assert await peer.rest() == b""
        assert type(await server.lost()) is ConnectionDone
        assert server.events == ["made", b"question", "read lost", "lost"]
        await end(port, peer)

    run(main)


def test_we_may_close_our_half(reactor, run):
    async def main():
        port, peer, server = await served(reactor, HalfCloseable)
        server.transport.write(b"x" * 20_000_000)
        server.transport.loseWriteConnection()
        server.transport.loseWriteConnection()
        server.transport.write(b"dropped")
        await turn(3)
        assert "write lost" not in server.events
        assert await peer.rest() == b"x" * 20_000_000
        await server.until(lambda: "write lost" in server.events)
        await peer.send(b"more")
        await server.got(4)
        peer.half_close()
        await server.until(lambda: "read lost" in server.events)
        server.transport.loseConnection()
        assert type(await server.lost()) is ConnectionDone
        assert server.events.count("write lost") == 1
        await end(port, peer)

    run(main)


def test_a_plain_protocol_is_done_when_the_peer_has_closed_after_our_half(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        server.transport.write(b"bye")
        server.transport.loseWriteConnection()
        assert await peer.rest() == b"bye"
        peer.close()
        assert type(await server.lost()) is ConnectionDone
        await end(port)

    run(main)


@pytest.mark.parametrize("hook", ["readConnectionLost", "writeConnectionLost"])
def test_an_exception_in_a_half_close_hook_ends_the_connection(reactor, run, reports, hook):
    async def main():
        port, peer, server = await served(reactor, HalfCloseable)
        setattr(server, hook, lambda: 1 / 0)
        if hook == "readConnectionLost":
            peer.half_close()
        else:
            server.transport.loseWriteConnection()
        assert type(await server.lost()) is ZeroDivisionError
        assert len(reports) == 1
        reports.clear()
        await end(port, peer)

    run(main)


# --- Context variables -----------------------------------------------------------------------------------------


def test_hooks_run_in_the_context_of_who_listened(reactor, run):
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="outside")
    seen = []

    class Asking(Recorder):
        def connectionMade(self) -> None:
            seen.append(variable.get())
            super().connectionMade()

        def dataReceived(self, data: bytes) -> None:
            seen.append(variable.get())
            super().dataReceived(data)

        def connectionLost(self, reason: Any) -> None:
            seen.append(variable.get())
            super().connectionLost(reason)

    async def main():
        factory = Recording(Asking)
        context = contextvars.copy_context()
        context.run(variable.set, "listening")
        port = context.run(reactor.listenTCP, 0, factory, interface="127.0.0.1")
        peer = await Peer.connect(port)
        server = await factory.next()
        await peer.send(b"x")
        await server.got(1)
        peer.close()
        await server.lost()
        assert seen == ["listening"] * 3
        del seen[:]
        context.run(variable.set, "connecting")
        client = Recording(Asking)
        context.run(reactor.connectTCP, "127.0.0.1", port.getHost().port, client)
        context.run(variable.set, "later")
        connected = await client.next()
        await factory.next(1)
        connected.transport.loseConnection()
        await connected.lost()
        assert "connecting" in seen
        await end(port)

    run(main)


def test_old_logs_know_whose_words_they_write(reactor, run):
    from selvage import _context

    class ILogContext:
        """Found by its name, as Twisted's log has it."""

    class Logging(Recorder):
        def dataReceived(self, data: bytes) -> None:
            seen.append(_context.get(ILogContext)["system"])
            seen.append(_context.call({ILogContext: {"system": "set"}}, _context.get, ILogContext)["system"])
            super().dataReceived(data)

    seen: list[str] = []
    _context.setDefault(ILogContext, {"system": "-"})

    async def main():
        port, peer, server = await served(reactor, Logging)
        assert _context.get(ILogContext) == {"system": "-"}
        await peer.send(b"x")
        await server.got(1)
        await turn()
        assert seen == ["Logging,0,127.0.0.1", "set"]
        assert _context.get(ILogContext) == {"system": "-"}
        await end(port, peer)

    try:
        run(main)
    finally:
        del _context.defaultContextDict[ILogContext]


def test_unsent_bytes_counts_this_turn_s_output_and_what_the_system_has_not_taken(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        transport = server.transport
        assert transport.unsent_bytes() == 0
        transport.write(b"one")
        assert transport.unsent_bytes() == 3
        transport.write(b"two")
        assert transport.unsent_bytes() == 6
        await turn()
        assert transport.unsent_bytes() == 0
        transport.write(b"x" * 50_000_000)
        await turn()
        assert 0 < transport.unsent_bytes() < 50_000_000
        transport.abortConnection()
        await server.lost()
        assert transport.unsent_bytes() == 0
        await end(port, peer)

    run(main)


@pytest.mark.slow
def test_thousands_close_in_one_turn(reactor, run):
    """Each hears of it once, the stack stays shallow, and the work grows with their number only."""
    depths: list[int] = []

    class Closing(Recorder):
        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            depths.append(len(list(traceback.walk_stack(None))))

    async def close(count: int) -> tuple[int, list[Any]]:
        factory = Recording(Closing)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1", backlog=500)
        peers = [await Peer.connect(port) for _ in range(count)]
        await factory.next(count - 1)

        def end_all() -> None:
            for protocol in factory.protocols:
                protocol.transport.abortConnection()

        work = calls_made(end_all)
        for protocol in factory.protocols:
            await protocol.lost()
        await end(port, *peers)
        return work, factory.protocols

    async def main():
        few, _ = await close(100)
        many, protocols = await close(400)
        assert many < 5 * few
        assert [len(protocol.reasons) for protocol in protocols] == [1] * 400
        assert max(depths) - min(depths) < 5

    run(main, 50)
