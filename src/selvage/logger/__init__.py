"""The log: events with levels and fields, who gets them, and how they are written.  Floor 1.

    from selvage.logger import Logger, configure

    log = Logger()
    configure(level="info")
    log.info("{user} came from {address}", user=name, address=peer)

Events are dictionaries, which observers get from `globalLogPublisher`; text is made of them when somebody reads it, and
an event that nobody wants is not even made. Failures that nobody handled come here from the hub.

`selvage.logger.classic` is the older face of the same log, `twisted.python.log`; `selvage.logger.files` has log files
that are put aside by size or day.

Twisted: `twisted.logger`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage._publish import publish

from . import _reports
from ._bound import bind, bound, bound_fields, unbind
from ._buffer import LimitedHistoryLogObserver
from ._capture import capturedLogs
from ._file import FileLogObserver, textFileLogObserver
from ._filter import FilteringLogObserver, ILogFilterPredicate, LogLevelFilterPredicate, PredicateResult
from ._flat import extractField
from ._format import eventAsText, formatEvent, formatEventAsClassicLogText, formatTime, timeFormatRFC3339
from ._global import LogBeginner, globalLogBeginner
from ._interest import levels_changed
from ._interfaces import ILogObserver, LogEvent
from ._io import LoggingFile
from ._legacy import LegacyLogObserverWrapper
from ._levels import (
    InvalidLogLevelError,
    LogLevel,
    Names as Names,  # for selvage.tls
)
from ._logger import Logger, Operation, _loggerFor as _loggerFor
from ._observer import LogPublisher, globalLogPublisher

if TYPE_CHECKING:
    from ._configure import LogConfiguration as LogConfiguration, configure as configure
    from ._json import (
        eventAsJSON as eventAsJSON,
        eventFromJSON as eventFromJSON,
        eventsFromJSONLogFile as eventsFromJSONLogFile,
        jsonFileLogObserver as jsonFileLogObserver,
    )
    from ._stdlib import LoggingHandler as LoggingHandler, STDLibLogObserver as STDLibLogObserver

__all__ = [
    "FileLogObserver",
    "FilteringLogObserver",
    "ILogFilterPredicate",
    "ILogObserver",
    "InvalidLogLevelError",
    "LegacyLogObserverWrapper",
    "LimitedHistoryLogObserver",
    "LogBeginner",
    "LogConfiguration",
    "LogEvent",
    "LogLevel",
    "LogLevelFilterPredicate",
    "LogPublisher",
    "Logger",
    "LoggingFile",
    "LoggingHandler",
    "Operation",
    "PredicateResult",
    "STDLibLogObserver",
    "bind",
    "bound",
    "bound_fields",
    "capturedLogs",
    "configure",
    "eventAsJSON",
    "eventAsText",
    "eventFromJSON",
    "eventsFromJSONLogFile",
    "extractField",
    "formatEvent",
    "formatEventAsClassicLogText",
    "formatTime",
    "globalLogBeginner",
    "globalLogPublisher",
    "jsonFileLogObserver",
    "levels_changed",
    "textFileLogObserver",
    "timeFormatRFC3339",
    "unbind",
]

# What brings in modules that a program may do without (json, logging) is loaded when it is first asked for.
_LAZY = {
    "LogConfiguration": "_configure",
    "configure": "_configure",
    "LoggingHandler": "_stdlib",
    "STDLibLogObserver": "_stdlib",
    "eventAsJSON": "_json",
    "eventFromJSON": "_json",
    "eventsFromJSONLogFile": "_json",
    "jsonFileLogObserver": "_json",
}

if not TYPE_CHECKING:  # checkers have the imports above, and shall complain of any other name

    def __getattr__(name: str) -> Any:
        home = _LAZY.get(name)
        if home is None:
            raise AttributeError(f"module 'selvage.logger' has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        publish({"__name__": __name__, "__all__": [name], name: value})
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


publish({**globals(), "__all__": [name for name in __all__ if name not in _LAZY]})
_reports.connect()
