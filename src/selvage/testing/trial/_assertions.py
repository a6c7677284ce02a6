"""Every assertion of trial's test cases.  Beside the floors.

Most are those of `unittest` that in addition return their first argument, and have a second name from older days.
"""

from __future__ import annotations

import unittest as pyunit
from collections.abc import Callable
from types import TracebackType
from typing import Any, NoReturn

from selvage.defer import Deferred, ensureDeferred
from selvage.failure import Failure

from ._outcomes import FailTest
from ._warnings import CollectedWarning, collect_warnings

__all__ = ["Assertions"]

# unittest, pytest and the reporters leave frames of such modules out of the end of a traceback.
__unittest = True


def qualified(kind: type) -> str:
    """Return the dotted name of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


class RaisesContext:
    """What `assertRaises` returns when it is used in a `with` statement.

    Attributes:
        exception: what was raised, once the statement is over.
    """

    exception: Any = None

    def __init__(self, case: Assertions, expected: Any) -> None:
        self._case = case
        self._expected = expected
        self._returned: Any = None

    def call(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function that is to raise, and return what it raised."""
        with self:
            self._returned = f(*args, **kwargs)
        return self.exception

    @property
    def _name(self) -> str:
        if isinstance(self._expected, tuple):
            return repr(tuple(each.__name__ for each in self._expected))
        return str(self._expected.__name__)

    def __enter__(self) -> RaisesContext:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if exc_type is None or exc_value is None:
            self._case.fail(f"{self._name} not raised ({self._returned} returned)")
        if not issubclass(exc_type, self._expected):
            if issubclass(exc_type, KeyboardInterrupt):
                return False
            told = Failure(exc_value, exc_type, traceback).getTraceback()
            self._case.fail(f"{qualified(exc_type)} raised instead of {self._name}:\n {told}")
        self.exception = exc_value
        return True


