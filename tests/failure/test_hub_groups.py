"""Equal failures are counted and summed up: windows, summaries, bounds, silences."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import pytest
from hypothesis import given, strategies as st

from selvage.failure import (
    Report,
    _later,
    fingerprint,
    flush,
    forget,
    limit_reports,
    recent,
    report,
    silence,
    subscribe,
    to_text,
)
from selvage.failure._groups import OVERFLOW, STALE_S, Groups, Tally, fingerprint_of
from selvage.tasks import Clock

from .test_failure import caught


def kind(number):
    """A Failure whose fingerprint is that of its number."""
    source = "\n" * number + "raise ValueError('number')"
    return caught(lambda: exec(compile(source, "program.py", "exec"), {"__name__": "program"}))


def report_times(times, number=0, **facts):
    for _ in range(times):
        report(kind(number), f"Unhandled error {number}", **facts)


# --- Counting --------------------------------------------------------------------------------------------------


def test_a_group_tells_all(told, hub_time):
    first = kind(1)
    report(first, "Unhandled error in a test", source="timer")
    hub_time.now += 5
    report_times(1, 1)
    (group,) = recent()
    assert (group.count, group.first, group.last) == (2, hub_time.now - 5, hub_time.now)
    assert (group.message, group.source) == ("Unhandled error in a test", "timer")
    assert group.fingerprint == fingerprint(first) == fingerprint(group.failure)
    assert group.failure.type is ValueError
    assert group.failure.check(ValueError)
    assert group.failure.getErrorMessage() == "number"
    assert group.failure.getTraceback() == first.getTraceback()
    assert to_text(group.failure) == to_text(first)
    assert [report.fingerprint for report in told] == [group.fingerprint] * 2


def test_different_failures_are_different_groups(told, hub_time):
    for number in (1, 2, 2):
        hub_time.now += 1
        report_times(1, number)
    assert [(group.count, group.message) for group in recent()] == [
        (2, "Unhandled error 2"),
        (1, "Unhandled error 1"),
    ]


def test_the_first_few_are_told_and_the_rest_is_counted(told):
    report_times(10)
    assert told.lines() == [("failure", 1)] * 3
    (group,) = recent()
    assert (group.count, group.held) == (10, 7)


def test_subscribers_get_every_one(told):
    every, grouped = [], []
    subscribe(every.append)
    subscribe(grouped.append, grouped=True)
    report_times(10)
    flush()
    assert len(every) == 10
    assert (
        [(each.kind, each.count) for each in grouped]
        == told.lines()
        == [("failure", 1)] * 3 + [("summary", 7)]
    )


def test_forget(told):
    report_times(10)
    forget()
    assert recent() == []
    report_times(1)
    assert told.lines() == [("failure", 1)] * 4


@pytest.mark.parametrize("wrong", [{"at_most": 0}, {"groups": 0}, {"window": 0}])
def test_limits_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=r"silence\(\)"):
        limit_reports(**wrong)


# --- Summaries -------------------------------------------------------------------------------------------------


def test_the_next_report_after_the_window_brings_the_summary(told, hub_time):
    report_times(10)
    hub_time.now += 59
    report_times(1)
    hub_time.now += 1
    report_times(1, 2)
    assert told.lines() == [("failure", 1)] * 3 + [("summary", 8), ("failure", 1)]
    summary = told[3]
    assert summary.message == "Unhandled error 0: 8 more in the last 60 s, like ValueError: number"
    assert summary.failure.check(ValueError)
    assert summary.fingerprint == told[0].fingerprint


def test_a_new_window_tells_again(told, hub_time):
    for _ in range(3):
        report_times(10)
        hub_time.now += 60
    flush()
    assert sum(each.count for each in told) == 30
    assert len(told) == 12


def test_rare_ones_are_all_told(told, hub_time):
    for _ in range(10):
        report_times(3)
        hub_time.now += 60
    flush()
    assert told.lines() == [("failure", 1)] * 30


def test_a_clock_that_goes_back_begins_a_new_window(told, hub_time):
    report_times(10)
    hub_time.now -= 100_000
    report_times(10)
    flush()
    assert sum(each.count for each in told) == 20


def test_flush_does_not_say_it_twice(told):
    report_times(10)
    flush()
    flush()
    assert told.lines() == [("failure", 1)] * 3 + [("summary", 7)]
    (group,) = recent()
    assert (group.count, group.held) == (10, 0)


def test_a_driver_brings_the_summary(told, hub_time):
    """As a running reactor does: with no further report, and no call of its user's."""
    clock = Clock()
    _later.drive(clock.callLater)
    try:
        report_times(10)
        assert len(clock.getDelayedCalls()) == 1
        hub_time.now += 61
        clock.advance(61)
        assert told.lines() == [("failure", 1)] * 3 + [("summary", 7)]
        assert clock.getDelayedCalls() == []
    finally:
        _later.drop(clock.callLater)


