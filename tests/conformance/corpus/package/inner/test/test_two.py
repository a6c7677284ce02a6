from twisted.internet import defer, reactor, task
from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_equal(self):
        self.assertEqual([1, 2], [1, 3])

    def test_fail(self):
        self.fail("so")

    def test_assert(self):
        assert 1 == 2

    def test_error(self):
        raise RuntimeError("so")

    def test_deferred(self):
        return defer.fail(ValueError("so"))

    def test_later(self):
        return task.deferLater(reactor, 0, lambda: 1 / 0)

    async def test_coroutine(self):
        await task.deferLater(reactor, 0, lambda: None)
        self.assertIn(1, [])

    def test_no_failure(self):
        return self.assertFailure(defer.succeed(1), ValueError)

    def test_other_failure(self):
        return self.assertFailure(defer.fail(KeyError("x")), ValueError)

    def test_no_result(self):
        self.successResultOf(defer.Deferred())

    def test_has_result(self):
        self.assertNoResult(defer.succeed(1))

    def test_failure_result(self):
        self.failureResultOf(defer.succeed(1), ValueError)

    def test_generator(self):
        yield 1

    def test_system_exit(self):
        raise SystemExit(3)

    def test_base_exception(self):
        raise GeneratorExit
