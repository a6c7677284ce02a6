"""`Clock`: order, reentrancy, contexts, and what 100,000 timers cost."""

from __future__ import annotations

import contextvars

import pytest
from hypothesis import given, strategies as st
from zope.interface.verify import verifyObject

from selvage.errors import AlreadyCalled, AlreadyCancelled
from selvage.interfaces import IDelayedCall, IReactorTime
from selvage.reactor import DelayedCall
from selvage.tasks import Clock
from tests.work import calls_made


def test_starts_at_zero_and_moves_by_what_it_is_told():
    clock = Clock()
    assert clock.seconds() == 0
    clock.advance(1.5)
    clock.advance(0.5)
    assert clock.seconds() == clock.rightNow == 2


def test_provides_its_interfaces():
    clock = Clock()
    assert verifyObject(IReactorTime, clock)
    assert verifyObject(IDelayedCall, clock.callLater(1, print))


def test_runs_a_call_when_it_is_due_with_its_arguments():
    clock, seen = Clock(), []
    call = clock.callLater(2, lambda *a, **k: seen.append((a, k)), 1, b=2)
    assert (call.getTime(), call.active()) == (2, True)
    clock.advance(1.9)
    assert seen == []
    clock.advance(0.2)
    assert seen == [((1,), {"b": 2})]
    assert not call.active()
    assert call.called


def test_runs_calls_in_order_of_time_and_then_of_scheduling():
    clock, seen = Clock(), []
    for delay, name in [(3, "c"), (1, "a1"), (2, "b"), (1, "a2")]:
        clock.callLater(delay, seen.append, name)
    clock.advance(5)
    assert seen == ["a1", "a2", "b", "c"]


def test_pump_advances_by_each_amount():
    clock, seen = Clock(), []
    clock.callLater(1, lambda: seen.append(clock.seconds()))
    clock.callLater(3, lambda: seen.append(clock.seconds()))
    clock.pump([1, 1, 1])
    assert seen == [1, 3]


def test_a_call_scheduled_by_a_call_for_now_runs_before_advance_returns():
    clock, seen = Clock(), []
    clock.callLater(1, lambda: clock.callLater(0, seen.append, "inner"))
    clock.advance(1)
    assert seen == ["inner"]


def test_advancing_from_within_a_call_runs_what_becomes_due_once():
    clock, seen = Clock(), []

    def outer():
        seen.append("outer")
        clock.advance(3)
        seen.append("outer ends")

    clock.callLater(1, outer)
    clock.callLater(2, seen.append, "two")
    clock.callLater(4, seen.append, "four")
    clock.callLater(9, seen.append, "nine")
    clock.advance(1)
    assert seen == ["outer", "two", "four", "outer ends"]
    assert clock.seconds() == 4


def test_cancel():
    clock, seen = Clock(), []
    call = clock.callLater(1, seen.append, 1)
    call.cancel()
    assert not call.active()
    assert clock.getDelayedCalls() == []
    clock.advance(2)
    assert seen == []
    for method, args in ((call.cancel, ()), (call.reset, (1,)), (call.delay, (1,))):
        with pytest.raises(AlreadyCancelled):
            method(*args)


def test_a_call_that_runs_can_no_longer_be_changed():
    clock = Clock()
    raised = []

    def run():
        for method, args in ((call.cancel, ()), (call.reset, (1,)), (call.delay, (1,))):
            with pytest.raises(AlreadyCalled):
                method(*args)
            raised.append(method.__name__)

    call = clock.callLater(1, run)
    clock.advance(1)
    assert raised == ["cancel", "reset", "delay"]


def test_reset_counts_from_now_and_delay_from_when_it_was_due():
    clock, seen = Clock(), []
    reset = clock.callLater(5, seen.append, "reset")
    delayed = clock.callLater(2, seen.append, "delayed")
    clock.advance(1)
    reset.reset(2)
    delayed.delay(3)
    assert (reset.getTime(), delayed.getTime()) == (3, 5)
    delayed.delay(-1)
    assert delayed.getTime() == 4
    assert [call.getTime() for call in clock.calls] == [3, 4]
    clock.advance(2)
    assert seen == ["reset"]
    clock.advance(1)
    assert seen == ["reset", "delayed"]


