# Guide 4.1.1. Mended: a factory is an object that builds protocols, not a function; the hooks belong to its protocol; the host's name was lost.
"""Hear of every failure that nobody handled, wherever it came from; here, from a factory that raises.

`reactor.addErrorCallback` is Selvage's: run this with `python -m selvage twisted`.  Arguments: the port of a server to
connect to, 8000 by default, and how many seconds to run, 5 by default.
"""

import sys

from twisted.internet import reactor
from twisted.internet.protocol import ClientFactory, Protocol


def myErrorCallback(failure):
    print(failure.getTraceback())


class MyProtocol(Protocol):
    def connectionMade(self):
        print("Connected")

    def connectionLost(self, reason):
        print("Disconnected")


class ConnectionFactory(ClientFactory):
    protocol = MyProtocol

    def buildProtocol(self, addr):
        raise RuntimeError(f"no protocol for {addr.host}")

    def clientConnectionFailed(self, connector, reason):
        print("Connection failed:", reason.getErrorMessage())


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 5
    reactor.addErrorCallback(myErrorCallback)
    reactor.connectTCP("127.0.0.1", port, ConnectionFactory())
    reactor.callLater(seconds, reactor.stop)
    reactor.run()
