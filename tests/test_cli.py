"""The `selvage` command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from selvage import cli
from selvage.failure import to_json


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Call the command line in this process; return its status and all that it printed."""
    status = 0
    try:
        cli.main(arguments)
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    captured = capsys.readouterr()
    return status, captured.out + captured.err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(["--help"], capsys)
    assert status == 0
    for command in ("twisted", "trial", "twist", "twistd", "chaos", "demo", "info", "story", "web"):
        assert command in output


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(["--version"], capsys)
    assert (status, output.split()[0]) == (0, "selvage")


def test_info_names_what_selvage_stands_on(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(["info"], capsys)
    assert status == 0
    for name in ("selvage", "python", "uvloop", "zope.interface"):
        assert name in output


def test_info_says_what_is_not_installed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cli._COMPANIONS, "selvage-no-such-thing", "nothing")
    assert "not installed" in run(["info"], capsys)[1]


def test_unknown_command_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(["nonsense"], capsys)
    assert status == 2
    assert "nonsense" in output


def written(tmp_path: Path) -> str:
    """A file with two failures."""
    stories = tmp_path / "failures.jsonl"
    stories.write_text("\n".join([to_json(ValueError("first")), "", to_json(KeyError("second\x1b[31m"))]))
    return str(stories)


def test_story_shows_failures_that_were_written_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, output = run(["story", written(tmp_path)], capsys)
    assert (status, output) == (0, "ValueError: first\n\nKeyError: 'second\\x1b[31m'\n\n")
    status, output = run(["story", "--explain", written(tmp_path)], capsys)
    assert (status, output) == (
        0,
        "ValueError (first) was never raised.\nKeyError ('second\\x1b[31m') was never raised.\n",
    )


def test_story_says_which_line_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stories = tmp_path / "failures.jsonl"
    stories.write_text(to_json(ValueError("first")) + "\n[]\n")
    status, output = run(["story", str(stories)], capsys)
    assert status == 1
    assert "line 2 is not the report of a failure" in output


def test_help_of_twisted(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(["twisted", "--help"], capsys)
    assert status == 0
    assert "-m MODULE" in output


def test_demo_refuses_a_port_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    status, output = run(["demo", "--port", "70000"], capsys)
    assert status == 2
    assert "70000" in output


@pytest.mark.slow
def test_no_command_line_library_is_loaded_for_a_twisted_program() -> None:
    code = "import sys; print([name for name in ('click', 'rich', 'asyncio', 'selvage.reactor') if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-m", "selvage", "twisted", "-c", code], capture_output=True, text=True, timeout=50
    )
    assert done.stdout.strip() == "[]"
