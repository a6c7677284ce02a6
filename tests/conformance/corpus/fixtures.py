from twisted.internet import defer
from twisted.trial import unittest


class SetUp(unittest.TestCase):
    def setUp(self):
        1 / 0

    def test_one(self): ...
    def test_two(self): ...


class TearDown(unittest.TestCase):
    def tearDown(self):
        1 / 0

    def test_passes(self): ...
    def test_fails(self):
        self.fail("so")


class Cleanups(unittest.TestCase):
    def setUp(self):
        self.addCleanup(lambda: 1 / 0)
        self.addCleanup(lambda: defer.fail(ValueError("so")))

    def test_passes(self): ...
    def test_fails(self):
        self.fail("so")


class Asynchronous(unittest.TestCase):
    async def setUp(self):
        self.here = 1

    async def tearDown(self):
        del self.here

    def test_it(self):
        self.assertEqual(self.here, 1)


class FailingCoroutines(unittest.TestCase):
    async def setUp(self):
        raise ValueError

    def test_it(self): ...


class SynchronousCleanups(unittest.SynchronousTestCase):
    def setUp(self):
        self.addCleanup(lambda: 1 / 0)

    def tearDown(self):
        raise KeyError

    def test_passes(self): ...
    def test_fails(self):
        self.fail("so")
