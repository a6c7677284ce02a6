"""Failed Deferreds that somebody holds and nobody looks at are reported all the same, once."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from selvage.defer import Deferred, fail, report_unobserved, succeed, watch
from selvage.defer._unobserved import _GROWN, UNOBSERVED_S, Watch
from selvage.failure import Failure, _hub, recent, set_default_reporter, subscribe
from selvage.tasks import Clock


@pytest.fixture
def told():
    """What the hub tells."""
    reports = []
    before = set_default_reporter(reports.append)
    subscribers = _hub._subscribers
    yield reports
    _hub._subscribers = subscribers
    set_default_reporter(before)


@pytest.fixture
def clock(monkeypatch):
    """The time of the watch, in place of a reactor's."""
    clock = Clock()
    monkeypatch.setattr(watch, "clock", clock.seconds)
    monkeypatch.setattr(watch, "_later", clock.callLater)
    monkeypatch.setattr(watch, "after", 10)
    _empty(watch)
    yield clock
    _empty(watch)


def _empty(watch):
    watch.young.clear()
    watch._old, watch._early, watch._asked, watch._collecting, watch.limit = [], [], False, False, 0


def pass_time(clock, seconds):
    clock.pump([1] * seconds)


def test_one_that_is_held_and_not_looked_at(told, clock):
    d = fail(KeyError("forgotten"))
    pass_time(clock, 10)
    assert told == []
    pass_time(clock, 10)
    (got,) = told
    assert got.failure is d.result
    assert got.message == "Unhandled error in Deferred, at which nobody has looked for 10 s:"
    assert got.source == "deferred"
    pass_time(clock, 100)
    del d
    assert len(told) == 1


def test_a_circle_of_references_hides_nothing(told, clock):
    """The frames of the traceback hold the Deferred, which holds the failure, which holds the traceback."""

    def callback(result, keep):
        raise KeyError("in a circle")

    gc.disable()
    try:
        d = Deferred()
        d.addCallback(callback, d)
        d.callback(None)
        gone = weakref.ref(d)
        del d
        assert gone() is not None
        pass_time(clock, 20)
        assert [got.failure.type for got in told] == [KeyError]
    finally:
        gc.enable()
        gc.collect()
    assert len(told) == 1


def test_one_that_is_handled_in_time(told, clock):
    d, awaited = fail(KeyError()), fail(OSError())
    pass_time(clock, 15)
    d.addErrback(lambda failure: None)
    succeed(None).addCallback(lambda _: awaited).addErrback(lambda failure: None)
    pass_time(clock, 100)
    assert told == []


def test_one_whose_last_reference_goes_is_reported_then(told, clock):
    d = fail(KeyError())
    del d
    assert [got.message for got in told] == ["Unhandled error in Deferred:"]
    pass_time(clock, 100)
    assert len(told) == 1


def test_nobody_wakes_up_when_there_is_nothing_to_look_at(told, clock):
    for _ in range(2):
        d = fail(KeyError())
        assert sorted(call.getTime() - clock.seconds() for call in clock.getDelayedCalls()) == [1, 10]
        d.addErrback(lambda failure: None)
        pass_time(clock, 20)
        assert clock.getDelayedCalls() == []


def test_the_collector_is_asked_soon_and_once_a_second(told, clock, monkeypatch):
    asked = []
    monkeypatch.setattr(gc, "collect", asked.append)
    failed = [fail(KeyError()) for _ in range(10)]
    pass_time(clock, 5)
    assert asked == [1]
    failed.append(fail(KeyError()))
    pass_time(clock, 1)
    assert asked == [1, 1]
    for d in failed:
        d.addErrback(lambda failure: None)
    pass_time(clock, 5)
    assert asked == [1, 1]


def test_a_deferred_that_was_just_dropped_is_reported_soon(told, clock):
    """Who fired it has it in a variable, and the traceback keeps that frame."""

    def callback(result):
        raise KeyError("dropped")

    def work():
        d = Deferred()
        d.addCallback(callback)
        d.callback(None)

    gc.collect()
    work()
    pass_time(clock, 1)
    assert [got.message for got in told] == ["Unhandled error in Deferred:"]


def test_a_collector_that_is_switched_off_is_not_asked(told, clock, monkeypatch):
    asked = []
    monkeypatch.setattr(gc, "collect", asked.append)
    monkeypatch.setattr(gc, "isenabled", lambda: False)
    d = fail(KeyError())
    pass_time(clock, 2)
    assert asked == []
    d.addErrback(lambda failure: None)


def test_one_that_fails_anew_is_young_again(told, clock):
    d = fail(KeyError())
    pass_time(clock, 15)

    def other(failure):
        raise OSError

    d.addErrback(other)
    pass_time(clock, 10)
    assert told == []
    pass_time(clock, 10)
    assert [got.failure.type for got in told] == [OSError]


