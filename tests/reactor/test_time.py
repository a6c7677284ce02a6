"""Delayed calls: on both loops, and against a model."""

from __future__ import annotations

import contextvars
import gc
import math
import weakref

import pytest
from hypothesis import given, strategies as st

from selvage.errors import AlreadyCalled, AlreadyCancelled
from selvage.interfaces import IDelayedCall
from selvage.reactor import DelayedCall, ReactorBase
from tests.work import calls_made


def named(first, second=0):
    pass


class Stepped(ReactorBase):
    """A reactor whose clock stands still until the test moves it."""

    def __init__(self):
        self.now = 100.0
        super().__init__()

    def seconds(self):
        return self.now

    def installWaker(self):
        pass

    def advance(self, seconds):
        self.now += seconds
        self.runUntilCurrent()


# -- on the loop ------------------------------------------------------------------------------------------------------


def test_calls_come_in_order_of_time_and_at_the_same_time_of_scheduling(reactor, run_for):
    events = []
    for delay, name in ((0.03, "c"), (0.01, "a"), (0.02, "b"), (0.04, "d")):
        reactor.callLater(delay, events.append, name)
    reactor.callLater(0.05, reactor.stop)
    run_for(reactor)
    assert events == ["a", "b", "c", "d"]


def test_no_call_comes_too_soon(reactor, run_for):
    early = []

    def check(due):
        if reactor.seconds() < due:
            early.append(due - reactor.seconds())

    for n in range(40):
        delay = n * 0.0007
        reactor.callLater(delay, check, reactor.seconds() + delay)
    reactor.callLater(0.04, reactor.stop)
    run_for(reactor)
    assert early == []


def test_waiting_does_not_spin(reactor, run_for):
    turns = []
    run_due = reactor._run_due_calls
    reactor._run_due_calls = lambda: (turns.append(None), run_due())
    for n in range(1, 11):
        reactor.callLater(n * 0.0053, lambda: None)
    reactor.callLater(0.06, reactor.stop)
    run_for(reactor)
    assert len(turns) < 25


def test_arguments_and_keywords(reactor, run_for):
    events = []
    reactor.callLater(0, lambda *args, **kw: events.append((args, kw)), 1, two=2)
    reactor.callLater(0, lambda *args, **kw: events.append((args, kw)))
    reactor.callLater(0.01, reactor.stop)
    run_for(reactor)
    assert events == [((1,), {"two": 2}), ((), {})]


def test_a_call_made_sooner_wakes_the_loop(reactor, run_for):
    call = reactor.callLater(60, reactor.stop)
    reactor.callLater(0.01, call.reset, 0.01)
    before = reactor.seconds()
    run_for(reactor, 30)
    assert reactor.seconds() - before < 10


def test_an_earlier_call_wakes_the_loop(reactor, run_for):
    reactor.callLater(60, reactor.crash)
    reactor.callWhenRunning(lambda: reactor.callLater(0.01, reactor.stop))
    before = reactor.seconds()
    run_for(reactor, 30)
    assert reactor.seconds() - before < 10
    assert len(reactor.getDelayedCalls()) == 1


def test_a_call_in_the_far_future_disturbs_nothing(reactor, run_for):
    call = reactor.callLater(2**128 + 1, lambda: None)
    reactor.callLater(0.01, reactor.stop)
    run_for(reactor)
    assert call.active()
    assert call in reactor.getDelayedCalls()


def test_a_call_that_raises_is_reported_and_the_rest_goes_on(reactor, run_for, reports):
    events = []
    reactor.callLater(0, lambda: 1 / 0)
    reactor.callLater(0, events.append, "next")
    reactor.callLater(0.01, reactor.stop)
    run_for(reactor)
    report = reports.pop()
    assert events == ["next"]
    assert report.source == "timer"
    assert report.failure.check(ZeroDivisionError)
    assert "<lambda>" in repr(report.context["call"])


def test_calls_run_in_the_context_in_which_they_were_scheduled(reactor, run_for):
    variable = contextvars.ContextVar("variable", default="outside")
    seen = []

    def see():
        seen.append(variable.get())
        variable.set("changed by a call")

    def schedule(value):
        variable.set(value)
        reactor.callLater(0, see)

    for value in "ab":
        contextvars.copy_context().run(schedule, value)
    reactor.callLater(0.001, see)
    reactor.callLater(0.02, reactor.stop)
    run_for(reactor)
    assert seen == ["a", "b", "outside"]


