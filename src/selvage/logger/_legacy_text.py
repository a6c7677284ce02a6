"""The text of events in the old form, of `twisted.python.log`: `%` formats and messages in pieces.  Floor 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selvage.failure import printable_traceback, safe_repr, safe_str

from ._escape import as_field, as_lines
from ._format import EventText, text_of

__all__ = ["legacy_text", "percent", "safe_format", "textFromEventDict"]

_NUMBERS = (int, float, complex)


class _Escaping:
    """Stands for a value in a `%` format: what it gives as text is escaped."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __str__(self) -> str:
        return as_field(str(self._value))

    def __repr__(self) -> str:
        return as_field(repr(self._value))

    # For %d, %x, %f, %c of what is a number to Python without being one of its own.

    def __int__(self) -> int:
        return int(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __index__(self) -> int:
        return self._value.__index__()  # type: ignore[no-any-return]


class _EscapedText(str):
    """A text in a `%` format, escaped; still text, as %c wants it."""

    __slots__ = ("_original",)

    _original: str

    def __new__(cls, original: str) -> _EscapedText:
        made = super().__new__(cls, as_field(original))
        made._original = original
        return made

    def __repr__(self) -> str:
        return as_field(repr(self._original))


class _EscapingFields(dict[str, Any]):
    """Fields for a `%` format whose text is escaped."""

    def __getitem__(self, name: str) -> Any:
        return _escaping(super().__getitem__(name))


def _escaping(value: Any) -> Any:
    if isinstance(value, EventText):
        # The text of an event in the new form, whose own lines are the program's.
        return text_of(value.event)
    if isinstance(value, _NUMBERS):
        return value
    return _EscapedText(value) if isinstance(value, str) else _Escaping(value)


def percent(format: str, arguments: tuple[Any, ...] | Mapping[str, Any]) -> str:
    """Return `format % arguments`, with the text of each argument escaped.

    What the formatting raises becomes part of the text.
    """
    escaping: Any
    if isinstance(arguments, tuple):
        escaping = tuple(map(_escaping, arguments))
    else:
        escaping = _EscapingFields(arguments)
    try:
        return as_lines(format % escaping)
    except Exception as error:
        return as_lines(
            f"{format} [could not be formatted with {safe_repr(arguments)}: {type(error).__name__}: {safe_str(error)}]"
        )


def safe_format(format: Any, fields: Mapping[str, Any]) -> str:
    """Return `format % fields`, or, when that raises, as much of both as can be shown."""
    try:
        return format % fields  # type: ignore[no-any-return]
    except Exception:
        pass
    try:
        return f"Invalid format string or unformattable object in log message: {format!r}, {fields!r}"
    except Exception:
        pass
    try:
        return f"UNFORMATTABLE OBJECT WRITTEN TO LOG with fmt {format!r}, MESSAGE LOST"
    except Exception:
        return "PATHOLOGICAL ERROR IN BOTH FORMAT STRING AND MESSAGE DETAILS, MESSAGE LOST"


def textFromEventDict(eventDict: dict[str, Any]) -> str | None:
    """Return the text of an event, or None when it has none to show.

    Args:
        eventDict: with `message`, a tuple of pieces; or `isError` and `failure`, perhaps with a `why`; or a `format` that
            is filled in by `%`.
    """
    return _text(eventDict, eventDict)


def legacy_text(event: dict[str, Any]) -> str | None:
    """Return the text of an event as `textFromEventDict`, escaped for readers."""
    made = event.get("log_legacy")
    if isinstance(made, EventText) and "why" not in made.event:
        event = {**event, "why": text_of(made.event)}
    text = _text(event, _EscapingFields(event))
    return None if text is None else as_lines(text)


def _text(event: dict[str, Any], fields: Mapping[str, Any]) -> str | None:
    message = event.get("message")
    if message:
        return " ".join(map(_piece, message))
    if event.get("isError") and "failure" in event:
        why = event.get("why")
        try:
            traceback = printable_traceback(event["failure"])
        except Exception as error:
            traceback = f"(unable to obtain traceback): {safe_str(error)}"
        return (
            f"{why if type(why) is str else safe_str(why)}\n{traceback}"
            if why
            else f"Unhandled Error\n{traceback}"
        )
    if "format" in event:
        return safe_format(event["format"], fields)
    return None


def _piece(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value if type(value) is str else safe_str(value)
