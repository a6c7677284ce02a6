"""Where the lower floors mention what they do ("Starting factory ...") without knowing any log system.  Floor 0.

Each mention is an event of four parts: a namespace (dotted name of the class or module that speaks), a level word, a
format in the style of `str.format` and the fields that fill it.  Nothing is kept, and nothing is formatted except that a
warning which nobody hears goes to standard error.  The log system subscribes when it is loaded; the compatibility wing
subscribes a bridge to an installed ``twisted.logger``.

    from selvage import _events

    _events.emit("selvage.protocols.Factory", "info", "Starting factory {factory!r}", factory=self, log_source=self)

Failures are not events: they go to the hub in `selvage.failure`, which reports each exactly once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["Subscriber", "emit", "subscribe", "unsubscribe"]

#: Called with the namespace, the level word, the format and the fields.  The fields belong to the subscriber.
Subscriber = Callable[[str, str, str, dict[str, Any]], object]

# A tuple, replaced whole: `emit` may run in any thread while somebody subscribes, and a subscriber may unsubscribe
# itself from within its call.
_subscribers: tuple[Subscriber, ...] = ()

#: What has to be seen by somebody, log system or not.
_LOUD = frozenset({"warn", "error", "critical"})


def subscribe(subscriber: Subscriber) -> None:
    """Call `subscriber` for every event from now on; subscribing twice is the same as once."""
    global _subscribers
    if subscriber not in _subscribers:
        _subscribers = (*_subscribers, subscriber)


def unsubscribe(subscriber: Subscriber) -> None:
    """Stop calling `subscriber`; nothing happens when it is not subscribed."""
    global _subscribers
    _subscribers = tuple(each for each in _subscribers if each != subscriber)


def emit(namespace: str, level: str, format: str, /, **fields: Any) -> None:
    """Tell every subscriber of one event.

    Args:
        namespace: dotted name of who speaks, as a user would import it.
        level: "debug", "info", "warn", "error" or "critical".
        format: a `str.format` template over the fields.
        fields: `log_source=` names the object that speaks; all else is for the format and for whoever filters.

    With no subscriber a "warn" or worse is written to standard error, and all else is nothing.
    A subscriber that raises does not disturb the speaker: its exception goes to the hub.
    """
    if not _subscribers and level in _LOUD:
        _say(format, fields)
    for subscriber in _subscribers:
        try:
            subscriber(namespace, level, format, dict(fields))
        except Exception:
            # Imported here and not above: the hub stands on the same floor and may itself want to mention something.
            from selvage.failure import Failure, report

            report(Failure(), "An event subscriber failed", source="observer", event_format=format)


def _say(format: str, fields: dict[str, Any]) -> None:
    """Write an event to standard error, if there is one."""
    try:
        text = format.format_map(fields)
    except Exception as error:
        text = f"{format!r} (which cannot be formatted: {error!r})"
    try:
        print(text, file=sys.stderr, flush=True)
    except Exception:
        pass  # closed, or gone: then nobody can be told
