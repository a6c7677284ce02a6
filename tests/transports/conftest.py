"""A reactor on each loop, a way to run a coroutine on it, and the reports of what nobody handled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from selvage import failure
from selvage.defer import ensureDeferred
from selvage.reactor import Reactor
from tests.reports import expected_reports

try:
    import uvloop
except ImportError:  # no wheel for this platform: then asyncio's loop is what users get as well
    uvloop = None

LOOPS = {"asyncio": asyncio.SelectorEventLoop}
if uvloop is not None:
    LOOPS["uvloop"] = uvloop.new_event_loop

#: Seconds until a test that hangs is ended.
PATIENCE = 8


@pytest.fixture(params=sorted(LOOPS))
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    made = LOOPS[request.param]()
    yield made
    if not made.is_closed():
        made.run_until_complete(asyncio.sleep(0))
        made.close()


@pytest.fixture
def reactor(loop: asyncio.AbstractEventLoop) -> Reactor:
    return Reactor(loop)


@pytest.fixture(autouse=True)
def reports() -> Iterator[list[failure.Report]]:
    """What arrived at the hub; a test that expects something takes it out, anything else is an error."""
    with expected_reports() as collected:
        yield collected


@pytest.fixture
def run(reactor: Reactor) -> Callable[..., Any]:
    """Run a coroutine function on the reactor and return its result; afterwards nothing may be left open."""

    def run_it(main: Callable[[], Coroutine[Any, Any, Any]], patience: float = PATIENCE) -> Any:
        outcome: list[Any] = []

        def give_up() -> None:
            outcome.append(TimeoutError(f"still running after {patience} seconds"))
            reactor.stop()

        async def steps() -> None:
            try:
                outcome.append(("done", await main()))
            except BaseException as exc:
                outcome.append(exc)
            left = [transport for transport in reactor._transport_engine().open if not _ends(transport)]
            if left and isinstance(outcome[0], tuple):
                outcome.insert(0, AssertionError(f"left open: {left}"))
            if guard.active():
                guard.cancel()
                reactor.stop()

        guard = reactor.callLater(patience, give_up)
        reactor.callWhenRunning(lambda: ensureDeferred(steps()))
        reactor.run(installSignalHandlers=False)
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0][1]

    return run_it


def _ends(transport: Any) -> bool:
    return bool(transport.disconnecting)
