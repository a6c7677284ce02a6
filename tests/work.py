"""Count the work that something takes, where a test must not ask the clock how long it took."""

from __future__ import annotations

import sys
from collections.abc import Callable


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
