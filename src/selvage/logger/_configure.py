"""One call that sets the log up.  Floor 1."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ._file import FileLogObserver
from ._filter import FilteringLogObserver, LogLevelFilterPredicate
from ._global import globalLogBeginner
from ._interfaces import LogEvent, Output
from ._io import LoggingFile
from ._levels import LogLevel
from ._logger import Logger
from ._numbers import NUMBERS
from ._observer import globalLogPublisher

if TYPE_CHECKING:
    from ._stdlib import LoggingHandler

__all__ = ["LogConfiguration", "configure"]

_FORMS = ("auto", "color", "text", "json")

_current: LogConfiguration | None = None


def configure(
    stream: Output | str | os.PathLike[str] | None = None,
    *,
    level: LogLevel | str = LogLevel.info,
    levels: Mapping[str, LogLevel | str] | None = None,
    form: str = "auto",
    standard_logging: bool = True,
    redirect_standard_io: bool = False,
) -> LogConfiguration:
    """Set the log up: where events go, how they look, and which of them.

    Calling it again replaces what it set up before. Other observers are left alone.

    Args:
        stream: a file, or the path of one to append to; by default standard error.
        level: events below it are not even made.
        levels: the same for namespaces: {"shop.orders": "debug"} holds for what is below `shop.orders`, too.
        form: "color" or "text" for people, "json" for programs that collect logs, one object a line. "auto" is colour
            on a terminal and JSON elsewhere; on a terminal it heeds `NO_COLOR`, and `FORCE_COLOR` anywhere.
        standard_logging: whether records of the standard `logging` become events; its root logger gets the level.
        redirect_standard_io: whether what is printed becomes events.

    Returns:
        What was set up: its levels may be changed, and it may be stopped.

    Raises:
        InvalidLogLevelError: a level is none.
        ValueError: `form` is none of those.
    """
    global _current
    if form not in _FORMS:
        raise ValueError(f"form is one of {', '.join(map(repr, _FORMS))}, not {form!r}")
    filter_ = LogLevelFilterPredicate(_level(level))
    for namespace, its_level in (levels or {}).items():
        filter_.setLogLevelForNamespace(namespace, _level(its_level))
    file, close = _opened(stream)
    if _current is not None:
        _current.stop()
    _current = LogConfiguration(file, close, _maker(form, file), filter_, standard_logging)
    _current._start(redirect_standard_io)
    return _current


class LogConfiguration:
    """What `configure` has set up. It may be used as a context manager, which stops it."""

    def __init__(
        self,
        file: Output,
        close: Callable[[], object] | None,
        make_text: Callable[[LogEvent], str],
        filter_: LogLevelFilterPredicate,
        standard_logging: bool,
    ) -> None:
        self._close = close
        self._filter = filter_
        self._observer = FilteringLogObserver(FileLogObserver(file, make_text), [filter_])
        self._standard_logging = standard_logging
        self._handler: LoggingHandler | None = None
        self._root_level = 0
        # By name: the standard stream that was there, and the file that took its place.
        self._redirected: dict[str, tuple[Any, LoggingFile]] = {}
        self._running = False

    def set_level(self, level: LogLevel | str, namespace: str = "") -> None:
        """Change the level of a namespace and of what is below it; "" is for all that has none of its own."""
        self._filter.setLogLevelForNamespace(namespace, _level(level))
        self._set_root_level()

    def stop(self) -> None:
        """Write no more events, and give the standard `logging` back its level; stopping again does no harm."""
        if not self._running:
            return
        self._running = False
        globalLogPublisher.removeObserver(self._observer)
        for name, (before, ours) in self._redirected.items():
            if getattr(sys, name) is ours:
                setattr(sys, name, before)
        self._redirected.clear()
        if self._handler is not None:
            import logging

            root = logging.getLogger()
            root.removeHandler(self._handler)
            root.setLevel(self._root_level)
        if self._close is not None:
            self._close()

    def _start(self, redirect_standard_io: bool) -> None:
        self._running = True
        if globalLogBeginner.has_begun:
            globalLogPublisher.addObserver(self._observer)
        else:
            globalLogBeginner.beginLoggingTo([self._observer], redirectStandardIO=False)
        if redirect_standard_io:
            self._redirect("stdout", LogLevel.info)
            self._redirect("stderr", LogLevel.error)
        if self._standard_logging:
            import logging

            from ._stdlib import LoggingHandler

            self._root_level = logging.getLogger().level
            self._handler = LoggingHandler()
            logging.getLogger().addHandler(self._handler)
            self._set_root_level()

    def _redirect(self, name: str, level: LogLevel) -> None:
        before = getattr(sys, name)
        if not isinstance(before, LoggingFile):
            ours = LoggingFile(Logger(namespace=name), level, getattr(before, "encoding", None))
            self._redirected[name] = before, ours
            setattr(sys, name, ours)

    def _set_root_level(self) -> None:
        """Let records come to be that any namespace wants; the others stop at the handler."""
        if self._handler is not None:
            import logging

            logging.getLogger().setLevel(NUMBERS[self._filter.lowest()])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.stop()


def _level(level: LogLevel | str) -> LogLevel:
    return LogLevel.levelWithName(level) if isinstance(level, str) else level


def _opened(stream: Output | str | os.PathLike[str] | None) -> tuple[Output, Callable[[], object] | None]:
    """Return a file, and what closes it if it was opened here."""
    if stream is None:
        # A log that was redirected into itself would never come to an end.
        stream = sys.__stderr__ if isinstance(sys.stderr, LoggingFile) else sys.stderr
        if stream is None:
            raise ValueError(
                "this process has no standard error; say where the log shall go: configure(path)"
            )
    if isinstance(stream, str | os.PathLike):
        file = open(stream, "a", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        return file, file.close
    return stream, None


def _maker(form: str, file: Output) -> Callable[[LogEvent], str]:
    """Choose what makes text of events."""
    if form == "auto":
        form = _form_for(file)
    if form == "json":
        from ._lines import json_line

        return json_line
    from ._terminal import line_maker

    return line_maker(color=form == "color")


def _form_for(file: Output) -> str:
    if os.environ.get("FORCE_COLOR"):
        return "color"
    isatty = getattr(file, "isatty", None)
    if isatty is None or not isatty():
        return "json"
    return "text" if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else "color"
