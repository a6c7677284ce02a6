"""The hub and the events of Selvage, seen through an installed twisted.logger; each test in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.needs_twisted]

BEFORE = """\
import selvage
selvage.install_twisted()
from selvage import _events
from selvage.failure import Failure, report, subscribe
from twisted.logger import globalLogBeginner, LogLevel
events = []
globalLogBeginner.beginLoggingTo([events.append], redirectStandardIO=False)
def failed(error=ValueError("lost")):
    try:
        raise error
    except Exception:
        return Failure()
"""


def python(code: str, before: str = BEFORE) -> tuple[str, str]:
    """Run `before` and `code` in a fresh interpreter; return what it printed to stdout and stderr."""
    done = subprocess.run(
        [sys.executable, "-c", before + textwrap.dedent(code)], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_an_unhandled_failure_is_one_critical_event_and_nothing_on_stderr() -> None:
    output, errors = python("""
        failure = failed()
        report(failure, "Unhandled error in dataReceived", source="protocol", where="there")
        (event,) = events
        print(event["log_failure"] is failure, event["log_level"].name, event["log_namespace"])
        print(event["log_format"], event["where"])
    """)
    assert output.splitlines() == [
        "True critical twisted.internet.base",
        "Unhandled error in dataReceived there",
    ]
    assert errors == ""


def test_a_failed_deferred_is_two_events_as_twisted_says_it() -> None:
    """One names it, the other holds the failure; programs that watch Twisted's log look for both."""
    output, _ = python("""
        failure = failed()
        report(failure, "Unhandled error in Deferred:", source="deferred")
        named, held = events
        print(named["log_format"], "log_failure" in named)
        print(held["log_failure"] is failure, {e["log_namespace"] for e in events}, held["log_level"].name)
    """)
    assert output.splitlines() == [
        "Unhandled error in Deferred: False",
        "True {'twisted.internet.defer'} critical",
    ]


def test_braces_of_a_message_are_text_and_context_may_have_any_name() -> None:
    output, _ = python("""
        from twisted.logger import formatEvent
        report(failed(), "{not a field}", format="f", level=2, log_format="g")
        print(formatEvent(events[0]))
    """)
    assert output.strip() == "{not a field}"


def test_subscribers_of_the_hub_are_still_called() -> None:
    output, _ = python("""
        subscribe(lambda report: print("subscriber", report.message))
        report(failed(), "once")
        print(len(events))
    """)
    assert output.split() == ["subscriber", "once", "1"]


def test_before_the_log_begins_the_failure_is_still_printed() -> None:
    """Twisted prints critical events to stderr as long as nobody has begun to log."""
    _, errors = python(
        """
        import selvage
        selvage.install_twisted()
        import twisted.logger
        from selvage.failure import Failure, report
        report(Failure(ValueError("lost")), "nobody listens")
        """,
        before="",
    )
    assert errors.count("nobody listens") == 1
    assert errors.count("lost") == 1


def test_events_keep_namespace_level_source_and_fields() -> None:
    output, _ = python("""
        from twisted.logger import formatEvent
        here = object()
        _events.emit("selvage.protocols.Factory", "info", "Starting {what}", what="it", log_source=here)
        _events.emit("selvage.protocols.Factory", "warn", "Plain")
        first, second = events
        print(first["log_namespace"], first["log_level"].name, formatEvent(first), first["log_source"] is here)
        print(second["log_level"].name, formatEvent(second))
    """)
    assert output.splitlines() == ["selvage.protocols.Factory info Starting it True", "warn Plain"]


def test_trial_sees_each_unhandled_failure_exactly_once(tmp_path) -> None:
    (tmp_path / "test_sample.py").write_text(
        textwrap.dedent("""
            from twisted.trial.unittest import SynchronousTestCase
            from selvage.failure import Failure, report

            class Case(SynchronousTestCase):
                def test_flushed(self):
                    report(Failure(ValueError("lost")))
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
    assert "FAILED (errors=1, successes=1)" in done.stdout
    assert done.stdout.count("not flushed") == 1
