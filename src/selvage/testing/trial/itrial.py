"""What the parts of trial expect of each other: reporters and test cases.  Beside the floors.

Twisted: `twisted.trial.itrial`.
"""

from __future__ import annotations

import unittest as pyunit
from typing import TYPE_CHECKING, Any, TypeVar

from zope.interface import classImplements

from selvage.interfaces._base import Interface

if TYPE_CHECKING:
    from typing import Protocol
else:
    from selvage.interfaces._base import Protocol

__all__ = ["IReporter", "IReporterWithDurations", "ITestCase", "ITestCaseVar"]


class ITestCase(Interface, Protocol):
    """What can be run as a test."""

    @property
    def failureException(self) -> Any:
        """The class of exceptions that make a test fail, where all others are errors."""

    @property
    def skip(self) -> Any:
        """Why not to run it; None to run it."""

    def __call__(self, result: Any, /) -> object:
        """As `run`."""

    def countTestCases(self) -> int:
        """Return how many tests it stands for; usually one."""

    def id(self) -> str:
        """Return what no other test is called: usually the dotted name of the method."""

    def run(self, result: Any, /) -> object:
        """Run the test and tell `result`, an `IReporter`, how it went."""

    def shortDescription(self) -> str | None:
        """Return one line for people."""


class IReporter(Interface, Protocol):
    """Who is told how tests go."""

    @property
    def shouldStop(self) -> Any:
        """True when no further test is to be started."""

    @property
    def testsRun(self) -> Any:
        """How many tests were started."""

    def startTest(self, method: Any, /) -> object:
        """A test begins."""

    def stopTest(self, method: Any, /) -> object:
        """It is over, its cleanups included."""

    def addSuccess(self, test: Any, /) -> object:
        """It did what it should."""

    def addError(self, test: Any, error: Any, /) -> object:
        """Something went wrong that no assertion foresaw; `error` is a Failure or what `sys.exc_info` gives."""

    def addFailure(self, test: Any, failure: Any, /) -> object:
        """An assertion did not hold."""

    def addExpectedFailure(self, test: Any, failure: Any, todo: Any = None) -> object:
        """It failed, as its `todo` says."""

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> object:
        """It passed though its `todo` says that it would not."""

    def addSkip(self, test: Any, reason: Any, /) -> object:
        """It was not run, or not to its end."""

    def wasSuccessful(self) -> bool:
        """Tell whether nothing failed so far."""

    def done(self) -> object:
        """All tests are over: write the summary."""


class IReporterWithDurations(IReporter, Protocol):
    """A reporter that is also told how long each test took, as `unittest` does from Python 3.12 on."""

    @property
    def collectedDurations(self) -> Any:
        """List of (test, seconds)."""

    def addDuration(self, test: Any, elapsed: float, /) -> object:
        """The test took so many seconds."""


# A test of the standard library, and of doctest, is one as it is.
classImplements(pyunit.TestCase, ITestCase)

ITestCaseVar = TypeVar("ITestCaseVar", bound=Any)
