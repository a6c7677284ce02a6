"""What else an exception has to say: its notes, and the members of a group."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.defer import Deferred, gatherResults
from selvage.failure import Failure


def caught(error: BaseException) -> Failure:
    try:
        raise error
    except BaseException:
        return Failure()


def test_notes_come_below_the_message() -> None:
    error = ValueError("wrong")
    error.add_note("try this\nor that")
    error.add_note("or nothing")
    assert (
        caught(error).getTraceback().endswith("\nbuiltins.ValueError: wrong\ntry this\nor that\nor nothing\n")
    )


def test_notes_of_any_kind_are_shown() -> None:
    error = ValueError("wrong")
    error.__notes__ = "by hand"  # type: ignore[assignment]
    assert caught(error).getTraceback().endswith("wrong\nby hand\n")
    error.__notes__ = [5]  # type: ignore[list-item]
    assert caught(error).getTraceback().endswith("wrong\n5\n")


def test_notes_that_cannot_be_had_are_left_out() -> None:
    class Stubborn(Exception):
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    assert caught(Stubborn("wrong")).getTraceback().endswith("Stubborn: wrong\n")


def test_members_of_a_group_have_their_tracebacks() -> None:
    first = caught(ValueError("first")).value
    second = KeyError("never raised")
    second.add_note("noted")
    lines = caught(ExceptionGroup("both", [first, second])).getTraceback().splitlines()  # type: ignore[list-item]
    assert lines[0] == "  + Exception Group Traceback (most recent call last):"
    assert lines[3:6] == [
        "  | builtins.ExceptionGroup: both (2 sub-exceptions)",
        "  +-+---------------- 1 ----------------",
        "    | Traceback (most recent call last):",
    ]
    assert lines[7:] == [
        "    |     raise error",
        "    | builtins.ValueError: first",
        "    +---------------- 2 ----------------",
        "    | builtins.KeyError: 'never raised'",
        "    | noted",
        "    +------------------------------------",
    ]


def test_large_and_deep_groups_are_cut() -> None:
    wide = caught(ExceptionGroup("wide", [ValueError(str(number)) for number in range(100)])).getTraceback()
    assert "ValueError: 14\n" in wide
    assert "ValueError: 15\n" not in wide
    assert "and 85 more exceptions\n" in wide
    deep: Exception = ValueError("bottom")
    for _ in range(1000):
        deep = ExceptionGroup("deep", [deep])
    text = caught(deep).getTraceback()
    assert "bottom" not in text
    assert len(text) < 5000


@pytest.mark.parametrize("detail", ["brief", "verbose"])
def test_other_forms_are_as_they_were(detail: str) -> None:
    text = caught(ExceptionGroup("both", [ValueError("first")])).getTraceback(detail=detail)
    assert "first" not in text


def test_what_went_wrong_together_is_shown_together() -> None:
    ds: list[Deferred[None]] = [Deferred(), Deferred()]
    seen: list[str] = []
    gatherResults(ds, all_errors=True).addErrback(lambda failure: seen.append(failure.getTraceback()))
    ds[0].errback(ValueError("one"))
    ds[1].errback(KeyError("two"))
    assert "ValueError: one\n" in seen[0]
    assert "KeyError: 'two'\n" in seen[0]
