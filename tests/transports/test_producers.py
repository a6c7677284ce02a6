"""Push and pull producers: back-pressure, order, ends and errors."""

from __future__ import annotations

import resource
import sys
from typing import Any

import pytest

from selvage.errors import ConnectionAborted, ConnectionDone

from .helpers import Peer, end, served, turn

MIB = 1 << 20


class Push:
    """Writes for as long as it may, a limited number of pieces in all."""

    def __init__(self, transport: Any, piece: bytes, count: int) -> None:
        self.transport = transport
        self.piece = piece
        self.left = count
        self.paused = False
        self.log: list[str] = []
        self.most = 0

    def go(self) -> None:
        self.transport.registerProducer(self, True)
        self.resumeProducing()
        self.log.clear()

    def resumeProducing(self) -> None:
        self.log.append("resume")
        self.paused = False
        while not self.paused and self.left:
            self.left -= 1
            self.transport.write(self.piece)
            self.most = max(self.most, waiting(self.transport))
        if not self.left:
            self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        self.log.append("pause")
        self.paused = True

    def stopProducing(self) -> None:
        self.log.append("stop")
        self.paused = True


class Pull:
    def __init__(self, transport: Any, pieces: list[bytes]) -> None:
        self.transport = transport
        self.pieces = pieces
        self.log: list[str] = []

    def resumeProducing(self) -> None:
        self.log.append("resume")
        if self.pieces:
            self.transport.write(self.pieces.pop(0))
        else:
            self.transport.unregisterProducer()

    def stopProducing(self) -> None:
        self.log.append("stop")


def waiting(transport: Any) -> int:
    """Count the bytes that wait on our side of the system."""
    return sum(map(len, transport._tempDataBuffer)) + transport._transport.get_write_buffer_size()


