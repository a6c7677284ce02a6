"""Reports for terminals, as HTML and as JSON, and in a sentence."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, strategies as st

from selvage.defer import Deferred, execute, gatherResults, setDebugging
from selvage.failure import (
    Failure,
    Story,
    explain,
    from_json,
    to_html,
    to_json,
    to_terminal,
    to_text,
)

from . import test_text

SGR = re.compile(r"\x1b\[[0-9;]*m")


def query(text: str) -> int:
    return int(text) + len(text)


def load(text: str) -> int:
    try:
        return query(text)
    except ValueError as error:
        error.add_note("look at the form")
        raise LookupError("no such user") from error


def caught(work: Callable[[], object] = lambda: load("three")) -> Failure:
    try:
        work()
    except BaseException:
        return Failure()
    raise AssertionError


def in_debug_mode() -> Failure:
    setDebugging(True)
    try:
        seen: list[Failure] = []
        d: Deferred[str] = Deferred()
        d.addCallback(query)
        d.addErrback(lambda failure: failure)
        d.addErrback(seen.append)
        d.callback("three")
        return seen[0]
    finally:
        setDebugging(False)


def gathered() -> Failure:
    seen: list[Failure] = []
    ds = [execute(query, "one"), execute(load, "two"), execute(query, "3")]
    gatherResults(ds, all_errors=True).addErrback(seen.append)
    return seen[0]


SHAPES: list[Callable[[], Failure]] = [
    caught,
    in_debug_mode,
    gathered,
    lambda: Failure(ValueError("never raised")),
    lambda: caught(test_text.again_and_again),
    lambda: caught(test_text.syntax),
    lambda: caught(test_text.wide_group),
    lambda: caught(test_text.deep_group),
    lambda: Failure("no exception", "no.class"),
]
shapes = pytest.mark.parametrize("shape", SHAPES)


# --- Terminals ------------------------------------------------------------------------------------------------------


@shapes
def test_colours_change_nothing_but_the_colour(shape: Callable[[], Failure]) -> None:
    made = shape()
    assert SGR.sub("", to_terminal(made)) == to_terminal(made, color=False)
    assert "\x1b" not in to_terminal(made, color=False)


def test_the_line_that_failed_is_marked_and_its_surroundings_are_shown() -> None:
    lines = to_terminal(caught(lambda: query("three")), color=False).splitlines()
    start = query.__code__.co_firstlineno
    place = next(number for number, line in enumerate(lines) if line.endswith(", in query"))
    assert lines[place + 1 : place + 6] == [
        f"    {start - 1}",
        f"    {start} def query(text: str) -> int:",
        f"  > {start + 1}     return int(text) + len(text)",
        "                  ^^^^^^^^^",
        "ValueError: invalid literal for int() with base 10: 'three'",
    ]


def test_what_is_wrong_is_red() -> None:
    text = to_terminal(caught())
    assert "\x1b[1;31mLookupError\x1b[0m: \x1b[31mno such user\x1b[0m\n" in text


def test_rich_prints_a_failure_in_colour() -> None:
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="standard", width=200).print(caught())
    assert "\x1b[1;31mLookupError\x1b[0m" in out.getvalue()
    plain = io.StringIO()
    Console(file=plain, width=200).print(caught())
    expected = to_terminal(caught(), color=False)
    assert [line.rstrip() for line in plain.getvalue().splitlines()] == [
        line.rstrip() for line in expected.splitlines()
    ]


def test_source_that_is_not_there_is_left_out() -> None:
    made = caught()
    made.frames = [("work", "/no/such/file.py", 7, (), ())]
    assert '  File "/no/such/file.py", line 7, in work\nLookupError: no such user\n' in to_terminal(
        made, color=False
    )


def test_source_that_has_changed_since_is_not_taken_for_what_it_was() -> None:
    story = Story.of(caught(lambda: query("three")))
    story.frames[-1].code = "return what_was_here_before"
    text = to_terminal(story, color=False)
    assert "  > " not in text
    assert "    return what_was_here_before\n" in text


# --- HTML -----------------------------------------------------------------------------------------------------------

VOID = {"meta", "br"}
ALLOWED = set(
    "html head meta title style body article section h1 p ol li pre span mark details summary table tr td div".split()
)


class Reader(HTMLParser):
    """Reads a page strictly: every element is one that the report uses, is closed, and has no attribute that acts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        for name, value in attrs:
            assert name in {"class", "lang", "charset", "http-equiv", "content", "name", "open"}, name
            assert value is None or "<" not in value
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> str:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader.text


