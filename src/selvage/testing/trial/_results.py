"""What is kept of a run of tests.  Beside the floors."""

from __future__ import annotations

import time
import unittest as pyunit
from typing import Any

from zope.interface import implementer

from selvage.failure import Failure

from . import itrial
from ._outcomes import DEFAULT_TODO, Todo, makeTodo

__all__ = ["AdaptedReporter", "ExitWrapper", "TestResult", "TestResultDecorator"]


@implementer(itrial.IReporter)
class TestResult(pyunit.TestResult):
    """Keeps how each test went.

    Attributes:
        successes: how many tests passed.
        errors, failures: pairs of test and Failure.
        skips: pairs of test and reason.
        expectedFailures: triples of test, Failure and Todo.
        unexpectedSuccesses: pairs of test and Todo.
    """

    _DEFAULT_TODO = DEFAULT_TODO
    # So that pytest does not look for tests in it.
    __test__ = False

    skips: list[tuple[Any, Any]]
    expectedFailures: list[tuple[Any, Any, Any]]  # type: ignore[assignment]
    unexpectedSuccesses: list[tuple[Any, Any]]  # type: ignore[assignment]
    successes: int

    def __init__(self) -> None:
        super().__init__()
        self.skips = []
        self.expectedFailures = []
        self.unexpectedSuccesses = []
        self.successes = 0
        self._timings: list[float] = []
        self._test_started = 0.0

    def __repr__(self) -> str:
        return (
            f"<{type(self).__qualname__} run={self.testsRun} errors={len(self.errors)} "
            f"failures={len(self.failures)} todos={len(self.expectedFailures)} "
            f"dones={len(self.unexpectedSuccesses)} skips={len(self.skips)}>"
        )

    def _getTime(self) -> float:
        return time.time()

    def _getFailure(self, error: Any) -> Failure:
        """Return the Failure of what a test went wrong with.

        Raises:
            TypeError: it is neither a Failure nor what `sys.exc_info` gives.
        """
        if isinstance(error, tuple) and len(error) == 3:
            return Failure(error[1], error[0], error[2])
        if isinstance(error, Failure):
            return error
        raise TypeError(f"a Failure or what sys.exc_info() gives is needed, not {error!r}")

    def startTest(self, test: Any) -> None:
        """A test begins."""
        super().startTest(test)
        self._test_started = self._getTime()

    def stopTest(self, test: Any) -> None:
        """It is over."""
        super().stopTest(test)
        self._lastTime = self._getTime() - self._test_started

    def addFailure(self, test: Any, fail: Any) -> None:
        """An assertion did not hold."""
        self.failures.append((test, self._getFailure(fail)))  # type: ignore[arg-type]

    def addError(self, test: Any, error: Any) -> None:
        """Something else went wrong."""
        self.errors.append((test, self._getFailure(error)))  # type: ignore[arg-type]

    def addSkip(self, test: Any, reason: Any) -> None:
        """The test was not run."""
        self.skips.append((test, reason))

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        """The test passed though it was expected to fail."""
        self.unexpectedSuccesses.append((test, makeTodo(self._DEFAULT_TODO) if todo is None else todo))

    def addExpectedFailure(self, test: Any, error: Any, todo: Todo | None = None) -> None:
        """The test failed as it was expected to."""
        failure = error if isinstance(error, str) else self._getFailure(error)
        self.expectedFailures.append((test, failure, makeTodo(self._DEFAULT_TODO) if todo is None else todo))

    def addSuccess(self, test: Any) -> None:
        """The test passed."""
        self.successes += 1

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        """A part of a test (`subTest`) is over."""
        _tell_of_part(self, test, subtest, err)

    def wasSuccessful(self) -> bool:
        """Tell whether nothing failed."""
        return not (self.failures or self.errors)

    def upDownError(self, method: str, error: Any, warn: bool = True, printStatus: bool = True) -> None:
        """A fixture failed; it is told as an error of its test, too."""

    def cleanupErrors(self, errs: Any) -> None:
        """Something was left behind."""

    def done(self) -> None:
        """All tests are over."""


def _tell_of_part(result: Any, test: Any, subtest: Any, err: Any) -> None:
    if err is None:
        return
    if issubclass(err[0], test.failureException):
        result.addFailure(subtest, err)
    else:
        result.addError(subtest, err)


class TestResultDecorator:
    """A reporter in front of another one, to which it passes all that it does not do itself."""

    __test__ = False

    def __init__(self, original: Any) -> None:
        self._originalReporter = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._originalReporter, name)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
        """A part of a test is over; it is passed on as a failure or an error, for which a decorator has its own methods."""
        _tell_of_part(self, test, subtest, err)

    @property
    def shouldStop(self) -> Any:
        """Whether to start no further test."""
        return self._originalReporter.shouldStop

    @shouldStop.setter
    def shouldStop(self, stop: bool) -> None:
        self._originalReporter.shouldStop = stop


class AdaptedReporter(TestResultDecorator):
    """Tells the other reporter of something else in place of each test.

    Args:
        testAdapter: called with a test, returns what takes its place.
    """

    def __init__(self, original: Any, testAdapter: Any) -> None:
        super().__init__(original)
        self.testAdapter = testAdapter

    def addError(self, test: Any, error: Any) -> Any:
        return self._originalReporter.addError(self.testAdapter(test), error)

    def addFailure(self, test: Any, failure: Any) -> Any:
        return self._originalReporter.addFailure(self.testAdapter(test), failure)

    def addSuccess(self, test: Any) -> Any:
        return self._originalReporter.addSuccess(self.testAdapter(test))

    def addSkip(self, test: Any, reason: Any) -> Any:
        return self._originalReporter.addSkip(self.testAdapter(test), reason)

    def addExpectedFailure(self, test: Any, failure: Any, todo: Any = None) -> Any:
        return self._originalReporter.addExpectedFailure(self.testAdapter(test), failure, todo)

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> Any:
        return self._originalReporter.addUnexpectedSuccess(self.testAdapter(test), todo)

    def startTest(self, test: Any) -> Any:
        return self._originalReporter.startTest(self.testAdapter(test))

    def stopTest(self, test: Any) -> Any:
        return self._originalReporter.stopTest(self.testAdapter(test))


class ExitWrapper(TestResultDecorator):
    """Starts no further test after the first that fails."""

    def addError(self, test: Any, error: Any) -> Any:
        """Stop, and tell."""
        self.shouldStop = True
        return self._originalReporter.addError(test, error)

    def addFailure(self, test: Any, failure: Any) -> Any:
        """Stop, and tell."""
        self.shouldStop = True
        return self._originalReporter.addFailure(test, failure)


# Said here and not by a decorator of the classes: it also tells zope that their instances have what `__getattr__` gives.
for _class in (TestResultDecorator, AdaptedReporter, ExitWrapper):
    implementer(itrial.IReporterWithDurations)(_class)
