"""`LoopingCall`: when it calls, how it ends, what it counts."""

from __future__ import annotations

import contextvars
import gc

import pytest
from hypothesis import given, strategies as st

from selvage.defer import Deferred, fail
from selvage.failure import Failure
from selvage.tasks import Clock, LoopingCall
from tests.reports import collected_reports


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reports():
    """What arrives at the hub, with nothing printed."""
    with collected_reports() as seen:
        yield seen


def looping(clock, function, *args, **kwargs):
    loop = LoopingCall(function, *args, **kwargs)
    loop.clock = clock
    return loop


def timed(clock, times, work=lambda: None):
    """A loop that notes when it calls."""
    return looping(clock, lambda: (times.append(clock.seconds()), work())[1])


def test_calls_at_once_and_at_each_interval_with_its_arguments(clock):
    seen = []
    loop = looping(clock, lambda *a, **k: seen.append((clock.seconds(), a, k)), 1, b=2)
    loop.start(0.5)
    clock.pump([0.25, 0.25, 0.5])
    assert seen == [(0, (1,), {"b": 2}), (0.5, (1,), {"b": 2}), (1.0, (1,), {"b": 2})]
    assert (loop.interval, loop.starttime, loop.running) == (0.5, 0, True)
    assert loop.call.getTime() == 1.5


def test_may_wait_one_interval_before_the_first_call(clock):
    times = []
    timed(clock, times).start(1, now=False)
    clock.pump([0.5, 0.5, 1])
    assert times == [1, 2]


def test_does_not_drift(clock):
    times = []
    timed(clock, times).start(1)
    clock.pump([1.3, 0.5, 0.2, 1.4])
    assert times == [0, 1.3, 2.0, 3.4]


def test_leaves_out_intervals_that_have_passed(clock):
    times = []
    timed(clock, times, work=lambda: clock.advance(1.2) if clock.seconds() == 1 else None).start(
        0.5, now=False
    )
    clock.pump([0.5, 0.5, 0.3])
    assert times == [0.5, 1, 2.5]


def test_stop_fires_the_deferred_with_the_loop(clock):
    ended = []
    loop = looping(clock, int)
    loop.start(1).addCallback(lambda value: ended.append((value, loop.running)))
    clock.advance(1)
    loop.stop()
    assert ended == [(loop, False)]
    assert clock.calls == []
    assert loop.call is None


def test_stop_from_within_the_function(clock):
    times, ended = [], []
    loop = timed(clock, times, work=lambda: loop.stop() if len(times) == 3 else None)
    loop.start(1).addCallback(ended.append)
    clock.pump([1] * 5)
    assert times == [0, 1, 2]
    assert ended == [loop]
    assert clock.calls == []


def test_an_exception_ends_the_loop(clock):
    seen = []
    loop = looping(clock, lambda: 1 / 0)
    loop.start(1, now=False).addErrback(lambda reason: seen.append((reason.type, loop.running)))
    clock.advance(1)
    assert seen == [(ZeroDivisionError, False)]
    assert clock.calls == []


def test_stopping_and_raising_fails(clock):
    seen = []

    def stop_and_raise():
        loop.stop()
        raise ValueError("after stop")

    loop = looping(clock, stop_and_raise)
    loop.start(1).addBoth(seen.append)
    assert isinstance(seen[0], Failure)
    assert seen[0].getErrorMessage() == "after stop"


@pytest.mark.parametrize("now", [True, False])
def test_an_unhandled_exception_reaches_the_hub_at_once(clock, reports, now):
    """Without waiting for the garbage collector: no frame of ours ties the failure to the loop."""

    def stumble():
        raise ValueError("stumbled")

    gc.disable()
    try:
        loop = looping(clock, stumble)
        loop.start(1, now=now)
        clock.advance(1)
        assert [str(report.failure.value) for report in reports] == ["stumbled"]
    finally:
        gc.enable()
    assert [frame[0] for frame in reports[0].failure.frames] == ["stumble"]


def test_a_failure_returned_counts_as_raised(clock):
    seen = []
    looping(clock, lambda: Failure(ValueError("returned"))).start(1).addErrback(seen.append)
    assert seen[0].getErrorMessage() == "returned"


def test_waits_for_a_deferred(clock):
    times, waiting = [], []

    def work():
        waiting.append(Deferred())
        return waiting[-1]

    loop = timed(clock, times, work)
    loop.start(1)
    clock.advance(2.5)
    assert times == [0]
    assert loop.running
    assert loop.call is None
    waiting[0].callback(None)
    assert loop.call.getTime() == 3
    clock.advance(0.5)
    assert times == [0, 3]


