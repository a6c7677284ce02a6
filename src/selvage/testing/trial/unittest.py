"""Test cases, as those who write tests import them.  Beside the floors.

    from selvage.testing.trial import unittest

    class EchoTests(unittest.TestCase):
        async def test_answers(self): ...

Twisted: `twisted.trial.unittest`, which is this very module in the wing.
"""

from selvage._publish import publish

from ._adapter import PyUnitResultAdapter
from ._asyncrunner import TestDecorator, TestSuite, decorate
from ._asynctest import TestCase
from ._synctest import FailTest, SkipTest, SynchronousTestCase, Todo, makeTodo

__all__ = [
    "FailTest",
    "PyUnitResultAdapter",
    "SkipTest",
    "SynchronousTestCase",
    "TestCase",
    "TestDecorator",
    "TestSuite",
    "Todo",
    "decorate",
    "makeTodo",
]

publish(globals())
