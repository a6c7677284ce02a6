"""`twisted.logger._interfaces`: see `twisted.logger`."""

from selvage.logger._interfaces import (
    ILogObserver as ILogObserver,
    LogEvent as LogEvent,
    LogTrace as LogTrace,
)
