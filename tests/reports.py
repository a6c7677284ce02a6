"""What arrived at the hub of failures in the course of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from selvage import failure

__all__ = ["expected_reports"]


@contextmanager
def expected_reports() -> Iterator[list[failure.Report]]:
    """Lend the list of what nobody handled: a test takes out what it expects, anything that is left is an error."""
    collected: list[failure.Report] = []
    failure.subscribe(collected.append)
    previous = failure.set_default_reporter(None)
    yield collected
    failure.unsubscribe(collected.append)
    failure.set_default_reporter(previous)
    assert not collected, [report.failure.getTraceback() for report in collected]
