"""Subscribers: what they want to hear of, what is said when they raise, block or cannot keep up."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from selvage.failure import (
    Failure,
    ReportsDropped,
    SlowSubscriber,
    _hub,
    fingerprint,
    flush,
    recent,
    report,
    subscribe,
    unsubscribe,
)
from selvage.reactor import get_reactor

from .test_failure import caught


def raised_in(module, error, filename="program.py"):
    """A Failure that was raised in a module of that name."""
    names = {"__name__": module, "error": error}
    return caught(lambda: exec(compile("raise error", filename, "exec"), names))


# --- Filters ---------------------------------------------------------------------------------------------------


def heard(failures, **filters):
    """Which of some failures a subscriber with these filters gets, by their place."""
    got = []
    subscribe(got.append, **filters)
    for place, failure in enumerate(failures):
        report(failure, source=f"source{place}", place=place)
    unsubscribe(got.append)
    return [each.context["place"] for each in got]


def test_by_type(told):
    group = ExceptionGroup("several", [OSError(), KeyError()])
    failures = [Failure(KeyError()), Failure(ValueError()), Failure(group)]
    assert heard(failures, types=LookupError) == [0, 2]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ((KeyError, OSError), [0, 2]),
        ("builtins.ValueError", [1]),
        (lambda error: error.args == ("b",), [1]),
        ((KeyError, lambda error: error.args == ("b",)), [0, 1]),
    ],
)
def test_by_types_names_and_predicates(told, types, expected):
    failures = [Failure(KeyError("a")), Failure(ValueError("b")), Failure(OSError("c"))]
    assert heard(failures, types=types) == expected


def test_by_fingerprint(told):
    one, two, three = raised_in("a", KeyError()), raised_in("a", KeyError()), raised_in("a", OSError())
    key = fingerprint(raised_in("a", KeyError()))
    assert heard([one, two, three], fingerprint=key) == [0, 1]
    assert heard([raised_in("a", OSError())], fingerprint=(key, "other")) == []


def test_by_predicate_of_the_report(told):
    failures = [Failure(KeyError()) for _ in range(4)]
    assert heard(failures, where=lambda record: record.context["place"] % 2) == [1, 3]


def test_by_source(told):
    failures = [Failure(KeyError()) for _ in range(4)]
    assert heard(failures, source="source1") == [1]
    failures = [Failure(KeyError()) for _ in range(4)]
    assert heard(failures, source=("source1", "source3")) == [1, 3]


def test_by_namespace(told):
    modules = ["shop", "shop.basket", "shopping", "bank"]
    assert heard([raised_in(module, KeyError()) for module in modules], namespace="shop") == [0, 1]
    assert heard([Failure(KeyError())], namespace="shop") == []


def test_the_namespace_is_that_of_the_program():
    """Not that of the standard library's function that raised in the end."""
    import json

    def parse():
        exec(compile("json.loads('{')", "program.py", "exec"), {"__name__": "shop.parser", "json": json})

    reports = []
    subscribe(reports.append)
    try:
        report(caught(parse))
    finally:
        unsubscribe(reports.append)
    assert reports[0].namespace == "shop.parser"


def test_filters_go_together(told):
    failures = [Failure(KeyError()), Failure(KeyError()), Failure(OSError())]
    assert heard(failures, types=KeyError, source=("source1", "source2")) == [1]


@pytest.mark.parametrize(
    "wrong", [{"types": 5}, {"types": int}, {"where": "text"}, {"source": (5,)}, {"fingerprint": (b"x",)}]
)
def test_filters_that_make_no_sense(told, wrong):
    with pytest.raises(TypeError):
        subscribe(print, **wrong)


def test_a_predicate_that_raises_is_reported_and_hides_nothing(told):
    got = []
    subscribe(got.append, where=lambda record: record.nothing)
    made = caught()
    report(made)
    assert [each.failure for each in got] == [made]
    assert "a predicate of" in told[1].message
    assert told[1].failure.check(AttributeError)


def test_error_callbacks_of_the_reactor_have_filters(told):
    reactor, got = get_reactor(), []
    reactor.addErrorCallback(got.append, types=KeyError)
    try:
        made = Failure(KeyError())
        report(made)
        report(ValueError())
    finally:
        reactor.removeErrorCallback(got.append)
    assert got == [made]


