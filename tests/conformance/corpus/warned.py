import warnings

from twisted.trial import unittest, util


def old():
    warnings.warn("old", DeprecationWarning, stacklevel=2)


class Cases(unittest.TestCase):
    def test_warns(self):
        warnings.warn("careful")

    def test_twice(self):
        for _ in range(2):
            warnings.warn("again")

    def test_flushed(self):
        warnings.warn("careful")
        self.assertEqual(len(self.flushWarnings()), 1)

    def test_of(self):
        old()
        [given] = self.flushWarnings([self.test_of])
        self.assertEqual((given["category"], given["message"]), (DeprecationWarning, "old"))

    def test_deprecated(self):
        old()

    def test_suppressed(self):
        warnings.warn("quiet")

    test_suppressed.suppress = [util.suppress(message="quiet")]

    def test_assert(self):
        self.assertWarns(UserWarning, "x", __file__, lambda: warnings.warn("x"))

    def test_error(self):
        warnings.simplefilter("error")
        warnings.warn("x")

    def test_fails(self):
        warnings.warn("first")
        self.fail("so")
