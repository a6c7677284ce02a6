"""One call that sets the log up."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import textwrap

import pytest

from selvage.defer import fail
from selvage.failure import Failure
from selvage.logger import InvalidLogLevelError, Logger, LogLevel, bound, classic, configure
from selvage.logger._configure import _form_for
from selvage.logger._terminal import line_maker


@pytest.fixture
def log():
    return Logger("shop.orders")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in "NO_COLOR", "FORCE_COLOR":
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


def lines(file):
    return [json.loads(line) for line in file.getvalue().splitlines()]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_json_lines_where_there_is_no_terminal(log):
    file = io.StringIO()
    with configure(file), bound(request=1):
        log.info("sold {n}", n=3)
        log.debug("not this")
        logging.getLogger("other").warning("a %s", "record")
        classic.msg("a message", system="old")
    # What other tests left behind may speak meanwhile, from a thread or a finalizer.
    said = [
        (each["namespace"], each["level"], each["text"], each["fields"]["request"])
        for each in lines(file)
        if each["namespace"] in ("shop.orders", "other", "old")
    ]
    assert said == [
        ("shop.orders", "info", "sold 3", 1),
        ("other", "warn", "a record", 1),
        ("old", "info", "a message", 1),
    ]


def test_what_nobody_handled_is_told_without_the_marks_of_the_older_face(log, connected):
    for stream in io.StringIO(), Terminal():
        with configure(stream):
            fail(KeyError("lost"))
        assert "Unhandled error in Deferred:" in stream.getvalue()
        assert "isError" not in stream.getvalue()
        if not stream.isatty():
            first, second = lines(stream)
            assert first["text"] == "Unhandled error in Deferred:"
            assert second["text"] == "builtins.KeyError: 'lost'"
            assert second["fields"]["report_source"] == "deferred"


def test_a_failure_without_a_word_has_its_class_for_text(log):
    file = io.StringIO()
    with configure(file):
        log.failure("", Failure(KeyError()))
        log.failure("why", Failure(KeyError()))
    assert [each["text"] for each in lines(file)] == ["builtins.KeyError", "why"]


def test_colour_on_a_terminal(log):
    file = Terminal()
    with configure(file):
        log.info("sold")
    assert "\x1b[32minfo" in file.getvalue()


@pytest.mark.parametrize(
    ("environment", "terminal", "form"),
    [
        ({}, True, "color"),
        ({}, False, "json"),
        ({"NO_COLOR": "1"}, True, "text"),
        ({"NO_COLOR": ""}, True, "color"),
        ({"TERM": "dumb"}, True, "text"),
        ({"FORCE_COLOR": "1"}, False, "color"),
        ({"NO_COLOR": "1"}, False, "json"),
    ],
)
def test_which_form_it_is(monkeypatch, environment, terminal, form):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _form_for(Terminal() if terminal else io.StringIO()) == form


def test_levels_by_namespace_and_later(log):
    file = io.StringIO()
    other = Logger("other")
    with configure(file, level=LogLevel.warn, levels={"shop": "debug"}) as configured:
        log.debug("1")
        other.info("not this")
        logging.getLogger("shop.standard").debug("2")
        logging.getLogger("other").info("not this")
        configured.set_level("info")
        other.info("3")
        logging.getLogger("other").info("4")
        configured.set_level("error", "shop")
        log.warn("not this")
    assert [each["text"] for each in lines(file)] == ["1", "2", "3", "4"]


def test_calling_it_again_replaces_what_was_set_up(log):
    first, second = io.StringIO(), io.StringIO()
    before = logging.getLogger().level, list(logging.getLogger().handlers)
    configure(first, level="debug")
    log.info("one")
    with configure(second) as configured:
        log.info("two")
    configured.stop()
    log.info("nobody")
    assert [each["text"] for each in lines(first)] == ["one"]
    assert [each["text"] for each in lines(second)] == ["two"]
    assert (logging.getLogger().level, logging.getLogger().handlers) == before


def test_the_standard_logging_may_be_left_alone(log):
    file = io.StringIO()
    before = list(logging.getLogger().handlers)
    with configure(file, standard_logging=False):
        assert logging.getLogger().handlers == before
        logging.getLogger("other").error("not this")
    assert file.getvalue() == ""


def test_what_is_printed_becomes_events_until_it_stops():
    file = io.StringIO()
    before = sys.stdout, sys.stderr
    for _ in range(2):
        with configure(file, redirect_standard_io=True):
            print("to out")
            print("to err", file=sys.stderr)
        assert (sys.stdout, sys.stderr) == before
    said = [(each["namespace"], each["level"], each["text"]) for each in lines(file)]
    assert said == [("stdout", "info", "to out"), ("stderr", "error", "to err")] * 2


def test_what_took_over_standard_output_meanwhile_keeps_it(monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    others = io.StringIO()
    with configure(io.StringIO(), redirect_standard_io=True):
        sys.stdout = others
    assert sys.stdout is others


def test_a_path_is_appended_to(log, tmp_path):
    path = tmp_path / "log"
    path.write_text("{}\n")
    with configure(path):
        log.info("one")
    with configure(str(path)):
        log.info("two")
    assert len(path.read_text().splitlines()) == 3


def test_what_is_wrong_is_said_and_changes_nothing(log):
    file = io.StringIO()
    with configure(file):
        with pytest.raises(ValueError, match="'color', 'text', 'json', not 'pretty'"):
            configure(form="pretty")
        with pytest.raises(InvalidLogLevelError):
            configure(level="loud")
        with pytest.raises(InvalidLogLevelError):
            configure(levels={"a": "loud"})
        with pytest.raises(FileNotFoundError):
            configure("/nowhere/at/all")
        log.info("still here")
    assert [each["text"] for each in lines(file)] == ["still here"]


# --- Lines for people ---------------------------------------------------------------------------------------------


def line(**event):
    text = line_maker(color=False)(
        {"log_time": 0.25, "log_level": LogLevel.info, "log_namespace": "a", **event}
    )
    when, _, rest = text.partition(" ")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.250", when)
    return rest


def test_a_line_for_people():
    assert line(log_format="sold {n}", n=3) == "info     a: sold 3\n"
    assert line(log_format="two\nlines") == "info     a: two\n    lines\n"


def test_fields_that_the_text_does_not_show_follow_if_they_are_short():
    text = line(
        log_format="sold {n}",
        n=3,
        order=17,
        user="a b",
        mail="a@b",
        none=None,
        long="x" * 100,
        thing=object(),
    )
    assert text == "info     a: sold 3  order=17 user='a b' mail=a@b none=None\n"


def test_a_failure_is_shown_by_its_report():
    try:
        raise KeyError("k")
    except KeyError:
        failure = Failure()
    text = line(log_format="oh", log_failure=failure)
    assert text.startswith("info     a: oh\n    Traceback")
    assert "test_a_failure_is_shown_by_its_report" in text
    assert text.endswith("KeyError: 'k'\n")
    # An error of the older face has its report in its text; it is shown once.
    old = {
        "log_namespace": "log_legacy",
        "log_system": "s",
        "isError": 1,
        "failure": failure,
        "why": "while at it",
    }
    text = line(**old, log_text="while at it\nTraceback", log_format="{log_text}")
    assert text.startswith("info     s: while at it\n    Traceback")
    assert text.count("Traceback") == 1


def test_colours_end_where_they_shall():
    text = line_maker(color=True)({"log_time": 0, "log_level": LogLevel.error, "log_format": "x", "n": 1})
    assert text.count("\x1b[0m") == text.count("\x1b[") / 2
    assert text.endswith("\x1b[0m\n")


@pytest.mark.parametrize(
    "event", [{}, {"log_level": 7}, {"log_time": "x"}, {"log_namespace": None}, {"log_format": 7}]
)
def test_a_strange_event_has_a_line(event):
    assert line_maker(color=True)(event).endswith("\n")


# --- A program ----------------------------------------------------------------------------------------------------

PROGRAM = """
    import sys
    from selvage.logger import Logger, configure
    Logger("early").info("early")
    configure(**eval(sys.argv[1]))
    Logger("shop").info("sold")
    print("printed")
    try:
        1 / 0
    except ZeroDivisionError:
        Logger("shop").failure("oh")
