"""`twisted.logger._levels`: see `twisted.logger`."""

from selvage.logger._levels import (
    InvalidLogLevelError as InvalidLogLevelError,
    LogLevel as LogLevel,
)
