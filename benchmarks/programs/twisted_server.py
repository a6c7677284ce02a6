"""A Twisted program: echo, lines, frames or publish over TCP or a UNIX socket, or datagrams echoed over UDP.

usage: twisted_server.py echo|lines|frames|publish|datagrams [PATH]

It runs unmodified on Twisted and on Selvage, prints its port or path, and serves until it is killed.
"""

import sys

from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol
from twisted.protocols.basic import Int32StringReceiver, LineReceiver

PUBLISHED = b"x" * 1024


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class Lines(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(line)


class Frames(Int32StringReceiver):
    def stringReceived(self, string):
        self.sendString(string)


class Publish(Protocol):
    """The first byte of a connection is sent back; any later one sends a message to everybody."""

    everyone = []
    greeted = False

    def connectionMade(self):
        self.everyone.append(self)

    def dataReceived(self, data):
        if not self.greeted:
            self.greeted = True
            self.transport.write(data)
            return
        for each in self.everyone:
            each.transport.write(PUBLISHED)

    def connectionLost(self, reason):
        self.everyone.remove(self)


class Datagrams(DatagramProtocol):
    def datagramReceived(self, data, address):
        self.transport.write(data, address)


def listen(kind, path):
    if kind == "datagrams":
        return reactor.listenUDP(0, Datagrams(), interface="127.0.0.1").getHost().port
    factory = Factory.forProtocol({"echo": Echo, "lines": Lines, "frames": Frames, "publish": Publish}[kind])
    if path:
        reactor.listenUNIX(path, factory, backlog=1024)
        return path
    return reactor.listenTCP(0, factory, backlog=1024, interface="127.0.0.1").getHost().port


if __name__ == "__main__":
    print(listen(sys.argv[1], sys.argv[2] if sys.argv[2:] else None), flush=True)
    reactor.run()
