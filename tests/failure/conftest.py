"""What tests of the hub need: a clock of their own, and everything put back in the end."""

from __future__ import annotations

import pytest

from selvage.failure import _hub, _later, limit_reports, set_default_reporter


class Time:
    """A clock to be set by hand, in seconds since the epoch."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Told(list):
    """What the default reporter was given."""

    def lines(self):
        return [(each.kind, each.count) for each in self]


@pytest.fixture
def hub_time():
    return Time()


@pytest.fixture
def told(hub_time):
    """The hub with 3 reports in 60 s, up to 5 groups, and no subscribers; what it tells."""
    reports = Told()
    before = set_default_reporter(reports.append)
    subscribers, silences = _hub._subscribers, _hub._silences
    _hub._subscribers = _hub._silences = ()
    # Of a reactor that another test has left.
    drivers, _later._drivers = _later._drivers, ()
    _later._asked.clear()
    limit_reports(at_most=3, window=60, groups=5, clock=hub_time)
    yield reports
    _later._drivers = drivers
    _later._asked.clear()
    for each in _hub._subscribers:
        if each.background is not None:
            each.background.stop()
    _hub._subscribers, _hub._silences = subscribers, silences
    set_default_reporter(before)
    limit_reports()
