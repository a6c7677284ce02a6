"""Events as text.  Floor 1.

`formatEvent` gives the text of an event as the program wrote it. Everything that ends up before a reader or in a file
(`eventAsText`, the classic line and all that is made of them) goes by `text_of`, which escapes what fills the fields;
see `_escape`.

Nothing here raises, whatever an event holds: an event that cannot be formatted says so in its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from traceback import format_exc
from typing import Any

from selvage.failure import printable_traceback, safe_repr, safe_str

from ._escape import as_field, as_lines
from ._flat import fill_flat
from ._interfaces import LogEvent
from ._template import fill, template_of

__all__ = [
    "EventText",
    "eventAsText",
    "formatEvent",
    "formatEventAsClassicLogText",
    "formatTime",
    "formatUnformattableEvent",
    "formatWithCall",
    "system_of",
    "text_of",
    "timeFormatRFC3339",
    "traceback_of",
]

#: Date and time with the offset from UTC, as RFC 3339 wants it but for the colon in the offset.
timeFormatRFC3339 = "%Y-%m-%dT%H:%M:%S%z"


# --- The text of an event ----------------------------------------------------------------------------------------


def formatEvent(event: LogEvent) -> str:
    """Return the text of an event: its `log_format`, filled in; "" when it has none."""
    return _formatted(event, None)


def text_of(event: LogEvent) -> str:
    """Return the text of an event for readers: as `formatEvent`, with what fills the fields escaped."""
    return _formatted(event, _escape_field)


class EventText:
    """The text of an event, made when it is asked for.

    Args:
        event: the event.
        text: makes the text: `formatEvent` or `text_of`.
    """

    __slots__ = ("event", "text")

    def __init__(self, event: LogEvent, text: Callable[[LogEvent], str] = formatEvent) -> None:
        self.event = event
        self.text = text

    def __str__(self) -> str:
        return self.text(self.event)

    def __bytes__(self) -> bytes:
        return str(self).encode("utf-8")


def formatWithCall(formatString: str, mapping: Mapping[str, Any]) -> str:
    """Fill in one format: as `str.format` does, but names that end with `()` are called."""
    return fill(template_of(formatString), mapping)


def _formatted(event: LogEvent, escape: Callable[[str, str], str] | None) -> str:
    try:
        format = event.get("log_format")
        if format is None:
            return ""
        if type(format) is not str:
            format = _as_str(format)
        template = template_of(format)
        if "log_flattened" in event:
            return fill_flat(template, event, escape)
        return fill(template, event, escape)
    except Exception as error:
        text = formatUnformattableEvent(event, error)
        return text if escape is None else as_lines(text)


def _escape_field(key: str, text: str) -> str:
    # `log_text` is the whole text of an event that was made elsewhere, by twisted.python.log or the standard logging.
    return as_lines(text) if key == "log_text" else as_field(text)


def _as_str(format: Any) -> str:
    if isinstance(format, bytes):
        return format.decode("utf-8")
    if isinstance(format, str):
        return str(format)
    raise TypeError(f"Log format must be str, not {format!r}")


def formatUnformattableEvent(event: LogEvent, error: BaseException) -> str:
    """Return a text for an event that could not be formatted: all that can be told of it.

    Args:
        event: the event.
        error: what was raised.
    """
    try:
        return f"Unable to format event {event!r}: {error}"
    except Exception:
        facts = ", ".join(f"{safe_repr(key)} = {safe_repr(value)}" for key, value in event.items())
        return (
            f"MESSAGE LOST: unformattable object logged: {safe_str(error)}\n"
            f"Recoverable data: {facts}\n"
            f"Exception during formatting:\n{format_exc()}"
        )


# --- Its time ----------------------------------------------------------------------------------------------------


# The time that was formatted last: second, format, time zone and text. Events come in bursts: most have the second of the
# one before. One tuple, replaced whole, since events come from any thread.
_last: tuple[int, str, tuple[str, str], str] = (0, "", ("", ""), "")


def formatTime(when: float | None, timeFormat: str | None = timeFormatRFC3339, default: str = "-") -> str:
    """Return a time as text, in the local time zone.

    Args:
        when: seconds since the epoch, or None.
        timeFormat: as `time.strftime` takes it, and `%f` for microseconds.
        default: what to return when `when` or `timeFormat` is None.
    """
    if when is None or timeFormat is None:
        return default
    if "%f" in timeFormat:
        from datetime import datetime

        return datetime.fromtimestamp(when).astimezone().strftime(timeFormat)
    global _last
    second = int(when // 1)
    # A new object after each time.tzset().
    zone = time.tzname
    last = _last
    if last[0] == second and last[1] is timeFormat and last[2] is zone:
        return last[3]
    text = time.strftime(timeFormat, time.localtime(second))
    _last = second, timeFormat, zone, text
    return text


# --- A line, and what goes below it ------------------------------------------------------------------------------


def system_of(event: LogEvent) -> str:
    """Return who speaks, on one line: the `log_system` of an event, or its namespace and level."""
    system = event.get("log_system")
    if system is None:
        level = event.get("log_level")
        name = "-" if level is None else getattr(level, "name", None) or safe_str(level)
        namespace = event.get("log_namespace", "-")
        return as_field(f"{namespace if type(namespace) is str else safe_str(namespace)}#{name}")
    try:
        return as_field(str(system))
    except Exception:
        return "UNFORMATTABLE"


def traceback_of(failure: Any) -> str:
    """Return the report of an event's failure."""
    try:
        return printable_traceback(failure)
    except Exception:
        return "(UNABLE TO OBTAIN TRACEBACK FROM EVENT)"


def eventAsText(
    event: LogEvent,
    includeTraceback: bool = True,
    includeTimestamp: bool = True,
    includeSystem: bool = True,
    formatTime: Callable[[float], str] = formatTime,
) -> str:
    """Return an event as text: when, who, what, and the report of its failure.

    What fills the fields is escaped. An event without a format and without a failure is "".

    Args:
        event: the event.
        includeTraceback: whether its `log_failure` is shown.
        includeTimestamp: whether its `log_time` is shown.
        includeSystem: whether its `log_system`, or namespace and level, is shown.
        formatTime: makes text of `log_time`.
    """
    text = text_of(event)
    if includeTraceback and "log_failure" in event:
        text = f"{text}\n{traceback_of(event['log_failure'])}"
    if not text:
        return text
    if includeSystem:
        text = f"[{system_of(event)}] {text}"
    if includeTimestamp:
        text = f"{formatTime(event.get('log_time'))} {text}"  # type: ignore[arg-type]
    return text


def formatEventAsClassicLogText(
    event: LogEvent, formatTime: Callable[[float | None], str] = formatTime
) -> str | None:
    r"""Return an event as a line of a log file, or as several of which all but the first begin with a tab.

        2026-02-03T04:05:06+0000 [namespace#level] text

    Args:
        event: the event.
        formatTime: makes text of `log_time`, or of None.

    Returns:
        The text with a line end, or None when there is nothing to say.
    """
    text = eventAsText(event, formatTime=formatTime)
    if not text:
        return None
    if "\n" in text:
        text = text.replace("\n", "\n\t")
    return text + "\n"
