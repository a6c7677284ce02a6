"""`twisted.logger._buffer`: see `twisted.logger`."""

from selvage.logger._buffer import (
    LimitedHistoryLogObserver as LimitedHistoryLogObserver,
)
