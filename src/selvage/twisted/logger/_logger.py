"""`twisted.logger._logger`: see `twisted.logger`."""

from selvage.logger._logger import (
    Logger as Logger,
    Operation as Operation,
    _loggerFor as _loggerFor,
)
