"""Protocols, producers and observers that remember."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from zope.interface.verify import verifyObject

from selvage.defer import Deferred
from selvage.logger import ILogObserver
from selvage.testing import (
    AccumulatingProtocol,
    Clock,
    EventLoggingObserver,
    LineSendingProtocol,
    NonStreamingProducer,
    StringTransport,
    waitUntilAllDisconnected,
)


def test_accumulating_protocol_keeps_everything():
    made, closed = [], []
    protocol = AccumulatingProtocol()
    protocol.factory = SimpleNamespace(protocolConnectionMade=Deferred().addCallback(made.append))
    protocol.closedDeferred = Deferred().addCallback(closed.append)
    protocol.makeConnection(StringTransport())
    assert (protocol.made, made, protocol.factory.protocolConnectionMade) == (1, [protocol], None)
    protocol.dataReceived(b"one ")
    protocol.dataReceived(b"two")
    assert protocol.data == b"one two"
    protocol.connectionLost("reason")
    assert (protocol.closed, protocol.closedReason, closed, protocol.closedDeferred) == (
        1,
        "reason",
        [None],
        None,
    )


def test_accumulating_protocol_needs_nobody_who_waits():
    protocol = AccumulatingProtocol()
    protocol.makeConnection(StringTransport())
    protocol.connectionLost()
    assert (protocol.made, protocol.closed) == (1, 1)
    other = AccumulatingProtocol()
    other.factory = object()
    other.makeConnection(StringTransport())
    assert other.made


def test_line_sending_protocol_begins():
    protocol, transport = LineSendingProtocol([b"a", b"b"]), StringTransport()
    protocol.makeConnection(transport)
    assert transport.value() == b"a\r\nb\r\n"
    protocol.dataReceived(b"x\r\ny\r\n")
    assert (protocol.response, protocol.lostConn) == ([b"x", b"y"], False)
    protocol.connectionLost("reason")
    assert protocol.lostConn


def test_line_sending_protocol_answers_the_first_line():
    protocol, transport = LineSendingProtocol([b"a", b"b"], start=False), StringTransport()
    protocol.makeConnection(transport)
    assert transport.value() == b""
    protocol.dataReceived(b"x\r\ny\r\n")
    assert transport.value() == b"a\r\nb\r\n"
    assert protocol.response == [b"x", b"y"]


def test_non_streaming_producer_writes_ten_times():
    transport, done = StringTransport(), []
    producer = NonStreamingProducer(transport)
    producer.result.addCallback(done.append)
    transport.registerProducer(producer, False)
    with pytest.raises(RuntimeError, match="pause"):
        producer.pauseProducing()
    for _ in range(10):
        producer.resumeProducing()
    assert transport.value() == b"0123456789"
    assert (transport.producer, producer.consumer, done) == (None, None, [None])
    with pytest.raises(RuntimeError, match="resume after unregister"):
        producer.resumeProducing()


def test_non_streaming_producer_stops():
    producer, done = NonStreamingProducer(StringTransport()), []
    producer.result.addCallback(done.append)
    producer.stopProducing()
    producer.stopProducing()
    assert (producer.stopped, done) == (True, [None])
    with pytest.raises(RuntimeError):
        producer.resumeProducing()


def test_wait_until_all_disconnected():
    clock, done = Clock(), []
    protocols = [SimpleNamespace(transport=SimpleNamespace(connected=True)) for _ in range(2)]
    waitUntilAllDisconnected(clock, protocols).addCallback(done.append)
    clock.advance(0.01)
    protocols[0].transport.connected = False
    clock.advance(0.01)
    assert done == []
    protocols[1].transport.connected = False
    clock.advance(0.01)
    assert len(done) == 1
    assert clock.calls == []


def test_observer_is_a_sequence_of_events():
    observer = EventLoggingObserver()
    assert verifyObject(ILogObserver, observer)
    observer({"a": 1})
    observer({"b": 2})
    assert (len(observer), observer[0], observer[-1:], list(observer)) == (
        2,
        {"a": 1},
        [{"b": 2}],
        [{"a": 1}, {"b": 2}],
    )


def test_observer_with_cleanup_observes_until_the_test_ends():
    cleanups, observers = [], []
    test = SimpleNamespace(addCleanup=lambda f, *args: cleanups.append((f, args)))
    publisher = SimpleNamespace(addObserver=observers.append, removeObserver=observers.remove)
    observer = EventLoggingObserver.createWithCleanup(test, publisher)
    assert len(observers) == 1
    assert observers[0] is observer
    [(cleanup, args)] = cleanups
    cleanup(*args)
    assert observers == []


@pytest.mark.needs_twisted
def test_observer_suits_an_installed_twisted_logger():
    logger = pytest.importorskip("twisted.logger", reason="needs an installed Twisted")
    observer = EventLoggingObserver()
    logger.Logger("test", observer=observer).info("hello {name}", name="you")
    assert observer[0]["name"] == "you"
