"""Test cases that may wait: for Deferreds, and in coroutines.  Beside the floors.

`setUp`, the test, cleanups and `tearDown` may each return a Deferred or be a coroutine; trial runs the reactor until it is
done, or its time is up.  When the test is over nothing may be left in the reactor.

Twisted: `twisted.trial._asynctest`, which is this very module in the wing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from selvage.defer import AlreadyCalledError, Deferred, TimeoutError, ensureDeferred, maybeDeferred
from selvage.failure import Failure, machinery
from selvage.reactor import get_reactor
from selvage.testing._running import run_until, what_it_waits_for
from selvage.testing._watched import tasks

from . import util
from ._class_fixtures import let_class_fixtures_wait
from ._janitor import Janitor
from ._outcomes import Todo
from ._synctest import _NOTHING, SynchronousTestCase, _is_generator, _never_runs
from ._warnings import run_suppressed

__all__ = ["TestCase"]

__unittest = True

_T = TypeVar("_T")


#: In place of a `todo`, of what is called when the test itself is over: it is too late to skip it.
_AFTER = object()


class _Ended:
    """How a method of a test ended; a Deferred cannot fire with a Failure."""

    __slots__ = ("failure",)

    def __init__(self, failure: Failure | None) -> None:
        self.failure = failure


def _the_reactor_runs() -> Deferred[None]:
    """Return a Deferred that fires when the reactor runs."""
    d: Deferred[None] = Deferred()
    get_reactor().callLater(0, d.callback, None)
    return d


def _end_of(d: Deferred[Any]) -> _Ended | None:
    """Take the result of a Deferred that has it by now: most tests do not wait."""
    if not d.called:
        return None
    ended: _Ended | None = None
    looking = True

    def look(result: Any) -> Any:
        nonlocal ended
        if not looking:
            return result  # a callback waits for another Deferred, or did
        ended = _Ended(result if isinstance(result, Failure) else None)
        return None

    d.addBoth(look)
    looking = False
    return ended


class TestCase(SynchronousTestCase):
    """A test case whose methods may return Deferreds or be coroutines.

    Methods, the class and the module may have the attribute `timeout`: seconds that each of the methods may take.
    `setUpClass` and `tearDownClass` may wait, too, for as long as the class says.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        let_class_fixtures_wait(cls)

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self._timed_out = False
        self._waiting: tuple[str, Deferred[Any], Any] | None = None

    def setUp(self) -> Any:
        """Called before the test; may wait as it may."""

    def tearDown(self) -> Any:
        """Called after the test and its cleanups; may wait as it may."""

    def assertFailure(self, deferred: Deferred[_T], *expectedFailures: type[BaseException]) -> Deferred[_T]:
        """Fail the test unless a Deferred fails with one of these exceptions.

        Returns:
            The Deferred, which then has the exception as its result.
        """

        def succeeded(result: Any) -> Any:
            raise self.failureException(f"did not catch an error, instead got {result!r}")

        def failed(failure: Failure) -> Any:
            if failure.check(*expectedFailures):
                return failure.value
            raise self.failureException(
                f"\nExpected: {expectedFailures!r}\nGot:\n{failure.getBriefTraceback()}{failure.getErrorMessage()}"
            )

        return deferred.addCallbacks(succeeded, failed)

    failUnlessFailure = assertFailure

    def getTimeout(self) -> float:
        """Return the seconds that each method of the test may take."""
        timeout = self._nearest("timeout", util.DEFAULT_TIMEOUT_DURATION)
        try:
            return float(timeout)
        except (ValueError, TypeError):
            return util.DEFAULT_TIMEOUT_DURATION

    # --- Running -----------------------------------------------------------------------------------------------------

    def _runFixturesAndTest(self, result: Any) -> None:
        self._passed = True
        self._timed_out = False
        self._waiting = None
        known = tasks(get_reactor())
        try:
            try:
                everything = ensureDeferred(self._run_all(result))
                # Not what the test does, which is told already: the reporter has failed.
                everything.addErrback(lambda failure: self._tell(failure, result, _NOTHING))
                self._wait(everything)
            except KeyboardInterrupt:
                self._tell_of_interrupt(result)
                raise
            finally:
                if not Janitor(self, result, known=known).postCaseCleanup():
                    self._passed = False
                self._tell_logged_errors(result)
            if self._passed:
                result.addSuccess(self)
        finally:
            self._remove_observer()
            Janitor(self, result).postClassCleanup()

    async def _run_all(self, result: Any) -> None:
        suppressed = self.getSuppress()
        if not await self._attempt("setUp", suppressed, self.setUp, result, _NOTHING):
            await self._clean_up(result)
            return
        todo = self.getTodo()
        method = getattr(self, self._testMethodName)
        passed = await self._attempt(self._testMethodName, suppressed, method, result, todo)
        await self._clean_up(result)
        await self._attempt("tearDown", suppressed, self.tearDown, result, _AFTER)
        if todo is not None and passed:
            self._passed = False
            result.addUnexpectedSuccess(self, todo)

    async def _clean_up(self, result: Any) -> None:
        while self._cleanups:
            f, args, kwargs = self._cleanups.pop()
            name = f"cleanup function {getattr(f, '__name__', f)}"

            def cleanup(f: Any = f, args: Any = args, kwargs: Any = kwargs) -> Any:
                return f(*args, **kwargs)

            machinery(cleanup)
            await self._attempt(name, (), cleanup, result, _AFTER)

    async def _attempt(
        self, name: str, suppressed: Any, method: Callable[[], Any], result: Any, todo: Any
    ) -> bool:
        """Call one method and wait for it; tell what went wrong, and whether nothing did."""
        if _is_generator(method):
            self._tell(_never_runs(method), result, todo)
            return False
        if inspect.iscoroutinefunction(method) and not get_reactor().running:
            # What it calls of asyncio asks for the running loop.
            await _the_reactor_runs()
        if suppressed:
            d = maybeDeferred(run_suppressed, suppressed, method)
        else:
            d = maybeDeferred(method)
        ended = _end_of(d)
        failure = (ended or await self._in_time(d, name)).failure
        if failure is None:
            return True
        self._tell(failure, result, todo)
        return False

    def _tell(self, failure: Failure, result: Any, todo: Any, may_skip: bool = True) -> None:
        if todo is _AFTER:
            super()._tell(failure, result, _NOTHING, may_skip=False)
        else:
            # One that is expected to fail may do so by skipping.
            as_expected = isinstance(todo, Todo) and todo.expected(failure)
            super()._tell(failure, result, todo, may_skip and not as_expected)

    def _in_time(self, d: Deferred[Any], name: str) -> Deferred[_Ended]:
        """Return a Deferred that fires when `d` has its result, or when the test may not wait any longer."""
        over: Deferred[_Ended] = Deferred()
        timeout = self.getTimeout()

        def time_is_up() -> None:
            self._timed_out = True
            text = f"{self!r} ({name}) still running at {timeout} secs"
            failure = Failure(TimeoutError(text + what_it_waits_for(d)))
            try:
                d.errback(failure)
            except AlreadyCalledError:
                # It has its result, and a callback waits for another Deferred: that one is not the test's to fire.
                pass
            if not over.called:
                over.callback(_Ended(failure))

        call = get_reactor().callLater(timeout, time_is_up)
        self._waiting = name, d, call

        def end(result: Any) -> None:
            self._waiting = None
            if call.active():
                call.cancel()
            if not over.called:
                over.callback(_Ended(result if isinstance(result, Failure) else None))

        d.addBoth(end)
        return over

    def _tell_of_interrupt(self, result: Any) -> None:
        """Tell in what the test was stopped."""
        text = f"{self!r} was stopped"
        if self._waiting is not None:
            name, d, time_is_up = self._waiting
            text = f"{self!r} ({name}) was stopped" + what_it_waits_for(d)
            time_is_up.cancel()
        self._tell(Failure(KeyboardInterrupt(text)), result, _NOTHING)

    def _wait(self, d: Deferred[Any]) -> None:
        """Run the reactor until a Deferred has its result.

        Raises:
            ReactorAlreadyRunning: from within a test that waits.
            KeyboardInterrupt: somebody stopped it.
        """
        if not run_until(d) and not self._timed_out:
            raise KeyboardInterrupt
