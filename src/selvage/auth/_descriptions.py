"""Checkers by their description in one line: ``file:/etc/passwords``, ``memory:ann:secret``.  Floor 4.

The word before the first colon names the type. Some are at home here (`_factories`); another package offers one by an entry
point of the group `selvage.checkers`, whose name is the type and whose object provides `ICheckerFactory`. Where a Twisted is
in the process, its plugins are asked first: who replaces one there means to.

Twisted: the functions of `twisted.cred.strcred`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selvage._plugins import twisted_plugins
from selvage.auth._factories import FACTORIES
from selvage.auth.errors import InvalidAuthType
from selvage.auth.interfaces import ICheckerFactory

__all__ = ["GROUP", "findCheckerFactories", "findCheckerFactory", "makeChecker"]

#: The group of entry points.
GROUP = "selvage.checkers"


def findCheckerFactories() -> Iterator[Any]:
    """Return all factories of checkers, one for each type.

    Raises:
        Exception: whatever another package's factory raises when it is imported.
    """
    met: set[str] = set()
    for factory in _all_factories():
        if factory.authType not in met:
            met.add(factory.authType)
            yield factory


def findCheckerFactory(authType: str) -> Any:
    """Return the factory of a type.

    Raises:
        InvalidAuthType: there is none.
    """
    for factory in _all_factories():
        if factory.authType == authType:
            return factory
    raise InvalidAuthType(authType)


def makeChecker(description: str) -> Any:
    """Make a checker.

    Args:
        description: its type; a colon and what the type wants to know, if anything.

    Raises:
        InvalidAuthType: there is no such type.
        InvalidAuthArgumentString: what follows is wrong.
    """
    kind, _, rest = description.partition(":")
    return findCheckerFactory(kind).generateChecker(rest)


def _all_factories() -> Iterator[Any]:
    from importlib.metadata import entry_points

    plugins = twisted_plugins()
    if plugins is not None:
        yield from plugins(ICheckerFactory)
    yield from FACTORIES
    for entry in entry_points(group=GROUP):
        yield entry.load()
