"""What stands in a suite in place of a test: a description, an error.  Beside the floors."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from selvage.failure import Failure

from . import itrial
from .util import excInfoOrFailureToExcInfo

__all__ = ["ErrorHolder", "TestHolder"]


@implementer(itrial.ITestCase)
class TestHolder:
    """Something that is told of like a test.

    Args:
        description: its name.
    """

    # So that pytest does not look for tests in it.
    __test__ = False

    failureException: Any = None
    skip: Any = None

    def __init__(self, description: str) -> None:
        self.description = description

    def __call__(self, result: Any) -> Any:
        return self.run(result)

    def id(self) -> str:
        """Return the description."""
        return self.description

    def countTestCases(self) -> int:
        """Return 0: it is no test."""
        return 0

    def shortDescription(self) -> str:
        """Return the description."""
        return self.description

    def run(self, result: Any) -> None:
        """Pass."""
        result.startTest(self)
        result.addSuccess(self)
        result.stopTest(self)


class ErrorHolder(TestHolder):
    """An error that is told when the tests are run, such as that of a module that cannot be imported.

    Args:
        error: a Failure, or what `sys.exc_info` gives.
    """

    def __init__(self, description: str, error: Any) -> None:
        super().__init__(description)
        # For the sake of results that expect what the standard library gives them.
        self.error = error_tuple(error)

    def __repr__(self) -> str:
        return f"<ErrorHolder description={self.description!r} error={self.error[1]!r}>"

    def run(self, result: Any) -> None:
        """Tell the error."""
        result.startTest(self)
        result.addError(self, self.error)
        result.stopTest(self)


def error_tuple(error: Any) -> Any:
    """Return type, value and traceback of a Failure, or of what `sys.exc_info` gave."""
    if isinstance(error, Failure):
        return (error.type, error.value, error.tb)
    return excInfoOrFailureToExcInfo(error)
