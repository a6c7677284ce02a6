"""Test cases that need no reactor.  Beside the floors.

A test runs between `setUp` and `tearDown`; what `addCleanup` was given runs before `tearDown`, last first.  Warnings that
it gives are kept until it is over, and errors that are logged while it runs are errors of the test, unless it takes them
(`flushWarnings`, `flushLoggedErrors`).

Twisted: `twisted.trial._synctest`, which is this very module in the wing.
"""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
import unittest as pyunit
import warnings
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

from selvage.failure import Failure, machinery

from . import _monkey, itrial
from ._adapter import PyUnitResultAdapter
from ._assertions import Assertions as _Assertions
from ._deprecations import deprecation_text, version_text
from ._logged import LogObserver as _LogObserver
from ._outcomes import DEFAULT_TODO, FailTest, SkipTest, Todo, makeTodo
from ._warnings import (
    CollectedWarning as _Warning,
    collect_warnings as _collectWarnings,
    forget_given as _setWarningRegistryToNone,  # noqa: F401  Twisted's name for it
    run_suppressed,
    split_warnings,
)

__all__ = ["FailTest", "PyUnitResultAdapter", "SkipTest", "SynchronousTestCase", "Todo", "makeTodo"]

__unittest = True

_P = ParamSpec("_P")

#: Where all test cases gather logged errors; looked up when a test begins.
_logObserver = _LogObserver()

# Longest name of a folder that is made of a test's name, in characters: file systems have limits, and paths add up.
_MAX_FOLDER_NAME = 32

_NOTHING = object()


