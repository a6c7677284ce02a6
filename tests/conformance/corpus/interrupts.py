from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_a(self): ...
    def test_b(self):
        raise KeyboardInterrupt

    def test_c(self): ...
