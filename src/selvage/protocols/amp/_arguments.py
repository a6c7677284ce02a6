"""How the arguments of commands are written into boxes and read from them.  Floor 3; knows no connection.

What a peer sent is read strictly: `ValueError`, `TypeError` or an `AmpError` for everything that our own side would not
have written.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from selvage.interfaces import implementer
from selvage.paths import FilePath
from selvage.protocols.amp._box import AmpBox, join_strings, parseString, split_strings
from selvage.protocols.amp._dates import date_from_text, date_to_text
from selvage.protocols.amp._interfaces import IArgumentType

__all__ = [
    "PYTHON_KEYWORDS",
    "AmpList",
    "Argument",
    "Boolean",
    "DateTime",
    "Decimal",
    "Descriptor",
    "Float",
    "Integer",
    "ListOf",
    "Path",
    "String",
    "Unicode",
    "objects_to_strings",
    "python_name",
    "strings_to_objects",
]

#: Words that were no names of arguments in Python 2, and so are written in title case still: `print` is `Print`.
PYTHON_KEYWORDS = [
    "and",
    "del",
    "for",
    "is",
    "raise",
    "assert",
    "elif",
    "from",
    "lambda",
    "return",
    "break",
    "else",
    "global",
    "not",
    "try",
    "class",
    "except",
    "if",
    "or",
    "while",
    "continue",
    "exec",
    "import",
    "pass",
    "yield",
    "def",
    "finally",
    "in",
    "print",
]

_KEYWORDS = frozenset(PYTHON_KEYWORDS)
_INTEGER = re.compile(rb"[+-]?\d+")

_Row = Sequence[tuple[bytes, Any]]


def python_name(key: bytes) -> str:
    """Return how an argument that the wire calls `key` is called in Python."""
    name = key.replace(b"-", b"_").decode("ascii")
    return name.title() if name in _KEYWORDS else name


def strings_to_objects(strings: Any, arglist: _Row, proto: Any) -> dict[str, Any]:
    """Read a box.

    Args:
        arglist: (name on the wire, type) of each argument; what else is in the box is left out.
    """
    objects: dict[str, Any] = {}
    left = strings.copy()
    for name, kind in arglist:
        kind.fromBox(name, left, objects, proto)
    return objects


def objects_to_strings(objects: dict[str, Any], arglist: _Row, strings: Any, proto: Any) -> Any:
    """Write arguments into the box `strings`, and return that."""
    left = objects.copy()
    for name, kind in arglist:
        kind.toBox(name, strings, left, proto)
    return strings


# By these names, too, programs know them.
_wireNameToPythonIdentifier = python_name
_stringsToObjects = strings_to_objects
_objectsToStrings = objects_to_strings


@implementer(IArgumentType)
class Argument:
    """Base of the types of arguments: subclasses say how one value is written and read.

    Args:
        optional: it may be left out, and then is None.
    """

    optional = False

    def __init__(self, optional: bool = False) -> None:
        self.optional = optional

    def retrieve(self, d: dict[Any, Any], name: Any, proto: Any) -> Any:
        """Take the value called `name` out of `d`; None for an optional one that is not there.

        Raises:
            KeyError: one that is not optional is not there.
        """
        return d.pop(name, None) if self.optional else d.pop(name)

    def fromBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        """Read the value called `name` into `objects`."""
        string = self.retrieve(strings, name, proto)
        absent = self.optional and string is None
        objects[python_name(name)] = None if absent else self.fromStringProto(string, proto)

    def toBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        """Write the value called `name` into `strings`."""
        value = self.retrieve(objects, python_name(name), proto)
        if not (self.optional and value is None):
            strings[name] = self.toStringProto(value, proto)

    def fromStringProto(self, inString: Any, proto: Any) -> Any:
        """Hook: read a value that has to do with the connection it came over."""
        return self.fromString(inString)

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        """Hook: write a value that has to do with the connection it goes over."""
        return self.toString(inObject)

    def fromString(self, inString: Any) -> Any:
        """Hook: read a value."""
        raise NotImplementedError(f"{type(self).__name__} has to override fromString()")

    def toString(self, inObject: Any) -> bytes:
        """Hook: write a value."""
        raise NotImplementedError(f"{type(self).__name__} has to override toString()")


class Integer(Argument):
    """An int, in decimal."""

    def fromString(self, inString: bytes | str) -> int:
        """Read decimal digits, with a sign or without."""
        octets = inString.encode("ascii") if isinstance(inString, str) else inString
        if _INTEGER.fullmatch(octets) is None:
            raise ValueError(f"{inString!r} is no integer")
        return int(octets)

    def toString(self, inObject: int) -> bytes:
        """Write decimal digits."""
        return b"%d" % inObject


class String(Argument):
    """Bytes, as they are."""

    def fromString(self, inString: bytes) -> Any:
        """Read bytes."""
        return inString

    def toString(self, inObject: Any) -> bytes:
        """Write bytes."""
        octets: bytes = inObject
        return octets


class Float(Argument):
    """A float, as Python writes it."""

    def fromString(self, inString: bytes) -> float:
        """Read a float."""
        return float(inString)

    def toString(self, inString: float) -> bytes:
        """Write a float."""
        if not isinstance(inString, float):
            raise ValueError(f"{inString!r} is no float")
        return repr(inString).encode("ascii")


class Boolean(Argument):
    """True or False, by name."""

    def fromString(self, inString: bytes) -> bool:
        """Read a bool."""
        if inString not in (b"True", b"False"):
            raise TypeError(f"{inString!r} is no boolean, True or False")
        return inString == b"True"

    def toString(self, inObject: object) -> bytes:
        """Write whether `inObject` is true."""
        return b"True" if inObject else b"False"


class Unicode(String):
    """Text, in UTF-8."""

    def fromString(self, inString: bytes) -> Any:
        """Read text."""
        return inString.decode("utf-8")

    def toString(self, inObject: Any) -> bytes:
        """Write text."""
        octets: bytes = inObject.encode("utf-8")
        return octets


class Path(Unicode):
    """A `FilePath`. Mind where a peer's path may lead."""

    def fromString(self, inString: bytes) -> Any:
        """Read a path."""
        return FilePath(super().fromString(inString))

    def toString(self, inObject: Any) -> bytes:
        """Write a path."""
        return super().toString(inObject.asTextMode().path)


