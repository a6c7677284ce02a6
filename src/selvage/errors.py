"""The core exception classes: connections, binding, processes, the reactor, Deferreds and tasks.

Floor 0. Imports nothing of ours, so that everything may import it. It knows no sockets: an `OSError` becomes one of
these classes in `selvage.transports` and nowhere else.

Two habits hold for the whole module. An exception takes facts as arguments and keeps them as attributes, and
`str()` builds the sentence from them; nobody has to parse text. And every exception survives pickling with its
facts and its sentence intact.

Twisted: the classes of `twisted.internet.error`, `.defer` and `.task`, same names, bases and sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import total_ordering
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selvage.failure import Failure

__all__ = [
    "AlreadyCalled",
    "AlreadyCalledError",
    "AlreadyCancelled",
    "AlreadyListened",
    "AlreadyTryingToLockError",
    "BadFileError",
    "BindError",
    "CancelledError",
    "CannotListenError",
    "CertificateError",
    "ConnectBindError",
    "ConnectError",
    "ConnectInProgressError",
    "ConnectingCancelledError",
    "ConnectionAborted",
    "ConnectionClosed",
    "ConnectionDone",
    "ConnectionFdescWentAway",
    "ConnectionLost",
    "ConnectionRefusedError",
    "DNSLookupError",
    "DatagramCutError",
    "DeferredTimeoutError",
    "FailureGroup",
    "FileDescriptorOverrun",
    "FirstError",
    "HandshakeError",
    "HandshakeTimeoutError",
    "InvalidAddressError",
    "InvalidPortError",
    "MessageLengthError",
    "MulticastJoinError",
    "NoProtocol",
    "NoRouteError",
    "NotACoroutineError",
    "NotConnectingError",
    "NotListeningError",
    "NotPaused",
    "PeerCertificateError",
    "PeerVerifyError",
    "PlaintextBeforeTLSError",
    "ProcessDone",
    "ProcessExitedAlready",
    "ProcessTerminated",
    "QueueOverflow",
    "QueueUnderflow",
    "ReactorAlreadyInstalledError",
    "ReactorAlreadyRunning",
    "ReactorNotRestartable",
    "ReactorNotRunning",
    "SSLError",
    "SchedulerError",
    "SchedulerStopped",
    "ServiceNameUnknownError",
    "TCPTimedOutError",
    "TLSError",
    "TaskDone",
    "TaskFailed",
    "TaskFinished",
    "TaskStopped",
    "TimeoutError",
    "TruncatedError",
    "UnknownHostError",
    "UnsupportedAddressFamily",
    "UnsupportedSocketType",
    "UserError",
    "VerifyError",
]

# What `__reduce__` gives: the class, its positional arguments, and the attributes to restore.
#: Characters of an address that a message shows; what is longer is long on purpose.
_SHOWN = 200

_Reduced = tuple[Callable[..., object], tuple[object, ...], dict[str, Any]]


def _cut(value: object) -> str:
    """Return an address or a port as a message shows it, however long it is."""
    try:
        text = str(value)
    except ValueError:  # an integer of thousands of digits
        return "a number without end"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def _sentence(message: str, details: Sequence[object]) -> str:
    """Join a class's message and the arguments of one instance: `message: a b.`"""
    if not details:
        return f"{message}."
    return f"{message}: {' '.join(map(str, details))}."


# --- Binding and listening -------------------------------------------------------------------------------------


class BindError(Exception):
    """Binding to a local interface did not succeed."""

    MESSAGE = "An error occurred binding to an interface"

    def __str__(self) -> str:
        return _sentence(self.MESSAGE, self.args)


class CannotListenError(BindError):
    """A port could not start to listen.

    Args:
        interface: the local address that was asked for; empty or None for any.
        port: the port number, or the path of a UNIX socket.
        socketError: the `OSError` that the system gave.
    """

    def __init__(self, interface: Any, port: Any, socketError: Any) -> None:
        super().__init__(interface, port, socketError)
        self.interface = interface
        self.port = port
        self.socketError = socketError

    def __str__(self) -> str:
        host = "" if isinstance(self.port, (str, bytes)) else f"{_cut(self.interface or 'any')}:"
        return f"Couldn't listen on {host}{_cut(self.port)}: {self.socketError}."


class MulticastJoinError(Exception):
    """A multicast group could not be joined."""


class MessageLengthError(Exception):
    """A datagram is longer than the system can send."""

    MESSAGE = "Message is too long to send"

    def __str__(self) -> str:
        return _sentence(self.MESSAGE, self.args)


class DatagramCutError(MessageLengthError):
    """A datagram that arrived was longer than the port was told to read, and lost its end."""

    MESSAGE = "A datagram was cut"


