"""Who is told how tests go, and tells people.  Beside the floors.

Twisted: `twisted.trial.reporter`, which is this very module in the wing.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from zope.interface import implementer

from selvage._publish import publish
from selvage.failure import Failure, to_terminal

from . import itrial, util
from ._colors import (
    AnsiColorizer as _AnsiColorizer,
    NullColorizer as _NullColorizer,  # noqa: F401  for those who import it by Twisted's name; so the next two
    colorizer_for,
)
from ._results import (
    AdaptedReporter as _AdaptedReporter,  # noqa: F401
    ExitWrapper as _ExitWrapper,  # noqa: F401
    TestResult,
    TestResultDecorator,
)
from ._streams import SafeStream
from ._traces import formatted, trimmed

if TYPE_CHECKING:
    TestProtocolClient: Any

__all__ = [
    "BrokenTestCaseWarning",
    "MinimalReporter",
    "Reporter",
    "SafeStream",
    "SubunitReporter",
    "TestResult",
    "TestResultDecorator",
    "TextReporter",
    "TimingTextReporter",
    "TreeReporter",
    "UncleanWarningsReporterWrapper",
    "VerboseTextReporter",
]


#: What `sys.exc_info` gives while an exception is handled.
ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType]
XUnitFailure: TypeAlias = ExcInfo | tuple[None, None, None]
#: What a test may be reported to have gone wrong with.
TrialFailure: TypeAlias = XUnitFailure | Failure


class BrokenTestCaseWarning(Warning):
    """A test case is at fault."""


@implementer(itrial.IReporterWithDurations)
class UncleanWarningsReporterWrapper(TestResultDecorator):
    """Gives a warning where a test left something in the reactor, which else is an error."""

    def addError(self, test: Any, error: Any) -> Any:
        """Give a warning, or pass the error on."""
        if isinstance(error, Failure) and error.check(util.DirtyReactorAggregateError):
            warnings.warn(error.getErrorMessage())  # noqa: B028  it is this file's
            return None
        return self._originalReporter.addError(test, error)


class Reporter(TestResult):
    """Writes what went wrong, and a summary, when all tests are over; the base of the others.

    Args:
        stream: where to.
        tbformat: how tracebacks look: "default", "brief", "verbose" (with variables) or "emacs".
        realtime: write each traceback also at once.
        publisher: a log, the warnings of which are written as they come.
    """

    _separator = "-" * 79
    _doubleSeparator = "=" * 79

    def __init__(
        self,
        stream: Any = sys.stdout,
        tbformat: str = "default",
        realtime: bool = False,
        publisher: Any = None,
    ) -> None:
        super().__init__()
        self._stream = SafeStream(stream)
        self.tbformat = tbformat
        self.realtime = realtime
        self._startTime: float | None = None
        self._warningCache: set[Any] = set()
        self._publisher = publisher
        if publisher is not None:
            publisher.addObserver(self._observeWarnings)

    def _observeWarnings(self, event: dict[str, Any]) -> None:
        """Write a warning that is logged, once in each test."""
        if "warning" not in event:
            return
        warning = (event["warning"], event["category"], event["filename"], event["lineno"])
        key = (str(warning[0]), *warning[1:])
        if key in self._warningCache:
            return
        self._warningCache.add(key)
        kind = warning[1]
        name = kind.rpartition(".")[2] if isinstance(kind, str) else kind.__name__
        self._write("%s:%s: %s: %s\n", event["filename"], event["lineno"], name, event["warning"])

    # --- Writing -----------------------------------------------------------------------------------------------------

    def _write(self, format: str, *args: Any) -> None:
        text = str(format)
        self._stream.write(text % args if args else text)
        self._stream.flush()

    def _writeln(self, format: str, *args: Any) -> None:
        self._write(format, *args)
        self._write("\n")

    # --- What happens ------------------------------------------------------------------------------------------------

    def startTest(self, test: Any) -> None:
        """A test begins."""
        super().startTest(test)
        if self._startTime is None:
            self._startTime = self._getTime()
        self._warningCache.clear()

    def addFailure(self, test: Any, fail: Any) -> None:
        """An assertion did not hold."""
        super().addFailure(test, fail)
        if self.realtime:
            self._write_at_once(self.failures[-1][1])

    def addError(self, test: Any, error: Any) -> None:
        """Something else went wrong."""
        super().addError(test, error)
        if self.realtime:
            self._write_at_once(self.errors[-1][1])

    def _write_at_once(self, failure: Any) -> None:
        self._write(self._formatFailureTraceback(failure))

    def upDownError(self, method: str, error: Any, warn: bool = True, printStatus: bool = True) -> None:
        """A fixture failed."""
        super().upDownError(method, error, warn, printStatus)
        if warn:
            text = self._formatFailureTraceback(self._getFailure(error))
            warnings.warn(
                f"caught exception in {method}, your TestCase is broken\n\n{text}", BrokenTestCaseWarning, 2
            )

    def cleanupErrors(self, errs: Any) -> None:
        """Something was left behind."""
        super().cleanupErrors(errs)
        text = self._formatFailureTraceback(self._getFailure(errs))
        warnings.warn(f"{BrokenTestCaseWarning.__name__}: REACTOR UNCLEAN! {text}", BrokenTestCaseWarning, 2)

    # --- The end -----------------------------------------------------------------------------------------------------

    def _trimFrames(self, frames: Sequence[Any]) -> list[Any]:
        return trimmed(frames)

    def _formatFailureTraceback(self, fail: Any) -> str:
        if isinstance(fail, str):
            return fail.rstrip() + "\n"
        return formatted(fail, self.tbformat)

    def _groupResults(
        self, results: Iterable[Any], formatter: Callable[..., str]
    ) -> list[tuple[str, list[Any]]]:
        """Put together the tests of which the same is to be said, in the order in which they came."""
        groups: dict[str, list[Any]] = {}
        for test, *facts in results:
            groups.setdefault(formatter(*facts), []).append(test)
        return list(groups.items())

    def _printResults(self, flavor: str, errors: Iterable[Any], formatter: Callable[..., str]) -> None:
        for told, tests in self._groupResults(errors, formatter):
            self._writeln(self._doubleSeparator)
            self._writeln(flavor)
            self._stream.write(told)
            self._writeln("")
            for test in tests:
                self._writeln(test.id())

    def _printExpectedFailure(self, error: Any, todo: Any) -> str:
        return f"Reason: {todo.reason!r}\n{self._formatFailureTraceback(error)}"

    def _printUnexpectedSuccess(self, todo: Any) -> str:
        told = f"Reason: {todo.reason!r}\n"
        if todo.errors:
            told += f"Expected errors: {', '.join(error.__name__ for error in todo.errors)}\n"
        return told

    def _printErrors(self) -> None:
        """Write what went wrong with which tests."""
        self._writeln("")
        self._printResults("[SKIPPED]", self.skips, lambda reason: f"{reason}\n")
        self._printResults("[TODO]", self.expectedFailures, self._printExpectedFailure)
        self._printResults("[FAIL]", self.failures, self._formatFailureTraceback)
        self._printResults("[ERROR]", self.errors, self._formatFailureTraceback)
        self._printResults("[SUCCESS!?!]", self.unexpectedSuccesses, self._printUnexpectedSuccess)

    def _getSummary(self) -> str:
        """Return how many tests there were of each kind, in brackets."""
        counts = [
            f"{kind}={len(getattr(self, kind))}"
            for kind in ("skips", "expectedFailures", "failures", "errors", "unexpectedSuccesses")
            if getattr(self, kind)
        ]
        if self.successes:
            counts.append(f"successes={self.successes}")
        return f" ({', '.join(counts)})" if counts else ""

    def _printSummary(self) -> None:
        """Write whether all is well."""
        self._write("%s%s\n", "PASSED" if self.wasSuccessful() else "FAILED", self._getSummary())

    def done(self) -> None:
        """Write all that is to be said."""
        if self._publisher is not None:
            self._publisher.removeObserver(self._observeWarnings)
        self._printErrors()
        self._writeln(self._separator)
        if self._startTime is not None:
            self._writeln("Ran %d tests in %.3fs", self.testsRun, self._getTime() - self._startTime)
        self._write("\n")
        self._printSummary()


class MinimalReporter(Reporter):
    """Writes one line of numbers for another program: seconds, tests, tests again, errors, failures, skips."""

    def _printErrors(self) -> None:
        """Nothing of these."""

    def _printSummary(self) -> None:
        seconds = 0 if self._startTime is None else self._getTime() - self._startTime
        counts = (self.testsRun, self.testsRun, len(self.errors), len(self.failures), len(self.skips))
        self._writeln(" ".join(["%s"] * 6), seconds, *counts)


class _MarkingReporter(Reporter):
    """Says of each test how it went; the base of those below, which have marks of their own."""

    _MARKS = {
        "SUCCESS": "[OK]",
        "ERROR": "[ERROR]",
        "FAILURE": "[FAILURE]",
        "SKIP": "[SKIPPED]",
        "TODO": "[TODO]",
        "TODONE": "[SUCCESS!?!]",
    }

    def _mark(self, outcome: str) -> None:
        self._write(self._MARKS[outcome])

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self._mark("SUCCESS")

    def addError(self, *args: Any) -> None:
        super().addError(*args)
        self._mark("ERROR")

    def addFailure(self, *args: Any) -> None:
        super().addFailure(*args)
        self._mark("FAILURE")

    def addSkip(self, *args: Any) -> None:
        super().addSkip(*args)
        self._mark("SKIP")

    def addExpectedFailure(self, *args: Any) -> None:
        super().addExpectedFailure(*args)
        self._mark("TODO")

    def addUnexpectedSuccess(self, *args: Any) -> None:
        super().addUnexpectedSuccess(*args)
        self._mark("TODONE")


class TextReporter(_MarkingReporter):
    """Writes a character for each test."""

    _MARKS = {"SUCCESS": ".", "ERROR": "E", "FAILURE": "F", "SKIP": "S", "TODO": "T", "TODONE": "!"}


class VerboseTextReporter(_MarkingReporter):
    """Writes a line for each test."""

    def startTest(self, tm: Any) -> None:
        self._write("%s ... ", tm.id())
        super().startTest(tm)

    def stopTest(self, test: Any) -> None:
        super().stopTest(test)
        self._write("\n")


class TimingTextReporter(VerboseTextReporter):
    """Writes a line for each test, and how long it took."""

    def stopTest(self, method: Any) -> None:
        super().stopTest(method)
        self._write("(%.03f secs)\n", self._lastTime)


class TreeReporter(_MarkingReporter):
    """Writes a tree of modules, classes and tests, in colour on a terminal, where failures are shown with their story."""

    columns = 79
    currentLine = ""
    indent = " "

    _MARKS = {**_MarkingReporter._MARKS, "FAILURE": "[FAIL]"}

    # The colours of the marks.
    FAILURE = "red"
    ERROR = "red"
    TODO = "blue"
    SKIP = "blue"
    TODONE = "red"
    SUCCESS = "green"

    def __init__(self, stream: Any = sys.stdout, *args: Any, **kwargs: Any) -> None:
        super().__init__(stream, *args, **kwargs)
        self._lastTest: list[str] = []
        self._colorizer: Any = colorizer_for(stream)

    def getDescription(self, test: Any) -> str:
        """Return the name of the test's method."""
        return str(test.id().rpartition(".")[2])

    def _mark(self, outcome: str) -> None:
        self.endLine(self._MARKS[outcome], getattr(self, outcome))

    def _write(self, format: str, *args: Any) -> None:
        text = format % args if args else format
        _, feed, after = text.rpartition("\n")
        self.currentLine = after if feed else self.currentLine + after
        super()._write("%s", text) if args else super()._write(text)

    def _getPreludeSegments(self, testID: str) -> list[str]:
        """Return module and class of the test of this name."""
        segments = testID.split(".")[:-1]
        if len(segments) <= 1:
            return segments
        return [".".join(segments[:-1]), segments[-1]]

    def _testPrelude(self, testID: str) -> None:
        """Write those of the test's module and class that are not those of the test before."""
        segments = self._getPreludeSegments(testID)
        depth = 0
        for depth, segment in enumerate(segments):
            if segments[: depth + 1] != self._lastTest[: depth + 1]:
                self._write(self.indent * 2 * depth + segment + "\n")
        self._lastTest = segments

    def cleanupErrors(self, errs: Any) -> None:
        """Something was left behind."""
        self._colorizer.write("    cleanup errors", self.ERROR)
        self.endLine("[ERROR]", self.ERROR)
        super().cleanupErrors(errs)

    def upDownError(self, method: str, error: Any, warn: bool = True, printStatus: bool = True) -> None:
        """A fixture failed."""
        self._colorizer.write(f"  {method}", self.ERROR)
        if printStatus:
            self.endLine("[ERROR]", self.ERROR)
        super().upDownError(method, error, warn, printStatus)

    def startTest(self, test: Any) -> None:
        """A test begins."""
        self._testPrelude(test.id())
        depth = len(self._lastTest)
        self._write(f"{self.indent * 2 * depth}{self.getDescription(test)} ... ")
        super().startTest(test)

    def endLine(self, message: str, color: str) -> None:
        """Write how the test went, at the end of the line."""
        spaces = " " * (self.columns - len(self.currentLine) - len(message))
        super()._write(spaces)
        self._colorizer.write(message, color)
        super()._write("\n")
        self.currentLine = ""

    def _printResults(self, flavor: str, errors: Iterable[Any], formatter: Callable[..., str]) -> None:
        if isinstance(self._colorizer, _AnsiColorizer) and formatter == self._formatFailureTraceback:
            formatter = self._in_colour
        super()._printResults(flavor, errors, formatter)

    def _in_colour(self, failure: Any) -> str:
        if not isinstance(failure, Failure) or self.tbformat != "default":
            return self._formatFailureTraceback(failure)
        return to_terminal(failure)

    def _printSummary(self) -> None:
        if self.wasSuccessful():
            self._colorizer.write("PASSED", self.SUCCESS)
        else:
            self._colorizer.write("FAILED", self.FAILURE)
        self._write("%s\n", self._getSummary())


