"""Running the reactor until a Deferred has its result.  Beside the floors."""

from __future__ import annotations

from typing import Any

from selvage.defer import Deferred
from selvage.reactor import get_reactor

__all__ = ["WAITING", "wait"]

#: The Deferreds that are being waited for: never more than one.
WAITING: list[Deferred[Any]] = []


def wait(d: Deferred[Any], running: list[Deferred[Any]] = WAITING) -> bool:
    """Run the reactor until a Deferred has its result, which is taken.

    Returns:
        False if the reactor was stopped by something else.

    Raises:
        RuntimeError: something is being waited for already.
    """
    if running:
        raise RuntimeError("_wait is not reentrant")
    done = False

    def note(result: Any) -> None:
        nonlocal done
        done = True

    d.addBoth(note)
    if done:
        return True
    reactor: Any = get_reactor()
    running.append(d)

    def crash(result: Any) -> None:
        if running:
            reactor.crash()

    try:
        d.addBoth(crash)
        # Whoever stops the reactor ends this run, not the reactor.
        reactor.stop = reactor.crash
        try:
            reactor.run()
        finally:
            del reactor.stop
    finally:
        running.clear()
    return done
