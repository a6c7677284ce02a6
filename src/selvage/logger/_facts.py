"""What an event says, apart from its text: the program's own fields, and the failure.  Floor 1."""

from __future__ import annotations

from typing import Any

from selvage.failure import Failure

from ._interfaces import LogEvent

__all__ = ["failure_of", "fields_of"]

# What the older face puts into each event; the rest of the log system's names begin with `log_`.
_LEGACY = frozenset(
    {"failure", "format", "isError", "logLevel", "message", "printed", "system", "time", "why"}
)

# What only marks an event as an error, for observers of the older face; the level says the same.
_MARKS = frozenset({"isError"})


def fields_of(event: LogEvent) -> dict[str, Any]:
    """Return the fields that the program gave an event."""
    legacy = event.get("log_namespace") == "log_legacy"
    return {
        name: value
        for name, value in event.items()
        if not (type(name) is str and name.startswith("log_"))
        and name not in _MARKS
        and not (legacy and name in _LEGACY)
    }


def failure_of(event: LogEvent) -> Failure | None:
    """Return the failure of an event, of either form."""
    failure = event.get("log_failure")
    if failure is None and event.get("isError"):
        failure = event.get("failure")
    return failure if isinstance(failure, Failure) else None
