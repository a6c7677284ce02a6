"""A loop that is closed with something left open on it."""

from __future__ import annotations

import asyncio
import warnings

import pytest

from selvage.reactor._loop import close_loop, close_quietly

uvloop = pytest.importorskip("uvloop")


@pytest.mark.parametrize("close", [close_loop, close_quietly])
def test_a_server_that_was_left_open_is_warned_of_and_not_waited_for(close):
    """uvloop never returns from `close` when the warning is an error, which is how these tests run."""
    loop = uvloop.new_event_loop()
    server = loop.run_until_complete(loop.create_server(asyncio.Protocol, "127.0.0.1", 0))
    with pytest.warns(ResourceWarning):
        warnings.simplefilter("error", ResourceWarning)
        close(loop)
    assert loop.is_closed()
    del server


@pytest.mark.parametrize("action", ["ignore", "default"])
def test_what_the_program_wants_of_warnings_stays(action):
    loop = uvloop.new_event_loop()
    server = loop.run_until_complete(loop.create_server(asyncio.Protocol, "127.0.0.1", 0))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter(action, ResourceWarning)
        close_loop(loop)
    assert bool(seen) is (action == "default")
    del server
