"""Two protocols joined in memory."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from zope.interface import implementer
from zope.interface.verify import verifyObject

from selvage.errors import ConnectionAborted, ConnectionDone, ConnectionLost
from selvage.failure import set_default_reporter, subscribe, unsubscribe
from selvage.interfaces import IConsumer, IHalfCloseableProtocol, IPushProducer, ITCPTransport
from selvage.protocols import Protocol
from selvage.testing import AccumulatingProtocol, NonStreamingProducer, connect


@pytest.fixture
def reports():
    seen = []
    previous = set_default_reporter(None)
    subscribe(seen.append)
    yield seen
    unsubscribe(seen.append)
    set_default_reporter(previous)


class Keeper(AccumulatingProtocol):
    @property
    def reason(self):
        return self.closedReason and self.closedReason.type


class Echo(Keeper):
    def dataReceived(self, data):
        super().dataReceived(data)
        self.transport.write(data)


@implementer(IHalfCloseableProtocol)
class HalfCloseable(Keeper):
    def __init__(self):
        self.events = []

    def readConnectionLost(self):
        self.events.append("read")

    def writeConnectionLost(self):
        self.events.append("write")


def joined(first=Keeper, second=Keeper, **options):
    pair = connect(first(), second(), **options)
    return pair, pair.first.protocol, pair.second.protocol


@pytest.mark.parametrize("interface", [ITCPTransport, IConsumer, IPushProducer])
def test_an_end_is_a_tcp_transport(interface):
    pair, _, _ = joined()
    assert verifyObject(interface, pair.first)


def test_the_two_are_each_others_peer():
    pair, first, second = joined()
    assert (first.made, second.made) == (1, 1)
    assert first.transport is pair.first
    assert pair.first.getHost() == pair.second.getPeer()
    assert pair.first.getPeer() == pair.second.getHost()
    for option in ("TcpNoDelay", "TcpKeepAlive"):
        assert getattr(pair.first, f"get{option}")() is False
        getattr(pair.first, f"set{option}")(True)
        assert getattr(pair.first, f"get{option}")() is True


def test_one_step_carries_what_was_written_before_it():
    pair, first, second = joined(second=Echo)
    first.transport.write(b"one ")
    first.transport.writeSequence([b"two ", b"three"])
    assert pair.first.unsent == b"one two three"
    assert pair.pump()
    assert (second.data, first.data) == (b"one two three", b"")
    assert pair.pump()
    assert first.data == b"one two three"
    assert not pair.pump()


def test_flush_goes_on_until_nothing_happens():
    pair, first, _ = joined(second=Echo)
    first.transport.write(b"word")
    pair.flush()
    assert first.data == b"word"


def test_flush_gives_up_on_two_that_answer_for_ever():
    pair, first, _ = joined(Echo, Echo)
    first.transport.write(b"x")
    with pytest.raises(AssertionError, match="not quiet"):
        pair.flush()


def test_text_is_refused():
    pair, _, _ = joined()
    with pytest.raises(TypeError, match="encode text"):
        pair.first.write("text")


def test_chunks():
    class Pieces(Keeper):
        def dataReceived(self, data):
            pieces.append(data)

    pieces = []
    pair, first, _ = joined(second=Pieces, chunk=2)
    first.transport.write(b"abcde")
    pair.flush()
    assert pieces == [b"ab", b"cd", b"e"]


@pytest.mark.slow
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=20))), st.integers(1, 30))
def test_every_byte_arrives_in_order(writes, chunk):
    pair, first, second = joined(chunk=chunk)
    for to_second, data in writes:
        (pair.first if to_second else pair.second).write(data)
    pair.first.loseConnection()
    pair.flush()
    assert second.data == b"".join(data for to_second, data in writes if to_second)
    assert b"".join(data for to_second, data in writes if not to_second).startswith(first.data)
    assert (first.reason, second.reason) == (ConnectionDone, ConnectionDone)


def test_losing_the_connection_delivers_first_and_is_clean_for_both():
    pair, first, second = joined()
    first.transport.write(b"last words")
    first.transport.loseConnection()
    first.transport.write(b" too late")
    assert (first.closed, pair.first.disconnecting) == (0, True)
    pair.flush()
    assert second.data == b"last words"
    assert (first.reason, second.reason) == (ConnectionDone, ConnectionDone)
    assert (first.closed, second.closed, pair.connected) == (1, 1, False)
    assert (pair.first.connected, pair.first.disconnecting, pair.first.disconnected) == (False, False, True)


def test_aborting_drops_what_was_not_delivered():
    pair, first, second = joined()
    first.transport.write(b"lost")
    first.transport.abortConnection()
    first.transport.abortConnection()
    pair.flush()
    assert second.data == b""
    assert (first.reason, second.reason) == (ConnectionAborted, ConnectionLost)


def test_a_network_that_breaks():
    pair, first, second = joined()
    first.transport.write(b"lost")
    pair.drop()
    assert second.data == b""
    assert (first.reason, second.reason) == (ConnectionLost, ConnectionLost)
    pair.drop()
    assert first.closed == 1


def test_both_closing_at_once():
    pair, first, second = joined()
    first.transport.loseConnection()
    second.transport.loseConnection()
    pair.flush()
    assert (first.reason, second.reason) == (ConnectionDone, ConnectionDone)


def test_nothing_is_delivered_after_the_end():
    pair, first, second = joined()
    first.transport.loseConnection()
    pair.flush()
    second.transport.write(b"x")
    first.transport.write(b"x")
    pair.flush()
    assert (first.data, second.data) == (b"", b"")


def test_half_closing_is_heard_by_those_who_can():
    pair, first, second = joined(HalfCloseable, HalfCloseable)
    first.transport.write(b"question")
    first.transport.loseWriteConnection()
    first.transport.write(b" too late")
    pair.flush()
    assert (second.data, first.events, second.events) == (b"question", ["write"], ["read"])
    second.transport.write(b"answer")
    second.transport.loseConnection()
    pair.flush()
    assert first.data == b"answer"
    assert first.events == ["write", "read"]
    assert (first.reason, second.reason) == (ConnectionDone, ConnectionDone)


def test_half_closing_ends_it_for_those_who_cannot():
    pair, first, second = joined(HalfCloseable, Keeper)
    first.transport.loseWriteConnection()
    pair.flush()
    assert (first.events, second.reason, first.reason) == (["write", "read"], ConnectionDone, ConnectionDone)


def test_a_plain_protocol_may_half_close_too():
    pair, first, second = joined(Keeper, HalfCloseable)
    first.transport.loseWriteConnection()
    pair.flush()
    assert second.events == ["read"]
    second.transport.write(b"still here")
    pair.flush()
    assert first.data == b"still here"


def test_one_who_can_does_not_learn_of_a_full_close_until_it_writes():
    """As in life: the end of the other side's stream looks the same either way."""
    pair, first, second = joined(Keeper, HalfCloseable)
    first.transport.loseConnection()
    pair.flush()
    assert (first.reason, second.events, second.reason) == (ConnectionDone, ["read"], None)
    second.transport.write(b"anybody?")
    pair.flush()
    assert second.reason is ConnectionLost


