from twisted.trial import unittest


class Cases(unittest.TestCase):
    async def test_generator(self):
        yield


class Synchronous(unittest.SynchronousTestCase):
    async def test_coroutine(self):
        self.fail("nobody awaits it")
