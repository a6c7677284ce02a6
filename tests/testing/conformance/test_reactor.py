"""The reactor contract: our reactor keeps it on both loops, clocks keep their part, and spoilt reactors are found out."""

from __future__ import annotations

import asyncio

import pytest

from selvage.reactor import Reactor
from selvage.tasks import Clock
from selvage.testing import MemoryReactorClock
from selvage.testing.conformance import PromiseBroken, cases

REACTOR = cases("reactor")

# Time is all that a clock has, and it has neither a turn to share nor somebody to tell of failures.
NOT_A_CLOCK = ["descriptors", "failing calls", "refusals", "running", "tcp", "threads", "turns", "udp"]


@pytest.mark.parametrize("case", REACTOR, ids=str)
def test_ours(case, make_reactor, quiet):
    case.run(make_reactor)


@pytest.mark.parametrize("clock", [Clock, MemoryReactorClock])
@pytest.mark.parametrize("case", cases("reactor", [word for word in NOT_A_CLOCK if word != "turns"]), ids=str)
def test_clocks(case, clock):
    case.run(clock)


@pytest.mark.parametrize("case", [case for case in REACTOR if case.name == "all_can_be_removed"], ids=str)
def test_a_memory_reactor_keeps_descriptors(case):
    case.run(MemoryReactorClock)


# Reactors that break one promise each.


class Late(Reactor):
    """Calls in the reverse of the order of the times."""

    def callLater(self, delay, callable, *args, **kw):
        asked = self.seconds() + delay
        call = super().callLater(0.02 - delay if 0 <= delay < 0.02 else delay, callable, *args, **kw)
        return Altered(call, getTime=lambda: asked)


class Early(Reactor):
    """Calls are due later than they come."""

    def callLater(self, delay, callable, *args, **kw):
        call = super().callLater(delay, callable, *args, **kw)
        return Altered(call, getTime=lambda: call.time + 1)


class Altered:
    """A delayed call, some of whose methods are exchanged."""

    def __init__(self, call, **methods):
        self._call = call
        vars(self).update(methods)

    def __getattr__(self, name):
        return getattr(self._call, name)


class ForgetsArguments(Reactor):
    def callLater(self, delay, callable, *args, **kw):
        return super().callLater(delay, callable, *args)


class CannotCancel(Reactor):
    def callLater(self, delay, callable, *args, **kw):
        call = super().callLater(delay, callable, *args, **kw)
        if delay < 1:
            super().callLater(delay, callable, *args, **kw)
        return call


class CannotMove(Reactor):
    def callLater(self, delay, callable, *args, **kw):
        return Altered(super().callLater(delay, callable, *args, **kw), delay=lambda seconds: None)


class ListsAll(Reactor):
    def getDelayedCalls(self):
        return [*super().getDelayedCalls(), super().callLater(1000, lambda: None)]


class TakesAnyTime(Reactor):
    def callLater(self, delay, callable, *args, **kw):
        return super().callLater(max(delay, 0), callable, *args, **kw)


class TakesAnything(Reactor):
    def callLater(self, delay, callable, *args, **kw):
        return super().callLater(delay, callable or print, *args, **kw)


class CallsAtOnce(Reactor):
    def callLater(self, delay, callable, *args, **kw):
        if delay == 0:
            callable(*args, **kw)
            return None
        return super().callLater(delay, callable, *args, **kw)


class LetsFailuresOut(Reactor):
    def iterate(self, delay=0.0):
        raise ZeroDivisionError


class CallsTooSoon(Reactor):
    def callWhenRunning(self, callable, *args, **kw):
        return callable(*args, **kw)


class StopsTwice(Reactor):
    def stop(self):
        if self.running:
            super().stop()


class RunsTwice(Reactor):
    def run(self, installSignalHandlers=True):
        if not self.running:
            super().run(installSignalHandlers)


class MixesPhases(Reactor):
    def addSystemEventTrigger(self, phase, eventType, callable, *args, **kw):
        phase = {"before": "after", "after": "before"}.get(phase, phase)
        return super().addSystemEventTrigger(phase, eventType, callable, *args, **kw)


class GivesUpAtTheFirstFault(Reactor):
    def addSystemEventTrigger(self, phase, eventType, callable, *args, **kw):
        if getattr(callable, "__name__", "") == "fail":
            self.failing = phase
        elif getattr(self, "failing", "") == phase:
            return None
        return super().addSystemEventTrigger(phase, eventType, callable, *args, **kw)


class CallsInTheThread(Reactor):
    def callFromThread(self, callable, *args, **kw):
        if callable == self.stop:
            super().callFromThread(callable)
        else:
            callable(*args, **kw)


class DropsEverySecond(Reactor):
    asked = 0

    def callFromThread(self, callable, *args, **kw):
        self.asked += 1
        if self.asked % 2 or args == (99,) or callable == self.stop:
            super().callFromThread(callable, *args, **kw)


class WorksItself(Reactor):
    def callInThread(self, callable, *args, **kw):
        callable(*args, **kw)


class ReadsOn(Reactor):
    def removeReader(self, reader):
        pass


class ReadsNothing(Reactor):
    def addReader(self, reader):
        pass


class WritesOn(Reactor):
    def removeWriter(self, writer):
        pass


