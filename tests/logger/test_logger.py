"""What programs log with."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import pytest

from selvage.failure import Failure
from selvage.logger import (
    InvalidLogLevelError,
    Logger,
    LogLevel,
    LogPublisher,
    _loggerFor,
    capturedLogs,
    formatEvent,
    globalLogPublisher,
)


@pytest.mark.parametrize("level", LogLevel, ids=lambda level: level.name)
def test_each_level_has_a_method(heard, level):
    getattr(heard.log, level.name)("{a} and {b}", a=1, b=2)
    (event,) = heard
    assert event["log_level"] is level
    assert event["log_format"] == "{a} and {b}"
    assert event["log_namespace"] == "here"
    assert event["log_logger"] is heard.log
    assert event["log_source"] is None
    assert isinstance(event["log_time"], float)
    assert formatEvent(event) == "1 and 2"


def test_an_event_may_have_no_format(heard):
    heard.log.info(only="a field")
    assert heard[0]["log_format"] is None
    assert formatEvent(heard[0]) == ""


def test_the_namespace_is_the_module_that_makes_the_logger():
    assert Logger().namespace == __name__
    made = {}
    exec("log = Logger()", {"Logger": Logger}, made)
    assert made["log"].namespace == "<unknown>"


def test_by_default_everybody_who_listens_hears():
    assert Logger().observer is globalLogPublisher
    with capturedLogs() as events:
        Logger("there").info("hello")
    assert [formatEvent(event) for event in events] == ["hello"]


class Service:
    log = Logger()


class Derived(Service):
    pass


def test_in_a_class_body_it_speaks_for_classes_and_instances():
    service = Service()
    assert service.log.namespace == Service.log.namespace == f"{__name__}.Service"
    assert Service.log.source is Service
    assert service.log.source is service
    assert Derived().log.namespace == f"{__name__}.Derived"
    with capturedLogs() as events:
        service.log.info("{log_source.log}")
    assert events[0]["log_source"] is service


def test_in_a_class_body_the_observer_is_passed_on(heard):
    class Here:
        log = Logger(observer=heard.publisher)

    Here().log.info("hello")
    Here.log.info("hello")
    assert len(heard) == 2


def test_the_logger_of_a_class_keeps_neither_classes_nor_instances_alive():
    class Base:
        log = Logger()

    made = type("Made", (Base,), {})
    instance = made()
    assert instance.log.namespace == f"{__name__}.Made"
    kept = weakref.ref(made), weakref.ref(instance)
    del made, instance
    gc.collect()
    assert [each() for each in kept] == [None, None]
    assert not Base.__dict__["log"]._owners


def test_the_logger_of_an_object_whose_class_has_none():
    service = object.__new__(Service)
    log = _loggerFor(service)
    assert log.namespace == f"{__name__}.Service"
    assert log.source is service


def test_observer_and_namespace_may_be_replaced(heard):
    log = Logger("before", observer=LogPublisher())
    log.observer = heard.publisher
    log.namespace = "after"
    log.info("hello")
    assert [event["log_namespace"] for event in heard] == ["after"]


def test_replacing_the_observer_in_a_class_body_holds_for_classes_that_were_asked_before(heard):
    class Here:
        log = Logger(observer=LogPublisher())

    assert Here.log.observer is not heard.publisher
    Here.__dict__["log"].observer = heard.publisher
    Here.log.info("hello")
    assert len(heard) == 1


def test_fields_cannot_pose_as_what_the_logger_says(heard):
    heard.log.warn(
        "*", log_format="#", log_level=LogLevel.error, log_namespace="*", log_source="*", log_time=0
    )
    (event,) = heard
    assert (event["log_format"], event["log_level"]) == ("*", LogLevel.warn)
    assert (event["log_namespace"], event["log_source"]) == ("here", None)
    assert event["log_time"] > 0


def test_a_level_that_is_none_is_an_event_of_its_own(heard):
    heard.log.emit("loud", "hello")
    (event,) = heard
    assert event["log_failure"].check(InvalidLogLevelError)
    assert "'loud'" in formatEvent(event)


def test_failure_takes_the_exception_that_is_being_handled(heard):
    try:
        raise KeyError("load")
    except KeyError:
        heard.log.failure("while looking up {what}", what="the load")
    heard.log.failure("again", Failure(ValueError()), LogLevel.warn)
    first, second = heard
    assert first["log_failure"].check(KeyError)
    assert first["log_level"] is LogLevel.critical
    assert formatEvent(first) == "while looking up the load"
    assert second["log_level"] is LogLevel.warn


def test_failures_handled_logs_and_goes_on(heard):
    with heard.log.failuresHandled("while {doing}", LogLevel.error, doing="this") as operation:
        assert not operation.succeeded and not operation.failed
        raise KeyboardInterrupt
    assert operation.failed and not operation.succeeded
    assert operation.failure.check(KeyboardInterrupt)
    (event,) = heard
    assert event["log_failure"] is operation.failure
    assert event["log_level"] is LogLevel.error
    assert formatEvent(event) == "while this"
    with heard.log.failuresHandled("while that") as operation:
        pass
    assert operation.succeeded and not operation.failed and operation.failure is None
    assert len(heard) == 1


def test_failure_handler_may_be_used_any_number_of_times(heard):
    handler = heard.log.failureHandler("oh", LogLevel.warn)
    for number in range(3):
        with handler as nothing:
            assert nothing is None
            if number:
                raise ValueError(number)
    assert [event["log_failure"].value.args for event in heard] == [(1,), (2,)]
    assert {event["log_level"] for event in heard} == {LogLevel.warn}


def test_who_overrides_emit_sees_every_event():
    """Even those that nobody wants."""
    seen = []

    class Counting(Logger):
        def emit(self, level, format=None, **kwargs):
            seen.append((level.name, format, kwargs))

    class Further(Counting):
        pass

    log = Further(observer=LogPublisher())
    for level in LogLevel:
        getattr(log, level.name)("x", n=1)
    log.failure("y", Failure(ValueError()))
    assert [name for name, _, _ in seen] == [*(level.name for level in LogLevel), "critical"]
    assert log.info.__doc__ == Logger.info.__doc__


def test_an_overridden_level_is_left_alone():
    class Quiet(Logger):
        def info(self, format=None, **kwargs):
            return "quiet"

        def emit(self, level, format=None, **kwargs):
            return None

    assert Quiet(observer=LogPublisher()).info("x") == "quiet"


def test_an_observer_that_is_no_publisher_raises_into_the_program():
    """It is the program's own call, as with Twisted's loggers; publishers shield from it."""

    def broken(event):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Logger(observer=broken).info("x")


def test_a_copy_logs_to_whoever_listens_there(heard):
    class Owner:
        def __init__(self):
            self.log = Logger("a.b", source=self)

    owner = copy.deepcopy(Owner())
    assert owner.log.source is owner
    assert owner.log.observer is globalLogPublisher
    log = pickle.loads(pickle.dumps(Logger("a.b", source="s")))
    assert (log.namespace, log.source) == ("a.b", "s")
    assert copy.copy(heard.log).observer is heard.publisher


def test_repr():
    assert repr(Logger("a.b")) == "<Logger 'a.b'>"
