"""Reactors on both loops, and what reached the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from selvage.failure import Report
from selvage.reactor import Reactor
from tests.reports import expected_reports

uvloop = pytest.importorskip("uvloop")

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.SelectorEventLoop}


@pytest.fixture(params=sorted(LOOPS))
def loop_factory(request: pytest.FixtureRequest) -> Callable[[], asyncio.AbstractEventLoop]:
    return LOOPS[request.param]


@pytest.fixture
def make_reactor(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[Callable[[], Any]]:
    made = []

    def make() -> Any:
        loop = loop_factory()
        reactor = Reactor(loop)
        made.append((reactor, loop))
        return reactor

    yield make
    for reactor, loop in made:
        assert not reactor._started
        reactor._clear()
        loop.close()


@pytest.fixture
def reactor(make_reactor: Callable[[], Any]) -> Any:
    return make_reactor()


@pytest.fixture
def reports() -> Iterator[list[Report]]:
    """What reached the hub during the test; the test has to take it out."""
    with expected_reports() as seen:
        yield seen


@pytest.fixture
def run_for() -> Callable[..., None]:
    """Run a reactor until somebody stops it, or fail after a while."""

    def run(reactor: Any, patience: float = 10.0) -> None:
        timed_out: list[bool] = []

        def give_up() -> None:
            timed_out.append(True)
            reactor.crash()

        call = reactor.callLater(patience, give_up)
        reactor.run()
        assert not timed_out, f"still running after {patience} seconds"
        if call.active():
            call.cancel()

    return run