def test_what_waited_for_a_driver_is_asked_of_it(told, hub_time):
    report_times(10)
    clock = Clock()
    _later.drive(clock.callLater)
    _later.drop(clock.callLater)
    another = Clock()
    _later.drive(another.callLater)
    try:
        hub_time.now += 61
        another.advance(61)
        assert told.lines()[-1] == ("summary", 7)
    finally:
        _later.drop(another.callLater)


def test_a_driver_that_is_gone_is_passed_over(told):
    def gone(delay, f):
        raise RuntimeError("Event loop is closed")

    clock = Clock()
    _later.drive(clock.callLater)
    _later.drive(gone)
    try:
        report_times(10)
        assert len(clock.getDelayedCalls()) == 1
        assert gone not in _later._drivers
    finally:
        _later.drop(clock.callLater)


@given(st.lists(st.one_of(st.integers(0, 3), st.sampled_from([-1.0, 7.0, 30.0, 61.0])), max_size=60))
def test_nothing_is_lost_from_the_count(steps):
    """Whatever comes when: what is told, summed up, held and silenced is what was reported."""
    now = 1000.0
    groups = Groups(at_most=2, window=60, limit=3, clock=lambda: now)
    failures = [kind(number) for number in range(4)]
    told, reported = 0, 0
    for step in steps:
        if isinstance(step, float):
            now += step
            told += sum(each.count for each in groups.summaries(now))
            continue
        record = Report(failures[step], "m", time=now, fingerprint=fingerprint_of(failures[step]))
        reported += 1
        told += groups.note(record, silenced=step == 2)
    silenced = sum(group.silenced for group in groups.recent())
    assert sum(group.count for group in groups.recent()) == reported
    assert told + silenced + sum(group.held for group in groups.recent()) == reported
    told += sum(each.count for each in groups.summaries(now, everything=True))
    assert told + silenced == reported


# --- Bounds ----------------------------------------------------------------------------------------------------


def test_what_finds_no_place_is_counted_together(told):
    for number in range(9):
        report_times(2, number)
    *groups, overflow = recent()
    assert [group.count for group in groups] == [2] * 5
    assert (overflow.fingerprint, overflow.count, overflow.held) == (OVERFLOW, 8, 5)
    flush()
    assert told[-1].message == "Unhandled error 5: 5 more that found no group in the last 0 s"
    assert sum(each.count for each in told) == 18


def test_quiet_groups_make_room(told, hub_time):
    for number in range(5):
        report_times(7, number)
    flush()
    hub_time.now += STALE_S - 1
    report_times(1, 0)
    hub_time.now += 1
    report_times(1, 6)
    counts = {group.message: group.count for group in recent()}
    assert counts["Unhandled error 6"] == 1
    assert counts["Unhandled error 0"] == 8
    assert recent()[-1].fingerprint == OVERFLOW
    assert sum(counts.values()) == 37


