"""The reactor's core: running, time, threads, descriptors, name resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ._base import Interface, Protocol

if TYPE_CHECKING:
    from selvage.defer import Deferred

    from ._names import IHostnameResolver, IResolverSimple
    from ._transport import IReadDescriptor, IWriteDescriptor

__all__ = [
    "IDelayedCall",
    "IReactorCore",
    "IReactorDaemonize",
    "IReactorFDSet",
    "IReactorFromThreads",
    "IReactorInThreads",
    "IReactorPluggableNameResolver",
    "IReactorPluggableResolver",
    "IReactorThreads",
    "IReactorTime",
    "IReactorWin32Events",
]


class IReactorCore(Interface, Protocol):
    """Starting, stopping, and the events around them."""

    @property
    def running(self) -> bool:
        """True from the "during" phase of start-up until that of shutdown."""

    def resolve(self, name: str, timeout: Sequence[int] = (1, 3, 11, 45)) -> Deferred[str]:
        """Look up one IPv4 address of a host.

        Args:
            timeout: seconds to wait for each attempt.

        Fires with an IP literal.
        Fails with DNSLookupError.
        """

    def run(self) -> None:
        """Fire "startup", then serve events until `stop` or `crash`."""

    def stop(self) -> None:
        """Fire "shutdown"; when its triggers are done, `run` returns.

        Raises:
            ReactorNotRunning: it does not run, or has been told to stop.
        """

    def crash(self) -> None:
        """Make `run` return at once, without any event; what is pending stays so."""

    def iterate(self, delay: float) -> None:
        """Serve what is ready now, waiting at most `delay` seconds for something. Not from within itself."""

    def fireSystemEvent(self, eventType: str) -> None:
        """Run the three phases of an event: "startup", "shutdown", "persist" or one of your own."""

    def addSystemEventTrigger(
        self, phase: str, eventType: str, callable: Callable[..., object], /, *args: Any, **kwargs: Any
    ) -> Any:
        """Have a function called with an event.

        Args:
            phase: "before" (may return a Deferred, which the next phase awaits), "during" or "after".

        Returns: an identifier for `removeSystemEventTrigger`.
        """

    def removeSystemEventTrigger(self, triggerID: Any) -> None:
        """Take a trigger back.

        Raises:
            KeyError, ValueError, TypeError: there is no such trigger.
        """

    def callWhenRunning(self, callable: Callable[..., object], /, *args: Any, **kwargs: Any) -> Any:
        """Call a function at once if the reactor runs, else when it starts.

        Returns: None, or the identifier of a trigger.
        """


class IReactorTime(Interface, Protocol):
    """A clock that calls functions."""

    def seconds(self) -> float:
        """Return the time, in seconds."""

    def callLater(
        self, delay: float, callable: Callable[..., object], /, *args: Any, **kwargs: Any
    ) -> IDelayedCall:
        """Call a function with these arguments, `delay` seconds from now; 0 means on the next turn."""

    def getDelayedCalls(self) -> Sequence[IDelayedCall]:
        """Return the calls that are still to come, in any order."""


class IDelayedCall(Interface, Protocol):
    """A call that is to come."""

    def getTime(self) -> float:
        """Return when, as the clock's `seconds` counts."""

    def cancel(self) -> None:
        """Let it not happen.

        Raises:
            AlreadyCalled: it has happened.
            AlreadyCancelled: it was cancelled.
        """

    def delay(self, secondsLater: float) -> None:
        """Put it off by so many seconds; raises as `cancel` does."""

    def reset(self, secondsFromNow: float) -> None:
        """Let it happen so many seconds from now; raises as `cancel` does."""

    def active(self) -> bool:
        """Tell whether it is still to come."""


class IReactorFromThreads(Interface, Protocol):
    """The one method that other threads may call."""

    def callFromThread(self, callable: Callable[..., object], /, *args: Any, **kwargs: Any) -> object:
        """Have the reactor's thread call a function soon; calls from one thread keep their order."""


class IReactorInThreads(Interface, Protocol):
    """A reactor with worker threads."""

    def callInThread(self, callable: Callable[..., object], /, *args: Any, **kwargs: Any) -> object:
        """Have a worker thread call a function; what it raises is reported."""


class IReactorThreads(IReactorFromThreads, IReactorInThreads, Protocol):
    """A reactor whose worker threads can be reached and limited."""

    def getThreadPool(self) -> Any:
        """Return the `ThreadPool`, started when the reactor runs."""

    def suggestThreadPoolSize(self, size: int) -> None:
        """Ask for at most `size` worker threads."""


class IReactorPluggableResolver(Interface, Protocol):
    """A reactor whose simple resolver can be exchanged."""

    def installResolver(self, resolver: IResolverSimple) -> IResolverSimple:
        """Use this resolver; return the one used until now."""


class IReactorPluggableNameResolver(Interface, Protocol):
    """A reactor whose host name resolver can be exchanged."""

    @property
    def nameResolver(self) -> IHostnameResolver:
        """The resolver in use."""

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Use this resolver; return the one used until now."""


class IReactorDaemonize(Interface, Protocol):
    """A reactor that has to know when the process forks to become a daemon."""

    def beforeDaemonize(self) -> None:
        """Make ready for the fork; nothing else of the reactor may be called until `afterDaemonize`."""

    def afterDaemonize(self) -> None:
        """Go on in the child."""


class IReactorFDSet(Interface, Protocol):
    """A reactor that watches file descriptors."""

    def addReader(self, reader: IReadDescriptor) -> object:
        """Call `reader.doRead` whenever it can be read, until it is removed."""

    def addWriter(self, writer: IWriteDescriptor) -> object:
        """Call `writer.doWrite` whenever it can be written, until it is removed."""

    def removeReader(self, reader: IReadDescriptor) -> object:
        """Stop watching for reading; no error when it was not watched."""

    def removeWriter(self, writer: IWriteDescriptor) -> object:
        """Stop watching for writing; no error when it was not watched."""

    def removeAll(self) -> list[Any]:
        """Stop watching all but the reactor's own, and return them."""

    def getReaders(self) -> list[Any]:
        """Return what is watched for reading."""

    def getWriters(self) -> list[Any]:
        """Return what is watched for writing."""


class IReactorWin32Events(Interface, Protocol):
    """A reactor that watches Windows event objects."""

    def addEvent(self, event: Any, fd: Any, action: str) -> object:
        """Call the method of `fd` that is named `action` whenever `event` is set."""

    def removeEvent(self, event: Any) -> object:
        """Stop watching."""


class _ISupportsExitSignalCapturing(Interface, Protocol):
    """A reactor that remembers which signal ended it."""

    @property
    def _exitSignal(self) -> int | None:
        """The number of that signal, None when there was none."""
