"""Events between the two faces of the log: `twisted.logger` and the older `twisted.python.log`.  Floor 1.

There is one publisher. An event that was made the old way gets the new names beside the old ones before it is published;
an observer of the old kind gets a copy of each event to which the old names were added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.interfaces._base import implementer

from ._format import EventText, formatEvent
from ._interfaces import ILogObserver, LogEvent
from ._levels import LogLevel
from ._numbers import level_of_word

__all__ = ["LegacyLogObserverWrapper", "legacy_level", "publishToNewObserver"]


@implementer(ILogObserver)
class LegacyLogObserverWrapper:
    """An observer of new events that passes them to one of old events.

    Args:
        legacyObserver: called with each event, which has the old names, too: `message`, `format`, `time`, `system`,
            `isError`, `failure`, `why`.
    """

    def __init__(self, legacyObserver: Callable[[dict[str, Any]], object]) -> None:
        self.legacyObserver = legacyObserver

    def __call__(self, event: LogEvent) -> None:
        """Pass one event on."""
        old = dict(event)
        if not isinstance(old.get("message"), tuple):
            # To old observers a message comes before a format; a field of this name is none.
            old["message"] = ()
        if "time" not in old:
            old["time"] = event.get("log_time")
        if "system" not in old:
            old["system"] = event.get("log_system", "-")
        if "format" not in old and event.get("log_format") is not None:
            # The text as it is in the new form, made when it is asked for.
            old["format"] = "%(log_legacy)s"
            old["log_legacy"] = EventText(event)
        failure = event.get("log_failure")
        if failure is not None:
            old.setdefault("failure", failure)
            old.setdefault("isError", 1)
            old.setdefault("why", formatEvent(event))
        elif "isError" not in old:
            old["isError"] = 1 if event.get("log_level") in (LogLevel.error, LogLevel.critical) else 0
        self.legacyObserver(old)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.legacyObserver!r})"


def legacy_level(event: dict[str, Any]) -> LogLevel | None:
    """Return the level of an old event: by its `logLevel` or `isError`; None when `logLevel` says nothing."""
    if "logLevel" in event:
        return level_of_word(event["logLevel"])
    return LogLevel.critical if event.get("isError") else LogLevel.info


def publishToNewObserver(
    observer: ILogObserver,
    eventDict: dict[str, Any],
    textFromEventDict: Callable[[dict[str, Any]], str | None],
) -> None:
    """Give an old event the new names, and pass it to an observer.

    Args:
        observer: an observer of new events.
        eventDict: the old event; it is changed.
        textFromEventDict: makes the text of an old event.
    """
    if "log_time" not in eventDict:
        eventDict["log_time"] = eventDict["time"]
    if "log_format" not in eventDict:
        text = textFromEventDict(eventDict)
        if text is not None:
            eventDict["log_text"] = text
            eventDict["log_format"] = "{log_text}"
    if "log_level" not in eventDict:
        level = legacy_level(eventDict)
        if level is not None:
            eventDict["log_level"] = level
    if "log_namespace" not in eventDict:
        eventDict["log_namespace"] = "log_legacy"
    if "log_system" not in eventDict and "system" in eventDict:
        eventDict["log_system"] = eventDict["system"]
    observer(eventDict)
