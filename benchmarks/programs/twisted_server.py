"""A Twisted program: echo, lines or frames over TCP. It runs unmodified on Twisted and on Selvage."""

import sys

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.basic import Int32StringReceiver, LineReceiver


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class Lines(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(line)


class Frames(Int32StringReceiver):
    def stringReceived(self, string):
        self.sendString(string)


if __name__ == "__main__":
    protocol = {"echo": Echo, "lines": Lines, "frames": Frames}[sys.argv[1]]
    port = reactor.listenTCP(0, Factory.forProtocol(protocol), backlog=1024, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()