class Assertions(pyunit.TestCase):
    """The assertions, and the class of exceptions that they raise."""

    failureException: type[BaseException] = FailTest

    def fail(self, msg: Any = None) -> NoReturn:
        """Fail the test, whatever else holds."""
        raise self.failureException(msg)

    def assertFalse(self, condition: Any, msg: Any = None) -> Any:
        """Fail if `condition` is true; return it."""
        super().assertFalse(condition, msg)
        return condition

    assertNot = assertFalse
    failUnlessFalse = assertFalse
    failIf = assertFalse  # type: ignore[assignment]

    def assertTrue(self, condition: Any, msg: Any = None) -> Any:
        """Fail if `condition` is false; return it."""
        super().assertTrue(condition, msg)
        return condition

    assert_ = assertTrue  # type: ignore[assignment]
    failUnlessTrue = assertTrue
    failUnless = assertTrue  # type: ignore[assignment]

    def assertRaises(  # type: ignore[override]
        self, exception: Any, f: Callable[..., Any] | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Fail unless `f`, called with the other arguments, raises `exception`; return what it raised.

        Args:
            exception: a class of exceptions, or a tuple of such.
            f: without one, return a context manager that fails unless its block raises.
        """
        context = RaisesContext(self, exception)
        return context if f is None else context.call(f, args, kwargs)

    failUnlessRaises = assertRaises  # type: ignore[assignment]

    def assertEqual(self, first: Any, second: Any, msg: Any = None) -> Any:
        """Fail if `first` does not equal `second`; return `first`."""
        super().assertEqual(first, second, msg)
        return first

    assertEquals = assertEqual
    failUnlessEqual = assertEqual
    failUnlessEquals = assertEqual

    def assertIs(self, first: Any, second: Any, msg: Any = None) -> Any:
        """Fail if the two are not one object; return `first`."""
        if first is not second:
            raise self.failureException(msg or f"{first!r} is not {second!r}")
        return first

    assertIdentical = assertIs
    failUnlessIdentical = assertIs

    def assertIsNot(self, first: Any, second: Any, msg: Any = None) -> Any:
        """Fail if the two are one object; return `first`."""
        if first is second:
            raise self.failureException(msg or f"{first!r} is {second!r}")
        return first

    assertNotIdentical = assertIsNot
    failIfIdentical = assertIsNot

    def assertNotEqual(self, first: Any, second: Any, msg: Any = None) -> Any:
        """Fail if the two are equal, as `!=` has it; return `first`."""
        if not first != second:
            raise self.failureException(msg or f"{first!r} == {second!r}")
        return first

    assertNotEquals = assertNotEqual
    failIfEqual = assertNotEqual
    failIfEquals = assertNotEqual

    def assertIn(self, containee: Any, container: Any, msg: Any = None) -> Any:
        """Fail if `containee` is not in `container`; return it."""
        if containee not in container:
            raise self.failureException(msg or f"{containee!r} not in {container!r}")
        return containee

    failUnlessIn = assertIn

    def assertNotIn(self, containee: Any, container: Any, msg: Any = None) -> Any:
        """Fail if `containee` is in `container`; return it."""
        if containee in container:
            raise self.failureException(msg or f"{containee!r} in {container!r}")
        return containee

    failIfIn = assertNotIn

    def assertNotAlmostEqual(  # type: ignore[override]
        self, first: Any, second: Any, places: int = 7, msg: Any = None, delta: Any = None
    ) -> Any:
        """Fail if the two are equal when rounded to so many places, or no further apart than `delta`; return `first`."""
        super().assertNotAlmostEqual(first, second, None if delta is not None else places, msg, delta)
        return first

    assertNotAlmostEquals = assertNotAlmostEqual  # type: ignore[assignment]
    failIfAlmostEqual = assertNotAlmostEqual  # type: ignore[assignment]
    failIfAlmostEquals = assertNotAlmostEqual

    def assertAlmostEqual(  # type: ignore[override]
        self, first: Any, second: Any, places: int = 7, msg: Any = None, delta: Any = None
    ) -> Any:
        """Fail if the two are not equal when rounded to so many places, or further apart than `delta`; return `first`."""
        super().assertAlmostEqual(first, second, None if delta is not None else places, msg, delta)
        return first

    assertAlmostEquals = assertAlmostEqual  # type: ignore[assignment]
    failUnlessAlmostEqual = assertAlmostEqual  # type: ignore[assignment]

    def assertApproximates(self, first: Any, second: Any, tolerance: Any, msg: Any = None) -> Any:
        """Fail if the two are further apart than `tolerance`; return `first`."""
        if abs(first - second) > tolerance:
            raise self.failureException(msg or f"{first} ~== {second}")
        return first

    failUnlessApproximates = assertApproximates

    def assertSubstring(self, substring: Any, astring: Any, msg: Any = None) -> Any:
        """Fail if `substring` does not occur in `astring`; return it."""
        return self.assertIn(substring, astring, msg)

    failUnlessSubstring = assertSubstring

    def assertNotSubstring(self, substring: Any, astring: Any, msg: Any = None) -> Any:
        """Fail if `substring` occurs in `astring`; return it."""
        return self.assertNotIn(substring, astring, msg)

    failIfSubstring = assertNotSubstring

    def assertIsInstance(self, instance: Any, classOrTuple: Any, message: Any = None) -> None:
        """Fail if `instance` is of none of these classes."""
        if not isinstance(instance, classOrTuple):
            suffix = "" if message is None else f": {message}"
            self.fail(f"{instance!r} is not an instance of {classOrTuple}{suffix}")

    failUnlessIsInstance = assertIsInstance

    def assertNotIsInstance(self, instance: Any, classOrTuple: Any) -> None:  # type: ignore[override]
        """Fail if `instance` is of one of these classes."""
        if isinstance(instance, classOrTuple):
            self.fail(f"{instance!r} is an instance of {classOrTuple}")

    failIfIsInstance = assertNotIsInstance

    def assertWarns(  # type: ignore[override]
        self,
        category: Any,
        message: str,
        filename: str,
        f: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """Fail unless `f`, called with the other arguments, gives one certain warning; return what it returns.

        Args:
            category: the very class of the warning.
            message: its whole text.
            filename: the file that it is said to come from, as in `__file__`.
        """
        given: list[CollectedWarning] = []
        result = collect_warnings(given.append, f, *args, **kwargs)
        if not given:
            self.fail("No warnings emitted")
        first = given[0]
        for other in given[1:]:
            if (other.message, other.category) != (first.message, first.category):
                self.fail("Can't handle different warnings")
        self.assertEqual(first.message, message)
        self.assertIdentical(first.category, category)
        # A compiled file's name begins with that of its source.
        self.assertTrue(
            filename.startswith(first.filename), f"Warning in {first.filename!r}, expected {filename!r}"
        )
        return result

    failUnlessWarns = assertWarns

    def successResultOf(self, deferred: Any) -> Any:
        """Return the result of a Deferred, or of a coroutine, that has one by now.

        Fails the test if there is none yet, or a failure.
        """
        deferred = _deferred_of(deferred)
        results = _results_of(deferred)
        if not results:
            self.fail(f"Success result expected on {deferred!r}, found no result instead")
        [result] = results
        if isinstance(result, Failure):
            self.fail(
                f"Success result expected on {deferred!r}, found failure result instead:\n"
                f"{result.getTraceback()}"
            )
        return result

    def failureResultOf(self, deferred: Any, *expectedExceptionTypes: Any) -> Failure:
        """Return the Failure of a Deferred, or of a coroutine, that has failed by now.

        Fails the test if it has no result, another result, or a failure of none of the expected types.
        """
        deferred = _deferred_of(deferred)
        results = _results_of(deferred)
        if not results:
            self.fail(f"Failure result expected on {deferred!r}, found no result instead")
        [result] = results
        if not isinstance(result, Failure):
            self.fail(f"Failure result expected on {deferred!r}, found success result ({result!r}) instead")
        if expectedExceptionTypes and not result.check(*expectedExceptionTypes):
            wanted = " or ".join(qualified(each) for each in expectedExceptionTypes)
            self.fail(
                f"Failure of type ({wanted}) expected on {deferred!r}, "
                f"found type {qualified(type(result.value))!r} instead: {result.getTraceback()}"
            )
        return result

    def assertNoResult(self, deferred: Any) -> None:
        """Fail if a Deferred, or a coroutine, has a result or a failure by now; one that comes later is left alone."""
        deferred = _deferred_of(deferred)
        results: list[Any] = []
        looking = True

        def look(result: Any) -> Any:
            if not looking:
                return result
            results.append(result)
            # The failure of this assertion tells of it: nobody else has to handle it.
            return None if isinstance(result, Failure) else result

        deferred.addBoth(look)
        looking = False
        if results:
            self.fail(f"No result expected on {deferred!r}, found {results[0]!r} instead")


def _deferred_of(awaitable: Any) -> Deferred[Any]:
    return awaitable if isinstance(awaitable, Deferred) else ensureDeferred(awaitable)


def _results_of(deferred: Deferred[Any]) -> list[Any]:
    results: list[Any] = []
    deferred.addBoth(results.append)
    return results
