"""Standard input and output as a connection, over pipes and files."""

from __future__ import annotations

import os
from typing import Any

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from selvage.errors import ConnectionDone, ConnectionLost
from selvage.interfaces import IHalfCloseableProtocol, ITransport
from selvage.transports.stdio import PipeAddress, StandardIO

from .helpers import Recorder, turn


class Pipes:
    """A connection over two pipes, whose other ends the test holds."""

    def __init__(self, reactor: Any, protocol: Any) -> None:
        self.stdin, self.into = os.pipe()
        self.out, self.stdout = os.pipe()
        self.protocol = protocol
        self.transport = StandardIO(protocol, self.stdin, self.stdout, reactor)

    def close(self) -> None:
        for number in (self.stdin, self.into, self.out, self.stdout):
            try:
                os.close(number)
            except OSError:
                pass  # the test has closed it


@pytest.fixture
def connect(reactor: Any) -> Any:
    made: list[Pipes] = []

    def connect_it(protocol: Any) -> Pipes:
        made.append(Pipes(reactor, protocol))
        return made[-1]

    yield connect_it
    for pipes in made:
        pipes.close()


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Recorder):
    def readConnectionLost(self) -> None:
        self._note("read lost")

    def writeConnectionLost(self) -> None:
        self._note("write lost")


def test_a_conversation(connect, run):
    async def main():
        pipes = connect(Recorder())
        assert verifyObject(ITransport, pipes.transport)
        assert isinstance(pipes.transport.getHost(), PipeAddress)
        assert isinstance(pipes.transport.getPeer(), PipeAddress)
        os.write(pipes.into, b"hello")
        assert await pipes.protocol.got(5) == b"hello"
        pipes.transport.write(b"one ")
        pipes.transport.writeSequence([b"two ", b"three"])
        pipes.transport.loseConnection()
        assert isinstance(await pipes.protocol.lost(), ConnectionDone)
        assert os.read(pipes.out, 100) == b"one two three"
        pipes.transport.write(b"too late")
        pipes.transport.writeSequence([b"too late"])
        pipes.transport.loseWriteConnection()
        pipes.transport.loseConnection()
        pipes.transport.pauseProducing()
        pipes.transport.resumeProducing()

    run(main)


def test_the_descriptors_stay_open_and_wait_again(connect, run):
    """The program may print afterwards, and whoever started it shares the open files."""

    async def main():
        pipes = connect(Recorder())
        assert not os.get_blocking(pipes.stdin)
        pipes.transport.loseConnection()
        await pipes.protocol.lost()
        assert os.get_blocking(pipes.stdin)
        assert os.get_blocking(pipes.stdout)
        os.write(pipes.stdout, b"printed later")
        assert os.read(pipes.out, 100) == b"printed later"

    run(main)


def test_the_end_of_the_input_is_the_end(connect, run):
    async def main():
        pipes = connect(Recorder())
        os.write(pipes.into, b"last words")
        os.close(pipes.into)
        assert isinstance(await pipes.protocol.lost(), ConnectionDone)
        assert pipes.protocol.events == ["made", b"last words", "lost"]

    run(main)


def test_nobody_reads_the_output(connect, run):
    async def main():
        pipes = connect(Recorder())
        os.close(pipes.out)
        assert isinstance(await pipes.protocol.lost(), ConnectionLost)

    run(main)


def test_half_closed(connect, run):
    async def main():
        pipes = connect(HalfCloseable())
        os.close(pipes.into)
        await pipes.protocol.until(lambda: "read lost" in pipes.protocol.events)
        pipes.transport.write(b"still here")
        pipes.transport.loseWriteConnection()
        await pipes.protocol.lost()
        assert pipes.protocol.events == ["made", "read lost", "write lost", "lost"]
        assert os.read(pipes.out, 100) == b"still here"

    run(main)


@pytest.mark.parametrize(
    "hook", ["readConnectionLost", "writeConnectionLost", "makeConnection", "dataReceived"]
)
def test_a_hook_that_raises_ends_it(connect, run, reports, hook):
    class Faulty(HalfCloseable):
        pass

    def raising(self: Any, *args: Any) -> None:
        raise ZeroDivisionError(hook)

    setattr(Faulty, hook, raising)

    async def main():
        pipes = connect(Faulty())
        if hook == "readConnectionLost":
            os.close(pipes.into)
        elif hook == "writeConnectionLost":
            pipes.transport.loseWriteConnection()
        elif hook == "dataReceived":
            os.write(pipes.into, b"x")
        assert isinstance(await pipes.protocol.lost(), ZeroDivisionError)
        assert len(pipes.protocol.reasons) == 1

    run(main)
    assert [str(report.failure.value) for report in reports] == [hook]
    reports.clear()


def test_an_error_in_connection_lost_is_reported(connect, run, reports):
    class Faulty(Recorder):
        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            raise ZeroDivisionError

    async def main():
        pipes = connect(Faulty())
        pipes.transport.stopProducing()
        await pipes.protocol.lost()
        await turn()

    run(main)
    assert [report.failure.type for report in reports] == [ZeroDivisionError]
    reports.clear()


def test_files(reactor, run, tmp_path):
    """Regular files are always ready."""
    (tmp_path / "in").write_bytes(b"from a file")

    async def main():
        protocol = Recorder()
        with open(tmp_path / "in", "rb") as source, open(tmp_path / "out", "wb") as target:
            transport = StandardIO(protocol, source.fileno(), target.fileno(), reactor)
            transport.write(b"to a file")
            assert await protocol.got(11) == b"from a file"
            assert isinstance(await protocol.lost(), ConnectionDone)
        assert (tmp_path / "out").read_bytes() == b"to a file"

    run(main)


def test_producers(connect, run):
    class Producer:
        stopped = False
        asked = 0

        def resumeProducing(self) -> None:
            self.asked += 1
            pipes.transport.unregisterProducer()
            pipes.transport.loseConnection()

        def stopProducing(self) -> None:
            self.stopped = True

    pipes: Any = None

    async def main():
        nonlocal pipes
        pipes = connect(Recorder())
        producer = Producer()
        pipes.transport.registerProducer(producer, False)
        await pipes.protocol.lost()
        assert producer.asked == 1
        late = Producer()
        pipes.transport.registerProducer(late, True)
        pipes.transport.unregisterProducer()
        assert late.stopped

    run(main)


def test_paused_input_waits(connect, run):
    async def main():
        pipes = connect(Recorder())
        pipes.transport.pauseProducing()
        os.write(pipes.into, b"later")
        await turn(10)
        assert pipes.protocol.data == b""
        pipes.transport.resumeProducing()
        assert await pipes.protocol.got(5) == b"later"
        pipes.transport.loseConnection()
        await pipes.protocol.lost()

    run(main)
