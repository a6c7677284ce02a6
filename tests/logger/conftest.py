"""Loading the log changes where the hub reports; only tests of the log shall notice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from selvage.logger import Logger, LogPublisher, _reports

_reports.disconnect()


@pytest.fixture
def connected() -> Iterator[None]:
    """Failures that nobody handled, and what the lower floors mention, go to the log."""
    _reports.connect()
    yield
    _reports.disconnect()


class Heard(list[dict[str, Any]]):
    """An observer of a publisher of its own, and a logger that it hears."""

    def __init__(self) -> None:
        super().__init__()
        self.publisher = LogPublisher(self.append)
        self.log = Logger("here", observer=self.publisher)


@pytest.fixture
def heard() -> Heard:
    return Heard()
