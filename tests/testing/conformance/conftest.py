"""Reactors on both loops, and silence about what fails on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from selvage import failure
from selvage.reactor import Reactor

try:
    import uvloop
except ImportError:
    uvloop = None

LOOPS = {"asyncio": asyncio.SelectorEventLoop}
if uvloop is not None:
    LOOPS["uvloop"] = uvloop.new_event_loop


@pytest.fixture
def quiet() -> Iterator[None]:
    """What a check lets fail is printed nowhere; every one of these says so in its message."""
    reports: list[failure.Report] = []
    failure.subscribe(reports.append)
    previous = failure.set_default_reporter(None)
    yield
    failure.unsubscribe(reports.append)
    failure.set_default_reporter(previous)
    unexpected = [report.failure for report in reports if "on purpose" not in str(report.failure.value)]
    assert not unexpected


@pytest.fixture(params=sorted(LOOPS))
def make_reactor(request: pytest.FixtureRequest) -> Iterator[Callable[[], Any]]:
    made = []

    def make() -> Any:
        loop = LOOPS[request.param]()
        made.append((Reactor(loop), loop))
        return made[-1][0]

    yield make
    for reactor, loop in made:
        reactor._clear()
        loop.close()


@pytest.fixture
def reactor(make_reactor: Callable[[], Any]) -> Any:
    return make_reactor()
