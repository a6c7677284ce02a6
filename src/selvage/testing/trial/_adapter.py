"""Lets trial's test cases report to a result of the standard `unittest`.  Beside the floors."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from selvage.failure import Failure

__all__ = ["PyUnitResultAdapter"]

__unittest = True


class PyUnitResultAdapter:
    """Passes on what trial reports, with Failures as what `sys.exc_info` would give.

    Args:
        original: a `unittest.TestResult`, or anything with its methods, such as the one of pytest.
    """

    def __init__(self, original: Any) -> None:
        self.original = original

    def _exc_info(self, error: Any) -> Any:
        if isinstance(error, Failure):
            return (error.type, error.value, error.getTracebackObject() or _traceback_of(error.value))
        return error

    def startTest(self, method: Any) -> None:
        self.original.startTest(method)

    def stopTest(self, method: Any) -> None:
        self.original.stopTest(method)

    def addSuccess(self, test: Any) -> None:
        self.original.addSuccess(test)

    def addError(self, test: Any, error: Any) -> None:
        self.original.addError(test, self._exc_info(error))

    def addFailure(self, test: Any, fail: Any) -> None:
        self.original.addFailure(test, self._exc_info(fail))

    def addSkip(self, test: Any, reason: Any) -> None:
        # Those of the standard library expect text; a `SkipTest` without a reason is told of as itself.
        self.original.addSkip(test, str(reason))

    def addExpectedFailure(self, test: Any, error: Any, todo: Any = None) -> None:
        self.original.addExpectedFailure(test, self._exc_info(error))

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> None:
        self.original.addUnexpectedSuccess(test)

    def upDownError(self, method: Any, error: Any, warn: bool = True, printStatus: bool = True) -> None:
        """Nothing: what went wrong in a fixture is told as an error of its test."""

    @property
    def shouldStop(self) -> bool:
        """Whether to start no further test."""
        return bool(getattr(self.original, "shouldStop", False))

    def stop(self) -> None:
        """Have no further test started."""
        self.original.stop()


def _traceback_of(error: BaseException) -> TracebackType | None:
    """Return a traceback for an exception that was never raised: pytest cannot show one without."""
    try:
        raise error
    except BaseException:
        traceback, error.__traceback__ = error.__traceback__, None
        return traceback
