from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_a(self): ...
    def test_b(self): ...
    def runTest(self): ...


def test_suite():
    return unittest.TestSuite([Cases("test_a")])
