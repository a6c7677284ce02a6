from twisted.internet import defer, reactor
from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_a(self): ...
    def test_b(self):
        reactor.callLater(0, reactor.stop)
        return defer.Deferred()

    def test_c(self): ...