def test_waits_for_a_coroutine(clock):
    times, waiting = [], Deferred()

    async def work():
        times.append(clock.seconds())
        if len(times) == 1:
            await waiting

    loop = looping(clock, work)
    loop.start(1)
    clock.advance(1.5)
    assert times == [0]
    waiting.callback(None)
    clock.advance(0.5)
    assert times == [0, 2]


def test_a_coroutine_that_raises_ends_the_loop(clock):
    async def work():
        raise ValueError("in the coroutine")

    seen = []
    looping(clock, work).start(1).addErrback(seen.append)
    assert seen[0].getErrorMessage() == "in the coroutine"


def test_a_deferred_that_fails_ends_the_loop(clock):
    seen = []
    loop = looping(clock, lambda: fail(ValueError("later")))
    loop.start(1).addErrback(seen.append)
    assert seen[0].getErrorMessage() == "later"
    assert not loop.running


def test_stopping_while_it_waits_fires_when_the_wait_is_over(clock):
    ended, waiting = [], Deferred()
    loop = looping(clock, lambda: waiting)
    loop.start(1).addCallback(ended.append)
    loop.stop()
    assert (ended, loop.running) == ([], False)
    waiting.callback(None)
    assert ended == [loop]
    assert clock.calls == []


def test_starting_again_while_the_old_run_still_waits_makes_one_loop(clock):
    first, times, ended = Deferred(), [], []
    loop = timed(clock, times, work=lambda: first if len(times) == 1 else None)
    loop.start(1).addCallback(lambda _: ended.append("first"))
    loop.stop()
    loop.start(1, now=False).addCallback(lambda _: ended.append("second"))
    first.callback(None)
    assert ended == ["first"]
    assert len(clock.calls) == 1
    clock.pump([1, 1])
    assert times == [0, 1, 2]
    loop.stop()
    assert ended == ["first", "second"]


def test_an_old_run_that_fails_leaves_the_new_one_alone(clock):
    first, times, seen = Deferred(), [], []
    loop = timed(clock, times, work=lambda: first if len(times) == 1 else None)
    loop.start(1).addErrback(lambda reason: seen.append(reason.type))
    loop.stop()
    loop.start(1, now=False)
    first.errback(ValueError())
    assert seen == [ValueError]
    clock.advance(1)
    assert (times, loop.running) == ([0, 1], True)


def test_can_be_started_again(clock):
    times = []
    loop = timed(clock, times)
    for _ in range(2):
        loop.start(1)
        clock.advance(1)
        loop.stop()
    assert times == [0, 1, 1, 2]


def test_reset_begins_to_count_anew(clock):
    times = []
    loop = timed(clock, times)
    loop.start(2, now=False)
    clock.advance(1)
    loop.reset()
    clock.pump([1, 1, 2])
    assert times == [3, 5]


def test_reset_while_it_waits_changes_nothing(clock):
    waiting = Deferred()
    loop = looping(clock, lambda: waiting)
    loop.start(1)
    loop.reset()
    assert clock.calls == []
    waiting.callback(None)
    assert len(clock.calls) == 1


def test_misuse_names_the_loop_and_its_state(clock):
    loop = looping(clock, print)
    with pytest.raises(
        AssertionError, match=r"LoopingCall<None>\(print.* is not running; there is nothing to stop"
    ):
        loop.stop()
    with pytest.raises(AssertionError, match="nothing to reset"):
        loop.reset()
    with pytest.raises(ValueError, match="interval must be >= 0, not -1"):
        loop.start(-1)
    with pytest.raises(ValueError, match="interval must be >= 0"):
        loop.start(float("nan"))
    assert not loop.running
    loop.start(1, now=False)
    with pytest.raises(AssertionError, match=r"is running; stop\(\) it before start\(\)"):
        loop.start(1)


def test_interval_zero_calls_on_each_turn(clock):
    times = []
    loop = timed(clock, times, work=lambda: loop.stop() if len(times) == 4 else None)
    loop.start(0)
    clock.pump([0] * 5)
    assert times == [0] * 4


def test_the_interval_may_change_while_it_runs(clock):
    times = []
    loop = timed(clock, times)
    loop.start(1)
    loop.interval = 3
    clock.pump([1, 2, 3])
    assert times == [0, 1, 3, 6]


