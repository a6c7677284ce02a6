"""A reactor base with a waker, for reactors that wait for descriptors themselves.  Floor 2."""

from __future__ import annotations

import socket
import weakref
from typing import Any

from zope.interface import implementer

from selvage.interfaces import IReadDescriptor

from ._base import ReactorBase
from ._fdset import DisconnectSelectableMixin

__all__ = ["PosixReactorBase", "Waker"]


@implementer(IReadDescriptor)
class Waker:
    """A pair of sockets: what one thread writes to the one makes the reactor return from waiting for the other.

    Attributes:
        i, o: the sockets, or None once closed.
    """

    disconnected = False

    def __init__(self) -> None:
        i, o = socket.socketpair()
        i.setblocking(False)
        o.setblocking(False)
        self.i: socket.socket | None = i
        self.o: socket.socket | None = o
        # A reactor that was never taken apart is no reason for a ResourceWarning about sockets nobody knows.
        self._close = weakref.finalize(self, _close_both, i, o)

    def wakeUp(self) -> None:
        """Make the reactor look at its queues; any thread may call this."""
        if self.o is not None:
            try:
                self.o.send(b"x")
            except BlockingIOError:
                pass  # it is full of wake-ups: one more would say nothing new
            except OSError:
                if self.o is not None and self.o.fileno() != -1:
                    raise

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return -1 if self.i is None else self.i.fileno()

    def doRead(self) -> None:
        """Forget the wake-ups so far."""
        try:
            while self.i is not None and self.i.recv(8192):
                pass
        except BlockingIOError:
            pass

    def connectionLost(self, reason: object) -> None:
        """Close both ends."""
        self.disconnected = True
        self.i = self.o = None
        self._close()

    def logPrefix(self) -> str:
        """Name it for logs."""
        return "<Waker>"


class PosixReactorBase(DisconnectSelectableMixin, ReactorBase):
    """A `ReactorBase` with a waker among its readers.

    Hooks for subclasses: `doIteration`, `addReader`, `addWriter`, `removeReader`, `removeWriter`, `removeAll`,
    `getReaders`, `getWriters`.
    """

    def installWaker(self) -> None:
        """Make `self.waker` and watch it."""
        if self.waker is None:
            self.waker = Waker()
            self._internalReaders.add(self.waker)
        self.addReader(self.waker)

    def _removeAll(self, readers: Any, writers: Any) -> list[Any]:
        """Remove these readers and writers, the reactor's own excepted, and return them."""
        removed = [reader for reader in readers if reader not in self._internalReaders]
        for reader in removed:
            self.removeReader(reader)
        watched_for_writing = list(writers)
        for writer in watched_for_writing:
            self.removeWriter(writer)
        return list(dict.fromkeys([*removed, *watched_for_writing]))


def _close_both(i: socket.socket, o: socket.socket) -> None:
    i.close()
    o.close()
