"""Running the ambient reactor until something is done: trial and the pytest plugin wait by this.  Beside the floors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selvage.defer import Deferred, Pending
from selvage.reactor import get_reactor

__all__ = ["run_until", "what_it_waits_for"]


def run_until(d: Deferred[Any]) -> bool:
    """Run the reactor until a Deferred has its result, which is taken.

    Returns:
        False if somebody stopped the reactor sooner.  It can run again either way.

    Raises:
        ReactorAlreadyRunning: where it runs, a Deferred is returned or awaited.
    """
    reactor: Any = get_reactor()
    done = runs = False

    def fired(result: Any) -> None:
        nonlocal done
        done = True
        if runs:  # later on it may be the run of somebody else
            reactor.crash()

    d.addBoth(fired)
    if done:
        return True
    with _stop_ends_the_run(reactor):
        runs = True
        try:
            reactor.run()
        finally:
            runs = False
    return done


@contextmanager
def _stop_ends_the_run(reactor: Any) -> Iterator[None]:
    """Let `reactor.stop()` in the block end the run, and not the reactor: there are other tests to come."""
    own = vars(reactor)
    before = own.get("stop")  # a test's, or of the wait that this one is refused in
    own["stop"] = reactor.crash
    try:
        yield
    finally:
        if before is None:
            del own["stop"]
        else:
            own["stop"] = before


def what_it_waits_for(d: Deferred[Any]) -> str:
    """Return lines that say what a Deferred waits for, each begun by a line feed; none if it just was not fired."""
    try:
        told = str(Pending.of(d))
    except Exception as error:  # it is only an addition to the message
        told = f"(what it waits for cannot be told: {error!r})"
    return "".join(f"\n  {line}" for line in told.splitlines())
