"""What Selvage itself has to say, as events.  Floor 1.

* A failure that nobody handled, which the hub of `selvage.failure` would print, is a critical event from the moment that
  the log is loaded. Who subscribed to the hub is not concerned: only its default reporter is replaced.
* What the floors below mention (`selvage._events`) is an event of the namespace and level that it names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage import _events
from selvage.failure import Report, set_default_reporter

from ._interest import least_level
from ._levels import LogLevel
from ._logger import Logger
from ._observer import globalLogPublisher

__all__ = ["connect", "disconnect"]

#: Which part a failure was left over in, by the hub's word for it.
_NAMESPACES = {
    "deferred": "selvage.defer",
    "factory": "selvage.protocols",
    "observer": "selvage.logger",
    "protocol": "selvage.protocols",
}
_NAMESPACE = "selvage.reactor"

# Arguments of Logger.failure.
_RESERVED = frozenset({"self", "format", "failure", "level"})

_loggers: dict[str, Logger] = {}

#: The hub's reporter from before there was a log, which prints.
_print: Callable[[Report], object] | None = None


def connect() -> None:
    """Send failures and mentions to the log."""
    global _print
    before = set_default_reporter(log_report)
    if before is not log_report:
        _print = before
    _events.subscribe(log_event)


def disconnect() -> None:
    """Have failures printed again, and mentions forgotten."""
    current = set_default_reporter(_print)
    if current is not log_report:
        # Somebody else's by now.
        set_default_reporter(current)
    _events.unsubscribe(log_event)


def log_report(report: Report) -> None:
    """Log a failure that nobody handled, in Twisted's words."""
    if report.source == "observer" and "observer" in report.context:
        # Its publisher has told the other observers. If there are none, a log is not where to say so.
        if _print is not None and "logged" not in report.context:
            _print(report)
        return
    namespace = _NAMESPACES.get(report.source, _NAMESPACE)
    if _print is not None and least_level(globalLogPublisher, namespace) is None:
        # Nobody listens any more. Before anybody did, `LogBeginner` printed it.
        _print(report)
        return
    log = _logger_of(namespace)
    if report.kind != "failure":
        _log_of_several(log, report)
        return
    facts = {
        key: value
        for key, value in report.context.items()
        if key not in _RESERVED and not key.startswith("log_")
    }
    # The message is text, and a format is a template.
    template = report.message.replace("{", "{{").replace("}", "}}")
    if report.message == "Unhandled error in Deferred:":
        # Twisted says it in two events, and programs that watch its log look for both.
        log.critical(template, isError=True)
        template = "(debug: {debugInfo})" if "debugInfo" in facts else ""
    facts.setdefault("isError", True)
    facts.setdefault("report_fingerprint", report.fingerprint)
    facts["report_source"] = report.source
    log.failure(template, failure=report.failure, **facts)


def _log_of_several(log: Logger, report: Report) -> None:
    """Log how many more there were, or that something was handled after all."""
    level = LogLevel.critical if report.kind == "summary" else LogLevel.info
    log.emit(
        level,
        "{report_message} (fingerprint {report_fingerprint})",
        report_message=report.message,
        report_source=report.source,
        report_kind=report.kind,
        report_count=report.count,
        report_fingerprint=report.fingerprint,
    )


def log_event(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
    """Log what a lower floor mentions."""
    source = fields.pop("log_source", None)
    log = _logger_of(namespace) if source is None else Logger(namespace, source)
    # Not by `emit`: a field may be called like its parameters.
    log._send_if_wanted(LogLevel.levelWithName(level), format, fields)


def _logger_of(namespace: str) -> Logger:
    found = _loggers.get(namespace)
    if found is None:
        found = _loggers[namespace] = Logger(namespace)
    return found
