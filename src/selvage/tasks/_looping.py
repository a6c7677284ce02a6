"""Calling a function again and again, without drifting.  Floor 2."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from contextvars import Context, copy_context
from inspect import iscoroutine
from typing import Any

from selvage.defer import Deferred, ensureDeferred
from selvage.failure import Failure
from selvage.interfaces import IDelayedCall, IReactorTime
from selvage.reactor import get_reactor
from selvage.tasks._frames import failure_below

__all__ = ["LoopingCall"]


class _Run:
    """What lies between `start` and the end; a result that arrives for an older one does not continue the present one.

    It stands between the loop and its Deferred so that no frame holds that for long: an exception of the function keeps
    its callers' frames alive, ours among them, and if one of those held the Deferred that fails with it, an unhandled
    failure would not be reported before the garbage collector comes by.
    """

    __slots__ = ("done",)

    def __init__(self) -> None:
        self.done: Deferred[LoopingCall] | None = Deferred()

    def take(self) -> Deferred[LoopingCall]:
        """Hand the Deferred over to be fired."""
        done, self.done = self.done, None
        assert done is not None, "a run of a LoopingCall ended twice"
        return done


class LoopingCall:
    """Call a function every so many seconds, until told to stop or until it fails.

    Calls are aimed at whole intervals from the start, so delays do not add up; an interval that has passed by (because
    the function, or something else, took too long) is left out, not made up for.  When the function returns a Deferred
    or a coroutine, that is waited for before the next call is aimed.

    Each call runs in the context (`contextvars`) in which the loop was started.

    Attributes:
        f, a, kw: the function and its arguments.
        clock: the timer it runs on, a provider of `IReactorTime`; the reactor unless set before `start`.
        running: whether calls are to come.  False by the time the Deferred from `start` fires.
        interval: seconds between calls, above or equal to 0; 0 means on each turn of the reactor.  May be set while
            running and counts from the next call on.
        starttime: when it was started or last reset, in seconds on the clock.
        call: the timer of the next call; None while the function runs or is waited for.

    Twisted: `twisted.internet.task.LoopingCall`.  There, a loop that is stopped and started again while it waits for
    the function's Deferred goes on twice at once; here the older run ends as soon as that Deferred fires.
    """

    call: IDelayedCall | None = None
    running = False
    interval: float | None = None
    starttime: float | None = None

    _clock: IReactorTime | None = None
    _runAtStart = True
    # The present run; None before the first.
    _run: _Run | None = None
    # Where `start` was called: each call runs there, whoever fires the Deferred that the loop waited for.
    _context: Context | None = None
    # When the pending call is due.  A timer may fire a little early (the loop's clock is coarser than ours); what
    # counts is the moment that was meant.
    _due: float | None = None

    def __init__(self, f: Callable[..., object], *a: Any, **kw: Any) -> None:
        if not callable(f):
            raise TypeError(
                f"LoopingCall needs something to call, not {f!r}; pass the function, do not call it"
            )
        self.f = f
        self.a = a
        self.kw = kw

    @classmethod
    def withCount(cls, countCallable: Callable[[int], object]) -> LoopingCall:
        """Make a loop that tells the function how many calls were due since the last one.

        The number is 1 in quiet times, and more when intervals were left out; never 0.  With an interval of 0 it is
        always 1.

        Args:
            countCallable: called with that number.
        """
        last: float | None = None  # when the function was last called
        run: _Run | None = None

        def counter() -> object:
            nonlocal last, run
            assert loop.interval is not None and loop.starttime is not None
            now = loop._now()
            if run is not loop._run:
                run = loop._run
                last = None
            if loop.interval == 0:
                count = 1
            elif last is None:
                # The first call: `start` itself counts as one when it called at once.
                count = loop._intervals_until(now) + (1 if loop._runAtStart else 0)
            else:
                # Intervals before a `reset` were left out on purpose.
                count = loop._intervals_until(now) - loop._intervals_until(max(last, loop.starttime))
            if count <= 0:
                return None
            last = now
            return countCallable(count)

        loop = cls(counter)
        return loop

    @property
    def clock(self) -> Any:
        """The provider of `IReactorTime` this loop runs on: the reactor, unless another was set."""
        if self._clock is None:
            self._clock = get_reactor()
        return self._clock

    @clock.setter
    def clock(self, clock: IReactorTime) -> None:
        self._clock = clock

    @property
    def deferred(self) -> Deferred[LoopingCall] | None:
        """The Deferred that `start` returned.  Deprecated: keep what `start` returns."""
        warnings.warn(
            "twisted.internet.task.LoopingCall.deferred was deprecated in Twisted 16.0.0; "
            "please use the deferred returned by start() instead",
            DeprecationWarning,
            stacklevel=2,
        )
        return None if self._run is None else self._run.done

    def start(self, interval: float, now: bool = True) -> Deferred[LoopingCall]:
        """Begin to call the function.

        Args:
            interval: seconds between calls, 0 or more.
            now: call at once too; otherwise the first call comes after one interval.

        Fires / Fails:
            With this LoopingCall once it is stopped; with what the function raises, or what the Deferred it returned
            fails with, which also ends the loop.

        Raises:
            AssertionError: it is running.
            ValueError: `interval` is below 0.
        """
        if self.running:
            raise AssertionError(f"{self!r} is running; stop() it before start()")
        if not interval >= 0:
            raise ValueError(f"interval must be >= 0, not {interval!r}")
        self.running = True
        self._run = _Run()
        # In a list, from which it is taken on the way out: see `_Run`.
        done: list[Any] = [self._run.done]
        self.starttime = self.clock.seconds()
        self.interval = interval
        self._runAtStart = now
        self._context = copy_context()
        self._due = None
        if now:
            self()
        else:
            self._schedule()
        return done.pop()  # type: ignore[no-any-return]

    def stop(self) -> None:
        """Call the function no more.

        The Deferred from `start` fires: at once, or when the function that is running now, or the Deferred it
        returned, is done.

        Raises:
            AssertionError: it is not running.
        """
        self._require_running("stop")
        self.running = False
        if self.call is not None:
            self.call.cancel()
            self.call = None
            assert self._run is not None
            self._run.take().callback(self)

    def reset(self) -> None:
        """Leave out the next call: count whole intervals from now on.

        Raises:
            AssertionError: it is not running.
        """
        self._require_running("reset")
        if self.call is not None:
            self.call.cancel()
            self.call = None
            self.starttime = self.clock.seconds()
            self._due = None
            self._schedule()

    def _require_running(self, wish: str) -> None:
        if not self.running:
            raise AssertionError(f"{self!r} is not running; there is nothing to {wish}")

    def __call__(self) -> None:
        """Make one call now and aim the next; this is what the timer calls."""
        self.call = None
        run = self._run
        assert run is not None
        try:
            result = self.f(*self.a, **self.kw)
        except BaseException as error:
            self._fail(failure_below(error), run)
            return
        if iscoroutine(result):
            result = ensureDeferred(result)
        if isinstance(result, Deferred):
            result.addCallbacks(self._continue, self._fail, callbackArgs=(run,), errbackArgs=(run,))
        elif isinstance(result, Failure):
            self._fail(result, run)
        else:
            self._continue(None, run)

    def _continue(self, _: object, run: _Run) -> None:
        if run is self._run and self.running:
            self._schedule()
        else:
            # Stopped while the function ran or was waited for, and perhaps started again: that run goes on by itself.
            run.take().callback(self)

    def _fail(self, reason: Failure, run: _Run) -> None:
        if run is self._run:
            self.running = False
        run.take().errback(reason)

    def _now(self) -> float:
        """The time, but not before the moment for which the present call was meant."""
        now: float = self.clock.seconds()
        if self._due is not None and now < self._due:
            return self._due
        return now

    def _schedule(self) -> None:
        assert self.interval is not None and self.starttime is not None
        if self.interval == 0:
            self._due = None
            delay = 0.0
        else:
            passed = self._intervals_until(self._now())
            self._due = self.starttime + (passed + 1) * self.interval
            delay = max(self._due - self.clock.seconds(), 0.0)
        assert self._context is not None
        # A copy, since a context cannot be entered twice and a clock may do as it likes in `callLater`.
        self.call = self._context.copy().run(self.clock.callLater, delay, self)

    def _intervals_until(self, when: float) -> int:
        """How many whole intervals lie between the start and a moment."""
        assert self.interval is not None and self.starttime is not None
        # The moments themselves are sums and products of floats: forgive what rounding took from one that is meant
        # to lie on the boundary.
        forgiven = 4 * math.ulp(max(abs(when), abs(self.starttime), self.interval))
        return int((when - self.starttime + forgiven) / self.interval)

    def __repr__(self) -> str:
        name = getattr(self.f, "__qualname__", None) or getattr(self.f, "__name__", None) or repr(self.f)
        return f"LoopingCall<{self.interval}>({name}, *{self.a!r}, **{self.kw!r})"
