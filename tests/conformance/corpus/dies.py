import os

from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_a(self): ...
    def test_b(self):
        os._exit(3)

    def test_c(self): ...
    def test_d(self):
        self.fail("so")
