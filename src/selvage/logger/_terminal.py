"""Events for people: one line each, in colour on a terminal.  Floor 1.

    12:03:04.123 info     shop.orders: sold 3 of them  order=17

Time, level, namespace, text; then those fields that the text does not show, if they are short. A failure's report, with
the source and the place in it, follows, indented. Colours are the eight that every terminal has, so that it can have them its own way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from selvage.failure import Failure, to_terminal

from ._escape import as_field
from ._facts import failure_of, fields_of
from ._format import text_of, traceback_of
from ._interfaces import LogEvent
from ._levels import LogLevel
from ._template import Field, template_of

__all__ = ["line_maker"]

# A field that the text does not show is added up to this length, in characters: what one sees at a glance.
_FIELD_LIMIT = 60

_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_CYAN = "\x1b[36m"
_LEVEL_COLOURS = {
    LogLevel.debug: "\x1b[2m",
    LogLevel.info: "\x1b[32m",
    LogLevel.warn: "\x1b[33m",
    LogLevel.error: "\x1b[31m",
    LogLevel.critical: "\x1b[1;31m",
}


def line_maker(color: bool) -> Callable[[LogEvent], str]:
    """Return the function that makes the text of an event.

    Args:
        color: whether its parts are coloured.
    """

    def paint(text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if color and text else text

    def line(event: LogEvent) -> str:
        failure = failure_of(event)
        level = event.get("log_level")
        name = getattr(level, "name", "-")
        when = event.get("log_time")
        text = _text(event)
        rest = " ".join(_more(event))
        parts = [
            paint(_clock(when), _DIM),
            paint(f"{name:<8}", _LEVEL_COLOURS.get(level, "") if isinstance(level, LogLevel) else ""),
            paint(f"{_speaker(event)}:", _CYAN),
            text.replace("\n", "\n    "),
        ]
        if rest:
            parts.append(" " + paint(rest, _DIM))
        whole = " ".join(part for part in parts if part)
        if failure is not None:
            whole = f"{whole}\n    " + _report(failure, color).rstrip("\n").replace("\n", "\n    ")
        return whole + "\n"

    return line


def _report(failure: Failure, color: bool) -> str:
    try:
        return to_terminal(failure, color=color)
    except Exception:
        # One that was loaded from a file, say, in which somebody has been.
        return traceback_of(failure)


def _text(event: LogEvent) -> str:
    if event.get("log_namespace") == "log_legacy" and event.get("isError") and "failure" in event:
        # Its text has the report in it, which comes below in any case.
        return as_field(str(event.get("why") or "Unhandled Error"))
    return text_of(event)


def _clock(when: Any) -> str:
    if not isinstance(when, int | float):
        return "-"
    return f"{time.strftime('%H:%M:%S', time.localtime(when))}.{int(when % 1 * 1000):03}"


def _speaker(event: LogEvent) -> str:
    namespace = event.get("log_namespace") or "-"
    if namespace == "log_legacy":
        namespace = event.get("log_system", "-")
    try:
        return as_field(str(namespace))
    except Exception:
        return "-"


def _more(event: LogEvent) -> list[str]:
    """Return short fields that the text does not show, as `name=value`."""
    fields = fields_of(event)
    if not fields:
        return []
    try:
        shown = {part.key for part in template_of(event.get("log_format") or "") if isinstance(part, Field)}
    except Exception:
        shown = set()
    found = []
    for name, value in fields.items():
        if name in shown or not isinstance(value, str | int | float | bool | None):
            continue
        text = (
            str(value)
            if not isinstance(value, str) or (value.isprintable() and " " not in value)
            else repr(value)
        )
        if text and len(text) <= _FIELD_LIMIT:
            found.append(as_field(f"{name}={text}"))
    return found
