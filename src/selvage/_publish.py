"""One small helper by which a face gives what it publishes its public address.  Floor 0.

Code lives in private modules; users import from the face. Tracebacks, reprs and pickles shall show the address that
users know, so each face ends with

    publish(globals())
"""

from __future__ import annotations

from types import FunctionType
from typing import Any, NewType

__all__ = ["publish"]

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
        value = namespace[name]
        if not isinstance(value, _NAMED) or value.__name__ != name:
            continue
        home = value.__module__
        if home.startswith("selvage.") and "._" in home:
            value.__module__ = face
