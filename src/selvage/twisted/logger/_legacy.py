"""`twisted.logger._legacy`: see `twisted.logger`."""

from selvage.logger._legacy import (
    LegacyLogObserverWrapper as LegacyLogObserverWrapper,
    publishToNewObserver as publishToNewObserver,
)
