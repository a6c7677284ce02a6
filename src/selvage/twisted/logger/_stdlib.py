"""`twisted.logger._stdlib`: see `twisted.logger`."""

from selvage.logger._stdlib import (
    STDLibLogObserver as STDLibLogObserver,
)
