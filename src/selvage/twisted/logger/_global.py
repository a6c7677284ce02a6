"""`twisted.logger._global`: see `twisted.logger`."""

from selvage.logger._global import (
    MORE_THAN_ONCE_WARNING as MORE_THAN_ONCE_WARNING,
    LogBeginner as LogBeginner,
    globalLogBeginner as globalLogBeginner,
    globalLogPublisher as globalLogPublisher,
)
