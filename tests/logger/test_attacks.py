"""What a peer can put into a field, and what the log makes of it: ATTACKS 42 and 113."""

from __future__ import annotations

import io
import logging
import time

import pytest
from hypothesis import given, strategies as st

from selvage.failure import Failure
from selvage.logger import (
    Logger,
    LoggingHandler,
    LogLevel,
    LogPublisher,
    STDLibLogObserver,
    bound,
    classic,
    eventAsText,
    formatEvent,
    formatEventAsClassicLogText,
    textFileLogObserver,
)
from selvage.logger._escape import as_field, as_lines
from selvage.logger._lines import json_line
from selvage.logger._terminal import line_maker

FORGED = "GET /\n2026-01-01T00:00:00+0000 [auth#info] root logged in"
TERMINAL = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\x7f"
TURNED = "\u202egnp.exe \u2028new line \u2066"
HOSTILE = f"{FORGED}{TERMINAL}{TURNED}\ud800"

# What may stand in a log's text: no control characters but for the line ends and tabs of its own.
CONTROLS = {chr(code) for code in (*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029, 0x202E, 0x2066, 0xD800)}


def written(**event):
    file = io.StringIO()
    textFileLogObserver(file)(event)
    return file.getvalue()


def test_attack_042_terminal_escapes_in_a_field_do_not_reach_the_terminal():
    for text in (
        written(log_format="path {path}", path=TERMINAL),
        line_maker(color=False)({"log_format": "path {path}", "path": TERMINAL}),
        eventAsText({"log_format": "{path}", "path": TERMINAL}),
    ):
        assert not set(text) & (CONTROLS - {"\n"})
        assert "\\x1b]0;owned\\x07" in text


@pytest.mark.parametrize("key", ["log_namespace", "log_system"])
def test_attack_042_terminal_escapes_in_who_speaks(key):
    for make in (formatEventAsClassicLogText, line_maker(color=False)):
        text = make({"log_format": "x", key: HOSTILE})
        assert not set(text[:-1]) & CONTROLS


@pytest.mark.parametrize(
    "format", ["{x}", "{x!s}", "{x:>100}", "{y.x}", "{z()}", "{w[0]}", "{e}", "{missing} {x}"]
)
def test_attack_113_a_field_cannot_begin_a_line(format):
    class Y:
        x = HOSTILE

    event = {
        "log_format": format,
        "x": HOSTILE,
        "y": Y,
        "z": lambda: HOSTILE,
        "w": [HOSTILE],
        "e": ValueError(HOSTILE),
    }
    for make in (formatEventAsClassicLogText, line_maker(color=False)):
        text = make(event)
        assert text.count("\n") == 1
        assert not set(text[:-1]) & CONTROLS
    assert "[auth#info] root" in text  # it is there, within the line


def test_attack_113_fields_that_were_bound_are_escaped():
    events = []
    with bound(user=FORGED):
        Logger("a", observer=events.append).info("for {user}")
    assert formatEventAsClassicLogText(events[0]).count("\n") == 1
    assert line_maker(color=False)({**events[0], "log_format": "x"}).count("\n") == 1


def test_attack_113_names_of_fields_are_escaped():
    text = line_maker(color=False)({"log_format": "x", "a\nb\x1b": 1})
    assert text.count("\n") == 1
    assert "\x1b" not in text


def test_attack_113_what_an_exception_says_cannot_begin_a_line():
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        failure = Failure()
    event = {"log_format": "oh", "log_failure": failure, "log_level": LogLevel.error}
    for make in (formatEventAsClassicLogText, line_maker(color=False)):
        text = make(event)
        assert "Traceback" in text
        for line in text.splitlines()[1:]:
            assert line == "" or line[0] in "\t "
        assert not set(text) & (CONTROLS - set("\n\t\ud800"))


