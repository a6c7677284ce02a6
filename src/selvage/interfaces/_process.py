"""Child processes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ._base import Interface, Protocol
from ._transport import ITransport

if TYPE_CHECKING:
    from selvage.failure import Failure

__all__ = ["IProcessProtocol", "IProcessTransport", "IReactorProcess"]


class IProcessProtocol(Interface, Protocol):
    """The user's side of one child process; the reactor calls every method."""

    def makeConnection(self, process: IProcessTransport, /) -> object:
        """Take the transport of the process, which runs now."""

    def childDataReceived(self, childFD: int, data: bytes, /) -> object:
        """Take bytes that the child wrote to its descriptor `childFD` (1: standard output, 2: standard error)."""

    def childConnectionLost(self, childFD: int, /) -> object:
        """Take notice that the child's descriptor `childFD` is closed."""

    def processExited(self, reason: Failure, /) -> object:
        """Take notice that the child has ended; output may still come, from its own children too.

        Args:
            reason: holds ProcessDone (status 0) or ProcessTerminated.
        """

    def processEnded(self, reason: Failure, /) -> object:
        """Take notice that the child has ended and all its descriptors are closed. Called last, `reason` as above."""


class IProcessTransport(ITransport, Protocol):
    """A running child process; `write` goes to its standard input."""

    @property
    def pid(self) -> int | None:
        """The child's process number; None before it is made and after it is reaped."""

    def closeStdin(self) -> None:
        """Close the child's standard input when all that was written is sent."""

    def closeStdout(self) -> None:
        """Close the child's standard output."""

    def closeStderr(self) -> None:
        """Close the child's standard error."""

    def closeChildFD(self, descriptor: int) -> None:
        """Close the pipe that the child knows under the number `descriptor`."""

    def writeToChild(self, childFD: int, data: bytes) -> None:
        """Send bytes to the child's descriptor `childFD`.

        Raises:
            KeyError: no pipe is mapped to that number.
        """

    def loseConnection(self) -> None:
        """Close standard input, output and error."""

    def signalProcess(self, signalID: str | int) -> None:
        """Send a signal to the child.

        Args:
            signalID: "KILL", "TERM" or "INT", which every platform understands in its way, or a signal's number.

        Raises:
            ProcessExitedAlready: the child has ended.
        """


class IReactorProcess(Interface, Protocol):
    """A reactor that starts child processes."""

    def spawnProcess(
        self,
        processProtocol: IProcessProtocol,
        executable: bytes | str,
        args: Sequence[bytes | str],
        env: Mapping[bytes, bytes] | Mapping[str, str] | None = None,
        path: bytes | str | None = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: bool | tuple[int, int, str] = False,
        childFDs: Mapping[int, int | str] | None = None,
    ) -> IProcessTransport:
        """Start a child process.

        Args:
            processProtocol: hears what the child says and when it ends.
            executable: path of the program.
            args: its argument list, the program's own name first.
            env: its environment; None hands ours on, an empty mapping gives none.
            path: its working directory; None for ours.
            uid: user number to run as; POSIX, needs the right to change.
            gid: group number to run as; likewise.
            usePTY: give it a pseudo-terminal in place of pipes; or (master, slave, name) of one that exists.
            childFDs: the child's descriptors: number -> "r" (we read), "w" (we write) or a descriptor of ours to
                duplicate. None means {0: "w", 1: "r", 2: "r"}.

        Raises:
            OSError: the process cannot be made.
        """
