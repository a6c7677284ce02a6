"""Local variables in reports: nothing secret, nothing endless, nothing that breaks."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import pathlib
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from selvage.failure import Failure, Locals, _locals, to_html, to_json, to_terminal, to_text
from selvage.failure._locals import HIDDEN, describe


def shown(value: object, policy: Locals = Locals()) -> str:
    [[(name, text)]] = describe([{"it": value}.items()], policy)
    assert name == "it"
    return text


class Raising:
    def __repr__(self) -> str:
        raise KeyError("no repr")


class Endless:
    def __repr__(self) -> str:
        while True:
            pass


class EndlessCalls:
    def __repr__(self) -> str:
        return repr(EndlessCalls())


class NoString:
    def __repr__(self) -> Any:
        return 5


class Exiting:
    def __repr__(self) -> str:
        sys.exit(3)


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (1.5, "1.5"),
        ("text", "'text'"),
        (b"bytes", "b'bytes'"),
        ([], "[]"),
        ([1, "a"], "[1, 'a']"),
        ((), "()"),
        ((1,), "(1,)"),
        ((1, 2), "(1, 2)"),
        (set(), "set()"),
        ({1}, "{1}"),
        (frozenset([1]), "frozenset({1})"),
        (frozenset(), "frozenset()"),
        ({"a": 1}, "{'a': 1}"),
        ({}, "{}"),
        (list(range(10)), "[0, 1, 2, 3, 4, 5, 6, 7, ... 2 more]"),
        ({n: n for n in range(9)}, "{0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, ... 1 more}"),
        ([[[[1]]]], "[[[[...]]]]"),
        ({1: {2: {3: {4: 5}}}}, "{1: {2: {3: {...}}}}"),
        (1 << 5000, "<int of 5001 bits>"),
        ([[].append], "[<builtin_function_or_method list.append>]"),
        (Locals().hides, "<method Locals.hides>"),
        (Point(1, 2), "Point(x=1, y=2)"),
        (Colour.RED, "<Colour.RED: 1>"),
        (datetime.date(2020, 1, 2), "datetime.date(2020, 1, 2)"),
        (pathlib.PurePosixPath("/x"), "PurePosixPath('/x')"),
        (collections.deque([1]), "deque([1])"),
        ("\x1b[31m\u202e\n", "'\\x1b[31m\\u202e\\n'"),
    ],
)
def test_values(value: object, text: str) -> None:
    assert shown(value) == text


def test_long_values_lose_their_middle() -> None:
    text = shown("a" * 1000 + "z")
    assert text.startswith("'aaa") and "..." in text and "z' (" in text
    assert len(text) < 150
    assert shown("x" * 100, Locals(limit=20)) == "'xxxxxxxxxxxx...xxxxxx' (100 characters)"
    assert shown(b"x" * 100_000).endswith("x' (100,000 characters)")


def test_a_large_value_costs_what_a_small_one_costs() -> None:
    class Counted(str):
        def __repr__(self) -> str:
            counted.append(1)
            return "counted"

    counted: list[int] = []
    shown([Counted()] * 1_000_000)
    assert len(counted) == 8


@pytest.mark.parametrize(
    "name",
    "password PASSWORD db_passwd passphrase pwd user_pw secret client_secret token access_token jwt api_key apikey"
    " API_KEY aws_access_key private_key authorization auth x_auth credentials cookie session_id sid pin otp salt"
    " signature bearer".split(),
)
def test_secret_names_hide_their_values(name: str) -> None:
    assert describe([{name: "hunter2"}.items()], Locals()) == [[(name, HIDDEN)]]
    assert "hunter2" not in shown({name: "hunter2"})
    assert "hunter2" not in shown([{"deeper": {name.encode(): b"hunter2"}}])


@pytest.mark.parametrize(
    "name", ["author", "pinned", "compass", "opinion", "tokens_left"[:6] + "_left", "keyboard"]
)
def test_innocent_names_show_theirs(name: str) -> None:
    expected = HIDDEN if "token" in name else "'shown'"
    assert describe([{name: "shown"}.items()], Locals()) == [[(name, expected)]]


def test_passwords_in_urls_are_hidden() -> None:
    assert shown("postgres://ada:hunter2@db.example/x") == f"'postgres://ada:{HIDDEN}@db.example/x'"
    assert shown(["see https://a:hunter2@b/ and ftp://c:hunter2@d"]).count(HIDDEN) == 2
    assert shown("https://host:8080/a@b") == "'https://host:8080/a@b'"


@dataclasses.dataclass
class Account:
    name: str
    password: str
    api_key: bytes
    age: int = 5


def test_secrets_in_the_repr_of_an_object_are_hidden() -> None:
    account = Account("ada", 'it\'s "hunter2", I say', b"hunter2")
    expected = f"Account(name='ada', password={HIDDEN}, api_key={HIDDEN}, age=5)"
    assert shown(account) == expected
    assert shown([account]) == f"[{expected}]"
    shop = collections.OrderedDict(name="x", password="hunter2", card=[1, 2])
    assert "hunter2" not in shown(shop) and "'card'" in shown(shop)
    assert shown([(b"x-auth-token", b"hunter2"), ("a", "b")]) == f"[(b'x-auth-token', {HIDDEN}), ('a', 'b')]"
    assert shown(["password", "token"]) == "['password', 'token']"
    assert shown({"password": "x", "it": 1}) == f"{{'password': {HIDDEN}, 'it': 1}}"


def test_secrets_in_requests_are_hidden() -> None:
    assert shown("/path?a=1&token=hunter2&b=3#x") == f"'/path?a=1&token={HIDDEN}&b=3#x'"
    request = b"GET / HTTP/1.1\r\nAuthorization: Basic aHVudGVyMg==\r\nCookie: a=b; c=d\r\nHost: x\r\n\r\n"
    assert (
        shown(request, Locals(limit=500))
        == f"b'GET / HTTP/1.1\\r\\nAuthorization: {HIDDEN}\\r\\nCookie: {HIDDEN}\\r\\nHost: x\\r\\n\\r\\n'"
    )


@pytest.mark.parametrize(
    "text", ["the password: it is too short", "unexpected token: ;", "a = b", "token=", "x=1, y='z'"]
)
def test_what_only_speaks_of_secrets_is_shown(text: str) -> None:
    assert shown(text) == repr(text)


@given(text=st.text(max_size=200))
def test_hiding_secrets_keeps_all_else(text: str) -> None:
    hidden = _locals._without_secrets(text)
    assert hidden == text or HIDDEN in hidden


def test_a_filter_of_the_users_own() -> None:
    policy = Locals(redact=lambda name, value: name == "card" or value == 7)
    texts = dict(describe([{"card": 1, "seven": 7, "other": {"card": 3, "x": 4}}.items()], policy)[0])
    assert texts == {"card": HIDDEN, "seven": HIDDEN, "other": f"{{'card': {HIDDEN}, 'x': 4}}"}


def test_a_filter_that_fails_hides() -> None:
    def fail(name: str, value: object) -> bool:
        raise RuntimeError

    assert shown(5, Locals(redact=fail)) == HIDDEN


def test_names_that_say_nothing_are_left_out() -> None:
    variables = {"__name__": 1, "sys": sys, "shown": shown, "Point": Point, "x": 1, 5: 6}
    assert describe([variables.items()], Locals()) == [[("x", "1")]]  # type: ignore[list-item]


def test_many_variables_are_counted() -> None:
    variables = {f"v{number:02}": number for number in range(50)}
    texts = describe([variables.items()], Locals(count=3))[0]
    assert texts == [("v00", "0"), ("v01", "1"), ("v02", "2"), ("...", "47 more")]


@pytest.mark.parametrize(
    ("value", "remark"),
    [
        (Raising(), "whose repr raised KeyError"),
        (NoString(), "whose repr raised TypeError"),
        (EndlessCalls(), "whose repr raised RecursionError"),
        (Exiting(), "whose repr raised SystemExit"),
        (Endless(), "whose repr ran for more than 200000 steps"),
    ],
)
def test_a_repr_that_fails_is_described(value: object, remark: str) -> None:
    name = type(value).__name__
    assert shown(value).startswith(f"<{name} at 0x") and shown(value).endswith(f"{remark}>")
    assert shown([1, value], Locals(limit=500)).endswith(f"{remark}>]")


def test_a_repr_that_waits_for_ever_costs_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may wait for a lock that the thread that writes the report holds itself."""
    monkeypatch.setattr(_locals, "_PATIENCE_S", 0.02)
    over = threading.Event()

    class Waiting:
        def __repr__(self) -> str:
            over.wait()
            return "waited"

    class Swallowing:
        def __repr__(self) -> str:
            while not over.is_set():
                try:
                    over.wait(1)
                except BaseException:
                    pass
            return "swallowed"

    variables = {
        "a": Waiting(),
        "b": Point(1, 2),
        "c": Swallowing(),
        "d": Waiting(),
        "e": Point(3, 4),
        "f": 5,
    }
    try:
        texts = dict(describe([variables.items()], Locals())[0])
    finally:
        over.set()
    assert texts["a"].endswith("whose repr did not end within 0.02 s>")
    assert texts["b"] == "Point(x=1, y=2)"
    assert texts["c"].endswith("whose repr did not end within 0.02 s>")
    assert texts["d"].endswith("not asked, since others do not answer>")
    assert texts["e"].endswith("not asked, since others do not answer>")
    assert texts["f"] == "5"


