"""The older face of the log.  Floor 1.

    from selvage.logger import classic as log

    log.startLogging(sys.stdout)
    log.msg("listening", port=80)
    log.err(failure, "while answering")

It is the same log: what is said here reaches the observers of `selvage.logger`, and the observers that are added here
get what its loggers say. New programs use `selvage.logger`, which has levels and fields that are formatted when somebody
reads them.

Twisted: `twisted.python.log`, which is this very module in the wing.
"""

from __future__ import annotations

import sys
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from selvage import _context
from selvage._publish import publish
from selvage.failure import Failure
from selvage.interfaces._base import Interface

from . import _bound
from ._escape import as_field
from ._global import LogBeginner, globalLogBeginner
from ._interest import gate_for
from ._interfaces import Output
from ._io import LoggingFile
from ._legacy import LegacyLogObserverWrapper, legacy_level, publishToNewObserver
from ._legacy_text import legacy_text, safe_format, textFromEventDict
from ._levels import LogLevel
from ._logger import Logger as _NewLogger
from ._observer import LogPublisher as _NewLogPublisher, globalLogPublisher

if TYPE_CHECKING:
    from typing import Protocol
else:
    from selvage.interfaces._base import Protocol

__all__ = [
    "DefaultObserver",
    "EventDict",
    "FileLogObserver",
    "ILogContext",
    "ILogObserver",
    "LogPublisher",
    "Logger",
    "NullFile",
    "PythonLoggingObserver",
    "StdioOnnaStick",
    "addObserver",
    "callWithContext",
    "callWithLogger",
    "defaultObserver",
    "deferr",
    "discardLogs",
    "err",
    "logerr",
    "logfile",
    "msg",
    "removeObserver",
    "showwarning",
    "startLogging",
    "startLoggingWithObserver",
    "textFromEventDict",
    "theLogPublisher",
]

#: One event, in the old form.
EventDict = dict[str, Any]

_R = TypeVar("_R")


class ILogContext:
    """The key in `twisted.python.context` of what every event of `msg` shall have."""


class ILogObserver(Interface, Protocol):
    """Called with each event: any function of one argument will do."""

    def __call__(self, eventDict: EventDict, /) -> object:
        """Take note of one event, which has `message`, a tuple; `time`; `system`; `isError`; and what it was given."""


_context.setDefault(ILogContext, {"system": "-"})


# --- Saying something --------------------------------------------------------------------------------------------


def callWithContext(ctx: Mapping[str, Any], func: Callable[..., _R], *args: Any, **kw: Any) -> _R:
    """Call a function, all events of which have what is in `ctx`, and return what it returns.

    It holds for `msg` and `err`; `selvage.logger.bound` is for these and for loggers.
    """
    outer = _context.get(ILogContext) or {}
    return _context.call({ILogContext: {**outer, **ctx}}, func, *args, **kw)


