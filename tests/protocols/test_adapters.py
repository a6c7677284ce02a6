"""Protocol, consumer and file in each other's place."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage.interfaces import IConsumer, IProtocol, ITransport
from selvage.protocols import ConsumerToProtocolAdapter, FileWrapper, Protocol, ProtocolToConsumerAdapter
from selvage.testing import StringTransport


def test_protocol_as_consumer() -> None:
    received: list[bytes] = []

    class Notes(Protocol):
        def dataReceived(self, data: bytes) -> None:
            received.append(data)

    consumer: Any = IConsumer(Notes())
    assert isinstance(consumer, ProtocolToConsumerAdapter)
    assert verifyObject(IConsumer, consumer)
    consumer.registerProducer(object(), True)
    consumer.write(b"x")
    consumer.unregisterProducer()
    assert received == [b"x"]


def test_consumer_as_protocol() -> None:
    transport = StringTransport()
    protocol: Any = IProtocol(transport)
    assert isinstance(protocol, ConsumerToProtocolAdapter)
    assert verifyObject(IProtocol, protocol)
    protocol.makeConnection(None)
    protocol.connectionMade()
    protocol.dataReceived(b"x")
    protocol.connectionLost()
    assert transport.value() == b"x"


def test_file_as_transport() -> None:
    file = BytesIO()
    wrapper = FileWrapper(file)
    assert verifyObject(ITransport, wrapper)
    wrapper.write(b"a")
    wrapper.writeSequence([b"b", b"c"])
    assert file.getvalue() == b"abc"
    assert (wrapper.getPeer(), wrapper.getHost()) == (("file", "file"), "file")
    wrapper.pauseProducing()
    wrapper.resumeProducing()
    assert not wrapper.closed
    wrapper.stopProducing()
    assert wrapper.closed and file.closed


class Broken:
    """A file on a broken disk."""

    def write(self, data: bytes = b"") -> None:
        raise OSError("disk on fire")

    close = write


def test_file_errors_go_to_the_hook() -> None:
    handled: list[str] = []

    class Notes(FileWrapper):
        def handleException(self) -> None:
            handled.append("error")

    wrapper = Notes(Broken())  # type: ignore[arg-type]
    wrapper.write("text")  # type: ignore[arg-type]
    wrapper.loseConnection()
    assert (handled, wrapper.closed) == (["error", "error"], 1)
    with pytest.raises(TypeError):
        wrapper.writeSequence(["a"])  # type: ignore[list-item]


def test_file_error_is_dropped_by_default() -> None:
    wrapper = FileWrapper(BytesIO())
    wrapper.write("text")  # type: ignore[arg-type]
    assert wrapper.file.getvalue() == b""  # type: ignore[attr-defined]


def test_file_asks_a_pull_producer_at_once() -> None:
    class Producer:
        asked = 0

        def resumeProducing(self) -> None:
            self.asked += 1

    producer = Producer()
    wrapper = FileWrapper(BytesIO())
    wrapper.registerProducer(producer, True)
    assert producer.asked == 0
    wrapper.registerProducer(producer, False)
    wrapper._checkProducer()
    assert producer.asked == 2
    wrapper.stopConsuming()
    wrapper._checkProducer()
    assert (wrapper.producer, wrapper.closed, producer.asked) == (None, 1, 2)