class DNSLookupError(OSError):
    """A name could not be resolved to an address."""

    MESSAGE = "DNS lookup failed"

    def __str__(self) -> str:
        return _sentence(self.MESSAGE, self.args)


class ConnectInProgressError(Exception):
    """A connection attempt was begun and has not ended yet."""


# --- Connecting ------------------------------------------------------------------------------------------------


class ConnectError(Exception):
    """A connection attempt did not succeed; the base of every reason for that.

    Args:
        osError: the system's error: an `OSError` or its number.
        string: words that say more.
    """

    MESSAGE = "An error occurred while connecting"

    def __init__(self, osError: Any = None, string: str = "") -> None:
        self.osError = osError
        super().__init__(string)

    def __str__(self) -> str:
        parts = [self.MESSAGE]
        if self.osError:
            parts.append(str(self.osError))
        if self.args[0]:
            parts.append(str(self.args[0]))
        return f"{': '.join(parts)}."

    def __reduce__(self) -> _Reduced:
        return type(self), (self.osError, *self.args), self.__dict__


class ConnectBindError(ConnectError):
    """The local address of an outgoing connection could not be bound."""

    MESSAGE = "Couldn't bind"


class UnknownHostError(ConnectError):
    """The host to connect to has no address."""

    MESSAGE = "Hostname couldn't be looked up"


class NoRouteError(ConnectError):
    """No route leads to the host."""

    MESSAGE = "No route to host"


class ConnectionRefusedError(ConnectError):
    """Nothing listens at that address."""

    MESSAGE = "Connection was refused by other side"


class TCPTimedOutError(ConnectError):
    """The system gave up waiting for the peer's answer."""

    MESSAGE = "TCP connection timed out"


class BadFileError(ConnectError):
    """The path of a UNIX socket cannot be used."""

    MESSAGE = "File used for UNIX socket is no good"


class ServiceNameUnknownError(ConnectError):
    """A port was given as the name of a service that the system does not know."""

    MESSAGE = "Service name given as port is unknown"


class UserError(ConnectError):
    """The program itself abandoned the attempt."""

    MESSAGE = "User aborted connection"


class TimeoutError(UserError):
    """The attempt took longer than the program allowed."""

    MESSAGE = "User timeout caused connection failure"


class SSLError(ConnectError):
    """TLS could not be set up."""

    MESSAGE = "An SSL error occurred"


class VerifyError(Exception):
    """Something that should carry a valid signature does not."""

    MESSAGE = "Could not verify something that was supposed to be signed."


class PeerVerifyError(VerifyError):
    """The peer did not accept our own verification error."""

    MESSAGE = "The peer rejected our verify error."


class CertificateError(Exception):
    """A certificate is not where it should be."""

    MESSAGE = "We did not find a certificate where we expected to find one."


class NotConnectingError(RuntimeError):
    """A connector was told to stop connecting while it was not connecting."""

    MESSAGE = "The Connector was not connecting when it was asked to stop connecting"

    def __str__(self) -> str:
        return _sentence(self.MESSAGE, self.args)


class NotListeningError(RuntimeError):
    """A port was told to stop listening while it was not listening."""

    MESSAGE = "The Port was not listening when it was asked to stop listening"

    def __str__(self) -> str:
        return _sentence(self.MESSAGE, self.args)


class ConnectingCancelledError(Exception):
    """A client endpoint was cancelled before it had connected.

    Args:
        address: the `IAddress` that it was connecting to.
    """

    def __init__(self, address: Any) -> None:
        super().__init__(address)
        self.address = address


class NoProtocol(Exception):
    """A factory's `buildProtocol` gave None to an endpoint, which needs a protocol."""


# --- The end of a connection -----------------------------------------------------------------------------------


class ConnectionClosed(Exception):
    """A connection ended, cleanly or not; the base of the reasons that `connectionLost` is given."""


class ConnectionLost(ConnectionClosed):
    """The connection ended without a goodbye: the world broke it."""

    MESSAGE = "Connection to the other side was lost in a non-clean fashion"

    def __str__(self) -> str:
        return _sentence(self.MESSAGE, self.args)


class ConnectionAborted(ConnectionLost):
    """This side broke the connection off with `abortConnection`."""

    MESSAGE = "Connection was aborted locally using ITCPTransport.abortConnection"


class ConnectionDone(ConnectionClosed):
    """The connection was closed in good order, by either side."""

    MESSAGE = "Connection was closed cleanly"

    def __str__(self) -> str:
        return _sentence(self.MESSAGE, self.args)


class FileDescriptorOverrun(ConnectionLost):
    """`sendFileDescriptor` was called more often than bytes were written: each descriptor needs a byte to ride on."""

    MESSAGE = "A mis-use of IUNIXTransport.sendFileDescriptor caused the connection to be closed."


