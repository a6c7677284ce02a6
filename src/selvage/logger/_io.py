"""A file that is a log: what is written to it becomes events, line by line.  Floor 1."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from io import UnsupportedOperation
from typing import Any, AnyStr, NoReturn

from ._levels import LogLevel
from ._logger import Logger

__all__ = ["LoggingFile"]

# Characters without a line end that are kept before they become an event all the same: longer than any line for people,
# and no program can fill the memory with it.
_LINE_LIMIT = 64 * 1024


class LoggingFile:
    """A file to print to; each line becomes an event with the format "{log_io}".

    Args:
        logger: emits the events.
        level: at which level.
        encoding: of bytes that are written; by default the interpreter's.
    """

    _softspace = 0

    def __init__(self, logger: Logger, level: LogLevel = LogLevel.info, encoding: str | None = None) -> None:
        self.level = level
        self.log = logger
        self._encoding = encoding or sys.getdefaultencoding()
        self._closed = False
        # What was written since the last line end.
        self._pending = ""

    @property
    def closed(self) -> bool:
        """Whether nothing more may be written."""
        return self._closed

    @property
    def encoding(self) -> str:
        """Encoding of bytes that are written."""
        return self._encoding

    @property
    def mode(self) -> str:
        """Always "w"."""
        return "w"

    @property
    def newlines(self) -> None:
        """Always None: line ends are not translated."""
        return None

    @property
    def name(self) -> str:
        """Who speaks, and at which level."""
        return f"<{type(self).__name__} {self.log.namespace}#{self.level.name}>"

    @property
    def softspace(self) -> int:
        """A thing of Python 2's `print`."""
        _warn_of_softspace()
        return self._softspace

    @softspace.setter
    def softspace(self, value: int) -> None:
        _warn_of_softspace()
        self._softspace = value

    def close(self) -> None:
        """Accept nothing more."""
        self._closed = True

    def flush(self) -> None:
        """Do nothing: a line is an event as soon as it ends, and what has not ended is none."""

    def fileno(self) -> NoReturn:
        """Raise `OSError`: there is no descriptor."""
        raise UnsupportedOperation("a file that is a log has no descriptor")

    def isatty(self) -> bool:
        """Say no."""
        return False

    def write(self, message: AnyStr) -> None:
        """Emit an event for each line that ends in `message`.

        Raises:
            ValueError: the file was closed.
        """
        if self._closed:
            raise ValueError("I/O operation on closed file")
        text = message.decode(self._encoding, "backslashreplace") if isinstance(message, bytes) else message
        *lines, self._pending = (self._pending + text).split("\n")
        if len(self._pending) > _LINE_LIMIT:
            lines.append(self._pending)
            self._pending = ""
        for line in lines:
            self.log.emit(self.level, format="{log_io}", log_io=line)

    def writelines(self, lines: Iterable[AnyStr]) -> None:
        """Write several pieces; as with other files, they are given their line ends by the caller."""
        for line in lines:
            self.write(line)

    def _unsupported(self, *args: object) -> NoReturn:
        """Raise `OSError`: this can be written to, and nothing else."""
        raise UnsupportedOperation("a file that is a log can be written to, and nothing else")

    read = next = readline = readlines = xreadlines = seek = tell = truncate = _unsupported

    def __iter__(self) -> Any:
        return self._unsupported()


def _warn_of_softspace() -> None:
    warnings.warn(
        "twisted.logger._io.LoggingFile.softspace was deprecated in Twisted 21.2.0",
        DeprecationWarning,
        stacklevel=3,
    )
