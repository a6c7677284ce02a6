"""Fingerprints: equal for the same fault, different for different ones, in every run."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from selvage.defer import Deferred, inlineCallbacks, maybeDeferred
from selvage.failure import Failure, fingerprint
from selvage.failure._frames import is_ours, is_program


def caught(work: Callable[..., object], *args: object) -> Failure:
    try:
        work(*args)
    except BaseException:
        return Failure()
    raise AssertionError("nothing raised")


def fail_with(error: BaseException) -> None:
    raise error


def fail_in_two_places(first: bool) -> None:
    if first:
        raise ValueError("here")
    raise ValueError("there")


def recurse(depth: int) -> None:
    if depth:
        recurse(depth - 1)
    raise ValueError("bottom")


def test_it_is_16_hexadecimal_digits() -> None:
    made = fingerprint(caught(fail_with, ValueError()))
    assert len(made) == 16
    assert int(made, 16) >= 0


def test_the_message_does_not_count() -> None:
    assert fingerprint(caught(fail_with, ValueError("a"))) == fingerprint(caught(fail_with, ValueError("b")))


def test_class_and_place_count() -> None:
    assert fingerprint(caught(fail_with, ValueError())) != fingerprint(caught(fail_with, KeyError()))
    assert fingerprint(caught(fail_in_two_places, True)) != fingerprint(caught(fail_in_two_places, False))
    assert fingerprint(caught(fail_with, ValueError())) != fingerprint(caught(fail_in_two_places, True))


def test_the_depth_of_a_recursion_does_not_count() -> None:
    assert fingerprint(caught(recurse, 3)) == fingerprint(caught(recurse, 40))


def test_the_machinery_between_does_not_count() -> None:
    """A function fails in the same way whichever part of Selvage calls it."""
    seen: list[str] = []
    d: Deferred[Exception] = Deferred()
    d.addCallback(fail_with)
    d.addErrback(lambda failure: seen.append(fingerprint(failure)))
    d.callback(ValueError())
    maybeDeferred(fail_with, ValueError()).addErrback(lambda failure: seen.append(fingerprint(failure)))
    assert seen[0] == seen[1]


def test_frames_of_the_standard_library_do_not_count_beside_others() -> None:
    assert not is_program(json.__file__)
    made = caught(json.loads, "{")
    without = [frame for frame in made.frames if is_program(frame[1])]
    assert 0 < len(without) < len(made.frames)
    before = fingerprint(made)
    made.frames = without
    assert fingerprint(made) == before


def test_without_frames_of_the_program_the_others_count() -> None:
    one, other = caught(json.loads, "{"), caught(json.loads, "nothing")
    one.frames = [frame for frame in one.frames if not is_program(frame[1])]
    other.frames = [frame for frame in other.frames if not is_program(frame[1])]
    assert fingerprint(one) != fingerprint(other)


def test_folders_do_not_count() -> None:
    one, other = Failure(ValueError()), Failure(ValueError())
    one.frames = [("f", "/srv/release-1/app/main.py", 3, (), ())]
    other.frames = [("f", "C:\\work\\app\\main.py", 3, (), ())]
    assert fingerprint(one) == fingerprint(other)


def test_the_cause_counts_and_what_happened_before_does_not() -> None:
    def convert(error: BaseException) -> None:
        try:
            fail_with(error)
        except Exception as cause:
            raise RuntimeError from cause

    def stumble(error: BaseException) -> None:
        try:
            fail_with(error)
        except Exception:
            raise RuntimeError

    assert fingerprint(caught(convert, ValueError())) != fingerprint(caught(convert, KeyError()))
    assert fingerprint(caught(stumble, ValueError())) == fingerprint(caught(stumble, KeyError()))


def test_causes_in_a_circle_end() -> None:
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert fingerprint(Failure(one)) == fingerprint(Failure(one))


def test_members_of_a_group_count_as_a_set() -> None:
    def group(*errors: Exception) -> str:
        return fingerprint(caught(fail_with, ExceptionGroup("several", errors)))

    assert group(ValueError(), KeyError()) == group(KeyError(), ValueError(), KeyError())
    assert group(ValueError(), KeyError()) != group(ValueError())


@pytest.mark.parametrize("let_go", ["clean", "pickle"])
def test_it_stays_when_the_traceback_goes(let_go: str) -> None:
    try:
        try:
            fail_with(ValueError())
        except ValueError as cause:
            raise RuntimeError from cause
    except RuntimeError:
        made = Failure()
    before = fingerprint(made)
    if let_go == "clean":
        made.cleanFailure()
    else:
        made = pickle.loads(pickle.dumps(made))
    assert fingerprint(made) == before


def test_any_value_has_one() -> None:
    made = Failure("no exception", "no.class")
    assert fingerprint(made) == fingerprint(Failure("another", "no.class"))


def test_text_that_cannot_be_encoded() -> None:
    made = Failure(ValueError())
    made.frames = [("f\udc80", "\udcff.py", 1, (), ())]
    assert len(fingerprint(made)) == 16


def test_a_coroutine_and_its_callers_count_but_not_their_driver() -> None:
    @inlineCallbacks
    def inner():  # type: ignore[no-untyped-def]
        yield None
        raise ValueError

    @inlineCallbacks
    def outer():  # type: ignore[no-untyped-def]
        yield inner()

    seen: list[Failure] = []
    outer().addErrback(seen.append)
    assert [frame[0] for frame in seen[0].frames if is_program(frame[1])] == ["outer", "inner"]


PROGRAM = """
import sys
from selvage.failure import Failure, fingerprint

def work(message):
    raise ValueError(message)

try:
    work(sys.argv[1])
except ValueError:
    print(fingerprint(Failure()))
"""


def test_it_is_the_same_in_every_run(tmp_path: Path) -> None:
    prints = set()
    for number in range(2):
        folder = tmp_path / f"release-{number}"
        folder.mkdir()
        (folder / "main.py").write_text(PROGRAM)
        done = subprocess.run(
            [sys.executable, str(folder / "main.py"), str(number)], capture_output=True, text=True, check=True
        )
        prints.add(done.stdout)
    assert len(prints) == 1


def test_whose_a_file_is() -> None:
    import selvage.defer._loop
    import selvage.demo._main

    assert is_ours(selvage.defer._loop.__file__)
    assert not is_ours(selvage.demo._main.__file__)
    assert is_program(selvage.demo._main.__file__)
    assert is_program(pytest.__file__)
    assert is_program("<stdin>")
    for path in (
        "<frozen importlib._bootstrap>",
        "/opt/python/lib/python3.13/asyncio/tasks.py",
        "/usr/lib64/python3.12/json/decoder.py",
    ):
        assert not is_program(path), path
    for path in ("/usr/lib/python3/dist-packages/twisted/x.py", "/opt/lib/python3.13/site-packages/a.py"):
        assert is_program(path), path
