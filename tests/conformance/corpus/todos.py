from twisted.internet import defer
from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_fails(self):
        self.fail("so")

    test_fails.todo = "so"

    def test_error(self):
        1 / 0

    test_error.todo = "so"

    def test_passes(self): ...

    test_passes.todo = "so"

    def test_listed(self):
        1 / 0

    test_listed.todo = (ZeroDivisionError, "so")

    def test_not_listed(self):
        1 / 0

    test_not_listed.todo = (ValueError, "so")

    def test_several(self):
        1 / 0

    test_several.todo = ([ValueError, ZeroDivisionError], "so")

    def test_deferred(self):
        return defer.fail(ValueError("so"))

    test_deferred.todo = "so"

    def test_skips(self):
        raise unittest.SkipTest("so")

    test_skips.todo = "so"


class Whole(unittest.TestCase):
    todo = "so"

    def test_fails(self):
        self.fail("so")

    def test_passes(self): ...


class Fixture(unittest.TestCase):
    def setUp(self):
        1 / 0

    def test_it(self): ...

    test_it.todo = "so"


class TearDown(unittest.TestCase):
    def tearDown(self):
        1 / 0

    def test_fails(self):
        self.fail("so")

    test_fails.todo = "so"

    def test_passes(self): ...

    test_passes.todo = "so"


class Synchronous(unittest.SynchronousTestCase):
    def test_fails(self):
        self.fail("so")

    test_fails.todo = "so"

    def test_passes(self): ...

    test_passes.todo = "so"
