"""The reactor's method that starts child processes, for `selvage.reactor` to compose with the loop's part.  Floor 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selvage.interfaces import IReactorProcess, implementer

from ._reaping import reapAllProcesses

__all__ = ["ProcessReactorMixin"]

#: The default of `env`: none of our variables. One object, as in the interface.
_NO_VARIABLES: Mapping[Any, Any] = {}


@implementer(IReactorProcess)
class ProcessReactorMixin:
    """Child processes."""

    #: Start every child by fork, never by posix_spawn; for tests, and for systems whose posix_spawn is broken.
    _neverUseSpawn = False

    def spawnProcess(
        self,
        processProtocol: Any,
        executable: bytes | str,
        args: Sequence[bytes | str] = (),
        env: Mapping[Any, Any] | None = _NO_VARIABLES,
        path: bytes | str | None = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: Any = 0,
        childFDs: Mapping[int, int | str] | None = None,
    ) -> Any:
        """Start a child process.

        Args:
            processProtocol: hears what the child says and when it ends.
            executable: path of the program, or a name to look up on PATH.
            args: its argument list, the program's own name first.
            env: its environment; by default it has none. None hands ours on.
            path: its working directory; None for ours.
            uid, gid: numbers to run as; needs the right to change.
            usePTY: give it a pseudo-terminal in place of pipes; or `(master, slave, name)` of one that exists.
            childFDs: the child's descriptors: number -> "r" (we read), "w" (we write) or a descriptor of ours to
                duplicate.  None means {0: "w", 1: "r", 2: "r"}.

        Returns: its transport, an `IProcessTransport`.

        Raises:
            OSError: the process cannot be made, or the program cannot be executed.  With `path`, `uid` or `gid` only the
                child can find that out: then it says so on its standard error and exits with status 1.
            TypeError: an argument is neither bytes nor str.
            ValueError: `usePTY` together with `childFDs`; or a nonsensical mapping.
        """
        from . import process

        if usePTY:
            if childFDs is not None:
                raise ValueError(
                    "usePTY gives the child a terminal as its descriptors 0, 1 and 2, so childFDs must be left out"
                )
            return process.PTYProcess(self, executable, args, env, path, processProtocol, uid, gid, usePTY)
        return process.Process(self, executable, args, env, path, processProtocol, uid, gid, childFDs)

    def _handleSigchld(self, *args: object) -> None:
        """Look which children have ended; for programs that have a handler of SIGCHLD of their own."""
        reactor: Any = self
        reactor.callFromThread(reapAllProcesses)
