"""Learning that a child process has ended, and collecting its status.  Floor 2; POSIX.

Each child is waited for by its own number, never "any child": subprocess, asyncio and C libraries have children too.
Where the system has pidfds, the reactor watches one for each child; no signal handler is installed, so it does not
matter which thread runs the reactor, or who else cares for SIGCHLD. Elsewhere a thread waits for each child.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Protocol

from selvage.failure import Failure, report

__all__ = [
    "reapAllProcesses",
    "reapProcessHandlers",
    "registerReapProcessHandler",
    "unregisterReapProcessHandler",
    "watch_for_exit",
]

# Any: type checkers know them by platform.
_os: Any = os


class Reapable(Protocol):
    """A child process as this module knows it."""

    def reapProcess(self) -> object:
        """Collect the child's status if it has ended."""

    def processEnded(self, status: int, /) -> object:
        """Take the status that was collected."""


class _ExitWatch:
    """A pidfd: can be read once the process has ended."""

    def __init__(self, reactor: Any, number: int, process: Reapable) -> None:
        self._reactor = reactor
        self._number = number
        self._process = process

    def fileno(self) -> int:
        """Return the pidfd."""
        return self._number

    def doRead(self) -> None:
        """Collect the status, which ends the watch."""
        self._process.reapProcess()

    def end(self) -> None:
        """Leave the reactor and let go of the pidfd."""
        self._reactor._internalReaders.discard(self)
        if self._number != -1:
            self._reactor.removeReader(self)
            self.connectionLost(None)

    def connectionLost(self, reason: object) -> None:
        """Let go of the pidfd; also called by who takes the reactor apart, going through its internal readers."""
        number, self._number = self._number, -1
        if number != -1:
            os.close(number)

    def logPrefix(self) -> str:
        """Name it for logs."""
        return "<a child process>"


#: Children whose status nobody has collected: process number -> who wants to know.
reapProcessHandlers: dict[int, Any] = {}
#: What the reactor watches for them, where the system has pidfds.
_watches: dict[int, _ExitWatch] = {}


def reapAllProcesses() -> None:
    """Collect the status of every child of the reactor that has ended."""
    for process in list(reapProcessHandlers.values()):
        process.reapProcess()


def registerReapProcessHandler(pid: int, process: Reapable) -> None:
    """Have `process.processEnded` called with the status of a child; at once when it has ended already.

    Raises:
        RuntimeError: somebody waits for this child.
    """
    if pid in reapProcessHandlers:
        raise RuntimeError(
            f"process {pid} is waited for by {reapProcessHandlers[pid]!r} already: "
            "call unregisterReapProcessHandler first"
        )
    try:
        found, status = os.waitpid(pid, _os.WNOHANG)
    except BaseException:
        report(Failure(), f"Failed to reap {pid}", source="process", process=process)
        found = None
    if found:
        process.processEnded(status)
    else:
        reapProcessHandlers[pid] = process


def unregisterReapProcessHandler(pid: int, process: Reapable) -> None:
    """Stop waiting for a child.

    Raises:
        RuntimeError: `process` is not who waits for it.
    """
    if reapProcessHandlers.get(pid) is not process:
        raise RuntimeError(f"process {pid} is not waited for by {process!r}")
    del reapProcessHandlers[pid]
    watch = _watches.pop(pid, None)
    if watch is not None:
        watch.end()


def watch_for_exit(reactor: Any, pid: int, process: Reapable) -> None:
    """Have `process.reapProcess` called, in the reactor's thread, once the child has ended."""
    reapProcessHandlers[pid] = process
    try:
        number = _os.pidfd_open(pid)
    except (AttributeError, OSError):
        waiter = threading.Thread(
            target=_wait_in_thread, args=(reactor, pid, process), name=f"wait for {pid}", daemon=True
        )
        waiter.start()
        return
    watch = _watches[pid] = _ExitWatch(reactor, number, process)
    # What is internal to the reactor stays when everything else is taken from it: ports and pipes may be gone, but the
    # child has still to be collected.
    reactor._internalReaders.add(watch)
    reactor.addReader(watch)


def _wait_in_thread(reactor: Any, pid: int, process: Reapable) -> None:
    try:
        # Leaves the child a zombie, so that its number is not given away before the reactor has heard of it.
        _os.waitid(_os.P_PID, pid, _os.WEXITED | _os.WNOWAIT)
    except OSError:
        pass  # somebody else has collected it: reapProcess will find that out, too
    reactor.callFromThread(_reap_if_waited_for, pid, process)


def _reap_if_waited_for(pid: int, process: Reapable) -> None:
    if reapProcessHandlers.get(pid) is process:
        process.reapProcess()
