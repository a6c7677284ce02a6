"""What is around a run of tests: a folder of its own, a log file, and a hub that tells all.  Beside the floors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from selvage.failure import limit_reports
from selvage.logger import classic as log

from . import util
from ._folders import unused_test_directory

__all__ = ["ALL_REPORTS", "TEMP", "every_report", "log_file", "test_directory"]

#: Equal failures that are told in a run: each is an error of its test, so practically all.
ALL_REPORTS = 1_000_000

#: The folder that tests run in which nobody names.
TEMP = "_trial_temp"


@contextmanager
def test_directory(workingDirectory: str) -> Iterator[None]:
    """Run the block in a fresh folder."""
    before = os.getcwd()
    # A folder that somebody asked for is to be the very one.
    folder, lock = unused_test_directory(workingDirectory, exact=workingDirectory != TEMP)
    try:
        os.chdir(folder.path)
        yield
    finally:
        os.chdir(before)
        lock.unlock()


@contextmanager
def log_file(name: str) -> Iterator[None]:
    """Write the log to a file, or to standard output where the name is "-", while the block runs."""
    file = sys.stdout if name == "-" else util.openTestLog(name)
    observer = log.FileLogObserver(file)
    log.startLoggingWithObserver(observer.emit, 0)
    try:
        yield
    finally:
        log.removeObserver(observer.emit)
        if file is not sys.stdout:
            file.close()


@contextmanager
def every_report() -> Iterator[None]:
    """Have the hub tell every failure while the block runs, however many are equal: each is some test's error."""
    limit_reports(at_most=ALL_REPORTS)
    try:
        yield
    finally:
        limit_reports()
