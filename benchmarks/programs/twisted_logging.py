"""Log events that pass to a file, and events that nobody wants: a Twisted program that runs on Twisted and on Selvage."""

import os
import sys
import tempfile

from twisted.logger import (
    FilteringLogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from timing import measure

log = Logger("benchmark")


def to_a_file(count):
    for number in range(count):
        log.info("{peer} asked for {path} and got {size} bytes", peer="10.0.0.1", path="/index", size=number)


def disabled(count):
    for number in range(count):
        log.debug("{peer} asked for {path} and got {size} bytes", peer="10.0.0.1", path="/index", size=number)


if __name__ == "__main__":
    with tempfile.TemporaryFile("w", encoding="utf-8") as file:
        wanted = LogLevelFilterPredicate(defaultLogLevel=LogLevel.info)
        globalLogBeginner.beginLoggingTo(
            [FilteringLogObserver(textFileLogObserver(file), [wanted])],
            discardBuffer=True,
            redirectStandardIO=False,
        )
        measure({"log event to a file": to_a_file, "disabled log event": disabled})