def callWithLogger(logger: Any, func: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    """Call a function, all events of which have the logger's `logPrefix()` as `system`; log what it raises.

    Returns:
        What the function returns, or None.
    """
    try:
        prefix = logger.logPrefix()
    except KeyboardInterrupt:
        raise
    except BaseException:
        prefix = "(buggy logPrefix method)"
        err(system=prefix)
    try:
        return callWithContext({"system": prefix}, func, *args, **kw)
    except KeyboardInterrupt:
        raise
    except BaseException:
        err(system=prefix)
    return None


def err(_stuff: Any = None, _why: str | None = None, **kw: Any) -> None:
    """Log an error.

    Args:
        _stuff: a Failure, an exception, or anything else to show; by default the exception that is being handled.
        _why: what was going on.
        kw: what else the event shall have.
    """
    if _stuff is None:
        _stuff = Failure()
    elif isinstance(_stuff, Exception) and not isinstance(_stuff, Failure):
        _stuff = Failure(_stuff)
    if isinstance(_stuff, Failure):
        msg(failure=_stuff, why=_why, isError=1, **kw)
    else:
        msg(repr(_stuff), why=_why, isError=1, **kw)


deferr = err


class Logger:
    """Mixed into what logs: says who it is."""

    def logPrefix(self) -> str:
        """Return what becomes the `system` of events: here, nothing in particular."""
        return "-"


# --- Who hears it ------------------------------------------------------------------------------------------------


class LogPublisher:
    """Publishes events of the old form, to observers of either form.

    Args:
        observerPublisher: where observers are added; by default a publisher of its own.
        publishPublisher: where events go; by default the same.
        logBeginner: begins to log.
        warningsModule: a module like `warnings`.
    """

    synchronized = ["msg"]

    def __init__(
        self,
        observerPublisher: _NewLogPublisher | None = None,
        publishPublisher: _NewLogPublisher | None = None,
        logBeginner: LogBeginner | None = None,
        warningsModule: Any = warnings,
    ) -> None:
        if publishPublisher is None:
            publishPublisher = _NewLogPublisher()
            if observerPublisher is None:
                observerPublisher = publishPublisher
        if observerPublisher is None:
            observerPublisher = _NewLogPublisher()
        self._observerPublisher = observerPublisher
        self._publishPublisher = publishPublisher
        self._legacyObservers: list[LegacyLogObserverWrapper] = []
        if logBeginner is None:
            # One that prints nothing while nobody has begun: the global one does that.
            logBeginner = LogBeginner(_NewLogPublisher(), NullFile(), sys, warningsModule)
        self._logBeginner = logBeginner
        self._warningsModule = warningsModule
        self._oldshowwarning: Callable[..., Any] | None = warningsModule.showwarning
        self._gate = gate_for(publishPublisher, "log_legacy")

    @property
    def observers(self) -> list[Callable[[EventDict], object]]:
        """The observers that were added here."""
        return [wrapper.legacyObserver for wrapper in self._legacyObservers]

    def addObserver(self, other: Callable[[EventDict], object]) -> None:
        """Call `other` with each event from now on."""
        wrapper = LegacyLogObserverWrapper(other)
        self._legacyObservers.append(wrapper)
        self._observerPublisher.addObserver(wrapper)

    def removeObserver(self, other: Callable[[EventDict], object]) -> None:
        """Stop calling `other`; nothing happens when it was not added."""
        for wrapper in self._legacyObservers:
            if wrapper.legacyObserver == other:
                self._legacyObservers.remove(wrapper)
                self._observerPublisher.removeObserver(wrapper)
                return

    def msg(self, *message: Any, **kw: Any) -> None:
        """Log a message.

        Args:
            message: its pieces, which are joined by blanks.
            kw: what else the event shall have: `system` names who speaks, `logLevel` is a level of the standard
                `logging`, `format` a `%` format over the rest, which takes the place of the pieces.
        """
        event: EventDict = {
            **(_bound.current() or {}),
            **(_context.get(ILogContext) or {}),
            **kw,
            "message": message,
            "time": time.time(),
        }
        event.setdefault("isError", 0)
        if "log_level" not in event and "log_namespace" not in event:
            level = legacy_level(event)
            if level is not None and not self._gate.wants(level):
                return
        publishToNewObserver(self._publishPublisher, event, _text_for_log)

    def showwarning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        """Log a warning; takes the place of `warnings.showwarning`, which gets those that are meant for a file."""
        if file is not None:
            if self._oldshowwarning is not None:
                self._oldshowwarning(message, category, filename, lineno, file, line)
            return
        self.msg(
            warning=message,
            category=f"{category.__module__}.{category.__name__}",
            filename=filename,
            lineno=lineno,
            format="%(filename)s:%(lineno)s: %(category)s: %(warning)s",
        )

    def _startLogging(self, other: Callable[[EventDict], object], setStdout: object) -> None:
        """Begin to log to an observer of old events."""
        wrapper = LegacyLogObserverWrapper(other)
        self._legacyObservers.append(wrapper)
        self._logBeginner.beginLoggingTo([wrapper], redirectStandardIO=bool(setStdout))

    def _stopLogging(self) -> None:
        """Give warnings back to whoever had them."""
        if self._warningsModule.showwarning == self._logBeginner.showwarning:
            self._warningsModule.showwarning = self._oldshowwarning


def _text_for_log(event: EventDict) -> str | None:
    # Fields of a `%` format are escaped here: in `log_text` they cannot be told from the format any more.
    return legacy_text(event) if "format" in event else textFromEventDict(event)


# --- Observers ---------------------------------------------------------------------------------------------------


class _GlobalStartStopObserver(ABC):
    """An observer that adds and removes itself."""

    @abstractmethod
    def emit(self, eventDict: EventDict) -> None:
        """Take note of one event."""

    def start(self) -> None:
        """Get events from now on."""
        addObserver(self.emit)

    def stop(self) -> None:
        """Get no more events."""
        removeObserver(self.emit)


class FileLogObserver(_GlobalStartStopObserver):
    """Writes lines to a file: "2026-02-03 04:05:06+0000 [system] text".

    Args:
        f: a file of text.

    Attributes:
        timeFormat: how `time.strftime` shall show the time; by default as above.
    """

    timeFormat: str | None = None

    def __init__(self, f: Output) -> None:
        self.write = f.write
        self.flush = f.flush

    def getTimezoneOffset(self, when: float) -> float:
        """Return how many seconds local time is behind UTC at a time; east of Greenwich that is below 0."""
        offset = datetime.fromtimestamp(when).astimezone().utcoffset()
        return 0 if offset is None else -offset.total_seconds()

    def formatTime(self, when: float) -> str:
        """Return a time, in seconds since the epoch, as text."""
        if self.timeFormat is not None:
            return datetime.fromtimestamp(when).strftime(self.timeFormat)
        west = self.getTimezoneOffset(when)
        local = datetime.fromtimestamp(when, UTC) - timedelta(seconds=west)
        hours, minutes = divmod(abs(int(west)) // 60, 60)
        return f"{local:%Y-%m-%d %H:%M:%S}{'-' if west > 0 else '+'}{hours:02}{minutes:02}"

    def emit(self, eventDict: EventDict) -> None:
        """Write one event; what fills its fields is escaped."""
        text = legacy_text(eventDict)
        if text is None:
            return
        shown = {"system": eventDict["system"], "text": text.replace("\n", "\n\t")}
        if type(shown["system"]) is str:
            shown["system"] = as_field(shown["system"])
        line = safe_format("[%(system)s] %(text)s\n", shown)
        self.write(f"{self.formatTime(eventDict['time'])} {line}")
        self.flush()


class PythonLoggingObserver(_GlobalStartStopObserver):
    """Passes events to the standard `logging`.

    Args:
        loggerName: the logger that gets them.
    """

    def __init__(self, loggerName: str = "twisted") -> None:
        from ._stdlib import STDLibLogObserver

        self._newObserver = STDLibLogObserver(name=loggerName)

    def emit(self, eventDict: EventDict) -> None:
        """Pass one event on."""
        if "log_format" in eventDict:
            self._newObserver(eventDict)


class DefaultObserver(_GlobalStartStopObserver):
    """Prints errors to standard error."""

    stderr: Output = sys.stderr

    def emit(self, eventDict: EventDict) -> None:
        """Print one event, if it is an error."""
        if eventDict["isError"]:
            text = legacy_text(eventDict)
            self.stderr.write("" if text is None else text + "\n")
            self.stderr.flush()


# --- Beginning, and standard output ------------------------------------------------------------------------------


class StdioOnnaStick:
    """A file to print to; each line becomes a message.

    Args:
        isError: whether it is an error.
        encoding: of bytes that are written; by default the interpreter's.
    """

    closed = 0
    softspace = 0
    mode = "wb"
    name = "<stdio (log)>"

    def __init__(self, isError: int = 0, encoding: str | None = None) -> None:
        self.isError = isError
        self.encoding = encoding or sys.getdefaultencoding()
        self.buf = ""

    def close(self) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""

    def fileno(self) -> int:
        """Raise `OSError`: there is no descriptor."""
        from io import UnsupportedOperation

        raise UnsupportedOperation("a file that is a log has no descriptor")

    def read(self, *args: Any) -> Any:
        """Raise `OSError`: this can be written to."""
        raise OSError("can't read from the log!")

    readline = readlines = seek = tell = read

    def write(self, data: str | bytes) -> None:
        """Log a message for each line that ends in `data`."""
        if isinstance(data, bytes):
            data = data.decode(self.encoding, "backslashreplace")
        *lines, self.buf = (self.buf + data).split("\n")
        for line in lines:
            msg(line, printed=1, isError=self.isError)

    def writelines(self, lines: Iterable[str | bytes]) -> None:
        """Log a message for each of `lines`."""
        for line in lines:
            if isinstance(line, bytes):
                line = line.decode(self.encoding, "backslashreplace")
            msg(line, printed=1, isError=self.isError)


class NullFile:
    """A file that forgets what is written to it."""

    softspace = 0

    def read(self) -> str:
        """Return nothing."""
        return ""

    def write(self, bytes: Any) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def startLogging(file: Output, *a: Any, **kw: Any) -> FileLogObserver | None:
    """Begin to log to a file; standard output and error become messages, too.

    Args:
        file: a file of text. One that is a log itself is left alone: `startLogging(sys.stdout)` may be called twice.
        a: for `startLoggingWithObserver`.
        kw: for `startLoggingWithObserver`.

    Returns:
        The observer that writes to the file.
    """
    if isinstance(file, LoggingFile):
        return None
    observer = FileLogObserver(file)
    startLoggingWithObserver(observer.emit, *a, **kw)
    return observer


def startLoggingWithObserver(observer: Callable[[EventDict], object], setStdout: int = 1) -> None:
    """Begin to log to an observer.

    Args:
        observer: called with each event.
        setStdout: whether standard output and error become messages, too.
    """
    theLogPublisher._startLogging(observer, setStdout)
    msg("Log opened.")


def discardLogs() -> None:
    """Forget what is printed to `logfile`."""
    global logfile
    logfile = NullFile()


#: The publisher of the program: it shares its events and observers with `selvage.logger`.
theLogPublisher = LogPublisher(
    observerPublisher=globalLogPublisher,
    publishPublisher=globalLogPublisher,
    logBeginner=globalLogBeginner,
)

msg = theLogPublisher.msg
addObserver = theLogPublisher.addObserver
removeObserver = theLogPublisher.removeObserver
showwarning = theLogPublisher.showwarning

#: Files to print to when standard output and error are not redirected.
logfile: Any = LoggingFile(_NewLogger(namespace="log_legacy"), LogLevel.info)
logerr: Any = LoggingFile(_NewLogger(namespace="log_legacy"), LogLevel.error)

#: Prints errors when it was started; what is critical is printed until somebody begins to log in any case.
defaultObserver = DefaultObserver()

publish(globals())
