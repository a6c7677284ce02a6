"""Passing events on."""

from __future__ import annotations

import threading

import pytest

from selvage.failure import subscribe, unsubscribe
from selvage.logger import Logger, LogLevel, LogPublisher, formatEvent
from selvage.logger._util import formatTrace


@pytest.fixture
def told():
    reports = []
    subscribe(reports.append)
    yield reports
    unsubscribe(reports.append)


def test_each_observer_gets_each_event_in_order():
    order = []
    publisher = LogPublisher(lambda event: order.append(1), lambda event: order.append(2))
    third = order.append
    publisher.addObserver(third)
    publisher.addObserver(third)
    publisher({})
    assert order == [1, 2, {}]
    publisher.removeObserver(third)
    publisher.removeObserver(third)
    publisher({})
    assert order == [1, 2, {}, 1, 2]


def test_what_cannot_be_called_is_refused():
    with pytest.raises(TypeError, match="cannot be called"):
        LogPublisher().addObserver(3)


def test_observers_may_come_and_go_while_an_event_passes():
    publisher = LogPublisher()
    seen = []

    def once(event):
        seen.append("once")
        publisher.removeObserver(once)
        publisher.addObserver(seen.append)

    publisher.addObserver(once)
    publisher({"n": 1})
    publisher({"n": 2})
    assert seen == ["once", {"n": 2}]


def test_observers_may_be_added_in_many_threads_at_once():
    publisher = LogPublisher()
    go = threading.Event()

    def add():
        go.wait()
        for _ in range(50):
            publisher.addObserver([].append)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert len(publisher._observers) == 200


def test_an_observer_that_raises_disturbs_nobody_and_is_told_of(told):
    first, last = [], []

    def broken(event):
        raise ZeroDivisionError("mine")

    publisher = LogPublisher(first.append, broken, last.append)
    publisher({"n": 1})
    for events in first, last:
        assert events[0] == {"n": 1}
        assert events[1]["observer"] is broken
        assert events[1]["log_level"] is LogLevel.critical
        assert events[1]["log_failure"].check(ZeroDivisionError)
        assert "mine" in formatEvent(events[1])
        assert len(events) == 2
    assert [report.source for report in told] == ["observer"]
    publisher({"n": 2})
    assert first[2] == {"n": 2}


def test_observers_that_all_raise_end_nothing(told):
    def broken(event):
        raise ZeroDivisionError

    def another(event):
        raise KeyError

    LogPublisher(broken, another)({"n": 1})
    assert sorted(report.failure.type.__name__ for report in told) == ["KeyError", "ZeroDivisionError"]


def test_an_observer_that_logs_through_the_same_publisher_is_its_own_affair(heard):
    """A bounded recursion: the observer decides."""

    def echo(event):
        if event["log_format"] != "echo":
            heard.log.info("echo")

    heard.publisher.addObserver(echo)
    heard.log.info("hello")
    assert [event["log_format"] for event in heard] == ["hello", "echo"]


def test_an_observer_that_always_logs_ends_with_the_stack_and_is_told_of(told):
    """Endless recursion is an exception like another: reported, and the program goes on."""
    publisher = LogPublisher()
    log = Logger("a", observer=publisher)
    publisher.addObserver(lambda event: log.info("again"))
    log.info("begin")
    assert told
    assert all(report.failure.check(RecursionError) for report in told)


def test_leaving_the_program_is_no_error_of_the_observer():
    def leaving(event):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        LogPublisher(leaving)({})


def test_a_trace_tells_which_way_an_event_went():
    def last(event):
        pass

    def broken(event):
        raise ZeroDivisionError

    inner = LogPublisher(last)
    inner.name = "inner"
    outer = LogPublisher(inner, broken, last)
    log = Logger("a", observer=outer)
    trace = []
    log.info("x", log_trace=trace)
    assert trace[:4] == [(log, outer), (outer, inner), (inner, last), (outer, broken)]
    assert formatTrace(trace[:4]).splitlines() == [
        "<Logger 'a'>",
        f"  -> {outer}",
        f"    -> {inner} (inner)",
        f"      -> {last}",
        f"    -> {broken}",
    ]
    assert formatTrace([]) == ""
