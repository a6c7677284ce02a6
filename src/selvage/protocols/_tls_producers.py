"""Between a producer and the two who may want to slow it down: TLS, and the transport below TLS.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from selvage.failure import Failure, report
from selvage.interfaces import IPushProducer, implementer
from selvage.tasks import cooperate

__all__ = ["_AggregateSmallWrites", "_ProducerMembrane", "_PullToPush"]


@implementer(IPushProducer)
class _PullToPush:
    """Makes a pull producer a push producer: asks it for one piece after the other, until it is paused or stopped.

    Args:
        pullProducer: unregisters itself from `consumer` when it is done; then `stopStreaming` has to be called.
    """

    _finished = False

    def __init__(self, pullProducer: Any, consumer: Any) -> None:
        self._producer = pullProducer
        self._consumer = consumer
        self._coopTask: Any = None

    def _pull(self) -> Iterator[None]:
        while True:
            try:
                self._producer.resumeProducing()
            except BaseException:
                self._failed("resumeProducing", self._producer)
                try:
                    self._consumer.unregisterProducer()
                except BaseException:
                    self._failed("unregisterProducer", self._consumer)
                    self._finished = True
                return
            yield None

    def _failed(self, method: str, whose: Any) -> None:
        report(
            Failure(),
            f"Unhandled error while calling {method} on {whose!r}: its data ends here",
            source="protocol",
            producer=self._producer,
        )

    def startStreaming(self) -> None:
        """Begin; called once."""
        self._coopTask = cooperate(self._pull())

    def stopStreaming(self) -> None:
        """End for good; may be called again."""
        if not self._finished:
            self._finished = True
            self._coopTask.stop()

    def pauseProducing(self) -> None:
        """Ask for nothing until `resumeProducing`."""
        self._coopTask.pause()

    def resumeProducing(self) -> None:
        """Ask again."""
        self._coopTask.resume()

    def stopProducing(self) -> None:
        """End, and tell the producer."""
        self.stopStreaming()
        self._producer.stopProducing()


@implementer(IPushProducer)
class _ProducerMembrane:
    """Lets through to a push producer only what changes something, as two sides pause and resume it without knowing of each other."""

    _producerPaused = False

    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def pauseProducing(self) -> None:
        """Pause the producer, unless it is paused."""
        if not self._producerPaused:
            self._producerPaused = True
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        """Resume the producer, if it is paused."""
        if self._producerPaused:
            self._producerPaused = False
            self._producer.resumeProducing()

    def stopProducing(self) -> None:
        """Stop the producer."""
        self._producer.stopProducing()


class _AggregateSmallWrites:
    """Gathers what is written in one turn, because each record that TLS makes of it costs the same, however small.

    Args:
        write: takes the joined bytes.
        clock: an `IReactorTime`, on which the turn ends.
    """

    #: What is more than this leaves at once, in bytes: four records, beyond which joining gains nothing.
    MAX_BUFFER_SIZE = 64 * 1024

    def __init__(self, write: Callable[[bytes], object], clock: Any) -> None:
        self._write = write
        self._clock = clock
        self._pieces: list[bytes] = []
        self._scheduled: Any = None
        #: How many bytes wait.
        self.waiting = 0

    def write(self, data: bytes) -> None:
        """Take bytes, to be written when the turn is over."""
        self.gather(data)
        if self._pieces and self._scheduled is None:
            self._scheduled = self._clock.callLater(0, self._turn_is_over)

    def gather(self, data: bytes) -> None:
        """Take bytes, to be written at `flush`, which the caller will call."""
        self._pieces.append(data)
        self.waiting += len(data)
        if self.waiting > self.MAX_BUFFER_SIZE:
            self.flush()

    def _turn_is_over(self) -> None:
        self._scheduled = None
        self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self.waiting = 0
            self._write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def discard(self) -> None:
        """Forget what waits, and who would take it: nobody can any more."""
        self._write = _to_nobody
        self._pieces.clear()
        self.waiting = 0
        scheduled, self._scheduled = self._scheduled, None
        if scheduled is not None:
            scheduled.cancel()


def _to_nobody(data: bytes) -> None:
    """Stand in for a connection that is lost."""
