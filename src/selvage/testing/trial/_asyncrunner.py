"""Suites of tests, and what is done to every test in one.  Beside the floors.

Twisted: `twisted.trial._asyncrunner`, which is this very module in the wing.
"""

from __future__ import annotations

import gc
import unittest as pyunit
from collections.abc import Callable, Iterator
from typing import Any

from zope.interface import implementer

from . import itrial
from ._results import AdaptedReporter
from ._synctest import _logObserver

__all__ = ["TestDecorator", "TestSuite", "decorate"]

__unittest = True


class TestSuite(pyunit.TestSuite):
    """Tests that are run one after the other until the result says to stop.

    `setUpClass`, `tearDownClass`, `setUpModule` and `tearDownModule` are run as the standard `unittest` runs them.  Unlike
    its suites these keep their tests when they have run, so that they can run again.
    """

    # So that pytest does not look for tests in it.
    __test__ = False

    _cleanup = False

    def run(self, result: Any, debug: bool = False) -> Any:
        """Run the tests."""
        return super().run(result, debug)


@implementer(itrial.ITestCase)
class TestDecorator:
    """A test in place of another, which it runs: the base of what is done around tests.

    The reporter is told of the decorator as the test.
    """

    __test__ = False

    def __init__(self, original: Any) -> None:
        self._originalTest = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._originalTest, name)

    def __call__(self, result: Any) -> Any:
        return self.run(result)

    def run(self, result: Any) -> Any:
        """Run the other test."""
        return self._originalTest.run(AdaptedReporter(result, self.__class__))


class _ForceGarbageCollectionDecorator(TestDecorator):
    """Collects garbage before and after the test; failures that only this brings to light are the test's, too."""

    def run(self, result: Any) -> Any:
        gc.collect()
        _logObserver._add()
        before = len(_logObserver.getErrors())
        try:
            returned = super().run(result)
            gc.collect()
            found = _logObserver.getErrors()[before:]
            del _logObserver.getErrors()[before:]
        finally:
            _logObserver._remove()
        for failure in found:
            result.addError(self, failure)
        return returned


def decorate(test: Any, decorator: Callable[[Any], Any]) -> Any:
    """Decorate every test in a suite, in place, with the suites as they are; or one test.

    Args:
        decorator: called with each test, returns what takes its place; an interface will do.

    Returns:
        The suite, or the decorated test.
    """
    if not isinstance(test, pyunit.TestSuite):
        return decorator(test)
    tests = list(test)
    _clearSuite(test)
    for each in tests:
        test.addTest(decorate(each, decorator))
    return test


def _clearSuite(suite: pyunit.TestSuite) -> None:
    """Take all tests from a suite."""
    suite._tests = []


def _iterateTests(test: Any) -> Iterator[Any]:
    """Give all tests below `test`, in order."""
    try:
        parts = iter(test)
    except TypeError:
        yield test
        return
    for part in parts:
        yield from _iterateTests(part)
