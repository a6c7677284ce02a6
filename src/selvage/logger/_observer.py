"""Passing events on: the publisher.  Floor 1."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from selvage.failure import Failure, report
from selvage.interfaces._base import implementer

from ._interest import least_level, levels_changed, lowest
from ._interfaces import ILogObserver, LogEvent
from ._levels import LogLevel

__all__ = ["OBSERVER_DISABLED", "LogPublisher", "bitbucketLogObserver", "globalLogPublisher"]

#: What the other observers are told when one raises.
OBSERVER_DISABLED = "Log observer {observer} failed and did not get this event: {log_failure}"


# Held while somebody adds or removes observers, never while an event passes.
_change = threading.RLock()


@implementer(ILogObserver)
class LogPublisher:
    """Passes each event to several observers, in order.

    An observer that raises an exception disturbs nobody: the others get the event, and afterwards an event that tells of
    the exception; so do those who subscribed to the hub of `selvage.failure`. It gets the events that follow, too.

    Args:
        observers: who gets the events.
    """

    def __init__(self, *observers: ILogObserver) -> None:
        # A tuple, replaced whole: events may pass in any thread while observers come and go.
        self._observers = observers
        self._wants_all = _any_wants_all(observers)

    def addObserver(self, observer: ILogObserver) -> None:
        """Pass events to `observer` from now on; adding it again is the same as once.

        Raises:
            TypeError: it cannot be called.
        """
        if not callable(observer):
            raise TypeError(f"An observer is called with each event, and {observer!r} cannot be called")
        self._exchange((), (observer,))

    def removeObserver(self, observer: ILogObserver) -> None:
        """Pass no more events to `observer`; nothing happens when it gets none."""
        self._exchange((observer,), ())

    def least_level(self, namespace: str) -> LogLevel | None:
        """Return the lowest level that any of the observers wants; see `ILogObserver`."""
        if self._wants_all:
            return LogLevel.debug
        return lowest(least_level(observer, namespace) for observer in self._observers)

    def __call__(self, event: LogEvent) -> None:
        """Pass one event to all observers."""
        if "log_trace" in event:
            self._trace(event)
            return
        failed = None
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                failed = failed or []
                failed.append((observer, Failure()))
        if failed:
            self._report(failed)

    def _trace(self, event: LogEvent) -> None:
        """Do the same, and let the event say which way it went."""
        failed = []
        for observer in self._observers:
            event["log_trace"].append((self, observer))
            try:
                observer(event)
            except Exception:
                failed.append((observer, Failure()))
        self._report(failed)

    def _exchange(self, old: Iterable[ILogObserver], new: Iterable[ILogObserver]) -> None:
        """Take some observers away and add others, in one step: an event that passes meanwhile goes to either."""
        with _change:
            kept = [each for each in self._observers if each not in old]
            for observer in new:
                if observer not in kept:
                    kept.append(observer)
            wanted_all = self._wants_all
            self._observers = tuple(kept)
            self._wants_all = _any_wants_all(self._observers)
            still = wanted_all and self._wants_all
        if not still:
            levels_changed()

    def _report(self, failed: list[tuple[ILogObserver, Failure]]) -> None:
        """Tell the other observers, and the hub, of observers that failed."""
        for broken, failure in failed:
            event = {
                "log_failure": failure,
                "observer": broken,
                "log_level": LogLevel.critical,
                "log_namespace": "selvage.logger",
                "log_source": None,
                "log_format": OBSERVER_DISABLED,
                "log_time": time.time(),
            }
            told = False
            for observer in self._observers:
                if observer is not broken:
                    try:
                        observer(event)
                        told = True
                    except Exception:
                        # One that cannot take even this is not told of by way of the next.
                        continue
            facts = {"logged": True} if told else {}
            report(failure, "A log observer failed", source="observer", observer=broken, **facts)

    def __repr__(self) -> str:
        return f"<LogPublisher of {len(self._observers)} observers at {id(self):#x}>"


def _any_wants_all(observers: tuple[Any, ...]) -> bool:
    return any(getattr(observer, "least_level", None) is None for observer in observers)


@implementer(ILogObserver)
class _Bitbucket:
    """Takes events and does nothing with them."""

    def __call__(self, event: LogEvent) -> None:
        """Do nothing."""

    def least_level(self, namespace: str) -> LogLevel | None:
        """Want nothing."""
        return None


#: The observer that throws everything away.
bitbucketLogObserver = _Bitbucket()

#: Where all loggers send their events that were not given another observer.
globalLogPublisher = LogPublisher()
