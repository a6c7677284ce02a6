"""`drive(main)` runs a coroutine function in each way and on each loop."""

from __future__ import annotations

import pytest

from selvage.failure import set_default_reporter, subscribe, unsubscribe

from .driving import LOOPS, WAYS


@pytest.fixture(params=[f"{way}-{loop}" for way in WAYS for loop in LOOPS])
def drive(request):
    way, _, loop = request.param.partition("-")
    return lambda main: WAYS[way](main, LOOPS[loop])


@pytest.fixture
def reports():
    """What arrives at the hub, with nothing printed."""
    seen = []
    previous = set_default_reporter(None)
    subscribe(seen.append)
    yield seen
    unsubscribe(seen.append)
    set_default_reporter(previous)


@pytest.fixture(autouse=True)
def nothing_unhandled(request):
    """A test that asks for no `reports` has none."""
    if "reports" in request.fixturenames:
        yield
        return
    seen = []
    subscribe(seen.append)
    yield
    unsubscribe(seen.append)
    assert seen == []
