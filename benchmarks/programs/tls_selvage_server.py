"""An echo over TLS, written for Selvage: `listenSSL` with a plain `ssl.SSLContext`.

usage: tls_selvage_server.py PEM
"""

import ssl
import sys

from selvage.protocols import Factory, Protocol
from selvage.reactor import get_reactor


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


if __name__ == "__main__":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    reactor = get_reactor()
    port = reactor.listenSSL(0, Factory.forProtocol(Echo), context, backlog=1024, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    reactor.run()
