"""Tests of trial see failures as programs do: the hub tells the log, which tests of the log put away for all others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from selvage.logger import _reports


@pytest.fixture(autouse=True)
def connected() -> Iterator[None]:
    """Failures that nobody handled go to the log."""
    _reports.connect()
    yield
    _reports.disconnect()
