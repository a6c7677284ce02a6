"""What arrived at the hub of failures in the course of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from selvage import failure

__all__ = ["collected_reports", "expected_reports"]


@contextmanager
def collected_reports() -> Iterator[list[failure.Report]]:
    """Lend the list of what nobody handled, with nothing printed."""
    collected: list[failure.Report] = []
    failure.subscribe(collected.append)
    previous = failure.set_default_reporter(None)
    try:
        yield collected
    finally:
        failure.unsubscribe(collected.append)
        failure.set_default_reporter(previous)


@contextmanager
def expected_reports() -> Iterator[list[failure.Report]]:
    """Lend the list of what nobody handled: a test takes out what it expects, anything that is left is an error."""
    with collected_reports() as collected:
        yield collected
    assert not collected, [report.failure.getTraceback() for report in collected]
