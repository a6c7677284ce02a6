"""To and from the standard `logging`.  Floor 1.

Both directions can be open at once. An event that came from a record is not made a record again, and a record that came
from an event no event.
"""

from __future__ import annotations

import logging
import sys
from types import FrameType
from typing import Any

from selvage.failure import Failure
from selvage.interfaces._base import implementer

from . import _bound
from ._escape import as_lines
from ._format import EventText, text_of
from ._interest import gate_for
from ._interfaces import ILogObserver, LogEvent
from ._legacy_text import percent
from ._numbers import NUMBERS, level_of_number
from ._observer import globalLogPublisher
from ._place import outside

__all__ = ["LoggingHandler", "STDLibLogObserver"]

# What every record has; what it has beyond that came from `extra=`.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@implementer(ILogObserver)
class STDLibLogObserver:
    """Passes events to the standard `logging`.

    Args:
        name: the logger that gets them; None for a logger of each event's namespace.
        stackDepth: how far up the caller is whose place the record names, as the calls lie: 4 is who called the
            observer. By default the log system's own frames do not count.
    """

    #: The depth that means "who logged it".
    defaultStackDepth = 4

    def __init__(self, name: str | None = "twisted", stackDepth: int = defaultStackDepth) -> None:
        self.logger = logging.getLogger(name) if name is not None else None
        self.stackDepth = stackDepth

    def __call__(self, event: LogEvent) -> None:
        """Pass one event on."""
        if "log_record" in event:
            return
        level = event.get("log_level")
        number = logging.INFO if level is None else NUMBERS.get(level, logging.INFO)
        logger = self.logger or logging.getLogger(event.get("log_namespace") or None)
        if not logger.isEnabledFor(number):
            return
        filename, line, function = self._place(sys._getframe(1))
        failure = event.get("log_failure")
        record = logger.makeRecord(
            logger.name,
            number,
            filename,
            line,
            EventText(event, text_of),
            (),
            None if failure is None else (failure.type, failure.value, failure.getTracebackObject()),
            function,
            {"log_event": event},
        )
        logger.handle(record)

    def _place(self, frame: FrameType | None) -> tuple[str, int, str]:
        """Return file, line and function of the place, seen from who called the observer."""
        if self.stackDepth == self.defaultStackDepth:
            frame = outside(frame)
        for _ in range(self.stackDepth - self.defaultStackDepth):
            frame = None if frame is None else frame.f_back
        if frame is None:
            return "(unknown file)", 0, "(unknown function)"
        return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name


class LoggingHandler(logging.Handler):
    """A handler of the standard `logging` whose records become events.

    The event has the record's name as namespace, its time, level and exception, what `extra=` gave it, and the record
    itself as `log_record`.

    Args:
        observer: gets the events.
        level: number of the lowest level that is handled.
    """

    def __init__(self, observer: ILogObserver = globalLogPublisher, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._observer = observer

    def emit(self, record: logging.LogRecord) -> None:
        """Make an event of one record."""
        if hasattr(record, "log_event"):
            return
        level = level_of_number(record.levelno)
        if not gate_for(self._observer, record.name).wants(level):
            return
        facts = vars(record)
        event: LogEvent = {
            **(_bound.current() or {}),
            **{name: facts[name] for name in facts.keys() - _USUAL},
            "log_record": record,
            "log_level": level,
            "log_namespace": record.name,
            "log_source": None,
            "log_format": "{log_text}",
            "log_text": _text(record),
            "log_time": record.created,
        }
        if record.exc_info and record.exc_info[1] is not None:
            kind, value, tb = record.exc_info
            event["log_failure"] = Failure(value, kind, tb)
        self._observer(event)


def _text(record: logging.LogRecord) -> str:
    message: Any = str(record.msg)
    text = percent(message, record.args) if record.args else as_lines(message)
    if record.stack_info:
        text = f"{text}\n{record.stack_info}"
    return text
