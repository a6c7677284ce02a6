"""What checkers make of the contracts and of Twisted's joined transports."""

from __future__ import annotations

from typing import assert_type

from selvage.endpoints import TCP4ClientEndpoint
from selvage.interfaces import IConsumer, ITCPTransport
from selvage.protocols import Protocol
from selvage.reactor import Reactor
from selvage.tasks import Clock
from selvage.testing import connect, iosim
from selvage.testing.conformance import Case, cases, check_producer, check_reactor, check_transport, tcp_pair


class Greeting(Protocol):
    greeting = b"220"


def joined() -> None:
    client, server, pump = iosim.connectedServerAndClient(Greeting, Protocol)
    assert_type(client, Protocol)
    assert_type(server, Greeting)
    assert_type(pump, iosim.IOPump)
    assert_type(pump.flush(), bool)
    endpoint, completer = iosim.connectableEndpoint()
    assert_type(endpoint, TCP4ClientEndpoint)
    assert_type(completer.succeedOnce(), iosim.IOPump | None)


def transports(transport: iosim.FakeTransport) -> tuple[ITCPTransport, IConsumer]:
    return transport, transport


def contracts(reactor: Reactor) -> None:
    assert_type(cases("transport", without=["half-close"]), list[Case])
    check_transport(connect)
    check_transport(tcp_pair(reactor), patience_s=1)
    check_producer(print, lambda: False, expected=b"")
    check_reactor(Clock, without=["running"])
    check_reactor(Reactor, lambda made: made.disconnectAll())
    check_transport("connect")  # type: ignore[arg-type]
