from twisted.internet import defer, reactor, task
from twisted.trial import unittest


class Waiting(unittest.TestCase):
    def test_plain(self): ...

    def test_deferred(self):
        return task.deferLater(reactor, 0, lambda: None)

    async def test_coroutine(self):
        await task.deferLater(reactor, 0, lambda: None)

    @defer.inlineCallbacks
    def test_inline(self):
        yield task.deferLater(reactor, 0, lambda: None)

    def test_patch(self):
        import os

        self.patch(os, "sep", "#")
        self.assertEqual(os.sep, "#")

    def test_mktemp(self):
        with open(self.mktemp(), "w") as file:
            file.write("x")


class Synchronous(unittest.SynchronousTestCase):
    def test_plain(self): ...

    def test_result(self):
        self.assertEqual(self.successResultOf(defer.succeed(3)), 3)
