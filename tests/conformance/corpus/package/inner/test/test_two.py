from twisted.internet import defer
from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_fail(self):
        self.fail("so")

    def test_deferred(self):
        return defer.fail(ValueError("so"))
