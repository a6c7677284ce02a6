"""Reading from and writing to raw descriptors without waiting.  Floor 2.

Twisted: `twisted.internet.fdesc`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

from selvage.errors import CONNECTION_DONE, CONNECTION_LOST, ConnectionDone, ConnectionLost

__all__ = ["readFromFD", "setBlocking", "setNonBlocking", "writeToFD"]

#: Bytes read at once; a multiple of what pipes hold on Linux would gain nothing.
_READ_SIZE = 8192

_SYSTEM: Any = os  # with what only some systems have
_NOT_NOW = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)


def setNonBlocking(fd: int) -> None:
    """Have calls on this descriptor return instead of wait."""
    _SYSTEM.set_blocking(fd, False)


def setBlocking(fd: int) -> None:
    """Have calls on this descriptor wait."""
    _SYSTEM.set_blocking(fd, True)


def _setCloseOnExec(fd: int) -> None:
    """Keep this descriptor from programs that this process turns into."""
    os.set_inheritable(fd, False)


def _unsetCloseOnExec(fd: int) -> None:
    """Let programs that this process turns into have this descriptor."""
    os.set_inheritable(fd, True)


def readFromFD(fd: int, callback: Callable[[bytes], object]) -> ConnectionDone | ConnectionLost | None:
    """Read once and pass on what there was.

    Args:
        callback: called with the bytes; not called when there are none.

    Returns: None to go on; `CONNECTION_DONE` at the end of the input; `CONNECTION_LOST` when the descriptor is of no use.
    """
    try:
        data = os.read(fd, _READ_SIZE)
    except OSError as exc:
        return None if exc.errno in _NOT_NOW else CONNECTION_LOST
    if not data:
        return CONNECTION_DONE
    callback(data)
    return None


def writeToFD(fd: int, data: bytes) -> int | ConnectionLost:
    """Write once.

    Returns: how many bytes were taken, 0 when the descriptor takes none now; or `CONNECTION_LOST` when it is of no use.
    """
    try:
        return os.write(fd, data)
    except OSError as exc:
        return 0 if exc.errno in _NOT_NOW else CONNECTION_LOST
