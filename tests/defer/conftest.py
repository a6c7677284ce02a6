"""Fixtures of all tests of Deferreds."""

from __future__ import annotations

import gc

import pytest

from selvage.defer import getDebugging, setDebugging
from selvage.failure import set_default_reporter


@pytest.fixture(autouse=True)
def reports():
    """What arrives at the hub. A test has to clear the list, or else nothing may have been left unhandled."""
    found = []
    previous = set_default_reporter(found.append)
    yield found
    gc.collect()
    set_default_reporter(previous)
    assert [str(report.failure) for report in found] == []


@pytest.fixture
def debugging():
    """Debug mode, for one test."""
    before = getDebugging()
    setDebugging(True)
    yield
    setDebugging(before)
