"""What is around a run of tests: a folder of its own, and a log file.  Beside the floors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from selvage.logger import classic as log

from . import util
from ._folders import CannotBegin, unused_test_directory

__all__ = ["TEMP", "log_file", "test_directory"]

#: The folder that tests run in which nobody names.
TEMP = "_trial_temp"


@contextmanager
def test_directory(workingDirectory: str) -> Iterator[None]:
    """Run the block in a fresh folder.

    Raises:
        CannotBegin: it cannot be had.
    """
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
    """Write the log to a file, or to standard output where the name is "-", while the block runs.

    Raises:
        CannotBegin: there can be no such file.
    """
    try:
        file = sys.stdout if name == "-" else util.openTestLog(name)
    except OSError as error:
        raise CannotBegin(
            f"the log file {name!r} cannot be written to ({error}): choose another with --logfile"
        ) from error
    observer = log.FileLogObserver(file)
    log.startLoggingWithObserver(observer.emit, 0)
    try:
        yield
    finally:
        log.removeObserver(observer.emit)
        if file is not sys.stdout:
            file.close()
