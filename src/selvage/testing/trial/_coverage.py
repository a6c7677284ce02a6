"""Counting how often each line is executed, here and in worker processes.  Beside the floors."""

from __future__ import annotations

import sys
import trace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Counts", "add_counts", "counted", "new_tracer"]

#: Of each file and line that was executed, how often.
Counts = dict[tuple[str, int], int]


def new_tracer() -> trace.Trace:
    """Return what counts lines, but for those of what is installed."""
    return trace.Trace(count=1, trace=0, ignoredirs=[sys.prefix, sys.base_prefix])


def add_counts(tracer: trace.Trace, counts: Counts) -> None:
    """Add what another process counted."""
    known: Any = tracer.counts
    for place, times in counts.items():
        known[place] = known.get(place, 0) + times


#: What counts in this process, when it is a worker: it remembers which files are not to be counted.
_tracer: trace.Trace | None = None


@contextmanager
def counted(tell: Callable[[Counts], object]) -> Iterator[None]:
    """Count the lines that the block executes, and tell."""
    global _tracer
    if _tracer is None:
        _tracer = new_tracer()
    _tracer.counts = {}
    sys.settrace(_tracer.globaltrace)
    try:
        yield
    finally:
        sys.settrace(None)
        counts: Any = _tracer.counts
        tell(counts)
