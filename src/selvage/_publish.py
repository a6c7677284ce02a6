"""Two small helpers of faces: what they publish gets its public address, and some of it is loaded late.  Floor 0.

Code lives in private modules; users import from the face. Tracebacks, reprs and pickles shall show the address that
users know, so each face ends with

    publish(globals())
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import FunctionType
from typing import Any, NewType

__all__ = ["load_late", "publish"]

_NAMED = (type, FunctionType, NewType)


def publish(namespace: dict[str, Any]) -> None:
    """Set `__module__` of each class and function in a face's `__all__` to the face.

    What is public elsewhere (a standard exception, another face's class) and what is here under a second name keep
    theirs.

    Args:
        namespace: `globals()` of the face.
    """
    face = namespace["__name__"]
    for name in namespace["__all__"]:
        value = namespace.get(name)  # absent: a name that is loaded late
        if not isinstance(value, _NAMED) or value.__name__ != name:
            continue
        home = value.__module__
        if home.startswith("selvage.") and "._" in home:
            value.__module__ = face


def load_late(namespace: dict[str, Any], homes: dict[str, str]) -> Callable[[str], object]:
    """Make the `__getattr__` of a face that loads some of its names when they are first asked for.

    Args:
        namespace: `globals()` of the face.
        homes: by name the module that has it.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        namespace[name] = getattr(import_module(homes[name]), name)
        publish(namespace)
        return namespace[name]

    return load
