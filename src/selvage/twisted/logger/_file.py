"""`twisted.logger._file`: see `twisted.logger`."""

from selvage.logger._file import (
    FileLogObserver as FileLogObserver,
    textFileLogObserver as textFileLogObserver,
)
