"""What tests of HTTP share: the reports of what nobody handled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from selvage import failure
from tests.reports import collected_reports
from tests.web.serving import OPEN


@pytest.fixture(autouse=True)
def reports(request: pytest.FixtureRequest) -> Iterator[list[failure.Report]]:
    """What arrived at the hub; a test that expects something takes it out, anything else is an error.

    But not what a Deferred says that an earlier test has dropped, and not in the folders below, which have rules of their own.
    """
    with collected_reports() as collected:
        yield collected
    if request.path.parent != Path(__file__).parent:
        return
    collected = [report for report in collected if report.source != "deferred"]
    assert not collected, [report.failure.getTraceback() for report in collected]


@pytest.fixture(autouse=True)
def connections_end() -> Iterator[None]:
    """No connection outlives its test, nor does what it keeps."""
    yield
    while OPEN:
        OPEN.pop().close()


@pytest.fixture
def taken_reports(reports: list[failure.Report]) -> Callable[[], list[Any]]:
    """Take out what arrived at the hub, for tests that expect something."""

    def take() -> list[Any]:
        taken = list(reports)
        reports.clear()
        return taken

    return take
