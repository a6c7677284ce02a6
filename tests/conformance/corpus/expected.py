import unittest as standard

from twisted.trial import unittest


class Cases(unittest.TestCase):
    @standard.expectedFailure
    def test_fails(self):
        self.fail("so")

    @standard.expectedFailure
    def test_unexpected(self): ...


class Synchronous(unittest.SynchronousTestCase):
    @standard.expectedFailure
    def test_fails(self):
        self.fail("so")
