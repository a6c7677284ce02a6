"""Events as text."""

from __future__ import annotations

import itertools
import string
import time

import pytest
from hypothesis import given, strategies as st

from selvage.failure import Failure
from selvage.logger import (
    LogLevel,
    eventAsText,
    formatEvent,
    formatEventAsClassicLogText,
    formatTime,
)
from selvage.logger._format import EventText, formatWithCall, text_of


def formatted(format, **fields):
    return formatEvent({"log_format": format, **fields})


class Thing:
    size = 3
    parts = {"a": ["x", "y"]}

    def name(self):
        return "thing"

    def itself(self):
        return self

    def __repr__(self):
        return "<Thing>"


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("{{}}", "{}"),
        ("{n}", "7"),
        ("{n!r} {n!s} {n!a} {s!r} {u!a}", "7 7 7 'text' '\\xf6'"),
        ("{n:>4}|{f:.2f}|{s:^8}|", "   7|1.50|  text  |"),
        ("{n:{width}}|{n:{fill}>{width}}", "    7|0000>"),
        ("{thing}", "<Thing>"),
        ("{thing.size} {thing.parts[a][1]}", "3 y"),
        ("{called()} {called()!r:>8}", "yes    'yes'"),
        ("{thing.name()} {thing.itself().name()} {thing.itself().size}", "thing thing 3"),
        ("{cls} {cls.__name__}", f"{int} int"),
        (b"bytes {n}", "bytes 7"),
        ("{none}", "None"),
    ],
)
def test_formats(format, text):
    fields = {
        "n": 7,
        "f": 1.5,
        "s": "text",
        "u": "ö",
        "width": 5,
        "fill": 0,
        "thing": Thing(),
        "called": lambda: "yes",
        "cls": int,
        "none": None,
    }
    if "fill" in str(format):
        text = "    7|00007"
    assert formatted(format, **fields) == text


names = st.text(string.ascii_lowercase, min_size=1, max_size=3)
values = st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.none(), st.lists(st.integers()))
pieces = st.one_of(
    st.text().map(lambda text: text.replace("{", "{{").replace("}", "}}")),
    st.tuples(names, st.sampled_from(["", "!r", "!s", "!a"])).map(lambda pair: f"{{{pair[0]}{pair[1]}}}"),
)


@given(st.lists(pieces).map("".join), st.fixed_dictionaries({}, optional={}), st.data())
def test_without_calls_a_format_is_what_str_format_makes_of_it(format, _, data):
    used = {name for _, name, _, _ in string.Formatter().parse(format) if name is not None}
    fields = {name: data.draw(values, label=name) for name in sorted(used)}
    assert formatWithCall(format, fields) == format.format(**fields)


@given(st.text())
def test_any_text_as_a_format_gives_text(format):
    assert isinstance(formatted(format, a=1), str)


@pytest.mark.parametrize(
    "format", ["{}", "{0}", "{missing}", "{a", "a}", "{a!x}", "{a.b}", "{a[1]}", "{a:y}", 7]
)
def test_what_cannot_be_formatted_says_so(format):
    text = formatted(format, a=1)
    assert text.startswith("Unable to format event")
    assert "'a': 1" in text


class Evil:
    def __repr__(self):
        raise ZeroDivisionError("repr")

    def __str__(self):
        raise ZeroDivisionError("str")


@pytest.mark.parametrize("event", [{"evil": Evil()}, {Evil(): 1, "evil": Evil()}], ids=["value", "name"])
def test_what_cannot_even_be_shown_leaves_what_can(event):
    text = formatEvent({"log_format": "{evil}", "fine": "data", **event})
    assert "MESSAGE LOST" in text
    assert "'fine' = 'data'" in text
    assert "ZeroDivisionError" in text


def test_fields_are_formatted_when_somebody_reads_them_and_each_time():
    counter = itertools.count()
    event = {"log_format": "{n()}", "n": lambda: next(counter)}
    assert [formatEvent(event), formatEvent(event)] == ["0", "1"]


def test_an_event_text_is_made_when_it_is_asked_for():
    event = {"log_format": "{a}", "a": 1}
    text = EventText(event)
    event["a"] = 2
    assert str(text) == "2"
    assert bytes(text) == b"2"


# --- Times --------------------------------------------------------------------------------------------------------


@pytest.fixture
def zone(monkeypatch):
    def set_zone(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def test_times_are_local_and_have_their_offset(zone):
    zone("UTC+00")
    assert formatTime(0.25) == "1970-01-01T00:00:00+0000"
    zone("EST+05EDT,M4.1.0,M10.5.0")
    assert formatTime(0.25) == "1969-12-31T19:00:00-0500"
    assert formatTime(1151640000) == "2006-06-30T00:00:00-0400"
    zone("CET-01")
    assert formatTime(1151640000) == "2006-06-30T05:00:00+0100"


def test_times_in_any_form(zone):
    zone("UTC+00")
    assert formatTime(112345.6, "%f") == "600000"
    assert formatTime(1, "%Y") == "1970"
    assert formatTime(1) == "1970-01-01T00:00:01+0000"
    assert formatTime(-0.5) == "1969-12-31T23:59:59+0000"
    assert formatTime(None) == formatTime(1, None) == "-"
    assert formatTime(None, default="?") == "?"


# --- Lines --------------------------------------------------------------------------------------------------------


def broken():
    try:
        raise ValueError("broken")
    except ValueError:
        return Failure()


def test_the_classic_line(zone):
    zone("UTC+00")
    event = {"log_format": "hello {who}", "who": "you", "log_time": 1, "log_level": LogLevel.warn}
    assert formatEventAsClassicLogText(event) == "1970-01-01T00:00:01+0000 [-#warn] hello you\n"
    event["log_namespace"] = "a.b"
    assert formatEventAsClassicLogText(event, lambda when: f"<{when}>") == "<1> [a.b#warn] hello you\n"
    event["log_system"] = "S"
    assert formatEventAsClassicLogText(event, lambda when: "-") == "- [S] hello you\n"
    event["log_system"] = Evil()
    assert formatEventAsClassicLogText(event, lambda when: "-") == "- [UNFORMATTABLE] hello you\n"


def test_lines_after_the_first_are_indented():
    assert formatEventAsClassicLogText({"log_format": "a\nb"}) == "- [-#-] a\n\tb\n"


@pytest.mark.parametrize("event", [{}, {"log_format": ""}, {"log_format": None, "a": 1}])
def test_nothing_to_say(event):
    assert formatEventAsClassicLogText(event) is None
    assert eventAsText(event) == ""


def test_the_report_of_a_failure_follows():
    failure = broken()
    event = {"log_format": "oh", "log_failure": failure}
    text = eventAsText(event, includeTimestamp=False, includeSystem=False)
    assert text == "oh\n" + failure.getTraceback()
    assert eventAsText(event, False, False, False) == "oh"
    assert eventAsText({"log_failure": failure}).endswith(failure.getTraceback())


@pytest.mark.parametrize("failure", [object(), None, 3])
def test_a_failure_that_is_none_is_said_to_be_none(failure):
    assert "UNABLE TO OBTAIN TRACEBACK" in eventAsText({"log_format": "oh", "log_failure": failure})


def test_text_for_readers_is_the_text_where_nothing_is_to_escape():
    event = {"log_format": "{a} and {b!r}\nof two", "a": "straße", "b": [1, "x"]}
    assert text_of(event) == formatEvent(event)
