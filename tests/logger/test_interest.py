"""An event that nobody wants is not made, and one that somebody wants is never lost."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, strategies as st

from selvage.logger import (
    FilteringLogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    PredicateResult,
    levels_changed,
)
from selvage.logger._interest import gate_for
from tests.work import calls_made


def filtered(observer, level, **levels):
    predicate = LogLevelFilterPredicate(level)
    for namespace, its in levels.items():
        predicate.setLogLevelForNamespace(namespace, its)
    return FilteringLogObserver(observer, [predicate])


class Telling:
    """A value that knows whether it was looked at."""

    looked_at = False

    def __repr__(self):
        self.looked_at = True
        return "told"


def test_a_disabled_level_costs_one_call_and_looks_at_nothing():
    events = []
    log = Logger("a", observer=LogPublisher(filtered(events.append, LogLevel.info)))
    value = Telling()

    def nothing():
        pass

    # The call itself, and that of the lambda around it.
    assert calls_made(lambda: log.debug("{value}", value=value)) == calls_made(lambda: nothing())
    assert events == []
    assert not value.looked_at


def test_the_logger_of_a_class_costs_its_look_up_more():
    class Service:
        log = Logger(observer=LogPublisher(filtered([].append, LogLevel.info)))

    service = Service()
    service.log.debug("once")

    # __get__ itself, id(), the weak reference, __new__; and the method.
    assert calls_made(lambda: service.log.debug("x")) <= 7


def test_levels_that_change_open_and_shut_loggers_that_exist():
    events = []
    predicate = LogLevelFilterPredicate(LogLevel.warn)
    publisher = LogPublisher(FilteringLogObserver(events.append, [predicate]))
    log, other = Logger("a.b", observer=publisher), Logger("c", observer=publisher)
    log.info("too low")
    predicate.setLogLevelForNamespace("a", LogLevel.info)
    log.info("now")
    other.info("too low")
    predicate.defaultLogLevel = LogLevel.debug
    other.debug("now")
    predicate.clearLogLevels()
    log.debug("now")
    predicate.setLogLevelForNamespace("", LogLevel.critical)
    log.error("too low")
    assert [event["log_format"] for event in events] == ["now"] * 3


def test_observers_that_come_and_go_open_and_shut_loggers_that_exist():
    events, more = [], []
    publisher = LogPublisher()
    inner = LogPublisher()
    log = Logger("a", observer=publisher)
    bound = type("Service", (), {"log": Logger(observer=publisher)})().log
    for each in log, bound:
        each.critical("nobody")
    publisher.addObserver(filtered(events.append, LogLevel.error))
    publisher.addObserver(inner)
    for each in log, bound:
        each.error("one")
        each.info("nobody")
    inner.addObserver(more.append)
    for each in log, bound:
        each.debug("the other")
    inner.removeObserver(more.append)
    for each in log, bound:
        each.debug("nobody")
    assert [event["log_format"] for event in events] == ["one"] * 2
    assert [event["log_format"] for event in more] == ["the other"] * 2


def test_with_nobody_there_nothing_is_made():
    publisher = LogPublisher()
    gate = gate_for(publisher, "a")
    assert not any(gate.wants(level) for level in LogLevel)
    publisher.addObserver([].append)
    assert all(gate.wants(level) for level in LogLevel)


def test_an_observer_of_the_programs_own_may_take_part():
    class Sampling:
        least = LogLevel.warn

        def __init__(self):
            self.seen = []

        def __call__(self, event):
            self.seen.append(event["log_format"])

        def least_level(self, namespace):
            return None if namespace == "noise" else self.least

    sampling = Sampling()
    publisher = LogPublisher(sampling)
    log, noise = Logger("a", observer=publisher), Logger("noise", observer=publisher)
    log.info("no")
    noise.critical("no")
    sampling.least = LogLevel.debug
    levels_changed()
    log.debug("yes")
    noise.critical("no")
    assert sampling.seen == ["yes"]


def test_an_observer_whose_answer_raises_gets_everything():
    class Broken(list):
        __call__ = list.append

        def least_level(self, namespace):
            raise ZeroDivisionError

        __hash__ = object.__hash__

    broken = Broken()
    Logger("a", observer=LogPublisher(broken)).debug("all the same")
    assert len(broken) == 1


def test_who_gets_what_was_filtered_out_wants_it():
    passed, rest = [], []
    observer = FilteringLogObserver(passed.append, [LogLevelFilterPredicate(LogLevel.error)], rest.append)
    log = Logger("a", observer=LogPublisher(observer))
    log.debug("low")
    log.error("high")
    assert [event["log_format"] for event in passed] == ["high"]
    assert [event["log_format"] for event in rest] == ["low"]


def test_a_predicate_that_may_say_yes_to_anything_keeps_the_gate_open():
    events = []

    def always(event):
        return PredicateResult.yes

    observer = FilteringLogObserver(events.append, [always, LogLevelFilterPredicate(LogLevel.error)])
    log = Logger("a", observer=LogPublisher(observer))
    log.debug("low")
    assert len(events) == 1


def test_an_event_that_is_traced_passes_shut_gates():
    publisher = LogPublisher(filtered([].append, LogLevel.error))
    log = Logger("a", observer=publisher)
    trace = []
    log.debug("where does it go?", log_trace=trace)
    log.emit(LogLevel.debug, "and this?", log_trace=trace)
    assert trace[0] == (log, publisher)
    assert len(trace) == 4


def test_changes_in_one_thread_while_others_log():
    """Whatever is logged after `setLogLevelForNamespace` has returned arrives."""
    events = []
    predicate = LogLevelFilterPredicate(LogLevel.critical)
    publisher = LogPublisher(FilteringLogObserver(events.append, [predicate]))
    log = Logger("a", observer=publisher)
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            log.debug("noise", noise=True)
            Logger("a", observer=publisher).debug("noise", noise=True)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for number in range(200):
            predicate.setLogLevelForNamespace("a", LogLevel.info)
            log.info("heard", number=number)
            predicate.setLogLevelForNamespace("a", LogLevel.critical)
    finally:
        stop.set()
        thread.join()
    assert [event["number"] for event in events if "number" in event] == list(range(200))


namespaces = st.sampled_from(["a", "a.b", "a.b.c", "d", ""])
levels = st.sampled_from(LogLevel)
predicates = st.builds(
    lambda default, its: (default, its), levels, st.dictionaries(namespaces, levels, max_size=3)
)


@given(
    st.lists(st.lists(predicates, max_size=2), max_size=3),
    st.booleans(),
    st.lists(st.tuples(namespaces, levels), max_size=8),
)
def test_what_arrives_is_what_would_arrive_without_gates(observers, nested, logged):
    heard = []

    def observer_of(number, described):
        made = []
        for default, its in described:
            predicate = LogLevelFilterPredicate(default)
            for namespace, level in its.items():
                predicate.setLogLevelForNamespace(namespace, level)
            made.append(predicate)
        return FilteringLogObserver(
            lambda event: heard.append((number, event["log_namespace"], event["log_level"])), made
        )

    publisher = LogPublisher(*(observer_of(number, described) for number, described in enumerate(observers)))
    if nested:
        publisher = LogPublisher(publisher)
    for namespace, level in logged:
        publisher({"log_namespace": namespace, "log_level": level})
    expected = list(heard)
    heard.clear()
    for namespace, level in logged:
        Logger(namespace, observer=publisher).emit(level, "x")
    assert heard == expected


@pytest.mark.parametrize("level", LogLevel, ids=lambda level: level.name)
def test_each_method_asks_its_own_flag(level):
    events = []
    publisher = LogPublisher(filtered(events.append, level))
    log = Logger("a", observer=publisher)
    for each in LogLevel:
        getattr(log, each.name)("x")
        log.emit(each, "y")
    wanted = [each for each in LogLevel if each >= level]
    assert [event["log_level"] for event in events] == [each for each in wanted for _ in range(2)]