@shapes
def test_pages_are_well_formed_and_need_nothing_else(shape: Callable[[], Failure]) -> None:
    page = to_html(shape(), locals=True)
    text = read(page)
    assert page.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|src=|href=|url\(|@import|<script", page)
    assert Story.of(shape()).message.splitlines()[0][:40] in text


def test_a_page_tells_the_whole_story() -> None:
    made = caught()
    text = read(to_html(made))
    for part in (
        "no such user",
        "look at the form",
        "direct cause",
        "in load",
        "in query",
        "return int(text)",
    ):
        assert part in text
    assert Story.of(made).fingerprint in text
    assert "way through Deferreds" in read(to_html(in_debug_mode()))
    assert "member 2" in read(to_html(gathered()))
    assert "and 2 more" in read(to_html(caught(test_text.wide_group)))
    assert "more times" in read(to_html(caught(test_text.again_and_again)))


def test_the_part_that_failed_is_marked() -> None:
    assert "return <mark>int(text)</mark> + len(text)" in to_html(caught())
    assert "<mark>" not in to_html(caught(), carets=False)


def test_source_can_be_left_out() -> None:
    for shape in SHAPES:
        assert "return int(text)" not in to_html(shape(), source=False)
        assert "1 +" not in to_html(shape(), source=False)


def test_a_fragment_is_the_body_of_a_page() -> None:
    made = caught()
    fragment = to_html(made, page=False)
    assert fragment in to_html(made)
    assert fragment.startswith('<article class="selvage-failure">')


# --- JSON -----------------------------------------------------------------------------------------------------------


@shapes
def test_json_is_one_ascii_line_and_loses_nothing(shape: Callable[[], Failure]) -> None:
    made = shape()
    text = to_json(made, locals=True, carets=True)
    assert text.isascii() and "\n" not in text
    story = from_json(text)
    assert to_json(story) == text
    expected = Story.of(made, locals=True, carets=True)
    assert to_text(story) == to_text(expected)
    assert to_html(story) == to_html(expected)


def test_what_a_json_report_has() -> None:
    facts = json.loads(to_json(caught(), locals=True))
    assert facts["type"] == "builtins.LookupError"
    assert facts["message"] == "no such user"
    assert re.fullmatch("[0-9a-f]{16}", facts["fingerprint"])
    frame = facts["frames"][-1]
    assert frame == {
        "file": __file__,
        "line": load.__code__.co_firstlineno + 5,
        "function": "load",
        "code": 'raise LookupError("no such user") from error',
        "locals": {"text": "'three'"},
    }
    [cause] = facts["causes"]
    assert cause["relation"] == "cause"
    assert cause["notes"] == ["look at the form"]
    assert [each["function"] for each in cause["frames"]] == ["load", "query"]
    assert [member["type"] for member in json.loads(to_json(gathered()))["members"]] == [
        "builtins.ValueError",
        "builtins.LookupError",
    ]
    chain = json.loads(to_json(in_debug_mode()))["chain"]
    assert [step["event"] for step in chain] == ["raised", "passed"]
    assert chain[0]["callback"] == "query"
    assert chain[0]["added"]["code"] == "d.addCallback(query)"
    assert json.loads(to_json(caught(), indent=2)) == json.loads(to_json(caught()))


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "5", "null", "{}", '{"type": "x"}',
        '{"type": "x", "message": "y", "frames": [5]}',
        '{"type": "x", "message": "y", "frames": [{"file": "z"}]}',
        '{"type": "x", "message": "y", "frames": 5}',
        '{"type": "x", "message": "y", "causes": [{}]}',
        '{"type": "x", "message": "y", "chain": [{}]}',
        '{"type": "x", "message": 5}',
        '{"type": "x", "message": "y", "notes": [5]}',
        '{"type": "x", "message": "y", "members": 5}',
        '{"type": "x", "message": "y", "members_left_out": "5"}',
        '{"type": "x", "message": "y", "frames": [{"file": "z", "function": "f", "line": "5"}]}',
        '{"type": "x", "message": "y", "frames": [{"file": "z", "function": "f", "line": 5, "columns": 5}]}',
        '{"type": "x", "message": "y", "frames": [{"file": "z", "function": "f", "line": 5, "locals": []}]}',
        '{"type":"x","message":"y","members":[' * 3000 + "]}" * 3000,
    ],
)  # fmt: skip
def test_json_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "type message frames causes members chain relation notes file line function event added".split()
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(JSON, JSON)
def test_whatever_is_read_is_refused_or_can_be_shown(frames: Any, causes: Any) -> None:
    facts = {"type": "x", "message": "y", "frames": frames, "causes": causes}
    try:
        story = from_json(json.dumps(facts))
    except ValueError:
        return
    to_terminal(story), to_html(story), explain(story)


