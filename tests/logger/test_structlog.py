"""structlog on top."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import textwrap

import pytest

from selvage.logger import LogLevel, LogPublisher, bound, formatEvent
from selvage.logger.structlog import LoggerFactory, to_event

structlog = pytest.importorskip("structlog")


@pytest.fixture
def get_logger(heard):
    structlog.reset_defaults()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, to_event],
        logger_factory=LoggerFactory(heard.publisher),
    )
    yield structlog.get_logger
    structlog.reset_defaults()


def test_events_and_fields(get_logger, heard):
    log = get_logger("shop").bind(order=17)
    log.info("sold {not a field}\nin two lines", item=3)
    (event,) = heard
    assert formatEvent(event) == "sold {not a field}\nin two lines"
    assert (event["log_namespace"], event["log_level"]) == ("shop", LogLevel.info)
    assert (event["order"], event["item"]) == (17, 3)
    assert "event" not in event


@pytest.mark.parametrize("wrapper", ["generic", "filtering"])
@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("debug", "debug"),
        ("info", "info"),
        ("msg", "info"),
        ("warn", "warn"),
        ("warning", "warn"),
        ("error", "error"),
        ("critical", "critical"),
        ("fatal", "critical"),
    ],
)
def test_the_names_of_structlogs_levels(get_logger, heard, wrapper, method, level):
    if wrapper == "filtering":
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    getattr(get_logger("shop"), method)("x")
    assert heard[0]["log_level"].name == level


@pytest.mark.parametrize("wrapper", ["generic", "filtering"])
def test_exceptions(get_logger, heard, wrapper):
    if wrapper == "filtering":
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    log = get_logger("shop")
    try:
        raise KeyError("k")
    except KeyError as error:
        log.exception("oh")
        log.error("oh", exc_info=True)
        log.error("oh", exc_info=error)
        log.error("oh", exc_info=sys.exc_info())
    log.error("none", exc_info=True)
    assert all(event["log_failure"].check(KeyError) for event in heard[:4])
    assert "log_failure" not in heard[4]
    assert {event["log_level"] for event in heard} == {LogLevel.error}


def test_what_is_bound_here_and_there(get_logger, heard):
    with structlog.contextvars.bound_contextvars(theirs=1), bound(ours=2):
        get_logger("shop").info("x")
    assert (heard[0]["theirs"], heard[0]["ours"]) == (1, 2)


def test_without_a_name_it_is_the_module_that_asks(get_logger, heard):
    get_logger().info("x")
    assert heard[0]["log_namespace"] == __name__


def test_what_nobody_wants_goes_no_further(get_logger):
    nobody = LogPublisher()
    structlog.configure(logger_factory=LoggerFactory(nobody))
    get_logger("shop").info("x")


@pytest.mark.slow
def test_structlogs_own_module_for_twisted_works_on_the_wing():
    code = """
        import selvage
        selvage.install_twisted()
        import sys, structlog, structlog.twisted
        from twisted.python import log
        log.startLoggingWithObserver(structlog.twisted.plainJSONStdOutLogger(), setStdout=False)
        structlog.configure(
            processors=[structlog.twisted.EventAdapter()],
            logger_factory=structlog.twisted.LoggerFactory(),
            wrapper_class=structlog.twisted.BoundLogger,
        )
        logger = structlog.get_logger("shop").bind(order=17)
        logger.msg("sold")
        try:
            1 / 0
        except ZeroDivisionError:
            logger.err(event="oh")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    opened, sold, failed = map(json.loads, done.stdout.splitlines())
    assert opened["event"] == "Log opened."
    assert sold["event"] == {"event": "sold", "order": 17} or "sold" in str(sold)
    assert "ZeroDivisionError" in str(failed)
