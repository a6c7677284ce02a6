"""`twisted.logger._util`: see `twisted.logger`."""

from selvage.logger._util import (
    formatTrace as formatTrace,
)
