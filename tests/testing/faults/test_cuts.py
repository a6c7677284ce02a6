"""A cut on real sockets, on each loop: what came before it arrives, then both sides lose the connection."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.protocols import Factory, Protocol
from selvage.testing.faults import Cut, FaultPlan
from tests.testing.conformance.conftest import make_reactor, quiet, reactor

__all__ = ["make_reactor", "quiet", "reactor"]  # fixtures

#: The last fills what the systems of both sides keep, so that the transport is not rid of it at once.
SIZES = [5, 60_000, 20_000_000]


class Side(Protocol):
    """Says something when connected; keeps what it hears."""

    def __init__(self, says: bytes = b"") -> None:
        self.says = says
        self.heard = bytearray()
        self.reason: Failure | None = None

    def connectionMade(self) -> None:
        if self.says:
            self.transport.write(self.says)

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.reason = reason


def play(reactor: Any, plan: FaultPlan, server: Side, client: Side) -> None:
    """Connect both, the server behind the faults, and run until they have lost each other."""
    listening: Factory[Any] = Factory.forProtocol(lambda: server)
    calling: Any = Factory.forProtocol(lambda: client)
    calling.clientConnectionFailed = calling.clientConnectionLost = calling.startedConnecting = lambda *_: (
        None
    )
    port = reactor.listenTCP(0, plan.factory(listening), interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", port.getHost().port, calling)
    while server.reason is None or client.reason is None:
        reactor.iterate(0.01)
    port.stopListening()
    reactor.iterate(0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("direction", ["sent", "received"])
def test_what_came_before_a_cut_arrives(reactor: Any, direction: Any, size: int) -> None:
    plan = FaultPlan(Cut(at=size, direction=direction), seed=1)
    server, client = Side(), Side()
    talker, listener = (server, client) if direction == "sent" else (client, server)
    talker.says = bytes(size + 10)
    play(reactor, plan, server, client)
    if direction == "received" or size < 65536:
        assert len(listener.heard) == size
    else:
        # A reset takes along what the sender's system has kept, and nothing else.
        assert size // 2 < len(listener.heard) <= size
    assert server.reason is not None and "cut by FaultPlan" in str(server.reason.value)
    assert client.reason is not None and client.reason.check(ConnectionLost)
    assert [(each.fault, each.at) for each in plan.records] == [("cut", size)]
