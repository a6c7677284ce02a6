# Guide 3.3.1. Mended: overriding `dataReceived` bypasses the framing, so strings came back garbled (`stringReceived` is the hook); the factory was no Factory.
"""A basic service: the server of 3.2.2 that also says what goes on.  Argument: the port, 8000 by default."""

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
        # Echo the data received in reverse
        self.sendString(data[::-1])


class EchoFactory(Factory):
    protocol = Echo


if __name__ == "__main__":
    # Start the server by listening on port 8000
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    reactor.listenTCP(port, EchoFactory())

    # Start the event loop
    print(f"Server is running on port {port}...")
    reactor.run()
