"""Faults between two protocols in memory: what each does, and that it does it again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from zope.interface import implementer

from selvage.errors import ConnectionAborted, ConnectionDone, ConnectionLost
from selvage.failure import Failure
from selvage.interfaces import IHalfCloseableProtocol
from selvage.protocols import Protocol
from selvage.protocols.basic import LineReceiver
from selvage.tasks import Clock
from selvage.testing import NonStreamingProducer, Pair, StringTransport
from selvage.testing.faults import Bandwidth, Corrupt, Cut, Delay, FaultPlan, Fragment, HalfClose, Stall

LONG = bytes(range(256)) * 8


class Talker(Protocol):
    """Says something when connected; keeps what it hears, piece by piece."""

    def __init__(self, says: bytes = b"", then_close: bool = False) -> None:
        self.says = says
        self.then_close = then_close
        self.pieces: list[bytes] = []
        self.reason: Failure | None = None

    @property
    def heard(self) -> bytes:
        return b"".join(self.pieces)

    def connectionMade(self) -> None:
        if self.says:
            self.transport.write(self.says)
        if self.then_close:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        self.pieces.append(data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        assert self.reason is None, "told twice"
        self.reason = reason


@implementer(IHalfCloseableProtocol)
class HalfTalker(Talker):
    read_ended = write_ended = 0

    def readConnectionLost(self) -> None:
        self.read_ended += 1

    def writeConnectionLost(self) -> None:
        self.write_ended += 1


def play(plan: FaultPlan, first: Any, second: Any) -> Pair:
    pair = plan.connect(first, second)
    plan.settle(pair)
    return pair


def test_without_faults_a_plan_changes_nothing() -> None:
    first, second = Talker(b"ping"), Talker(b"pong")
    pair = play(FaultPlan(), first, second)
    assert (first.heard, second.heard) == (b"pong", b"ping")
    first.transport.loseConnection()
    pair.flush()
    assert first.reason.check(ConnectionDone) and second.reason.check(ConnectionDone)


@pytest.mark.parametrize("direction", ["sent", "received"])
def test_cut_delivers_what_came_before_it_and_breaks_both_sides(direction: Any) -> None:
    plan = FaultPlan(Cut(at=5, direction=direction), seed=1)
    first, second = Talker(b"hello world"), Talker(b"hello world")
    play(plan, first, second)
    assert {"sent": second, "received": first}[direction].heard == b"hello"
    assert second.reason.check(ConnectionLost) and first.reason.check(ConnectionLost)
    assert "cut by FaultPlan" in str(first.reason.value)
    assert [(each.fault, each.target, each.direction, each.at) for each in plan.records] == [
        ("cut", "connection 1", direction, 5)
    ]


def test_cut_of_what_is_sent_waits_until_the_other_side_takes_what_came_before() -> None:
    first, second = Talker(b"hello world"), Talker()
    pair = FaultPlan(Cut(at=5, direction="sent"), seed=1).connect(first, second)
    pair.second.pauseProducing()
    pair.flush()
    first.transport.write(b"dropped")
    first.transport.loseConnection()
    second.transport.write(b"too late")
    pair.flush()
    assert (first.heard, second.heard, first.reason) == (b"", b"", None)
    pair.second.resumeProducing()
    pair.flush()
    assert second.heard == b"hello"
    assert second.reason.check(ConnectionLost) and "cut by FaultPlan" in str(first.reason.value)


@pytest.mark.parametrize("end", ["loseConnection", "abortConnection"])
def test_who_leaves_before_the_cut_has_struck_is_told_of_the_cut(end: str) -> None:
    first, second = Talker(b"hello world"), Talker()
    pair = FaultPlan(Cut(at=5, direction="sent"), seed=1).connect(first, second)
    pair.second.pauseProducing()
    getattr(second.transport, end)()
    pair.flush()
    assert "cut by FaultPlan" in str(first.reason.value)


def test_abort_before_the_cut_has_struck_is_an_abort() -> None:
    first, second = Talker(b"hello world"), Talker()
    pair = FaultPlan(Cut(at=5, direction="sent"), seed=1).connect(first, second)
    first.transport.abortConnection()
    pair.flush()
    assert (second.heard, first.reason.type) == (b"", ConnectionAborted)


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("late", [True, False])
def test_cut_of_what_is_sent_holds_a_producer_and_stops_it(streaming: bool, late: bool) -> None:
    class Endless:
        stopped = paused = False
        asked = 0

        def resumeProducing(self) -> None:
            self.asked += 1
            assert self.asked < 100, "asked for what nobody hears"
            first.transport.write(b"abc")

        def pauseProducing(self) -> None:
            self.paused = True

        def stopProducing(self) -> None:
            self.stopped = True

    first, second = Talker(), Talker()
    pair = FaultPlan(Cut(at=5, direction="sent"), seed=1).connect(first, second)
    pair.second.pauseProducing()
    producer = Endless()
    if late:
        first.transport.write(b"hello world")
    first.transport.registerProducer(producer, streaming)
    first.transport.write(b"hello world")
    pair.flush()
    assert producer.paused is streaming and not producer.stopped
    pair.second.resumeProducing()
    pair.flush()
    assert second.heard == (b"hello" if late or streaming else b"abcab")
    assert producer.stopped and first.reason.check(ConnectionLost)


def test_a_producer_that_is_done_before_the_cut_has_struck_is_not_stopped() -> None:
    first, second = Talker(), Talker()
    pair = FaultPlan(Cut(at=5, direction="sent"), seed=1).connect(first, second)
    pair.second.pauseProducing()
    fountain = Fountain(first.transport, 1)
    first.transport.registerProducer(fountain, True)
    first.transport.write(b"hello world")
    first.transport.unregisterProducer()
    fountain.left = 7
    pair.flush()
    pair.second.resumeProducing()
    pair.flush()
    assert (second.heard, fountain.left) == (b"hello", 7)
    assert first.reason.check(ConnectionLost) and second.reason.check(ConnectionLost)


def test_corrupt_changes_one_bit_of_one_byte_and_says_which() -> None:
    plan = FaultPlan(Corrupt(at=(0, len(LONG) - 1), direction="sent"), seed=3)
    second = Talker()
    play(plan, Talker(LONG), second)
    wrong = [at for at in range(len(LONG)) if second.heard[at] != LONG[at]]
    (record,) = plan.records
    assert wrong == [record.at]
    before, after = LONG[wrong[0]], second.heard[wrong[0]]
    assert (before ^ after).bit_count() == 1
    assert record.detail == f"{before:#04x} became {after:#04x}"


def test_corrupt_several_bytes() -> None:
    second = Talker()
    play(FaultPlan(Corrupt(at=(0, len(LONG) - 1), count=9, direction="sent"), seed=3), Talker(LONG), second)
    assert sum(a != b for a, b in zip(LONG, second.heard, strict=True)) == 9


def test_delay_keeps_the_order_and_takes_its_time() -> None:
    clock = Clock()
    plan = FaultPlan(Delay((1, 2), direction="sent"), seed=5, clock=clock)
    first, second = Talker(b"one"), Talker()
    pair = plan.connect(first, second)
    first.transport.write(b"two")
    pair.flush()
    assert second.heard == b""
    clock.advance(0.99)
    pair.flush()
    assert second.heard == b""
    plan.settle(pair)
    assert second.heard == b"onetwo"
    assert 1 <= clock.seconds() <= 2


def test_the_news_of_an_end_comes_after_what_was_sent_before_it() -> None:
    clock = Clock()
    plan = FaultPlan(Delay(1, direction="received"), seed=5, clock=clock)
    first, second = Talker(), Talker(b"last words", then_close=True)
    pair = plan.connect(first, second)
    pair.flush()
    assert (first.heard, first.reason) == (b"", None)
    plan.settle(pair)
    assert first.heard == b"last words"
    assert first.reason.check(ConnectionDone)


def test_who_closes_hears_of_it_though_much_is_under_way() -> None:
    clock = Clock()
    plan = FaultPlan(Delay(1), seed=5, clock=clock)
    first, second = Talker(b"sent in the end", then_close=True), Talker(b"never heard")
    plan.settle(plan.connect(first, second))
    assert second.heard == b"sent in the end"
    assert first.reason.check(ConnectionDone) and second.reason.check(ConnectionDone)


def test_fragment_gives_one_byte_at_a_time() -> None:
    first = Talker()
    play(FaultPlan(Fragment(), seed=1), first, Talker(b"abc"))
    assert first.pieces == [b"a", b"b", b"c"]


def test_fragment_sends_one_byte_at_a_time() -> None:
    second = Talker()
    play(FaultPlan(Fragment(), seed=1), Talker(b"abc"), second)
    assert second.pieces == [b"a", b"b", b"c"]


def test_fragment_with_pauses_sends_bytes_apart() -> None:
    clock = Clock()
    plan = FaultPlan(Fragment(pause=0.5, direction="sent"), seed=1, clock=clock)
    second = Talker()
    play(plan, Talker(b"abcd"), second)
    assert second.pieces == [b"a", b"b", b"c", b"d"]
    assert clock.seconds() == pytest.approx(1.5)


def test_a_paused_protocol_without_a_clock_gets_the_rest_when_it_resumes() -> None:
    class Slow(Talker):
        def dataReceived(self, data: bytes) -> None:
            super().dataReceived(data)
            self.transport.pauseProducing()

    first = Slow()
    pair = play(FaultPlan(Fragment(), seed=1), first, Talker(b"abc"))
    assert first.pieces == [b"a"]
    first.transport.resumeProducing()
    first.transport.resumeProducing()
    pair.flush()
    assert first.pieces == [b"a", b"b", b"c"]


def test_bandwidth_takes_as_long_as_the_bytes_need() -> None:
    clock = Clock()
    plan = FaultPlan(Bandwidth(100, direction="sent"), seed=1, clock=clock)
    second = Talker()
    play(plan, Talker(b"x" * 1000), second)
    assert len(second.heard) == 1000
    assert clock.seconds() == pytest.approx(10)
    assert max(map(len, second.pieces)) == 10


def test_a_bandwidth_may_be_drawn() -> None:
    clock = Clock()
    plan = FaultPlan(Bandwidth((100, 200), direction="received"), seed=1, clock=clock)
    first, second = Talker(), Talker(bytes(1000))
    play(plan, first, second)
    assert first.heard == bytes(1000)
    assert 5 < clock.seconds() < 10


def test_stall_for_ever_tells_nothing_more() -> None:
    plan = FaultPlan(Stall(at=3, direction="received"), seed=1)
    first, second = Talker(), Talker(b"hello", then_close=True)
    pair = play(plan, first, second)
    assert second.reason.check(ConnectionDone)
    assert (first.heard, first.reason) == (b"hel", None)
    # What a timeout in the protocol does.
    first.transport.loseConnection()
    pair.flush()
    assert first.reason.check(ConnectionDone)


def test_stall_for_a_while_holds_everything_back() -> None:
    clock = Clock()
    plan = FaultPlan(Stall(at=3, seconds=60, direction="received"), seed=1, clock=clock)
    first = Talker()
    pair = plan.connect(first, Talker(b"hello", then_close=True))
    pair.flush()
    assert first.heard == b"hel"
    clock.advance(59)
    assert first.heard == b"hel"
    plan.settle(pair)
    assert first.heard == b"hello"
    assert first.reason.check(ConnectionDone)


def test_half_close_ends_one_direction_only() -> None:
    first, second = HalfTalker(), HalfTalker(b"hello world")
    pair = play(FaultPlan(HalfClose(at=5, direction="received"), seed=1), first, second)
    assert (first.heard, first.read_ended, first.reason) == (b"hello", 1, None)
    first.transport.write(b"still here")
    pair.flush()
    assert second.heard == b"still here"


def test_half_close_of_what_is_sent() -> None:
    first, second = HalfTalker(b"hello world"), HalfTalker(b"answer")
    play(FaultPlan(HalfClose(at=5, direction="sent"), seed=1), first, second)
    assert (second.heard, second.read_ended) == (b"hello", 1)
    assert (first.heard, first.reason) == (b"answer", None)


def test_half_close_does_not_wait_for_a_producer() -> None:
    first, second = HalfTalker(), HalfTalker()
    pair = FaultPlan(HalfClose(at=5, direction="sent"), seed=1).connect(first, second)
    first.transport.registerProducer(Fountain(first.transport, 1), True)
    first.transport.write(b"hello world")
    pair.flush()
    assert (second.heard, second.read_ended) == (b"hello", 1)
    second.transport.write(b"still here")
    first.transport.write(b"lost")
    first.transport.unregisterProducer()
    pair.flush()
    assert (first.heard, second.heard, first.reason) == (b"still here", b"hello", None)


@pytest.mark.parametrize("fault", [Delay(1), Delay(1, direction="received")])
def test_who_finishes_waits_for_its_producer(fault: Delay) -> None:
    clock = Clock()
    plan = FaultPlan(fault, seed=1, clock=clock)
    first, second = HalfTalker(), HalfTalker()
    pair = plan.connect(first, second)
    first.transport.registerProducer(Fountain(first.transport, 1), True)
    first.transport.loseWriteConnection()
    first.transport.write(b"the rest")
    plan.settle(pair)
    assert (second.heard, second.read_ended) == (b"the rest", 0)
    first.transport.unregisterProducer()
    plan.settle(pair)
    assert (second.heard, second.read_ended) == (b"the rest", 1)
    assert first.reason is second.reason is None


def test_half_close_closes_who_cannot_live_with_it() -> None:
    first, second = Talker(), Talker(b"hello world")
    play(FaultPlan(HalfClose(at=5, direction="received"), seed=1), first, second)
    assert first.heard == b"hello"
    assert first.reason.check(ConnectionDone) and second.reason.check(ConnectionDone)


def test_a_real_half_close_passes_in_order() -> None:
    clock = Clock()
    plan = FaultPlan(Delay(1), seed=1, clock=clock)
    first, second = HalfTalker(), HalfTalker(b"question")
    pair = plan.connect(first, second)
    second.transport.loseWriteConnection()
    pair.flush()
    assert (first.heard, first.read_ended) == (b"", 0)
    plan.settle(pair)
    assert (first.heard, first.read_ended) == (b"question", 1)
    first.transport.write(b"answer")
    first.transport.loseWriteConnection()
    first.transport.write(b"dropped")
    plan.settle(pair)
    assert (second.heard, second.read_ended) == (b"answer", 1)


def test_abort_loses_what_is_under_way() -> None:
    clock = Clock()
    plan = FaultPlan(Delay(1), seed=1, clock=clock)
    first, second = Talker(b"never arrives"), Talker()
    pair = plan.connect(first, second)
    first.transport.abortConnection()
    plan.settle(pair)
    assert second.heard == b""
    assert second.reason.check(ConnectionLost)
    assert clock.getDelayedCalls() == []


def test_nothing_arrives_at_a_paused_protocol() -> None:
    clock = Clock()
    plan = FaultPlan(Delay(1), seed=1, clock=clock)
    first, second = Talker(), Talker(b"one")
    pair = plan.connect(first, second)
    pair.flush()
    first.transport.pauseProducing()
    clock.advance(5)
    pair.flush()
    assert first.heard == b""
    first.transport.resumeProducing()
    assert first.heard == b"", "from within resumeProducing nothing comes"
    plan.settle(pair)
    assert first.heard == b"one"
    second.transport.write(b"two")
    plan.settle(pair)
    assert first.heard == b"onetwo"


def test_a_flood_behind_a_slow_line_is_held_at_its_source() -> None:
    clock = Clock()
    plan = FaultPlan(Bandwidth(1000), seed=1, clock=clock)
    first, second = Talker(), Talker(b"x" * 500_000)
    pair = plan.connect(first, second)
    pair.chunk = 10_000
    pair.flush()
    assert 400_000 < len(second.transport.unsent) < 450_000
    plan.settle(pair)
    assert len(first.heard) == 500_000


class Fountain:
    """A push producer that writes 10,000 bytes whenever it is told to go on, until it is told to pause."""

    def __init__(self, transport: Any, pieces: int) -> None:
        self.transport = transport
        self.left = pieces
        self.paused = False
        self.most = 0

    def resumeProducing(self) -> None:
        self.paused = False
        while self.left and not self.paused:
            self.left -= 1
            self.transport.write(b"x" * 10_000)
        if not self.left:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def pauseProducing(self) -> None:
        self.paused = True

    def stopProducing(self) -> None:
        self.left = 0


def test_a_push_producer_is_paused_while_much_is_under_way() -> None:
    clock = Clock()
    plan = FaultPlan(Bandwidth(100_000), seed=1, clock=clock)
    first, second = Talker(), Talker()
    pair = plan.connect(first, second)
    fountain = Fountain(first.transport, 50)
    first.transport.registerProducer(fountain, True)
    fountain.resumeProducing()
    assert fountain.left == 43
    plan.settle(pair)
    assert len(second.heard) == 500_000
    assert second.reason.check(ConnectionDone)
    assert clock.seconds() == pytest.approx(5)


def test_a_pull_producer_is_asked_when_nothing_is_under_way() -> None:
    clock = Clock()
    plan = FaultPlan(Delay(1), seed=1, clock=clock)
    first, second = Talker(), Talker()
    pair = plan.connect(first, second)
    producer = NonStreamingProducer(first.transport)
    first.transport.registerProducer(producer, False)
    pair.flush()
    assert producer.counter == 1
    plan.settle(pair)
    assert second.heard == b"0123456789"
    assert clock.seconds() == pytest.approx(10)


def test_a_protocol_that_raises_loses_its_connection_and_nothing_else() -> None:
    class Touchy(Talker):
        def dataReceived(self, data: bytes) -> None:
            raise ValueError("not today")

    clock = Clock()
    plan = FaultPlan(Delay(1, direction="received"), seed=1, clock=clock)
    first, second = Touchy(), Talker(b"hello")
    from selvage.failure import subscribe, unsubscribe

    reports: list[Any] = []
    subscribe(reports.append)
    try:
        plan.settle(plan.connect(first, second))
    finally:
        unsubscribe(reports.append)
    assert [type(each.failure.value) for each in reports] == [ValueError]
    assert first.reason is not None and second.reason.check(ConnectionLost)


def test_text_is_refused_as_by_any_transport() -> None:
    plan = FaultPlan(Cut(0.5), seed=1)
    protocol = plan.protocol(Talker())
    protocol.makeConnection(StringTransport())
    with pytest.raises(TypeError, match="must be bytes, not str"):
        protocol.write("text")  # type: ignore[arg-type]


# --- Again ---------------------------------------------------------------------------------------------------------

MANY = (
    Cut(0.3, (0, 3000)),
    Corrupt(0.5, (0, 3000), 3),
    Delay((0, 2)),
    Fragment((1, 700)),
    Stall(0.2, (0, 3000), 5),
)


def story(seed: int, *faults: Any, cut_into: int = 0) -> Any:
    clock = Clock()
    plan = FaultPlan(*(faults or MANY), seed=seed, clock=clock)
    told = []
    for _ in range(5):
        first, second = Talker(LONG), Talker(LONG)
        pair = plan.connect(first, second, chunk=cut_into or None)
        plan.settle(pair)
        told.append((first.heard, second.heard))
    return told, list(plan.records)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_the_same_seed_does_the_same(seed: int) -> None:
    assert story(seed) == story(seed)


def test_another_seed_does_something_else() -> None:
    assert story(1) != story(2)


def test_the_seed_is_not_the_machine() -> None:
    """What this seed deals is dealt in every process, on every machine, by every version of Python."""
    plan = FaultPlan(Cut(0.5, (0, 1000)), seed=42)
    for _ in range(8):
        play(plan, Talker(LONG), Talker(LONG))
    assert [(each.target, each.direction, each.at) for each in plan.records] == RECORDED


RECORDED = [
    ("connection 1", "received", 850),
    ("connection 3", "sent", 655),
    ("connection 5", "sent", 835),
    ("connection 6", "received", 646),
]


@pytest.mark.slow
def test_how_the_stream_is_cut_into_pieces_makes_no_difference() -> None:
    def outcome(chunk: int | None) -> Any:
        faults = (HalfClose(0.3, (0, 3000)), Cut(0.3, (0, 3000)), Corrupt(0.5, (0, 3000), 3))
        plan = FaultPlan(*faults, seed=9)
        heard = []
        for _ in range(10):
            first = Talker()
            plan.settle(plan.connect(first, Talker(LONG), chunk=chunk))
            heard.append(first.heard)
        return heard, sorted(plan.records, key=str)

    whole = outcome(None)
    assert {each.fault for each in whole[1]} == {"cut", "corrupt", "half-close"}
    assert outcome(1) == outcome(7) == outcome(1000) == whole


def test_one_more_fault_leaves_the_others_where_they_were() -> None:
    def cuts(*faults: Any) -> Any:
        plan = FaultPlan(*faults, seed=4, clock=Clock())
        for _ in range(10):
            plan.settle(plan.connect(Talker(LONG), Talker()))
        return [(each.target, each.at) for each in plan.records if each.fault == "cut"]

    cut = Cut(0.5, (0, 1000), direction="sent")
    assert cuts(cut) == cuts(Delay(1), cut) == cuts(Fragment(16), cut, Corrupt())
    assert 0 < len(cuts(cut)) < 10


# --- A protocol that uses it, and finds what it should ------------------------------------------------------------


def test_lines_survive_whatever_does_not_change_bytes() -> None:
    class Lines(LineReceiver):
        delimiter = b"\n"

        def __init__(self) -> None:
            self.lines: list[bytes] = []

        def lineReceived(self, line: bytes) -> None:
            self.lines.append(line)

    for seed in range(20):
        receiver = Lines()
        plan = FaultPlan(Fragment((1, 5)), Delay((0, 1)), seed=seed, clock=Clock())
        with plan:
            plan.settle(plan.connect(receiver, Talker(b"one\ntwo\n\nthree\n")))
            assert receiver.lines == [b"one", b"two", b"", b"three"]