@pytest.mark.parametrize("delay", [-1, -0.001, math.nan])
def test_a_delay_below_zero_is_refused(reactor, delay):
    with pytest.raises(AssertionError, match="the delay must be 0 or more"):
        reactor.callLater(delay, print)


def test_a_delay_that_is_no_number_is_refused(reactor):
    with pytest.raises(TypeError):
        reactor.callLater("soon", print)


def test_the_clock_can_be_replaced(reactor):
    reactor.seconds = lambda: 100
    call = reactor.callLater(5, print)
    assert call.getTime() == 105
    assert call.seconds() == 100
    call.cancel()


def test_many_calls(reactor, run_for):
    fired = []
    clock, now = reactor.seconds, reactor.seconds()
    reactor.seconds = lambda: now
    calls = [reactor.callLater((n * 7919 % 5000) * 1e-6, fired.append, n) for n in range(5000)]
    reactor.seconds = clock
    for call in calls[::2]:
        call.cancel()
    reactor.callLater(0.1, reactor.stop)
    run_for(reactor)
    assert fired == sorted(range(1, 5000, 2), key=lambda n: n * 7919 % 5000)


# -- the call itself --------------------------------------------------------------------------------------------------


def test_cancelled_and_called_are_told_apart():
    reactor = Stepped()
    call = reactor.callLater(1, named, 1)
    assert IDelayedCall.providedBy(call)
    assert call.active()
    call.cancel()
    assert not call.active()
    for action in (call.cancel, lambda: call.reset(1), lambda: call.delay(1)):
        with pytest.raises(AlreadyCancelled):
            action()
    call = reactor.callLater(1, named, 1)
    reactor.advance(1)
    assert not call.active()
    for action in (call.cancel, lambda: call.reset(1), lambda: call.delay(1)):
        with pytest.raises(AlreadyCalled):
            action()


def test_a_call_cannot_cancel_itself_while_it_runs():
    reactor = Stepped()
    caught = []

    def cancel():
        with pytest.raises(AlreadyCalled):
            call.cancel()
        caught.append(True)

    call = reactor.callLater(0, cancel)
    reactor.advance(0)
    assert caught


def test_reset_and_delay():
    reactor = Stepped()
    events = []
    call = reactor.callLater(10, events.append, "x")
    call.reset(20)
    assert call.getTime() == 120
    call.delay(5)
    assert call.getTime() == 125
    call.delay(-20)
    assert call.getTime() == 105
    reactor.advance(4)
    assert events == []
    call.reset(0)
    reactor.advance(0)
    assert events == ["x"]
    reactor.advance(100)
    assert events == ["x"]
    assert reactor.getDelayedCalls() == []


def test_what_a_call_schedules_waits_for_the_next_turn():
    reactor = Stepped()
    events = []

    def again():
        events.append(len(events))
        reactor.callLater(0, again)

    again()
    reactor.advance(0)
    assert events == [0, 1]
    reactor.advance(0)
    assert events == [0, 1, 2]


def test_a_cancelled_call_lets_go_of_what_it_held():
    class Thing:
        def method(self, *args):
            pass

    reactor = Stepped()
    thing, argument = Thing(), Thing()
    held = [weakref.ref(thing), weakref.ref(argument)]
    call = reactor.callLater(10, thing.method, argument, key=argument)
    del thing, argument
    call.cancel()
    gc.collect()
    assert [ref() for ref in held] == [None, None]


def test_a_call_that_ran_makes_no_garbage():
    reactor = Stepped()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(1000):
            reactor.callLater(0, named, 1)
        reactor.runUntilCurrent()
        assert len(gc.get_objects()) - before < 100
    finally:
        gc.enable()


def test_time_out():
    reactor = Stepped()
    assert reactor.timeout() is None
    call = reactor.callLater(5, named)
    later = reactor.callLater(8, named)
    assert reactor.timeout() == 5
    call.cancel()
    assert reactor.timeout() == 8
    later.delay(2)
    assert reactor.timeout() == 10
    reactor.now += 30
    assert reactor.timeout() == 0
    later.cancel()
    assert reactor.timeout() is None
    reactor.callFromThread(named)
    assert reactor.timeout() == 0


def test_cancelled_calls_do_not_pile_up():
    reactor = Stepped()
    keep = reactor.callLater(1000, named)
    for _ in range(20):
        for call in [reactor.callLater(500, named) for _ in range(100)]:
            reactor._next_time()
            call.cancel()
    assert len(reactor._pendingTimedCalls) + len(reactor._row) < 400
    assert reactor.getDelayedCalls() == [keep]


