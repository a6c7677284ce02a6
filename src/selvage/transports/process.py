"""Child processes as transports.  Floor 2; POSIX.

A child is over when two things have happened, in either order: the system says that it has ended, which the protocol
hears as `processExited`; and all pipes to it are closed, by it, by us or by its own children, who may outlive it. Then
the protocol hears `processEnded`, once, and nothing after that.

How a child begins is in `_spawn`, how its end is learned in `_reaping`, its pipes are in `_pipes`.
Twisted: `twisted.internet.process`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from selvage.addresses import _ProcessAddress
from selvage.errors import ProcessDone, ProcessExitedAlready, ProcessTerminated
from selvage.failure import Failure, report
from selvage.interfaces import IConsumer, IProcessTransport, IPushProducer, implementer

from ._descriptor import FileDescriptor
from ._fdesc import readFromFD, setNonBlocking, writeToFD
from ._pipes import ProcessReader, ProcessWriter
from ._reaping import (
    reapAllProcesses,
    reapProcessHandlers,
    registerReapProcessHandler,
    unregisterReapProcessHandler,
    watch_for_exit,
)
from ._spawn import Child, can_spawn, check_arguments, file_actions, fork, list_open_fds, spawn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "BaseProcess",
    "PTYProcess",
    "Process",
    "ProcessReader",
    "ProcessWriter",
    "reapAllProcesses",
    "reapProcessHandlers",
    "registerReapProcessHandler",
    "unregisterReapProcessHandler",
]

# Any: type checkers know them by platform.
_os: Any = os

_STANDARD_DESCRIPTORS: Mapping[int, int | str] = {0: "w", 1: "r", 2: "r"}

_listOpenFDs = list_open_fds
_getFileActions = file_actions


class BaseProcess:
    """What a child with pipes and a child with a terminal have in common.

    Attributes:
        pid: its number; None once its status is collected, for the number may be somebody else's from then on.
        status: as `os.waitpid` gave it; -1 before.
        lostProcess: how much of its end has been heard of.
    """

    pid: int | None = None
    status: Any = None
    lostProcess = 0
    proto: Any = None
    reactor: Any = None

    def __init__(self, protocol: Any) -> None:
        self.proto = protocol

    def __repr__(self) -> str:
        return f"<{type(self).__name__} pid={self.pid} status={self.status}>"

    # --- The beginning -----------------------------------------------------------------------------------------

    def _start(self, child: Child) -> None:
        """Make the child; the reactor's `_neverUseSpawn` has it forked in any case."""
        never = getattr(self.reactor, "_neverUseSpawn", False)
        self.pid = spawn(child) if can_spawn(child) and not never else fork(child)

    def _introduce(self) -> None:
        """Tell the protocol of its transport, and wait for the child's end."""
        try:
            self._call("makeConnection", self)
        finally:
            if self.pid is not None:
                watch_for_exit(self.reactor, self.pid, self)

    def _call(self, hook: str, *args: object) -> None:
        """Call a hook of the protocol; what it raises goes to the hub and does not change the course of events."""
        function = getattr(self.proto, hook, None)
        if function is None:
            return
        try:
            function(*args)
        except BaseException:
            report(
                Failure(),
                f"Unhandled error in {hook}",
                source="protocol",
                transport=self,
                protocol=self.proto,
            )

    # --- Signals -----------------------------------------------------------------------------------------------

    def signalProcess(self, signalID: str | int) -> None:
        """Send a signal to the child.

        Args:
            signalID: a signal's number, or its name with or without "SIG".

        Raises:
            ProcessExitedAlready: the child has ended.
            ValueError: no signal is called so.
        """
        number = _signal_number(signalID)
        if self.pid is None:
            raise ProcessExitedAlready(f"{self!r} has ended, so {signalID!r} cannot be sent to it")
        try:
            os.kill(self.pid, number)
        except ProcessLookupError as error:
            raise ProcessExitedAlready(f"{self!r} has ended, so {signalID!r} cannot be sent to it") from error

    # --- The end -----------------------------------------------------------------------------------------------

    def reapProcess(self) -> None:
        """Collect the child's status if it has ended, and tell the protocol."""
        pid: int | None
        status: int | None
        try:
            pid, status = _os.waitpid(self.pid, _os.WNOHANG)
        except ChildProcessError:
            # Somebody has waited for children without saying which: its status went there.
            pid, status = self.pid, None
        except BaseException:
            report(Failure(), f"Failed to reap {self.pid}", source="process", process=self)
            return
        if pid:
            self.processEnded(status)

    def processEnded(self, status: int | None) -> None:
        """Take the child's status, None when it is lost."""
        pid = self.pid
        if pid is not None and reapProcessHandlers.get(pid) is self:
            unregisterReapProcessHandler(pid, self)
        self.pid = None
        self.status = status
        self.lostProcess += 1
        self._call("processExited", Failure(self._getReason(status)))
        self.maybeCallProcessEnded()

    def _getReason(self, status: int | None) -> ProcessDone | ProcessTerminated:
        """Return the exception that says how a child with this status ended."""
        if status is None:
            reason = ProcessTerminated()
            reason.add_note(
                "its status is not known: something else in this process has waited for children of any number"
            )
            return reason
        if _os.WIFEXITED(status):
            code = _os.WEXITSTATUS(status)
            return ProcessTerminated(code, None, status) if code else ProcessDone(status)
        return ProcessTerminated(None, _os.WTERMSIG(status), status)

    def maybeCallProcessEnded(self) -> None:
        """Call the protocol's `processEnded` when everything is over; subclasses know when that is."""
        raise NotImplementedError(f"{type(self).__name__} has to say when it is over")

    def _end(self) -> None:
        """Call the protocol's `processEnded`, once."""
        self._call("processEnded", Failure(self._getReason(self.status)))
        self.proto = None


