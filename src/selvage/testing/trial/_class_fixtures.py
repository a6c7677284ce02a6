"""Class fixtures that wait.  Beside the floors.

unittest's suites, and pytest, call `setUpClass` and `tearDownClass` and do not look at what they return.  So it is waited for
within the call.
"""

from __future__ import annotations

import asyncio
import inspect
import unittest as pyunit
from collections.abc import Callable
from functools import partial
from typing import Any

from selvage.defer import Deferred, ensureDeferred
from selvage.failure import Failure
from selvage.reactor import get_reactor
from selvage.testing._running import run_until

from . import util

__all__ = ["let_class_fixtures_wait"]

__unittest = True


def let_class_fixtures_wait(case: type) -> None:
    """Have what a class's `setUpClass` and `tearDownClass` return be waited for, if it is a Deferred or a coroutine."""
    for name in ("setUpClass", "tearDownClass"):
        method = inspect.getattr_static(case, name)  # its own, or of what is mixed in
        if isinstance(method, classmethod) and method is not vars(pyunit.TestCase)[name]:
            setattr(case, name, _ClassFixture(method))


class _ClassFixture:
    """In place of a class method: its call ends when what it waits for has ended."""

    def __init__(self, method: Any) -> None:
        self._method = method

    def __get__(self, instance: Any, owner: type) -> Callable[[], Any]:
        return partial(_finish, self._method.__get__(instance, owner), owner)


def _finish(fixture: Callable[[], Any], case: Any) -> Any:
    if _is_loop_running():
        return fixture()  # called, by `super()`, in one that waits itself
    if inspect.iscoroutinefunction(fixture):
        # It begins in the running reactor: what it calls of asyncio asks for the loop.
        d: Deferred[Any] = Deferred()
        get_reactor().callLater(0, d.callback, None)
        d.addCallback(lambda _: ensureDeferred(fixture()))
    else:
        d = fixture()
        if not isinstance(d, Deferred):
            return d
    d.addTimeout(float(getattr(case, "timeout", util.DEFAULT_TIMEOUT_DURATION)), get_reactor())
    outcomes: list[Any] = []
    d.addBoth(outcomes.append)
    if not run_until(d):
        raise KeyboardInterrupt
    [outcome] = outcomes
    if isinstance(outcome, Failure):
        outcome.raiseException()
    return outcome


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
