"""Running a program to its end, for what it writes and the status it exits with.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selvage.defer import Deferred
from selvage.errors import ProcessExitedAlready
from selvage.failure import Failure
from selvage.protocols import ProcessProtocol
from selvage.reactor import get_reactor

__all__ = ["getProcessOutput", "getProcessOutputAndValue", "getProcessValue"]

_NO_VARIABLES: Mapping[Any, Any] = {}


class _UnexpectedErrorOutput(OSError):
    """The child wrote to its standard error, which nobody wanted to hear.

    Attributes:
        processEnded: fails with `ProcessDone` or `ProcessTerminated` when the child has ended.
    """

    def __init__(self, text: bytes, processEnded: Deferred[Any]) -> None:
        super().__init__(f"got stderr: {text!r}")
        self.processEnded = processEnded


class _Gatherer(ProcessProtocol):
    """Collects what a child writes until it has ended.

    Args:
        conclude: makes the result, or a Failure, of this and of the exception that says how the child ended.
        stdin: what the child reads.

    Attributes:
        deferred: fires with what `conclude` makes; cancelling it kills the child.
    """

    def __init__(self, conclude: Callable[[_Gatherer, Any], Any], stdin: bytes | None = None) -> None:
        self.deferred: Deferred[Any] = Deferred(self._kill)
        self.output: list[bytes] = []
        self.errors: list[bytes] = []
        self._conclude = conclude
        self._stdin = stdin

    def connectionMade(self) -> None:
        """Give the child its input."""
        if self._stdin is not None:
            self.transport.write(self._stdin)
            self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        """Keep what it wrote to its standard output."""
        self.output.append(data)

    def errReceived(self, data: bytes) -> None:
        """Keep what it wrote to its standard error."""
        self.errors.append(data)

    def processEnded(self, reason: Failure) -> None:
        """Fire, unless it was cancelled or has failed before."""
        if not self.deferred.called:
            self.deferred.callback(self._conclude(self, reason.value))

    def _kill(self, _deferred: Deferred[Any]) -> None:
        try:
            self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            pass


class _StrictGatherer(_Gatherer):
    """Fails at the first word on standard error."""

    _ended: Deferred[None] | None = None

    def errReceived(self, data: bytes) -> None:
        """Fail, and hear no more of this child."""
        if self._ended is None:
            self._ended = Deferred()
            self.deferred.errback(Failure(_UnexpectedErrorOutput(data, self._ended)))
            self.transport.loseConnection()

    def processEnded(self, reason: Failure) -> None:
        """Fire; who has heard of the failure can hear of the end, too."""
        if self._ended is None:
            super().processEnded(reason)
        else:
            self._ended.errback(reason)


def _output(gatherer: _Gatherer, reason: Any) -> bytes:
    return b"".join(gatherer.output)


def _exit_code(gatherer: _Gatherer, reason: Any) -> Any:
    return reason.exitCode


def _everything(gatherer: _Gatherer, reason: Any) -> Any:
    out, err = b"".join(gatherer.output), b"".join(gatherer.errors)
    if reason.signal:
        return Failure((out, err, reason.signal))  # a tuple and no exception, as callers know it
    return out, err, reason.exitCode


def _run(
    protocol: _Gatherer,
    executable: bytes | str,
    args: Sequence[bytes | str],
    env: Mapping[Any, Any] | None,
    path: bytes | str | None,
    reactor: Any,
) -> Deferred[Any]:
    reactor = get_reactor() if reactor is None else reactor
    reactor.spawnProcess(protocol, executable, [executable, *args], env, path)
    return protocol.deferred


def getProcessOutput(
    executable: bytes | str,
    args: Sequence[bytes | str] = (),
    env: Mapping[Any, Any] | None = _NO_VARIABLES,
    path: bytes | str | None = None,
    reactor: Any = None,
    errortoo: bool | int = 0,
) -> Deferred[bytes]:
    """Run a program and take what it writes to its standard output.

    Args:
        executable: path of the program.
        args: its arguments, without its own name.
        env: its environment; by default it has none. None hands ours on.
        path: its working directory; None for ours.
        reactor: None for the ambient one.
        errortoo: take what it writes to its standard error as well, in the order of arrival.

    Fires with the bytes, whatever status it exits with.
    Fails with an `OSError` when it writes to its standard error, unless `errortoo`; its attribute `processEnded` is a
    Deferred that fails with `ProcessDone` or `ProcessTerminated` when the program has ended.  Cancelling kills the program.

    Raises:
        OSError: the program cannot be executed.
    """
    protocol = _Gatherer(_output) if errortoo else _StrictGatherer(_output)
    protocol.errors = protocol.output
    return _run(protocol, executable, args, env, path, reactor)


def getProcessValue(
    executable: bytes | str,
    args: Sequence[bytes | str] = (),
    env: Mapping[Any, Any] | None = _NO_VARIABLES,
    path: bytes | str | None = None,
    reactor: Any = None,
) -> Deferred[int]:
    """Run a program and take the status that it exits with; arguments as for `getProcessOutput`.

    Fires with the exit code; with None when a signal ended it.  Cancelling kills the program.

    Raises:
        OSError: the program cannot be executed.
    """
    return _run(_Gatherer(_exit_code), executable, args, env, path, reactor)


def getProcessOutputAndValue(
    executable: bytes | str,
    args: Sequence[bytes | str] = (),
    env: Mapping[Any, Any] | None = _NO_VARIABLES,
    path: bytes | str | None = None,
    reactor: Any = None,
    stdinBytes: bytes | None = None,
) -> Deferred[tuple[bytes, bytes, int]]:
    """Run a program and take all that it says; arguments as for `getProcessOutput`, and:

    Args:
        stdinBytes: what it reads from its standard input, which is closed then.

    Fires with `(output, errors, exit code)`.
    Fails with a Failure whose value is `(output, errors, signal number)` when a signal ended it.  Cancelling kills the
    program.

    Raises:
        OSError: the program cannot be executed.
    """
    return _run(_Gatherer(_everything, stdinBytes), executable, args, env, path, reactor)
