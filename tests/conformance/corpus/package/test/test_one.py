from twisted.internet import reactor, task
from twisted.trial import unittest


class Waiting(unittest.TestCase):
    def test_plain(self): ...

    def test_deferred(self):
        return task.deferLater(reactor, 0, lambda: None)


class Synchronous(unittest.SynchronousTestCase):
    def test_plain(self): ...
