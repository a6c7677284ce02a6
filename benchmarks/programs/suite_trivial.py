"""2,000 tests that do next to nothing, of three kinds; run by twisted_trial.py."""

from twisted.internet import defer
from twisted.trial import unittest

COUNT = 2000


class SynchronousTests(unittest.SynchronousTestCase):
    pass


class PlainTests(unittest.TestCase):
    pass


class DeferredTests(unittest.TestCase):
    pass


def synchronous(self):
    self.assertEqual(1, 1)


def returning(self):
    return defer.succeed(None)


for number in range(COUNT):
    case, method = (
        (SynchronousTests, synchronous),
        (PlainTests, synchronous),
        (DeferredTests, returning),
    )[number % 3]
    setattr(case, f"test_{number:04}", method)