"""


def command(arguments):
    return [sys.executable, "-c", textwrap.dedent(PROGRAM), repr(arguments)]


@pytest.mark.slow
def test_a_program_whose_standard_error_is_a_pipe():
    done = subprocess.run(command({"redirect_standard_io": True}), capture_output=True, text=True, timeout=50)
    said = [json.loads(text) for text in done.stderr.splitlines()]
    assert [each["text"] for each in said] == ["early", "sold", "printed", "oh"]
    assert said[-1]["failure"]["type"].endswith("ZeroDivisionError")
    assert done.stdout == ""


@pytest.mark.slow
def test_a_program_on_a_terminal():
    ours, theirs = pty.openpty()
    environment = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")
    }
    process = subprocess.Popen(
        command({}), stdout=subprocess.DEVNULL, stderr=theirs, env={**environment, "TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    with open(ours, "rb", 0) as terminal:
        try:
            while piece := terminal.read(65536):
                shown += piece
        except OSError:
            pass  # how a terminal says that the other side is gone
    assert process.wait(50) == 0
    assert b"\x1b[32minfo" in shown
    assert b"early" in shown
    assert b"ZeroDivisionError" in shown


@pytest.mark.slow
def test_a_program_that_logs_nothing_loads_little():
    code = "import sys, selvage.logger.classic; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    loaded = set(done.stdout.split())
    parts = {
        f"selvage.logger.{name}"
        for name in ("_json", "_lines", "_terminal", "_configure", "_stdlib", "files")
    }
    assert not loaded & ({"json", "logging", "rich", "structlog", "asyncio", "selvage.reactor"} | parts)
