"""The orders in which tests can be run.  Beside the floors."""

from __future__ import annotations

import unittest as pyunit
from collections.abc import Callable
from typing import Any

from ._loader import isTestCase, name

__all__ = ["ORDERS"]

#: Of what nobody knows the line: it comes last.
_UNKNOWN = float("inf")


def _by_line(thing: Any) -> Any:
    """Return the line at which a test or a class begins; of anything else its name."""
    if isinstance(thing, pyunit.TestCase):
        return _line_of(getattr(thing, thing._testMethodName, None))
    if isTestCase(thing):
        # Of its first function: where a class statement begins is only in the source, which may be gone.
        lines = [_line_of(value) for value in vars(thing).values()]
        return min(lines, default=_UNKNOWN)
    return name(thing)


def _line_of(function: Any) -> float:
    code = getattr(function, "__code__", None)
    return _UNKNOWN if code is None else float(code.co_firstlineno)


#: By name: what it is, and the key by which a loader sorts.
ORDERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "alphabetical": ("alphabetical order for test methods, arbitrary order for test cases", name),
    "toptobottom": ("attempt to run test cases and methods in the order they were defined", _by_line),
}