def test_room_is_not_looked_for_in_vain(told, hub_time):
    """Else each report of a storm of different ones would go through all groups."""
    for number in range(6):
        report_times(1, number)
    looked = recent_calls = 0

    class Counting(dict):
        def values(self):
            nonlocal looked
            looked += 1
            return super().values()

    from selvage.failure import _hub

    _hub._groups._groups = Counting(_hub._groups._groups)
    for number in range(6, 30):
        report_times(1, number)
    assert looked == recent_calls == 0


def test_a_group_keeps_no_live_objects(told):
    class Held:
        pass

    gone = []

    def fail():
        held = Held()
        gone.append(weakref.ref(held))
        raise ValueError(held)

    report(caught(fail))
    told.clear()
    gc.collect()
    assert gone[0]() is None
    assert "Held object" in recent()[0].failure.getErrorMessage()


def test_a_long_message_is_cut(told):
    report(ValueError("x" * 100_000))
    assert len(recent()[0].failure.getErrorMessage()) < 3000


def test_an_exception_that_gets_in_the_way(told):
    class Rude(Exception):
        def __str__(self):
            raise KeyboardInterrupt

        __cause__ = property(lambda self: 1 / 0)

        def __getattr__(self, name):
            raise ValueError(name)

    for _ in range(5):
        report(Rude())
    assert sum(group.count for group in recent()) == 5


def test_threads_lose_no_count(told):
    def work():
        for _ in range(200):
            report(kind(1))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    flush()
    assert recent()[0].count == 1600
    assert sum(each.count for each in told) == 1600


def test_a_tally_can_be_read_while_it_counts():
    tally = Tally()
    assert [tally.add(), tally.add(), int(tally), int(tally)] == [0, 1, 2, 2]


def test_a_finalizer_may_report_in_the_middle_of_a_summary(told):
    class Leaver:
        def __del__(self):
            report_times(1, 2)

    def leave(record):
        if record.kind == "summary":
            holders.clear()

    holders = [Leaver()]
    subscribe(leave, grouped=True)
    report_times(10, 1)
    flush()
    assert {group.count for group in recent()} == {10, 1}


def test_everything_is_told_where_a_test_runner_looks_for_each(told, monkeypatch):
    monkeypatch.setitem(sys.modules, "twisted.trial.unittest", object())
    report_times(10)
    assert told.lines() == [("failure", 1)] * 10


@pytest.mark.parametrize("depth", [1, 3, 60])
def test_the_quick_fingerprint_is_the_same(depth):
    def down(levels):
        if levels:
            down(levels - 1)
        raise ValueError

    def chained():
        try:
            down(depth)
        except ValueError as error:
            raise KeyError from error

    for function in (
        lambda: down(depth),
        chained,
        lambda: (_ for _ in ()).throw(ExceptionGroup("g", [OSError()])),
    ):
        for _ in range(2):
            made = caught(function)
            assert fingerprint_of(made) == fingerprint(made)


# --- Silences --------------------------------------------------------------------------------------------------


def test_a_silence_counts_and_tells_nobody(told):
    every = []
    subscribe(every.append)
    with silence(types=ValueError):
        report_times(5, 1)
        report(KeyError())
    report_times(1, 1)
    flush()
    assert [each.failure.type for each in told] == [KeyError, ValueError]
    assert [each.failure.type for each in every] == [KeyError, ValueError]
    group = next(group for group in recent() if group.message == "Unhandled error 1")
    assert (group.count, group.silenced, group.held) == (6, 5, 0)


def test_a_silence_ends(told, hub_time):
    silence(types=ValueError, seconds=30)
    report_times(1, 1)
    hub_time.now += 30
    report_times(1, 1)
    assert len(told) == 1


def test_a_silence_has_to_be_told_of_what():
    with pytest.raises(TypeError, match="which failures"):
        silence(seconds=5)


def test_a_silence_whose_predicate_fails_is_lifted_and_hides_nothing(told):
    silence(where=lambda record: 1 / 0)
    report_times(2, 1)
    assert [each.source for each in told] == ["subscriber", "", ""]