def test_cancelling_thousands_at_once_costs_as_much_for_each():
    def cost(count):
        reactor = Stepped()
        calls = [reactor.callLater(number % 97, named) for number in range(count)]
        reactor._next_time()

        def cancel_all():
            for call in calls:
                call.cancel()
            reactor._next_time()

        work = calls_made(cancel_all)
        assert reactor.getDelayedCalls() == []
        return work

    assert cost(20_000) < 2.5 * cost(10_000)


def test_repr_tells_state_function_and_arguments():
    call = DelayedCall(12, named, (3,), {"second": 5}, None, None, lambda: 1.5)
    assert repr(call) == f"<DelayedCall 0x{id(call):x} [10.5s] called=0 cancelled=0 named(3, second=5)>"

    class Awkward:
        def __repr__(self):
            raise ValueError

    call = DelayedCall(12, Awkward().__init__, (Awkward(),), {}, None, None, lambda: 1.5)
    assert "whose repr raised ValueError" in repr(call)
    call = Stepped().callLater(1, named)
    call.cancel()
    assert repr(call).endswith("cancelled=1>")


def test_debug_mode_remembers_who_scheduled(monkeypatch):
    monkeypatch.setattr(DelayedCall, "debug", True)
    call = Stepped().callLater(1, named)
    assert "traceback at creation" in repr(call)
    assert "test_debug_mode_remembers_who_scheduled" in repr(call)
    monkeypatch.setattr(DelayedCall, "debug", False)
    assert "traceback at creation" in repr(call)
    assert "traceback at creation" not in repr(Stepped().callLater(1, named))


def test_a_call_of_ones_own():
    """`DelayedCall` can be made by other clocks, as Twisted's can."""
    events = []
    now = 10
    call = DelayedCall(
        15, named, (), {}, lambda c: events.append("cancelled"), lambda c: events.append("moved"), lambda: now
    )
    call.reset(3)
    assert (call.getTime(), events) == (13, ["moved"])
    call.reset(9)
    assert (call.getTime(), call.time, events) == (19, 13, ["moved"])
    call.activate_delay()
    assert call.time == 19
    call.delay(-18)
    assert (call.getTime(), events) == (1, ["moved", "moved"])
    call.cancel()
    assert events == ["moved", "moved", "cancelled"]
    with pytest.raises(AlreadyCancelled):
        call.cancel()
    call = DelayedCall(15, named, (), {}, None, None)
    call.called = 1
    with pytest.raises(AlreadyCalled):
        call.cancel()
    earlier, later = DelayedCall(1, named, (), {}, None, None), DelayedCall(2, named, (), {}, None, None)
    assert earlier < later
    assert earlier <= later
    assert later > earlier
    assert not earlier == later


# -- against a model --------------------------------------------------------------------------------------------------

operations = st.lists(
    st.one_of(
        st.tuples(st.just("schedule"), st.integers(0, 20), st.integers(1, 60)),
        st.tuples(st.just("cancel"), st.integers(0, 1000), st.just(0)),
        st.tuples(st.just("reset"), st.integers(0, 1000), st.integers(0, 20)),
        st.tuples(st.just("delay"), st.integers(0, 1000), st.integers(-10, 10)),
        st.tuples(st.just("advance"), st.integers(0, 15), st.just(0)),
        st.tuples(st.just("look"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@given(operations)
def test_every_call_runs_once_at_its_time_and_in_order(steps):
    reactor = Stepped()
    ran = []
    calls = {}  # number -> (call, due)
    due = {}

    def run(number):
        ran.append((reactor.now, number))

    for what, first, second in steps:
        if what == "schedule":
            for _ in range(second):
                number = len(calls)
                calls[number] = reactor.callLater(first, run, number)
                due[number] = reactor.now + first
        elif what == "advance":
            before = len(ran)
            reactor.advance(first)
            expected = {number for number, time in due.items() if time <= reactor.now}
            fresh = [number for _, number in ran[before:]]
            assert set(fresh) == expected
            assert len(fresh) == len(expected)
            times = [due.pop(number) for number in fresh]
            assert times == sorted(times)
        elif what == "look":
            assert reactor.timeout() == (max(0, min(due.values()) - reactor.now) if due else None)
        elif due:
            number = sorted(due)[first % len(due)]
            call = calls[number]
            if what == "cancel":
                call.cancel()
                del due[number]
            elif what == "reset":
                call.reset(second)
                due[number] = reactor.now + second
            else:
                call.delay(second)
                due[number] += second
        assert set(reactor.getDelayedCalls()) == {calls[number] for number in due}
        assert all(calls[number].getTime() == time for number, time in due.items())
