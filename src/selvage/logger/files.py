"""Log files that are put aside when they are full, or when the day is over.  Floor 1.

    from selvage.logger import textFileLogObserver
    from selvage.logger.files import LogFile

    observer = textFileLogObserver(LogFile("server.log", "/var/log/server", maxRotatedFiles=5))

Text is written as UTF-8, at once: what was logged is in the file when `write` returns. Any thread may write.

Twisted: `twisted.python.logfile`.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import IO, Any, Concatenate, ParamSpec, Self, TypeVar

__all__ = ["BaseLogFile", "DailyLogFile", "LogFile", "LogReader"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_F = TypeVar("_F", bound="BaseLogFile")

Date = tuple[int, int, int]


def _locked(method: Callable[Concatenate[_F, _P], _R]) -> Callable[Concatenate[_F, _P], _R]:
    """Let one thread at a time into the methods so decorated; reentrant, for writing may rotate."""

    @wraps(method)
    def locked(self: _F, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with self._lock:
            return method(self, *args, **kwargs)

    return locked


class BaseLogFile:
    """A file that is put aside when `shouldRotate()` says so; that and `rotate()` come from a subclass.

    Args:
        name: name of the file.
        directory: where it is, and where it is put aside.
        defaultMode: permissions it gets, if it can be given any; by default those it has.

    Attributes:
        path: the file.
        closed: whether it is.
    """

    #: The methods that lock the file.
    synchronized = ["write", "rotate"]

    def __init__(self, name: str, directory: str, defaultMode: int | None = None) -> None:
        self.directory = directory
        self.name = name
        self.path = os.path.join(directory, name)
        if defaultMode is None and os.path.exists(self.path):
            defaultMode = stat.S_IMODE(os.stat(self.path).st_mode)
        self.defaultMode = defaultMode
        self._lock = threading.RLock()
        self._openFile()

    @classmethod
    def fromFullPath(cls, filename: str, *args: Any, **kwargs: Any) -> Self:
        """Make one of a path.

        Args:
            filename: the path; made absolute.
            args: what else the class takes, after name and directory.
            kwargs: the same by name.
        """
        path = os.path.abspath(filename)
        return cls(os.path.basename(path), os.path.dirname(path), *args, **kwargs)

    def shouldRotate(self) -> bool:
        """Tell whether the file is to be put aside before anything else is written to it; to be overridden."""
        raise NotImplementedError(
            f"{type(self).__name__} has to say when it rotates: override shouldRotate()"
        )

    def rotate(self) -> None:
        """Put the file aside and begin a new one; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has to say how it rotates: override rotate()")

    def _openFile(self) -> None:
        """Open the file, at its end."""
        self.closed = False
        # Born with the permissions it shall have: it is never open to more.
        mode = 0o666 if self.defaultMode is None else self.defaultMode
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, mode)
        # Without a buffer: what was written is in the file, whatever becomes of the process.
        self._file: IO[bytes] = os.fdopen(descriptor, "rb+", 0)
        self._file.seek(0, os.SEEK_END)
        if self.defaultMode is not None:
            try:
                os.chmod(self.path, self.defaultMode)
            except OSError:
                # A device, or somebody else's file: it can be written to, and that is what counts.
                pass

    @_locked
    def write(self, data: str | bytes) -> None:
        """Write to the file, after putting it aside if it is time to."""
        if self.shouldRotate():
            self.flush()
            self.rotate()
        rest = memoryview(data.encode("utf-8", "backslashreplace") if isinstance(data, str) else data)
        while rest:
            rest = rest[self._file.write(rest) :]

    def flush(self) -> None:
        """Have everything written."""
        self._file.flush()

    @_locked
    def close(self) -> None:
        """Close the file; it cannot be written to any more."""
        self.closed = True
        self._file.close()

    @_locked
    def reopen(self) -> None:
        """Close the file and open it again: for when another program has put it aside."""
        self.close()
        self._openFile()

    def getCurrentLog(self) -> LogReader:
        """Return a reader of the file."""
        return LogReader(self.path)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in {"_file", "_lock"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.RLock()
        self._openFile()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path!r}{' (closed)' if self.closed else ''}>"


