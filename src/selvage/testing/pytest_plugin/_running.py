"""Running the ambient reactor until one function is done.

One reactor serves the whole run of the tests, on one loop: it runs while a test or a fixture waits and stands still in
between, so what a fixture of a module has opened is there for each of the module's tests.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from selvage.defer import CancelledError, Deferred, ensureDeferred, fail, succeed
from selvage.failure import Failure, Report, machinery, subscribe, unsubscribe
from selvage.reactor import get_reactor
from selvage.testing._running import run_until, what_it_waits_for

__all__ = ["finish", "is_waiting_function", "ready_reactor"]

# Seconds that a test which has run out of time, and was cancelled, may take to clean up.
_GRACE_S = 1.0


def is_waiting_function(function: Any) -> bool:
    """Tell whether a function is a coroutine function, or a generator function under `inlineCallbacks`."""
    if inspect.iscoroutinefunction(function):
        return True
    inner = inspect.unwrap(function)
    return (
        inner is not function
        and inspect.isgeneratorfunction(inner)
        and not inspect.isgeneratorfunction(function)
    )


def ready_reactor() -> Any:
    """Give the ambient reactor, ready to run though a test has stopped it."""
    reactor: Any = get_reactor()
    if getattr(reactor, "_startedBefore", False) and not reactor._started and hasattr(reactor, "_renew"):
        reactor._renew()
    return reactor


@machinery
def finish(function: Callable[[], Any], timeout_s: float, what: str) -> Any:
    """Call a function in the running reactor and wait for what it returns.

    Args:
        function: returns an awaitable, or its result.
        timeout_s: seconds that it may take; then it is cancelled, and the test fails.
        what: is waited for, in words.

    Returns: the result.  Raises what it raises.
    """
    reactor = ready_reactor()
    if reactor.running:
        pytest.fail(
            f"{what} cannot be waited for here: the reactor runs already. A fixture that waits has to be named as an "
            "argument, not asked for from within a test that waits",
            pytrace=False,
        )
    attempt = _Attempt(reactor, function, timeout_s, what)
    outcome = attempt.run()
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return outcome


_NOTHING: Any = object()

# What pytest raises to end a test; whoever raises one in a callback, or in a signal handler as pytest-timeout does, means the
# test that runs, though the reactor catches it.
_VERDICTS = (pytest.fail.Exception, pytest.skip.Exception, pytest.exit.Exception)


class _Attempt:
    """One function that is waited for."""

    def __init__(self, reactor: Any, function: Callable[[], Any], timeout_s: float, what: str) -> None:
        self._reactor = reactor
        self._function = function
        self._timeout_s = timeout_s
        self._what = what
        self._over: Deferred[None] = Deferred()  # fires when it is no longer waited for
        self._outcome: Any = _NOTHING
        self._late = ""  # what is said of it when the time was up
        self._verdict: Any = None  # how pytest was told to end it
        self._deferred: Deferred[Any] | None = None
        self._timer: Any = None

    def run(self) -> Any:
        """Run the reactor until there is an outcome: a result, or a Failure."""
        reactor = self._reactor
        trigger = reactor.callWhenRunning(self._begin)
        subscribe(self._reported, types=_VERDICTS)
        try:
            run_until(self._over)
        finally:
            unsubscribe(self._reported)
            if self._timer is not None and self._timer.active():
                self._timer.cancel()
            if self._deferred is None and trigger is not None:
                reactor.removeSystemEventTrigger(trigger)
        if self._verdict is not None:
            raise self._verdict
        if self._late:
            pytest.fail(self._late, pytrace=False)
        if self._outcome is _NOTHING:
            if reactor._exitSignal is not None:
                raise KeyboardInterrupt
            pytest.fail(f"the reactor was stopped before {self._what} was done", pytrace=False)
        return self._outcome

    @machinery
    def _begin(self) -> None:
        self._timer = self._reactor.callLater(self._timeout_s, self._time_is_up)
        self._deferred = _called(self._function)
        self._deferred.addBoth(self._done)

    def _done(self, outcome: Any) -> None:
        if self._late and isinstance(outcome, Failure) and outcome.check(CancelledError) is None:
            self._late += f"\nWhen it was cancelled it failed:\n{outcome.getTraceback()}"
        self._outcome = outcome
        if self._timer.active():
            self._timer.cancel()  # a test that has blocked the reactor for long is done all the same
        self._end()

    def _end(self) -> None:
        if not self._over.called:
            self._over.callback(None)

    def _time_is_up(self) -> None:
        self._late = f"{self._what} is not done after {self._timeout_s:g} s" + self._cancel()

    def _reported(self, report: Report) -> None:
        if self._verdict is None and not self._over.called:
            self._verdict = report.failure.value
            self._reactor.callFromThread(self._obey)  # it is told wherever the failure was left

    def _obey(self) -> None:
        if not self._over.called and self._deferred is not None:
            self._timer.cancel()
            told = self._cancel()
            if isinstance(self._verdict, pytest.fail.Exception):
                self._verdict.msg = f"{self._verdict.msg}\n{self._what} was not done{told}"

    def _cancel(self) -> str:
        """Give it a moment to clean up; say what it waited for."""
        assert self._deferred is not None
        told = what_it_waits_for(self._deferred)
        self._timer = self._reactor.callLater(_GRACE_S, self._end)
        self._deferred.cancel()
        return told


@machinery
def _called(function: Callable[[], Any]) -> Deferred[Any]:
    try:
        result = function()
    except BaseException:
        return fail(Failure())
    if isinstance(result, Deferred):
        return result
    if inspect.isawaitable(result):
        return ensureDeferred(_wait_for(result) if not inspect.iscoroutine(result) else result)
    return succeed(result)


async def _wait_for(awaitable: Any) -> Any:
    return await awaitable
