"""What can happen to datagrams."""

from __future__ import annotations

from typing import Any

from selvage.protocols import DatagramProtocol
from selvage.tasks import Clock
from selvage.testing import FakeDatagramTransport
from selvage.testing.faults import Corrupt, Delay, Duplicate, FaultPlan, Lose, Reorder

PEER = ("10.0.0.2", 53)


class Listener(DatagramProtocol):
    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.log: list[str] = []

    def startProtocol(self) -> None:
        self.log.append("started")

    def stopProtocol(self) -> None:
        self.log.append("stopped")

    def connectionRefused(self) -> None:
        self.log.append("refused")

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        assert addr == PEER
        self.heard.append(datagram)


def behind(*faults: Any, seed: int = 1, clock: Any = None) -> tuple[FaultPlan, Any, Listener, Any]:
    plan = FaultPlan(*faults, seed=seed, clock=clock)
    listener, transport = Listener(), FakeDatagramTransport()
    faulty = plan.datagrams(listener)
    faulty.makeConnection(transport)
    return plan, faulty, listener, transport


def receive(faulty: Any, count: int) -> list[bytes]:
    sent = [b"%d" % number for number in range(count)]
    for each in sent:
        faulty.datagramReceived(each, PEER)
    return sent


def test_lose_loses_some_and_says_which() -> None:
    plan, faulty, listener, _ = behind(Lose(0.5))
    sent = receive(faulty, 50)
    lost = {each.at for each in plan.records}
    assert listener.heard == [each for number, each in enumerate(sent, 1) if number not in lost]
    assert 10 < len(lost) < 40


def test_duplicate_delivers_twice() -> None:
    _, faulty, listener, _ = behind(Duplicate())
    receive(faulty, 2)
    assert listener.heard == [b"0", b"0", b"1", b"1"]


def test_empty_datagrams_are_datagrams() -> None:
    _, faulty, listener, _ = behind(Duplicate(), Corrupt())
    faulty.datagramReceived(b"", PEER)
    assert listener.heard == [b"", b""]


def test_reorder_lets_others_go_first() -> None:
    plan, faulty, listener, _ = behind(Reorder(0.3, by=2), seed=3)
    sent = receive(faulty, 30)
    faulty.datagramReceived(b"end", PEER)
    faulty.datagramReceived(b"end", PEER)
    heard = [each for each in listener.heard if each != b"end"]
    assert heard != sent and sorted(heard) == sorted(sent)
    late = {each.at - 1 for each in plan.records}
    assert all(heard.index(sent[number]) >= number for number in late)


def test_reorder_waits_for_nobody_for_ever() -> None:
    clock = Clock()
    _, faulty, listener, _ = behind(Reorder(by=3), clock=clock)
    receive(faulty, 1)
    clock.advance(0.9)
    assert listener.heard == []
    clock.advance(0.2)
    assert listener.heard == [b"0"]


def test_delayed_datagrams_overtake_each_other() -> None:
    clock = Clock()
    _, faulty, listener, _ = behind(Delay((0, 10)), clock=clock)
    sent = receive(faulty, 20)
    clock.pump([0.5] * 21)
    assert listener.heard != sent and sorted(listener.heard) == sorted(sent)
    assert clock.getDelayedCalls() == []


def test_corrupt_strikes_one_byte_of_a_datagram() -> None:
    _, faulty, listener, _ = behind(Corrupt())
    faulty.datagramReceived(b"abcdef", PEER)
    assert sum(a != b for a, b in zip(b"abcdef", listener.heard[0], strict=True)) == 1


def test_what_is_sent_suffers_too_with_and_without_an_address() -> None:
    _, _, listener, transport = behind(Duplicate())
    listener.transport.write(b"to", PEER)
    listener.transport.write(b"connected")
    assert transport.written == [
        (b"to", PEER),
        (b"to", PEER),
        (b"connected", transport.noAddr),
        (b"connected", transport.noAddr),
    ]
    assert listener.transport.getHost().port == 12345


def test_the_rest_passes_and_nothing_arrives_after_the_end() -> None:
    clock = Clock()
    _, faulty, listener, _ = behind(Delay(1), clock=clock)
    faulty.connectionRefused()
    receive(faulty, 1)
    faulty.doStop()
    clock.advance(5)
    assert listener.log == ["started", "refused", "stopped"]
    assert listener.heard == []
