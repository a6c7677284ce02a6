"""Reports in the interpreter's own form: compared with what the interpreter itself prints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import traceback
from collections.abc import Callable

import pytest

from selvage.failure import Failure, Story, to_text

CARETS = re.compile(r"^[ |]*[~^][ ~^]*$")


def printed(error: BaseException) -> str:
    """What the interpreter prints, without carets."""
    lines = "".join(traceback.format_exception(error)).splitlines(keepends=True)
    return "".join(line for line in lines if not CARETS.match(line.rstrip("\n")))


def caught(work: Callable[[], object]) -> BaseException:
    try:
        work()
    except BaseException as error:
        return error
    raise AssertionError("nothing raised")


def plain() -> None:
    raise ValueError("of one line")


def silent() -> None:
    raise ValueError


def of_two_lines() -> None:
    raise ValueError("one\ntwo")


def library() -> None:
    json.loads("{")


def noted() -> None:
    error = ValueError("noted")
    error.add_note("try this\nor that")
    error.add_note("")
    error.add_note("or nothing")
    raise error


def from_cause() -> None:
    try:
        plain()
    except ValueError as error:
        raise RuntimeError("converted") from error


def while_handling() -> None:
    try:
        from_cause()
    except RuntimeError:
        raise KeyError("in the handler")


def from_none() -> None:
    try:
        plain()
    except ValueError:
        raise RuntimeError("alone") from None


def from_never_raised() -> None:
    raise RuntimeError("converted") from ValueError("never raised")


def in_a_circle() -> None:
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    raise one


def its_own_cause() -> None:
    error = ValueError("own")
    error.__cause__ = error
    raise error


def its_own_context() -> None:
    error = ValueError("own")
    other = KeyError("other")
    error.__context__ = other
    other.__context__ = error
    raise error


def again_and_again() -> None:
    def step(left: int) -> None:
        if not left:
            raise ValueError("bottom")
        step(left - 1)

    step(20)


def twice_and_thrice() -> None:
    def step(left: int) -> None:
        if not left:
            raise ValueError("bottom")
        step(left - 1)

    step(4)


def ping(left: int) -> None:
    pong(left - 1)


def pong(left: int) -> None:
    if left < 0:
        raise ValueError("bottom")
    ping(left)


def in_turns() -> None:
    ping(4)


def group() -> None:
    errors = [caught(from_cause), KeyError("never raised"), caught(noted)]
    raise ExceptionGroup("several", errors)  # type: ignore[type-var]


def groups_in_groups() -> None:
    first, last = caught(group), caught(plain)
    error = ExceptionGroup("outer", [last, first, KeyError()])  # type: ignore[list-item]
    error.add_note("of the group")
    raise error


def group_in_the_last_place() -> None:
    raise ExceptionGroup("outer", [caught(plain), caught(group)])  # type: ignore[list-item]


def group_of_one() -> None:
    raise BaseExceptionGroup("lonely", [KeyboardInterrupt()])


def group_as_a_cause() -> None:
    try:
        group()
    except ExceptionGroup as error:
        raise RuntimeError("all of it") from error


def group_while_handling() -> None:
    try:
        plain()
    except ValueError:
        group()


def wide_group() -> None:
    raise ExceptionGroup("wide", [ValueError(str(number)) for number in range(17)])


def group_one_too_wide() -> None:
    raise ExceptionGroup("wide", [ValueError(str(number)) for number in range(16)])


def deep_group() -> None:
    error: Exception = ValueError("bottom")
    for level in range(14):
        error = ExceptionGroup(str(level), [ValueError("beside"), error])
    raise error


def syntax() -> None:
    compile("x = (\n1 +\n", "settings.py", "exec")


def syntax_of_one_line() -> None:
    compile("one two three", "settings.py", "exec")


def syntax_by_hand() -> None:
    raise SyntaxError("made by hand")


CASES = [
    plain, silent, of_two_lines, library, noted, from_cause, while_handling, from_none, from_never_raised, in_a_circle,
    its_own_cause, its_own_context, again_and_again, twice_and_thrice, in_turns, group, groups_in_groups,
    group_in_the_last_place, group_of_one, group_as_a_cause, group_while_handling, wide_group, group_one_too_wide,
    deep_group, syntax, syntax_of_one_line, syntax_by_hand,
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_it_reads_as_the_interpreter_prints_it(case: Callable[[], None]) -> None:
    error = caught(case)
    text = to_text(error)
    if case in (syntax, syntax_of_one_line):
        # The carets of a syntax error are part of what it says.
        text = "".join(line for line in text.splitlines(keepends=True) if not CARETS.match(line.rstrip("\n")))
    assert text == printed(error)
    assert to_text(Failure(error)) == to_text(error)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_getTraceback_says_the_same_with_the_modules_of_builtin_classes(case: Callable[[], None]) -> None:
    error = caught(case)
    own = re.sub(r"^([ |]*)builtins\.", r"\1", Failure(error).getTraceback(), flags=re.MULTILINE)
    # A message that is empty keeps its colon there.
    assert re.sub(r"(?<=Error|rrupt): $", "", own, flags=re.MULTILINE) == to_text(error)


@pytest.mark.parametrize(
    "case", [plain, silent, of_two_lines, library, from_none, again_and_again, twice_and_thrice]
)
def test_the_quick_way_and_the_careful_way_give_the_same(case: Callable[[], None]) -> None:
    from selvage.failure._render import _render_story, is_plain, render_plain

    made = Failure(caught(case))
    assert is_plain(made)
    assert render_plain(made) == _render_story(made, False)
    made.frames = []
    assert render_plain(made) == _render_story(made, False)


def test_carets_are_where_the_interpreter_has_them() -> None:
    def fail() -> None:
        äöü = {"a": {}}  # noqa: F841
        print("ü" + äöü["a"]["b"] + "x")

    error = caught(fail)
    own = to_text(error, carets=True).splitlines()
    theirs = "".join(traceback.format_exception(error)).splitlines()
    # Newer interpreters mark in addition parts of an expression that is all of its line.
    assert [line for line in (line.replace("~", "^") for line in theirs) if line in own] == own
    assert all(CARETS.match(line) for line in theirs if line.replace("~", "^") not in own)
    assert any(line.strip() == "^" * 13 for line in own)


def test_a_loop_of_causes_is_told_so_far_and_no_further() -> None:
    error = ValueError("0")
    for number in range(1, 100_000):
        following = ValueError(str(number))
        following.__cause__ = error
        error = following
    text = to_text(error)
    assert text.count("direct cause") == 50
    assert text.endswith("ValueError: 99999\n")


def test_a_tree_of_groups_is_told_so_far_and_no_further() -> None:
    error: Exception = ValueError("leaf")
    for _ in range(8):
        error = ExceptionGroup("branch", [error] * 10)
    assert len(to_text(error).splitlines()) < 5_000


def test_attributes_that_cannot_be_had_are_no_trouble() -> None:
    class Stubborn(Exception):
        def __getattribute__(self, name: str) -> object:
            if name in ("__cause__", "__context__", "__suppress_context__", "__notes__"):
                raise RuntimeError(name)
            return super().__getattribute__(name)

    def work() -> None:
        raise Stubborn("wrong")

    made = Failure(caught(work))
    assert to_text(made).endswith("Stubborn: wrong\n")
    assert made.getTraceback().endswith("Stubborn: wrong\n")
    assert len(Story.of(made).fingerprint) == 16


def test_the_story_of_a_story_is_itself() -> None:
    story = Story.of(caught(plain))
    assert Story.of(story) is story
    assert to_text(story) == to_text(caught(plain)) == printed(caught(plain))


AT_THE_END = """
from selvage.defer import Deferred

def fail():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise RuntimeError("converted") from error

kept = Deferred()
kept.addCallback(lambda _: fail())
kept.callback(None)
"""


def test_a_failure_that_is_left_when_the_interpreter_ends_is_told_in_full() -> None:
    """Nothing can be imported any more then."""
    done = subprocess.run([sys.executable, "-c", AT_THE_END], capture_output=True, text=True, check=True)
    assert "ZeroDivisionError: division by zero\n" in done.stderr
    assert "direct cause" in done.stderr
    assert done.stderr.rstrip().endswith("RuntimeError: converted")
