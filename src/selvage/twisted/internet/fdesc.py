"""Raw descriptors without waiting."""

from selvage.errors import CONNECTION_DONE as CONNECTION_DONE, CONNECTION_LOST as CONNECTION_LOST
from selvage.transports._fdesc import (
    _setCloseOnExec as _setCloseOnExec,
    _unsetCloseOnExec as _unsetCloseOnExec,
    readFromFD as readFromFD,
    setBlocking as setBlocking,
    setNonBlocking as setNonBlocking,
    writeToFD as writeToFD,
)

__all__ = ["readFromFD", "setBlocking", "setNonBlocking", "writeToFD"]