#: By this name, too, programs know it.
_BaseProcess = BaseProcess


def _signal_number(signalID: str | int) -> int:
    if not isinstance(signalID, str):
        return int(signalID)
    name = signalID if signalID.startswith("SIG") else f"SIG{signalID}"
    try:
        return int(signal.Signals[name])
    except KeyError:
        raise ValueError(f"there is no signal {signalID!r}; try 'TERM', 'KILL', 'INT' or 'HUP'") from None


@implementer(IProcessTransport, IConsumer, IPushProducer)
class Process(BaseProcess):
    """A child process with pipes; only the reactor makes them (`spawnProcess`).

    Attributes:
        pipes: our ends of the open pipes, by the child's number for the other end.
    """

    status: Any = -1
    processReaderFactory: Callable[..., Any] = ProcessReader
    processWriterFactory: Callable[..., Any] = ProcessWriter

    def __init__(
        self,
        reactor: Any,
        executable: bytes | str,
        args: Sequence[bytes | str],
        environment: Mapping[Any, Any] | None,
        path: bytes | str | None,
        proto: Any,
        uid: int | None = None,
        gid: int | None = None,
        childFDs: Mapping[int, int | str] | None = None,
    ) -> None:
        BaseProcess.__init__(self, proto)
        self.reactor = reactor
        self.pipes: dict[int, Any] = {}
        arguments, env = check_arguments(executable, args, environment)
        plan = _Plumbing(_STANDARD_DESCRIPTORS if childFDs is None else childFDs)
        try:
            self._start(Child(executable, arguments, env, plan.theirs, path, uid, gid))
        except BaseException:
            plan.close_ours()
            raise
        finally:
            plan.close_theirs()
        for number, ours in plan.readers.items():
            self.pipes[number] = self.processReaderFactory(reactor, self, number, ours)
        for number, ours in plan.writers.items():
            self.pipes[number] = self.processWriterFactory(reactor, self, number, ours)
        self._introduce()

    # --- Talking to it -----------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write to the child's standard input; dropped when that is closed."""
        if 0 in self.pipes:
            self.pipes[0].write(data)

    def writeSequence(self, seq: Iterable[bytes]) -> None:
        """Write several pieces to the child's standard input as if joined."""
        if 0 in self.pipes:
            self.pipes[0].writeSequence(seq)

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """Write to the child's descriptor `childFD`.

        Raises:
            KeyError: no open pipe is mapped to that number.
        """
        self.pipes[childFD].write(data)

    def closeChildFD(self, childFD: int) -> None:
        """Close the pipe to the child's descriptor `childFD`, when what was written to it is sent."""
        if childFD in self.pipes:
            self.pipes[childFD].loseConnection()

    def closeStdin(self) -> None:
        """Close the child's standard input when all that was written is sent."""
        self.closeChildFD(0)

    def closeStdout(self) -> None:
        """Close the child's standard output."""
        self.closeChildFD(1)

    def closeStderr(self) -> None:
        """Close the child's standard error."""
        self.closeChildFD(2)

    def loseConnection(self) -> None:
        """Close the child's standard input, output and error."""
        self.closeStdin()
        self.closeStderr()
        self.closeStdout()

    def getHost(self) -> _ProcessAddress:
        """Return an address that says no more than that this is a process."""
        return _ProcessAddress()

    getPeer = getHost

    # --- Producers and consumers -------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write to the child's standard input; it is stopped when that is closed."""
        if 0 in self.pipes:
            self.pipes[0].registerProducer(producer, streaming)
        else:
            producer.stopProducing()

    def unregisterProducer(self) -> None:
        """Let go of the producer."""
        if 0 in self.pipes:
            self.pipes[0].unregisterProducer()

    def pauseProducing(self) -> None:
        """Read nothing of what the child writes, so that it has to wait."""
        for pipe in list(self.pipes.values()):
            if isinstance(pipe, ProcessReader):
                pipe.stopReading()

    def resumeProducing(self) -> None:
        """Read again."""
        for pipe in list(self.pipes.values()):
            if isinstance(pipe, ProcessReader):
                pipe.startReading()

    def stopProducing(self) -> None:
        """Close the child's standard input, output and error."""
        self.loseConnection()

    # --- What the pipes tell -----------------------------------------------------------------------------------

    def childDataReceived(self, name: int, data: bytes) -> None:
        """Pass on what the child wrote."""
        self.proto.childDataReceived(name, data)

    def childConnectionLost(self, childFD: int, reason: Failure) -> None:
        """Take notice that a pipe is closed."""
        del self.pipes[childFD]
        self._call("childConnectionLost", childFD)
        self.maybeCallProcessEnded()

    def maybeCallProcessEnded(self) -> None:
        """Call the protocol's `processEnded` when all pipes are closed and the child has ended."""
        if self.pipes or self.proto is None:
            return
        if self.lostProcess:
            self._end()
        elif self.pid is not None:
            # Likely it has ended, too, and there is no need to wait until the system says so.
            self.reapProcess()


