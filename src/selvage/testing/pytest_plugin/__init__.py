"""The pytest plugin: tests that wait run on the reactor, and nothing that they leave behind is overlooked.

With Selvage installed pytest finds it by itself (entry point `selvage`; `-p no:selvage` keeps it out).

    selvage_mode = "auto"       # each `async def` or `inlineCallbacks` test runs on the reactor
    selvage_mode = "strict"     # only tests marked with @pytest.mark.selvage do; the default

Fixtures may wait as tests do, and so may `setup_method` and its kin.  Nothing of Selvage is imported until a test needs it.
"""

from __future__ import annotations

import gc
import inspect
import sys
import unittest
from collections.abc import Generator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selvage.reactor import Reactor
    from selvage.tasks import Clock
    from selvage.testing import MemoryReactorClock
    from selvage.testing.pytest_plugin._failures import LoggedFailures
    from selvage.testing.pytest_plugin._watching import Watch

__all__ = [
    "clock",
    "logged_failures",
    "memory_reactor",
    "reactor",
    "unused_port",
]

# Seconds that a test, or one fixture, may take: what trial grants.
_DEFAULT_TIMEOUT_S = 120.0

# Tests that other plugins run.
_OTHERS = ("anyio", "asyncio", "trio")

# A test that asks for one of these is watched though it does not wait.
_WATCHED_FIXTURES = {"reactor", "logged_failures"}

# Said of a coroutine test that failed because pytest itself cannot run it.
_HOW_TO_RUN_IT = (
    'to run it on the reactor mark it with @pytest.mark.selvage, or set selvage_mode = "auto" for all'
)

_watch_key: pytest.StashKey[Watch] = pytest.StashKey()
_plans_key: pytest.StashKey[list[Any]] = pytest.StashKey()
_stack_key: pytest.StashKey[ExitStack] = pytest.StashKey()


