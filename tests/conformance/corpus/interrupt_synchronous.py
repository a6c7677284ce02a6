from twisted.trial import unittest


class A(unittest.SynchronousTestCase):
    def test_a(self):
        raise KeyboardInterrupt

    def test_b(self): ...
