"""`setup_method` and its kin, as of xunit, where they wait: pytest calls them and lets their coroutines fall."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from _pytest.fixtures import getfixturemarker

from selvage.defer import Deferred
from selvage.testing.pytest_plugin._running import finish, is_waiting_function

__all__ = ["ordinary_xunit", "waiting_one"]

# By how the name of the fixture begins that pytest makes of a pair: the scope, and the functions that begin and end it.
_PAIRS = {
    "_xunit_setup_module_fixture_": (
        "module",
        ("setUpModule", "setup_module"),
        ("tearDownModule", "teardown_module"),
    ),
    "_xunit_setup_class_fixture_": ("cls", ("setup_class",), ("teardown_class",)),
    "_xunit_setup_method_fixture_": ("instance", ("setup_method",), ("teardown_method",)),
    "_xunit_setup_function_fixture_": ("function", ("setup_function",), ("teardown_function",)),
}


def ordinary_xunit(fixture: str, request: Any, timeout_s: float) -> Callable[..., Iterator[None]] | None:
    """Make what pytest can call in place of one of its own fixtures.

    Args:
        fixture: its name.
        request: pytest's, for the fixture.
        timeout_s: seconds that each of the functions may take.

    Returns: a generator function; None where pytest's own does as well.
    """
    pair = _pair_of(fixture, request)
    if pair is None:
        return None
    begin, end, argument = pair

    def run(**_: Any) -> Iterator[None]:
        if begin is not None:
            _call(begin, argument, timeout_s)
        yield
        if end is not None:
            _call(end, argument, timeout_s)

    return run


def waiting_one(fixture: str, request: Any) -> str:
    """Return the name of a function that waits among those which a fixture of pytest's calls; empty if there is none."""
    pair = _pair_of(fixture, request)
    found = [] if pair is None else [each for each in pair[:2] if each is not None and _waits(each)]
    return found[0].__name__ if found else ""


def _pair_of(fixture: str, request: Any) -> tuple[Any, Any, Any] | None:
    """Return what begins, what ends, and what both may be given."""
    for prefix, (scope, *names) in _PAIRS.items():
        if fixture.startswith(prefix):
            if scope == "function" and request.instance is not None:
                return None
            owner = request.module if scope == "function" else getattr(request, scope)
            begin, end = (_first(owner, each) for each in names)
            argument = request.function if scope in ("instance", "function") else owner
            return begin, end, argument
    return None


def _first(owner: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        function = getattr(owner, name, None)
        if function is not None and getfixturemarker(function) is None:
            return function
    return None


def _waits(function: Any) -> bool:
    return inspect.isasyncgenfunction(function) or is_waiting_function(function)


def _call(function: Any, argument: Any, timeout_s: float) -> None:
    """Call a function, with the argument if it takes one, and wait for what it returns."""
    if inspect.isasyncgenfunction(function):
        pytest.fail(
            f"{function.__qualname__} is an asynchronous generator: nobody takes what it yields. Make a fixture of it",
            pytrace=False,
        )
    call = partial(function, argument) if inspect.signature(function).parameters else function
    if is_waiting_function(function):
        finish(call, timeout_s, function.__qualname__)
        return
    result = call()
    if isinstance(result, Deferred):
        finish(lambda: result, timeout_s, function.__qualname__)