def test_a_push_producer_to_a_slow_reader_is_held_back(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        producer = Push(server.transport, b"x" * 16384, 2048)
        producer.go()
        assert producer.paused
        await turn(20)
        server.transport.loseConnection()
        received = 0
        while data := await peer.recv():
            received += len(data)
        assert received == 16384 * 2048
        assert producer.most <= server.transport.bufferSize + 16384
        assert type(await server.lost()) is ConnectionDone
        assert "stop" not in producer.log
        await end(port, peer)

    run(main)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_gigabyte_to_a_slow_reader_stays_in_bounds(reactor, run):
    """The issue's own figure: 1 GiB, and the process grows by less than 50 MiB."""
    unit = 1 if sys.platform == "darwin" else 1024
    size = 1 << 30

    async def main():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        port, peer, server = await served(reactor)
        producer = Push(server.transport, b"x" * 65536, size // 65536)
        producer.go()
        await turn(100)
        received = 0
        while received < size and (data := await peer.recv(MIB)):
            received += len(data)
        assert received == size
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - before < 50 * MIB
        await end(port, peer)

    run(main, patience=100)


def test_a_push_producer_gives_the_loop_back(reactor, run):
    """Even when the system takes all it writes: one that writes until it is told to stop must be told."""

    async def main():
        port, peer, server = await served(reactor)
        producer = Push(server.transport, b"x" * 1000, 1 << 30)
        producer.go()
        assert producer.paused
        assert producer.most <= server.transport.bufferSize + 1000
        server.transport.abortConnection()
        await server.lost()
        assert producer.log.count("stop") == 1
        await end(port, peer)

    run(main)


def test_what_was_written_before_counts(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        server.transport.write(b"x" * 60_000)
        producer = Push(server.transport, b"", 1)
        server.transport.registerProducer(producer, True)
        server.transport.write(b"x" * 10_000)
        assert producer.log == ["pause"]
        assert len(await peer.read(70_000)) == 70_000
        await turn(3)
        assert producer.log == ["pause", "resume"]
        await end(port, peer)

    run(main)


def test_a_pull_producer_is_asked_for_each_piece(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        pieces = [bytes([number]) * size for number, size in enumerate((1, 10, 3_000_000, 100))]
        producer = Pull(server.transport, list(pieces))
        server.transport.registerProducer(producer, False)
        assert producer.log == ["resume"]
        server.transport.loseConnection()
        assert await peer.rest() == b"".join(pieces)
        assert producer.log == ["resume"] * 5
        assert type(await server.lost()) is ConnectionDone
        await end(port, peer)

    run(main)


def test_a_pull_producer_that_writes_nothing_is_asked_again_after_a_write(reactor, run):
    class Lazy(Pull):
        def resumeProducing(self) -> None:
            self.log.append("resume")

    async def main():
        port, peer, server = await served(reactor)
        producer = Lazy(server.transport, [])
        server.transport.registerProducer(producer, False)
        await turn(5)
        assert producer.log == ["resume"]
        server.transport.write(b"x")
        assert await peer.recv() == b"x"
        await turn(3)
        assert producer.log == ["resume"] * 2
        await end(port, peer)
        await server.lost()
        assert producer.log == ["resume"] * 2 + ["stop"]

    run(main)


def test_a_producer_may_be_registered_in_data_received(reactor, run):
    from .helpers import Recorder

    class Server(Recorder):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(b"before ")
            self.transport.registerProducer(Pull(self.transport, [b"produced ", b"more"]), False)
            self.transport.loseConnection()

    async def main():
        port, peer, server = await served(reactor, Server)
        await peer.send(b"go")
        assert await peer.rest() == b"before produced more"
        await end(port, peer)

    run(main)


def test_closing_waits_for_the_producer(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        producer = Push(server.transport, b"", 1)
        server.transport.registerProducer(producer, True)
        server.transport.loseConnection()
        await turn(5)
        assert server.events == ["made"]
        assert server.transport not in reactor.getReaders()
        server.transport.write(b"still written")
        server.transport.unregisterProducer()
        server.transport.write(b"dropped")
        assert await peer.rest() == b"still written"
        await server.lost()
        await end(port, peer)

    run(main)


def test_a_relay_closes_when_the_other_side_is_lost(reactor, run):
    """Two transports that are each other's producer, as in Twisted's port forwarding: nobody unregisters."""

    async def main():
        port, left_peer, left = await served(reactor)
        right_peer = await Peer.connect(port)
        right = await port.factory.next(1)
        left.transport.registerProducer(right.transport, True)
        right.transport.registerProducer(left.transport, True)
        right.transport.write(b"the last words")
        left_peer.close()
        await left.lost()
        right.transport.loseConnection()
        assert await right_peer.rest() == b"the last words"
        assert isinstance(await right.lost(), ConnectionDone)
        await end(port, right_peer)

    run(main)


def test_closing_our_half_waits_for_the_producer(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        producer = Push(server.transport, b"", 1)
        server.transport.registerProducer(producer, True)
        server.transport.loseWriteConnection()
        await turn(3)
        server.transport.write(b"still written")
        server.transport.unregisterProducer()
        assert await peer.rest() == b"still written"
        await end(port, peer)

    run(main)


def test_stop_consuming(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        server.transport.registerProducer(Push(server.transport, b"", 1), True)
        assert server.transport.streamingProducer
        server.transport.stopConsuming()
        assert server.transport.producer is None
        assert type(await server.lost()) is ConnectionDone
        await end(port, peer)

    run(main)


def test_stop_producing_closes(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        server.transport.stopProducing()
        assert await peer.rest() == b""
        await end(port, peer)

    run(main)


def test_one_producer_at_a_time(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        first = Push(server.transport, b"", 1)
        server.transport.registerProducer(first, True)
        with pytest.raises(RuntimeError, match="never unregistered"):
            server.transport.registerProducer(Push(server.transport, b"", 1), True)
        assert server.transport.producer is first
        server.transport.unregisterProducer()
        server.transport.unregisterProducer()
        await end(port, peer)

    run(main)


def test_a_producer_for_a_lost_connection_is_stopped(reactor, run):
    async def main():
        port, peer, server = await served(reactor)
        peer.close()
        await server.lost()
        producer = Push(server.transport, b"", 1)
        server.transport.registerProducer(producer, True)
        assert producer.log == ["stop"]
        server.transport.unregisterProducer()
        await end(port)

    run(main)


@pytest.mark.parametrize("method", ["pauseProducing", "resumeProducing", "stopProducing"])
def test_an_exception_in_a_producer_ends_the_connection(reactor, run, reports, method):
    class Buggy(Push):
        pass

    def raises(self: Any) -> None:
        if method == "resumeProducing":
            self.transport.abortConnection()
        raise ZeroDivisionError

    setattr(Buggy, method, raises)

    async def main():
        port, peer, server = await served(reactor)
        server.transport.registerProducer(Buggy(server.transport, b"", 1), True)
        server.transport.write(b"x" * 100_000)
        if method == "stopProducing":
            server.transport.abortConnection()
        reason = await server.lost()
        assert type(reason) is (ConnectionAborted if method == "stopProducing" else ZeroDivisionError)
        [report] = reports
        assert report.source == "protocol"
        assert type(report.failure.value) is ZeroDivisionError
        reports.clear()
        await end(port, peer)

    run(main)


@pytest.mark.parametrize("finish", ["loseConnection", "abortConnection"])
def test_a_producer_may_end_the_connection_when_it_is_resumed(reactor, run, finish):
    """The loop asks for more in the midst of its own work; asyncio's would end the transport a second time."""

    class Last(Push):
        def resumeProducing(self) -> None:
            self.log.append("resume")
            if self.left:
                self.left -= 1
                self.transport.write(self.piece)
            else:
                self.transport.unregisterProducer()
                getattr(self.transport, finish)()

    async def main():
        port, peer, server = await served(reactor)
        producer = Last(server.transport, b"x" * 20 * MIB, 1)
        producer.go()
        data = peer.rest()
        if finish == "loseConnection":
            assert len(await data) == 20 * MIB
        else:
            with pytest.raises(ConnectionResetError):
                await data
        assert type(await server.lost()) is {"loseConnection": ConnectionDone}.get(finish, ConnectionAborted)
        await turn(3)
        assert len(server.reasons) == 1
        await end(port, peer)

    run(main)