def test_a_timer_that_fires_early_does_not_make_two_calls():
    """uvloop rounds to milliseconds, so a timer may come a little before its time."""

    class Hasty(Clock):
        def callLater(self, delay, callable, *args, **kw):
            return Clock.callLater(self, max(delay - 0.0005, 0), callable, *args, **kw)

    clock, times = Hasty(), []
    timed(clock, times).start(1, now=False)
    clock.pump([0.5] * 8)
    assert times == [1.0, 2.0, 3.0, 4.0]

    counts = []
    clock = Hasty()
    loop = LoopingCall.withCount(counts.append)
    loop.clock = clock
    loop.start(1, now=False)
    clock.pump([0.9995, 1, 1, 1])
    assert counts == [1, 1, 1, 1]


def test_repr_names_function_and_arguments(clock):
    assert repr(LoopingCall(print, 1, sep=2)) == "LoopingCall<None>(print, *(1,), **{'sep': 2})"
    assert repr(LoopingCall(LoopingCall.stop)) == "LoopingCall<None>(LoopingCall.stop, *(), **{})"


def test_the_deferred_attribute_is_deprecated(clock):
    loop = looping(clock, int)
    done = loop.start(1)
    with pytest.warns(DeprecationWarning, match=r"use the deferred returned by start\(\)"):
        assert loop.deferred is done


def test_each_call_runs_in_the_context_of_start(clock):
    """Whoever fires the Deferred that the loop waited for."""
    var = contextvars.ContextVar("var")
    seen, waiting = [], []

    def work():
        seen.append(var.get())
        waiting.append(Deferred())
        return waiting[-1]

    var.set("starting")
    looping(clock, work).start(1)
    var.set("elsewhere")
    waiting[0].callback(None)
    clock.advance(1)
    assert seen == ["starting", "starting"]


# --- Counting


def counted(clock, interval, *, now=True, work=lambda: None):
    seen = []
    loop = LoopingCall.withCount(lambda count: (seen.append((clock.seconds(), count)), work())[1])
    loop.clock = clock
    loop.start(interval, now=now)
    return loop, seen


def test_count_is_one_in_quiet_times(clock):
    _, seen = counted(clock, 1)
    clock.pump([1.01, 1, 1])
    assert [count for _, count in seen] == [1, 1, 1, 1]


def test_count_says_what_was_left_out(clock):
    _, seen = counted(clock, 0.5)
    clock.pump([0.51, 1.51])
    assert seen == [(0, 1), (0.51, 1), (2.02, 3)]


def test_count_without_a_call_at_the_start(clock):
    _, seen = counted(clock, 1, now=False)
    clock.pump([3.5, 0.5])
    assert seen == [(3.5, 3), (4.0, 1)]


def test_count_includes_the_time_spent_waiting(clock):
    waiting = Deferred()
    results = [waiting]
    _, seen = counted(clock, 1, work=lambda: results.pop() if results else None)
    clock.advance(4.5)
    waiting.callback(None)
    clock.advance(0.5)
    assert seen == [(0, 1), (5.0, 5)]


def test_count_begins_anew_with_each_start(clock):
    loop, seen = counted(clock, 1)
    loop.stop()
    clock.advance(10)
    loop.start(1)
    clock.advance(1)
    assert [count for _, count in seen] == [1, 1, 1]


def test_reset_leaves_out_on_purpose(clock):
    loop, seen = counted(clock, 1, now=False)
    for _ in range(5):
        clock.advance(0.9)
        loop.reset()
    clock.advance(1)
    assert [count for _, count in seen] == [1]


def test_count_is_one_with_interval_zero(clock):
    loop = LoopingCall.withCount(
        lambda count: (seen.append(count), loop.stop() if len(seen) == 3 else None)[1]
    )
    seen = []
    loop.clock = clock
    loop.start(0)
    clock.pump([0, 0, 0])
    assert seen == [1, 1, 1]


@pytest.mark.slow
@given(
    interval=st.floats(1e-3, 1e3),
    start=st.floats(0, 2e9),
    steps=st.lists(st.floats(1e-4, 5e3), max_size=40),
)
def test_counts_add_up_to_the_intervals_that_passed(interval, start, steps):
    """Never 0, and their sum is what a ruler says, to within what a float can hold."""
    clock = Clock()
    clock.advance(start)
    loop, seen = counted(clock, interval, now=False)
    for step in steps:
        clock.advance(step)
    counts = [count for _, count in seen]
    assert all(count >= 1 for count in counts)
    if seen:
        passed = (seen[-1][0] - clock.seconds() + (clock.seconds() - loop.starttime)) / interval
        assert sum(counts) == pytest.approx(passed, abs=1.001)
        assert sum(counts) <= passed + 0.01
