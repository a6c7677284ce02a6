"""The older face of the log."""

from __future__ import annotations

import calendar
import io
import logging
import os
import subprocess
import sys
import textwrap
import time
import types

import pytest

from selvage import _context
from selvage.failure import Failure, NoCurrentExceptionError
from selvage.logger import (
    FilteringLogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    LogPublisher,
    classic,
    formatEvent,
)


class Old:
    """The older face of a publisher of its own, and what observers of either kind have heard."""

    def __init__(self):
        self.publisher = LogPublisher()
        self.face = classic.LogPublisher(self.publisher, self.publisher)
        self.new, self.old = [], []
        self.publisher.addObserver(self.new.append)
        self.face.addObserver(self.old.append)
        self.log = Logger("new", observer=self.publisher)


@pytest.fixture
def old():
    return Old()


@pytest.fixture
def msg(old, monkeypatch):
    """`classic.msg` and what builds on it, to the observers of `old`."""
    monkeypatch.setattr(classic, "msg", old.face.msg)
    return old.face.msg


# --- From the older face ------------------------------------------------------------------------------------------


def test_a_message_reaches_observers_of_both_kinds(old):
    old.face.msg("hello", 3, b"bytes", port=80)
    (new,), (seen,) = old.new, old.old
    assert formatEvent(new) == "hello 3 bytes"
    assert new["log_level"] is LogLevel.info
    assert new["log_namespace"] == "log_legacy"
    assert new["log_system"] == "-"
    assert new["log_time"] == new["time"]
    assert seen["message"] == ("hello", 3, b"bytes")
    assert (seen["isError"], seen["system"], seen["port"]) == (0, "-", 80)
    assert classic.textFromEventDict(seen) == "hello 3 bytes"


def test_a_format_takes_the_place_of_the_message(old):
    old.face.msg(format="%(n)03d of %(what)s", n=7, what="it")
    assert formatEvent(old.new[0]) == classic.textFromEventDict(old.old[0]) == "007 of it"


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({}, "info"),
        ({"isError": 1}, "critical"),
        ({"logLevel": logging.WARNING}, "warn"),
        ({"logLevel": 25}, "info"),
        ({"logLevel": "ERROR", "isError": 1}, "error"),
        ({"log_level": LogLevel.debug, "isError": 1}, "debug"),
    ],
)
def test_how_urgent_a_message_is(old, fields, level):
    old.face.msg("x", **fields)
    assert old.new[0]["log_level"].name == level


def test_a_level_that_nobody_knows_is_left_open(old):
    old.face.msg("x", logLevel="LOUD")
    assert "log_level" not in old.new[0]


def test_a_message_that_nobody_wants_is_not_made():
    publisher = LogPublisher(FilteringLogObserver([].append, [LogLevelFilterPredicate(LogLevel.error)]))
    asked = []

    class Piece:
        def __str__(self):
            asked.append(1)
            return "piece"

    face = classic.LogPublisher(publisher, publisher)
    face.msg(Piece())
    assert not asked
    face.msg(Piece(), isError=1)
    assert asked


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("broken"), "why\nTraceback"),
        (Failure(ValueError("broken")), "why\nTraceback"),
        ("a text", "'a text'"),
    ],
)
def test_errors(old, msg, error, text):
    classic.err(error, "why", extra=1)
    (seen,), (new,) = old.old, old.new
    assert (seen["isError"], seen["why"], seen["extra"]) == (1, "why", 1)
    assert classic.textFromEventDict(seen).startswith(text)
    assert formatEvent(new).startswith(text)
    assert new["log_level"] is LogLevel.critical


def test_the_error_that_is_being_handled(old, msg):
    try:
        raise KeyError("k")
    except KeyError:
        classic.deferr()
    assert old.old[0]["failure"].check(KeyError)
    assert classic.textFromEventDict(old.old[0]).startswith("Unhandled Error\nTraceback")
    with pytest.raises(NoCurrentExceptionError):
        classic.err()


def test_what_calls_have_in_common(old, msg):
    def inner():
        classic.callWithContext({"a": 2}, old.face.msg, "x", b=3)
        old.face.msg("y", system="own")

    classic.callWithContext({"a": 1, "system": "common"}, inner)
    old.face.msg("z")
    first, second, third = old.old
    assert (first["a"], first["b"], first["system"]) == (2, 3, "common")
    assert (second["a"], second["system"]) == (1, "own")
    assert "a" not in third
    assert _context.get(classic.ILogContext) == {"system": "-"}


def test_calls_for_a_logger(old, msg):
    class Named(classic.Logger):
        def logPrefix(self):
            return "Named"

    class Broken:
        def logPrefix(self):
            raise ZeroDivisionError

    assert classic.callWithLogger(Named(), lambda a, b: old.face.msg("x") or a + b, 1, b=2) == 3
    assert old.old[0]["system"] == "Named"
    assert classic.callWithLogger(Named(), lambda: 1 / 0) is None
    assert old.old[1]["system"] == "Named"
    assert old.old[1]["failure"].check(ZeroDivisionError)
    assert classic.callWithLogger(Broken(), lambda: "done") == "done"
    assert old.old[2]["system"] == "(buggy logPrefix method)"
    assert classic.Logger().logPrefix() == "-"