class ConnectionFdescWentAway(ConnectionLost):
    """The descriptor of a connection was closed behind its back."""

    MESSAGE = "Uh"


# --- TLS -------------------------------------------------------------------------------------------------------


class TLSError(ConnectionLost):
    """TLS failed, and with it the connection; the base of everything that can go wrong there.

    Args:
        why: what happened, in a few words.
        peer: whom it happened with, as an address or a name; empty when that is not known.
        advice: what to do about it; empty when there is nothing to say.
    """

    MESSAGE = "TLS{peer} failed"

    def __init__(self, why: str = "", peer: str = "", advice: str = "") -> None:
        # Not super(): one that programs of Twisted catch has foreign classes behind it, with facts of their own.
        Exception.__init__(self, why, peer, advice)
        self.why = why
        self.peer = peer
        self.advice = advice

    __repr__ = Exception.__repr__

    def __str__(self) -> str:
        said = self.MESSAGE.format(peer=f" with {_cut(self.peer)}" if self.peer else "")
        if self.why:
            said = f"{said}: {self.why}"
        return f"{said}; {self.advice}" if self.advice else said

    def __reduce__(self) -> _Reduced:
        # One that is also an error of pyOpenSSL has a class that only this process knows.
        known = next(kind for kind in type(self).__mro__ if kind.__module__ == __name__)
        return known, (self.why, self.peer, self.advice), {}


class HandshakeError(TLSError):
    """The two sides did not come to terms: no application data was exchanged."""

    MESSAGE = "The TLS handshake{peer} failed"


class HandshakeTimeoutError(HandshakeError):
    """The peer did not finish the handshake in the time that it was given."""


class PeerCertificateError(HandshakeError):
    """The peer's certificate was refused.

    Args:
        problem: one word: "expired", "not-yet-valid", "self-signed", "unknown-authority", "wrong-host", "revoked",
            "missing" or "invalid".
    """

    MESSAGE = "The certificate{peer} was refused"

    def __init__(self, why: str = "", peer: str = "", advice: str = "", problem: str = "invalid") -> None:
        super().__init__(why, peer, advice)
        self.problem = problem

    def __reduce__(self) -> _Reduced:
        made, facts, state = super().__reduce__()
        return made, (*facts, self.problem), state


class PlaintextBeforeTLSError(TLSError):
    """The peer sent more in the clear than it should have before TLS began; nobody may take that for encrypted."""

    MESSAGE = "TLS{peer} was not started"


class TruncatedError(TLSError):
    """The peer ended the connection without TLS's goodbye, so data may be missing, cut off by somebody in between."""

    MESSAGE = "The connection{peer} ended without TLS's goodbye"


# --- Processes -------------------------------------------------------------------------------------------------


class ProcessDone(ConnectionDone):
    """A process ended with exit code 0.

    Args:
        status: the raw status, as `os.waitpid` gives it.
    """

    MESSAGE = "A process has ended without apparent errors"

    def __init__(self, status: Any) -> None:
        super().__init__("process finished with exit code 0")
        self.exitCode = 0
        self.signal = None
        self.status = status

    def __reduce__(self) -> _Reduced:
        return type(self), (self.status,), self.__dict__


class ProcessTerminated(ConnectionLost):
    """A process ended with an exit code other than 0, or was killed by a signal.

    Args:
        exitCode: the exit code, if it exited.
        signal: the signal's number, if one killed it.
        status: the raw status, as `os.waitpid` gives it.
    """

    MESSAGE = "A process has ended with a probable error condition"

    def __init__(self, exitCode: Any = None, signal: Any = None, status: Any = None) -> None:
        self.exitCode = exitCode
        self.signal = signal
        self.status = status
        words = "process ended"
        if exitCode is not None:
            words += f" with exit code {exitCode}"
        if signal is not None:
            words += f" by signal {signal}"
        super().__init__(words)

    def __reduce__(self) -> _Reduced:
        return type(self), (self.exitCode, self.signal, self.status), self.__dict__


class ProcessExitedAlready(Exception):
    """The process has ended, so it can no longer be signalled or written to."""


# --- The reactor -----------------------------------------------------------------------------------------------


class AlreadyCalled(ValueError):
    """A delayed call was cancelled or moved after it had run."""

    MESSAGE = "Tried to cancel an already-called event"

    def __str__(self) -> str:
        return _sentence(self.MESSAGE, self.args)


class AlreadyCancelled(ValueError):
    """A delayed call was cancelled or moved after it had been cancelled."""

    MESSAGE = "Tried to cancel an already-cancelled event"

    def __str__(self) -> str:
        return _sentence(self.MESSAGE, self.args)


class ReactorNotRunning(RuntimeError):
    """The reactor was told to stop, but it does not run."""


