# Guide 3.3.2. Mended: the client used the server's `Echo`, which it did not define and which never says anything first: both sides would wait for ever.
"""The client of the basic service: sends what it is told to, prints the answers, goes.

Arguments: the port, 8000 by default, and the words to send.
"""

import sys

from twisted.internet import reactor
from twisted.internet.protocol import ClientFactory
from twisted.protocols.basic import Int32StringReceiver


class EchoClient(Int32StringReceiver):
    def connectionMade(self):
        self.waiting = len(self.factory.words)
        for word in self.factory.words:
            self.sendString(word.encode())

    def stringReceived(self, data):
        print("Received:", data.decode())
        self.waiting -= 1
        if not self.waiting:
            self.transport.loseConnection()


class EchoClientFactory(ClientFactory):
    protocol = EchoClient

    def __init__(self, words):
        self.words = words

    def clientConnectionLost(self, connector, reason):
        print("Connection lost:", reason.getErrorMessage())
        reactor.stop()

    def clientConnectionFailed(self, connector, reason):
        print("Connection failed:", reason.getErrorMessage())
        reactor.stop()


if __name__ == "__main__":
    # Connect to server on localhost
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    reactor.connectTCP("localhost", port, EchoClientFactory(sys.argv[2:] or ["one", "two"]))

    # Start the event loop
    print("Connecting to server...")
    reactor.run()
