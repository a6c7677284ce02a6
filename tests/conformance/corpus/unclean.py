from twisted.internet import protocol, reactor
from twisted.trial import unittest


class Cases(unittest.TestCase):
    def test_call(self):
        reactor.callLater(1000, print)

    def test_port(self):
        self.port = reactor.listenTCP(0, protocol.Factory(), interface="127.0.0.1")

    def test_udp(self):
        self.port = reactor.listenUDP(0, protocol.DatagramProtocol(), interface="127.0.0.1")

    def test_soon(self):
        reactor.callLater(0, lambda: None)

    def test_fails_too(self):
        reactor.callLater(1000, print)
        self.fail("so")

    def test_skips_too(self):
        reactor.callLater(1000, print)
        raise unittest.SkipTest("so")

    def test_todo_too(self):
        reactor.callLater(1000, print)
        self.fail("so")

    test_todo_too.todo = "so"

    def test_passes(self): ...
    def test_thread(self):
        from twisted.internet import threads

        return threads.deferToThread(lambda: None)


class Synchronous(unittest.SynchronousTestCase):
    def test_call(self):
        self.call = reactor.callLater(1000, print)
