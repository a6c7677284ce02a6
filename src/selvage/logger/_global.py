"""How a program begins to log, and what becomes of events before that.  Floor 1."""

from __future__ import annotations

import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from typing import IO, Any

from ._file import FileLogObserver
from ._filter import FilteringLogObserver, LogLevelFilterPredicate
from ._format import eventAsText
from ._interfaces import ILogObserver, LogEvent, Output
from ._io import LoggingFile
from ._levels import LogLevel
from ._logger import Logger
from ._observer import LogPublisher, bitbucketLogObserver, globalLogPublisher
from ._place import outside

__all__ = ["MORE_THAN_ONCE_WARNING", "LogBeginner", "globalLogBeginner"]

#: The format of the event that says so.
MORE_THAN_ONCE_WARNING = (
    "Logging was begun at <{fileNow}:{lineNow}> and had been begun before, at <{fileThen}:{lineThen}>; "
    "both sets of observers get the events now. One of the two calls of beginLoggingTo is one too many."
)


class _Early:
    """Keeps the last events until it is told who shall have them."""

    def __init__(self, size: int) -> None:
        self._kept: deque[LogEvent] = deque(maxlen=size)
        self._heir: ILogObserver | None = None

    def __call__(self, event: LogEvent) -> None:
        self._kept.append(event)
        if self._heir is not None:
            # Another thread was on its way here while logging began.
            self.hand_over(self._heir)

    def hand_over(self, heir: ILogObserver) -> None:
        """Pass on what was kept, and what may still come; each event once, whichever thread does it."""
        self._heir = heir
        while self._kept:
            try:
                event = self._kept.popleft()
            except IndexError:
                return
            heir(event)


class LogBeginner:
    """Begins to log: gives a publisher its observers, once the program has chosen them.

    Until then the last events are kept, and given to those observers first; and what is critical is printed, so that it
    is not lost when the program never comes to choose.

    Args:
        publisher: gets the observers.
        errorStream: where critical events are printed.
        stdio: a module like `sys`, whose `stdout` and `stderr` may be redirected.
        warningsModule: a module like `warnings`, whose warnings become events.
        initialBufferSize: so many events are kept.
    """

    # Events that are kept until logging begins: what a program says while it starts.
    _DEFAULT_BUFFER_SIZE = 200

    def __init__(
        self,
        publisher: LogPublisher,
        errorStream: Output,
        stdio: object,
        warningsModule: Any,
        initialBufferSize: int | None = None,
    ) -> None:
        self._log = Logger(namespace="selvage.logger", observer=publisher)
        self._publisher = publisher
        self._stdio: Any = stdio
        self._warningsModule = warningsModule
        self._show_warning: Callable[..., Any] = warningsModule.showwarning
        #: Whether somebody has chosen observers.
        self.has_begun = False
        self._begun: tuple[str, int] | None = None
        size = self._DEFAULT_BUFFER_SIZE if initialBufferSize is None else initialBufferSize
        self._early = _Early(size)
        critical_only = LogLevelFilterPredicate(defaultLogLevel=LogLevel.critical)
        printed = FilteringLogObserver(FileLogObserver(errorStream, _as_printed), [critical_only])
        self._meanwhile = LogPublisher(self._early, printed)
        publisher.addObserver(self._meanwhile)

    def beginLoggingTo(
        self,
        observers: Iterable[ILogObserver],
        discardBuffer: bool = False,
        redirectStandardIO: bool = True,
    ) -> None:
        """Give the publisher these observers, and them the events that were kept.

        Call it once. Another time, the observers are added, and an event warns of it.

        Args:
            observers: get all events from now on.
            discardBuffer: whether the events that were kept are forgotten instead.
            redirectStandardIO: whether `sys.stdout` and `sys.stderr` become events, of levels info and error.
        """
        caller = outside(sys._getframe(1)) or sys._getframe(1)
        here = caller.f_code.co_filename, caller.f_lineno
        chosen = tuple(observers)
        if self._begun is None:
            self._first(chosen, discardBuffer)
        else:
            self._publisher._exchange((), chosen)
            self._warn_of_second(self._begun, here)
        self.has_begun = True
        self._begun = here
        if redirectStandardIO:
            self._redirect("stdout", LogLevel.info)
            self._redirect("stderr", LogLevel.error)

    def _first(self, observers: tuple[ILogObserver, ...], discard: bool) -> None:
        self._warningsModule.showwarning = self.showwarning
        self._publisher._exchange((self._meanwhile,), observers)
        self._early.hand_over(bitbucketLogObserver if discard else LogPublisher(*observers))

    def _warn_of_second(self, then: tuple[str, int], now: tuple[str, int]) -> None:
        (file_then, line_then), (file_now, line_now) = then, now
        self._log.warn(
            MORE_THAN_ONCE_WARNING,
            fileNow=file_now,
            lineNow=line_now,
            fileThen=file_then,
            lineThen=line_then,
        )

    def _redirect(self, name: str, level: LogLevel) -> None:
        replaced = getattr(self._stdio, name)
        logger = Logger(namespace=name, observer=self._publisher)
        setattr(self._stdio, name, LoggingFile(logger, level, getattr(replaced, "encoding", None)))

    def showwarning(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: IO[Any] | None = None,
        line: str | None = None,
    ) -> None:
        """Emit a warning as an event; takes the place of `warnings.showwarning`, which see."""
        if file is not None:
            self._show_warning(message, category, filename, lineno, file, line)
            return
        self._log.warn(
            "{filename}:{lineno}: {category}: {warning}",
            warning=message,
            category=f"{category.__module__}.{category.__name__}",
            filename=filename,
            lineno=lineno,
        )


def _as_printed(event: LogEvent) -> str:
    return eventAsText(event, includeTimestamp=False, includeSystem=False) + "\n"


class _StandardError:
    """The standard error that there is when something is written to it; none is none."""

    def write(self, text: str) -> None:
        """Write text."""
        if sys.stderr is not None:
            sys.stderr.write(text)

    def flush(self) -> None:
        """Have it written."""
        if sys.stderr is not None:
            sys.stderr.flush()


#: Begins to log for the program: its observers get what all loggers emit.
globalLogBeginner = LogBeginner(globalLogPublisher, _StandardError(), sys, warnings)