def test_without_threads_objects_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the interpreter ends, there are no more threads."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert shown(5) == "5"
    assert shown(Point(1, 2)).endswith("not asked, since the program is ending>")


def test_class_names_cannot_break_out_of_their_line() -> None:
    cls = type("A\nTraceback \x1b[31m", (), {"__repr__": lambda self: 1 / 0})
    assert "\n" not in shown(cls()) and "\x1b" not in shown(cls())
    bare = type("A\nB\x1b", (), {})
    assert "\n" not in shown(bare()) and "\x1b" not in shown(bare())


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner) | st.frozensets(st.integers()),
    max_leaves=30,
))  # fmt: skip
@settings(deadline=None)
def test_any_value_is_one_printable_line_of_limited_length(value: object) -> None:
    text = shown(value, Locals(limit=80))
    assert len(text) < 120
    assert text.isprintable() or not any(character in text for character in "\n\r\x1b\x00\x7f")


# --- In reports -----------------------------------------------------------------------------------------------------


def work(password: str, item: object) -> None:
    amount = 5  # noqa: F841
    raise ValueError("wrong")


def caught(**options: Any) -> Failure:
    try:
        work("hunter2", Point(1, 2))
    except ValueError:
        return Failure(**options)
    raise AssertionError


RENDERINGS: list[Callable[..., str]] = [to_text, to_terminal, to_json, to_html]


