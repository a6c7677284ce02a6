"""Subscribers that may wait: a thread and a bounded queue for each.  Floor 0.

A subscriber that talks to a disk or a network must not hold up whoever reports. It gets a thread of its own, started with
its first report, and a queue in between. A queue without end would take the memory that the hub is there to protect, so
what finds it full is dropped, counted, and said.
"""

from __future__ import annotations

import threading
from _queue import SimpleQueue
from collections.abc import Callable

from selvage.failure._groups import Tally
from selvage.failure._report import Report, Subscriber

__all__ = ["QUEUE_LIMIT", "Background"]

# Reports that wait for one subscriber. They keep the frames of their failures alive; with a slow receiver (100 ms each) it
# is already a minute and a half behind.
QUEUE_LIMIT = 1000

# Seconds that the end of the program waits for all that is in the queue.
EXIT_PATIENCE_S = 2.0


class Background:
    """Hands reports to a subscriber in a thread.

    Args:
        f: the subscriber.
        call: calls it with a report, and knows what to do with what it raises.
        complain: called with the number of reports dropped since the last time.
        limit: reports that may wait.
    """

    def __init__(
        self,
        f: Subscriber,
        call: Callable[[Subscriber, Report], object],
        complain: Callable[[Subscriber, int], object],
        limit: int = QUEUE_LIMIT,
    ) -> None:
        self._f = f
        self._call = call
        self._complain = complain
        self._limit = limit
        # Its `put` may be called by finalizers, in the middle of another `put`.
        self._queue: SimpleQueue[Report | threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._dropped = Tally()
        self._said = 0

    def put(self, report: Report) -> None:
        """Hand over a report, or drop it."""
        if self._queue.qsize() >= self._limit:
            self._dropped.add()
        else:
            self._queue.put(report)
        self._start()

    def _start(self) -> None:
        # A child made by fork() has the queue and not the thread.
        if self._thread is not None and self._thread.is_alive():
            return
        if not self._starting.acquire(blocking=False):
            return
        try:
            name = f"selvage-reports-{getattr(self._f, '__name__', 'subscriber')}"
            self._thread = threading.Thread(target=self._work, name=name, daemon=True)
            self._thread.start()
        finally:
            self._starting.release()

    def _work(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, threading.Event):
                self._say_dropped()
                item.set()
                continue
            self._call(self._f, item)
            del item
            if self._queue.empty():
                self._say_dropped()

    def _say_dropped(self) -> None:
        dropped = int(self._dropped)
        if dropped > self._said:
            before, self._said = self._said, dropped
            self._complain(self._f, dropped - before)

    def drain(self, patience: float = EXIT_PATIENCE_S) -> bool:
        """Wait until what is in the queue has been handed over; tell whether it has."""
        if self._thread is None or not self._thread.is_alive():
            return self._queue.empty()
        if threading.current_thread() is self._thread:
            return False
        done = threading.Event()
        self._queue.put(done)
        return done.wait(patience)

    def stop(self) -> None:
        """Let the thread end after what is in the queue."""
        self._queue.put(None)
