"""How a test can end other than by passing: exceptions that say so, and `todo`.  Beside the floors."""

from __future__ import annotations

import unittest as pyunit
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from selvage.failure import Failure

__all__ = ["DEFAULT_TODO", "FailTest", "SkipTest", "Todo", "makeTodo"]


#: Why a test is expected to fail that says no more than that, by the decorator of `unittest`.
DEFAULT_TODO = "Test expected to fail"


class FailTest(AssertionError):
    """An assertion did not hold."""


class SkipTest(pyunit.SkipTest):
    """Raised by a test that cannot run here, or by `setUpClass` or `setUpModule` for all of its tests; its argument says why."""


@dataclass(slots=True)
class Todo:
    """Why a test is expected to fail.

    Attributes:
        reason: for people.
        errors: the exceptions that are expected; None for any.
    """

    reason: str
    errors: Iterable[type[BaseException]] | None = None

    def expected(self, failure: Failure) -> bool:
        """Tell whether a test that failed so failed as it should."""
        if self.errors is None:
            return True
        return any(failure.check(error) for error in self.errors)


def makeTodo(value: Any) -> Todo:
    """Make a `Todo` of what a test's attribute `todo` says.

    Args:
        value: the reason; or a pair of the expected exception, or several, and the reason.
    """
    if isinstance(value, str):
        return Todo(reason=value)
    if isinstance(value, tuple) and len(value) == 2:
        errors, reason = value
        if isinstance(errors, type):
            errors = [errors]
        return Todo(reason=reason, errors=errors)
    raise TypeError(f"todo is to be a reason, or a pair of exceptions and a reason; not {value!r}")
