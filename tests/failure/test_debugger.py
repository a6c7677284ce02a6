"""The debugger at the frame that raised."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator

import pytest

from selvage.defer import Deferred, execute
from selvage.failure import Failure, machinery
from selvage.failure._debugger import debug_unhandled


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Lines that a person types at the debugger."""
    lines: list[str] = []

    class Keyboard(io.StringIO):
        def readline(self, size: int = -1) -> str:
            return lines.pop(0) + "\n" if lines else ""

    monkeypatch.setattr(sys, "stdin", Keyboard())
    yield lines


def work(item: str) -> None:
    raise ValueError(item)


def caught() -> Failure:
    seen: list[Failure] = []
    d: Deferred[str] = Deferred()
    d.addCallback(work)
    d.addErrback(seen.append)
    d.callback("wrong")
    return seen[0]


def test_it_opens_at_the_frame_that_raised(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    typed += ["p item", "w", "q"]
    caught().pdb()
    output = capsys.readouterr().out
    assert "ValueError: wrong\n" in output
    assert "(Pdb) 'wrong'" in output
    assert "_loop.py" not in output


def test_frames_of_machinery_are_left_out(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    @machinery
    def carry(failure: Failure) -> None:
        failure.raiseException()

    typed += ["p __name__", "up", "p 'outer', reason", "q"]

    def outer(reason: str) -> None:
        carry(Failure(ValueError("never raised before")))

    seen: list[Failure] = []
    execute(outer, "here").addErrback(seen.append)
    seen[0].pdb()
    assert "('outer', 'here')" in capsys.readouterr().out


def test_what_has_no_frames_says_so() -> None:
    made = caught()
    made.cleanFailure()
    for each in (made, Failure(ValueError("x"))):
        with pytest.raises(ValueError, match="no live frames to look at"):
            each.pdb()


def test_a_report_without_frames_opens_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    from selvage.failure import Report

    debug_unhandled(Report(Failure(ValueError("x"))), False)
    assert capsys.readouterr().out == ""


PROGRAM = """
from selvage.defer import Deferred

def work(item):
    raise ValueError(item)

d = Deferred()
d.addCallback(work)
d.callback("wrong")
del d
print("goes on")
"""


@pytest.mark.slow
@pytest.mark.parametrize(("value", "opens"), [("1", True), ("0", False), ("", False), (None, False)])
def test_the_environment_opens_it_for_what_nobody_handled(
    value: str | None, opens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("SELVAGE_PDB", raising=False)
    else:
        monkeypatch.setenv("SELVAGE_PDB", value)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="p 'item is', item\nq\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("('item is', 'wrong')" in done.stdout) == opens
    assert "goes on\n" in done.stdout
    # Once, by whoever prints what nobody handled.
    assert (done.stdout + done.stderr).count("ValueError: wrong") == 1


@pytest.mark.slow
def test_it_prints_the_report_where_nobody_else_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where failures go to a log in a file, say."""
    monkeypatch.setenv("SELVAGE_PDB", "1")
    program = "from selvage.failure import set_default_reporter\nset_default_reporter(None)\n" + PROGRAM
    done = subprocess.run(
        [sys.executable, "-c", program], input="q\n", capture_output=True, text=True, check=True
    )
    assert "ValueError: wrong" in done.stdout
    assert done.stderr == ""


def test_what_is_only_counted_is_shown_all_the_same(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The reporter tells the first of a kind; the debugger opens for each."""
    from selvage.failure import Report

    for others_print, count, prints in ((True, 1, False), (True, 2, True), (False, 1, True)):
        typed.append("q")
        debug_unhandled(Report(caught(), count=count), others_print)
        assert ("ValueError: wrong\n" in capsys.readouterr().out) == prints