class LogFile(BaseLogFile):
    """A file that is put aside when it is full, as `name.1`; what was `name.1` becomes `name.2`, and so on.

    Args:
        name: name of the file.
        directory: where it is.
        rotateLength: bytes after which it is full; None or 0 for never.
        defaultMode: permissions it gets; by default those it has.
        maxRotatedFiles: so many are kept; None for all.
    """

    def __init__(
        self,
        name: str,
        directory: str,
        rotateLength: int | None = 1_000_000,
        defaultMode: int | None = None,
        maxRotatedFiles: int | None = None,
    ) -> None:
        self.size = 0
        self.rotateLength = rotateLength
        self.maxRotatedFiles = maxRotatedFiles
        super().__init__(name, directory, defaultMode)

    def _openFile(self) -> None:
        super()._openFile()
        self.size = self._file.tell()

    def shouldRotate(self) -> bool:
        """Tell whether the file is full."""
        return bool(self.rotateLength and self.size >= self.rotateLength)

    def getLog(self, identifier: int) -> LogReader:
        """Return a reader of a file that was put aside.

        Args:
            identifier: its number; 1 is the youngest.

        Raises:
            ValueError: there is none of that number.
        """
        path = f"{self.path}.{identifier:d}" if isinstance(identifier, int) else _not_a_number(identifier)
        if not os.path.exists(path):
            raise ValueError(f"{path} does not exist; there are {self.listLogs()}")
        return LogReader(path)

    @_locked
    def write(self, data: str | bytes) -> None:
        """Write to the file, after putting it aside if it is full."""
        if isinstance(data, str):
            data = data.encode("utf-8", "backslashreplace")
        super().write(data)
        self.size += len(data)

    @_locked
    def rotate(self) -> None:
        """Put the file aside, whether or not it is full; nothing happens when the permissions do not allow it."""
        if not (os.access(self.directory, os.W_OK) and os.access(self.path, os.W_OK)):
            return
        for number in reversed(self.listLogs()):
            if self.maxRotatedFiles is not None and number >= self.maxRotatedFiles:
                os.remove(f"{self.path}.{number}")
            else:
                os.rename(f"{self.path}.{number}", f"{self.path}.{number + 1}")
        self._file.close()
        try:
            os.rename(self.path, f"{self.path}.1")
        finally:
            # Whatever came in between, the log goes on.
            self._openFile()

    def listLogs(self) -> list[int]:
        """Return the numbers of the files that were put aside, youngest first."""
        start = self.name + "."
        numbers = (name[len(start) :] for name in os.listdir(self.directory or ".") if name.startswith(start))
        return sorted(int(number) for number in numbers if number.isdecimal() and int(number) > 0)


class DailyLogFile(BaseLogFile):
    """A file that is put aside when the day is over, as `name.2026_12_31`.

    Args: see `BaseLogFile`.

    Attributes:
        lastDate: the day of what is in the file: year, month, day.
    """

    lastDate: Date

    def _openFile(self) -> None:
        super()._openFile()
        self.lastDate = self.toDate(os.stat(self.path).st_mtime)

    def shouldRotate(self) -> bool:
        """Tell whether the day is over."""
        return self.toDate() > self.lastDate

    def toDate(self, *args: float) -> Date:
        """Return the day, here, of a time in seconds since the epoch; by default today."""
        return time.localtime(*args)[:3]

    def suffix(self, tupledate: float | Date) -> str:
        """Return what the name of a day's file ends with.

        Args:
            tupledate: year, month, day; or seconds since the epoch.
        """
        return "_".join(map(str, self._date(tupledate)))

    def getLog(self, identifier: float | Date) -> LogReader:
        """Return a reader of the file of a day.

        Args:
            identifier: year, month, day; or seconds since the epoch.

        Raises:
            ValueError: there is none.
        """
        if self._date(identifier) == self.lastDate:
            return self.getCurrentLog()
        path = f"{self.path}.{self.suffix(identifier)}"
        if not os.path.exists(path):
            raise ValueError(f"{path} does not exist: nothing was put aside on that day")
        return LogReader(path)

    @_locked
    def write(self, data: str | bytes) -> None:
        """Write to the file, after putting it aside if the day is over."""
        super().write(data)
        # Guards against a clock that is turned back: a day is over once.
        self.lastDate = max(self.lastDate, self.toDate())

    @_locked
    def rotate(self) -> None:
        """Put the file aside; nothing happens when it was, or when the permissions do not allow it."""
        if not (os.access(self.directory, os.W_OK) and os.access(self.path, os.W_OK)):
            return
        aside = f"{self.path}.{self.suffix(self.lastDate)}"
        if os.path.exists(aside):
            return
        self._file.close()
        try:
            os.rename(self.path, aside)
        finally:
            self._openFile()

    def _date(self, of: float | Date) -> Date:
        return of if isinstance(of, tuple) else self.toDate(of)


class LogReader:
    """Reads a log file, line by line.

    Args:
        name: its path.
    """

    def __init__(self, name: str) -> None:
        # Closed by close().
        self._file = open(name, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115

    def readLines(self, lines: int = 10) -> list[str]:
        """Return the next lines, with their line ends; fewer at the end of the file."""
        found = []
        for _ in range(lines):
            line = self._file.readline()
            if not line:
                break
            found.append(line)
        return found

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _not_a_number(identifier: object) -> str:
    raise TypeError(f"a log that was put aside has a number, and {identifier!r} is none")
