"""Pipes to and from a child process, or from and to this one.  Floor 2; POSIX."""

from __future__ import annotations

import os
import stat
from typing import Any

from selvage.errors import CONNECTION_DONE, CONNECTION_LOST, ConnectionDone, ConnectionLost
from selvage.failure import Failure

from ._descriptor import FileDescriptor
from ._fdesc import readFromFD, setNonBlocking, writeToFD

__all__ = ["ProcessReader", "ProcessWriter"]


class _Pipe(FileDescriptor):
    """One end of ours.

    Args:
        proc: hears what happens: `childDataReceived(name, data)`, `childConnectionLost(name, reason)`.
        name: what `proc` calls it, as a rule the child's number for the other end.
        fileno: our end; it is ours to close from now on, in `_release`.
    """

    connected: int | bool = True

    def __init__(self, reactor: Any, proc: Any, name: Any, fileno: int) -> None:
        FileDescriptor.__init__(self, reactor)
        setNonBlocking(fileno)
        self.proc = proc
        self.name = name
        self.fd = fileno

    def fileno(self) -> int:
        """Return the number of our end, -1 when it is closed."""
        return self.fd

    def connectionLost(self, reason: Failure) -> None:
        """Close our end and tell the process."""
        if self.fd == -1:
            return
        FileDescriptor.connectionLost(self, reason)
        number, self.fd = self.fd, -1
        self._release(number)
        self.proc.childConnectionLost(self.name, reason)

    def _release(self, number: int) -> None:
        """Close our end."""
        os.close(number)


class ProcessReader(_Pipe):
    """A pipe that we read."""

    def __init__(self, reactor: Any, proc: Any, name: Any, fileno: int) -> None:
        _Pipe.__init__(self, reactor, proc, name, fileno)
        self.startReading()

    def writeSomeData(self, data: bytes) -> int | BaseException:
        """Write nothing: this pipe is read, so something to write means that its end is near."""
        assert data == b""
        return CONNECTION_LOST

    def doRead(self) -> Any:
        """Read what there is."""
        return readFromFD(self.fd, self.dataReceived)

    def dataReceived(self, data: bytes) -> None:
        """Pass on what was read."""
        self.proc.childDataReceived(self.name, data)

    def loseConnection(self, _connDone: Any = CONNECTION_DONE) -> None:
        """Read nothing more and close, on the reactor's next turn."""
        if self.connected and not self.disconnecting:
            self.disconnecting = 1
            self.stopReading()
            self.reactor.callLater(0, self.connectionLost, Failure._withoutTraceback(_connDone))


class ProcessWriter(_Pipe):
    """A pipe that we write."""

    #: Whether the reactor tells us, when we claim to read, that nobody reads at the other end.
    enableReadHack = False

    def __init__(self, reactor: Any, proc: Any, name: Any, fileno: int, forceReadHack: bool = False) -> None:
        _Pipe.__init__(self, reactor, proc, name, fileno)
        self.enableReadHack = forceReadHack or _only_written(fileno)
        if self.enableReadHack:
            self.startReading()

    def writeSomeData(self, data: bytes) -> int | BaseException:
        """Write what fits now."""
        return writeToFD(self.fd, data)

    def doRead(self) -> ConnectionLost | ConnectionDone | None:
        """Take it that nobody reads at the other end: there is nothing that could be read."""
        return CONNECTION_LOST if self.enableReadHack else None


def _only_written(number: int) -> bool:
    """Tell whether a descriptor is a pipe's end for writing: anything else could have something to read."""
    import fcntl

    flags = fcntl.fcntl(number, fcntl.F_GETFL)
    return stat.S_ISFIFO(os.fstat(number).st_mode) and flags & os.O_ACCMODE == os.O_WRONLY