@pytest.mark.parametrize("where", ["prefix", "call"])
def test_an_interrupt_ends_a_call_for_a_logger(old, msg, where):
    class Interrupted:
        def logPrefix(self):
            if where == "prefix":
                raise KeyboardInterrupt
            return "x"

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        classic.callWithLogger(Interrupted(), interrupted)
    assert not old.old


# --- To the older face --------------------------------------------------------------------------------------------


def test_an_event_of_the_new_kind_is_seen_by_old_observers(old):
    old.log.info("{n} of\n{what}", n=7, what="it")
    (seen,) = old.old
    assert classic.textFromEventDict(seen) == "7 of\nit"
    assert (seen["message"], seen["isError"], seen["system"], seen["n"]) == ((), 0, "-", 7)
    assert seen["time"] == seen["log_time"]


def test_each_observer_sees_the_same_event(old):
    """What is added for the older face is added to a copy."""
    old.log.info("x")
    assert "message" not in old.new[0]
    old.face.removeObserver(old.old.append)
    old.log.info("y")
    assert old.new[0].keys() == old.new[1].keys()
    assert len(old.old) == 1


@pytest.mark.parametrize("level", LogLevel, ids=lambda level: level.name)
def test_errors_of_the_new_kind_are_errors_of_the_old(old, level):
    old.log.emit(level, "x")
    assert old.old[0]["isError"] == (level >= LogLevel.error)


def test_a_failure_of_the_new_kind_is_one_of_the_old(old):
    failure = Failure(ValueError("broken"))
    old.log.failure("while {doing}", failure, LogLevel.info, doing="this")
    (seen,) = old.old
    assert seen["failure"] is failure
    assert (seen["isError"], seen["why"]) == (1, "while this")
    assert classic.textFromEventDict(seen).startswith("while this\nTraceback")


def test_a_field_that_is_called_like_the_message_is_no_message(old):
    old.log.info("{message}!", message="hello")
    assert classic.textFromEventDict(old.old[0]) == "hello!"


def test_observers_that_were_added(old):
    assert old.face.observers == [old.old.append]
    old.face.removeObserver(len)
    old.face.removeObserver(old.old.append)
    assert old.face.observers == []
    old.face.msg("x")
    assert old.old == []


# --- Text ---------------------------------------------------------------------------------------------------------


class Evil:
    def __repr__(self):
        raise ZeroDivisionError

    __str__ = __repr__


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"message": ("a", "b")}, "a b"),
        ({"message": (), "isError": 0}, None),
        ({"message": ""}, None),
        ({"message": (), "format": "%(a)s", "a": 1}, "1"),
        ({"message": (), "isError": 1, "failure": object()}, "Unhandled Error\n(unable to obtain traceback)"),
        ({"message": (), "format": "%s %s"}, "Invalid format string"),
        ({"message": (), "format": 42}, "Invalid format string"),
        ({"message": (), "format": "%(a)s", "a": Evil()}, "UNFORMATTABLE OBJECT"),
        ({"message": (), "format": Evil(), "a": 1}, "PATHOLOGICAL ERROR"),
        ({"message": (Evil(), "b")}, "<Evil instance at"),
    ],
)
def test_text_of_old_events(event, text):
    found = classic.textFromEventDict(event)
    assert found is None if text is None else found.startswith(text)
    file = io.StringIO()
    classic.FileLogObserver(file).emit({"time": 0, "system": "-", "isError": 0, **event})
    assert (text is None) == (file.getvalue() == "")


@pytest.mark.parametrize("format", ["%(n)d %(n)5.1f %(n)x %(f).2f %(s)-5s| %(s)r %(c)c %(flag)s %(u)s"])
def test_percent_formats_work_as_they_do_without_escaping(format):
    class Number:
        def __int__(self):
            return 9

        __index__ = __int__

        def __float__(self):
            return 9.0

        def __str__(self):
            return "nine"

    fields = {"n": 7, "f": 1.5, "s": "text", "c": "c", "flag": True, "u": Number()}
    text = classic._text_for_log({"message": (), "format": format, **fields})
    assert text == format % fields
    numbers = "%(u)d %(u)x %(u).1f"
    assert classic._text_for_log({"message": (), "format": numbers, **fields}) == "9 9 9.0"


def test_the_line_of_a_file(monkeypatch):
    file = io.StringIO()
    observer = classic.FileLogObserver(file)
    when = calendar.timegm((2001, 2, 3, 4, 5, 6))
    for west, text in [
        (18000, "2001-02-02 23:05:06-0500"),
        (-3600, "2001-02-03 05:05:06+0100"),
        (-5400, "2001-02-03 05:35:06+0130"),
        (1800, "2001-02-03 03:35:06-0030"),
    ]:
        observer.getTimezoneOffset = lambda when, west=west: west
        assert observer.formatTime(when) == text
    observer.getTimezoneOffset = lambda when: 0
    observer.emit({"message": ("a\nb",), "system": "s", "time": when, "isError": 0})
    assert file.getvalue() == "2001-02-03 04:05:06+0000 [s] a\n\tb\n"
    observer.timeFormat = "%Y.%m"
    assert observer.formatTime(when) == "2001.02"


