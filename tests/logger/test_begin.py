"""How a program begins to log."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import types
import warnings

import pytest

from selvage.failure import Failure
from selvage.logger import LogBeginner, Logger, LoggingFile, LogLevel, LogPublisher, formatEvent


class Program:
    """A publisher, and stand-ins for the standard streams and the module of warnings."""

    def __init__(self, **arguments):
        self.publisher = LogPublisher()
        self.printed = io.StringIO()
        self.out, self.err = io.TextIOWrapper(io.BytesIO(), "latin-1"), object()
        self.sys = types.SimpleNamespace(stdout=self.out, stderr=self.err)
        self.shown = []
        self.warnings = types.SimpleNamespace(showwarning=lambda *args: self.shown.append(args))
        self.beginner = LogBeginner(self.publisher, self.printed, self.sys, self.warnings, **arguments)
        self.log = Logger("program", observer=self.publisher)
        self.heard = []

    def begin(self, **arguments):
        self.beginner.beginLoggingTo([self.heard.append], **arguments)

    def texts(self):
        return [formatEvent(event) for event in self.heard]


@pytest.fixture
def program():
    return Program()


def test_what_was_said_before_is_heard_first(program):
    program.log.debug("early")
    assert not program.beginner.has_begun
    program.begin()
    program.log.debug("late")
    assert program.beginner.has_begun
    assert program.texts() == ["early", "late"]


def test_only_so_much_is_kept():
    program = Program(initialBufferSize=2)
    for number in range(5):
        program.log.info("{n}", n=number)
    program.begin()
    assert program.texts() == ["3", "4"]


def test_what_was_kept_may_be_forgotten(program):
    program.log.info("early")
    program.begin(discardBuffer=True)
    assert program.texts() == []


def test_what_is_critical_is_printed_until_somebody_listens(program):
    program.log.error("not this")
    program.log.critical("this {n}", n=1)
    program.log.failure("and this", Failure(ValueError("broken")))
    printed = program.printed.getvalue()
    assert printed.startswith("this 1\nand this\nTraceback")
    assert "broken" in printed
    program.begin()
    program.log.critical("heard")
    assert "heard" not in program.printed.getvalue()


def test_an_observer_that_fails_at_what_was_kept_does_not_hinder_the_others(program):
    def broken(event):
        raise ZeroDivisionError

    program.log.info("early")
    program.beginner.beginLoggingTo([broken, program.heard.append])
    assert program.texts()[0] == "early"
    assert program.heard[1]["log_failure"].check(ZeroDivisionError)


def test_beginning_twice_adds_and_warns(program):
    more = []
    program.begin(redirectStandardIO=False)
    program.beginner.beginLoggingTo([more.append], redirectStandardIO=False)
    program.log.info("both")
    (warning, both) = program.heard
    assert more == [warning, both]
    assert warning["log_level"] is LogLevel.warn
    assert warning["fileThen"] == warning["fileNow"] == __file__
    assert warning["lineNow"] > warning["lineThen"]
    assert f"<{__file__}:{warning['lineThen']}>" in formatEvent(warning)


def test_beginning_twice_by_the_older_face_names_who_called_it():
    program = "from selvage.logger.classic import startLoggingWithObserver as begin\nbegin(heard.append, False)\nbegin(heard.append, False)"
    done = subprocess.run(
        [sys.executable, "-c", f"heard = []\n{program}\nprint(*map(str, heard), sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "'fileNow': '<string>', 'lineNow': 4, 'fileThen': '<string>', 'lineThen': 3" in done.stdout


def test_what_is_printed_becomes_events(program):
    program.begin()
    print("to out", file=program.sys.stdout)
    print("to err", file=program.sys.stderr)
    assert isinstance(program.sys.stdout, LoggingFile)
    assert program.sys.stdout.encoding == "latin-1"
    assert [(e["log_io"], e["log_namespace"], e["log_level"].name) for e in program.heard] == [
        ("to out", "stdout", "info"),
        ("to err", "stderr", "error"),
    ]


def test_what_is_printed_may_be_left_alone(program):
    program.begin(redirectStandardIO=False)
    assert program.sys.stdout is program.out
    assert program.sys.stderr is program.err


def test_warnings_become_events_but_those_that_are_meant_for_a_file(program):
    program.begin()
    program.warnings.showwarning("old", DeprecationWarning, "f.py", 3)
    file = io.StringIO()
    program.warnings.showwarning("older", DeprecationWarning, "f.py", 4, file)
    assert program.texts() == ["f.py:3: builtins.DeprecationWarning: old"]
    assert program.shown == [("older", DeprecationWarning, "f.py", 4, file, None)]


def test_python_calls_it_with_what_it_calls_showwarning(program, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    beginner = LogBeginner(program.publisher, program.printed, program.sys, warnings)
    beginner.beginLoggingTo([program.heard.append], redirectStandardIO=False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("deprecated", DeprecationWarning, stacklevel=1)
    assert "deprecated" in program.texts()[0]


def test_events_of_other_threads_are_not_lost_while_logging_begins():
    """Each is heard once, whether it was kept or came to the observers by itself."""
    for _ in range(20):
        program = Program(initialBufferSize=10_000)
        go = threading.Event()

        def log(program=program, go=go):
            go.wait()
            for number in range(100):
                program.log.info("{n}", n=number)

        thread = threading.Thread(target=log)
        thread.start()
        go.set()
        program.begin()
        thread.join()
        assert sorted(event["n"] for event in program.heard) == list(range(100))


def test_an_event_that_is_on_its_way_when_logging_begins_is_heard(program):
    """As of a thread that has got the old observers and is stopped before it calls them."""
    on_its_way = program.publisher._observers
    program.begin()
    for observer in on_its_way:
        observer({"log_format": "late"})
    assert program.texts() == ["late"]
