"""What peers put into the text of an exception, and what a report makes of it (../shared ATTACKS, by number)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from selvage.failure import (
    Failure,
    Report,
    _hub,
    flush,
    limit_reports,
    recent,
    report,
    set_default_reporter,
    silence,
    subscribe,
    unsubscribe,
)
from selvage.failure._groups import AT_MOST
from selvage.observe._facts import facts_of

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


# --- Floods ------------------------------------------------------------------------------------------------------


def _refuse(text: str) -> None:
    """Fail as a protocol does at what a peer sent."""
    try:
        raise ValueError(f"cannot read {text}")
    except ValueError as error:
        report(error, "Unhandled error in dataReceived", source="protocol")


def test_attack_113_a_flood_of_errors_does_not_fill_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """A peer that triggers one error again and again, with another text each time."""
    for number in range(5000):
        _refuse(f"line {number}")
    flush()
    printed = capsys.readouterr().err
    assert printed.count("Traceback") == AT_MOST
    assert f"{5000 - AT_MOST:,} more in the last" in printed
    assert sum(group.count for group in recent()) == 5000


def test_attack_113_a_flood_of_large_messages_does_not_fill_the_memory() -> None:
    set_default_reporter(None)
    for number in range(20):
        _refuse("x" * 100_000 + str(number))
    assert sum(len(group.failure.getErrorMessage()) for group in recent()) < 5000


def test_attack_113_secrets_do_not_leave_with_a_report() -> None:
    sent = facts_of(Report(Failure(ValueError()), context={"password": "hunter2", "peer": "h" * 10_000}))
    assert "hunter2" not in str(sent)
    assert len(str(sent)) < 1000


def test_attack_116_an_alarm_is_not_sent_a_thousand_times() -> None:
    """Whoever sends mail for each report is subscribed with `grouped`; who wants none at night, is silent and counts."""
    set_default_reporter(None)
    mails: list[Report] = []
    subscribe(mails.append, grouped=True)
    try:
        for number in range(1000):
            _refuse(str(number))
        assert len(mails) == AT_MOST
        with silence(source="protocol"):
            for number in range(1000):
                _refuse(str(number))
        flush()
    finally:
        unsubscribe(mails.append)
    assert [(mail.kind, mail.count) for mail in mails[AT_MOST:]] == [("summary", 1000 - AT_MOST)]
    assert [(group.count, group.silenced) for group in recent()] == [(2000, 1000)]


def test_attack_116_many_kinds_of_errors_are_bounded_as_well() -> None:
    """Where a peer can choose the path through the program, each path being a fault of its own."""
    set_default_reporter(None)
    mails: list[Report] = []
    limit_reports(groups=20)
    subscribe(mails.append, grouped=True)
    try:
        for number in range(500):
            try:
                exec(compile("\n" * number + "raise KeyError", "paths.py", "exec"))
            except KeyError as error:
                report(error)
        flush()
    finally:
        unsubscribe(mails.append)
        limit_reports()
    assert len(mails) == 20 + AT_MOST + 1
    assert sum(mail.count for mail in mails) == 500