def test_keys_of_another_release_are_passed_over() -> None:
    story = from_json('{"type": "x", "message": "y", "colour": "red", "frames": []}')
    assert (story.type, story.message) == ("x", "y")


# --- A paragraph ----------------------------------------------------------------------------------------------------


def test_explain_says_what_happened_from_where_to_where() -> None:
    def entry() -> None:
        outer()

    def outer() -> None:
        load("three")

    start = load.__code__.co_firstlineno
    text = explain(caught(entry))
    assert text == (
        f"LookupError (no such user) was raised in load (test_renderings.py, line {start + 5}), "
        'by `raise LookupError("no such user") from error`. '
        f"From there it went through outer and entry to caught (test_renderings.py, line "
        f"{caught.__code__.co_firstlineno + 2}). "
        "It was raised because of ValueError (invalid literal for int() with base 10: 'three') "
        f"in query (test_renderings.py, line {start - 3})."
    )


def test_explain_of_other_shapes() -> None:
    assert explain(ValueError("x")) == "ValueError (x) was never raised."
    assert explain(ValueError()) == "ValueError was never raised."
    noted = ValueError("x")
    for note in ("while reading\na.txt", "", "3", "4", "5"):
        noted.add_note(note)
    assert explain(noted) == "ValueError (x) was never raised. Noted: while reading a.txt; 3; 2 more."
    assert "It happened while the program handled " in explain(caught(test_text.while_handling))
    assert "It stands for 2 failures: ValueError (" in explain(gathered())
    assert (
        "It stands for 17 failures: ValueError (0), ValueError (1), ValueError (2) and 14 more."
        in explain(caught(test_text.wide_group))
    )
    debug = explain(in_debug_mode())
    assert "The Deferred in which it began was made in in_debug_mode (test_renderings.py" in debug
    assert "It passed in_debug_mode.<locals>.<lambda>." in debug
    deep = explain(caught(test_text.again_and_again))
    assert "through step, step, step, 15 more, step, step and again_and_again to caught" in deep
    assert len(explain(caught(lambda: load("3" * 5000 + "x")))) < 1500


@shapes
def test_explain_is_one_printable_line(shape: Callable[[], Failure]) -> None:
    assert explain(shape()).isprintable()


# --- Text from elsewhere --------------------------------------------------------------------------------------------


HOSTILE = "</pre><script>alert(1)</script>\x1b]0;title\x07\r\n\u202e\"'&<b>"


def hostile() -> Story:
    """A story in which every text comes from an attacker."""
    facts: dict[str, Any] = json.loads(to_json(in_debug_mode(), locals=True, carets=True))
    facts["causes"] = [json.loads(to_json(gathered()))]
    facts["causes"][0]["relation"] = "cause"

    def spoil(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {each if key != "locals" else HOSTILE: spoil(item, each) for each, item in value.items()}
        if isinstance(value, list):
            return [spoil(item, key) for item in value] or ([HOSTILE] if key in ("notes", "details") else [])
        return HOSTILE if isinstance(value, str) and key not in ("relation", "file") else value

    return Story.from_dict(spoil(facts))


def test_attack_036_markup_in_a_report_is_text() -> None:
    page = to_html(hostile())
    assert HOSTILE.partition("\x1b")[0] in read(page)
    assert "<script" not in page and "<b>" not in page
    assert "\x1b" not in page and "\u202e" not in page


@given(st.text())
def test_attack_036_no_text_gets_out_of_its_place(text: str) -> None:
    error = ValueError(text)
    error.add_note(text)
    made = Failure(error)
    made.frames = [(text, text, 1, [(text, text)], ())]
    read(to_html(made, locals=True))


def test_attack_042_a_terminal_acts_upon_nothing_in_a_report() -> None:
    for text in (
        SGR.sub("", to_terminal(hostile())),
        to_terminal(hostile(), color=False),
        explain(hostile()),
    ):
        assert not set(text) & set("\x1b\x07\r\u202e")


def test_attack_113_lines_from_elsewhere_do_not_pass_for_lines_of_a_report() -> None:
    error = ValueError('one\n  File "/etc/passwd", line 1, in root\nValueError: forged')
    error.add_note("Traceback (most recent call last):\nforged")
    for line in to_terminal(Failure(error), color=False).splitlines():
        assert line.startswith("    ") or line == "ValueError: one"
    assert "\n" not in to_json(Failure(error))


def test_attack_118_a_page_shows_neither_variables_nor_environment_unless_asked() -> None:
    def work() -> None:
        db_password = "hunter2-" + str(len("xyz"))
        raise ValueError(len(db_password))

    page = to_html(caught(work), source=False)
    assert "hunter2" not in page and "PATH" not in page and "db_password" not in page
    assert "hunter2-3" not in to_html(caught(work), locals=True)
