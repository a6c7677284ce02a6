"""A resolver that lies."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.addresses import IPv4Address, IPv6Address
from selvage.endpoints import HostnameEndpoint, connectProtocol
from selvage.tasks import Clock
from selvage.testing import AccumulatingProtocol, MemoryReactorClock, SynchronousResolver
from selvage.testing.faults import ChangeAddress, FailLookup, FaultPlan, NoAddress, SlowLookup, WrongAddress


class Receiver:
    def __init__(self) -> None:
        self.addresses: list[Any] = []
        self.began = self.completed = 0
        self.resolution: Any = None

    def resolutionBegan(self, resolution: Any) -> None:
        self.began += 1
        self.resolution = resolution

    def addressResolved(self, address: Any) -> None:
        self.addresses.append(address)

    def resolutionComplete(self) -> None:
        self.completed += 1

    @property
    def hosts(self) -> list[str]:
        return [each.host for each in self.addresses]


def ask(plan: FaultPlan, host: str = "example.com", **more: Any) -> Receiver:
    receiver = Receiver()
    plan.resolver(SynchronousResolver()).resolveHostName(receiver, host, 80, **more)  # type: ignore[arg-type]
    return receiver


def test_the_truth() -> None:
    answer = ask(FaultPlan(NoAddress(0)))
    assert (answer.hosts, answer.began, answer.completed) == (["127.0.0.1"], 1, 1)


def test_wrong_addresses_of_the_kinds_asked_for() -> None:
    plan = FaultPlan(WrongAddress(["10.0.0.1", "::7"]))
    assert ask(plan).addresses == [IPv4Address("TCP", "10.0.0.1", 80), IPv6Address("TCP", "::7", 80)]
    assert ask(plan, addressTypes=[IPv6Address]).hosts == ["::7"]
    assert ask(plan, transportSemantics="UDP").addresses[0] == IPv4Address("UDP", "10.0.0.1", 80)


def test_no_address() -> None:
    answer = ask(FaultPlan(NoAddress()))
    assert (answer.hosts, answer.began, answer.completed) == ([], 1, 1)


def test_of_one_host_only() -> None:
    plan = FaultPlan(NoAddress(host="gone.example"))
    assert ask(plan, "gone.example").hosts == []
    assert ask(plan, "here.example").hosts == ["127.0.0.1"]


def test_changing_addresses() -> None:
    plan = FaultPlan(ChangeAddress(["10.0.0.1", "10.0.0.2"]))
    resolver = plan.resolver(SynchronousResolver())
    told = []
    for _ in range(3):
        receiver = Receiver()
        resolver.resolveHostName(receiver, "example.com")  # type: ignore[arg-type]
        told += receiver.hosts
    assert told == ["10.0.0.1", "10.0.0.2", "10.0.0.1"]
    assert [str(each) for each in plan.records][0] == (
        "look-up of example.com: 1, at 1: changed address (10.0.0.1)"
    )
    with pytest.raises(ValueError, match="one for all look-ups is WrongAddress"):
        ChangeAddress("10.0.0.1")


def test_slow_truth_and_slow_lies() -> None:
    clock = Clock()
    truth = ask(FaultPlan(SlowLookup(5), clock=clock))
    lie = ask(FaultPlan(SlowLookup(5), WrongAddress("10.0.0.1"), clock=clock))
    assert (truth.began, truth.completed, lie.began, lie.completed) == (1, 0, 1, 0)
    clock.advance(5)
    assert (truth.began, truth.completed, truth.hosts) == (1, 1, ["127.0.0.1"])
    assert (lie.completed, lie.hosts) == (1, ["10.0.0.1"])


def test_a_slow_look_up_can_be_given_up() -> None:
    clock = Clock()
    answer = ask(FaultPlan(SlowLookup(5), clock=clock))
    answer.resolution.cancel()
    answer.resolution.cancel()
    clock.advance(10)
    assert (answer.hosts, answer.completed, clock.getDelayedCalls()) == ([], 0, [])


def test_a_receiver_that_cancels_hears_no_more() -> None:
    class Content(Receiver):
        def addressResolved(self, address: Any) -> None:
            super().addressResolved(address)
            self.resolution.cancel()

    receiver = Content()
    plan = FaultPlan(WrongAddress(["10.0.0.1", "10.0.0.2"]))
    plan.resolver(SynchronousResolver()).resolveHostName(receiver, "example.com")  # type: ignore[arg-type]
    assert (receiver.hosts, receiver.completed) == (["10.0.0.1"], 0)


def test_a_broken_resolver_fails_the_attempt_that_asks_it() -> None:
    reactor = MemoryReactorClock()
    plan = FaultPlan(FailLookup(reason="out of order"))
    reactor.installNameResolver(plan.resolver(SynchronousResolver()))
    outcome: list[Any] = []
    connecting = connectProtocol(HostnameEndpoint(reactor, "example.com", 80), AccumulatingProtocol())
    connecting.addBoth(outcome.append)
    assert outcome[0].check(OSError)
    assert outcome[0].getErrorMessage() == "out of order"
