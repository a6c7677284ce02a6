"""A Failure that is pickled, sent to another process and printed there."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from selvage.failure import Failure, Story, explain, fingerprint, to_html, to_json, to_terminal, to_text

from . import test_text
from .test_renderings import SHAPES, caught, gathered, in_debug_mode

RECEIVER = """
import pickle, sys
from selvage.failure import explain, fingerprint, to_html, to_json, to_terminal, to_text

made = pickle.load(sys.stdin.buffer)
for show in (to_text, to_json, to_html, explain, fingerprint, type(made).getTraceback):
    print(ascii(show(made)))
"""


def told(made: Failure) -> list[str]:
    shows: list[Callable[[Failure], str]] = [
        to_text,
        to_json,
        to_html,
        explain,
        fingerprint,
        Failure.getTraceback,
    ]
    return [ascii(show(made)) for show in shows]


@pytest.mark.slow
@pytest.mark.parametrize("shape", [caught, gathered, in_debug_mode, lambda: caught(test_text.syntax)])
def test_another_process_tells_the_same_story(shape: Callable[[], Failure], tmp_path: Path) -> None:
    """It has neither the sources nor the modules, only the pickle and the interpreter."""
    made = shape()
    expected = told(pickle.loads(pickle.dumps(made)))
    done = subprocess.run(
        [sys.executable, "-c", RECEIVER],
        input=pickle.dumps(made),
        capture_output=True,
        cwd=tmp_path,
        check=True,
    )
    assert done.stdout.decode().splitlines() == expected


GONE = """
import pickle, sys
from selvage.failure import Failure

class Unknown(Exception):
    def __init__(self, code, *, reason):
        super().__init__(f"{code}: {reason}")

def work():
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise Unknown(5, reason="the other side does not know this class") from error

try:
    work()
except Unknown:
    sys.stdout.buffer.write(pickle.dumps(Failure()))
"""


@pytest.mark.slow
def test_where_neither_class_nor_source_is_known_the_story_is(tmp_path: Path) -> None:
    program = tmp_path / "gone.py"
    program.write_text(GONE)
    sent = subprocess.run([sys.executable, str(program)], capture_output=True, check=True).stdout
    program.unlink()
    done = subprocess.run([sys.executable, "-c", RECEIVER], input=sent, capture_output=True, check=True)
    text = done.stdout.decode().splitlines()[0]
    assert "1 / 0" in text
    assert "direct cause" in text
    assert "Unknown: 5: the other side does not know this class" in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("shape", SHAPES)
def test_the_story_survives(shape: Callable[[], Failure], protocol: int) -> None:
    made = shape()
    sent = pickle.loads(pickle.dumps(made, protocol))
    assert to_text(sent) == to_text(made)
    assert sent.getTraceback() == made.getTraceback()
    assert fingerprint(sent) == fingerprint(made)
    assert to_text(sent, carets=True) == to_text(made, carets=True)
    assert to_terminal(sent) == to_terminal(made)
    assert to_text(pickle.loads(pickle.dumps(sent, protocol))) == to_text(made)


@pytest.mark.parametrize("shape", SHAPES)
def test_cleaning_changes_no_report(shape: Callable[[], Failure]) -> None:
    made = shape()

    def reports() -> tuple[str, ...]:
        texts = (
            to_text(made),
            to_text(made, carets=True),
            to_terminal(made),
            to_terminal(made, carets=False),
        )
        return (*texts, made.getTraceback(), fingerprint(made), explain(made))

    before = reports()
    made.cleanFailure()
    assert reports() == before


def test_causes_are_linked_again() -> None:
    made = pickle.loads(pickle.dumps(caught()))
    assert isinstance(made.value, LookupError)
    assert isinstance(made.value.__cause__, ValueError)
    assert made.value.__cause__.__notes__ == ["look at the form"]
    context = pickle.loads(pickle.dumps(caught(test_text.while_handling))).value.__context__
    assert isinstance(context, RuntimeError) and isinstance(context.__cause__, ValueError)
    alone = pickle.loads(pickle.dumps(caught(test_text.from_none))).value
    assert alone.__suppress_context__ and alone.__cause__ is None


def test_causes_in_a_circle_can_be_sent() -> None:
    made = caught(test_text.in_a_circle)
    sent = pickle.loads(pickle.dumps(made))
    assert to_text(sent) == to_text(made)
    assert isinstance(sent.value.__cause__, KeyError)


class Stubborn(Exception):
    """Is pickled without complaint, and cannot be made again."""

    def __init__(self, code: int, *, reason: str) -> None:
        super().__init__(f"{code}: {reason}")


def test_what_cannot_be_made_again_is_sent_as_its_name_and_words() -> None:
    def work() -> None:
        raise Stubborn(5, reason="because")

    made = caught(work)
    sent = pickle.loads(pickle.dumps(made))
    assert sent.getErrorMessage() == "5: because"
    assert sent.check(Stubborn) is Stubborn and sent.check(ValueError) is None
    assert sent.check("builtins.Exception") == "builtins.Exception"
    assert sent.getTraceback() == made.getTraceback()
    with pytest.raises(Exception, match="Stubborn: 5: because"):
        sent.raiseException()


def test_what_cannot_be_pickled_is_sent_as_its_name_and_words() -> None:
    class Local(Exception):
        pass

    made = Failure(Local(lambda: None))
    made.remark, made.lock = "kept", threading.Lock()  # type: ignore[attr-defined]
    sent = pickle.loads(pickle.dumps(made))
    assert sent.type == f"{__name__}.Local"
    assert sent.remark == "kept"
    assert not hasattr(sent, "lock")


def test_a_copy_keeps_everything() -> None:
    made = caught()
    made.remark = "kept"  # type: ignore[attr-defined]
    twin = copy.copy(made)
    assert twin is not made
    assert twin.value is made.value and twin.tb is made.tb
    assert twin.remark == "kept"  # type: ignore[attr-defined]


def test_frames_that_are_set_take_the_place_of_what_was_sent() -> None:
    sent = pickle.loads(pickle.dumps(caught()))
    sent.frames = [("other", "other.py", 3, (), ())]
    assert 'File "other.py", line 3, in other' in to_text(sent)
    assert Story.of(sent).fingerprint != Story.of(caught()).fingerprint


def test_members_that_were_sent_tell_their_own_stories() -> None:
    """A group made here of failures that came from elsewhere."""
    from selvage.errors import FailureGroup

    sent = [pickle.loads(pickle.dumps(each)) for each in (caught(), Failure(KeyError("x")))]
    story = Story.of(Failure(FailureGroup(sent)))
    assert [member.type for member in story.members] == ["builtins.LookupError", "builtins.KeyError"]
    assert [cause.relation for cause in story.members[0].causes] == ["cause"]
    assert story.members[0].frames[-1].function == "load"
