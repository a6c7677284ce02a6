"""Choosing which events an observer gets."""

from __future__ import annotations

import pytest

from selvage.logger import (
    FilteringLogObserver,
    InvalidLogLevelError,
    LimitedHistoryLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    PredicateResult,
)

YES, NO, MAYBE = PredicateResult.yes, PredicateResult.no, PredicateResult.maybe


@pytest.mark.parametrize(
    ("answers", "passes"),
    [
        ([], True),
        ([MAYBE], True),
        ([NO], False),
        ([YES, NO], True),
        ([MAYBE, NO, YES], False),
        ([MAYBE, YES], True),
    ],
)
def test_predicates_are_asked_until_one_decides(answers, passes):
    passed, rest, asked = [], [], []

    def predicate(answer):
        return lambda event: asked.append(answer) or answer

    observer = FilteringLogObserver(passed.append, [predicate(answer) for answer in answers], rest.append)
    observer({"n": 1})
    assert (passed, rest) == (([{"n": 1}], []) if passes else ([], [{"n": 1}]))
    decided = [answer for answer in answers if answer is not MAYBE]
    assert [answer for answer in asked if answer is not MAYBE] == decided[:1]


def test_what_is_no_answer_is_refused_by_name():
    with pytest.raises(TypeError, match="returned None"):
        FilteringLogObserver([].append, [lambda event: None])({})


def test_predicates_may_come_from_an_iterator():
    passed = []
    observer = FilteringLogObserver(passed.append, iter([lambda event: NO]))
    observer({})
    observer({})
    assert passed == []


def test_a_trace_shows_where_an_event_went_and_stopped():
    passed, rest = [].append, [].append
    passing = FilteringLogObserver(passed, [])
    stopping = FilteringLogObserver(passed, [lambda event: NO])
    turning = FilteringLogObserver(passed, [lambda event: NO], rest)
    publisher = LogPublisher(passing, stopping, turning)
    event = {"log_trace": []}
    publisher(event)
    assert event["log_trace"] == [
        (publisher, passing),
        (passing, passed),
        (publisher, stopping),
        (publisher, turning),
        (turning, rest),
    ]


def test_levels_hold_for_what_is_below_a_namespace():
    predicate = LogLevelFilterPredicate(LogLevel.error)
    predicate.setLogLevelForNamespace("a.b", LogLevel.debug)
    predicate.setLogLevelForNamespace("a.b.c", LogLevel.warn)
    level = predicate.logLevelForNamespace
    assert [level(name) for name in ("", None, "a", "a.bb", "x.a.b")] == [LogLevel.error] * 5
    assert [level(name) for name in ("a.b", "a.b.x", "a.b.x.y")] == [LogLevel.debug] * 3
    assert [level(name) for name in ("a.b.c", "a.b.c.x")] == [LogLevel.warn] * 2
    assert predicate.lowest() is LogLevel.debug
    predicate.setLogLevelForNamespace("", LogLevel.info)
    assert level("a") is LogLevel.info
    predicate.clearLogLevels()
    assert level("a.b") is predicate.defaultLogLevel is predicate.lowest() is LogLevel.error


@pytest.mark.parametrize("level", ["debug", None, 10, object()])
def test_what_is_no_level_is_refused(level):
    with pytest.raises(InvalidLogLevelError):
        LogLevelFilterPredicate().setLogLevelForNamespace("a", level)


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ({"log_namespace": "a", "log_level": LogLevel.info}, MAYBE),
        ({"log_namespace": "a", "log_level": LogLevel.debug}, NO),
        ({"log_namespace": "", "log_level": LogLevel.critical}, NO),
        ({"log_namespace": None, "log_level": LogLevel.critical}, NO),
        ({"log_namespace": "a", "log_level": None}, NO),
        ({"log_namespace": "a"}, NO),
        ({}, NO),
    ],
)
def test_the_level_of_an_event(event, answer):
    assert LogLevelFilterPredicate()(event) is answer


def test_namespaces_that_are_made_up_do_not_fill_the_memory():
    predicate = LogLevelFilterPredicate()
    for number in range(10_000):
        predicate.logLevelForNamespace(f"made.up.{number}")
    assert len(predicate._found) <= 4096


def test_the_last_events_are_kept():
    kept = LimitedHistoryLogObserver(3)
    for number in range(5):
        kept({"n": number})
    again = []
    kept.replayTo(again.append)
    kept.replayTo(lambda event: kept(event))
    assert again == [{"n": 2}, {"n": 3}, {"n": 4}]
    everything = LimitedHistoryLogObserver(None)
    for number in range(100_000):
        everything({})
    assert len(everything._buffer) == 100_000
