"""What every reactor has: its state, system events, time, threads and names.  Floor 2; knows no loop and no socket.

`ReactorBase` runs on its own hooks: a subclass gives `installWaker`, `doIteration` and the descriptor methods, and has a
whole reactor.  `selvage.reactor.Reactor` is made otherwise (`_reactor.py`): it lets an asyncio loop do the running.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from signal import Signals
from types import FrameType, MethodType
from typing import TYPE_CHECKING, Any, NewType

from zope.interface import implementer

from selvage import _events
from selvage.errors import (
    ReactorAlreadyRunning,
    ReactorNotRestartable,
    ReactorNotRunning,
)
from selvage.failure import Failure, Kind, Report, hooks_installed, report
from selvage.interfaces import (
    IReactorCore,
    IReactorThreads,
    IReactorTime,
    _ISupportsExitSignalCapturing,
)

from . import _errorhooks, _threadable
from ._fdset import CONNECTION_LOST
from ._resolver import GAIResolver
from ._signals import StopSignals
from ._simple_resolvers import PluggableResolverMixin
from ._threadpool import ThreadPool
from ._time import DelayedCall, ScheduledCall, TimerHeap
from ._triggers import ThreePhaseEvent

if TYPE_CHECKING:
    from selvage.defer import Deferred
    from selvage.interfaces import IReadDescriptor, IWriteDescriptor

__all__ = ["MOST_CALLS_A_TURN", "ReactorBase", "SystemEventID", "bad_call_later"]

#: Calls from threads that are made before everybody else has a turn.  Waking once more for a thousand of them is not to be
#: seen in their cost; without a limit, a turn lasts the longer the more came in during the last.
MOST_CALLS_A_TURN = 1000

#: Who speaks when the reactor mentions something.
NAMESPACE = "selvage.reactor.Reactor"

SystemEventID = NewType("SystemEventID", tuple[str, Any])

# `callable` is the name of an argument below, as it is in Twisted.
_is_callable = callable


@implementer(IReactorCore, IReactorTime, IReactorThreads, _ISupportsExitSignalCapturing)
class ReactorBase(TimerHeap, PluggableResolverMixin):
    """A reactor without an engine.

    Hooks for subclasses: `installWaker`, `doIteration`, `addReader`, `addWriter`, `removeReader`, `removeWriter`,
    `removeAll`, `getReaders`, `getWriters`.

    Attributes:
        running: true from the "during" phase of startup until that of shutdown.
        usingThreads: always true.
        threadpool: the pool behind `callInThread` once somebody wanted it.
        waker: has `wakeUp`, which makes `doIteration` return; made by `installWaker`.
    """

    installed = False
    usingThreads = True
    threadpool: ThreadPool | None = None
    threadpoolShutdownID: SystemEventID | None = None
    waker: Any = None

    _threadpoolStartupID: SystemEventID | None = None
    # Between run() and the end of the run; the other flags say how it began and is to end.
    _started = False
    _startedBefore = False
    _stopped = True
    _justStopped = False
    _exitSignal: int | None = None  # the signal that stopped it, for who wants to exit accordingly
    _on_stop_signal: Callable[[int], object] | None = None  # called instead of stop() when a signal comes
    _signals: StopSignals | None = None
    running: bool = False

    def __init__(self) -> None:
        TimerHeap.__init__(self)
        PluggableResolverMixin.__init__(self)
        self.threadCallQueue: deque[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Context]] = (
            deque()
        )
        self._eventTriggers: dict[str, ThreePhaseEvent] = {}
        self._internalReaders: set[Any] = set()
        self.running = False
        self._started = False
        self._startedBefore = False
        self._stopped = True
        self._justStopped = False
        self._want_signals = True
        self._add_own_triggers()
        self._initThreads()
        self.installWaker()

    # -- hooks ------------------------------------------------------------------------------------------------------

    def installWaker(self) -> None:
        """Make `self.waker`; called once, at the end of construction."""
        raise NotImplementedError(
            f"{type(self).__name__} has to say how another thread wakes it: override installWaker"
        )

    def wakeUp(self) -> None:
        """Make the reactor look at its queues; any thread may call this."""
        if self.waker is not None:
            self.waker.wakeUp()

    def doIteration(self, delay: float | None) -> None:
        """Wait at most `delay` seconds (None: as long as it takes) for I/O, and serve it."""
        raise NotImplementedError(
            f"{type(self).__name__} has to say how it waits for I/O: override doIteration"
        )

    def addReader(self, reader: IReadDescriptor) -> None:
        """Call `reader.doRead` whenever its descriptor can be read."""
        raise NotImplementedError(f"{type(self).__name__} watches no descriptors: override addReader")

    def addWriter(self, writer: IWriteDescriptor) -> None:
        """Call `writer.doWrite` whenever its descriptor can be written."""
        raise NotImplementedError(f"{type(self).__name__} watches no descriptors: override addWriter")

    def removeReader(self, reader: IReadDescriptor) -> None:
        """Stop calling `reader.doRead`."""
        raise NotImplementedError(f"{type(self).__name__} watches no descriptors: override removeReader")

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        """Stop calling `writer.doWrite`."""
        raise NotImplementedError(f"{type(self).__name__} watches no descriptors: override removeWriter")

    def removeAll(self) -> list[IReadDescriptor | IWriteDescriptor]:
        """Stop watching everything and return what was watched."""
        raise NotImplementedError(f"{type(self).__name__} watches no descriptors: override removeAll")

    def getReaders(self) -> list[IReadDescriptor]:
        """Return what is watched for reading."""
        raise NotImplementedError(f"{type(self).__name__} watches no descriptors: override getReaders")

    def getWriters(self) -> list[IWriteDescriptor]:
        """Return what is watched for writing."""
        raise NotImplementedError(f"{type(self).__name__} watches no descriptors: override getWriters")

    # -- running ----------------------------------------------------------------------------------------------------

    def run(self, installSignalHandlers: bool = True) -> None:
        """Fire "startup", then serve events until `stop` or `crash`.

        Args:
            installSignalHandlers: let SIGINT, SIGTERM (and SIGBREAK) stop the reactor; the handlers that were there
                before come back afterwards.  Outside the main thread no handlers are installed.

        Raises:
            ReactorAlreadyRunning: it runs.
            ReactorNotRestartable: it ran before, and was stopped.
        """
        self.startRunning(installSignalHandlers=installSignalHandlers)
        try:
            with hooks_installed():
                self.mainLoop()
        finally:
            self._uninstallHandler()

    def startRunning(self, installSignalHandlers: bool = True) -> None:
        """Do what `run` does before it serves events, for programs whose own loop calls `iterate`."""
        self._begin(installSignalHandlers)
        self.fireSystemEvent("startup")

    def _begin(self, installSignalHandlers: bool) -> None:
        if self._started:
            raise ReactorAlreadyRunning(
                "the reactor is running already: run() was called from within it, or from a second place; "
                "use callWhenRunning or callLater to do something in the running reactor"
            )
        if self._startedBefore:
            raise ReactorNotRestartable(
                "the reactor has run and was stopped, so run() cannot run it again; "
                "selvage.run(main) may be called any number of times in one process"
            )
        self._add_own_triggers()
        self._started = True
        self._stopped = False
        self._exitSignal = None
        self._want_signals = installSignalHandlers
        self._registerAsIOThread()

    def _add_own_triggers(self) -> None:
        """Add the triggers that make starting and stopping work, where they are not waiting already.

        A trigger runs once, so this comes again before the reactor can run again.
        """
        self._add_trigger_once("during", "startup", self._reallyStartRunning)
        # The class's, not what somebody put on the instance for a while, as trial does during a test.
        self._add_trigger_once("during", "shutdown", MethodType(type(self).crash, self))
        self._add_trigger_once("during", "shutdown", self.disconnectAll)

    def _add_trigger_once(self, phase: str, event_type: str, method: Callable[[], object]) -> None:
        event = self._eventTriggers.get(event_type)
        if event is None or (method, (), {}) not in getattr(event, phase):
            self.addSystemEventTrigger(phase, event_type, method)

    def _reallyStartRunning(self) -> None:
        """Become `running`; the first "during" trigger of startup."""
        self.running = True
        if self._want_signals:
            self._signals = StopSignals(self)
            self._signals.install()

    def _registerAsIOThread(self) -> None:
        _threadable.registerAsIOThread()

    def _uninstallHandler(self) -> None:
        """Put the signal handlers back that were there before `run`."""
        if self._signals is not None:
            self._signals.uninstall()
            self._signals = None

    def mainLoop(self) -> None:
        """Serve events until the reactor is stopped."""
        while self._started:
            try:
                while self._started:
                    self.runUntilCurrent()
                    delay = self.timeout() if self.running else 0
                    self.doIteration(delay)
            except Exception:
                report(Failure(), "Unhandled error in the reactor's main loop", source="reactor")

    def iterate(self, delay: float = 0.0) -> None:
        """Serve what is due now, waiting at most `delay` seconds for something to happen."""
        self.runUntilCurrent()
        self.doIteration(delay)

    def stop(self) -> None:
        """Fire "shutdown" on the next turn; `run` returns when its triggers are done.

        Raises:
            ReactorNotRunning: it does not run, or has been stopped.
        """
        if self._stopped:
            state = "was stopped already" if self._startedBefore else "is not running"
            raise ReactorNotRunning(
                f"cannot stop a reactor that {state}: stop() may be called once per run()"
            )
        self._stopped = True
        self._justStopped = True
        self._startedBefore = True

    def crash(self) -> None:
        """Make `run` return without firing anything; `run` may be called again afterwards."""
        self._started = False
        self.running = False
        # First in line for the next run.
        self._add_trigger_once("during", "startup", self._reallyStartRunning)

    def sigInt(self, number: int, frame: FrameType | None = None) -> None:
        """Handle SIGINT: stop the reactor."""
        self._signalled(number)

    def sigTerm(self, number: int, frame: FrameType | None = None) -> None:
        """Handle SIGTERM: stop the reactor."""
        self._signalled(number)

    def sigBreak(self, number: int, frame: FrameType | None = None) -> None:
        """Handle SIGBREAK: stop the reactor."""
        self._signalled(number)

    def _signalled(self, number: int) -> None:
        # In a signal handler, in the middle of anything: what follows comes on the next turn.
        self._exitSignal = number
        self.callFromThread(self._stop_by_signal, number)

    def _stop_by_signal(self, number: int) -> None:
        # The words of Twisted, which people look for in a service's log to learn why it ended.
        _events.emit(NAMESPACE, "info", "Received {signal}, shutting down.", signal=Signals(number).name)
        if self._on_stop_signal is not None:
            self._on_stop_signal(number)
        elif not self._stopped:
            # Else: a second Ctrl-C while shutdown triggers are awaited, which is no error of the program.
            self.stop()

    # -- system events ----------------------------------------------------------------------------------------------

    def callWhenRunning(
        self, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> SystemEventID | None:
        """Call a function once the reactor runs: at once if it does, else after startup.

        Returns: what `removeSystemEventTrigger` takes, or None when the function has been called.
        """
        if self._started:
            callable(*args, **kwargs)
            return None
        return self.addSystemEventTrigger("after", "startup", callable, *args, **kwargs)

    def addSystemEventTrigger(
        self, phase: str, eventType: str, callable: Callable[..., Any], *args: object, **kwargs: object
    ) -> SystemEventID:
        """Have a function called with an event, in the context of who calls this.

        Args:
            phase: "before" (may return a Deferred or a coroutine, which the next phase awaits), "during" or "after".
            eventType: "startup", "shutdown", "persist", or a name of your own.

        Returns: what `removeSystemEventTrigger` takes.

        Raises:
            KeyError: there is no such phase.
            AssertionError: `callable` cannot be called.
        """
        if not _is_callable(callable):
            raise AssertionError(f"{callable!r} is not callable: pass the function itself, do not call it")
        event = self._eventTriggers.get(eventType)
        if event is None:
            event = self._eventTriggers[eventType] = ThreePhaseEvent()
        return SystemEventID((eventType, event.addTrigger(phase, callable, *args, **kwargs)))

    def removeSystemEventTrigger(self, triggerID: SystemEventID) -> None:
        """Take a trigger back.

        Raises:
            TypeError, KeyError, ValueError: it is no trigger that waits.
        """
        eventType, handle = triggerID
        self._eventTriggers[eventType].removeTrigger(handle)

    def fireSystemEvent(self, eventType: str) -> None:
        """Run the triggers of one event; nothing happens when it has none."""
        event = self._eventTriggers.get(eventType)
        if event is not None:
            event.fireEvent()

    # -- time -------------------------------------------------------------------------------------------------------

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
        call = ScheduledCall(self.seconds() + delay, callable, args, kw, self, copy_context())
        self._newTimedCalls.append(call)
        return call

    def timeout(self) -> float | None:
        """Return the seconds until the next delayed call, 0 when something is due now, None when nothing is."""
        if self.threadCallQueue or self._justStopped:
            return 0
        when = self._next_time()
        return None if when is None else max(0, when - self.seconds())

    def runUntilCurrent(self) -> None:
        """Run what other threads asked for and what is due by now."""
        if self.threadCallQueue:
            self._run_thread_calls()
        self._run_due_calls()
        if self._justStopped:
            self._justStopped = False
            self.fireSystemEvent("shutdown")

    # -- threads ----------------------------------------------------------------------------------------------------

    def _initThreads(self) -> None:
        self.installNameResolver(GAIResolver(self, self.getThreadPool))
        self.usingThreads = True

    def callFromThread(self, f: Callable[..., Any], *args: object, **kwargs: object) -> None:
        """Call a function in the reactor's thread, on its next turn; any thread may call this.

        Calls are made in the order in which they were asked for, each in the context of who asked.

        Raises:
            AssertionError: `f` cannot be called.
        """
        if not _is_callable(f):
            raise AssertionError(f"{f!r} is not callable: pass the function itself, do not call it")
        self.threadCallQueue.append((f, args, kwargs, copy_context()))
        self.wakeUp()

    def _run_thread_calls(self) -> None:
        # Only those that are there now: a call that asks for another must not starve the rest.  Nor may a thread that asks
        # faster than we call.
        queue = self.threadCallQueue
        for _ in range(min(len(queue), MOST_CALLS_A_TURN)):
            function, args, kwargs, context = queue.popleft()
            try:
                context.run(function, *args, **kwargs)
            except BaseException:
                report(
                    Failure(), "Unhandled error in a call from a thread", source="thread", callable=function
                )
        if queue:
            self.wakeUp()

    def _initThreadPool(self) -> None:
        self.threadpool = ThreadPool(0, 10, "selvage.reactor")
        self._threadpoolStartupID = self.callWhenRunning(self.threadpool.start)
        self.threadpoolShutdownID = self.addSystemEventTrigger("during", "shutdown", self._stopThreadPool)

    def _stopThreadPool(self) -> None:
        """Stop the pool, wait for its threads, and forget it."""
        for trigger in (self._threadpoolStartupID, self.threadpoolShutdownID):
            if trigger is not None:
                try:
                    self.removeSystemEventTrigger(trigger)
                except ValueError:
                    pass  # it has run
        self._threadpoolStartupID = None
        self.threadpoolShutdownID = None
        pool, self.threadpool = self.threadpool, None
        if pool is not None:
            pool.stop()

    def getThreadPool(self) -> ThreadPool:
        """Return the reactor's thread pool, made on first use; it works while the reactor runs."""
        if self.threadpool is None:
            self._initThreadPool()
            assert self.threadpool is not None
        return self.threadpool

    def callInThread(self, _callable: Callable[..., Any], *args: object, **kwargs: object) -> None:
        """Call a function in a thread of the pool; what it raises goes to the hub.

        Raises:
            TypeError: it cannot be called.
        """
        if not _is_callable(_callable):
            raise TypeError(
                f"{_callable!r} is not callable: callInThread takes the function itself, do not call it"
            )
        self.getThreadPool().callInThread(_callable, *args, **kwargs)

    def suggestThreadPoolSize(self, size: int) -> None:
        """Let the pool have at most `size` threads."""
        self.getThreadPool().adjustPoolsize(maxthreads=size)

    # -- names ------------------------------------------------------------------------------------------------------

    def resolve(self, name: str, timeout: Sequence[int] = (1, 3, 11, 45)) -> Deferred[str]:
        """Look up one IPv4 address of a host.

        Args:
            timeout: the look-up may take as long as all of these together, in seconds.

        Fires with the address as text; a numeric address comes back at once, an empty name is "0.0.0.0".
        Fails with DNSLookupError, naming the host: it has no address, cannot be a name, or no answer came in time.
        """
        return self._resolve_simple(name, timeout)

    # -- failures ---------------------------------------------------------------------------------------------------

    def addErrorCallback(
        self,
        f: Callable[[Failure], object],
        *,
        types: Kind | tuple[Kind, ...] = (),
        fingerprint: str | tuple[str, ...] = (),
        where: Callable[[Report], object] | None = None,
        source: str | tuple[str, ...] = (),
        namespace: str = "",
        grouped: bool = False,
        thread: bool = False,
    ) -> None:
        """Call `f(failure)` with each unhandled Failure of the process, wherever it came from.

        Timers, threads, triggers, readers, protocols, Deferreds and asyncio all report to one hub
        (`selvage.failure.subscribe`); this subscribes to it.  Adding the same function twice is adding it once.

        Args:
            f: called in the thread in which the failure was left over; it should be quick.
            types, fingerprint, where, source, namespace: which failures; `selvage.failure.subscribe` tells.
            grouped: of equal failures only the first few in each minute.
            thread: call `f` in a thread of its own.
        """
        wanted = {
            "types": types,
            "fingerprint": fingerprint,
            "where": where,
            "source": source,
            "namespace": namespace,
        }
        _errorhooks.add(f, {**wanted, "grouped": grouped, "thread": thread})

    def removeErrorCallback(self, f: Callable[[Failure], object]) -> None:
        """Stop calling `f`.

        Raises:
            ValueError: it was not added.
        """
        _errorhooks.remove(f)

    # -- the end ----------------------------------------------------------------------------------------------------

    def disconnectAll(self) -> None:
        """Take every descriptor from the reactor and tell each that its connection is lost."""
        for descriptor in self.removeAll():
            try:
                descriptor.connectionLost(Failure._withoutTraceback(CONNECTION_LOST))
            except BaseException:
                report(Failure(), "Unhandled error in connectionLost", source="reader", descriptor=descriptor)


def bad_call_later(delay: Any, function: Any) -> Exception:
    """Return what to raise when `callLater` was called with these."""
    if not hasattr(delay, "__float__"):
        return TypeError(
            f"callLater takes the delay first, a number of seconds, then what to call: callLater({delay!r}, ...)"
        )
    if not _is_callable(function):
        return AssertionError(
            f"{function!r} is not callable: callLater takes the function itself, do not call it"
        )
    return AssertionError(f"callLater cannot wait {delay!r} seconds: the delay must be 0 or more")
