"""How much an event matters.  Floor 1.

Levels are members of an enumeration, in order of urgency. What Twisted's constants offer is there too:
`iterconstants`, `lookupByName`, comparison, and a `repr` of the same form.

Twisted: `twisted.logger.LogLevel`, whose members are constants of the package `constantly`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from functools import total_ordering
from typing import Self

__all__ = ["InvalidLogLevelError", "LogLevel", "Names"]


@total_ordering
class Names(Enum):
    """An enumeration with the manners of `constantly.Names`: members are named, ordered, and shown as <Kind=name>."""

    @classmethod
    def iterconstants(cls) -> Iterator[Self]:
        """Iterate over the members, in order."""
        return iter(cls)

    @classmethod
    def lookupByName(cls, name: str) -> Self:
        """Return the member that is called `name`.

        Raises:
            ValueError: there is none.
        """
        try:
            return cls[name]
        except KeyError:
            raise ValueError(name) from None

    def __lt__(self, other: object) -> bool:
        return bool(self.value < other.value) if isinstance(other, type(self)) else NotImplemented

    # Each member exists once. Enum hashes the name, in Python, which levels as keys would pay for.
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<{type(self).__name__}={self.name}>"

    __str__ = __repr__


class InvalidLogLevelError(Exception):
    """Something was given as a level that is none.

    Attributes:
        level: what was given.
    """

    def __init__(self, level: object) -> None:
        super().__init__(str(level))
        self.level = level


class LogLevel(Names):
    """The levels, from what helps whoever looks for a mistake to what wakes somebody up."""

    debug = 0
    info = 1
    warn = 2
    error = 3
    critical = 4

    @classmethod
    def levelWithName(cls, name: str) -> LogLevel:
        """Return the level that is called `name`.

        Raises:
            InvalidLogLevelError: there is none.
        """
        try:
            return cls[name]
        except KeyError:
            raise InvalidLogLevelError(name) from None
