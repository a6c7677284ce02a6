"""What a test waits for that does not end.  Beside the floors."""

from __future__ import annotations

from typing import Any

from selvage.defer import Deferred

__all__ = ["what_it_waits_for"]


def what_it_waits_for(d: Deferred[Any]) -> str:
    """Return lines that say what a Deferred waits for, each begun by a line feed; none if it just was not fired."""
    from selvage.defer import Pending

    try:
        told = str(Pending.of(d))
    except Exception as error:  # it is only an addition to the message
        told = f"(what it waits for cannot be told: {error!r})"
    return "".join(f"\n  {line}" for line in told.splitlines())