def test_attack_113_the_older_face_escapes_fields_and_indents_whole_texts():
    file = io.StringIO()
    publisher = classic.LogPublisher()
    publisher.addObserver(classic.FileLogObserver(file).emit)
    publisher.msg(format="path %(path)s %(path)r", path=HOSTILE)
    publisher.msg("path " + HOSTILE)
    publisher.msg("hello", system=HOSTILE)
    publisher.msg(failure=Failure(ValueError(HOSTILE)), why="while\nat it", isError=1)
    lines = file.getvalue().split("\n")
    own = [line for line in lines if line and not line.startswith("\t")]
    assert len(own) == 4
    assert not set(file.getvalue()) & (CONTROLS - set("\n\t"))


def test_attack_113_the_older_face_seen_by_new_observers():
    file = io.StringIO()
    publisher = LogPublisher(textFileLogObserver(file))
    classic.LogPublisher(publisher, publisher).msg(format="path %(path)s", path=HOSTILE)
    assert file.getvalue().count("\n") == 1


def test_attack_113_new_events_seen_by_an_observer_of_the_older_face():
    file = io.StringIO()
    publisher = LogPublisher()
    classic.LogPublisher(publisher, publisher).addObserver(classic.FileLogObserver(file).emit)
    log = Logger("a", observer=publisher)
    log.info("path {path}\nsecond line", path=HOSTILE)
    log.failure("while {path}", Failure(ValueError("x")), path=HOSTILE)
    lines = file.getvalue().split("\n")
    assert len([line for line in lines if line and not line.startswith("\t")]) == 2
    assert lines[1] == "\tsecond line"
    assert not set(file.getvalue()) & (CONTROLS - set("\n\t"))


def test_attack_113_the_standard_logging_in_both_directions():
    events = []
    handler = LoggingHandler(events.append)
    for arguments in (HOSTILE,), (ValueError(HOSTILE),), ({"path": HOSTILE},):
        format = "path %(path)s" if isinstance(arguments[0], dict) else "path %s"
        handler.handle(logging.LogRecord("a", logging.INFO, "f", 1, format, arguments, None))
    for event in events:
        assert not set(formatEvent(event)) & CONTROLS
    records = []
    logger = logging.getLogger("selvage.test.attacks")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    keeping = logging.Handler()
    keeping.emit = records.append
    logger.addHandler(keeping)
    try:
        STDLibLogObserver(logger.name)({"log_format": "path {path}", "path": HOSTILE})
    finally:
        logger.removeHandler(keeping)
    assert not set(records[0].getMessage()) & CONTROLS


def test_attack_113_a_line_of_json_is_one_line():
    text = json_line({"log_format": "path {path}", "path": HOSTILE, "log_namespace": HOSTILE, HOSTILE: 1})
    assert text.count("\n") == 1
    assert text.isascii()


def test_attack_113_a_value_that_takes_its_time_is_not_asked_by_a_line_that_does_not_show_it():
    class Slow:
        def __repr__(self):
            raise AssertionError("asked")

        __str__ = __repr__

    assert line_maker(color=True)({"log_format": "x", "slow": Slow(), "log_time": time.time()})


def test_own_lines_stay_lines():
    text = written(log_format="Routes:\n  {first}\n  {second}\tend", first="/a", second="/b")
    assert text == "- [-#-] Routes:\n\t  /a\n\t  /b\tend\n"


def test_a_file_that_lacks_characters_gets_their_escapes():
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, "ascii")
    textFileLogObserver(file)({"log_format": "stra\u00dfe {x}", "x": "\u20ac"})
    assert raw.getvalue() == b"- [-#-] stra\\xdfe \\u20ac\n"


@given(st.text(st.characters()))
def test_escaping_leaves_nothing_to_act_upon_and_all_that_is_to_be_read(text):
    field, lines = as_field(text), as_lines(text)
    assert not set(field) & CONTROLS
    assert not set(lines) & (CONTROLS - set("\n\t"))
    assert lines.count("\n") == text.count("\n")
    assert as_field(field) == field
    if text.isprintable():
        assert field == lines == text
    field.encode("utf-8")