def test_a_paused_side_gets_nothing_until_it_resumes():
    pair, first, second = joined()
    second.transport.pauseProducing()
    first.transport.write(b"wait")
    first.transport.loseConnection()
    pair.flush()
    assert (second.data, first.closed) == (b"", 0)
    second.transport.resumeProducing()
    pair.flush()
    assert (second.data, first.closed) == (b"wait", 1)


def test_stop_producing_closes():
    pair, first, _ = joined()
    pair.first.stopProducing()
    pair.flush()
    assert first.reason is ConnectionDone


def test_a_pull_producer_is_asked_when_the_outbox_is_empty():
    pair, first, second = joined()
    producer = NonStreamingProducer(pair.first)
    first.transport.registerProducer(producer, False)
    first.transport.loseConnection()
    pair.flush()
    assert second.data == b"0123456789"
    assert first.reason is ConnectionDone


class Push:
    def __init__(self):
        self.events = []

    def pauseProducing(self):
        self.events.append("pause")

    def resumeProducing(self):
        self.events.append("resume")

    def stopProducing(self):
        self.events.append("stop")


def test_a_push_producer_is_paused_and_resumed():
    pair, first, second = joined()
    producer = Push()
    pair.first.registerProducer(producer, True)
    second.transport.pauseProducing()
    first.transport.write(b"x" * 100_000)
    first.transport.write(b"y")
    pair.flush()
    assert producer.events == ["pause"]
    second.transport.resumeProducing()
    pair.flush()
    assert producer.events == ["pause", "resume"]
    assert len(second.data) == 100_001


def test_a_producer_holds_the_connection_open_until_it_is_done():
    pair, first, second = joined()
    pair.first.registerProducer(Push(), True)
    first.transport.loseConnection()
    pair.flush()
    assert first.closed == 0
    first.transport.write(b"still producing")
    pair.first.unregisterProducer()
    pair.flush()
    assert (second.data, first.closed) == (b"still producing", 1)