class _Plumbing:
    """The pipes of one child, made before it is.

    Args:
        wanted: the child's number -> "r" (we read), "w" (we write) or a number of ours.

    Attributes:
        theirs: the child's number -> its end, or our number, as `Child.descriptors`.
        readers, writers: the child's number -> our end.
    """

    def __init__(self, wanted: Mapping[int, int | str]) -> None:
        self.theirs: dict[int, int] = {}
        self.readers: dict[int, int] = {}
        self.writers: dict[int, int] = {}
        self._made: list[int] = []
        try:
            for number, what in wanted.items():
                self._plan(number, what)
        except BaseException:
            self.close_ours()
            self.close_theirs()
            raise

    def _plan(self, number: int, what: int | str) -> None:
        if what not in ("r", "w"):
            if not isinstance(what, int):
                raise ValueError(
                    f"childFDs maps a child's descriptor to 'r', 'w' or a number of ours, not {number!r} to {what!r}"
                )
            self.theirs[number] = what
            return
        out, into = os.pipe()
        theirs, ours = (into, out) if what == "r" else (out, into)
        self._made.append(theirs)
        self.theirs[number] = theirs
        (self.readers if what == "r" else self.writers)[number] = ours

    def close_theirs(self) -> None:
        """Close the child's ends here; it has its own by now."""
        made, self._made = self._made, []
        for number in made:
            os.close(number)

    def close_ours(self) -> None:
        """Close our ends: there will be no child."""
        for number in (*self.readers.values(), *self.writers.values()):
            os.close(number)


