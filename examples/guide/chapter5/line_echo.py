# Guide 5.1.2. Mended: a plain Protocol has no `sendLine` and no `lineReceived` (LineReceiver has), and `reactor` was not imported.
"""A line echo, and a decorator that adds logging to what it decorates.  Argument: the port, 12345 by default."""

import functools
import sys

from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver


class Echo(LineReceiver):
    def connectionMade(self):
        self.sendLine(b"Welcome!")

    def lineReceived(self, line):
        self.sendLine(line)


class EchoFactory(Factory):
    def buildProtocol(self, addr):
        return Echo()


# Decorator to add logging
def log(func):
    @functools.wraps(func)
    def wrapper(*args, **kwargs):
        print(f"Executing {func.__name__}")
        return func(*args, **kwargs)

    return wrapper


@log
def start_twisted_server(port):
    f = EchoFactory()
    reactor.listenTCP(port, f)
    reactor.run()


if __name__ == "__main__":
    start_twisted_server(int(sys.argv[1]) if len(sys.argv) > 1 else 12345)
