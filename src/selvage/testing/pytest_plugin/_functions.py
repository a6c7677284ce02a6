"""Ordinary functions made of those that wait: what pytest gets to call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

import pytest

from selvage.defer import Deferred
from selvage.testing.pytest_plugin._running import finish, is_waiting_function

__all__ = ["ordinary_fixture", "ordinary_test"]


def ordinary_test(function: Any, timeout_s: float, name: str, before_waiting: Callable[[], object]) -> Any:
    """Make of a test function one that pytest can call.

    Args:
        function: a coroutine function, or any that may return a Deferred; plain functions are called as they are.
        timeout_s: seconds that it may take.
        name: the test's.
        before_waiting: called when a plain function turns out to return a Deferred.
    """
    waits = is_waiting_function(function)

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if waits:
            return finish(partial(function, *args, **kwargs), timeout_s, name)
        result = function(*args, **kwargs)
        if not isinstance(result, Deferred):
            return result
        before_waiting()
        return finish(lambda: result, timeout_s, name)

    # What wraps copies would have pytest believe that it is a coroutine function.
    del run.__wrapped__
    run.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return run


def ordinary_fixture(function: Any, timeout_s: float, name: str) -> Any:
    """Make of a fixture function that waits one that pytest can call; None if it does not wait."""
    if inspect.isasyncgenfunction(function):

        @wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Iterator[Any]:
            steps = function(*args, **kwargs)
            yield finish(steps.__anext__, timeout_s, f"fixture {name}")
            try:
                finish(steps.__anext__, timeout_s, f"the end of fixture {name}")
            except StopAsyncIteration:
                return
            pytest.fail(f"fixture {name} yields more than once", pytrace=False)

        del generate.__wrapped__
        return generate
    if is_waiting_function(function):

        @wraps(function)
        def make(*args: Any, **kwargs: Any) -> Any:
            return finish(partial(function, *args, **kwargs), timeout_s, f"fixture {name}")

        del make.__wrapped__
        return make
    return None
