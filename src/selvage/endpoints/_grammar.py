r"""The grammar of endpoint descriptions, and what is said of one that is wrong.  Floor 3.

Parts are separated by colons; a part with an equals sign names its value, any other has its meaning by its place; a
backslash takes the next character literally.  The first part is the type.

    description = type *( ":" part )
    part        = [ name "=" ] value
    value       = *( any but ":" and "\" / "\" any )

What is wrong is said with its place in the description and the nearest word that would be right.  Nothing here knows
what the types are: `_server_strings.py`, `_client_strings.py`.

Source: Twisted's "Getting connected with endpoints" (docs).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

__all__ = [
    "Description",
    "WrongValueError",
    "_parse",
    "integer",
    "nearest",
    "one_of",
    "port_number",
    "quoteStringArgument",
    "unknown_type",
    "unparseEndpoint",
]

_LAST_PORT = 65535


def quoteStringArgument(argument: str) -> str:
    r"""Return `argument` so that it can stand in a description as one value: `:` and `\` get a backslash.

    Twisted: `twisted.internet.endpoints.quoteStringArgument`.
    """
    return argument.replace("\\", "\\\\").replace(":", "\\:")


def unparseEndpoint(args: Iterable[str], kwargs: Mapping[str, str]) -> str:
    """Return the description whose values these are, those without name first; the inverse of `_parse`."""
    values = [quoteStringArgument(value).replace("=", "\\=") for value in args]
    named = [f"{_quoted_name(name)}={quoteStringArgument(value)}" for name, value in kwargs.items()]
    return ":".join(values + named)


def _quoted_name(name: str) -> str:
    return quoteStringArgument(name).replace("=", "\\=")


class _Part:
    """One part of a description: its name or None, its value, and where it begins."""

    __slots__ = ("at", "name", "value")

    def __init__(self, at: int) -> None:
        self.at = at
        self.name: str | None = None
        self.value = ""


class WrongValueError(ValueError):
    """A value that does not fit; who knows the description says where it stands.

    Args:
        name: the argument's.
        words: what is wrong, to follow the name.
    """

    def __init__(self, name: str, words: str) -> None:
        super().__init__(f"{name!r} {words}")
        self.name = name
        self.words = words


class Description:
    """A description, cut into its parts.

    Raises:
        TypeError: it is no text.
        ValueError: it ends in the middle of an escape.
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(
                f"an endpoint is made of the reactor and a description, as in 'tcp:8080'; {text!r} is no description"
            )
        self.text = text
        first, *self.parts = _cut(text)
        self.kind = first.value if first.name is None else f"{first.name}={first.value}"

    @property
    def args(self) -> list[str]:
        """The values without name, after the type."""
        return [part.value for part in self.parts if part.name is None]

    @property
    def kwargs(self) -> dict[str, str]:
        """The values with names."""
        return {part.name: part.value for part in self.parts if part.name is not None}

    def call(self, parser: Callable[..., Any], *before: Any, places: Sequence[str] | None = None) -> Any:
        """Call the parser of a type with the values of this description.

        Args:
            parser: its parameters, after `before`, are the arguments that there are.
            places: names of the values without name, in order; by default all, in the order of the parser's.

        Raises:
            ValueError: an argument is unknown, missing, there twice or one too many, or its value does not fit.
        """
        parameters = list(inspect.signature(parser).parameters.values())[len(before) :]
        known = [each.name for each in parameters]
        self._check_repetition()
        if any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters):
            return self._parsed(lambda: parser(*before, *self.args, **self.kwargs), {})
        given = self._assign(known, known if places is None else places)
        for each in parameters:
            if each.name not in given and each.default is each.empty:
                raise ValueError(f"{self.text!r} lacks {each.name!r}, as in '{self.kind}:{each.name}=...'")
        return self._parsed(
            lambda: parser(*before, **{name: part.value for name, part in given.items()}), given
        )

    def _parsed(self, parse: Callable[[], Any], given: Mapping[str, _Part]) -> Any:
        """Call `parse`; say of a value that does not fit where it stands."""
        try:
            return parse()
        except WrongValueError as error:
            named = {part.name: part for part in self.parts if part.name is not None}
            part = given.get(error.name) or named.get(error.name)
            if part is None:
                raise ValueError(f"{error} (in {self.text!r})") from None
            raise ValueError(f"{error.name!r} at position {part.at} of {self.text!r} {error.words}") from None

    def _assign(self, known: Sequence[str], places: Sequence[str]) -> dict[str, _Part]:
        """Return the parts by the names of their arguments."""
        given = {}
        for part in self.parts:
            if part.name is None:
                continue
            if part.name not in known:
                raise ValueError(
                    f"Unknown argument {part.name!r} at position {part.at} of {self.text!r}"
                    f"{nearest(part.name, known)} (there are {', '.join(known)})"
                )
            given[part.name] = part
        positional = [part for part in self.parts if part.name is None]
        for extra in positional[len(places) :]:
            raise ValueError(f"{extra.value!r} at position {extra.at} of {self.text!r} is one part too many")
        for name, part in zip(places, positional, strict=False):
            if name in given:
                raise self._twice(given[name])
            given[name] = part
        return given

    def _check_repetition(self) -> None:
        seen = set()
        for part in self.parts:
            if part.name is not None and part.name in seen:
                raise self._twice(part)
            seen.add(part.name)

    def _twice(self, part: _Part) -> ValueError:
        return ValueError(f"{part.name!r} at position {part.at} of {self.text!r} is there twice")


def _cut(text: str) -> list[_Part]:
    parts = [_Part(0)]
    characters = iter(enumerate(text))
    for at, character in characters:
        part = parts[-1]
        if character == ":":
            parts.append(_Part(at + 1))
        elif character == "=" and part.name is None:
            part.name, part.value = part.value, ""
        elif character == "\\":
            following = next(characters, None)
            if following is None:
                raise ValueError(
                    f"{text!r} ends in a backslash, at position {at}; a backslash itself is written '\\\\'"
                )
            part.value += following[1]
        else:
            part.value += character
    return parts


def _parse(description: str) -> tuple[list[str], dict[str, str]]:
    """Return the values without name, the type among them, in order, and those with."""
    parts = _cut(description)
    args = [part.value for part in parts if part.name is None]
    return args, {part.name: part.value for part in parts if part.name is not None}


# --- Values ------------------------------------------------------------------------------------------------------


def integer(name: str, value: object, base: int = 10) -> int:
    """Return `value` as a number, 0 or more.

    Raises:
        WrongValueError: it is none.
    """
    if not isinstance(value, str):
        return int(value)  # type: ignore[call-overload, no-any-return]
    # int() alone would take "1_0", " 1" and the digits of other scripts.
    if not (value.isascii() and value.isdecimal()):
        negative = value.isascii() and value[:1] == "-" and value[1:].isdecimal()
        kind = "an octal number" if base == 8 else "0 or more" if negative else "a number"
        raise WrongValueError(name, f"has to be {kind}, not {value!r}")
    try:
        return int(value, base)
    except ValueError:
        raise WrongValueError(name, f"has to be an octal number, not {value!r}") from None


def port_number(value: object, lowest: int = 0, name: str = "port") -> int:
    """Return `value` as a port.

    Raises:
        WrongValueError: it is none.
    """
    port = integer(name, value)
    if not lowest <= port <= _LAST_PORT:
        raise WrongValueError(name, f"has to be from {lowest} to {_LAST_PORT}, not {port}")
    return port


def one_of(name: str, value: str, known: Sequence[str]) -> str:
    """Return `value`.

    Raises:
        WrongValueError: it is none of `known`.
    """
    if value not in known:
        raise WrongValueError(
            name, f"has to be one of {', '.join(known)}, not {value!r}{nearest(value, known)}"
        )
    return value


# --- Words that are nearly right ---------------------------------------------------------------------------------


def _is_near(word: str, other: str) -> bool:
    """Whether one slip of the finger, or two in a long word, makes `other` of `word`."""
    if abs(len(word) - len(other)) > 2:
        return False
    previous: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(word, 1):
        before, previous, row = previous, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and word[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)  # two letters swapped
            row.append(cost)
    return row[-1] <= (1 if len(other) < 6 else 2)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a message: the known word that was probably meant, or nothing."""
    near = [other for other in known if _is_near(word.lower(), other.lower())]
    return f"; did you mean {near[0]!r}?" if near else ""


def unknown_type(description: Description, known: Sequence[str]) -> ValueError:
    """Return what to raise when there is no such type; what looks like a port or an address gets the type it lacks."""
    text = description.text
    error = ValueError(f"Unknown endpoint type: {description.kind!r}{nearest(description.kind, known)}")
    if not text:
        error.add_note("The description is empty; it begins with its type, as in 'tcp:8080'")
    elif text.rpartition(":")[2].isdecimal():
        error.add_note(f"A description begins with its type, as in 'tcp:{text}'")
    else:
        error.add_note(f"The type stands at position 0 of {text!r}")
    error.add_note(f"The types are {', '.join(known)}")
    return error
