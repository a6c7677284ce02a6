"""What nobody handled, and what the engine mentions, in the log."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import textwrap

import pytest

from selvage import _events
from selvage.defer import Deferred
from selvage.failure import Failure, flush, report, subscribe, unsubscribe
from selvage.logger import LogLevel, capturedLogs, formatEvent, globalLogPublisher

pytestmark = pytest.mark.usefixtures("connected")


def failed(error: Exception) -> Failure:
    try:
        raise error
    except Exception:
        return Failure()


def test_an_unhandled_failure_is_one_critical_event():
    failure = failed(ValueError("lost"))
    with capturedLogs() as events:
        report(failure, "Unhandled error in dataReceived", source="protocol", where="there")
    (event,) = events
    assert event["log_failure"] is failure
    assert event["log_level"] is LogLevel.critical
    assert event["log_namespace"] == "selvage.protocols"
    assert event["where"] == "there"
    assert formatEvent(event) == "Unhandled error in dataReceived"


def test_equal_failures_are_a_few_events_and_a_summary():
    with capturedLogs() as events:
        for number in range(1000):
            report(
                failed(ValueError(f"{{lost}} {number}")), "Unhandled error in dataReceived", source="protocol"
            )
        flush()
    *told, summary = events
    assert len(told) == 10
    assert {event["report_fingerprint"] for event in events[:10]} == {summary["report_fingerprint"]}
    assert (summary["report_kind"], summary["report_count"]) == ("summary", 990)
    assert summary["log_level"] is LogLevel.critical
    assert "log_failure" not in summary
    assert "990 more in the last" in formatEvent(summary)
    assert "ValueError: {lost} 0" in formatEvent(summary)


def test_a_failed_deferred_is_two_events_as_twisted_says_it():
    """One names it, the other holds the failure; programs that watch Twisted's log look for both."""
    with capturedLogs() as events:
        deferred: Deferred[None] = Deferred()
        deferred.errback(failed(ValueError("lost")))
        del deferred
    named, held = events
    assert formatEvent(named) == "Unhandled error in Deferred:"
    assert "log_failure" not in named
    assert held["log_failure"].check(ValueError)
    assert {event["log_level"] for event in events} == {LogLevel.critical}


def test_braces_of_a_message_are_text_and_context_may_have_any_name():
    with capturedLogs() as events:
        report(
            failed(ValueError("lost")), "{not a field}", format="f", level=2, log_format="g", namespace="n"
        )
    assert formatEvent(events[0]) == "{not a field}"


def test_subscribers_of_the_hub_are_still_called():
    told = []
    subscribe(told.append)
    try:
        with capturedLogs() as events:
            report(failed(ValueError("lost")), "once")
    finally:
        unsubscribe(told.append)
    assert [each.message for each in told] == ["once"]
    assert len(events) == 1


def test_mentions_keep_namespace_level_source_and_fields():
    here = object()
    with capturedLogs() as events:
        _events.emit("selvage.protocols.Factory", "info", "Starting {what}", what="it", log_source=here)
        _events.emit("selvage.protocols.Factory", "warn", "Plain")
    first, second = events
    assert first["log_namespace"] == "selvage.protocols.Factory"
    assert first["log_level"] is LogLevel.info
    assert first["log_source"] is here
    assert formatEvent(first) == "Starting it"
    assert second["log_level"] is LogLevel.warn


def test_fields_of_mentions_may_have_any_name():
    with capturedLogs() as events:
        _events.emit("selvage", "info", "{format} {level} {self}", format=1, level=2, self=3)
    assert formatEvent(events[0]) == "1 2 3"


def test_when_nobody_listens_any_more_failures_are_printed(capsys):
    observers = globalLogPublisher._observers
    globalLogPublisher._exchange(observers, ())
    try:
        report(failed(ValueError("lost")), "nobody listens")
    finally:
        globalLogPublisher._exchange((), observers)
    assert capsys.readouterr().err.count("nobody listens") == 1


def test_an_observer_of_the_program_that_fails_reaches_the_hub_and_the_other_observers():
    def broken(event):
        raise ZeroDivisionError("the observer's")

    told = []
    subscribe(told.append)
    globalLogPublisher.addObserver(broken)
    try:
        with capturedLogs() as events:
            _events.emit("selvage", "info", "hello")
    finally:
        globalLogPublisher.removeObserver(broken)
        unsubscribe(told.append)
    assert [formatEvent(event) for event in events if "log_failure" not in event] == ["hello"]
    assert [event["observer"] for event in events if "log_failure" in event] == [broken]
    assert [each.source for each in told] == ["observer"]


def python(code: str) -> tuple[str, str]:
    """Run `code` in a fresh interpreter; return what it printed to stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.slow
def test_before_the_log_begins_the_failure_is_still_printed():
    _, errors = python("""
        import selvage.logger
        from selvage.failure import Failure, report
        report(Failure(ValueError("lost")), "nobody listens")
    """)
    assert errors.count("nobody listens") == 1
    assert errors.count("lost") == 1


@pytest.mark.slow
def test_the_only_observer_that_fails_is_printed_once_an_event_and_ends_nothing():
    output, errors = python("""
        from selvage.logger import Logger, globalLogBeginner
        def full(event):
            raise OSError(28, "No space left on device")
        globalLogBeginner.beginLoggingTo([full], redirectStandardIO=False)
        Logger("shop").info("sold")
        Logger("shop").info("sold")
        print("goes on")
    """)
    assert output == "goes on\n"
    assert errors.count("OSError: [Errno 28]") == 2


@pytest.mark.slow
@pytest.mark.needs_twisted
@pytest.mark.skipif(
    importlib.util.find_spec("twisted") is None, reason="runs the trial of an installed Twisted"
)
def test_trial_sees_each_unhandled_failure_exactly_once(tmp_path):
    (tmp_path / "test_sample.py").write_text(
        textwrap.dedent("""
            from twisted.trial.unittest import SynchronousTestCase
            from twisted.internet.defer import Deferred, fail
            from selvage.failure import Failure, report

            class Case(SynchronousTestCase):
                def test_flushed(self):
                    report(Failure(ValueError("lost")))
                    self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

                def test_flushed_of_deferred(self):
                    d = fail(ValueError("lost"))
                    del d
                    self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

                def test_unflushed(self):
                    report(Failure(ValueError("not flushed")))
        """)
    )
    done = subprocess.run(
        [sys.executable, "-m", "selvage", "twisted", "-m", "twisted.trial", "test_sample"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=50,
    )
    assert done.returncode == 1
    assert "FAILED (errors=1, successes=2)" in done.stdout
    assert done.stdout.count("not flushed") == 1
