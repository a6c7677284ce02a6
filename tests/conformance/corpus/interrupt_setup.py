from twisted.trial import unittest


class A(unittest.TestCase):
    def test_a(self): ...
    def setUp(self):
        raise KeyboardInterrupt

    def test_b(self): ...
