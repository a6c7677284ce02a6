"""Count the work that something takes, where a test must not ask the clock how long it took."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterable


def calls_made(function: Callable[[], object]) -> int:
    """Return how many functions, Python's and C's, are called while `function` runs; the same on every machine."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        if event == "call" or event == "c_call":
            count += 1

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def bytes_allocated(steps: Iterable[Callable[[], object]]) -> int:
    """Return how much memory each of `steps` takes at its height, added up: what is copied in C, and no call shows.

    A step that copies all that came before makes this grow with the square of their number.
    """
    started = not tracemalloc.is_tracing()
    if started:
        tracemalloc.start()
    total = 0
    try:
        for step in steps:
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            step()
            _, peak = tracemalloc.get_traced_memory()
            total += peak - before
    finally:
        if started:
            tracemalloc.stop()
    return total