@implementer(IProcessTransport)
class PTYProcess(FileDescriptor, BaseProcess):
    """A child process with a terminal; only the reactor makes them (`spawnProcess` with `usePTY`).

    What it writes, to standard output and error alike, arrives as descriptor 1.

    Args:
        usePTY: true for a new terminal; or `(master, slave, name)` of one that exists, whose numbers here stay open.
    """

    status: Any = -1
    pid = None

    def __init__(
        self,
        reactor: Any,
        executable: bytes | str,
        args: Sequence[bytes | str],
        environment: Mapping[Any, Any] | None,
        path: bytes | str | None,
        proto: Any,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: Any = None,
    ) -> None:
        FileDescriptor.__init__(self, reactor)
        BaseProcess.__init__(self, proto)
        arguments, env = check_arguments(executable, args, environment)
        given = isinstance(usePTY, (tuple, list))
        if given:
            master, slave, name = usePTY
        else:
            master, slave = _os.openpty()
            name = _os.ttyname(slave)
        try:
            self._start(Child(executable, arguments, env, {}, path, uid, gid, name))
        except BaseException:
            if not given:
                os.close(master)
            raise
        finally:
            if not given:
                os.close(slave)
        self.fd = master
        setNonBlocking(master)
        self.connected = 1
        self.startReading()
        self._introduce()

    def fileno(self) -> int:
        """Return the number of our end of the terminal, -1 when it is closed."""
        return int(self.fd)

    def doRead(self) -> Any:
        """Read what the child wrote; when nobody has the other end open any more, the system says "I/O error"."""
        return readFromFD(self.fd, lambda data: self.proto.childDataReceived(1, data))

    def writeSomeData(self, data: bytes) -> int | BaseException:
        """Write what fits now."""
        return writeToFD(self.fd, data)

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """Write to the child's standard input, which is the only one that it has.

        Raises:
            KeyError: `childFD` is not 0.
        """
        if childFD != 0:
            raise KeyError(childFD)
        self.write(data)

    def closeStdin(self) -> None:
        """Do nothing: a terminal has no end of input; write b"\\x04" for that."""

    def closeStdout(self) -> None:
        """Do nothing: a terminal is closed as a whole, by `loseConnection`."""

    def closeStderr(self) -> None:
        """Do nothing: a terminal is closed as a whole, by `loseConnection`."""

    def closeChildFD(self, descriptor: int) -> None:
        """Do nothing: a terminal is closed as a whole, by `loseConnection`."""

    def getHost(self) -> _ProcessAddress:
        """Return an address that says no more than that this is a process."""
        return _ProcessAddress()

    getPeer = getHost

    def connectionLost(self, reason: Failure) -> None:
        """Close our end of the terminal; the child, if it lives, is told by SIGHUP."""
        if self.fd == -1:
            return
        FileDescriptor.connectionLost(self, reason)
        number, self.fd = self.fd, -1
        os.close(number)
        self.lostProcess += 1
        self.maybeCallProcessEnded()

    def maybeCallProcessEnded(self) -> None:
        """Call the protocol's `processEnded` when terminal and child are both gone."""
        if self.lostProcess == 2 and self.proto is not None:
            self._end()
