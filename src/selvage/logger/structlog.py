"""Lets `structlog` log here.  Floor 1; does not load it.

    import structlog
    from selvage.logger.structlog import LoggerFactory, to_event

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, to_event],
        logger_factory=LoggerFactory(),
    )
    structlog.get_logger("shop").info("sold", order=17)

What is bound by structlog are fields of the event, beside what `selvage.logger.bound` gives it.
"""

from __future__ import annotations

import sys
from typing import Any

from selvage.failure import Failure

from ._logger import Logger
from ._observer import globalLogPublisher

__all__ = ["LoggerFactory", "to_event"]


class _Target(Logger):
    """A logger that also has the names which structlog's loggers call."""

    warning = Logger.warn
    fatal = Logger.critical
    msg = Logger.info

    def exception(self, format: str | None = None, **kwargs: Any) -> None:
        """Emit an event at level error, with the exception that is being handled."""
        kwargs.setdefault("log_failure", Failure())
        self.error(format, **kwargs)


class LoggerFactory:
    """Makes the loggers that structlog wraps; `structlog.get_logger(name)` gives one whose namespace is `name`.

    Without a name it is the module that asks.

    Args:
        observer: gets the events; by default `globalLogPublisher`.
    """

    def __init__(self, observer: Any = globalLogPublisher) -> None:
        self._observer = observer

    def __call__(self, *args: Any) -> Logger:
        """Make one."""
        return _Target(args[0] if args else _asking(), observer=self._observer)


def _asking() -> str:
    """Return the name of the first module up the stack that is neither structlog nor this one."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        name: str = frame.f_globals.get("__name__", "<unknown>")
        if name != __name__ and name.partition(".")[0] != "structlog":
            return name
        frame = frame.f_back
    return "<unknown>"


def to_event(logger: Any, method_name: str, event_dict: dict[str, Any]) -> tuple[tuple[str], dict[str, Any]]:
    """Be the last of structlog's processors: make what a logger takes of structlog's event.

    Its text stays as it is, its `exc_info` becomes the event's failure, and all else its fields.
    """
    fields = dict(event_dict)
    text = fields.pop("event", "")
    exc_info = fields.pop("exc_info", None)
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    if isinstance(exc_info, BaseException):
        fields["log_failure"] = Failure(exc_info)
    elif exc_info and sys.exc_info()[1] is not None:
        fields["log_failure"] = Failure()
    fields["log_text"] = text if isinstance(text, str) else str(text)
    return ("{log_text}",), fields
