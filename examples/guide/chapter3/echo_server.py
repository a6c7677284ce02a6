# Guide 3.2.2. Mended: overriding `dataReceived` bypasses the framing, so strings came back garbled (`stringReceived` is the hook); the factory was no Factory.
"""A TCP server that sends each length-prefixed string back reversed.  Argument: the port, 8000 by default."""

import sys

from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.protocols.basic import Int32StringReceiver


class Echo(Int32StringReceiver):
    def connectionMade(self):
        print("Client connected")

    def connectionLost(self, reason):
        print("Client disconnected")

    def stringReceived(self, data):
        self.sendString(data[::-1])  # Echo the data received in reverse


class EchoFactory(Factory):
    protocol = Echo


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    reactor.listenTCP(port, EchoFactory())
    reactor.run()  # Start the event loop; Ctrl-C ends it