def test_the_end_stops_the_producer():
    pair, _, _ = joined()
    producer, late = Push(), Push()
    pair.first.registerProducer(producer, True)
    with pytest.raises(RuntimeError, match="unregisterProducer first"):
        pair.first.registerProducer(Push(), True)
    pair.drop()
    pair.first.registerProducer(late, True)
    assert (producer.events, late.events) == (["stop"], ["stop"])


@pytest.mark.parametrize("hook", ["connectionMade", "dataReceived"])
def test_an_exception_in_a_hook_ends_the_connection_and_is_reported(reports, hook):
    def stumble(self, *args):
        raise ValueError("stumbled")

    pair, first, second = joined(Keeper, type("Bad", (Keeper,), {hook: stumble}))
    first.transport.write(b"x")
    pair.flush()
    assert (second.reason, first.reason) == (ValueError, ConnectionLost)
    assert [failure.type for failure in pair.failures] == [ValueError]
    assert [(report.failure.type, report.source) for report in reports] == [(ValueError, "protocol")]


def test_an_exception_in_connection_lost_is_reported_and_no_more(reports):
    class Bad(Protocol):
        def connectionLost(self, reason):
            raise ValueError("stumbled at the end")

    pair, _, second = joined(Bad, Keeper)
    pair.first.loseConnection()
    pair.flush()
    assert second.reason is ConnectionDone
    assert [report.failure.type for report in reports] == [ValueError]


def test_repr_names_the_states():
    pair, _, _ = joined()
    pair.first.write(b"abc")
    assert "<MemoryTransport open of " in repr(pair.first)
    assert "3 bytes unsent" in repr(pair)


def test_a_producer_goes_on_after_our_direction_was_to_end() -> None:
    pair = connect(AccumulatingProtocol(), AccumulatingProtocol())
    transport = pair.first
    transport.registerProducer(NonStreamingProducer(transport), True)
    transport.loseWriteConnection()
    transport.write(b"the rest")
    pair.flush()
    assert pair.second.protocol.data == b"the rest" and not pair.second.protocol.closed
    transport.unregisterProducer()
    transport.write(b"dropped")
    pair.flush()
    assert pair.second.protocol.data == b"the rest" and pair.second.protocol.closed


def test_what_is_written_apart_may_arrive_apart() -> None:
    heard: list[bytes] = []

    class Slow(AccumulatingProtocol):
        def dataReceived(self, data: bytes) -> None:
            heard.append(data)
            self.transport.pauseProducing()

    pair = connect(AccumulatingProtocol(), Slow(), apart=True)
    for piece in (b"one", b"", b"three"):
        pair.first.write(piece)
    pair.first.loseConnection()
    pair.flush()
    assert heard == [b"one"]
    pair.second.resumeProducing()
    pair.flush()
    assert heard == [b"one", b"three"] and pair.second.protocol.closed


def test_what_both_sides_write_apart_arrives_apart() -> None:
    heard: list[bytes] = []

    class Answering(AccumulatingProtocol):
        def dataReceived(self, data: bytes) -> None:
            heard.append(data)
            if len(heard) < 9:
                self.transport.write(data[:1])
                self.transport.write(data[1:])

    pair = connect(Answering(), Answering(), apart=True)
    pair.first.write(b"abc")
    pair.second.write(b"xyz")
    pair.flush()
    assert heard[:6] == [b"abc", b"xyz", b"x", b"yz", b"a", b"bc"]
    assert b"" not in heard


def test_what_is_given_back_and_what_is_written_after_it_both_arrive() -> None:
    class Pausing(AccumulatingProtocol):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)
            pair.first.pauseProducing()

    # In one step the second hears something first, and stops what is on its way to the first.
    pair = connect(AccumulatingProtocol(), Pausing())
    pair.first.write(b"stop")
    pair.second.write(b"one ")
    pair.pump()
    pair.second.write(b"two ")
    pair.second.write(b"three")
    pair.first.resumeProducing()
    pair.flush()
    assert pair.first.protocol.data == b"one two three"


def test_pieces_may_change_their_size_on_the_way() -> None:
    heard: list[bytes] = []
    pair = connect(AccumulatingProtocol(), AccumulatingProtocol(), chunk=1, apart=True)
    pair.second.protocol.dataReceived = heard.append
    pair.first.write(b"abc")
    pair.pump()
    pair.chunk = None
    pair.first.write(b"de")
    pair.first.write(b"f")
    pair.flush()
    assert heard == [b"a", b"bc", b"de", b"f"]