def test_grouped_error_callbacks_get_the_first_few(told):
    reactor, got = get_reactor(), []
    reactor.addErrorCallback(got.append, grouped=True)
    try:
        for _ in range(10):
            report(caught())
        flush()
    finally:
        reactor.removeErrorCallback(got.append)
    assert len(got) == 3


# --- Trouble ---------------------------------------------------------------------------------------------------


def test_trouble_with_a_subscriber_is_grouped_as_well(told):
    """A broken subscriber in a storm of failures must not be a storm of its own."""

    def broken(record):
        raise ValueError("mine")

    subscribe(broken)
    for _ in range(50):
        report(caught())
    flush()
    assert sorted(told.lines()) == [("failure", 1)] * 6 + [("summary", 47)] * 2
    assert [group.count for group in recent()] == [50, 50]


def test_a_subscriber_that_takes_long_is_named(told, monkeypatch):
    now = 0.0
    monkeypatch.setattr(_hub, "perf_counter", lambda: now)

    def slow(record):
        nonlocal now
        now += 0.25

    subscribe(slow)
    report(caught())
    complaint = told[1].failure.value
    assert isinstance(complaint, SlowSubscriber)
    assert complaint.seconds == 0.25
    assert "slow" in complaint.subscriber
    assert "took 0.250 s" in str(complaint)
    assert "thread=True" in str(complaint)
    assert told[1].source == "subscriber"


def test_a_subscriber_that_ends_the_program_does_not(told):
    def leaving(record):
        sys.exit(3)

    got = []
    subscribe(leaving)
    subscribe(got.append)
    report(caught())
    assert len(got) == 1
    assert told[1].failure.check(SystemExit)


# --- In threads ------------------------------------------------------------------------------------------------


def test_a_subscriber_in_a_thread(told):
    got, threads = [], set()

    def note(record):
        threads.add(threading.current_thread())
        got.append(record.failure)

    subscribe(note, thread=True)
    made = [caught() for _ in range(5)]
    for each in made:
        report(each)
    flush()
    assert got == made
    assert threads.isdisjoint({threading.main_thread()})
    assert len(threads) == 1


def test_a_thread_that_blocks_holds_up_nobody(told):
    """What finds its queue full is dropped, counted and said."""
    entered, leave, got = threading.Event(), threading.Event(), []

    def blocking(record):
        entered.set()
        leave.wait(30)
        got.append(record)

    subscribe(blocking, thread=True, queue_limit=2)
    report(caught())
    assert entered.wait(30)
    for _ in range(9):
        report(caught())
    assert got == []
    leave.set()
    flush()
    assert len(got) == 3
    dropped = [each.failure.value for each in told if each.failure.check(ReportsDropped)]
    assert [each.count for each in dropped] == [7]
    assert "7 reports were not given to" in str(dropped[0])
    assert "blocking" in str(dropped[0])


def test_a_thread_that_raises_is_reported_and_goes_on(told):
    got = []

    def broken(record):
        got.append(record)
        raise ValueError("mine")

    subscribe(broken, thread=True)
    report(KeyError())
    report(OSError())
    flush()
    assert len(got) == 2
    assert [each.failure.type for each in told if each.source == "subscriber"] == [ValueError] * 2


def test_a_thread_that_reports_is_not_given_its_own(told):
    got = []

    def busy(record):
        got.append(record)
        report(KeyError())

    subscribe(busy, thread=True)
    report(ValueError())
    flush()
    assert [each.failure.type for each in got] == [ValueError]
    assert {each.failure.type for each in told} == {ValueError, KeyError}


def test_unsubscribing_ends_the_thread(told):
    threads = []

    def note(record):
        threads.append(threading.current_thread())

    subscribe(note, thread=True)
    report(caught())
    flush()
    unsubscribe(note)
    threads[0].join(30)
    assert not threads[0].is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_thread_again(told):
    reading, writing = os.pipe()
    subscribe(lambda record: os.write(writing, b"x"), thread=True)
    report(caught())
    flush()
    child = os.fork()
    if not child:
        try:
            report(caught())
            flush()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) == b"xx"
    os.close(reading)
    os.close(writing)
