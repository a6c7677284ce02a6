"""Nothing that a client of HTTP/2 sends may become a report: what is wrong with it is its own business."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from selvage import failure


@pytest.fixture(autouse=True)
def nothing_is_reported(reports: list[failure.Report]) -> Iterator[None]:
    yield
    told = [report for report in reports if report.source != "deferred"]
    assert not told, [report.failure.getTraceback() for report in told]
