"""`twisted.logger._capture`: see `twisted.logger`."""

from selvage.logger._capture import (
    capturedLogs as capturedLogs,
)
