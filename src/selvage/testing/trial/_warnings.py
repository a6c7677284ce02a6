"""Warnings that a test gives are kept until it is over, and those that it did not ask for are given then.  Beside the floors."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any, TypeVar

__all__ = [
    "CollectedWarning",
    "collect_warnings",
    "forget_given",
    "run_suppressed",
    "split_warnings",
    "suppress",
]

_T = TypeVar("_T")

#: Positional and named arguments of `warnings.filterwarnings`.
Suppression = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass
class CollectedWarning:
    """One warning that was given."""

    message: str
    category: type[Warning]
    filename: str
    lineno: int

    def as_dict(self) -> dict[str, Any]:
        """Return it in the form that `flushWarnings` gives."""
        return {
            "message": self.message,
            "category": self.category,
            "filename": self.filename,
            "lineno": self.lineno,
        }


def collect_warnings(
    observe: Callable[[CollectedWarning], object], f: Callable[..., _T], *args: Any, **kwargs: Any
) -> _T:
    """Call a function and pass every warning that it gives to `observe`, repeated ones too.

    Python remembers which warnings a module has given already, but not beyond a change of the filters, and here they
    change.
    """

    def show(
        message: Any, category: Any, filename: Any, lineno: Any, file: Any = None, line: Any = None
    ) -> None:
        observe(CollectedWarning(str(message), category, filename, lineno))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        return f(*args, **kwargs)


def forget_given(modules: Mapping[Any, Any]) -> None:
    """Have modules give again the warnings that they have given already."""
    for module in list(modules.values()):
        if type(module) is ModuleType and "__warningregistry__" not in module.__dict__:
            continue
        try:
            module.__warningregistry__ = None
        except Exception:
            pass  # not everything in sys.modules is a module


def split_warnings(
    collected: Iterable[CollectedWarning], functions: Iterable[Any]
) -> tuple[list[CollectedWarning], list[CollectedWarning]]:
    """Return the warnings that some line of these functions gave, and the others.

    Raises:
        ValueError: one of `functions` has no lines.
    """
    places = [_lines_of(function) for function in functions]
    inside: list[CollectedWarning] = []
    outside: list[CollectedWarning] = []
    for warning in collected:
        file = _normal(warning.filename)
        found = any(name == file and first <= warning.lineno <= last for name, first, last in places)
        (inside if found else outside).append(warning)
    return inside, outside


def _lines_of(function: Any) -> tuple[str, int, int]:
    """Return the file of a function, and its first and last line."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    if not isinstance(code, CodeType):
        raise ValueError(f"{function!r} is no function or method: warnings are looked up by its lines")
    lines = [line for _, _, line in code.co_lines() if line is not None]
    return _normal(code.co_filename), min(lines), max(lines)


def _normal(filename: str) -> str:
    return os.path.normcase(os.path.abspath(filename))


def suppress(action: str = "ignore", **kwarg: Any) -> Suppression:
    """Describe warnings that a test, its class or its module does not want: an entry of their attribute `suppress`.

    Args:
        action: as of `warnings.filterwarnings`.
        kwarg: its other arguments: `message`, `category`, `module`, `lineno`.
    """
    return (action,), kwarg


def run_suppressed(suppressed: Iterable[Suppression], f: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    """Call a function while some warnings are filtered."""
    with warnings.catch_warnings():
        for arguments, keywords in suppressed:
            warnings.filterwarnings(*arguments, **keywords)
        return f(*args, **kwargs)
