"""Descriptors in the readiness style: buffering, producers, half-close, on a reactor that only keeps lists."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, strategies as st
from zope.interface.verify import verifyClass

from selvage.errors import CONNECTION_DONE, CONNECTION_LOST, ConnectionDone
from selvage.failure import Failure
from selvage.interfaces import (
    IConsumer,
    IHalfCloseableDescriptor,
    ILoggingContext,
    IPushProducer,
    IReadWriteDescriptor,
    ITransport,
)
from selvage.transports import FileDescriptor
from selvage.transports._fdesc import readFromFD, setNonBlocking, writeToFD

from .helpers import turn


class Lists:
    """The part of a reactor that descriptors use."""

    def __init__(self) -> None:
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()
        self.addReader, self.removeReader = self.readers.add, self.readers.discard
        self.addWriter, self.removeWriter = self.writers.add, self.writers.discard
        self.later: list[Any] = []

    def callLater(self, delay: float, function: Any, *args: Any) -> None:
        self.later.append((function, args))


class Memory(FileDescriptor):
    """Writes to memory, as much as it is given room for."""

    def __init__(self) -> None:
        super().__init__(Lists())
        self.connected = 1
        self.room = 1 << 30
        self.written = b""
        self.half_closed = False

    def writeSomeData(self, data: bytes) -> int:
        taken = bytes(data[: self.room])
        self.room -= len(taken)
        self.written += taken
        return len(taken)

    def _closeWriteConnection(self) -> None:
        self.half_closed = True


class Source:
    def __init__(self, consumer: Any, pieces: int = 0) -> None:
        self.consumer = consumer
        self.pieces = pieces
        self.log: list[str] = []

    def pauseProducing(self) -> None:
        self.log.append("pause")

    def resumeProducing(self) -> None:
        self.log.append("resume")
        if self.pieces:
            self.pieces -= 1
            self.consumer.write(b"piece")

    def stopProducing(self) -> None:
        self.log.append("stop")


def test_interfaces():
    for interface in (
        IPushProducer,
        IReadWriteDescriptor,
        IConsumer,
        ITransport,
        IHalfCloseableDescriptor,
        ILoggingContext,
    ):
        verifyClass(interface, FileDescriptor)


@given(
    st.lists(st.binary(min_size=1, max_size=10) | st.integers(min_value=0, max_value=10)), st.integers(1, 20)
)
def test_whatever_is_taken_bit_by_bit_arrives_in_order(operations, limit):
    descriptor = Memory()
    descriptor.SEND_LIMIT = limit
    for operation in operations:
        if isinstance(operation, bytes):
            descriptor.write(operation)
        elif descriptor in descriptor.reactor.writers:
            descriptor.room = operation
            assert descriptor.doWrite() is None
    descriptor.room = 1 << 30
    while descriptor in descriptor.reactor.writers:
        descriptor.doWrite()
    assert descriptor.written == b"".join(each for each in operations if isinstance(each, bytes))


def test_wrong_types_are_named():
    descriptor = Memory()
    with pytest.raises(TypeError, match="encode it first"):
        descriptor.write("text")
    with pytest.raises(TypeError, match="not int"):
        descriptor.writeSequence([b"fine", 7])
    assert not descriptor.reactor.writers


def test_closing_waits_for_output():
    descriptor = Memory()
    descriptor.startReading()
    descriptor.writeSequence([b"all ", b"of it"])
    descriptor.loseConnection()
    descriptor.loseConnection()
    assert descriptor.disconnecting
    assert not descriptor.reactor.readers
    descriptor.room = 3
    assert descriptor.doWrite() is None
    descriptor.room = 100
    assert descriptor.doWrite() is CONNECTION_DONE
    descriptor.connectionLost(Failure(CONNECTION_DONE))
    assert descriptor.disconnected
    descriptor.write(b"dropped")
    descriptor.writeSequence([b"dropped"])
    assert descriptor.written == b"all of it"
    assert not descriptor.reactor.writers


def test_closing_the_output_then_all():
    descriptor = Memory()
    descriptor.write(b"bye")
    descriptor.loseWriteConnection()
    descriptor.doWrite()
    assert descriptor.half_closed
    descriptor.write(b"dropped")
    descriptor.loseConnection()
    assert descriptor.disconnected
    assert descriptor.reactor.later == []
    assert descriptor.written == b"bye"


def test_a_failed_write_is_handed_on():
    descriptor = Memory()
    descriptor.write(b"x")
    descriptor.writeSomeData = lambda data: CONNECTION_LOST
    assert descriptor.doWrite() is CONNECTION_LOST


def test_push_producers():
    descriptor = Memory()
    source = Source(descriptor)
    descriptor.registerProducer(source, True)
    with pytest.raises(RuntimeError, match="never unregistered"):
        descriptor.registerProducer(source, True)
    descriptor.write(b"x" * descriptor.bufferSize)
    assert source.log == []
    descriptor.write(b"x")
    assert source.log == ["pause"]
    descriptor.doWrite()
    assert source.log == ["pause", "resume"]
    descriptor.loseConnection()
    assert descriptor.doWrite() is None
    descriptor.unregisterProducer()
    assert descriptor.doWrite() is CONNECTION_DONE


def test_pull_producers():
    descriptor = Memory()
    source = Source(descriptor, 2)
    descriptor.registerProducer(source, False)
    while descriptor in descriptor.reactor.writers:
        descriptor.doWrite()
    assert source.log == ["resume"] * 3
    assert descriptor.written == b"piecepiece"
    descriptor.connectionLost(Failure(CONNECTION_DONE))
    assert source.log[-1] == "stop"
    late = Source(descriptor)
    descriptor.registerProducer(late, False)
    assert late.log == ["stop"]


def test_as_a_producer():
    descriptor = Memory()
    descriptor.resumeProducing()
    assert descriptor.reactor.readers
    descriptor.pauseProducing()
    assert not descriptor.reactor.readers
    descriptor.stopProducing()
    descriptor.resumeProducing()
    assert not descriptor.reactor.readers
    assert descriptor.disconnecting


def test_stop_consuming():
    descriptor = Memory()
    descriptor.registerProducer(Source(descriptor), True)
    descriptor.stopConsuming()
    assert descriptor.producer is None
    assert descriptor.disconnecting


@pytest.mark.parametrize("hook", ["readConnectionLost", "writeConnectionLost"])
def test_half_closes_end_it_unless_overridden(hook):
    descriptor = Memory()
    getattr(descriptor, hook)(Failure(CONNECTION_DONE))
    assert descriptor.disconnected


def test_hooks_that_have_to_be_given_say_so():
    bare = FileDescriptor(Lists())
    assert bare.fileno() == -1
    assert bare.logPrefix() == "-"
    for hook, args in (("doRead", ()), ("writeSomeData", (b"",)), ("getHost", ()), ("getPeer", ())):
        with pytest.raises(NotImplementedError, match="FileDescriptor"):
            getattr(bare, hook)(*args)


def test_on_a_real_reactor(reactor, run):
    class Pipe(FileDescriptor):
        def __init__(self, descriptor: int) -> None:
            super().__init__(reactor)
            self.descriptor = descriptor
            self.connected = 1
            self.data = b""
            self.reason: Any = None
            setNonBlocking(descriptor)

        def fileno(self) -> int:
            return self.descriptor

        def doRead(self) -> Any:
            return readFromFD(self.descriptor, self._take)

        def _take(self, data: bytes) -> None:
            self.data += data

        def writeSomeData(self, data: bytes) -> Any:
            return writeToFD(self.descriptor, data)

        def connectionLost(self, reason: Failure) -> None:
            super().connectionLost(reason)
            self.reason = reason.value
            os.close(self.descriptor)

    async def main():
        out, into = (Pipe(end) for end in os.pipe())
        out.startReading()
        into.write(b"x" * 300_000)
        into.loseConnection()
        while out.reason is None:
            await turn()
        assert out.data == b"x" * 300_000
        assert type(out.reason) is type(into.reason) is ConnectionDone

    run(main)
