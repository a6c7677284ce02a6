"""Attributes that are replaced for a while.  Beside the floors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["MonkeyPatcher"]

_T = TypeVar("_T")


class MonkeyPatcher:
    """Replaces attributes of objects, and puts back what was there.

    Args:
        patches: triples of object, name and new value.
    """

    def __init__(self, *patches: tuple[Any, str, Any]) -> None:
        self._patches = list(patches)
        self._originals: list[tuple[Any, str, Any]] = []

    def addPatch(self, obj: Any, name: str, value: Any) -> None:
        """Have one more attribute replaced by the next `patch`."""
        self._patches.append((obj, name, value))

    def patch(self) -> None:
        """Replace them all.

        Raises:
            AttributeError: an object has no such attribute.
        """
        already = {(id(obj), name) for obj, name, _ in self._originals}
        for obj, name, value in self._patches:
            if (id(obj), name) not in already:
                self._originals.append((obj, name, getattr(obj, name)))
            setattr(obj, name, value)

    __enter__ = patch

    def restore(self) -> None:
        """Put back what was there."""
        while self._originals:
            obj, name, value = self._originals.pop()
            setattr(obj, name, value)

    def __exit__(self, *exc_info: object) -> None:
        self.restore()

    def runWithPatches(self, f: Callable[..., _T], *args: Any, **kw: Any) -> _T:
        """Call a function while they are replaced."""
        self.patch()
        try:
            return f(*args, **kw)
        finally:
            self.restore()
