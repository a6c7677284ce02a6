"""The log: loggers, observers of every shape, and what is loaded when it is first asked for."""

from __future__ import annotations

import sys
from io import BytesIO, StringIO
from typing import assert_type

from selvage.failure import Failure
from selvage.logger import (
    FilteringLogObserver,
    ILogObserver,
    LogConfiguration,
    LogEvent,
    Logger,
    LoggingHandler,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    PredicateResult,
    STDLibLogObserver,
    bound,
    bound_fields,
    configure,
    eventsFromJSONLogFile,
    formatEvent,
    globalLogBeginner,
    globalLogPublisher,
    textFileLogObserver,
)
from selvage.logger.classic import FileLogObserver, err, msg, startLogging
from selvage.logger.files import DailyLogFile, LogFile

log = Logger()
log.info("sold {count}", count=3)
log.info(b"bytes")  # type: ignore[arg-type]
log.emit(LogLevel.warn, "x", a=1)
log.emit("warn", "x")  # type: ignore[arg-type]
log.failure("oh", Failure(ValueError()), LogLevel.error, a=1)
assert_type(log.namespace, str)


class Service:
    log = Logger()


assert_type(Service.log, Logger)
assert_type(Service().log, Logger)

with log.failuresHandled("x", a=1) as operation:
    pass
assert_type(operation.failed, bool)
assert_type(operation.failure, Failure | None)
with log.failureHandler("x") as nothing:
    pass
assert_type(nothing, None)

# An observer is whatever can be called with an event.
events: list[LogEvent] = []
LogPublisher(events.append, print, lambda event: None, globalLogPublisher)
globalLogPublisher.addObserver(STDLibLogObserver(name=None))
globalLogPublisher.addObserver(3)  # type: ignore[arg-type]


def observer(event: LogEvent) -> int:
    return len(event)


class Sampling:
    def __call__(self, event: LogEvent) -> None: ...

    def least_level(self, namespace: str) -> LogLevel | None: ...


def predicate(event: LogEvent) -> PredicateResult:
    return PredicateResult.maybe


wanted: ILogObserver = FilteringLogObserver(observer, [predicate, LogLevelFilterPredicate()], Sampling())
globalLogBeginner.beginLoggingTo([wanted, textFileLogObserver(StringIO()), textFileLogObserver(BytesIO())])
FilteringLogObserver(observer, [observer])  # type: ignore[list-item]

assert_type(LogLevel.levelWithName("info"), LogLevel)
assert_type(LogLevel.lookupByName("info"), LogLevel)
assert_type([*LogLevel.iterconstants()], list[LogLevel])
assert_type(LogLevel.info < LogLevel.warn, bool)

with configure(sys.stderr, level="debug", levels={"a": LogLevel.warn}) as configured, bound(request=1):
    assert_type(configured, LogConfiguration)
    configured.set_level("info", "shop")
    assert_type([*bound_fields()], list[str])
LoggingHandler(events.append)

for event in eventsFromJSONLogFile(StringIO()):
    assert_type(formatEvent(event), str)

msg("a", 1, system="x")
err(ValueError(), "why", a=1)
assert_type(startLogging(sys.stdout), FileLogObserver | None)
textFileLogObserver(LogFile("x", "y"))
assert_type(DailyLogFile.fromFullPath("x"), DailyLogFile)
