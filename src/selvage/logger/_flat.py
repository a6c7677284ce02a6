"""Events that have been flattened: what each field of the format gave is kept beside the event, as text and as data.

Floor 1. An event refers to live objects. What becomes of them later, or in a file, does not matter to an event that was
flattened: `log_flattened` has what the format needs of them, keyed by how the format asks for it:

    "{user.name} {user.name!r:>10}"  ->  "user.name!s:", "user.name!:", "user.name!r:>10", "user.name!:>10"

of which the first of each pair is the text and the second the value itself. What is asked for twice is kept twice, the
second time as "user.name!s:/2", for it need not have given the same.
"""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter
from typing import Any

from ._interfaces import LogEvent
from ._template import Field, Template, template_of

__all__ = ["KeyFlattener", "aFormatter", "extractField", "fill_flat", "flattenEvent"]

#: Takes formats apart the public way; for those who build on `KeyFlattener`.
aFormatter = Formatter()


class KeyFlattener:
    """Makes the keys of one format's fields, each of which is asked for once, in order."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def flatKey(self, fieldName: str, formatSpec: str | None, conversion: str | None) -> str:
        """Return the key of a field.

        Args:
            fieldName: as the format has it: "a.b[c]".
            formatSpec: what follows its colon, if anything.
            conversion: "s", "r", "a" or None.
        """
        key = f"{fieldName}!{conversion or ''}:{formatSpec or ''}"
        count = self._seen[key] = self._seen.get(key, 0) + 1
        return key if count == 1 else f"{key}/{count}"


def _fields_of(template: Template) -> list[Field]:
    return [part for part in template if isinstance(part, Field)]


def flattenEvent(event: LogEvent) -> None:
    """Put `log_flattened` into an event; nothing happens when it has no format, none with fields, or was flattened.

    What looking up a field raises, this raises. Of a bad format `formatEvent` will complain.
    """
    format = event.get("log_format")
    if format is None or "log_flattened" in event:
        return
    try:
        template = template_of(format.decode("utf-8") if isinstance(format, bytes) else format)
    except Exception:
        return
    fields = _fields_of(template)
    if not fields:
        return
    keys = KeyFlattener()
    flattened: dict[str, Any] = {}
    for field in fields:
        value = field.value(event)
        flattened[keys.flatKey(field.name, field.spec, field.conversion or "s")] = field.text(value, event)
        flattened[keys.flatKey(field.name, field.spec, None)] = value
    event["log_flattened"] = flattened


def fill_flat(template: Template, event: LogEvent, escape: Callable[[str, str], str] | None = None) -> str:
    """Return the text of an event that was flattened; the arguments are those of `fill`."""
    flattened = event["log_flattened"]
    keys = KeyFlattener()
    parts: list[str] = []
    for part in template:
        if not isinstance(part, Field):
            parts.append(part)
            continue
        text = str(flattened[keys.flatKey(part.name, part.spec, part.conversion or "s")])
        if escape is not None and not text.isprintable():
            text = escape(part.key, text)
        parts.append(text)
    return "".join(parts)


def extractField(field: str, event: LogEvent) -> Any:
    """Return what a field of an event's format gives, the same before and after the event was saved and loaded.

    Args:
        field: a field that the format has, as it has it: "user.name", "user.name!r".
        event: the event; it is flattened.

    Raises:
        KeyError: the format has no such field.
    """
    (part,) = _fields_of(template_of("{" + field + "}"))
    key = KeyFlattener().flatKey(part.name, part.spec, part.conversion)
    flattenEvent(event)
    return event["log_flattened"][key]
