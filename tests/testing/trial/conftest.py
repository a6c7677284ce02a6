"""Tests of trial find what programs find: failures go to the log, and the reactor has not run before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from selvage.logger import _reports
from selvage.testing.pytest_plugin import _running


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