class SynchronousTestCase(_Assertions):
    """A test case whose methods return when they are done.

    Subclasses write methods `test_*`, and may have `setUp` and `tearDown`.  Methods, the class and the module may have the
    attributes `skip` (a reason not to run), `todo` (a reason to fail, see `makeTodo`) and `suppress` (a list of what
    `suppress` of `util` returns); the nearest counts.
    """

    failureException = FailTest

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self._passed = False
        self._cleanups: list[tuple[Callable[..., Any], Any, Any]] = []
        self._warnings: list[_Warning] = []
        self._observer = _logObserver
        self._testMethodName = methodName
        method = getattr(self, methodName)
        module = sys.modules.get(self.__class__.__module__)
        self._parents: list[Any] = [method, self, module]

    def __eq__(self, other: object) -> bool:
        # Two instances of one test are two tests: they may be in a suite twice.
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def runTest(self) -> None:
        """Do nothing: it is there so that an instance can be made without naming a method, to use its assertions."""

    def shortDescription(self) -> str:
        """Return the first line of the test's docstring, or else its name."""
        return super().shortDescription() or self._testMethodName

    # --- What the attributes say -------------------------------------------------------------------------------------

    def _nearest(self, attribute: str, default: Any) -> Any:
        for parent in self._parents:
            found = getattr(parent, attribute, _NOTHING)
            if found is not _NOTHING:
                return found
        return default

    def getSkip(self) -> tuple[bool, str | None]:
        """Return whether the test is not to be run, and why, as attributes or the decorators of `unittest` say."""
        for parent in self._parents:
            reason: Any = getattr(parent, "skip", _NOTHING)
            # A module may have `unittest.skip` under that name: it is not to skip what is in it.
            if reason is not _NOTHING and not callable(reason):
                return reason is not None, reason
            if getattr(parent, "__unittest_skip__", False):
                return True, getattr(parent, "__unittest_skip_why__", "")
        return False, None

    def getTodo(self) -> Todo | None:
        """Return why the test is expected to fail, as an attribute or the decorator of `unittest` says, or None."""
        todo = self._nearest("todo", None)
        if todo is None and any(
            getattr(parent, "__unittest_expecting_failure__", False) for parent in self._parents
        ):
            todo = DEFAULT_TODO
        return None if todo is None else makeTodo(todo)

    def getSuppress(self) -> Sequence[Any]:
        """Return the warnings that the test does not want."""
        for parent in self._parents:
            suppressed: Any = getattr(parent, "suppress", None)
            # A module may have `contextlib.suppress` under that name.
            if isinstance(suppressed, Sequence):
                return suppressed
        return ()

    # --- Running -----------------------------------------------------------------------------------------------------

    def run(self, result: Any) -> Any:  # type: ignore[override]
        """Run the test and tell `result` how it went.

        Args:
            result: an `IReporter`, or a result of `unittest`.
        """
        if not itrial.IReporter.providedBy(result):
            result = PyUnitResultAdapter(result)
        result.startTest(self)
        try:
            skipped, reason = self.getSkip()
            if skipped:
                result.addSkip(self, reason)
                return None
            self._passed = False
            self._warnings = []
            self._install_observer()
            _collectWarnings(self._warnings.append, self._runFixturesAndTest, result)
            self._give_remaining_warnings(result)
        finally:
            result.stopTest(self)
        return None

    def _give_remaining_warnings(self, result: Any) -> None:
        for warning in self.flushWarnings():
            try:
                warnings.warn_explicit(**warning)
            except BaseException:
                # The filters make errors of such warnings.
                result.addError(self, Failure())

    def _install_observer(self) -> None:
        self._observer = _logObserver
        self._observer._add()

    def _remove_observer(self) -> None:
        self._observer._remove()

    def _runFixturesAndTest(self, result: Any) -> None:
        """Run `setUp`, the test, the cleanups and `tearDown`, and tell of what went wrong in each."""
        self._passed = True
        suppressed = self.getSuppress()
        try:
            if self._perform(suppressed, self.setUp, result):
                todo = self.getTodo()
                passed = self._perform(suppressed, getattr(self, self._testMethodName), result, todo)
                self._run_cleanups(result)
                if not self._perform(suppressed, self.tearDown, result):
                    self._passed = False
                if todo is not None and passed:
                    self._passed = False
                    result.addUnexpectedSuccess(self, todo)
            else:
                self._run_cleanups(result)
        finally:
            self._tell_logged_errors(result)
            self._remove_observer()
        if self._passed:
            result.addSuccess(self)

    def _perform(
        self,
        suppressed: Sequence[Any],
        method: Callable[..., Any],
        result: Any,
        todo: Todo | object | None = _NOTHING,
    ) -> bool:
        """Call a method of the test; tell what it raised, and whether it raised nothing."""
        if _is_generator(method):
            self._tell(_never_runs(method), result, todo)
            return False
        try:
            returned: Any = run_suppressed(suppressed, method) if suppressed else method()
        except BaseException:
            self._tell(Failure(), result, todo)
            return False
        if inspect.iscoroutine(returned):
            returned.close()
            self._tell(_never_runs(method), result, todo)
            return False
        return True

    def _tell(self, failure: Failure, result: Any, todo: Any, may_skip: bool = True) -> None:
        """Tell `result` of one failure.

        Args:
            todo: what the test says of itself; `_NOTHING` where not the test itself but a fixture failed: that is
                always an error.
            may_skip: it is not too late to say that the test cannot run here.
        """
        self._passed = False
        if failure.check(KeyboardInterrupt):
            result.stop()
            result.addError(self, failure)
        elif may_skip and failure.check(pyunit.SkipTest):
            result.addSkip(self, self._reason_of(failure))
        elif todo is _NOTHING:
            result.addError(self, failure)
        elif todo is not None and todo.expected(failure):
            result.addExpectedFailure(self, failure, todo)
        elif failure.check(self.failureException, FailTest):
            result.addFailure(self, failure)
        else:
            result.addError(self, failure)

    def _reason_of(self, failure: Failure) -> Any:
        arguments = failure.value.args
        if arguments:
            return arguments[0]
        code = getattr(getattr(self, self._testMethodName), "__code__", None)
        if code is not None:
            warnings.warn_explicit(
                "Do not raise unittest.SkipTest with no arguments! Give a reason for skipping tests!",
                category=DeprecationWarning,
                filename=code.co_filename,
                lineno=code.co_firstlineno,
            )
        return failure.value

    def _run_cleanups(self, result: Any) -> None:
        while self._cleanups:
            f, args, kwargs = self._cleanups.pop()
            try:
                f(*args, **kwargs)
            except BaseException:
                self._tell(Failure(), result, _NOTHING, may_skip=False)

    def _tell_logged_errors(self, result: Any) -> None:
        for failure in self._observer.getErrors():
            result.addError(self, failure)
            self._passed = False
        self.flushLoggedErrors()

    # --- For the test ------------------------------------------------------------------------------------------------

    def addCleanup(self, f: Callable[_P, object], *args: _P.args, **kwargs: _P.kwargs) -> None:  # type: ignore[override]
        """Have a function called when the test is over, before `tearDown`; the one added last comes first."""
        self._cleanups.append((f, args, kwargs))

    def flushLoggedErrors(self, *errorTypes: Any) -> list[Failure]:
        """Return the errors that were logged, and the failures that nobody handled, since the test began.

        What is returned does not fail the test.

        Args:
            errorTypes: only these.
        """
        return self._observer.flushErrors(*errorTypes)

    def flushWarnings(self, offendingFunctions: Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """Return the warnings that were given since the test began; they are not given again when it is over.

        Args:
            offendingFunctions: only those that a line of one of these functions gave.

        Returns:
            For each a dict with `message`, a text; `category`; `filename`; `lineno`.

        Raises:
            ValueError: one of the functions has no lines.
        """
        if offendingFunctions is None:
            flushed, self._warnings[:] = self._warnings[:], []
        else:
            flushed, self._warnings[:] = split_warnings(self._warnings, offendingFunctions)
        return [warning.as_dict() for warning in flushed]

    def patch(self, obj: Any, attribute: str, value: Any) -> _monkey.MonkeyPatcher:
        """Replace an attribute of an object until the test is over.

        Returns:
            What can `restore` it sooner.
        """
        patcher = _monkey.MonkeyPatcher((obj, attribute, value))
        patcher.patch()
        self.addCleanup(patcher.restore)
        return patcher

    def mktemp(self) -> str:
        """Return a path, below the current folder, at which there is nothing, in a folder that is this test's own."""
        parts = (self.__class__.__module__, self.__class__.__name__, self._testMethodName)
        base = os.path.join(*(part[:_MAX_FOLDER_NAME] for part in parts))
        # A test may have replaced what makes folders by now; its own is there from the first call.
        if not os.path.isdir(base):
            os.makedirs(base, exist_ok=True)
        made = tempfile.mkdtemp("", "", base)  # absolute from Python 3.12 on
        return os.path.join(base, os.path.basename(made), "temp")

    def callDeprecated(self, version: Any, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function that is deprecated, and fail the test if it does not say so.

        Args:
            version: in which it was deprecated: an `incremental.Version`, or a pair of such and the replacement.
        """
        replacement = None
        if isinstance(version, tuple):
            version, replacement = version
        result = f(*args, **kwargs)
        given = self.flushWarnings([self.callDeprecated])
        try:
            first = next(warning for warning in given if warning["category"] is DeprecationWarning)
        except StopIteration:
            self.fail(f"{f!r} is not deprecated.")
        expected = deprecation_text(f, version, replacement)
        self.assertEqual(expected, first["message"])
        return result

    def getDeprecatedModuleAttribute(
        self, moduleName: str, name: str, version: Any, message: str | None = None
    ) -> Any:
        """Return an attribute of a module that is deprecated, and fail the test if it does not say so.

        Args:
            version: in which it was deprecated, an `incremental.Version`.
            message: how the rest of the warning begins.
        """
        value = getattr(sys.modules[moduleName], name)
        given = self.flushWarnings([self.getDeprecatedModuleAttribute])
        self.assertEqual(1, len(given), f"{moduleName}.{name} is not deprecated.")
        self.assertIdentical(given[0]["category"], DeprecationWarning)
        expected = f"{moduleName}.{name} was deprecated in {version_text(version)}"
        if message is not None:
            expected += f": {message}"
        self.assertTrue(
            given[0]["message"].startswith(expected), f"{given[0]['message']!r}, not {expected!r}"
        )
        return value


def _is_generator(method: Callable[..., Any]) -> bool:
    """Tell whether a method is a generator of either kind, for whose values nobody asks."""
    return inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method)


def _never_runs(method: Callable[..., Any]) -> Failure:
    """Return what is told of a method whose call runs none of its lines."""
    if inspect.isasyncgenfunction(method):
        kind = "an asynchronous generator function"
    elif inspect.isgeneratorfunction(method):
        kind = "a generator function"
    else:
        kind = "a coroutine function (TestCase waits for coroutines, SynchronousTestCase does not)"
    return Failure(TypeError(f"{method!r} is {kind} and therefore will never run"))


machinery(SynchronousTestCase._perform)
machinery(SynchronousTestCase._run_cleanups)
machinery(run_suppressed)
