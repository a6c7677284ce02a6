"""A log observer that keeps its events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from zope.interface import implementer

from selvage.logger import ILogObserver

__all__ = ["EventLoggingObserver"]


@implementer(ILogObserver)
class EventLoggingObserver(Sequence[dict[str, Any]]):
    """Keep every log event, as a sequence in the order of arrival.

    It is called with an event, as the observers of the log system are, and asks nothing of the event's source.
    """

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []

    def __call__(self, event: dict[str, Any]) -> None:
        """Keep one event."""
        self._events.append(event)

    def __len__(self) -> int:
        return len(self._events)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[dict[str, Any]]: ...

    def __getitem__(self, index: int | slice) -> dict[str, Any] | Sequence[dict[str, Any]]:
        return self._events[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._events)

    @classmethod
    def createWithCleanup(cls, testInstance: Any, publisher: Any) -> EventLoggingObserver:
        """Make one that observes a publisher until the end of a test.

        Args:
            testInstance: a test case; its `addCleanup` is used.
            publisher: what to observe, by `addObserver` and `removeObserver`.
        """
        observer = cls()
        publisher.addObserver(observer)
        testInstance.addCleanup(publisher.removeObserver, observer)
        return observer
