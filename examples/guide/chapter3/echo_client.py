# Guide 3.2.2. Mended: the client used the server's `Echo`, which it did not define and which never says anything first: both sides would wait for ever.
"""A TCP client for echo_server.py: sends one string, prints the answer, goes.  Argument: the port, 8000 by default."""

import sys

from twisted.internet import reactor
from twisted.internet.protocol import ClientFactory
from twisted.protocols.basic import Int32StringReceiver


class EchoClient(Int32StringReceiver):
    def connectionMade(self):
        self.sendString(b"Hello, Twisted!")

    def stringReceived(self, data):
        print("Received:", data.decode())
        self.transport.loseConnection()


class EchoClientFactory(ClientFactory):
    protocol = EchoClient

    def clientConnectionLost(self, connector, reason):
        print("Connection lost")
        reactor.stop()

    def clientConnectionFailed(self, connector, reason):
        print("Connection failed")
        reactor.stop()


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    reactor.connectTCP("localhost", port, EchoClientFactory())
    reactor.run()
