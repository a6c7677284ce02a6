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
from typing import Any, NamedTuple

__all__ = ["Field", "Template", "fill", "template_of"]

# So many formats are kept taken apart, which is more than a large program has; one that makes its formats while it runs
# (and should use fields) pushes out what is least used.
_KEPT = 1024


class Field(NamedTuple):
    """One `{...}` of a format."""

    #: All between `{` and the conversion: "a.b[c]".
    name: str
    #: Which field of the event: "a", without the `()` that may follow.
    key: str
    #: Whether the field itself is called.
    called: bool
    #: What is looked up in it, in order: (is an attribute, name or index, is called).
    path: tuple[tuple[bool, Any, bool], ...]
    #: "", "s", "r" or "a".
    conversion: str
    #: The format specification, as written.
    spec: str
    #: The same taken apart, when it has fields in it.
    inner: Template | None

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
        if self.inner is not None:
            return format(value, fill(self.inner, fields))
        # A string is what it formats to, and most values are strings.
        return value if type(value) is str and not self.spec else format(value, self.spec)


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
        escape: called with the key and the text of each field, gives the text to use.
    """
    parts: list[str] = []
    for part in template:
        if type(part) is str:
            parts.append(part)
            continue
        assert isinstance(part, Field)
        text = part.text(part.value(fields), fields)
        parts.append(text if escape is None else escape(part.key, text))
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
            parts.append(_field(name, spec, conversion or ""))
    return tuple(parts)


def _field(name: str, spec: str, conversion: str) -> Field:
    if conversion and conversion not in _CONVERSIONS:
        raise ValueError(f"Unknown conversion specifier {conversion}")
    first, rest = formatter_field_name_split(name)
    if not isinstance(first, str) or not first:
        raise IndexError(f"the field {{{name}}} has no name, and an event has named fields only")
    path = []
    for is_attribute, key in rest:
        called = is_attribute and key.endswith("()")
        path.append((is_attribute, key[:-2] if called else key, called))
    called = first.endswith("()")
    inner = template_of(spec) if "{" in spec or "}" in spec else None
    return Field(name, first[:-2] if called else first, called, tuple(path), conversion, spec, inner)
