"""A few rounds of the soak test; `make soak` runs it for two minutes."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from tests.soak.__main__ import differences, soak
from tests.transports.conftest import LOOPS


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts in /proc")
@pytest.mark.parametrize("loop", sorted(LOOPS))
def test_a_crowd_half_of_which_misbehaves_leaves_nothing_behind(loop: str) -> None:
    left, after = asyncio.run(soak(loop, 1, lambda rounds: rounds >= 1, sys.stderr.write))
    assert not left
    # Each came at least once, and the bugs that handlers have were met.
    assert after["happened"]["crash"] > 2
    assert {"forget", "flood", "think", "call out", "datagrams"} <= set(after["happened"])


def test_what_is_left_behind_is_told() -> None:
    before = {
        "descriptors": 9,
        "timers": 0,
        "open": 3,
        "readers": 4,
        "objects": {"Deferred": 1},
        "resident_kib": 30_000,
        "happened": {"connected": 5, "lost": 5, "crash": 1, "datagrams cut": 2, "reported": 2},
    }
    assert differences(before, before) == []
    after = {
        **before,
        "descriptors": 10,
        "objects": {"Deferred": 3},
        "resident_kib": 50_000,
        "happened": {"connected": 6, "lost": 5, "crash": 1, "datagrams cut": 2, "reported": 1},
    }
    assert differences(before, after) == [
        "descriptors: 9 before, 10 after",
        "Deferred: 1 before, 3 after",
        "memory: 20000 KiB more than before",
        "failures: 1 made and 1 datagram cut, 1 reported",
        "connections: 6 made, 5 lost",
    ]
