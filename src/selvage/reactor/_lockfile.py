"""Locks that processes share through a name in the file system.  Floor 2.

The name is a symbolic link that points to the number of the process that holds the lock: making one is a single step
that fails when the name is taken, on network file systems too. A link whose process is gone is cleared away. Where
links need special rights (Windows) a file with the number does the same, but the lock of a dead process stays.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from selvage.defer import Deferred, TimeoutError, fail
from selvage.errors import AlreadyTryingToLockError

from ._ambient import get_reactor
from ._platform import IS_WINDOWS

if TYPE_CHECKING:
    from selvage.interfaces import IDelayedCall, IReactorTime

__all__ = ["DeferredFilesystemLock", "FilesystemLock", "isLocked"]


def _hold(name: str) -> None:
    """Write our process number under `name`; raises FileExistsError when the name is taken."""
    owner = str(os.getpid())
    if IS_WINDOWS:
        with open(name, "x", encoding="ascii") as file:
            file.write(owner)
    else:
        os.symlink(owner, name)


def _holder(name: str) -> int:
    """Return the number of the process that holds `name`; raises FileNotFoundError when none does."""
    if IS_WINDOWS:
        with open(name, encoding="ascii") as file:
            return int(file.read() or 0)
    holder = os.readlink(name)
    if not holder.isdecimal():
        raise ValueError(f"{name!r} is no lock: it points to {holder!r}, not to the number of a process")
    return int(holder)


def _runs(process: int) -> bool:
    if IS_WINDOWS:  # asking there would take a signal that may end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


class FilesystemLock:
    """A lock that one process at a time holds.

    Args:
        name: path of the link to make.

    Twisted: `twisted.python.lockfile.FilesystemLock`.
    """

    #: Whether the last holder had released the lock (None before the first time, False after one that died with it).
    clean: bool | None = None
    #: Whether this object holds the lock.
    locked = False

    def __init__(self, name: str) -> None:
        self.name = name

    def lock(self) -> bool:
        """Try to take the lock; never waits.

        Returns: True when it is ours now, False when another process, or another object here, holds it.

        Raises:
            OSError: the link cannot be made or read, or its process may not be asked for.
            ValueError: the name is a link to something else.
        """
        clean = True
        while True:
            try:
                _hold(self.name)
            except FileExistsError:
                try:
                    if _runs(_holder(self.name)):
                        return False
                    os.remove(self.name)
                except FileNotFoundError:
                    continue  # released, or cleared away by another process, in the meantime
                clean = False
                continue
            self.locked, self.clean = True, clean
            return True

    def unlock(self) -> None:
        """Release the lock.

        Raises:
            ValueError: another process holds it.
            FileNotFoundError: nobody does.
        """
        holder = _holder(self.name)
        if holder != os.getpid():
            raise ValueError(
                f"the lock {self.name!r} is held by process {holder}: only that one can release it"
            )
        os.remove(self.name)
        self.locked = False


def isLocked(name: str) -> bool:
    """Tell whether some process holds the lock `name`; takes it for a moment to find out."""
    lock = FilesystemLock(name)
    if not lock.lock():
        return True
    lock.unlock()
    return False


class DeferredFilesystemLock(FilesystemLock):
    """A `FilesystemLock` that can be waited for.

    Args:
        name: path of the link to make.
        scheduler: clock of the waiting; by default the ambient reactor.

    Twisted: `twisted.internet.defer.DeferredFilesystemLock`.
    """

    #: Seconds between two attempts.
    _interval = 1.0
    _tryLockCall: IDelayedCall | None = None
    _timeoutCall: IDelayedCall | None = None

    def __init__(self, name: str, scheduler: IReactorTime | None = None) -> None:
        super().__init__(name)
        self._scheduler: Any = get_reactor() if scheduler is None else scheduler

    def deferUntilLocked(self, timeout: float | None = None) -> Deferred[None]:
        """Take the lock, trying again until it is free.

        Args:
            timeout: seconds to go on trying; None for ever.

        Fires with None when the lock is ours.
        Fails with TimeoutError; with AlreadyTryingToLockError when this object is waiting already; with what `lock`
        raises. Cancelling stops trying.
        """
        if self._tryLockCall is not None:
            return fail(
                AlreadyTryingToLockError(
                    f"deferUntilLocked() of the lock {self.name!r} is waiting already; wait for its Deferred, or use "
                    "another DeferredFilesystemLock"
                )
            )
        waiting: Deferred[None] = Deferred(lambda _: self._stop_trying())

        def attempt() -> None:
            self._tryLockCall = None
            try:
                taken = self.lock()
            except Exception:
                self._stop_trying()
                waiting.errback()
                return
            if taken:
                self._stop_trying()
                waiting.callback(None)
            else:
                self._tryLockCall = self._scheduler.callLater(self._interval, attempt)

        def give_up() -> None:
            self._timeoutCall = None
            self._stop_trying()
            waiting.errback(TimeoutError(f"the lock {self.name!r} was not free for {timeout} seconds"))

        attempt()
        if timeout is not None and self._tryLockCall is not None:
            self._timeoutCall = self._scheduler.callLater(timeout, give_up)
        return waiting

    def _stop_trying(self) -> None:
        for call in (self._tryLockCall, self._timeoutCall):
            if call is not None:
                call.cancel()
        self._tryLockCall = self._timeoutCall = None
