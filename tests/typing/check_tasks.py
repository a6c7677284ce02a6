"""What checkers make of `selvage.tasks` and `selvage.testing`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_type

from selvage.defer import Deferred
from selvage.interfaces import IConsumer, IDelayedCall, IPushProducer, IReactorTime, ITCPTransport, ITransport
from selvage.protocols import Protocol
from selvage.reactor import DelayedCall, Reactor
from selvage.tasks import Clock, CooperativeTask, LoopingCall, coiterate, cooperate, deferLater, react
from selvage.testing import MemoryReactorClock, Pair, ScriptedPeer, StringTransport, connect


def takes_a_timer(timer: IReactorTime) -> IDelayedCall:
    return timer.callLater(1, print, "late")


def timers(clock: Clock, reactor: Reactor, memory: MemoryReactorClock) -> None:
    takes_a_timer(clock)
    takes_a_timer(reactor)
    takes_a_timer(memory)
    takes_a_timer("soon")  # type: ignore[arg-type]
    assert_type(clock.callLater(1, print), DelayedCall)


def length(text: str) -> int:
    return len(text)


def length_later(text: str) -> Deferred[int]:
    return deferLater(Clock(), 1, length, text)


async def later(clock: Clock) -> None:
    assert_type(deferLater(clock, 1), Deferred[None])
    assert_type(deferLater(clock, 1, length, "x"), Deferred[int])
    assert_type(deferLater(clock, 1, length_later, "x"), Deferred[int])
    assert_type(await deferLater(clock, 1, length, "x"), int)
    deferLater(clock, 1, "x")  # type: ignore[call-overload]


def loops() -> None:
    loop = LoopingCall(length, "x")
    assert_type(loop.start(1), Deferred[LoopingCall])
    assert_type(LoopingCall.withCount(print), LoopingCall)


def tasks(steps: Iterator[int]) -> None:
    assert_type(cooperate(steps), CooperativeTask[Iterator[int]])
    assert_type(cooperate(steps).whenDone(), Deferred[Iterator[int]])
    assert_type(coiterate(steps), Deferred[Iterator[int]])


async def main(reactor: Reactor) -> None:
    await later(Clock())


def program() -> None:
    react(main)


def transports(string: StringTransport, pair: Pair) -> None:
    stream: ITransport = string
    producer: IPushProducer = string
    consumer: IConsumer = pair.first
    tcp: ITCPTransport = pair.first
    print(stream, producer, consumer, tcp)


def pairs(first: Protocol, second: Protocol) -> None:
    assert_type(connect(first, second, chunk=1), Pair)
    assert_type(ScriptedPeer().send(b"x").expect(b"y").close(), ScriptedPeer)
    assert_type(ScriptedPeer().play(first), Pair)
