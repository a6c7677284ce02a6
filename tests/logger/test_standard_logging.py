"""To and from the standard `logging`, in either direction and in both at once."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from selvage.failure import Failure
from selvage.logger import (
    FilteringLogObserver,
    Logger,
    LoggingHandler,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    STDLibLogObserver,
    formatEvent,
)


class Keeping(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


@pytest.fixture
def standard():
    """A logger of the standard `logging` that has nothing to do with others, and a handler that keeps its records."""
    logger = logging.getLogger("selvage.test.standard")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    handler = Keeping()
    logger.addHandler(handler)
    logger.records = handler.records
    yield logger
    logger.handlers.clear()
    logger.propagate = True


# --- Out ----------------------------------------------------------------------------------------------------------


def test_an_event_becomes_a_record(standard, heard):
    heard.publisher.addObserver(STDLibLogObserver(standard.name))
    heard.log.warn("{n} of {what}", n=7, what="it")
    here = sys._getframe().f_lineno - 1
    (record,) = standard.records
    assert (record.name, record.levelno) == (standard.name, logging.WARNING)
    assert record.getMessage() == "7 of it"
    assert record.args == ()
    assert (record.pathname, record.lineno) == (__file__, here)
    assert record.funcName == "test_an_event_becomes_a_record"
    assert record.exc_info is None
    assert record.log_event is heard[0]


@pytest.mark.parametrize(
    ("level", "number"),
    [(None, 20), (LogLevel.debug, 10), (LogLevel.info, 20), (LogLevel.error, 40), (LogLevel.critical, 50)],
)
def test_levels_out(standard, level, number):
    STDLibLogObserver(standard.name)({} if level is None else {"log_level": level})
    assert standard.records[0].levelno == number


def test_a_failure_out(standard):
    try:
        raise KeyError("k")
    except KeyError:
        failure = Failure()
    stream = io.StringIO()
    standard.addHandler(logging.StreamHandler(stream))
    observer = STDLibLogObserver(standard.name)
    observer({"log_format": "oh", "log_failure": failure})
    failure.cleanFailure()
    observer({"log_format": "oh again", "log_failure": failure})
    assert stream.getvalue().count("test_a_failure_out") == 2
    assert stream.getvalue().count("KeyError: 'k'") == 2


def test_the_namespace_may_name_the_logger(standard):
    STDLibLogObserver(name=None)({"log_format": "x", "log_namespace": standard.name})
    assert [record.name for record in standard.records] == [standard.name]


def test_a_record_that_nobody_wants_is_not_made(standard):
    standard.setLevel(logging.ERROR)
    STDLibLogObserver(standard.name)({"log_level": LogLevel.warn})
    assert standard.records == []


def test_how_far_up_the_caller_is(standard):
    def caller(depth):
        STDLibLogObserver(standard.name, stackDepth=depth)({})

    caller(STDLibLogObserver.defaultStackDepth)
    caller(STDLibLogObserver.defaultStackDepth + 1)
    caller(1000)
    names = [record.funcName for record in standard.records]
    assert names == ["caller", "test_how_far_up_the_caller_is", "(unknown function)"]


# --- In -----------------------------------------------------------------------------------------------------------


def test_a_record_becomes_an_event(standard, heard):
    standard.addHandler(LoggingHandler(heard.publisher))
    standard.warning("%d of %s", 7, "it", extra={"order": 17})
    (event,) = heard
    assert formatEvent(event) == "7 of it"
    assert event["log_level"] is LogLevel.warn
    assert event["log_namespace"] == standard.name
    assert event["log_time"] == event["log_record"].created
    assert event["order"] == 17
    assert "log_failure" not in event


def test_an_exception_in(standard, heard):
    standard.addHandler(LoggingHandler(heard.publisher))
    try:
        raise KeyError("k")
    except KeyError:
        standard.exception("oh")
    standard.error("none", exc_info=True)
    first, second = heard
    assert first["log_failure"].check(KeyError)
    assert "log_failure" not in second


@pytest.mark.parametrize(
    ("number", "level"),
    [(5, "debug"), (10, "debug"), (25, "info"), (30, "warn"), (45, "error"), (60, "critical")],
)
def test_levels_in(standard, heard, number, level):
    standard.setLevel(1)
    standard.addHandler(LoggingHandler(heard.publisher))
    standard.log(number, "x")
    assert heard[0]["log_level"].name == level


@pytest.mark.parametrize(
    ("message", "arguments", "text"),
    [
        ("no arguments %s", (), "no arguments %s"),
        ("%(a)s and %(b)03d", ({"a": 1, "b": 2},), "1 and 002"),
        (ValueError("an object"), (), "an object"),
        ("too few %s %s", (1,), "too few %s %s [could not be formatted with (1,): TypeError: "),
        ("own\nlines", (), "own\nlines"),
    ],
)
def test_texts_in(heard, message, arguments, text):
    record = logging.LogRecord("a", logging.INFO, "f.py", 1, message, arguments, None)
    LoggingHandler(heard.publisher).handle(record)
    assert formatEvent(heard[0]).startswith(text)


def test_the_stack_that_a_record_asked_for(standard, heard):
    standard.addHandler(LoggingHandler(heard.publisher))
    standard.info("x", stack_info=True)
    assert "test_the_stack_that_a_record_asked_for" in formatEvent(heard[0])


def test_a_record_whose_event_nobody_wants_makes_none():
    class Piece:
        def __str__(self):
            raise AssertionError("asked")

    publisher = LogPublisher(FilteringLogObserver([].append, [LogLevelFilterPredicate(LogLevel.error)]))
    record = logging.LogRecord("a", logging.WARNING, "f.py", 1, "%s", (Piece(),), None)
    LoggingHandler(publisher).handle(record)


# --- Both ---------------------------------------------------------------------------------------------------------


def test_both_at_once_each_hears_each_once(standard, heard):
    standard.addHandler(LoggingHandler(heard.publisher))
    heard.publisher.addObserver(STDLibLogObserver(standard.name))
    heard.log.info("an event")
    standard.info("a record")
    Logger("other", observer=heard.publisher).failure("oh", Failure(ValueError()))
    assert [formatEvent(event) for event in heard] == ["an event", "a record", "oh"]
    assert [record.getMessage() for record in standard.records] == ["an event", "a record", "oh"]


def test_two_pairs_in_a_ring_end_too(standard):
    """A -> standard -> B -> standard -> A: each publisher hears its own, and what was a record from the start."""
    first, second = [], []
    a, b = LogPublisher(first.append), LogPublisher(second.append)
    standard.addHandler(LoggingHandler(a))
    standard.addHandler(LoggingHandler(b))
    a.addObserver(STDLibLogObserver(standard.name))
    b.addObserver(STDLibLogObserver(standard.name))
    Logger("a", observer=a).info("of a")
    standard.info("of the standard")
    assert [formatEvent(event) for event in first] == ["of a", "of the standard"]
    assert [formatEvent(event) for event in second] == ["of the standard"]
    assert len(standard.records) == 2


def test_a_handler_that_logs_by_our_log_ends(standard, heard):
    """The handler's own event comes back to it as a record from us, and is recognised."""

    class Chatty(logging.Handler):
        def emit(self, record):
            if not hasattr(record, "log_event"):
                heard.log.info("handling")

    heard.publisher.addObserver(STDLibLogObserver(standard.name))
    standard.addHandler(LoggingHandler(heard.publisher))
    standard.addHandler(Chatty())
    standard.info("a record")
    assert [formatEvent(event) for event in heard] == ["a record", "handling"]
