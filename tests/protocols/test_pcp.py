"""A man in the middle between producer and consumer, and token buckets over it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from selvage.addresses import IPv4Address, UNIXAddress
from selvage.protocols import Factory, Protocol, htb, pcp
from selvage.protocols.basic import LineReceiver
from selvage.tasks import Clock
from selvage.testing import StringTransport, connect


class Consumer:
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def write(self, data: Any) -> None:
        self.heard.append(data)

    def finish(self) -> None:
        self.heard.append("finish")

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer, self.streaming = producer, streaming

    def unregisterProducer(self) -> None:
        self.heard.append("unregister")


class Producer:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def pauseProducing(self) -> None:
        self.heard.append("pause")

    def resumeProducing(self) -> None:
        self.heard.append("resume")

    def stopProducing(self) -> None:
        self.heard.append("stop")


def between(kind: type[Any], streaming: bool = True, **attributes: Any) -> tuple[Consumer, Any, Producer]:
    consumer, producer = Consumer(), Producer()
    proxy = type("Told", (kind,), attributes)(consumer)
    proxy.registerProducer(producer, streaming)
    return consumer, proxy, producer


def test_the_plain_one_passes_everything_on() -> None:
    consumer, proxy, producer = between(pcp.BasicProducerConsumerProxy)
    assert consumer.producer is proxy
    assert consumer.streaming is True
    proxy.write(b"a")
    proxy.pauseProducing()
    proxy.write(b"b")
    proxy.write(b"c")
    assert consumer.heard == [b"a"]
    proxy.resumeProducing()
    proxy.finish()
    assert consumer.heard == [b"a", b"bc", "finish", "unregister"]
    assert producer.heard == ["pause", "resume"]


@pytest.mark.parametrize("kind", [pcp.BasicProducerConsumerProxy, pcp.ProducerConsumerProxy])
def test_a_consumer_that_goes_stops_the_producer(kind: type[Any]) -> None:
    consumer, proxy, producer = between(kind)
    proxy.pauseProducing()
    proxy.write(b"never")
    proxy.stopProducing()
    assert producer.heard[-1] == "stop"
    assert proxy.stopped
    proxy.resumeProducing()
    proxy.write(b"too late")
    assert consumer.heard == []
    assert "Told around None" in repr(proxy)


def test_the_buffer_says_when_the_producer_pauses() -> None:
    consumer, proxy, producer = between(pcp.ProducerConsumerProxy, bufferSize=4)
    proxy.pauseProducing()
    proxy.write(b"abc")
    assert producer.heard == []
    proxy.write(b"d")
    proxy.write(b"e")
    assert producer.heard == ["pause"]
    proxy.resumeProducing()
    assert (consumer.heard, producer.heard) == ([b"abcde"], ["pause", "resume"])


def test_unregistering_waits_until_all_is_sent() -> None:
    consumer, proxy, _ = between(pcp.ProducerConsumerProxy)
    proxy.pauseProducing()
    proxy.write(b"rest")
    proxy.unregisterProducer()
    assert consumer.heard == []
    proxy.resumeProducing()
    assert consumer.heard == [b"rest", "unregister"]


def test_a_pull_producer_is_asked_when_there_is_room() -> None:
    consumer, proxy, producer = between(pcp.ProducerConsumerProxy, streaming=False, iAmStreaming=False)
    assert producer.heard == ["resume"]
    proxy.write(b"first")
    proxy.resumeProducing()
    assert (consumer.heard, producer.heard) == ([b"first"], ["resume", "resume"])


def test_what_a_hook_did_not_send_is_sent_before_what_comes_later() -> None:
    class InTwos(pcp.ProducerConsumerProxy):
        def _writeSomeData(self, data: Any) -> int:
            super()._writeSomeData(data[:2])
            return min(2, len(data))

    consumer, proxy, _ = between(InTwos)
    proxy.write(b"abc")
    proxy.write(b"d")
    proxy.resumeProducing()
    assert b"".join(consumer.heard) == b"abcd"


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.binary(max_size=6), st.sampled_from(["pause", "resume"])), max_size=30),
    st.booleans(),
    st.integers(1, 8),
)
def test_every_byte_arrives_once_and_in_order(moves: list[Any], streaming: bool, room: int) -> None:
    class Narrow(pcp.ProducerConsumerProxy):
        iAmStreaming = streaming

        def _writeSomeData(self, data: Any) -> int:
            super()._writeSomeData(data[:room])
            return min(room, len(data))

    for kind in (pcp.BasicProducerConsumerProxy, pcp.ProducerConsumerProxy, Narrow):
        consumer, proxy, _ = between(kind)
        written = b""
        for move in moves:
            if move == "pause":
                proxy.pauseProducing()
            elif move == "resume":
                proxy.resumeProducing()
            else:
                proxy.write(move)
                written += move
        for _ in range(len(written) + 1):
            proxy.resumeProducing()
        assert b"".join(consumer.heard) == written


# --- Buckets -------------------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(htb, "time", clock.seconds)
    return clock


class Bucket(htb.Bucket):
    maxburst = 100
    rate = 10


def test_a_bucket_leaks_at_its_rate(clock: Clock) -> None:
    bucket = Bucket()
    assert bucket.add(1000) == 100
    clock.advance(0.25)
    assert bucket.add(1000) == 2
    clock.advance(0.25)  # half a byte was left over before, and is not lost
    assert bucket.add(1000) == 3
    clock.advance(1000)
    assert bucket.drip()
    assert htb.Bucket().add(10**9) == 10**9


def test_what_a_child_takes_fits_into_its_parent(clock: Clock) -> None:
    parent = Bucket()
    one, other = Bucket(parent), Bucket(parent)
    assert (one.add(70), other.add(70), one.add(70)) == (70, 30, 0)


def test_hosts_have_buckets_of_their_own_and_share_their_parents(clock: Clock) -> None:
    def transport(host: str) -> StringTransport:
        return StringTransport(
            hostAddress=IPv4Address("TCP", "192.0.2.9", 80), peerAddress=IPv4Address("TCP", host, 1)
        )

    services = htb.FilterByServer()
    services.bucketFactory = Bucket
    hosts = htb.FilterByHost(services)
    one = hosts.getBucketFor(transport("192.0.2.1"))
    assert hosts.getBucketFor(transport("192.0.2.1")) is one
    other = hosts.getBucketFor(transport("192.0.2.2"))
    assert other is not one
    assert one.parentBucket is other.parentBucket is services.buckets[80]
    assert htb.IBucketFilter.providedBy(hosts)
    nowhere = hosts.getBucketFor(
        StringTransport(hostAddress=UNIXAddress(b"/x"), peerAddress=UNIXAddress(None))
    )
    assert hosts.buckets[None] is nowhere


def test_buckets_that_nobody_uses_are_swept(clock: Clock) -> None:
    parents = htb.HierarchicalBucketFilter()
    filter = htb.FilterByHost(parents)
    filter.bucketFactory = parents.bucketFactory = Bucket
    transports = [
        StringTransport(peerAddress=IPv4Address("TCP", f"192.0.2.{number}", 1)) for number in range(3)
    ]
    used, full, _ = [filter.getBucketFor(transport) for transport in transports]
    shaped = htb.ShapedConsumer(Consumer(), used)
    clock.advance(filter.sweepInterval - 1)
    full.add(100)
    parents.sweep()  # a parent with children is in use
    clock.advance(2)
    filter.getBucketFor(transports[0])
    assert set(filter.buckets) == {"192.0.2.0", "192.0.2.1"}
    shaped.stopProducing()
    shaped.stopProducing()
    clock.advance(100)
    filter.sweep()
    parents.sweep()
    assert (filter.buckets, parents.buckets) == ({}, {})


def test_what_does_not_fit_leaves_later_and_closing_waits_for_it(clock: Clock) -> None:
    class Talking(Protocol):
        def connectionMade(self) -> None:
            self.transport.writeSequence([b"x" * 60, b"y" * 60])
            self.transport.loseConnection()

    class Listening(Protocol):
        data = b""
        ended = False

        def dataReceived(self, data: bytes) -> None:
            self.data += data

        def connectionLost(self, reason: Any = None) -> None:
            self.ended = True

    filter = htb.HierarchicalBucketFilter()
    filter.bucketFactory = Bucket
    talking, listening = htb.ShapedProtocolFactory(Talking, filter)(), Listening()

    class OnClock(htb.ShapedTransport):
        def _call_later(self, seconds: float, function: Any) -> Any:
            return clock.callLater(seconds, function)

    htb_transport, htb.ShapedTransport = htb.ShapedTransport, OnClock  # type: ignore[misc]
    try:
        pair = connect(talking, listening)
    finally:
        htb.ShapedTransport = htb_transport  # type: ignore[misc]
    for _ in range(3):
        pair.pump()
    assert listening.data == b"x" * 60 + b"y" * 40
    for _ in range(30):
        clock.advance(0.1)
        pair.pump()
    assert listening.data == b"x" * 60 + b"y" * 60
    assert listening.ended
    assert clock.getDelayedCalls() == []


def test_a_shaped_transport_is_a_transport(clock: Clock) -> None:
    factory = Factory.forProtocol(htb.ShapedProtocolFactory(LineReceiver, htb.FilterByHost()))  # type: ignore[arg-type]
    protocol: Any = factory.buildProtocol(None)
    transport = StringTransport()
    protocol.makeConnection(transport)
    assert protocol.factory is factory
    assert protocol.transport.getPeer() == transport.getPeer()
    protocol.sendLine(b"line")
    protocol.transport.resumeProducing()
    assert transport.value() == b"line\r\n"
    protocol.transport.loseConnection()
    assert transport.disconnecting
    assert transport.producer is None


def test_a_transport_that_ends_leaves_no_timer(clock: Clock) -> None:
    reactor = Clock()
    consumer = Consumer()
    consumer.reactor = reactor  # type: ignore[attr-defined]
    shaped = htb.ShapedConsumer(consumer, Bucket())
    shaped.write(b"x" * 150)
    shaped.resumeProducing()
    shaped.resumeProducing()
    assert len(reactor.getDelayedCalls()) == 1
    shaped.stopProducing()
    assert reactor.getDelayedCalls() == []