@pytest.mark.parametrize("render", RENDERINGS)
def test_reports_have_them_only_when_asked(render: Callable[..., str]) -> None:
    made = caught()
    assert "Point" not in render(made).replace("Point(1, 2)", "")
    text = render(made, locals=True)
    assert "Point(x=1, y=2)" in text and "amount" in text
    assert "hunter2" not in text.replace('work("hunter2"', "").replace('work(\\"hunter2\\"', "").replace(
        "work(&quot;hunter2&quot;", ""
    )
    assert "amount" in render(made, locals=Locals(count=1))
    assert "Point(x" not in render(made, locals=Locals(count=1))


def test_text_has_them_below_the_line() -> None:
    lines = to_text(caught(), locals=True).splitlines()
    assert lines[-4:] == [
        "    amount = 5",
        "    item = Point(x=1, y=2)",
        f"    password = {HIDDEN}",
        "ValueError: wrong",
    ]


def test_captured_variables_survive_and_are_redacted() -> None:
    made = caught(captureVars=True)
    made.cleanFailure()
    assert "item = Point(x=1, y=2)" in to_text(made, locals=True)
    assert "item" not in to_text(made)
    verbose = made.getTraceback(detail="verbose")
    assert "  amount : '5'" in verbose
    assert "'hunter2'" not in verbose.replace('work("hunter2"', "")


def test_the_verbose_report_hides_secrets_too() -> None:
    verbose = caught(captureVars=True).getTraceback(detail="verbose")
    assert f"  password : {HIDDEN}" in verbose
