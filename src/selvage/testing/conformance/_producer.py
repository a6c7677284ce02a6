"""What a producer promises its consumer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.testing.conformance._case import Bench, Contract, broken
from selvage.testing.conformance._parts import describe_difference, provide

__all__ = ["PRODUCER", "Consumer", "ProducerBench"]

#: Times that a pull producer is asked before it is taken to have no end.
_ENDLESS = 100_000


class Consumer:
    """A consumer that keeps what it is given.

    Attributes:
        producer, streaming: what `registerProducer` was given last.
        calls: the names of the calls that were not writes, in order.
        pieces: what was written; late: what was written though nobody was registered.
        on_write: called with this consumer from within `write`, or None.
    """

    def __init__(self) -> None:
        self.producer: Any = None
        self.streaming: Any = None
        self.calls: list[str] = []
        self.pieces: list[Any] = []
        self.late: list[Any] = []
        self.on_write: Callable[[Consumer], object] | None = None
        self._registered = False
        provide(self, "IConsumer")

    @property
    def finished(self) -> bool:
        """Whether a producer came and left."""
        return "unregisterProducer" in self.calls

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Keep the producer."""
        self.calls.append("registerProducer")
        self.producer, self.streaming = producer, streaming
        self._registered = True

    def unregisterProducer(self) -> None:
        """Note it."""
        self.calls.append("unregisterProducer")
        self._registered = False

    def write(self, data: bytes) -> None:
        """Keep it."""
        (self.pieces if self._registered else self.late).append(data)
        if self.on_write is not None:
            self.on_write(self)


class ProducerBench(Bench):
    """A producer and the consumer that keeps what it writes.

    Args:
        start: called with a consumer, begins to produce for it; registers the producer there, before it returns or later.
        advance: lets the producer's world go on by a little; not needed by one that only works when asked.
        expected: what it produces in all, or None when that is not known.
    """

    def __init__(
        self,
        start: Callable[[Any], object],
        advance: Callable[[], object] = lambda: False,
        *,
        expected: bytes | None = None,
        **options: Any,
    ) -> None:
        super().__init__(advance, **options)
        self._start = start
        self._expected = expected
        self.consumer = Consumer()

    def start(self) -> Consumer:
        """Begin, and wait for the producer to register."""
        self._start(self.consumer)
        self.wait(lambda: self.consumer.producer, "registerProducer was not called")
        return self.consumer

    def drive(self, asking: Callable[[], object] = lambda: None) -> None:
        """Let it produce until it unregisters; a pull producer is asked again and again.

        Args:
            asking: called before each turn.
        """
        consumer = self.consumer
        for _ in range(_ENDLESS):
            if consumer.finished:
                return
            count = len(consumer.pieces)
            asking()
            if not consumer.streaming:
                consumer.producer.resumeProducing()
            self.goes_on(count, "it was asked to go on, and neither wrote nor unregistered")
        broken(
            f"it has not unregistered after {_ENDLESS:,} turns; one without an end is checked without 'finishing'"
        )

    def goes_on(self, count: int, otherwise: str) -> None:
        """Wait until it has written more than so many pieces, or has left."""
        self.wait(lambda: self.consumer.finished or len(self.consumer.pieces) > count, otherwise)

    def is_complete(self) -> None:
        got = b"".join(self.consumer.pieces)
        if self._expected is not None and got != self._expected:
            broken(describe_difference(self._expected, got))

    def close(self) -> None:
        """Stop it, unless it left."""
        if self.consumer.producer is not None and not self.consumer.finished:
            self.consumer.producer.stopProducing()


PRODUCER = Contract("producer", ProducerBench)


@PRODUCER.promise()
def it_registers_once_and_can_be_told(bench: ProducerBench) -> None:
    """It registers once, and has the methods that its kind of producer is told by."""
    consumer = bench.start()
    wanted = ["resumeProducing", "stopProducing", *(["pauseProducing"] if consumer.streaming else [])]
    missing = [name for name in wanted if not callable(getattr(consumer.producer, name, None))]
    if missing:
        broken(f"{consumer.producer!r} has no {', '.join(missing)}")
    bench.settle()
    if consumer.calls.count("registerProducer") != 1:
        broken(f"the consumer was told {consumer.calls}")


@PRODUCER.promise("finishing")
def it_produces_all_and_leaves(bench: ProducerBench) -> None:
    """It writes all it has, in bytes, and then unregisters, once, and never writes again."""
    consumer = bench.start()
    bench.drive()
    bench.settle()
    wrong = [piece for piece in consumer.pieces if not isinstance(piece, bytes)]
    if wrong:
        broken(f"it wrote {wrong[0]!r:.60}")
    bench.is_complete()
    if consumer.calls != ["registerProducer", "unregisterProducer"] or consumer.late:
        late = f"{len(consumer.late)} pieces came while none was registered"
        broken(f"the consumer was told {consumer.calls}, and {late}")


@PRODUCER.promise()
def a_pull_producer_writes_when_it_is_asked(bench: ProducerBench) -> None:
    """A pull producer writes nothing before it is asked, and once asked writes or unregisters."""
    consumer = bench.start()
    if consumer.streaming:
        return
    bench.settle()
    if consumer.pieces:
        broken("it wrote before resumeProducing was called")
    consumer.producer.resumeProducing()
    bench.goes_on(0, "it was asked, and neither wrote nor unregistered")
    count = len(consumer.pieces)
    bench.settle()
    if len(consumer.pieces) != count:
        broken("it went on writing without being asked again")


@PRODUCER.promise()
def a_paused_producer_writes_nothing(bench: ProducerBench) -> None:
    """A push producer writes nothing between pauseProducing and resumeProducing, and goes on afterwards."""
    consumer = bench.start()
    if not consumer.streaming:
        return
    consumer.producer.pauseProducing()
    consumer.producer.pauseProducing()
    count = len(consumer.pieces)
    bench.settle()
    if len(consumer.pieces) != count or (consumer.finished and count == 0):
        broken("it went on while it was paused")
    consumer.producer.resumeProducing()
    bench.goes_on(count, "it was resumed, and neither wrote nor unregistered")


@PRODUCER.promise("finishing")
def pausing_at_every_write_loses_nothing(bench: ProducerBench) -> None:
    """Paused from within each write, as full transports do, a push producer writes one piece at a time and loses none."""
    consumer = bench.start()
    if not consumer.streaming:
        return
    paused, greedy = [True], [0]
    consumer.producer.pauseProducing()

    def pause(me: Consumer) -> None:
        greedy[0] += paused[0]
        paused[0] = True
        me.producer.pauseProducing()

    def resume() -> None:
        paused[0] = False
        consumer.producer.resumeProducing()

    consumer.on_write = pause
    bench.drive(resume)
    bench.is_complete()
    if greedy[0]:
        broken(f"it wrote {greedy[0]} times although it had been paused from within the write before")


@PRODUCER.promise()
def a_stopped_producer_writes_nothing(bench: ProducerBench) -> None:
    """After stopProducing nothing is written."""
    consumer = bench.start()
    consumer.producer.stopProducing()
    count = len(consumer.pieces) + len(consumer.late)
    bench.settle()
    if len(consumer.pieces) + len(consumer.late) != count:
        broken("it wrote after stopProducing")
