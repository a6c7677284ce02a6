"""Running tests in several processes at a time.  Beside the floors.

The tests of a class whose fixtures are its own are run by one worker, in one go; all others are handed out one by one, to
whichever worker is free.  Each test is told when it is over, with all that is to be said of it, so that a reporter sees them
one after the other.  A worker that dies is an error of the test that it was running, and another takes its place.
"""

from __future__ import annotations

import os
import sys
import unittest as pyunit
from collections.abc import Iterable, Iterator
from trace import Trace
from typing import Any

from selvage._wing import is_wing_module
from selvage.defer import Deferred, DeferredList
from selvage.failure import Failure
from selvage.logger import classic as log
from selvage.processes import ProcessPool
from selvage.testing._running import run_until

from . import unittest
from ._asyncrunner import _iterateTests
from ._coverage import add_counts
from ._holders import ErrorHolder
from ._outcomes import makeTodo
from ._surroundings import log_file, test_directory
from ._worker import Event, Setup, run_tests
from .runner import TrialRunner, TrialSuite

__all__ = ["WorkersRunner"]


class WorkersRunner(TrialRunner):
    """Runs tests like `TrialRunner`, in several processes.

    Args:
        reporterFactory, options: as of `TrialRunner`.
        workers: how many processes.
        setup: how they run tests; its `folder` is set when they do.
        tracer: what they count, when they do, is added to what it counts.
    """

    __slots__ = ("_setup", "_tracer", "_workers")

    def __init__(
        self,
        reporterFactory: Any,
        workers: int,
        setup: Setup,
        tracer: Trace | None = None,
        **options: Any,
    ) -> None:
        super().__init__(reporterFactory, **options)
        self._workers = workers
        self._setup = setup
        self._tracer = tracer

    def _run_decorated(self, test: Any) -> Any:
        result = self._makeResult()
        with test_directory(self.workingDirectory), log_file(self.logfile):
            self._setup.folder = os.getcwd()
            self._setup.on_wing = (
                is_wing_module(sys.modules["twisted"]) if "twisted" in sys.modules else False
            )
            run = _Run(self._workers, self._setup, result, self._tracer)
            completed = run_until(run.tests(_iterateTests(test)))
            if not completed:
                run.tell_of_interrupt()
            TrialSuite().run(result)
        result.done()
        if not completed:
            raise KeyboardInterrupt
        return result


class _Run:
    """One run: what is handed out, and who is told."""

    def __init__(self, workers: int, setup: Setup, result: Any, tracer: Trace | None) -> None:
        self._pool = ProcessPool(workers)
        self._setup = setup
        self._result = result
        self._tracer = tracer
        self._open: list[list[Any]] = []  # groups of which nothing has come back

    def tests(self, tests: Iterable[Any]) -> Deferred[Any]:
        """Run tests; fires when all are over."""
        runs = []
        local = []
        for group in _groups(tests):
            if isinstance(group[0], pyunit.TestCase):
                self._setup.files.update(_files_of(group[0]))
                runs.append(self._hand_out(group))
            else:
                local += group
        for each in local:
            # What is no test case, such as the error of a module that cannot be imported, needs no other process.
            each.run(self._result)
        return DeferredList(runs).addCallback(lambda _: self._pool.close())

    def tell_of_interrupt(self) -> None:
        """Tell which tests were stopped, or had not begun; what they waited for is known in their processes alone."""
        names = [test.id() for group in self._open for test in group]
        if names:
            error = KeyboardInterrupt(f"{len(names)} tests have not ended, the first of them: {names[0]}")
            ErrorHolder("stopped", Failure(error)).run(self._result)

    def _hand_out(self, group: list[Any]) -> Deferred[Any]:
        self._open.append(group)
        names = [test.id() for test in group]
        d = self._pool.call(run_tests, names, self._setup)
        return d.addCallbacks(
            self._tell, self._tell_of_death, callbackArgs=(group,), errbackArgs=(group,)
        ).addErrback(self._reporter_failed)

    def _tell(self, events: list[Event], group: list[Any]) -> None:
        self._open.remove(group)
        result = self._result
        for method, number, facts in events:
            if method == "warning":
                message, category, filename, lineno = facts
                log.msg(warning=message, category=category, filename=filename, lineno=lineno)
            elif method == "coverage":
                if self._tracer is not None:
                    add_counts(self._tracer, *facts)
            elif method == "stop":
                result.stop()
            else:
                getattr(result, method)(group[number], *_received(method, facts))
        if result.shouldStop:
            self._pool.close()

    def _tell_of_death(self, failure: Failure, group: list[Any]) -> None:
        if self._pool.closed:
            return  # ended by us
        self._open.remove(group)
        for test in group:
            self._result.startTest(test)
            self._result.addError(test, failure)
            self._result.stopTest(test)

    def _reporter_failed(self, failure: Failure) -> None:
        log.err(failure, "a reporter failed")
        self._result.addError(unittest.TestSuite(), failure)


def _received(method: str, facts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what was sent as what a reporter wants."""
    if method in ("addExpectedFailure", "addUnexpectedSuccess") and facts[-1] is not None:
        return (*facts[:-1], makeTodo(facts[-1]))
    return facts


def _groups(tests: Iterable[Any]) -> Iterator[list[Any]]:
    """Give tests in groups: those of a class with fixtures of its own together, in their order, all others alone."""
    together: dict[Any, list[Any]] = {}
    for test in tests:
        home = _home(test)
        if home is None:
            yield [test]
        else:
            together.setdefault(home, []).append(test)
    yield from together.values()


def _home(test: Any) -> Any:
    """Return the module or class with fixtures that a test shares with others, or None."""
    kind = type(getattr(test, "_originalTest", test))
    module = sys.modules.get(kind.__module__)
    if hasattr(module, "setUpModule") or hasattr(module, "tearDownModule"):
        return module
    base: Any = pyunit.TestCase
    for fixture in ("setUpClass", "tearDownClass"):
        if getattr(getattr(kind, fixture, None), "__func__", None) is not getattr(base, fixture).__func__:
            return kind if issubclass(kind, base) else None
    return None


def _files_of(test: Any) -> dict[str, str]:
    """Return module and file of a test whose module another process would not find by its name."""
    name = type(test).__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None or name == "__main__":
        return {}
    root = os.path.abspath(file)
    for _ in range(name.count(".") + 1 + (os.path.basename(file) == "__init__.py")):
        root = os.path.dirname(root)
    return {} if root in map(os.path.abspath, sys.path) else {name: os.path.abspath(file)}
