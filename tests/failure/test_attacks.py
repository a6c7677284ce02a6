"""What peers put into the text of an exception, and what a report makes of it (../shared ATTACKS, by number)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from selvage.failure import Failure, _hub, report, set_default_reporter

EVIL = "sent \x1b[31mred \x1b]0;title\x07 \r over \x08\x9b2J \u202e \u2066 \u2028 \u2029 \x85 \x7f \x00 end"

#: What a terminal acts upon, or what a reader of lines takes for an end of line; newline and tab excepted.
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.fixture(autouse=True)
def printing() -> Iterator[None]:
    previous = set_default_reporter(_hub._print_report)
    yield
    set_default_reporter(previous)


def raised(message: str) -> Failure:
    try:
        raise ValueError(message)
    except ValueError:
        return Failure()


def test_attack_042_terminal_escapes_in_a_report(capsys: pytest.CaptureFixture[str]) -> None:
    report(raised(EVIL), "Unhandled error", peer=EVIL, data=EVIL.encode())
    printed = capsys.readouterr().err
    assert ACTIVE.search(printed) is None
    assert "sent \\x1b[31mred \\x1b]0;title\\x07 \\x0d over \\x08\\x9b2J \\u202e \\u2066" in printed


def test_attack_042_terminal_escapes_in_the_last_resort(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr(sys, "__stderr__", sys.stderr)

    def broken(_: object) -> None:
        raise RuntimeError(EVIL)

    set_default_reporter(broken)
    report(raised(EVIL))
    printed = capsys.readouterr().err
    assert printed.count("sent \\x1b[31mred") == 2
    assert ACTIVE.search(printed) is None


def test_attack_113_lines_of_a_message_do_not_pass_for_reports(capsys: pytest.CaptureFixture[str]) -> None:
    report(
        raised("bad name\nUnhandled error in Deferred:\nTraceback (most recent call last):\nroot logged in")
    )
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith(("Unhandled", "Traceback", "root"))] == [
        "Unhandled error",
        "Traceback (most recent call last):",
    ]
    assert "    root logged in" in lines


def test_attack_113_the_failure_itself_keeps_the_text() -> None:
    failure = raised(EVIL)
    report(failure)
    assert str(failure.value) == EVIL
    assert EVIL in failure.getTraceback()


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_attack_113_no_text_gets_through(text: str) -> None:
    printed = _hub.printable_traceback(raised(text)) + _hub.printable(text)
    assert ACTIVE.search(printed) is None
