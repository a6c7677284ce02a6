"""The producer contract: producers of ours keep it, and spoilt ones are found out."""

from __future__ import annotations

from io import BytesIO

import pytest

from selvage.protocols import Protocol
from selvage.protocols.basic import FileSender
from selvage.tasks import Clock
from selvage.testing import NonStreamingProducer, connect
from selvage.testing.conformance import ContractBroken, PromiseBroken, cases, check_producer
from selvage.testing.conformance._parts import pattern

DATA = pattern(200_000)
PIECES = [DATA[at : at + 10_000] for at in range(0, len(DATA), 10_000)]


class Pull:
    """A pull producer as it should be."""

    def __init__(self, consumer):
        self.consumer = consumer
        self.pieces = iter(PIECES)
        consumer.registerProducer(self, False)

    def resumeProducing(self):
        piece = next(self.pieces, None)
        if piece is None:
            self.consumer.unregisterProducer()
        else:
            self.consumer.write(piece)

    def stopProducing(self):
        self.pieces = iter(())
        self.consumer.unregisterProducer()


class Push:
    """A push producer as it should be: a piece for each tick of its clock."""

    def __init__(self, consumer, clock):
        self.consumer = consumer
        self.clock = clock
        self.pieces = list(PIECES)
        self.call = None
        consumer.registerProducer(self, True)
        self.resumeProducing()

    def tick(self):
        self.call = None
        if self.pieces:
            self.consumer.write(self.pieces.pop(0))
        if not self.pieces:
            self.leave()
        elif self.call is None and not self.paused:
            self.call = self.clock.callLater(1, self.tick)

    def leave(self):
        self.consumer.unregisterProducer()

    def pauseProducing(self):
        self.paused = True
        if self.call is not None:
            self.call.cancel()
            self.call = None

    def resumeProducing(self):
        self.paused = False
        if self.call is None and self.pieces:
            self.call = self.clock.callLater(1, self.tick)

    def stopProducing(self):
        self.pauseProducing()
        self.pieces = []


def with_clock(kind):
    """The arguments of a check for a producer that works by a clock."""
    clock = Clock()
    return (lambda consumer: kind(consumer, clock)), lambda: clock.advance(1)


class Forwarder(Protocol):
    """What is received on a connection is written to a consumer, whose producer is the connection."""

    def __init__(self, consumer):
        self.consumer = consumer

    def connectionMade(self):
        self.consumer.registerProducer(self.transport, True)

    def dataReceived(self, data):
        self.consumer.write(data)

    def connectionLost(self, reason):
        self.consumer.unregisterProducer()


def with_transport():
    """The arguments of a check for a transport as a producer."""
    pairs = []

    def start(consumer):
        source = Protocol()
        pairs.append(connect(Forwarder(consumer), source, chunk=10_000))
        source.transport.write(DATA)
        source.transport.loseConnection()

    return start, lambda: pairs[0].pump()


SUBJECTS = {
    "pull": lambda: (Pull,),
    "push": lambda: with_clock(Push),
    "file": lambda: (lambda consumer: FileSender().beginFileTransfer(BytesIO(DATA), consumer),),
    "transport": with_transport,
}


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("case", cases("producer"), ids=str)
def test_ours(name, case):
    case.run(*SUBJECTS[name](), expected=DATA)


def test_one_that_does_not_register_itself_is_registered_by_who_starts_it():
    check_producer(
        lambda consumer: consumer.registerProducer(NonStreamingProducer(consumer), False),
        expected=b"0123456789",
    )


def test_one_without_an_end_is_checked_without_finishing():
    class Endless(Pull):
        def __init__(self, consumer):
            super().__init__(consumer)
            self.pieces = iter(lambda: b"on and on", None)

    check_producer(Endless, without=["finishing"])


class RegistersTwice(Pull):
    def __init__(self, consumer):
        super().__init__(consumer)
        consumer.registerProducer(self, False)


class CannotBeStopped(Pull):
    stopProducing = None


class LosesTheLast(Pull):
    def __init__(self, consumer):
        super().__init__(consumer)
        self.pieces = iter(PIECES[:-1])


class LeavesTwice(Push):
    def leave(self):
        super().leave()
        super().leave()


class WritesAfterLeaving(Push):
    def leave(self):
        super().leave()
        self.consumer.write(b"postscript")


class WritesText(Pull):
    def __init__(self, consumer):
        super().__init__(consumer)
        self.pieces = iter(["text"])


class NeverLeaves(Push):
    def leave(self):
        pass


class BeginsUnasked(Pull):
    def __init__(self, consumer):
        super().__init__(consumer)
        self.resumeProducing()


class DoesNothingWhenAsked(Pull):
    def resumeProducing(self):
        pass


class CannotBePaused(Push):
    def pauseProducing(self):
        pass


class CannotBeResumed(Push):
    def __init__(self, consumer, clock):
        super().__init__(consumer, clock)
        self.resumeProducing = lambda: None


class FinishesItsBatch(Push):
    """It writes two pieces at a time and looks for pauses only between."""

    def tick(self):
        self.call = None
        for _ in range(2):
            self.consumer.write(self.pieces.pop(0))
        if not self.pieces:
            self.leave()
        elif not self.paused:
            self.call = self.clock.callLater(1, self.tick)


class ForgetsWhenPaused(Push):
    def pauseProducing(self):
        if self.call is None:
            self.pieces = self.pieces[1:]
        super().pauseProducing()


class CannotStop(Push):
    def stopProducing(self):
        pass


FAULTS = [
    (RegistersTwice, "it_registers_once_and_can_be_told"),
    (CannotBeStopped, "it_registers_once_and_can_be_told"),
    (LosesTheLast, "it_produces_all_and_leaves"),
    (LeavesTwice, "it_produces_all_and_leaves"),
    (WritesAfterLeaving, "it_produces_all_and_leaves"),
    (WritesText, "it_produces_all_and_leaves"),
    (NeverLeaves, "it_produces_all_and_leaves"),
    (BeginsUnasked, "a_pull_producer_writes_when_it_is_asked"),
    (DoesNothingWhenAsked, "a_pull_producer_writes_when_it_is_asked"),
    (CannotBePaused, "a_paused_producer_writes_nothing"),
    (CannotBeResumed, "a_paused_producer_writes_nothing"),
    (FinishesItsBatch, "pausing_at_every_write_loses_nothing"),
    (ForgetsWhenPaused, "pausing_at_every_write_loses_nothing"),
    (CannotStop, "a_stopped_producer_writes_nothing"),
]


def subject(spoilt):
    return with_clock(spoilt) if issubclass(spoilt, Push) else (spoilt,)


@pytest.mark.parametrize(("spoilt", "name"), FAULTS)
def test_a_fault_is_found_by_the_case_that_names_it(spoilt, name):
    [case] = [case for case in cases("producer") if case.name == name]
    with pytest.raises(PromiseBroken, match=name) as caught:
        case.run(*subject(spoilt), expected=DATA, patience_s=0.05)
    assert "was raised:" not in caught.value.how


def test_each_case_has_a_fault_that_it_finds():
    assert {name for _, name in FAULTS} == {case.name for case in cases("producer")}


def test_one_that_never_registers_is_found_at_once():
    with pytest.raises(ContractBroken, match="registerProducer was not called"):
        check_producer(lambda consumer: None)
