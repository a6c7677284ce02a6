"""Formats: `str.format` templates with calls, taken apart once.  Floor 1.

A format is a `str.format` template (PEP 3101) over the fields of an event, in which a name that ends with `()` is called
before what it gives is used: `{name()}`, `{thing.method()}`. Programs have few formats and use each often, so each is
taken apart once and kept: a tuple of steps, alternately text and field.
"""

from __future__ import annotations

# What string.Formatter is made of; it publishes the first under its own name and the second not at all.
from _string import formatter_field_name_split, formatter_parser  # type: ignore[import-not-found]
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

__all__ = ["Field", "Template", "fill", "template_of"]

# So many formats are kept taken apart, which is more than a large program has; one that makes its formats while it runs
# (and should use fields) pushes out what is least used.
_KEPT = 1024


class Field:
    """One `{...}` of a format."""

    __slots__ = ("called", "conversion", "inner", "key", "name", "path", "plain", "spec")

    def __init__(self, name: str, spec: str, conversion: str) -> None:
        """Take the parts of a field, as written.

        Raises:
            ValueError: the conversion is none.
            IndexError: the field has no name.
        """
        if conversion and conversion not in _CONVERSIONS:
            raise ValueError(f"Unknown conversion specifier {conversion}")
        key, rest = formatter_field_name_split(name)
        if not isinstance(key, str) or not key:
            raise IndexError(f"the field {{{name}}} has no name, and an event has named fields only")
        #: All between `{` and the conversion: "a.b[c]".
        self.name = name
        #: Which field of the event, "a", and whether it is called.
        self.called = key.endswith("()")
        self.key: str = key[:-2] if self.called else key
        #: What is looked up in it, in order: (is an attribute, name or index, is called).
        self.path = tuple(map(_step, rest))
        #: "", "s", "r" or "a".
        self.conversion = conversion
        #: The format specification, as written; and taken apart when it has fields in it.
        self.spec = spec
        self.inner = template_of(spec) if "{" in spec or "}" in spec else None
        #: Whether it is nothing but a field of the event: most are.
        self.plain = not (self.called or self.path or conversion or spec)

    def value(self, fields: Mapping[Any, Any]) -> Any:
        """Look up, and call where that is asked for."""
        value = fields[self.key]
        if self.called:
            value = value()
        for is_attribute, name, called in self.path:
            value = getattr(value, name) if is_attribute else value[name]
            if called:
                value = value()
        return value

    def text(self, value: Any, fields: Mapping[Any, Any]) -> str:
        """Convert and format a value."""
        if self.conversion:
            value = _CONVERSIONS[self.conversion](value)
        return format(value, self.spec if self.inner is None else fill(self.inner, fields))


def _step(step: tuple[bool, Any]) -> tuple[bool, Any, bool]:
    is_attribute, name = step
    called = is_attribute and name.endswith("()")
    return is_attribute, name[:-2] if called else name, called


#: The parts of a format in order: text as it stands, and fields.
Template = tuple[str | Field, ...]

_CONVERSIONS: dict[str, Callable[[Any], str]] = {"s": str, "r": repr, "a": ascii}


def fill(
    template: Template, fields: Mapping[Any, Any], escape: Callable[[str, str], str] | None = None
) -> str:
    """Return the text of a template.

    Args:
        template: from `template_of`.
        fields: the event.
        escape: called with the key and the text of each field that is not printable as it is; gives the text to use.
    """
    parts: list[str] = []
    for part in template:
        if isinstance(part, str):
            parts.append(part)
            continue
        # Written out for the plain ones: see benchmarks/programs/twisted_log.py.
        if part.plain:
            value = fields[part.key]
            text = value if type(value) is str else format(value)
        else:
            text = part.text(part.value(fields), fields)
        if escape is not None and not text.isprintable():
            text = escape(part.key, text)
        parts.append(text)
    return "".join(parts)


@lru_cache(_KEPT)
def template_of(format: str) -> Template:
    """Take a format apart.

    Raises:
        ValueError: it is none.
        IndexError: a field has no name.
    """
    parts: list[str | Field] = []
    for text, name, spec, conversion in formatter_parser(format):
        if text:
            parts.append(text)
        if name is not None:
            parts.append(Field(name, spec, conversion or ""))
    return tuple(parts)
