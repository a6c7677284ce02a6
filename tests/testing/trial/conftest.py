"""Tests of trial find what programs find: failures go to the log, and the reactor has not run before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from selvage.logger import _reports
from selvage.testing.pytest_plugin import _running

from .running import SAMPLE, write


@pytest.fixture(autouse=True)
def connected() -> Iterator[None]:
    """Failures that nobody handled go to the log, which tests of the log put away for all others."""
    _reports.connect()
    yield
    _reports.disconnect()


@pytest.fixture(autouse=True)
def unused_reactor() -> None:
    """A reactor that a test before has stopped can run again."""
    _running.ready_reactor()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder, in which and from which is run; in it is a module of tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path, "test_given.py", SAMPLE)
    yield tmp_path
    for name in list(sys.modules):
        if name.startswith(("test_given", "test_more")):
            del sys.modules[name]