class ListOf(Argument):
    """Any number of values of one type.

    Args:
        elementType: an `Argument`.
    """

    def __init__(self, elementType: Argument, optional: bool = False) -> None:
        self.elementType = elementType
        super().__init__(optional)

    def fromString(self, inString: bytes) -> list[Any]:
        """Read them."""
        return [self.elementType.fromString(string) for string in split_strings(inString)]

    def toString(self, inObject: Iterable[Any]) -> bytes:
        """Write them."""
        return join_strings([self.elementType.toString(each) for each in inObject])


class AmpList(Argument):
    """Any number of dictionaries with the same keys.

    Args:
        subargs: (name, type) of each value.
    """

    def __init__(self, subargs: _Row, optional: bool = False) -> None:
        if not all(isinstance(name, bytes) for name, _ in subargs):
            raise TypeError(f"names in an AmpList are bytes: {[name for name, _ in subargs]!r}")
        self.subargs = subargs
        super().__init__(optional)

    def fromStringProto(self, inString: bytes, proto: Any) -> list[dict[str, Any]]:
        """Read them."""
        return [strings_to_objects(box, self.subargs, proto) for box in parseString(inString)]

    def toStringProto(self, inObject: Iterable[dict[str, Any]], proto: Any) -> bytes:
        """Write them."""
        boxes = (objects_to_strings(each, self.subargs, AmpBox(), proto) for each in inObject)
        return b"".join(box.serialize() for box in boxes)


class Descriptor(Integer):
    """A file descriptor, over a UNIX socket; who receives it closes it."""

    def fromStringProto(self, inString: bytes | str, proto: Any) -> int:
        """Take the descriptor of that number from those that have come."""
        number: int = proto._getDescriptor(self.fromString(inString))
        return number

    def toStringProto(self, inObject: int, proto: Any) -> bytes:
        """Send a duplicate of it, and write its number."""
        return self.toString(proto._sendFileDescriptor(inObject))


class Decimal(Argument):
    """A `decimal.Decimal`, as that writes itself."""

    def fromString(self, inString: bytes) -> decimal.Decimal:
        """Read a decimal."""
        try:
            return decimal.Decimal(inString.decode("ascii"))
        except decimal.InvalidOperation:
            raise ValueError(f"{inString!r} is no decimal") from None

    def toString(self, inObject: decimal.Decimal) -> bytes:
        """Write a decimal."""
        if not isinstance(inObject, decimal.Decimal):
            raise ValueError(f"{inObject!r} is no decimal.Decimal")
        return str(inObject).encode("ascii")


class DateTime(Argument):
    """A `datetime` with a time zone."""

    def fromString(self, s: bytes | str) -> datetime:
        """Read a date."""
        return date_from_text(s if isinstance(s, str) else s.decode("ascii"))

    def toString(self, i: datetime) -> bytes:
        """Write a date."""
        return date_to_text(i).encode("ascii")