class ReactorNotRestartable(RuntimeError):
    """The reactor was told to run again after it had stopped."""


class ReactorAlreadyRunning(RuntimeError):
    """The reactor was told to run while it runs."""


class ReactorAlreadyInstalledError(AssertionError):
    """A reactor was to be installed where there is one already."""


class UnsupportedAddressFamily(Exception):
    """The reactor has no use for a socket of this address family."""


class UnsupportedSocketType(Exception):
    """The reactor has no use for a socket of this type (stream, datagram, ...)."""


class AlreadyListened(Exception):
    """A descriptor on which one can listen only once was used a second time."""


class InvalidAddressError(ValueError):
    """An address is neither IPv4 nor IPv6, or not the one of them that was expected.

    Args:
        address: the text that was given.
        message: what is wrong with it.
    """

    def __init__(self, address: Any, message: str) -> None:
        super().__init__(address, message)
        self.address = address
        self.message = message

    def __str__(self) -> str:
        return f"({_cut(repr(self.address))}, {self.message!r})"


class InvalidPortError(InvalidAddressError, OverflowError):
    """A port is no number from 0 to 65535."""


# --- Deferreds -------------------------------------------------------------------------------------------------


class AlreadyCalledError(Exception):
    """A Deferred was fired a second time.

    Attributes:
        explanation: which Deferred, and what can be known of the first time; the sentence when there is no argument.
    """

    explanation = ""

    def __str__(self) -> str:
        return super().__str__() or self.explanation


class CancelledError(Exception):
    """A Deferred was cancelled, and its canceller named no other reason."""


class DeferredTimeoutError(Exception):
    """A Deferred did not fire within the time that `addTimeout` allowed; public as `selvage.defer.TimeoutError`."""


# Two of Twisted's classes share this name. The one for connections keeps it in this module; the other one is
# found, printed and unpickled under its public address.
DeferredTimeoutError.__module__ = "selvage.defer"
DeferredTimeoutError.__qualname__ = DeferredTimeoutError.__name__ = "TimeoutError"


class NotACoroutineError(TypeError):
    """A coroutine was needed and something else was given."""


@total_ordering
class FirstError(Exception):
    """The first failure of a `DeferredList` with `fireOnOneErrback`; they compare by index and failure.

    Args:
        failure: what went wrong; kept as `subFailure`.
        index: the place in the list of the Deferred that failed, from 0.
    """

    def __init__(self, failure: Failure, index: int) -> None:
        super().__init__(failure, index)
        self.subFailure = failure
        self.index = index
        error = getattr(failure, "value", None)
        if isinstance(error, BaseException):
            self.__cause__ = error

    def __repr__(self) -> str:
        return f"FirstError[#{self.index}, {self.subFailure.value!r}]"

    def __str__(self) -> str:
        return f"FirstError[#{self.index}, {self.subFailure}]"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FirstError):
            return NotImplemented
        return self.index == other.index and self.subFailure == other.subFailure

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, FirstError):
            return NotImplemented
        return self.index < other.index

    def __hash__(self) -> int:
        return hash((self.index, self.subFailure))


class FailureGroup(Exception):
    """Every Deferred given to `race` failed.

    Args:
        failures: what went wrong with each, in the order in which they were given to `race`.
    """

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__()
        self.failures = failures

    def __str__(self) -> str:
        return f"{len(self.failures)} failed: {'; '.join(map(repr, self.failures))}"

    def __reduce__(self) -> _Reduced:
        return type(self), (self.failures,), self.__dict__


class QueueOverflow(Exception):
    """A `DeferredQueue` holds as many objects as it may."""


class QueueUnderflow(Exception):
    """A `DeferredQueue` has as many waiting takers as it may."""


class AlreadyTryingToLockError(Exception):
    """A `DeferredFilesystemLock` was asked to lock while it was already trying to."""


# --- Tasks -----------------------------------------------------------------------------------------------------


class SchedulerError(Exception):
    """A cooperator or one of its tasks is in a state that forbids the operation; the base of the reasons."""


class SchedulerStopped(SchedulerError):
    """The cooperator was stopped, now or before."""


class TaskFinished(SchedulerError):
    """The task has come to its end, in one of the ways below."""


class TaskDone(TaskFinished):
    """The task has done all its work."""


class TaskStopped(TaskFinished):
    """The task was stopped."""


class TaskFailed(TaskFinished):
    """The task raised an exception."""


class NotPaused(SchedulerError):
    """A task was resumed more often than it was paused."""


# --- What descriptors return -----------------------------------------------------------------------------------

#: What `doRead` and `doWrite` return when the end came in good order, and when it did not; made once, not raised.
CONNECTION_DONE = ConnectionDone("Connection done")
CONNECTION_LOST = ConnectionLost("Connection lost")
