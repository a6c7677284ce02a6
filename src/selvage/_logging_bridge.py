"""What Selvage has to say, said through an installed `twisted.logger`.  Beside the floors, part of the wing.

The finder of the wing calls `connect` when `twisted.logger` is loaded from an installed Twisted.  From then on

* a Failure that nobody handled, which the hub of `selvage.failure` would print to stderr, is one critical event of
  Twisted's log instead: observers, log files and trial's `flushLoggedErrors` see it once;
* what the lower floors mention (`selvage._events`) is an event of Twisted's log under its own namespace.

Whoever subscribed to the hub is not concerned: only the hub's default reporter is replaced.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from selvage import _events
from selvage.failure import Report, set_default_reporter

__all__ = ["connect"]

#: Where Twisted's own log says an unhandled failure comes from, by the hub's word for its source.
_NAMESPACES = {"deferred": "twisted.internet.defer", "factory": "twisted.internet.protocol"}
_NAMESPACE = "twisted.internet.base"

# Arguments of Logger.failure and keys that the log system itself fills.
_RESERVED = frozenset({"self", "format", "failure", "level"})


def connect(logger: ModuleType) -> None:
    """Send reports and events to `logger`, the module `twisted.logger`; once a process is enough."""
    loggers: dict[str, Any] = {}
    level_named = logger.LogLevel.lookupByName

    def logger_for(namespace: str, source: Any = None) -> Any:
        if source is not None:
            return logger.Logger(namespace=namespace, source=source)
        found = loggers.get(namespace)
        if found is None:
            found = loggers[namespace] = logger.Logger(namespace=namespace)
        return found

    def log_report(report: Report) -> None:
        facts = {key: value for key, value in report.context.items() if key not in _RESERVED}
        # The message is text, and a log format is a template.
        template = report.message.replace("{", "{{").replace("}", "}}")
        log = logger_for(_NAMESPACES.get(report.source, _NAMESPACE))
        if report.message == "Unhandled error in Deferred:":
            # Twisted says it in two events, and programs that watch its log look for both.
            log.critical(template, isError=True)
            template = "(debug: {debugInfo})" if "debugInfo" in facts else ""
        log.failure(template, failure=report.failure, report_source=report.source, **facts)

    def log_event(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        source = fields.pop("log_source", None)
        logger_for(namespace, source).emit(level_named(level), format, **fields)

    set_default_reporter(log_report)
    _events.subscribe(log_event)
