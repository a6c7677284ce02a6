"""`twisted.logger._io`: see `twisted.logger`."""

from selvage.logger._io import (
    LoggingFile as LoggingFile,
)