@implementer(itrial.IReporter)
class SubunitReporter:
    """Writes the subunit protocol, version 1, for other programs.

    Args:
        stream: takes bytes, or a text stream with the attribute `buffer`.
        tbformat, realtime, publisher: as of the others; they are not looked at.
    """

    testsRun: Any = None

    def __init__(
        self,
        stream: Any = sys.stdout,
        tbformat: str = "default",
        realtime: bool = False,
        publisher: Any = None,
    ) -> None:
        client = sys.modules[__name__].TestProtocolClient
        if client is None:
            raise Exception("Subunit not available")
        self._subunit = client(getattr(stream, "buffer", stream))
        self._successful = True

    @property
    def shouldStop(self) -> Any:
        """Whether to start no further test."""
        return self._subunit.shouldStop

    def stop(self) -> Any:
        """Have no further test started."""
        return self._subunit.stop()

    def wasSuccessful(self) -> bool:
        """Tell whether nothing failed."""
        return self._successful

    def done(self) -> None:
        """Nothing: what reads the protocol writes the summary."""

    def startTest(self, test: Any) -> Any:
        return self._subunit.startTest(test)

    def stopTest(self, test: Any) -> Any:
        return self._subunit.stopTest(test)

    def addSuccess(self, test: Any) -> Any:
        return self._subunit.addSuccess(test)

    def addError(self, test: Any, err: Any) -> Any:
        self._successful = False
        return self._subunit.addError(test, util.excInfoOrFailureToExcInfo(err))

    def addFailure(self, test: Any, err: Any) -> Any:
        self._successful = False
        return self._subunit.addFailure(test, util.excInfoOrFailureToExcInfo(err))

    def addSkip(self, test: Any, reason: Any) -> Any:
        skip = getattr(self._subunit, "addSkip", None)
        # Versions of the protocol before 0.0.2 know neither this nor the next.
        return self.addSuccess(test) if skip is None else skip(test, reason)

    def addExpectedFailure(self, test: Any, failure: Any, todo: Any = None) -> Any:
        expected = getattr(self._subunit, "addExpectedFailure", None)
        if expected is None:
            return self.addSuccess(test)
        return expected(test, util.excInfoOrFailureToExcInfo(failure))

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> Any:
        return self.addSuccess(test)


def __getattr__(name: str) -> Any:
    """Load subunit when somebody asks for it: it takes as long to import as all of trial."""
    if name != "TestProtocolClient":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from subunit import TestProtocolClient as client
    except ImportError:
        client = None
    globals()[name] = client
    return client


publish(globals())
