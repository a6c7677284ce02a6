"""A man in the middle between a producer and a consumer.  Floor 3.

    proxy = ProducerConsumerProxy(transport)   # the transport's producer
    proxy.registerProducer(source, True)       # ... and the source's consumer

To the consumer it looks like its producer, to the producer like its consumer.  Subclasses look at what passes, hold it
back (`selvage.protocols.htb`) or change it.  What is written may be bytes or text, whichever the consumer takes.

Twisted: `twisted.protocols.pcp`.
"""

from __future__ import annotations

from typing import Any

from selvage._publish import publish
from selvage.interfaces import IConsumer, IProducer, implementer

__all__ = ["BasicProducerConsumerProxy", "ProducerConsumerProxy"]


@implementer(IProducer, IConsumer)
class BasicProducerConsumerProxy:
    """Passes everything on, and keeps what is written while it must not send.

    Args:
        consumer: where to send; this proxy is registered with it.  None when there is none yet.
    """

    #: Where to send.
    consumer: Any = None
    #: Who writes here.
    producer: Any = None
    #: Whether that is a push producer.
    producerIsStreaming: Any = None
    #: As a producer: a push producer (True) sends unless it is paused, a pull producer when it is asked.
    iAmStreaming = True
    #: As a pull producer: was asked and had nothing.
    outstandingPull = False
    #: As a producer: the consumer wants nothing now.
    paused = False
    #: As a producer: the consumer wants nothing any more.
    stopped = False

    def __init__(self, consumer: Any) -> None:
        self._buffer: list[Any] = []
        if consumer is not None:
            self.consumer = consumer
            consumer.registerProducer(self, self.iAmStreaming)

    # --- To the consumer: a producer -------------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """Send nothing for now, and have the producer write nothing."""
        self.paused = True
        if self.producer is not None:
            self.producer.pauseProducing()

    def resumeProducing(self) -> None:
        """Send what waits, and have the producer write more."""
        self.paused = False
        if self._buffer and self.consumer is not None:
            data, self._buffer = _joined(self._buffer), []
            self.consumer.write(data)
        elif not self.iAmStreaming:
            self.outstandingPull = True
        if self.producer is not None:
            self.producer.resumeProducing()

    def stopProducing(self) -> None:
        """Forget what waits, and stop the producer: the consumer has gone."""
        producer, self.producer = self.producer, None
        self.consumer = None
        self._buffer = []
        self.stopped = True
        if producer is not None:
            producer.stopProducing()

    # --- To the producer: a consumer -------------------------------------------------------------------------------

    def write(self, data: Any) -> None:
        """Send now, if the consumer wants it; else keep it."""
        if self.stopped:
            return
        if self.paused or (not self.iAmStreaming and not self.outstandingPull):
            self._buffer.append(data)
        elif self.consumer is not None:
            self.consumer.write(data)
            self.outstandingPull = False

    def finish(self) -> None:
        """The producer is done: tell the consumer, which need not know the word, and let go of both."""
        if self.consumer is not None:
            self.consumer.finish()
        self.unregisterProducer()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a producer."""
        self.producer = producer
        self.producerIsStreaming = streaming

    def unregisterProducer(self) -> None:
        """Let go of the producer, and have the consumer let go of this proxy."""
        if self.producer is not None:
            self.producer = None
            self.producerIsStreaming = None
        if self.consumer is not None:
            self.consumer.unregisterProducer()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} around {self.consumer!r}>"


class ProducerConsumerProxy(BasicProducerConsumerProxy):
    """Has a buffer: the producer is paused when there is too much in it, not each time that the consumer is slow."""

    #: The producer is paused when so much waits; in bytes.
    bufferSize = 2**16
    #: The producer was paused.
    producerPaused = False
    #: The producer has unregistered; the consumer is told when the buffer is empty.
    unregistered = False
    #: How much is in the buffer.
    _waiting = 0

    def pauseProducing(self) -> None:
        """Send nothing for now; the producer may fill the buffer."""
        self.paused = True

    def resumeProducing(self) -> None:
        """Send what waits, and have the producer write more where there is room."""
        self.paused = False
        sent = self._send(self._buffer) if self._buffer else 0
        if self.unregistered and sent and not self._buffer and self.consumer is not None:
            self.consumer.unregisterProducer()
        if not self.iAmStreaming:
            self.outstandingPull = not sent
        if self.producer is not None:
            self._ask()

    def _send(self, pieces: list[Any]) -> int:
        """Send of these pieces what the hook takes, and keep the rest; returns how much it took."""
        data = _joined(pieces)
        sent = self._writeSomeData(data) or 0
        self._buffer = [data[sent:]] if sent < len(data) else []
        self._waiting = len(data) - sent
        return sent

    def _ask(self) -> None:
        """Have the producer write more, if it waits for that and there is room."""
        if self.producerPaused:
            if self._waiting < self.bufferSize:
                self.producerPaused = False
                self.producer.resumeProducing()
        elif self.outstandingPull or (not self.producerIsStreaming and not self._buffer):
            self.producer.resumeProducing()

    def write(self, data: Any) -> None:
        """Send now, if the consumer wants it; keep what is left."""
        if self.stopped:
            return
        if self.paused or (not self.iAmStreaming and not self.outstandingPull):
            self._buffer.append(data)
            self._waiting += len(data)
        elif self.consumer is not None:
            self._send([*self._buffer, data])
            self.outstandingPull = False
        if self._waiting >= self.bufferSize and self.producer is not None and self.producerIsStreaming:
            self._pause_producer()

    def _pause_producer(self) -> None:
        if not self.producerPaused:
            self.producerPaused = True
            self.producer.pauseProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a producer; a pull producer is asked at once."""
        self.unregistered = False
        super().registerProducer(producer, streaming)
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """Let go of the producer; the consumer is told when all is sent."""
        self.producer = None
        self.unregistered = True
        if self.consumer is not None and not self._buffer:
            self.consumer.unregisterProducer()

    def _writeSomeData(self, data: Any) -> int | None:
        """Hook: send `data` or the beginning of it; returns how much that was."""
        if self.consumer is None:
            return 0
        self.consumer.write(data)
        return len(data)


def _joined(pieces: list[Any]) -> Any:
    """Join bytes, or text."""
    return pieces[0][:0].join(pieces)


publish(globals())