# --- Settings ------------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which settings there are."""
    group = parser.getgroup("selvage")
    group.addoption(
        "--selvage-mode",
        choices=("auto", "strict"),
        default=None,
        help="which tests run on Selvage's reactor",
    )
    parser.addini(
        "selvage_mode", 'which tests run on the reactor: "auto" (all that wait) or "strict" (marked ones)'
    )
    parser.addini("selvage_timeout", "seconds that a test or a fixture which waits may take (120)")
    parser.addini(
        "selvage_debug",
        "whether to note where Deferreds, calls, ports, connections and tasks are made",
        type="bool",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and refuse settings that make no sense."""
    config.addinivalue_line(
        "markers",
        "selvage(timeout=None, clean=True): run on Selvage's reactor; seconds it may take; whether it may leave nothing",
    )
    _mode(config)
    _default_timeout(config)
    if config.getini("selvage_debug"):
        from selvage.defer import setDebugging
        from selvage.reactor import DelayedCall
        from selvage.testing._told import note_coroutines

        setDebugging(True)
        DelayedCall.debug = True
        note_coroutines()


def _mode(config: pytest.Config) -> str:
    mode = config.getoption("--selvage-mode") or config.getini("selvage_mode") or "strict"
    if mode not in ("auto", "strict"):
        raise pytest.UsageError(f'selvage_mode is "auto" or "strict", not {mode!r}')
    return str(mode)


def _default_timeout(config: pytest.Config) -> float:
    given = config.getini("selvage_timeout")
    try:
        seconds = float(given) if given else _DEFAULT_TIMEOUT_S
    except ValueError:
        raise pytest.UsageError(f"selvage_timeout is a number of seconds, not {given!r}") from None
    if seconds <= 0:
        raise pytest.UsageError(f"selvage_timeout has to be above 0, not {given!r}")
    return seconds


def pytest_collection_finish(session: pytest.Session) -> None:
    """Freeze modules and tests."""
    if any(map(_is_ours, session.items)):
        _freeze()


def _freeze() -> None:
    """Let what is there be no garbage: who looks after a test collects it, and would go through all of this each time."""
    gc.collect()
    gc.freeze()


# --- Whose test is it ----------------------------------------------------------------------------------------------


def _is_ours(item: Any) -> bool:
    """Tell whether we may run a test if it waits."""
    if not isinstance(item, pytest.Function) or _is_test_case(item):
        return False
    if item.get_closest_marker("selvage") is not None:
        return True
    return _mode(item.config) == "auto" and not any(item.get_closest_marker(name) for name in _OTHERS)


def _is_test_case(item: Any) -> bool:
    cls = getattr(item, "cls", None)
    return cls is not None and issubclass(cls, unittest.TestCase)


def _settings(item: pytest.Item) -> dict[str, Any]:
    marker = item.get_closest_marker("selvage")
    given = {} if marker is None else dict(marker.kwargs)
    if marker is not None and (marker.args or set(given) - {"timeout", "clean"}):
        wrong = ", ".join([*map(repr, marker.args), *(f"{name}=" for name in given)])
        pytest.fail(f"the marker selvage takes timeout= and clean=, not {wrong}", pytrace=False)
    timeout = given.get("timeout")
    if timeout is not None and not (isinstance(timeout, (int, float)) and timeout > 0):
        pytest.fail(f"the marker selvage takes timeout= as seconds above 0, not {timeout!r}", pytrace=False)
    return {
        "timeout_s": _default_timeout(item.config) if timeout is None else float(timeout),
        "clean": bool(given.get("clean", True)),
    }


def _innermost(function: Any) -> Any:
    """The function that Hypothesis calls many times, or the function itself."""
    hypothesis = getattr(function, "hypothesis", None)
    return function if hypothesis is None else hypothesis.inner_test


# --- The life of a test --------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Begin to watch, before there are any fixtures."""
    if _watch_key in item.stash:
        del item.stash[_watch_key]  # it is run again
    item.stash[_stack_key] = stack = ExitStack()
    faults = sys.modules.get("selvage.testing.faults")
    if faults is not None:
        item.stash[_plans_key] = stack.enter_context(faults.plans_made())
    watched = _is_ours(item) and _is_watched(item)
    wrong = None
    if watched:
        try:
            _watch(item)
        except pytest.fail.Exception as error:
            wrong = error  # raised when the other plugins have begun, too: at the end they rely on it
    if watched or (_is_test_case(item) and "selvage.reactor" in sys.modules):
        from selvage.testing.pytest_plugin._running import ready_reactor

        ready_reactor()  # tests may run it themselves, and one before this may have stopped it
    yield
    if wrong is not None:
        raise wrong


def _is_watched(item: Any) -> bool:
    if item.get_closest_marker("selvage") is not None or any(
        map(partial(_asks_us_for, item), _WATCHED_FIXTURES)
    ):
        return True
    function = _innermost(item.obj)
    if inspect.iscoroutinefunction(function):
        return True
    if not hasattr(function, "__wrapped__"):
        return False
    from selvage.testing.pytest_plugin._running import is_waiting_function

    return is_waiting_function(function)


def _asks_us_for(item: Any, fixture: str) -> bool:
    """Tell whether a test uses this fixture of ours, and not another one of that name."""
    found = item._fixtureinfo.name2fixturedefs.get(fixture)
    return bool(found) and found[-1].func.__module__ == __name__


def _watch(item: Any) -> None:
    """Watch a test from now on, unless it is watched."""
    if _watch_key in item.stash:
        return
    is_first = "selvage.testing.pytest_plugin._watching" not in sys.modules
    from selvage.testing.pytest_plugin._watching import Watch

    item.stash[_watch_key] = Watch(_settings(item)["clean"])
    if is_first:
        _freeze()  # Selvage and the loop, too


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: Any) -> Generator[None, Any, Any]:
    """Let pytest call a test that waits."""
    if not _is_ours(pyfuncitem):
        return (yield)
    function = pyfuncitem.obj
    inner = _innermost(function)
    if inspect.isasyncgenfunction(inner):
        pytest.fail(
            f"{pyfuncitem.name} is an asynchronous generator: nobody takes what it yields. Take the yield out, or make a "
            "fixture of it",
            pytrace=False,
        )
    if "selvage.defer" not in sys.modules and not inspect.iscoroutinefunction(inner):
        return (yield)  # it cannot have a Deferred
    from selvage.testing.pytest_plugin._functions import ordinary_test

    ordinary = ordinary_test(
        inner, _settings(pyfuncitem)["timeout_s"], pyfuncitem.name, lambda: _watch(pyfuncitem)
    )
    if inner is not function:
        function.hypothesis.inner_test = ordinary
    else:
        pyfuncitem.obj = ordinary
    try:
        return (yield)
    finally:
        if inner is not function:
            function.hypothesis.inner_test = inner
        else:
            pyfuncitem.obj = function


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test for failures that nobody handled."""
    try:
        yield
    except BaseException as error:
        if _watch_key in item.stash:
            item.stash[_watch_key].failed_by(error)
        raise
    if _watch_key in item.stash:
        item.stash[_watch_key].check_failures()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Look what is left when the test's fixtures are gone."""
    try:
        return (yield)
    finally:
        item.stash[_stack_key].close()
        if _watch_key in item.stash:
            item.stash[_watch_key].end(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failed test what it cannot say itself: the faults injected, the failures nobody handled."""
    report = yield
    if report.failed:
        for plan in item.stash.get(_plans_key, ()):
            report.sections.append(("Faults injected", plan.report()))
        watch = item.stash.get(_watch_key, None)
        if watch is not None and len(watch.failures):
            report.sections.append(("Failures that nobody handled", str(watch.failures)))
        if call.when == "call" and _nobody_ran(item):
            report.sections.append(("Selvage", _HOW_TO_RUN_IT))
    return report


def _nobody_ran(item: Any) -> bool:
    """Tell whether a test waits and is neither ours nor that of another plugin."""
    return (
        isinstance(item, pytest.Function)
        and inspect.iscoroutinefunction(_innermost(item.obj))
        and not _is_test_case(item)
        and not _is_ours(item)
        and not any(item.get_closest_marker(name) for name in _OTHERS)
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: Any) -> Generator[None, Any, Any]:
    """Let pytest call a fixture that waits; what fixtures of wider scope make is not a test's to clean up."""
    item = request._pyfuncitem
    function: Any = fixturedef.func
    if fixturedef.argname.startswith("_xunit_"):
        ordinary = _ordinary_xunit(fixturedef, request)
    elif _is_ours(item):
        ordinary = _ordinary_fixture(function, request)
    else:
        return (yield)
    if ordinary is not None:
        fixturedef.func = ordinary  # type: ignore[misc]
    watch = item.stash.get(_watch_key, None)
    try:
        if watch is None or watch.surroundings is None or fixturedef.scope == "function":
            return (yield)
        with watch.surroundings.allowed():
            return (yield)
    finally:
        if ordinary is not None:
            fixturedef.func = function  # type: ignore[misc]


def _ordinary_fixture(function: Any, request: Any) -> Any:
    """Make what pytest can call of a fixture function that waits and is nobody else's; else None."""
    waits = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    if not waits and not hasattr(function, "__wrapped__"):
        return None
    if "anyio_backend" in request.fixturenames or getattr(function, "_force_asyncio_fixture", False):
        return None
    # Collected on another instance of the class than the test runs on.
    if inspect.ismethod(function) and isinstance(request.instance, type(function.__self__)):
        function = function.__func__.__get__(request.instance)
    from selvage.testing.pytest_plugin._functions import ordinary_fixture

    return ordinary_fixture(function, _settings(request._pyfuncitem)["timeout_s"], request.fixturename)


def _ordinary_xunit(fixturedef: pytest.FixtureDef[Any], request: Any) -> Any:
    """Make what pytest can call of `setup_method` and its kin, which it would call and not wait for; else None."""
    item = request._pyfuncitem
    if not _is_ours(item) and _mode(item.config) != "auto":
        return None
    from selvage.testing.pytest_plugin._xunit import ordinary_xunit, waiting_one

    if fixturedef.scope == "function" and not _is_ours(item):
        name = waiting_one(fixturedef.argname, request)
        if name:
            pytest.fail(
                f"{name} waits, and {item.name} is not run by Selvage: make it a fixture of the plugin that does",
                pytrace=False,
            )
        return None
    return ordinary_xunit(fixturedef.argname, request, _settings(item)["timeout_s"])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Stop the reactor: its "shutdown" triggers run, the threads of its pool end."""
    if "selvage.testing.pytest_plugin._running" not in sys.modules:
        return
    from selvage.testing.pytest_plugin._running import ready_reactor

    ready = ready_reactor()
    if ready._loop is not None and not ready._started:
        ready.callWhenRunning(ready.stop)
        ready.run()


# --- Fixtures ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", name="reactor")
def reactor() -> Reactor:
    """The ambient reactor: it runs while a test waits; the test may leave nothing in it.

    Of the session, so that fixtures of any scope can ask for it.
    """
    from selvage.testing.pytest_plugin._running import ready_reactor

    ready: Reactor = ready_reactor()
    return ready


@pytest.fixture(name="clock")
def clock() -> Clock:
    """A `Clock`: time that moves only when the test says so."""
    from selvage.tasks import Clock

    return Clock()


@pytest.fixture(name="memory_reactor")
def memory_reactor() -> MemoryReactorClock:
    """A `MemoryReactorClock`: notes what is asked of it, and its time moves only when the test says so."""
    from selvage.testing import MemoryReactorClock

    return MemoryReactorClock()


@pytest.fixture(name="unused_port")
def unused_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listens."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(name="logged_failures")
def logged_failures(request: pytest.FixtureRequest) -> LoggedFailures:
    """Failures that nobody handled, or that were logged, in this test: it fails for those that it does not take."""
    watch: Watch | None = request.node.stash.get(_watch_key, None)
    if watch is None:
        pytest.fail(
            "logged_failures belongs to tests that Selvage runs: mark this one with @pytest.mark.selvage, or set "
            'selvage_mode = "auto"',
            pytrace=False,
        )
    return watch.failures