def test_the_offset_of_a_time(monkeypatch):
    monkeypatch.setenv("TZ", "EST+05EDT,M4.1.0,M10.5.0")
    time.tzset()
    try:
        offset = classic.FileLogObserver(io.StringIO()).getTimezoneOffset
        assert offset(calendar.timegm((2006, 7, 1, 0, 0, 0))) == 4 * 3600
        assert offset(calendar.timegm((2006, 1, 1, 0, 0, 0))) == 5 * 3600
    finally:
        monkeypatch.undo()
        time.tzset()


# --- Observers and files ------------------------------------------------------------------------------------------


def test_observers_that_add_themselves(monkeypatch):
    added = []
    monkeypatch.setattr(classic, "addObserver", added.append)
    monkeypatch.setattr(classic, "removeObserver", added.remove)
    for observer in classic.FileLogObserver(io.StringIO()), classic.PythonLoggingObserver():
        observer.start()
        assert added == [observer.emit]
        observer.stop()
        assert added == []


def test_the_default_observer_prints_errors():
    observer = classic.DefaultObserver()
    observer.stderr = io.StringIO()
    observer.emit({"message": ("fine",), "isError": 0})
    observer.emit({"message": ("not", Evil()), "isError": 1})
    observer.emit({"message": (), "isError": 1, "failure": Failure(ValueError("broken")), "why": "because"})
    printed = observer.stderr.getvalue()
    assert "fine" not in printed
    assert printed.startswith("not <Evil instance")
    assert "because\nTraceback" in printed


def test_printing_into_the_older_face(old, msg):
    file = classic.StdioOnnaStick(isError=1, encoding="utf-8")
    file.write("one\ntwo")
    file.write(b" stra\xc3\x9fe\n")
    file.writelines(["three", b"four"])
    file.flush()
    file.close()
    assert [event["message"] for event in old.old] == [("one",), ("two stra\u00dfe",), ("three",), ("four",)]
    assert {(event["printed"], event["isError"]) for event in old.old} == {(1, 1)}
    for name in "read", "readline", "readlines", "seek", "tell":
        with pytest.raises(OSError, match="can't read"):
            getattr(file, name)()
    with pytest.raises(io.UnsupportedOperation):
        file.fileno()


def test_a_file_that_forgets():
    file = classic.NullFile()
    file.write("x")
    file.flush()
    file.close()
    assert file.read() == ""


def test_warnings():
    shown, heard = [], []
    publisher = LogPublisher(heard.append)
    module = types.SimpleNamespace(showwarning=lambda *args: shown.append(args))
    face = classic.LogPublisher(publisher, publisher, warningsModule=module)
    face.showwarning(UserWarning("old"), UserWarning, "f.py", 3)
    assert formatEvent(heard[0]) == "f.py:3: builtins.UserWarning: old"
    assert heard[0]["filename"] == "f.py"
    file = io.StringIO()
    face.showwarning("older", UserWarning, "f.py", 4, file)
    assert shown == [("older", UserWarning, "f.py", 4, file, None)]
    assert len(heard) == 1


# --- A program ----------------------------------------------------------------------------------------------------


def run(code):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "TZ": "UTC"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.slow
def test_a_program_that_logs_to_standard_output():
    output, errors = run("""
        import sys, warnings
        from selvage.logger import Logger, classic as log
        log.msg("early")
        log.startLogging(sys.stdout)
        log.startLogging(sys.stdout)
        log.msg("late", system="s")
        Logger("new").info("{n}", n=1)
        print("printed")
        print("to stderr", file=sys.stderr)
        warnings.warn("careful")
        log.discardLogs()
        print("forgotten", file=log.logfile)
        print("kept", file=log.logerr)
    """)
    lines = [line.split(" ", 2)[2] for line in output.splitlines()]
    assert lines[:-2] == [
        "[-] early",
        "[-] Log opened.",
        "[s] late",
        "[-] 1",
        "[-] printed",
        "[-] to stderr",
    ]
    assert lines[-2].endswith("builtins.UserWarning: careful")
    assert lines[-1] == "[-] kept"
    assert errors == ""


@pytest.mark.slow
def test_errors_of_a_program_that_does_not_log_are_printed_once():
    output, errors = run("""
        from selvage.logger import classic as log
        log.msg("fine")
        log.err(ValueError("broken"), "because")
    """)
    assert output == ""
    assert errors.startswith("because\nTraceback")
    assert errors.count("broken") == 1


@pytest.mark.slow
def test_under_twisteds_names_it_is_the_same_module():
    output, _ = run("""
        import selvage
        selvage.install_twisted()
        import io, twisted.logger, twisted.python.log
        from twisted.python import log, logfile
        from selvage.logger import classic, files, Logger
        print(log is classic, twisted.python.log is classic, twisted.logger.Logger is Logger)
        print(logfile.LogFile is files.LogFile, twisted.logger.eventAsJSON({"a": 1}))
    """)
    assert output.splitlines() == ["True True True", 'True {"a": 1}']
