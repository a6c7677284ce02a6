"""What a process does that runs some of the tests for another one.  Beside the floors.

It is a worker of a `ProcessPool`: each call names tests, and returns what a reporter would have been told.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from selvage._wing import install_twisted
from selvage.failure import Failure
from selvage.logger import classic as log

from . import _loader, _results, unittest, util
from ._asyncrunner import TestSuite, _ForceGarbageCollectionDecorator, _iterateTests
from ._coverage import Counts, counted

__all__ = ["Event", "Setup", "run_tests"]

#: What a reporter is told: the name of its method, the test's number in the call, and the rest.
Event = tuple[str, int, tuple[Any, ...]]


@dataclass
class Setup:
    """How a worker runs tests.

    Attributes:
        folder: where each worker makes a folder of its own.
        logfile: the name of the log in it.
        files: of the modules with tests that cannot be imported by name, the files.
        force_gc, disable_gc, recursion_limit, coverage: as on the command line.
        on_wing: `import twisted` means Selvage.
    """

    folder: str
    logfile: str = "test.log"
    files: dict[str, str] = field(default_factory=dict)
    force_gc: bool = False
    disable_gc: bool = False
    recursion_limit: int | None = None
    coverage: bool = False
    on_wing: bool = False


#: The folder of this process, once it has one.
_own_folder: str | None = None


def run_tests(names: list[str], setup: Setup) -> list[Event]:
    """Run the tests of these names, all of one class, and return what is to be told."""
    _settle(setup)
    numbers = {name: number for number, name in enumerate(names)}
    result = _Recorder(numbers)
    log.addObserver(result.note_warning)
    try:
        with counted(result.note_counts) if setup.coverage else nullcontext():
            whole: Any = TestSuite(test for name in names for test in _iterateTests(_load(name, setup)))
            if setup.force_gc:
                whole = unittest.decorate(whole, _ForceGarbageCollectionDecorator)
            whole.run(result)
    finally:
        log.removeObserver(result.note_warning)
    if result.shouldStop:
        result.events.append(("stop", 0, ()))
    return result.events


def _settle(setup: Setup) -> None:
    """On the first call: find a folder, open a log, and set what the command line says."""
    global _own_folder
    if _own_folder is not None:
        return
    for number in count():
        folder = os.path.join(setup.folder, str(number))
        try:
            os.makedirs(folder)
        except FileExistsError:
            continue
        break
    _own_folder = folder
    os.chdir(folder)
    if setup.on_wing:
        install_twisted()
    log.startLoggingWithObserver(log.FileLogObserver(util.openTestLog(setup.logfile)).emit, 0)
    if setup.disable_gc:
        gc.disable()
    if setup.recursion_limit is not None:
        sys.setrecursionlimit(setup.recursion_limit)


def _load(name: str, setup: Setup) -> Any:
    for module, file in setup.files.items():
        if name.startswith(module + ".") and module not in sys.modules:
            _loader.filenameToModule(file)
    return _loader.TestLoader().loadByName(name)


class _Recorder(_results.TestResult):
    """Keeps what a reporter would be told, in a form that can be sent."""

    def __init__(self, numbers: dict[str, int]) -> None:
        super().__init__()
        self._numbers = numbers
        self._current = 0
        self.events: list[Event] = []

    def _note(self, method: str, test: Any, *facts: Any) -> None:
        # What is no test of ours (an error of a fixture) is told of the one that runs.
        self.events.append((method, self._numbers.get(test.id(), self._current), facts))

    def note_warning(self, event: dict[str, Any]) -> None:
        """Keep a warning that was given."""
        if "warning" in event:
            category = event["category"]
            name = category if isinstance(category, str) else f"{category.__module__}.{category.__qualname__}"
            facts = (str(event["warning"]), name, event["filename"], event["lineno"])
            self.events.append(("warning", self._current, facts))

    def note_counts(self, counts: Counts) -> None:
        """Keep how often lines were executed."""
        self.events.append(("coverage", self._current, (counts,)))

    def startTest(self, test: Any) -> None:
        super().startTest(test)
        self._current = self._numbers.get(test.id(), self._current)
        self._note("startTest", test)

    def stopTest(self, test: Any) -> None:
        super().stopTest(test)
        self._note("stopTest", test)

    def addSuccess(self, test: Any) -> None:
        self._note("addSuccess", test)

    def addError(self, test: Any, error: Any) -> None:
        self._note("addError", test, self._getFailure(error))

    def addFailure(self, test: Any, fail: Any) -> None:
        self._note("addFailure", test, self._getFailure(fail))

    def addSkip(self, test: Any, reason: Any) -> None:
        self._note("addSkip", test, str(reason))

    def addExpectedFailure(self, test: Any, error: Any, todo: Any = None) -> None:
        self._note("addExpectedFailure", test, _sendable(error), _reason(todo))

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> None:
        self._note("addUnexpectedSuccess", test, _reason(todo))


def _sendable(error: Any) -> Any:
    return Failure(error[1], error[0], error[2]) if isinstance(error, tuple) else error


def _reason(todo: Any) -> str | None:
    return None if todo is None else str(todo.reason)
