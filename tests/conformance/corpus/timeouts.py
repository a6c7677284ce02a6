from twisted.internet import defer, reactor, task
from twisted.trial import unittest


class Cases(unittest.TestCase):
    timeout = 0.05

    def test_hangs(self):
        return defer.Deferred()

    def test_ends(self):
        return task.deferLater(reactor, 0, lambda: None)

    def test_own(self):
        return defer.Deferred()

    test_own.timeout = 0.01

    def test_wrong(self): ...

    test_wrong.timeout = "soon"

    async def test_coroutine(self):
        await defer.Deferred()

    def test_expected(self):
        return defer.Deferred()

    test_expected.todo = "so"

    def test_expected_error(self):
        return defer.Deferred()

    test_expected_error.todo = (defer.TimeoutError, "so")


class SetUp(unittest.TestCase):
    timeout = 0.05

    def setUp(self):
        return defer.Deferred()

    def test_it(self): ...


class TearDown(unittest.TestCase):
    timeout = 0.05

    def tearDown(self):
        return defer.Deferred()

    def test_it(self): ...


class Cleanup(unittest.TestCase):
    timeout = 0.05

    def test_it(self):
        self.addCleanup(lambda: defer.Deferred())