class WritesNothing(Reactor):
    def addWriter(self, writer):
        pass


class RemovesNothing(Reactor):
    def removeAll(self):
        return self.getReaders()


class TellsOfTheEndTwice(Reactor):
    def addReader(self, reader):
        lost = reader.connectionLost
        reader.connectionLost = lambda reason: (lost(reason), lost(reason))
        super().addReader(reader)


class ListensLater(Reactor):
    def listenTCP(self, port, factory, backlog=50, interface=""):
        if port:
            return super().listenTCP(0, factory, backlog, interface)
        return super().listenTCP(port, factory, backlog, interface)


class BuildsForNobody(Reactor):
    def listenTCP(self, port, factory, backlog=50, interface=""):
        build = factory.buildProtocol
        factory.buildProtocol = lambda addr: build(None)
        return super().listenTCP(port, factory, backlog, interface)


class FailsTwice(Reactor):
    def connectTCP(self, host, port, factory, timeout=30, bindAddress=None):
        failed = factory.clientConnectionFailed
        factory.clientConnectionFailed = lambda connector, reason: (
            failed(connector, reason),
            failed(connector, reason),
        )
        return super().connectTCP(host, port, factory, timeout, bindAddress)


class AltersDatagrams(Reactor):
    def listenUDP(self, port, protocol, interface="", maxPacketSize=8192):
        received = protocol.datagramReceived
        protocol.datagramReceived = lambda data, addr: received(data + b"!", addr)
        return super().listenUDP(port, protocol, interface, maxPacketSize)


class HearsOfNoRefusal(Reactor):
    def listenUDP(self, port, protocol, interface="", maxPacketSize=8192):
        protocol.connectionRefused = lambda: None
        return super().listenUDP(port, protocol, interface, maxPacketSize)


FAULTS = [
    (Late, "calls_come_in_the_order_of_their_times"),
    (ForgetsArguments, "calls_come_in_the_order_of_their_times"),
    (Early, "no_call_comes_early"),
    (CannotCancel, "a_cancelled_call_does_not_come"),
    (CannotMove, "a_call_can_be_moved"),
    (ListsAll, "waiting_calls_are_listed"),
    (TakesAnyTime, "a_time_in_the_past_is_refused"),
    (TakesAnything, "what_cannot_be_called_is_refused"),
    (CallsAtOnce, "a_call_that_asks_for_another_starves_nobody"),
    (LetsFailuresOut, "a_call_that_fails_harms_nobody"),
    (CallsTooSoon, "what_waits_for_the_start_is_called_in_order"),
    (StopsTwice, "stopping_is_asked_for_once"),
    (RunsTwice, "a_reactor_does_not_run_twice_at_a_time"),
    (MixesPhases, "the_end_comes_in_phases"),
    (GivesUpAtTheFirstFault, "a_trigger_that_fails_harms_no_other"),
    (CallsInTheThread, "calls_from_threads_come_in_order_in_the_reactor"),
    (DropsEverySecond, "calls_from_threads_come_in_order_in_the_reactor"),
    (WorksItself, "work_is_done_in_threads"),
    (ReadsOn, "a_reader_is_told_while_there_is_input"),
    (ReadsNothing, "a_reader_is_told_while_there_is_input"),
    (WritesOn, "a_writer_is_told_while_there_is_room"),
    (WritesNothing, "a_writer_is_told_while_there_is_room"),
    (RemovesNothing, "all_can_be_removed"),
    (TellsOfTheEndTwice, "a_descriptor_that_fails_is_dropped"),
    (ListensLater, "a_port_listens_at_once"),
    (BuildsForNobody, "a_client_and_a_server_meet"),
    (FailsTwice, "a_failed_attempt_says_why"),
    (AltersDatagrams, "datagrams_arrive_as_they_were_sent"),
    (HearsOfNoRefusal, "a_connected_socket_hears_of_a_closed_port"),
]


# Those that are found by what they let out.
RAISING = {CallsAtOnce, CallsTooSoon, LetsFailuresOut}


@pytest.mark.parametrize(("spoilt", "name"), FAULTS)
def test_a_fault_is_found_by_the_case_that_names_it(spoilt, name, quiet):
    [case] = [case for case in REACTOR if case.name == name]
    made = []

    def make_reactor():
        made.append(asyncio.SelectorEventLoop())
        return spoilt(made[-1])

    def dispose(reactor):
        Reactor.removeAll(reactor)
        reactor._clear()

    try:
        with pytest.raises(PromiseBroken, match=name) as caught:
            case.run(make_reactor, dispose, patience_s=0.1)
    finally:
        made[0].close()
    assert "was raised:" not in caught.value.how or spoilt in RAISING


def test_each_case_has_a_fault_that_it_finds():
    assert {name for _, name in FAULTS} == {case.name for case in REACTOR}


@pytest.mark.slow
def test_nothing_stays_open(make_reactor, quiet):
    """The checks cancel their calls and close their connections, sockets and threads."""
    made = []

    def make():
        made.append(make_reactor())
        return made[-1]

    for case in REACTOR:
        case.run(make)
        reactor = made[-1]
        assert not reactor.getDelayedCalls()
        assert not reactor.getReaders()
        assert not reactor._transport_engine().open, f"{case} left something open"
