"""Events in JSON, and back."""

from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import example, given, settings, strategies as st

from selvage.failure import Failure
from selvage.logger import (
    LogLevel,
    capturedLogs,
    eventAsJSON,
    eventFromJSON,
    eventsFromJSONLogFile,
    extractField,
    formatEvent,
    jsonFileLogObserver,
)
from selvage.logger._flat import KeyFlattener, flattenEvent
from selvage.logger._lines import json_line


def again(event):
    text = eventAsJSON(event)
    assert "\n" not in text
    return eventFromJSON(text)


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text().filter(lambda name: not name.startswith("log_")), plain, max_size=4))
def test_what_json_can_hold_comes_back(event):
    if "__class_uuid__" not in repr(event):
        assert again(event) == event


def test_what_json_cannot_hold_is_left_out_and_its_text_is_not():
    class Thing:
        name = "it"

        def __repr__(self):
            return "<thing>"

    event = {
        "log_format": "{thing} {thing.name} {n:.2f} {call()}",
        "thing": Thing(),
        "n": 1.5,
        "call": lambda: 7,
    }
    before = dict(event)
    loaded = again(event)
    assert event == before
    assert loaded["thing"] == {"unpersistable": True}
    assert formatEvent(loaded) == formatEvent(event) == "<thing> it 1.50 7"
    assert extractField("thing.name", loaded) == extractField("thing.name", event) == "it"
    assert extractField("call()", loaded) == 7
    with pytest.raises(KeyError):
        extractField("thing.size", loaded)


def test_levels_failures_and_bytes():
    try:
        raise KeyError("k")
    except KeyError:
        failure = Failure()
    loaded = again(
        {"log_level": LogLevel.warn, "log_failure": failure, "b": b"\x00\xff", b"skipped": 1, 2: 3}
    )
    assert loaded["log_level"] is LogLevel.warn
    assert loaded["log_failure"].check(KeyError)
    assert "KeyError" in loaded["log_failure"].getTraceback()
    assert "test_json.py" in loaded["log_failure"].getTraceback()
    assert loaded["b"] == "\x00\xff"
    assert loaded["2"] == 3
    assert "skipped" not in loaded


def test_twisteds_names_for_classes():
    """The form is shared: what a Twisted wrote can be read, and the other way round."""
    text = '{"log_level": {"name": "error", "__class_uuid__": "02E59486-F24D-46AD-8224-3ACDF2A5732A"}}'
    assert eventFromJSON(text) == {"log_level": LogLevel.error}
    assert eventFromJSON(text.replace("error", "loud")) == {"log_level": None}
    assert json.loads(eventAsJSON({"log_level": LogLevel.error}))["log_level"]["__class_uuid__"] == (
        "02e59486-f24d-46ad-8224-3acdf2a5732a"
    )
    assert json.loads(eventAsJSON({"f": Failure(ValueError())}))["f"]["__class_uuid__"] == (
        "e76887e2-20ed-49bf-a8f8-ba25cc586f2d"
    )


def test_an_event_that_cannot_be_formatted_is_kept_all_the_same():
    loaded = again({"log_format": "{gone} {fine}", "fine": 1})
    assert "Unable to format event" in formatEvent(loaded)
    assert loaded["fine"] == 1
    assert "Unable to format event" in formatEvent(again({"log_format": "{fine!x}", "fine": 1}))


def test_what_contains_itself_is_left_out():
    ring = []
    ring.append(ring)
    loaded = again({"log_format": "{fine}", "ring": ring, "fine": 1})
    assert loaded["ring"] == {"unpersistable": True}
    assert formatEvent(loaded) == "1"


def test_flattened_fields_are_numbered():
    keys = KeyFlattener()
    assert [keys.flatKey("x", None, None) for _ in range(3)] == ["x!:", "x!:/2", "x!:/3"]
    assert keys.flatKey("a.b", ">5", "r") == "a.b!r:>5"


def test_an_event_that_was_flattened_does_not_look_at_its_fields_again():
    seen = []
    event = {"log_format": "{n()} {n()} {a!r}", "n": lambda: seen.append(0) or len(seen), "a": "x"}
    flattenEvent(event)
    flattenEvent(event)
    assert formatEvent(event) == formatEvent(event) == "1 2 'x'"
    assert len(seen) == 2


# --- Files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [io.StringIO, io.BytesIO], ids=["text", "bytes"])
@pytest.mark.parametrize("separator", ["\x1e", "", "\x1e\x1e\x1e"], ids=["RS", "none", "long"])
@pytest.mark.parametrize("size", [1, 2, 5, 4096])
def test_what_was_written_is_read(make, separator, size):
    file = make()
    observer = jsonFileLogObserver(file, separator)
    events = [{"n": n, "text": "stra\u00dfe \u20ac \x1e\x1d\n"} for n in range(3)]
    for event in events:
        observer(event)
    file.seek(0)
    assert list(eventsFromJSONLogFile(file, None if len(separator) < 2 else separator, size)) == events