def test_handled_after_all_is_said(told, clock):
    d = fail(KeyError("late"))
    pass_time(clock, 20)
    d.addErrback(lambda failure: None)
    pass_time(clock, 10)
    assert [got.kind for got in told] == ["failure", "handled"]
    assert told[1].message == "Handled after all, within 10.0 s of its report: KeyError: 'late'"
    assert told[1].fingerprint == told[0].fingerprint
    (group,) = recent()
    assert (group.count, group.handled) == (1, 1)
    pass_time(clock, 100)
    del d
    assert len(told) == 2
    assert clock.getDelayedCalls() == []


def test_handled_after_all_and_gone_before_anybody_looks(told, clock):
    d = fail(KeyError("late"))
    pass_time(clock, 20)
    d.addErrback(lambda failure: None)
    del d
    assert [got.kind for got in told] == ["failure", "handled"]


def test_handled_while_it_is_reported(told, clock):
    """By a subscriber, who finds the Deferred in some list of its own."""
    d = fail(KeyError())
    subscribe(lambda report: d.addErrback(lambda failure: None))
    pass_time(clock, 30)
    assert [got.kind for got in told] == ["failure", "handled"]


def test_many_that_are_handled_late_are_not_all_told(told, clock):
    failed = [fail(KeyError()) for _ in range(50)]
    pass_time(clock, 20)
    for d in failed:
        d.addErrback(lambda failure: None)
    pass_time(clock, 10)
    (group,) = recent()
    assert (group.count, group.handled) == (50, 50)
    assert len(told) == 20


def test_looking_keeps_nothing_alive(told, clock):
    class Mine(Exception):
        pass

    d = fail(Mine())
    error = weakref.ref(d.result.value)
    pass_time(clock, 10)
    d.addErrback(lambda failure: None)
    assert error() is None


def test_without_anybody_who_wakes_it_the_list_stays_small(told):
    """Handled ones leave it when it has grown; so it costs no more than what is really unhandled."""
    own = Watch(after=10, clock=lambda: 0.0, later=lambda delay, f: None)
    kept = []
    for number in range(20 * _GROWN):
        d = Deferred()
        d.errback(KeyError())
        own.young.append(weakref.ref(d._debugInfo))
        if len(own.young) > own.limit:
            own.grown()
        if number % 100 == 0:
            kept.append(d)
        d.addErrback(lambda failure: None) if number % 100 else None
    assert len(own.young) <= _GROWN + 1 + 2 * len(kept)
    for d in kept:
        d.addErrback(lambda failure: None)


def test_without_anybody_who_wakes_it_the_list_is_looked_through_when_it_has_grown(told):
    now = 0.0
    own = Watch(after=10, clock=lambda: now, later=lambda delay, f: None)

    def enter(d):
        own.young.append(weakref.ref(d._debugInfo))
        if len(own.young) > own.limit:
            own.grown()

    forgotten = fail(KeyError())
    enter(forgotten)
    others = [fail(OSError()) for _ in range(3 * _GROWN)]
    for place, d in enumerate(others):
        d.addErrback(lambda failure: None)
        now += 0.1
        enter(d)
    assert [got.failure for got in told] == [forgotten.result]


def test_the_end_of_the_program_reports_what_is_left(told):
    own = Watch(after=None)
    d = fail(KeyError())
    own.young.append(weakref.ref(d._debugInfo))
    own.look_for_the_last_time()
    assert [got.message for got in told] == [
        "Unhandled error in Deferred, which is left at the end of the program:"
    ]


def test_the_time_can_be_set():
    report_unobserved(after=5)
    assert watch.after == 5
    report_unobserved(after=None)
    assert watch.after is None
    report_unobserved()
    assert watch.after == UNOBSERVED_S
    with pytest.raises(ValueError, match="above 0"):
        report_unobserved(after=0)


def test_debug_mode_says_where_it_was_made(told, clock, monkeypatch):
    monkeypatch.setattr(Deferred, "debug", True)
    d = Deferred()
    d.errback(Failure(KeyError()))
    pass_time(clock, 20)
    assert "Deferred was created" in told[0].context["debugInfo"]


PROGRAM = """
from selvage.defer import fail, report_unobserved
from selvage.failure import subscribe
from selvage.reactor import get_reactor
report_unobserved(after=0.01)
reactor = get_reactor()

def told(report):
    print(report.failure.type.__name__)
    d.addErrback(lambda failure: None)
    reactor.stop()

subscribe(told)
d = fail(KeyError())
assert reactor.getDelayedCalls() == []
{run}
"""


@pytest.mark.slow
def test_a_running_reactor_looks():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(run="reactor.run()")],
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stdout) == (0, "KeyError\n"), done.stderr


@pytest.mark.slow
def test_the_end_of_a_program_without_a_reactor_looks():
    program = "from selvage.defer import fail\nfrom selvage.failure import report\nheld = [fail(KeyError('held'))]\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.count("KeyError: 'held'") == 1
    assert "which is left at the end of the program" in done.stderr
