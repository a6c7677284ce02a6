"""Logging: a Twisted program that runs unmodified on Twisted and on Selvage."""

import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from timing import measure
from twisted.logger import (
    FilteringLogObserver,
    Logger,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.python import log as classic

log = Logger()


class Service:
    log = Logger()


service = Service()


def passes(count):
    for number in range(count):
        log.info("sold {count} of {what}", count=number, what="something")


def passes_of_attribute(count):
    for number in range(count):
        service.log.info("sold {count} of {what}", count=number, what="something")


def disabled(count):
    for number in range(count):
        log.debug("sold {count} of {what}", count=number, what="something")


def disabled_of_attribute(count):
    for number in range(count):
        service.log.debug("sold {count} of {what}", count=number, what="something")


def message(count):
    for number in range(count):
        classic.msg(f"sold {number} of something")


if __name__ == "__main__":
    with tempfile.TemporaryFile("w", encoding="utf-8") as file:
        globalLogBeginner.beginLoggingTo(
            [FilteringLogObserver(textFileLogObserver(file), [LogLevelFilterPredicate()])],
            redirectStandardIO=False,
        )
        measure(
            {
                "log event to a file": passes,
                "log event to a file, class's logger": passes_of_attribute,
                "log event, disabled": disabled,
                "log event, disabled, class's logger": disabled_of_attribute,
                "log.msg to a file": message,
            }
        )
