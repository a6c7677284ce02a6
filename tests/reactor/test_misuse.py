"""Mistakes of newcomers with the reactor: each message names the thing, its state and the likely fix."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

import selvage
from selvage.defer import Deferred
from selvage.errors import AlreadyCalled, AlreadyCancelled, ReactorAlreadyRunning
from selvage.reactor import blockingCallFromThread, deferToThread, get_reactor

# --- selvage.run ---------------------------------------------------------------------------------------------------


async def main() -> int:
    return 5


def test_run_refuses_a_coroutine_and_shows_how_to_call_it() -> None:
    with pytest.raises(
        TypeError, match=r"cannot be called: pass the function itself, as in selvage.run\(main\)"
    ):
        selvage.run(main())  # type: ignore[call-overload]
    gc.collect()  # "never awaited" would come now, and be an error


def test_run_refuses_a_deferred() -> None:
    with pytest.raises(TypeError, match="<Deferred at .* cannot be called: it was made outside the reactor"):
        selvage.run(Deferred())  # type: ignore[call-overload]


def test_run_refuses_what_cannot_be_called() -> None:
    with pytest.raises(
        TypeError, match="5 cannot be called: pass a coroutine function, or a function that returns"
    ):
        selvage.run(5)  # type: ignore[call-overload]


def test_run_refuses_a_loop_as_loop_factory() -> None:
    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(
            TypeError, match="loop_factory has to be a function that makes an asyncio loop, .* not <"
        ):
            selvage.run(main, loop_factory=loop)  # type: ignore[call-overload]
    finally:
        loop.close()


def test_run_within_run_says_what_to_do_instead() -> None:
    def outer() -> Any:
        return selvage.run(main)

    with pytest.raises(ReactorAlreadyRunning, match=r"await the coroutine or Deferred instead"):
        selvage.run(outer)
    assert selvage.run(main) == 5  # and nothing was left in disorder


# --- time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", ["1", None, print, b"1", [1]])
def test_call_later_says_that_the_delay_comes_first(reactor: Any, delay: Any) -> None:
    with pytest.raises(
        TypeError, match=r"callLater takes the delay first, a number of seconds, then what to call"
    ):
        reactor.callLater(delay, print)
    assert reactor.getDelayedCalls() == []


@pytest.mark.parametrize("delay", [-1, -0.5, float("nan")])
def test_call_later_refuses_a_negative_delay(reactor: Any, delay: float) -> None:
    with pytest.raises(
        AssertionError, match=f"callLater cannot wait {delay!r} seconds: the delay must be 0 or more"
    ):
        reactor.callLater(delay, print)


def test_call_later_refuses_what_cannot_be_called(reactor: Any) -> None:
    with pytest.raises(AssertionError, match="None is not callable: callLater takes the function itself"):
        reactor.callLater(1, None)


def test_cancelling_twice_shows_the_call(reactor: Any) -> None:
    call = reactor.callLater(1, print)
    call.cancel()
    for again in (call.cancel, lambda: call.reset(1), lambda: call.delay(1)):
        with pytest.raises(
            AlreadyCancelled, match=r"<DelayedCall .* called=0 cancelled=1>, see its active\(\)"
        ):
            again()


def test_cancelling_too_late_shows_the_call(reactor: Any, run_for: Any) -> None:
    call = reactor.callLater(0, reactor.stop)
    run_for(reactor)
    with pytest.raises(AlreadyCalled, match=r"<DelayedCall .* called=1 cancelled=0.*>, see its active\(\)"):
        call.cancel()


# --- threads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["callInThread", "callFromThread"])
def test_a_thread_call_refuses_what_cannot_be_called(reactor: Any, method: str) -> None:
    with pytest.raises(
        (TypeError, AssertionError), match="None is not callable: .*the function itself, do not call it"
    ):
        getattr(reactor, method)(None)


def test_blocking_call_refuses_to_wait_for_its_own_thread() -> None:
    called = []

    def outer() -> None:
        blockingCallFromThread(get_reactor(), called.append, 1)

    with pytest.raises(
        RuntimeError, match="was called in the reactor's own thread, .* call .* directly, and await"
    ):
        selvage.run(outer)
    assert called == []


def test_blocking_call_refuses_it_on_a_loop_that_the_reactor_is_attached_to() -> None:
    async def outer() -> None:
        with pytest.raises(RuntimeError, match="the reactor's own thread"):
            blockingCallFromThread(get_reactor(), main)

    asyncio.run(outer())


def test_blocking_call_works_from_another_thread() -> None:
    async def outer() -> Any:
        return await deferToThread(blockingCallFromThread, get_reactor(), main)

    assert selvage.run(outer) == 5


# --- failures ------------------------------------------------------------------------------------------------------


def test_an_error_callback_has_to_be_a_function(reactor: Any) -> None:
    with pytest.raises(TypeError, match=r"addErrorCallback\(\) takes a function of one Failure, not None"):
        reactor.addErrorCallback(None)
