"""Lines over TCP and UNIX sockets, and datagrams."""

from __future__ import annotations

import os
from typing import Any

from selvage.defer import Deferred
from selvage.endpoints import TCP4ClientEndpoint
from selvage.failure import Failure
from selvage.protocols import DatagramProtocol, Factory
from selvage.protocols.basic import LineReceiver
from selvage.protocols.policies import TimeoutMixin
from selvage.reactor import deferToThread, get_reactor
from tests.soak import ledger
from tests.soak.hurry import PATIENCE_S
from tests.soak.ledger import happened

__all__ = ["FLOOD_BYTES", "PIECE_BYTES", "Conversation", "Flood", "listen"]

#: Octets sent to who asks for a flood: far more than the system buffers.
FLOOD_BYTES = 4_000_000
#: And in one write.
PIECE_BYTES = 10_000


class Flood:
    """A push producer that writes until it is told to stop."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.left = FLOOD_BYTES
        self.paused = False
        self.attach()
        self.resumeProducing()

    def resumeProducing(self) -> None:
        self.paused = False
        while not self.paused and self.left > 0:
            self.send(b"x" * PIECE_BYTES)
            self.left -= PIECE_BYTES
        if self.left <= 0:
            self.detach()
            self.transport.loseConnection()

    def pauseProducing(self) -> None:
        self.paused = True

    def stopProducing(self) -> None:
        self.paused, self.left = True, 0

    def attach(self) -> None:
        self.transport.registerProducer(self, True)

    def detach(self) -> None:
        self.transport.unregisterProducer()

    def send(self, piece: bytes) -> None:
        self.transport.write(piece)


class Conversation(LineReceiver, TimeoutMixin):
    """Echoes lines; some words do more."""

    delimiter = b"\n"
    MAX_LENGTH = 1000

    def connectionMade(self) -> None:
        happened["connected"] += 1
        self.setTimeout(PATIENCE_S)

    def lineReceived(self, line: bytes) -> None:
        self.resetTimeout()
        command = COMMANDS.get(line)
        if command is None:
            self.sendLine(line)
        else:
            if line != b"crash":
                happened[line.decode()] += 1
            command(self)

    def connectionLost(self, reason: Failure) -> None:
        happened["lost"] += 1
        self.setTimeout(None)


def crash(conversation: Conversation) -> None:
    ledger.crash("lineReceived")


def forget(conversation: Conversation) -> None:
    """Fail where nobody listens."""
    Deferred().errback(RuntimeError("nobody waits for this"))
    conversation.sendLine(b"forgotten")


def flood(conversation: Conversation) -> None:
    Flood(conversation.transport)


def think(conversation: Conversation) -> None:
    """Answer from a thread; the peer may be gone by then."""
    deferToThread(sum, range(1000)).addCallback(lambda total: conversation.sendLine(b"%d" % total))


def call_out(conversation: Conversation) -> None:
    """Connect to where nobody listens; give up at once, or be refused."""
    attempt = TCP4ClientEndpoint(get_reactor(), "127.0.0.1", 9).connect(Factory.forProtocol(LineReceiver))
    attempt.addErrback(lambda reason: reason.trap(Exception) and None)
    attempt.addCallback(lambda _: conversation.sendLine(b"nobody there"))
    if happened["call out"] % 2:
        attempt.cancel()


def say_goodbye(conversation: Conversation) -> None:
    conversation.sendLine(b"goodbye")
    conversation.transport.loseConnection()


COMMANDS = {
    b"crash": crash,
    b"forget": forget,
    b"flood": flood,
    b"think": think,
    b"call out": call_out,
    b"goodbye": say_goodbye,
}


class Echo(DatagramProtocol):
    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        happened["datagrams"] += 1
        if len(datagram) > 8192 - 1:
            happened["datagrams cut"] += 1
        if datagram == b"crash":
            ledger.crash("datagramReceived")
        self.transport.write(datagram, addr)


def listen(reactor: Any, folder: str) -> dict[str, Any]:
    """Listen; return where."""
    factory = Factory.forProtocol(Conversation)
    factory.noisy = False
    tcp = reactor.listenTCP(0, factory, interface="127.0.0.1", backlog=200)
    path = os.path.join(folder, "socket")
    reactor.listenUNIX(path, factory)
    udp = reactor.listenUDP(0, Echo(), interface="127.0.0.1")
    return {"tcp": tcp.getHost().port, "udp": udp.getHost().port, "unix": path}
