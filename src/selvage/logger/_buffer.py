"""Keeping the last events, to pass them on later.  Floor 1."""

from __future__ import annotations

from collections import deque

from selvage.interfaces._base import implementer

from ._interfaces import ILogObserver, LogEvent

__all__ = ["LimitedHistoryLogObserver"]

# Events; Twisted's number. At some hundred bytes each, a few tens of megabytes.
_DEFAULT_SIZE = 64 * 1024


@implementer(ILogObserver)
class LimitedHistoryLogObserver:
    """Keeps the last events it got.

    Args:
        size: so many are kept; None for all.
    """

    def __init__(self, size: int | None = _DEFAULT_SIZE) -> None:
        self._buffer: deque[LogEvent] = deque(maxlen=size)

    def __call__(self, event: LogEvent) -> None:
        """Keep one event."""
        self._buffer.append(event)

    def replayTo(self, otherObserver: ILogObserver) -> None:
        """Pass what was kept to another observer, oldest first; it stays kept."""
        for event in tuple(self._buffer):
            otherObserver(event)
