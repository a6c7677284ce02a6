"""Events for programs that collect logs: a JSON object on each line.  Floor 1.

    {"time": "2026-02-03T04:05:06.789012Z", "level": "info", "namespace": "shop", "text": "sold", "fields": {"order": 17}}

and, with a failure, its story as `"failure"`: type, message, frames, causes and so on, see `selvage.failure.Story`. What
JSON cannot hold is shown by its `repr`. (What `eventsFromJSONLogFile` reads, `jsonFileLogObserver` writes: that form is for reading events back.)
"""

from __future__ import annotations

import json
import time
from typing import Any

from selvage.failure import Failure, Story, safe_repr, safe_str

from ._facts import failure_of, fields_of
from ._format import formatEvent
from ._interfaces import LogEvent

__all__ = ["json_line"]

# The longest `repr` of what JSON cannot hold, in characters.
_REPR_LIMIT = 1000


def json_line(event: LogEvent) -> str:
    """Return an event as JSON, with a line end."""
    level = event.get("log_level")
    namespace = event.get("log_namespace")
    if namespace == "log_legacy":
        namespace = event.get("log_system", namespace)
    said: dict[str, Any] = {
        "time": _utc(event.get("log_time")),
        "level": getattr(level, "name", None),
        "namespace": namespace if isinstance(namespace, str) else safe_str(namespace),
        "text": formatEvent(event),
    }
    fields = fields_of(event)
    if fields:
        said["fields"] = fields
    failure = failure_of(event)
    if failure is not None:
        said["failure"] = described = _described(failure)
        # Something has to be there for whoever reads or searches texts only.
        said["text"] = said["text"] or f"{described['type']}: {described.get('message', '')}".removesuffix(
            ": "
        )
    try:
        return json.dumps(said, default=_shown, skipkeys=True, allow_nan=False) + "\n"
    except (ValueError, RecursionError, TypeError):
        # A number that JSON does not have, or something that contains itself.
        said["fields"] = {safe_str(name): _plain(value) for name, value in fields.items()}
        return json.dumps(said, default=_shown) + "\n"


def _utc(when: Any) -> str | None:
    if not isinstance(when, int | float):
        return None
    second = int(when // 1)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))}.{int((when - second) * 1_000_000):06}Z"


def _described(failure: Failure) -> dict[str, Any]:
    """Return the story of a failure; what it has nothing of is left out."""
    try:
        return {name: value for name, value in Story.of(failure).to_dict().items() if value}
    except Exception:
        # One that was loaded from a file, say, in which somebody has been.
        return {"type": "?", "message": safe_str(failure)}


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return safe_repr(value)[:_REPR_LIMIT]


def _plain(value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False)
    except Exception:
        return safe_repr(value)[:_REPR_LIMIT]
    return value
