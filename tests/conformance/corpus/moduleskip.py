from twisted.trial import unittest

skip = "so"


class Cases(unittest.TestCase):
    def test_it(self):
        1 / 0


class Standard(unittest.TestCase):
    skip = None

    def test_it(self): ...
