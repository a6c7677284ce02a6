"""Mistakes of newcomers with tasks and clocks: each message says what goes where."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.tasks import Clock, LoopingCall, deferLater


def test_defer_later_takes_the_reactor_first() -> None:
    with pytest.raises(TypeError, match=r"deferLater takes the reactor first, as in .*, not 1"):
        deferLater(1, print)  # type: ignore[call-overload]


@pytest.mark.parametrize("delay", ["1", None, print])
def test_a_clock_takes_the_delay_first(delay: Any) -> None:
    clock = Clock()
    with pytest.raises(TypeError, match="callLater takes the delay first, a number of seconds"):
        clock.callLater(delay, print)
    assert clock.getDelayedCalls() == []


def test_a_looping_call_needs_something_to_call() -> None:
    with pytest.raises(
        TypeError, match="LoopingCall needs something to call, not None; pass the function, do not call it"
    ):
        LoopingCall(None)  # type: ignore[arg-type]
