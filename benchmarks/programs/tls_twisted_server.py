"""A Twisted program: an echo over TLS.

usage: tls_twisted_server.py PEM

It runs unmodified on Twisted and on Selvage, prints its port, and serves until it is killed.
"""

import sys
from pathlib import Path

from twisted.internet import reactor, ssl
from twisted.internet.protocol import Factory, Protocol


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


def listen(pem):
    options = ssl.PrivateCertificate.loadPEM(Path(pem).read_bytes()).options()
    port = reactor.listenSSL(0, Factory.forProtocol(Echo), options, backlog=1024, interface="127.0.0.1")
    return port.getHost().port


if __name__ == "__main__":
    print(listen(sys.argv[1]), flush=True)
    reactor.run()
