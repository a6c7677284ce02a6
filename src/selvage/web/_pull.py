"""Producers that wait to be asked, made into producers that go on until they are paused.  Floor 4."""

from __future__ import annotations

from typing import Any

from selvage.failure import Failure, report
from selvage.interfaces import IPushProducer, implementer
from selvage.tasks import Cooperator, cooperate

__all__ = ["_PullToPush"]


@implementer(IPushProducer)
class _PullToPush:
    """Asks a pull producer for more in each turn of the loop.

    Args:
        pullProducer: asked by `resumeProducing`.
        consumer: its `unregisterProducer` is called when the producer fails.
    """

    _finished = False

    def __init__(self, pullProducer: Any, consumer: Any) -> None:
        self._producer = pullProducer
        self._consumer = consumer
        self._task: Any = None

    def startStreaming(self) -> None:
        """Begin to ask.  Called once."""
        call_later = getattr(self._consumer, "callLater", None)
        if call_later is None:
            self._task = cooperate(self._ask())
        else:
            # One piece a turn: others have something to send, too.
            self._task = Cooperator(lambda: lambda: True, lambda tick: call_later(0, tick)).cooperate(
                self._ask()
            )

    def _ask(self) -> Any:
        while True:
            try:
                self._producer.resumeProducing()
            except BaseException:
                report(
                    Failure(),
                    "Unhandled error in resumeProducing",
                    source="producer",
                    producer=self._producer,
                )
                try:
                    self._producer.stopProducing()
                except BaseException:
                    report(
                        Failure(),
                        "Unhandled error in stopProducing",
                        source="producer",
                        producer=self._producer,
                    )
                self._consumer.unregisterProducer()
                return
            yield None

    def stopStreaming(self) -> None:
        """Ask no more; the consumer calls this when the producer is unregistered."""
        if not self._finished and self._task is not None:
            self._finished = True
            try:
                self._task.stop()
            except Exception:
                pass  # it has ended already

    def pauseProducing(self) -> None:
        """Ask no more for a while."""
        if self._task is not None:
            self._task.pause()

    def resumeProducing(self) -> None:
        """Go on to ask."""
        if self._task is not None:
            self._task.resume()

    def stopProducing(self) -> None:
        """Have the producer stop."""
        self.stopStreaming()
        self._producer.stopProducing()
