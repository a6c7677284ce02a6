from twisted.trial import unittest
from zope.interface import Interface


class IThing(Interface):
    def act():
        "."


class Cases(unittest.TestCase):
    def test_a(self):
        raise Exception("caf\u00e9 \u2603")

    def test_docstring(self):
        """It has words."""
        self.fail("so \u2603")

    def test_long(self):
        self.assertEqual("a\n" * 50, "b\n" * 50)

    def test_cause(self):
        try:
            1 / 0
        except ZeroDivisionError as e:
            raise ValueError("so") from e

    def test_group(self):
        raise ExceptionGroup("several", [ValueError("a"), KeyError("b")])

    def test_bad_repr(self):
        class Bad(Exception):
            def __str__(self):
                raise RuntimeError("no")

        raise Bad

    def test_sub(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertNotEqual(n, 1)
