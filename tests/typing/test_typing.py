"""What both type checkers make of Selvage's faces: every check_*.py here has to satisfy mypy --strict and pyright.

A mistake that has to be noticed stands in those files too, with `type: ignore[code]` beside it: both checkers are told
to complain of an ignore without cause.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = sorted(HERE.glob("check_*.py"))


def needs(checker: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(checker) is None
    return pytest.mark.skipif(missing, reason=f"{checker} comes with selvage[check]")


def check(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command, *map(str, FILES)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_something_to_check():
    assert FILES


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs("mypy")
def test_mypy_is_satisfied():
    check("mypy", "--strict", "--warn-unused-ignores")


@pytest.mark.slow
@pytest.mark.timeout(300)
@needs("pyright")
def test_pyright_is_satisfied():
    check("pyright", "--pythonpath", sys.executable)
