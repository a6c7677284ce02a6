"""`selvage.run`: a program's main function on a fresh reactor.  Floor 2."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable, iscoroutine
from typing import Any, TypeVar, overload

from selvage.defer import Deferred, fail, getDebugging, setDebugging, succeed
from selvage.errors import CancelledError, ReactorAlreadyRunning
from selvage.failure import Failure

from . import _forks, _loop
from ._ambient import own_reactor
from ._time import DelayedCall

__all__ = ["run"]

_T = TypeVar("_T")


@overload
def run(
    main: Callable[..., Coroutine[Any, Any, _T]],
    *args: Any,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    debug: bool = False,
) -> _T: ...


@overload
def run(
    main: Callable[..., Deferred[_T]],
    *args: Any,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    debug: bool = False,
) -> _T: ...


@overload
def run(
    main: Callable[..., _T],
    *args: Any,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    debug: bool = False,
) -> _T: ...


def run(
    main: Callable[..., Any],
    *args: Any,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    debug: bool = False,
) -> Any:
    """Run a program: call `main(*args)` in a fresh reactor, and stop the reactor when what it returns has a result.

    It may be called any number of times.  The ambient reactor keeps its identity and is renewed in place, so what was
    imported from `twisted.internet.reactor` stays right.

    Args:
        main: a coroutine function, or a function that returns a Deferred, any awaitable, or a plain value.
        loop_factory: makes the asyncio loop, which is closed at the end; uvloop's by default, asyncio's without uvloop.
        debug: asyncio's debug mode, Deferreds that remember where they were made, delayed calls likewise.

    Returns: the result; None when the reactor was stopped before there was one.

    Raises:
        BaseException: what `main` raised, or its Deferred failed with.
        TypeError: `main` cannot be called, as when it was called already.
        KeyboardInterrupt: SIGINT came; `main` was cancelled and did not object.
        SystemExit: SIGTERM (or SIGBREAK) came, likewise; the exit status is 128 plus the signal's number.
        ReactorAlreadyRunning: there is a reactor or an asyncio loop running in this thread.
        ForkedReactorError: this process was forked from one whose reactor had a loop.

    However it ends, "shutdown" triggers have been fired, then ports, connections, delayed calls, threads of the pool,
    asyncio tasks and asynchronous generators ended, and the loop is closed.
    """
    _check_arguments(main, loop_factory)
    reactor = own_reactor()
    _forks.refuse_inherited(reactor._loop)
    if reactor._started or _loop.running_loop() is not None:
        raise ReactorAlreadyRunning(
            "selvage.run() cannot be called while a reactor or an asyncio loop is running in this thread: "
            "await the coroutine or Deferred instead; selvage.run() is for the outermost call of a program"
        )
    debugging = getDebugging(), DelayedCall.debug
    reactor._renew()
    if loop_factory is not None or reactor._loop is None:
        # A loop that is there already was made for what this program did with the reactor before: ports, descriptors.
        reactor._use_loop((loop_factory or _loop.new_event_loop)(), owned=True)
    if debug:
        setDebugging(True)
        DelayedCall.debug = True
        reactor._asyncioEventloop.set_debug(True)
    program = _Program(reactor, main, args)
    try:
        return program.run()
    finally:
        setDebugging(debugging[0])
        DelayedCall.debug = debugging[1]


def _check_arguments(main: Any, loop_factory: Any) -> None:
    if not callable(main):
        hint = "pass a coroutine function, or a function that returns a Deferred"
        if iscoroutine(main):
            main.close()  # or Python would complain that nobody awaited it
            name = main.__name__
            hint = f"pass the function itself, as in selvage.run({name}), its arguments after it"
        elif isawaitable(main):
            hint = (
                "it was made outside the reactor that is to run it; pass a function that makes and returns it"
            )
        raise TypeError(
            f"selvage.run() calls its argument in a running reactor, and {main!r} cannot be called: {hint}"
        )
    if loop_factory is not None and not callable(loop_factory):
        raise TypeError(
            f"loop_factory has to be a function that makes an asyncio loop, as in asyncio.new_event_loop, "
            f"not {loop_factory!r}"
        )


class _Program:
    """One run of a main function."""

    def __init__(self, reactor: Any, main: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._reactor = reactor
        self._main = main
        self._args = args
        self._result: Deferred[Any] | None = None  # of main, once it was called
        self._finished: Deferred[None] = Deferred()  # fires when main is done, or is no longer waited for
        self._outcome: Any = _NOTHING
        self._signal: int | None = None
        self._cancelled = False

    def run(self) -> Any:
        """Run the reactor until main is done, clean up, and return or raise what came of it."""
        reactor = self._reactor
        reactor._on_stop_signal = self._interrupted
        reactor.callWhenRunning(self._call_main)
        trigger = reactor.addSystemEventTrigger("before", "shutdown", self._end_main)
        try:
            reactor.run()
        finally:
            reactor._on_stop_signal = None
            try:
                reactor.removeSystemEventTrigger(trigger)
            except ValueError:
                pass  # it has run
            reactor._clear()
        return self._conclude()

    def _call_main(self) -> None:
        if self._reactor._stopped:
            return
        self._result = _call(self._main, self._args)
        self._result.addBoth(self._main_is_done)

    def _main_is_done(self, outcome: Any) -> None:
        self._outcome = outcome
        if not self._reactor._stopped:
            self._reactor.stop()
        self._give_up()

    def _give_up(self) -> None:
        if not self._finished.called:
            self._finished.callback(None)

    def _interrupted(self, number: int) -> None:
        """A signal: cancel main and let it clean up; the second time, stop whatever it does."""
        if self._signal is None and self._result is not None and self._outcome is _NOTHING:
            self._signal = number
            self._cancel_main()
            return
        self._signal = number
        self._give_up()
        if not self._reactor._stopped:
            self._reactor.stop()

    def _end_main(self) -> Deferred[None] | None:
        """The reactor was stopped: if main is not done, cancel it, and wait until it is."""
        if self._result is None or self._outcome is not _NOTHING:
            return None
        self._cancel_main()
        return self._finished

    def _cancel_main(self) -> None:
        self._cancelled = True
        assert self._result is not None
        self._result.cancel()

    def _conclude(self) -> Any:
        outcome = self._outcome
        # Cancelled by us, and it went along.
        ended = outcome is _NOTHING or (
            self._cancelled
            and isinstance(outcome, Failure)
            and outcome.check(CancelledError, asyncio.CancelledError) is not None
        )
        if ended:
            if self._signal == signal.SIGINT:
                raise KeyboardInterrupt
            if self._signal is not None:
                raise SystemExit(128 + self._signal)
            return None
        if isinstance(outcome, Failure):
            outcome.raiseException()
        return outcome


_NOTHING: Any = object()


def _call(main: Callable[..., Any], args: tuple[Any, ...]) -> Deferred[Any]:
    try:
        result = main(*args)
    except BaseException:
        return fail(Failure())
    if isinstance(result, Deferred):
        return result
    if iscoroutine(result):
        return Deferred.fromCoroutine(result)
    if isawaitable(result):
        return Deferred.fromCoroutine(_wait_for(result))
    return succeed(result)


async def _wait_for(awaitable: Awaitable[_T]) -> _T:
    return await awaitable
