"""The service that is soaked: run as a program, `python -m tests.soak.service LOOP FOLDER`.

It prints where it listens as one line of JSON; for each line that it then reads it collects garbage, counts what there is,
and prints that.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections import Counter
from typing import Any

import selvage
from selvage import failure
from selvage.defer import Deferred
from selvage.endpoints import TCP4ClientEndpoint
from selvage.failure import Failure
from selvage.protocols import DatagramProtocol, Factory
from selvage.protocols.basic import LineReceiver
from selvage.protocols.policies import TimeoutMixin
from selvage.reactor import deferToThread, get_reactor
from selvage.transports.stdio import StandardIO

#: Seconds after which a silent peer is sent away; short, so that a round ends soon.
IDLE_TIMEOUT_S = 0.5
#: Octets sent to who asks for a flood: far more than the system buffers.
FLOOD_BYTES = 4_000_000

#: What is counted: what a connection, a call or an error leaves behind when it is not let go.
COUNTED = (
    "Deferred",
    "Failure",
    "Server",
    "Client",
    "Conversation",
    "Flow",
    "ScheduledCall",
    "SendmsgTransport",
)

happened: Counter[str] = Counter()


class Flood:
    """A push producer that writes until it is told to stop."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.left = FLOOD_BYTES
        self.paused = False

    def resumeProducing(self) -> None:
        self.paused = False
        while not self.paused and self.left > 0:
            self.transport.write(b"x" * 10_000)
            self.left -= 10_000
        if self.left <= 0:
            self.transport.unregisterProducer()
            self.transport.loseConnection()

    def pauseProducing(self) -> None:
        self.paused = True

    def stopProducing(self) -> None:
        self.paused, self.left = True, 0


class Conversation(LineReceiver, TimeoutMixin):
    """Echoes lines; some words do more."""

    delimiter = b"\n"
    MAX_LENGTH = 1000

    def connectionMade(self) -> None:
        happened["connected"] += 1
        self.setTimeout(IDLE_TIMEOUT_S)

    def lineReceived(self, line: bytes) -> None:
        self.resetTimeout()
        command = COMMANDS.get(line)
        if command is None:
            self.sendLine(line)
        else:
            happened[line.decode()] += 1
            command(self)

    def connectionLost(self, reason: Failure) -> None:
        happened["lost"] += 1
        self.setTimeout(None)


def crash(conversation: Conversation) -> None:
    raise RuntimeError("a bug in lineReceived")


def forget(conversation: Conversation) -> None:
    """Fail where nobody listens."""
    Deferred().errback(RuntimeError("nobody waits for this"))
    conversation.sendLine(b"forgotten")


def flood(conversation: Conversation) -> None:
    producer = Flood(conversation.transport)
    conversation.transport.registerProducer(producer, True)
    producer.resumeProducing()


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


COMMANDS = {b"crash": crash, b"forget": forget, b"flood": flood, b"think": think, b"call out": call_out}


class Echo(DatagramProtocol):
    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        happened["datagrams"] += 1
        if datagram == b"crash":
            happened["crash"] += 1
            raise RuntimeError("a bug in datagramReceived")
        self.transport.write(datagram, addr)


def count() -> dict[str, Any]:
    """Collect garbage and say what there is."""
    while gc.collect():
        pass
    reactor = get_reactor()
    alive = Counter(type(each).__name__ for each in gc.get_objects())
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "timers": len(reactor.getDelayedCalls()),
        "open": len(reactor._transport_engine().open),
        "readers": len(reactor.getReaders()),
        "objects": {name: alive[name] for name in COUNTED},
        "resident_kib": int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024,
        "happened": dict(happened),
    }


class Control(LineReceiver):
    """Standard input: each line asks for a count."""

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(json.dumps(count()).encode())

    def connectionLost(self, reason: Failure) -> None:
        finished.callback(None)


finished: Deferred[None] = Deferred()


def count_failure(report: failure.Report) -> None:
    happened["reported"] += 1
    # By name, so that an error that nobody meant to make is seen for what it is.
    happened[f"reported {report.failure.type.__name__}"] += 1


async def main() -> None:
    reactor = get_reactor()
    failure.set_default_reporter(None)
    failure.subscribe(count_failure)
    factory = Factory.forProtocol(Conversation)
    factory.noisy = False
    tcp = reactor.listenTCP(0, factory, interface="127.0.0.1", backlog=200)
    path = os.path.join(sys.argv[2], "socket")
    reactor.listenUNIX(path, factory)
    udp = reactor.listenUDP(0, Echo(), interface="127.0.0.1")
    control = Control()
    StandardIO(control)
    where = {"tcp": tcp.getHost().port, "udp": udp.getHost().port, "unix": path}
    control.sendLine(json.dumps(where).encode())
    await finished


if __name__ == "__main__":
    # As `tests.soak.service`, so that what is pickled or shown has one name.
    selvage.run(main, loop_factory=asyncio.SelectorEventLoop if sys.argv[1] == "asyncio" else None)