def read(data, **arguments):
    with capturedLogs() as complaints:
        events = list(eventsFromJSONLogFile(io.BytesIO(data), **arguments))
    return events, [formatEvent(each) for each in complaints if "record" in each]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'\x1e{"x": 1\x1e{"y": 2}\n', "truncated"),
        (b'\x1e{"x": }\n\x1e{"y": 2}\n', "Unable to read JSON"),
        (b'\x1e{"x": "\xe2\xac"}\n\x1e{"y": 2}\n', "decode UTF-8"),
        (b'\x1e[1]\n\x1e{"y": 2}\n', "Unable to read JSON"),
        (b'\x1e{"y": 2}\n\x1e{"x": ', "truncated"),
        (b'{"y": 2}\nnonsense\n', "Unable to read JSON"),
        (b'{"y": 2}\n{"x": 1}', "truncated"),
        (b"\x1e" + b"[" * 100_000 + b'\n\x1e{"y": 2}\n', "Unable to read JSON"),
    ],
)
def test_what_is_no_event_is_left_out_and_said(data, said):
    events, complaints = read(data)
    assert events == [{"y": 2}]
    assert len(complaints) == 1
    assert said in complaints[0]


def test_an_empty_file_has_no_events():
    assert read(b"") == ([], [])
    assert read(b"\n\n") == ([], [])


@given(st.binary(max_size=200), st.integers(1, 50), st.sampled_from([None, "", "\x1e", "ab"]))
@example(b'\x1e{"__class_uuid__": "e76887e2-20ed-49bf-a8f8-ba25cc586f2d", "frames": 3}\n', 10, None)
@example(b'\x1e{"__class_uuid__": "e76887e2-20ed-49bf-a8f8-ba25cc586f2d", "type": [1]}\n', 10, None)
@example(b'\x1e{"__class_uuid__": "02e59486-f24d-46ad-8224-3acdf2a5732a", "name": {}}\n', 10, None)
@example(b'\x1e{"__class_uuid__": "02e59486-f24d-46ad-8224-3acdf2a5732a"}\n', 10, None)
def test_no_file_is_too_strange_to_read(data, size, separator):
    for event in eventsFromJSONLogFile(io.BytesIO(data), separator, size):
        assert isinstance(event, dict)


@given(st.lists(st.binary(max_size=20)), st.data())
def test_how_a_file_is_cut_does_not_matter(records, data):
    whole = b"".join(b"\x1e" + record for record in records)
    sizes = data.draw(st.integers(1, 30))
    assert list(eventsFromJSONLogFile(io.BytesIO(whole), "\x1e", sizes)) == list(
        eventsFromJSONLogFile(io.BytesIO(whole), "\x1e", len(whole) + 1)
    )


def test_a_long_record_in_small_pieces_is_read_in_linear_time():
    from tests.work import calls_made

    def work(length):
        data = b'\x1e{"x": "' + b"y" * length + b'"}\n'
        return calls_made(lambda: list(eventsFromJSONLogFile(io.BytesIO(data), "\x1e", 64)))

    assert work(64_000) < 12 * work(6_400)


# --- Lines for programs that collect logs -------------------------------------------------------------------------


def line(**event):
    text = json_line(event)
    assert text.endswith("\n") and text.count("\n") == 1
    return json.loads(text)


def test_a_line_says_when_how_urgent_who_and_what():
    said = line(
        log_time=1.5,
        log_level=LogLevel.info,
        log_namespace="shop",
        log_format="sold {n}",
        n=3,
        order=17,
        log_source=object(),
    )
    assert said == {
        "time": "1970-01-01T00:00:01.500000Z",
        "level": "info",
        "namespace": "shop",
        "text": "sold 3",
        "fields": {"n": 3, "order": 17},
    }


def test_a_line_has_the_failure():
    try:
        raise KeyError("k")
    except KeyError:
        failure = Failure()
    said = line(log_format="oh", log_failure=failure)["failure"]
    assert said["type"] == "builtins.KeyError"
    assert said["message"] == "'k'"
    assert said["frames"][-1]["function"] == "test_a_line_has_the_failure"
    assert "locals" not in said["frames"][-1] or said["frames"][-1]["locals"] is None


def test_a_line_of_the_older_face_has_its_system_and_its_own_fields_only():
    said = line(
        log_namespace="log_legacy",
        log_system="web",
        log_text="hello",
        log_format="{log_text}",
        message=("hello",),
        time=1,
        isError=0,
        system="web",
        port=80,
    )
    assert said["namespace"] == "web"
    assert said["fields"] == {"port": 80}


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, object(), {1, 2}, b"\xff", {(1, 2): 3}, LogLevel.info], ids=repr
)
def test_a_line_is_json_whatever_a_field_holds(value):
    ring = [value]
    ring.append(ring)
    for each in value, [value], {"a": value}, ring:
        said = json.loads(json_line({"log_format": "x", "value": each}), parse_constant=pytest.fail)
        assert said["text"] == "x"
        assert "value" in said["fields"]


def test_a_line_bounds_what_it_shows_of_an_object():
    class Long:
        def __repr__(self):
            return "x" * 1_000_000

    assert len(json_line({"log_format": "x", "long": Long()})) < 2000
