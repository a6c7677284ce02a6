"""The reactor over an asyncio loop.  Floor 2; knows no transport (`_compose.py` adds those).

Who runs whom:

* `run()` lets the loop run for ever; startup triggers are fired from within the loop, so that what they start finds a
  running loop, and nothing that was scheduled before runs earlier than they do.
* Where a loop runs already (`asyncio.run`, Jupyter, an ASGI server), the ambient reactor attaches to it (`_attach.py`)
  the first time it is asked for something, and counts as running.
* Timers wait in our heap (`_time.py`) and one timer of the loop wakes us for the earliest: measured against a timer of
  the loop for each, this schedules and fires faster (`benchmarks/programs/twisted_timers.py`).
* The loop is made when it is first needed and, if we made it, closed when the reactor was stopped.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable
from contextvars import copy_context
from math import inf
from typing import TYPE_CHECKING, Any

from selvage import _events
from selvage.errors import ReactorAlreadyRunning
from selvage.failure import CallLater, Failure, drive, drop, hooks_installed, report

from . import _forks, _loop
from ._attach import Attachment
from ._base import NAMESPACE, ReactorBase, SystemEventID, bad_call_later
from ._fdset import LoopFDSetMixin
from ._posixbase import PosixReactorBase
from ._time import DelayedCall, ScheduledCall

if TYPE_CHECKING:
    from ._threadpool import ThreadPool

__all__ = ["LoopReactor"]

# Loops measure in milliseconds that fit an integer, or multiply into nanoseconds: beyond a day we wake and sleep again.
_LONGEST_SLEEP_S = 86400.0

# uvloop rounds to the nearest millisecond: half of one more makes that rounding up, so that we are not woken before a call
# is due, to find that there is nothing to do.
_ROUNDING_S = 0.0005

_is_callable = callable


class LoopWaker:
    """Wakes the loop from any thread.

    Twisted's test helpers take a reactor apart by closing its internal readers; closing this one releases the loop.
    """

    def __init__(self, reactor: LoopReactor) -> None:
        self._reactor = weakref.proxy(reactor)

    def wakeUp(self) -> None:
        """Make the reactor look at its queues; any thread may call this."""
        self._reactor.wakeUp()

    def connectionLost(self, reason: object) -> None:
        """Let the reactor give up its loop at the next `disconnectAll`."""
        self._reactor._retired = True


class LoopReactor(LoopFDSetMixin, PosixReactorBase):
    """A reactor that lets an asyncio loop do the work.

    Args:
        eventloop: the loop to use; it stays the caller's, who closes it.  By default a new one, uvloop's where uvloop is
            installed, which becomes the thread's current loop (`asyncio.get_event_loop`).

    Attributes:
        _asyncioEventloop: the loop.
    """

    # True for the ambient reactor, the only one that attaches to a loop which somebody else runs.
    _may_attach = False
    _retired = False

    def __init__(self, eventloop: asyncio.AbstractEventLoop | None = None, *, _lazy: bool = False) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owns_loop = False
        self._finalizer: Any = None
        self._hub_driver: CallLater | None = None
        self._restore_current: Callable[[], object] | None = None
        self._attachment: Attachment | None = None
        self._driving = False  # a loop runs because we told it to
        self._live = False  # our timers and calls are served: the loop runs because of us, or we are attached
        self._woken = False  # a call of _serve_threads is on its way
        # callLater compares with this and goes to `_wake_for` for what is due before.  It is `_armed_for`; except that it
        # stays infinite when every call has to look whether there is a loop to attach to, or still the same one.
        self._wake_at = inf
        self._armed_for = inf  # when the loop will wake us
        self._wake_handle: asyncio.Handle | None = None
        self._init_fdset()
        ReactorBase.__init__(self)
        if eventloop is not None:
            self._use_loop(eventloop, owned=False)
        elif not _lazy:
            self._acquire_loop()

    # -- the loop ---------------------------------------------------------------------------------------------------

    @property
    def _asyncioEventloop(self) -> asyncio.AbstractEventLoop:
        loop = self._loop
        if self._live and self._attachment is None and loop is not None:
            return loop
        return self._settle()

    @_asyncioEventloop.setter
    def _asyncioEventloop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._use_loop(loop, owned=False)

    def _settle(self) -> asyncio.AbstractEventLoop:
        """Return the loop to use now: one that runs, if we may attach to it, else our own, made if there is none."""
        if self._may_attach:
            self._try_attach()
        if self._loop is None or self._loop.is_closed():
            if self._attachment is not None:
                self._attachment.end()
            self._acquire_loop()
        assert self._loop is not None
        return self._loop

    def _acquire_loop(self) -> None:
        # The ambient reactor is everybody's: the loop that the program has made the current one is what it wants.
        loop = _loop.current_unclaimed_loop() if self._may_attach else None
        if loop is not None:
            self._use_loop(loop, owned=False)
        else:
            self._use_loop(_loop.new_event_loop(), owned=True)

    def _use_loop(self, loop: asyncio.AbstractEventLoop, owned: bool) -> None:
        self._check_loop(loop)
        if self._loop is not None and self._loop is not loop:
            self._leave_loop()
        self._forget_loop()
        self._loop = loop
        self._owns_loop = owned
        _loop.claim(loop)
        _forks.watch(self)
        if loop.get_exception_handler() is None:
            loop.set_exception_handler(_loop.handle_exception)
        if owned:
            self._finalizer = weakref.finalize(self, _loop.close_quietly, loop)
            # What asyncio makes before the reactor runs, futures and tasks, shall belong to the same loop.
            self._restore_current = _loop.make_current(loop)
        self._watch_on(loop)

    @staticmethod
    def _check_loop(loop: asyncio.AbstractEventLoop) -> None:
        if "Proactor" in type(loop).__name__:
            raise TypeError(
                f"the reactor cannot use {loop!r}: a proactor loop watches no descriptors; "
                "pass asyncio.SelectorEventLoop() instead"
            )

    def _leave_loop(self) -> None:
        """Before another loop is used: descriptors and timers go along, ports and connections cannot."""
        self._stop_watching()
        stranded = [each for each in self.getReaders() if not self._is_watched(each)]
        if stranded:
            self.removeAll()
        for transport in stranded:
            error = RuntimeError(
                f"{transport!r} was opened before the loop that the reactor runs on now, and cannot move there: "
                "open ports and connections from within the running program"
            )
            report(Failure(error), "A port or connection was lost", source="reactor", transport=transport)
            transport.connectionLost(Failure(error))

    def _forget_loop(self) -> None:
        """Let go of the loop; one that we made and that nobody runs is closed."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        self._cancel_wake()
        self._stop_watching()
        self._woken = False
        _loop.release(loop)
        self._drive_no_more()
        if (
            not loop.is_closed()
            and loop.get_exception_handler() is _loop.handle_exception
            and not self._owns_loop
        ):
            loop.set_exception_handler(None)
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None
        if self._restore_current is not None:
            self._restore_current()
            self._restore_current = None
        if self._owns_loop:
            self._owns_loop = False
            self._driving = True
            try:
                _loop.close_loop(loop)
            finally:
                self._driving = False

    def _after_fork(self, parent_pid: int) -> None:
        """In a child: leave the parent's loop alone, and let every use of the reactor say so."""
        loop: Any = self._loop
        if loop is None or type(loop) is _forks.InheritedLoop or loop.is_closed():
            return
        if loop.is_running():
            _forks.silence_signals()
        _forks.isolate_epoll(_forks.loop_epoll(loop))
        if self._poller is not None:
            _forks.isolate_epoll(self._poller.fileno())
        if self._finalizer is not None:
            self._finalizer.detach()
        self._loop = _forks.InheritedLoop(loop, parent_pid)  # type: ignore[assignment]
        self._owns_loop = False
        # As if it ran and nothing was to come: every call from a thread and every delayed call looks for the loop.
        self._live = True
        self._wake_at = self._armed_for = inf
        self._woken = False
        if self._driving:
            loop.stop()

    def _try_attach(self) -> bool:
        """Attach to the loop that runs in this thread; tell whether there was one."""
        loop = _loop.running_loop()
        # _driving: that loop is ours, and we are the one who runs it.
        if loop is None or self._driving:
            return False
        if self._attachment is not None:
            if self._attachment.is_current():
                return False
            self._attachment.end()
        if self._started:
            return False
        Attachment(self, loop).begin()
        return True

    # -- running ----------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """True from the "during" phase of startup until that of shutdown, and where there is a loop to attach to."""
        return self._running or (self._may_attach and self._try_attach())

    @running.setter
    def running(self, running: bool) -> None:
        self._running = running

    def callWhenRunning(
        self, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> SystemEventID | None:
        """Call a function once the reactor runs: at once if it does, else after startup.

        Returns: what `removeSystemEventTrigger` takes, or None when the function has been called.
        """
        if self._may_attach:
            self._try_attach()
        return super().callWhenRunning(callable, *args, **kwargs)

    def _begin(self, installSignalHandlers: bool) -> None:
        _forks.refuse_inherited(self._loop)
        fresh = not (self._started or self._startedBefore)
        attached = self._attachment is not None and self._attachment.is_current()
        if self._attachment is not None and not attached:
            self._attachment.end()
        if attached or (fresh and _loop.running_loop() is not None):
            raise ReactorAlreadyRunning(
                "an asyncio loop is running in this thread already (asyncio.run, a notebook, an ASGI server), and the "
                "reactor uses that: leave reactor.run() out, and await your Deferreds in a coroutine"
            )
        super()._begin(installSignalHandlers)

    def run(self, installSignalHandlers: bool = True) -> None:
        """Fire "startup", then serve events until `stop` or `crash`.

        Args:
            installSignalHandlers: let SIGINT, SIGTERM (and SIGBREAK) stop the reactor; the handlers that were there
                before come back afterwards.  Outside the main thread no handlers are installed.

        Raises:
            ReactorAlreadyRunning: it runs, or an asyncio loop runs in this thread.
            ReactorNotRestartable: it ran before, and was stopped.
        """
        self._begin(installSignalHandlers)
        loop = self._settle()
        start = loop.call_soon(self._start)
        try:
            self.mainLoop()
        finally:
            start.cancel()
            self._uninstallHandler()
            if self._started:
                # Somebody stopped the loop itself: that is a crash, seen from here.
                ReactorBase.crash(self)
            if self._startedBefore and self._owns_loop:
                self._forget_loop()

    def startRunning(self, installSignalHandlers: bool = True) -> None:
        """Do what `run` does before it serves events, for programs whose own loop calls `iterate` or `mainLoop`."""
        self._begin(installSignalHandlers)
        self._settle()
        self._start()

    def _start(self) -> None:
        self.fireSystemEvent("startup")
        self._go_live()

    def _go_live(self) -> None:
        """Serve timers and calls from threads from now on."""
        self._live = True
        self._drive_hub()
        self._serve()

    def _drive_hub(self) -> None:
        """Let the hub use the loop's time, from any thread; not `callLater`, whose calls are the program's."""
        if self._hub_driver is not None or self._loop is None:
            return
        loop_of = weakref.ref(self._loop)

        def call_later(delay: float, f: Callable[[], object]) -> None:
            loop = loop_of()
            if loop is None:
                raise RuntimeError("the loop is gone")
            loop.call_soon_threadsafe(loop.call_later, delay, f)

        self._hub_driver = call_later
        drive(call_later)

    def _drive_no_more(self) -> None:
        if self._hub_driver is not None:
            driver, self._hub_driver = self._hub_driver, None
            drop(driver)

    def mainLoop(self) -> None:
        """Serve events until the reactor is stopped."""
        loop = self._loop
        assert loop is not None, "startRunning comes before mainLoop"
        # Before the loop opens descriptors of its own, which get the numbers of those that were closed.
        self._audit()
        self._driving = True
        try:
            with hooks_installed():
                self._run_loop(loop)
        finally:
            self._driving = False
            self._live = False
            self._drive_no_more()
            self._cancel_wake()
        _forks.refuse_inherited(self._loop)
        _events.emit(NAMESPACE, "info", "Main loop terminated.", log_source=self)

    def _run_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the loop until it is stopped. A signal handler of the program that raises does not stop it."""
        while True:
            try:
                loop.run_forever()
                return
            except Exception as error:
                # asyncio lets it out where it waits for events, and can go on; uvloop tells its exception handler.
                if not self._started or _loop.is_its_own(error):
                    raise
                report(Failure(error), _loop.IN_SIGNAL_HANDLER, source="signal")

    def _renew(self) -> None:
        """Be as a new reactor: ready to run, though it has run before."""
        self._started = self._startedBefore = self._justStopped = self._retired = False
        self._stopped = True
        self._exitSignal = None
        if self._attachment is not None:
            self._attachment.end()
        if self._loop is not None and self._loop.is_closed():
            self._forget_loop()
        self._add_own_triggers()

    def _clear(self) -> None:
        """Drop whatever is pending after a run, and the loop with it."""
        self._stopThreadPool()
        self.disconnectAll()
        self._forget_delayed_calls()
        self.threadCallQueue.clear()
        self._forget_loop()

    def stop(self) -> None:
        """Fire "shutdown" on the next turn; `run` returns when its triggers are done.

        Where the reactor is attached to a loop that somebody else runs, its part ends and the loop goes on.

        Raises:
            ReactorNotRunning: it does not run, or has been stopped.
        """
        _forks.refuse_inherited(self._loop)
        if self._may_attach:
            self._try_attach()
        super().stop()
        assert self._loop is not None
        # Threadsafe: a signal handler, too, has to wake a loop that waits.
        self._loop.call_soon_threadsafe(self._serve)

    def crash(self) -> None:
        """Make `run` return without firing anything; `run` may be called again afterwards."""
        super().crash()
        if self._attachment is not None:
            self._attachment.crash()
        elif self._loop is not None and self._loop.is_running():
            self._loop.stop()

    def iterate(self, delay: float = 0.0) -> None:
        """Serve what is due now, waiting at most `delay` seconds for something to happen.

        Raises:
            ReactorAlreadyRunning: called from within the running reactor.
        """
        if _loop.running_loop() is not None:
            raise ReactorAlreadyRunning(
                "iterate() cannot be called from within a running loop: return to the loop instead, "
                "and go on in a callback or after an await"
            )
        self.doIteration(delay)

    def doIteration(self, delay: float | None) -> None:
        """Let the loop run for one turn, or until something of ours happens, at most `delay` seconds (None: no end)."""
        loop = self._settle()
        self._audit()
        was_live = self._live
        self._live = self._driving = self._one_turn = True
        limit = (
            None
            if delay is None or delay <= 0
            else loop.call_later(min(delay, _LONGEST_SLEEP_S), self._end_turn)
        )
        try:
            if delay is not None and delay <= 0:
                loop.call_soon(self._serve_turn)
            else:
                loop.call_soon(self._serve)
            loop.run_forever()
        finally:
            self._one_turn = self._driving = False
            if limit is not None:
                limit.cancel()
            self._live = was_live
            if not was_live:
                self._cancel_wake()
        if self._owns_loop and (self._retired or (self._startedBefore and not self._started)):
            self._forget_loop()

    _one_turn = False

    def _serve_turn(self) -> None:
        self._end_turn()
        self._serve()

    # -- waking -----------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        """Run what is due, then have the loop wake us for what comes next."""
        self._wake_at = self._armed_for = -inf
        try:
            self.runUntilCurrent()
        finally:
            self._sleep()

    def _on_wake(self) -> None:
        self._wake_handle = None
        self._wake_at = self._armed_for = -inf
        try:
            self._run_due_calls()
        finally:
            self._sleep()
            self._end_turn()

    def _sleep(self) -> None:
        """Arrange to be woken for the next delayed call."""
        self._cancel_wake()
        if self._live:
            when = self._next_time()
            if when is not None:
                self._wake_for(when)

    def _wake_for(self, when: float) -> None:
        """Have the loop wake us at `when`, unless it does so before."""
        if self._may_attach and (self._attachment is not None or not self._live) and self._try_attach():
            return  # that looks at all calls, the one that brings us here included
        if not self._live:
            return  # looked at when we go live
        if when >= self._armed_for:
            return
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        self._armed_for = when
        if self._attachment is None:
            self._wake_at = when
        if self._wake_handle is not None:
            self._wake_handle.cancel()
        delay = when - self.seconds()
        if delay <= 0:
            self._wake_handle = loop.call_soon(self._on_wake)
        else:
            self._wake_handle = loop.call_later(min(delay, _LONGEST_SLEEP_S) + _ROUNDING_S, self._on_wake)

    def _cancel_wake(self) -> None:
        self._wake_at = self._armed_for = inf
        handle, self._wake_handle = self._wake_handle, None
        if handle is not None:
            handle.cancel()

    def _end_turn(self) -> None:
        """Within `iterate`: something of ours has happened, so return from it.

        Once: uvloop keeps a second `stop` for the next time that it runs.
        """
        if self._one_turn and self._loop is not None:
            self._one_turn = False
            self._loop.stop()

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: object, **kw: object
    ) -> DelayedCall:
        """Call a function in `delay` seconds, in the context of who calls this.

        Raises:
            AssertionError: `delay` is negative, or `callable` cannot be called.
            TypeError: `delay` is no number.
        """
        try:
            if not delay >= 0 or not _is_callable(callable):
                raise bad_call_later(delay, callable)
        except TypeError:
            raise bad_call_later(delay, callable) from None
        when = self.seconds() + delay
        call = ScheduledCall(when, callable, args, kw, self, copy_context())
        self._newTimedCalls.append(call)
        if when < self._wake_at:
            self._wake_for(when)
        return call

    def _moveCallLaterSooner(self, call: DelayedCall) -> None:
        super()._moveCallLaterSooner(call)
        if call.time < self._wake_at:
            self._wake_for(call.time)

    # -- threads ----------------------------------------------------------------------------------------------------

    def installWaker(self) -> None:
        """Make `self.waker`; called once, at the end of construction."""
        self.waker = LoopWaker(self)
        self._internalReaders.add(self.waker)

    def getThreadPool(self) -> ThreadPool:
        """Return the reactor's thread pool, made on first use; it works while the reactor runs."""
        _forks.refuse_inherited(self._loop)
        return super().getThreadPool()

    def wakeUp(self) -> None:
        """Make the reactor look at its queues; any thread may call this."""
        if self._woken:
            return  # the call that is on its way will see what was added
        loop = self._loop
        if loop is None or not self._live or loop.is_closed():
            # Queues are looked at when the reactor starts.  A loop that only this thread runs may be attached to.
            if not (self._may_attach and self._try_attach()):
                return
            loop = self._loop
            assert loop is not None
        self._woken = True
        try:
            loop.call_soon_threadsafe(self._serve_threads)
        except RuntimeError:
            # Closed just now: the reactor has been stopped, and calls from threads are too late.
            self._woken = False

    def _serve_threads(self) -> None:
        # In this order: what is added from here on is seen below, or wakes us again.
        self._woken = False
        if self._live:  # else they wait for the next run
            self._run_thread_calls()
            self._end_turn()

    # -- descriptors ------------------------------------------------------------------------------------------------

    def _doReadOrWrite(self, selectable: Any, method: str) -> None:
        super()._doReadOrWrite(selectable, method)
        self._end_turn()

    def disconnectAll(self) -> None:
        """Take every descriptor, port and connection from the reactor and tell each that it is lost."""
        super().disconnectAll()
        if self._retired and not self._started:
            self._forget_loop()