def test_reset_to_the_same_time_keeps_the_call():
    clock, seen = Clock(), []
    call = clock.callLater(2, seen.append, 1)
    call.reset(2)
    assert clock.calls == [call]
    clock.advance(2)
    assert seen == [1]


def test_an_exception_leaves_advance_and_keeps_the_rest():
    clock, seen = Clock(), []
    clock.callLater(1, lambda: 1 / 0)
    clock.callLater(1, seen.append, "next")
    with pytest.raises(ZeroDivisionError):
        clock.advance(1)
    assert seen == []
    clock.advance(0)
    assert seen == ["next"]


def test_what_cannot_be_called_is_refused_at_once():
    clock = Clock()
    with pytest.raises(TypeError, match="pass the function, do not call it"):
        clock.callLater(1, None)
    with pytest.raises(ValueError, match="nan"):
        clock.callLater(float("nan"), print)
    with pytest.raises(TypeError):
        clock.callLater("soon", print)
    assert clock.calls == []


def test_each_call_runs_in_the_context_in_which_it_was_scheduled():
    var = contextvars.ContextVar("var", default="outside")
    clock, seen = Clock(), []

    def call():
        seen.append(var.get())
        var.set("changed inside")

    var.set("scheduling")
    clock.callLater(1, call)
    clock.callLater(1, call)
    var.set("advancing")
    clock.advance(1)
    assert seen == ["scheduling", "scheduling"]
    assert var.get() == "advancing"


def test_calls_are_delayed_calls_as_the_reactor_has_them():
    clock = Clock()
    call = clock.callLater(2, print, "x")
    assert isinstance(call, DelayedCall)
    assert "[2.0s] called=0 cancelled=0 print('x')" in repr(call)


def test_subclass_may_keep_its_own_time():
    class Shifted(Clock):
        def seconds(self):
            return self.rightNow + 100

    clock, seen = Shifted(), []
    assert clock.callLater(1, seen.append, 1).getTime() == 101
    clock.advance(1)
    assert seen == [1]


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "cancel", "reset", "delay", "advance"]),
            st.integers(0, 9),
            st.integers(0, 6),
        )
    )
)
def test_agrees_with_a_list_that_is_sorted_each_time(script):
    """The heap, its stale entries and its rebuilding show nowhere."""
    clock, ran = Clock(), []
    calls, model, expected, now = [], {}, [], 0
    for step, which, amount in script:
        if step == "add":
            number = len(calls)
            calls.append(clock.callLater(amount, lambda number=number: ran.append((clock.seconds(), number))))
            model[number] = now + amount
        elif step == "advance":
            clock.advance(amount)
            now += amount
            due = sorted((time, number) for number, time in model.items() if time <= now)
            expected += [(now, number) for _, number in due]
            # Among those due at the same moment the order is that of scheduling, unless they were moved.
            assert sorted(ran) == sorted(expected)
            times = [model.pop(number) for _, number in ran[len(ran) - len(due) :]]
            assert times == sorted(times)
        elif calls:
            number = which % len(calls)
            if number not in model:
                assert not calls[number].active()
                continue
            if step == "cancel":
                calls[number].cancel()
                del model[number]
            elif step == "reset":
                calls[number].reset(amount)
                model[number] = now + amount
            else:
                calls[number].delay(amount - 3)
                model[number] += amount - 3
        assert [call.getTime() for call in clock.calls] == sorted(model.values())


def test_cancelled_calls_do_not_pile_up():
    clock = Clock()
    keep = clock.callLater(10, print)
    for _ in range(10_000):
        clock.callLater(5, print).cancel()
    assert len(clock._heap) < 100
    assert clock.calls == [keep]


@pytest.mark.slow
def test_timers_cost_what_a_heap_costs():
    """Ten times as many take about ten times the calls; sorting them at each one would compare a hundred times as often."""

    def schedule_and_run(count):
        clock = Clock()
        for number in range(count):
            clock.callLater(number * 7919 % count, int)
        for _ in range(count):
            clock.advance(1)
        assert clock.calls == []

    assert calls_made(lambda: schedule_and_run(10_000)) < 20 * calls_made(lambda: schedule_and_run(1_000))
