"""Objects by their dotted names.  Beside the floors.

Twisted: `twisted.python.reflect`, of which these are what trial needs.  Where a program has that module imported its
exceptions are raised, so that whoever catches them by its names does.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

__all__ = ["InvalidName", "ModuleNotFound", "ObjectNotFound", "is_there", "namedAny"]


class InvalidName(ValueError):
    """A dotted name names nothing."""


class ModuleNotFound(InvalidName):
    """There is no module of this name, nor one that its beginning names."""


class ObjectNotFound(InvalidName):
    """There is such a package, but nothing of this name in it."""


def _kind(kind: type[InvalidName]) -> type[Exception]:
    theirs = sys.modules.get("twisted.python.reflect")
    found: type[Exception] = getattr(theirs, kind.__name__, kind)
    return found


def is_there(module: str) -> bool:
    """Tell whether there is a module of this name; packages around it are imported to find out."""
    if module in sys.modules:
        return True
    try:
        return find_spec(module) is not None
    except (ModuleNotFoundError, ValueError) as error:
        # Else a package around it cannot be imported because it imports something that is not there.
        if isinstance(error, ModuleNotFoundError) and not _is_of(error.name, module):
            raise
        return False


def _is_of(missing: str | None, module: str) -> bool:
    return missing is None or module == missing or module.startswith(missing + ".")


def namedAny(name: str) -> Any:
    """Return the module, class, function or attribute that a dotted name names.

    Raises:
        InvalidName: the name is empty, or has an empty segment.
        ModuleNotFound: there is no such module.
        ObjectNotFound: there is nothing of this name in it.
        AttributeError: the module has no such attribute.
        Exception: what a module raises that is imported.
    """
    if not name or "" in name.split("."):
        raise _kind(InvalidName)(
            f"name must be a string giving a '.'-separated list of Python identifiers, not {name!r}"
        )
    segments = name.split(".")
    for end in range(len(segments), 0, -1):
        module = ".".join(segments[:end])
        if is_there(module):
            found = import_module(module)
            for attribute in segments[end:]:
                found = getattr(found, attribute)
            return found
    if len(segments) == 1:
        raise _kind(ModuleNotFound)(f"No module named {name!r}")
    raise _kind(ObjectNotFound)(f"{name!r} does not name an object")
