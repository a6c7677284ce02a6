from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_a(self): ...
    def test_b(self): ...


def load_tests(loader, tests, pattern):
    return unittest.TestSuite([Cases("test_b")])
