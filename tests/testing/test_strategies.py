"""The strategies give what they promise, and all of it."""

from __future__ import annotations

import subprocess
import sys
import traceback
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings, strategies as st

from selvage.failure import Failure, explain, fingerprint, from_json, to_html, to_json, to_text
from selvage.testing.strategies import Framed, every_split, exceptions, failures, framed, pieces_of

QUICK = settings(max_examples=50, deadline=None)


def found(strategy: Any, condition: Any) -> Any:
    """An example for which the condition holds: the strategy can give such."""
    return find(strategy, condition, settings=settings(max_examples=1000, database=None, deadline=None))


@given(st.binary(max_size=50), st.data())
@QUICK
def test_pieces_are_the_whole(stream: bytes, data: st.DataObject) -> None:
    assert b"".join(data.draw(pieces_of(stream))) == stream
    assert all(data.draw(pieces_of(stream, empty=False)))
    assert len(data.draw(pieces_of(stream, max_cuts=1))) <= 2


@given(pieces_of(st.binary(min_size=3, max_size=9)))
@QUICK
def test_pieces_of_a_strategy(pieces: list[bytes]) -> None:
    assert 3 <= len(b"".join(pieces)) <= 9


def test_pieces_shrink_to_one() -> None:
    assert found(pieces_of(b"hello"), lambda pieces: True) == [b"hello"]
    assert len(found(pieces_of(b"hello"), lambda pieces: len(pieces) > 1)) == 2


def encode(frame: bytes) -> bytes:
    return bytes([len(frame)]) + frame


@given(framed(st.binary(max_size=9), encode))
@QUICK
def test_frames_in_pieces_are_the_frames(framed: Framed[bytes]) -> None:
    assert framed.stream == b"".join(map(encode, framed.frames))


def test_frames_are_cut_within_and_between() -> None:
    frames = st.just(b"abcdefgh")
    found(
        framed(frames, encode),
        lambda it: any(piece == encode(b"abcdefgh") for piece in it.pieces) and len(it.frames) > 1,
    )
    found(framed(frames, encode), lambda it: it.pieces[0] == b"\x08")


def test_every_split() -> None:
    assert every_split(b"abc") == [[b"abc"], [b"a", b"bc"], [b"ab", b"c"], [b"a", b"b", b"c"]]
    assert every_split(b"") == [[b""], []]


@pytest.mark.parametrize(
    "condition",
    [
        lambda failure: failure.value.__cause__ is not None,
        lambda failure: failure.value.__context__ is not None and not failure.value.__suppress_context__,
        lambda failure: failure.value.__suppress_context__ and failure.value.__cause__ is None,
        lambda failure: isinstance(failure.value, ExceptionGroup),
        lambda failure: getattr(failure.value, "__notes__", []),
        lambda failure: len(list(traceback.walk_tb(failure.value.__traceback__))) > 100,
        lambda failure: isinstance(failure.value, OSError),
    ],
    ids=["cause", "context", "from None", "group", "note", "deep", "errno"],
)
@pytest.mark.slow
def test_failures_of_every_shape(condition: Any) -> None:
    quickly = settings(max_examples=1000, database=None, deadline=None, phases=[Phase.generate])
    assert isinstance(find(failures(), condition, settings=quickly), Failure)


@given(failures(groups=False, causes=False))
@QUICK
def test_what_is_not_wanted_does_not_come(failure: Failure) -> None:
    assert not isinstance(failure.value, ExceptionGroup)
    assert failure.value.__context__ is None


@given(exceptions())
@QUICK
def test_exceptions_were_not_raised(error: Exception) -> None:
    assert error.__traceback__ is None


@pytest.mark.slow
@given(failures(unprintable=True))
@settings(max_examples=150, deadline=None)
def test_every_report_of_selvage_survives_any_failure(failure: Failure) -> None:
    assert fingerprint(failure) == fingerprint(failure)
    for report in (to_text, to_html, to_json, explain, Failure.getTraceback, Failure.getErrorMessage):
        assert isinstance(report(failure), str)
    assert isinstance(to_text(from_json(to_json(failure))), str)
    assert isinstance(failure.getBriefTraceback(), str)


def test_without_hypothesis_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['hypothesis'] = None; import selvage.testing.strategies"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].endswith("which is not installed: pip install hypothesis")
