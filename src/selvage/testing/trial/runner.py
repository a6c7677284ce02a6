"""Running tests: suites that look after the whole run, and the runner with its folder and log file.  Beside the floors.

Twisted: `twisted.trial.runner`, which is this very module in the wing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TextIO, TypeAlias, cast

from selvage._publish import publish
from selvage.defer import Deferred
from selvage.logger import classic as log
from selvage.reactor import get_reactor
from selvage.testing._running import run_until

from . import itrial, unittest, util
from ._asyncrunner import TestSuite, _ForceGarbageCollectionDecorator, _iterateTests
from ._deprecations import deprecated_in_twisted
from ._holders import ErrorHolder, TestHolder
from ._loader import (
    TestLoader,
    filenameToModule,
    isPackage,
    isPackageDirectory,
    isTestCase,
    name,
    qual_name_walker as _qualNameWalker,  # noqa: F401  Twisted's name for it
)
from ._results import ExitWrapper
from ._surroundings import TEMP, log_file, test_directory
from ._synctest import _logObserver
from .reporter import UncleanWarningsReporterWrapper

__all__ = [
    "NOT_IN_TEST",
    "DestructiveTestSuite",
    "ErrorHolder",
    "LoggedSuite",
    "TestHolder",
    "TestLoader",
    "TestSuite",
    "TrialRunner",
    "TrialSuite",
    "filenameToModule",
    "isPackage",
    "isPackageDirectory",
    "isTestCase",
    "name",
    "samefile",
]

__unittest = True

#: What an error is the error of that was logged while no test ran.
NOT_IN_TEST = "<not in test>"

# Twisted's name for what a loader takes.
_Loadable: TypeAlias = Any


class _Runner(Protocol):
    """What runs tests: `TrialRunner`, or the one with workers."""

    stream: TextIO

    def run(self, test: Any) -> Any: ...

    def runUntilFailure(self, test: Any) -> Any: ...


@deprecated_in_twisted("26.10.0", "os.path.samefile")
def samefile(filename1: str, filename2: str) -> bool:
    """Tell whether two paths are of one file."""
    return os.path.samefile(filename1, filename2)


class _Consumed:
    """Tests that are taken from a list as they are run: each is gone when the next is asked for.

    Whoever else looks at them meanwhile, to count them, takes none.
    """

    def __init__(self, tests: list[Any]) -> None:
        self._tests = tests
        self._is_run = False

    def __iter__(self) -> Iterator[Any]:
        if self._is_run:
            return iter(self._tests)
        self._is_run = True
        return self._run()

    def _run(self) -> Iterator[Any]:
        while self._tests:
            yield self._tests[0]
            del self._tests[0]


class DestructiveTestSuite(TestSuite):
    """Lets go of each test when it has run, so that a long run does not keep them all."""

    def run(self, result: Any, debug: bool = False) -> Any:
        """Run the tests, and take those that have run from the suite."""
        remaining = self._tests
        self._tests = cast(Any, _Consumed(remaining))
        try:
            return super().run(result, debug)
        finally:
            self._tests = remaining


class LoggedSuite(TestSuite):
    """Tells of errors that are logged while no test runs."""

    def run(self, result: Any, debug: bool = False) -> Any:
        """Run the tests, then tell."""
        _logObserver._add()
        try:
            super().run(result, debug)
        finally:
            _logObserver._remove()
        for error in _logObserver.getErrors():
            result.addError(TestHolder(NOT_IN_TEST), error)
        _logObserver.flushErrors()
        return result


class TrialSuite(TestSuite):
    """The outermost suite: when all tests are over it ends the reactor as at the end of a program.

    Args:
        forceGarbageCollection: collect garbage before and after each test.
    """

    def __init__(self, tests: Any = (), forceGarbageCollection: bool = False) -> None:
        if forceGarbageCollection:
            tests = [unittest.decorate(each, _ForceGarbageCollectionDecorator) for each in tests]
        super().__init__([LoggedSuite(tests)])

    def run(self, result: Any, debug: bool = False) -> Any:
        """Run the tests, then end the reactor."""
        try:
            super().run(result, debug)
        finally:
            self._bail()
        return result

    def _bail(self) -> None:
        reactor: Any = get_reactor()
        over: Deferred[None] = Deferred()
        reactor.addSystemEventTrigger("after", "shutdown", lambda: over.callback(None))
        reactor.fireSystemEvent("shutdown")
        run_until(over)


class TrialRunner:
    """Runs tests in a folder of their own, with a log file, and tells a reporter.

    Args:
        reporterFactory: called with stream, format of tracebacks, whether to write them at once, and the log.
        mode: `DEBUG` runs them in a debugger, `DRY_RUN` only tells of each that it passed.
        logfile: its name, in the folder of the tests.
        stream: what the reporter writes to.
        profile: write a profile of the run to `profile.data`.
        tracebackFormat, realTimeErrors: see `Reporter`.
        uncleanWarnings: what is left in the reactor is a warning, not an error.
        workingDirectory: the folder of the tests; what is in it is removed.
        forceGarbageCollection: collect garbage before and after each test.
        debugger: has a method `runcall`; for `DEBUG`.
        exitFirst: stop after the first test that fails.
        log: where the reporter hears of warnings.
    """

    DEBUG = "debug"
    DRY_RUN = "dry-run"

    __slots__ = (
        "_exitFirst",
        "_forceGarbageCollection",
        "_log",
        "debugger",
        "logfile",
        "mode",
        "profile",
        "reporterFactory",
        "rterrors",
        "stream",
        "tbformat",
        "uncleanWarnings",
        "workingDirectory",
    )

    def __init__(
        self,
        reporterFactory: Callable[..., Any],
        mode: str | None = None,
        logfile: str = "test.log",
        stream: Any = sys.stdout,
        profile: bool = False,
        tracebackFormat: str = "default",
        realTimeErrors: bool = False,
        uncleanWarnings: bool = False,
        workingDirectory: str = TEMP,
        forceGarbageCollection: bool = False,
        debugger: Any = None,
        exitFirst: bool = False,
        log: Any = log,
    ) -> None:
        self.reporterFactory = reporterFactory
        self.mode = mode
        self.logfile = logfile
        self.stream = stream
        self.profile = profile
        self.tbformat = tracebackFormat
        self.rterrors = realTimeErrors
        self.uncleanWarnings = uncleanWarnings
        self.workingDirectory = workingDirectory or TEMP
        self._forceGarbageCollection = forceGarbageCollection
        self.debugger = debugger
        self._exitFirst = exitFirst
        self._log = log

    def _makeResult(self) -> Any:
        reporter = self.reporterFactory(self.stream, self.tbformat, self.rterrors, self._log)
        if self._exitFirst:
            reporter = ExitWrapper(reporter)
        if self.uncleanWarnings:
            reporter = UncleanWarningsReporterWrapper(reporter)
        return reporter

    def run(self, test: Any) -> Any:
        """Run tests, and return the reporter.

        Args:
            test: a test or a suite.
        """
        test = unittest.decorate(test, cast(Any, itrial.ITestCase))
        if self._forceGarbageCollection:
            test = unittest.decorate(test, _ForceGarbageCollectionDecorator)
        return self._run_decorated(test)

    def _run_decorated(self, test: Any) -> Any:
        result = self._makeResult()
        suite = TrialSuite([test])
        if self.mode == self.DRY_RUN:
            for single in _iterateTests(suite):
                result.startTest(single)
                result.addSuccess(single)
                result.stopTest(single)
        else:
            with test_directory(self.workingDirectory), log_file(self.logfile):
                try:
                    self._runner_of(suite)(result)
                except KeyboardInterrupt:
                    result.done()  # with what is known by now
                    raise
        result.done()
        return result

    def _runner_of(self, suite: Any) -> Callable[[Any], Any]:
        run: Callable[[Any], Any] = suite.run
        if self.mode == self.DEBUG:

            def run(result: Any, run: Any = run) -> Any:
                return self.debugger.runcall(run, result)

        return util.profiled(run, "profile.data") if self.profile else run

    def runUntilFailure(self, test: Any) -> Any:
        """Run tests again and again until one fails, and return the reporter of the last time."""
        count = 0
        while True:
            count += 1
            self.stream.write(f"Test Pass {count}\n")
            # Decorated once: they stay so.
            result = self.run(test) if count == 1 else self._run_decorated(test)
            if result.testsRun == 0 or not result.wasSuccessful():
                return result


publish(globals())
