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


def below(failure: Failure, **options: Any) -> str:
    """The text from the line of the exception on."""
    text: str = failure.getTraceback(**options)
    return text[text.index("builtins.") :]


def test_notes_come_below_the_message() -> None:
    error = ValueError("wrong")
    error.add_note("try this\nor that")
    error.add_note("or nothing")
    assert below(caught(error)) == "builtins.ValueError: wrong\n    try this\n    or that\n    or nothing\n"


def test_notes_of_any_kind_are_shown() -> None:
    error = ValueError("wrong")
    error.__notes__ = "by hand"  # type: ignore[assignment]
    assert below(caught(error)).endswith("wrong\n    by hand\n")
    error.__notes__ = [5]  # type: ignore[list-item]
    assert below(caught(error)).endswith("wrong\n    5\n")


def test_notes_that_cannot_be_had_are_left_out() -> None:
    class Stubborn(Exception):
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    assert caught(Stubborn("wrong")).getTraceback().endswith("Stubborn: wrong\n")


def test_members_of_a_group_have_their_tracebacks() -> None:
    first = caught(ValueError("first")).value
    second = KeyError("never raised")
    second.add_note("noted")
    text = below(caught(ExceptionGroup("both", [first, second])))
    lines = text.splitlines()
    assert lines[0] == "builtins.ExceptionGroup: both (2 sub-exceptions)"
    assert lines[1] == "    --- 1 of 2 ---"
    assert lines[2].startswith('      File "') and lines[2].endswith(", in caught")
    assert lines[3:] == [
        "        raise error",
        "    builtins.ValueError: first",
        "    --- 2 of 2 ---",
        "    Failure: builtins.KeyError: 'never raised'",
        "        noted",
    ]


def test_groups_in_groups() -> None:
    inner = ExceptionGroup("inner", [ValueError("deep")])
    lines = below(caught(ExceptionGroup("outer", [inner]))).splitlines()
    assert lines == [
        "builtins.ExceptionGroup: outer (1 sub-exception)",
        "    --- 1 of 1 ---",
        "    Failure: builtins.ExceptionGroup: inner (1 sub-exception)",
        "        --- 1 of 1 ---",
        "        Failure: builtins.ValueError: deep",
    ]


def test_large_and_deep_groups_are_cut() -> None:
    wide = below(caught(ExceptionGroup("wide", [ValueError(str(number)) for number in range(100)])))
    assert "--- 15 of 100 ---" in wide
    assert "--- 16 of 100 ---" not in wide
    assert wide.endswith("    --- and 85 more ---\n")
    deep: Exception = ValueError("bottom")
    for _ in range(1000):
        deep = ExceptionGroup("deep", [deep])
    text = below(caught(deep))
    assert "bottom" not in text
    assert len(text) < 5000


@pytest.mark.parametrize("detail", ["brief", "verbose"])
def test_other_forms_are_as_they_were(detail: str) -> None:
    text = caught(ExceptionGroup("both", [ValueError("first")])).getTraceback(detail=detail)
    assert "1 of 1" not in text


def test_what_went_wrong_together_is_shown_together() -> None:
    ds: list[Deferred[None]] = [Deferred(), Deferred()]
    seen: list[str] = []
    gatherResults(ds, group_errors=True).addErrback(lambda failure: seen.append(failure.getTraceback()))
    ds[0].errback(ValueError("one"))
    ds[1].errback(KeyError("two"))
    assert "ValueError: one\n" in seen[0]
    assert "KeyError: 'two'\n" in seen[0]
