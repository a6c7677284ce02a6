"""Protocols without framing, and what they share."""

from __future__ import annotations

from typing import Any

import pytest
from zope.interface.verify import verifyObject

from selvage import _events
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.interfaces import ILoggingContext, IProcessProtocol, IProtocol
from selvage.protocols import (
    AbstractDatagramProtocol,
    ConnectedDatagramProtocol,
    DatagramProtocol,
    ProcessProtocol,
    Protocol,
    connectionDone,
)
from selvage.testing import StringTransport


@pytest.fixture
def heard() -> Any:
    events: list[tuple[str, str]] = []

    def listen(namespace: str, level: str, format: str, fields: dict[str, Any]) -> None:
        events.append((namespace, format.format(**fields)))

    _events.subscribe(listen)
    yield events
    _events.unsubscribe(listen)


def test_protocol_keeps_the_contract() -> None:
    assert verifyObject(IProtocol, Protocol())
    assert verifyObject(ILoggingContext, Protocol())
    assert verifyObject(IProcessProtocol, ProcessProtocol())


def test_connection_is_made_with_the_transport_in_place() -> None:
    class Notes(Protocol):
        def connectionMade(self) -> None:
            self.seen = (self.connected, self.transport)

    notes = Notes()
    assert (notes.connected, notes.transport) == (0, None)
    transport = StringTransport()
    notes.makeConnection(transport)
    assert notes.seen == (1, transport)


def test_hooks_do_nothing_by_default() -> None:
    protocol = Protocol()
    protocol.makeConnection(StringTransport())
    protocol.dataReceived(b"x")
    protocol.connectionLost()
    assert protocol.connected == 1


def test_the_default_reason_is_a_clean_end() -> None:
    assert isinstance(connectionDone, Failure)
    assert connectionDone.check(ConnectionDone) is ConnectionDone


def test_log_prefix_is_the_class() -> None:
    class Sub(Protocol):
        pass

    assert Sub().logPrefix() == "Sub"
    assert DatagramProtocol().logPrefix() == "DatagramProtocol"


def test_process_protocol_sorts_by_descriptor() -> None:
    heard: list[Any] = []

    class Notes(ProcessProtocol):
        def outReceived(self, data: bytes) -> None:
            heard.append(("out", data))

        def errReceived(self, data: bytes) -> None:
            heard.append(("err", data))

        def inConnectionLost(self) -> None:
            heard.append("in lost")

        def outConnectionLost(self) -> None:
            heard.append("out lost")

        def errConnectionLost(self) -> None:
            heard.append("err lost")

    notes = Notes()
    for fd in range(4):
        notes.childDataReceived(fd, b"x")
        notes.childConnectionLost(fd)
    assert heard == ["in lost", ("out", b"x"), "out lost", ("err", b"x"), "err lost"]


def test_process_hooks_do_nothing_by_default() -> None:
    protocol = ProcessProtocol()
    for fd in range(3):
        protocol.childDataReceived(fd, b"x")
        protocol.childConnectionLost(fd)
    protocol.processExited(Failure(ConnectionDone()))
    protocol.processEnded(Failure(ConnectionDone()))


def test_datagram_protocol_counts_its_ports(heard: list[Any]) -> None:
    calls: list[str] = []

    class Notes(DatagramProtocol):
        def startProtocol(self) -> None:
            calls.append("start")

        def stopProtocol(self) -> None:
            calls.append("stop")
            assert self.transport is None

        def __repr__(self) -> str:
            return "<Notes>"

    notes = Notes()
    notes.makeConnection(object())
    notes.doStart()
    assert notes.numPorts == 2
    notes.doStop()
    assert calls == ["start"]
    notes.doStop()
    assert (calls, notes.numPorts) == (["start", "stop"], 0)
    assert [message for _, message in heard] == ["Starting protocol <Notes>", "Stopping protocol <Notes>"]
    assert heard[0][0].endswith("Notes")


def test_quiet_datagram_protocol_says_nothing(heard: list[Any]) -> None:
    protocol = DatagramProtocol()
    protocol.noisy = False
    protocol.makeConnection(object())
    protocol.doStop()
    assert heard == []


def test_datagram_protocol_refuses_a_second_transport_and_one_stop_too_many() -> None:
    protocol = DatagramProtocol()
    protocol.noisy = False
    protocol.makeConnection(object())
    with pytest.raises(AssertionError, match="already has a transport"):
        protocol.makeConnection(object())
    protocol.doStop()
    with pytest.raises(AssertionError, match="stopped more often"):
        protocol.doStop()


def test_datagram_hooks_do_nothing_by_default() -> None:
    AbstractDatagramProtocol().datagramReceived(b"x", ("127.0.0.1", 1))
    DatagramProtocol().connectionRefused()
    ConnectedDatagramProtocol().datagramReceived(b"x")
    ConnectedDatagramProtocol().connectionFailed(Failure(ConnectionDone()))
