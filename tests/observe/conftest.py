"""A hub of its own for each test: nothing told elsewhere, no subscribers left."""

import pytest

from selvage.failure import _hub, limit_reports, set_default_reporter


@pytest.fixture
def hub():
    told = []
    before = set_default_reporter(told.append)
    subscribers, _hub._subscribers = _hub._subscribers, ()
    limit_reports(at_most=3)
    yield told
    _hub._subscribers = subscribers
    set_default_reporter(before)
    limit_reports()
