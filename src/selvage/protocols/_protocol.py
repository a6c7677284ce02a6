"""Protocols: the objects that hold one conversation.  Floor 3.

A protocol is made by a factory, gets its transport in `makeConnection` and hears of bytes and of the end through its
hooks.  It knows no socket and no loop: whatever has the methods of `ITransport` will do, a string buffer in a test too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.interfaces import ILoggingContext, IProcessProtocol, IProtocol, implementer
from selvage.protocols._mention import mention

if TYPE_CHECKING:
    from selvage.interfaces import ITransport

__all__ = [
    "AbstractDatagramProtocol",
    "BaseProtocol",
    "ConnectedDatagramProtocol",
    "DatagramProtocol",
    "ProcessProtocol",
    "Protocol",
    "connectionDone",
]

#: The reason that `connectionLost` has by default; a Failure that was never raised.
connectionDone = Failure(ConnectionDone())


class BaseProtocol:
    """What stream and process protocols share: a transport and the moment it arrives.

    Twisted: `twisted.internet.protocol.BaseProtocol`.
    """

    #: 1 from `makeConnection` on; stays 1 after the connection is gone.
    connected = 0
    #: The transport, once `makeConnection` was called.  Typed as always there, because every hook runs after that.
    transport: ITransport = None  # type: ignore[assignment]

    def makeConnection(self, transport: ITransport) -> None:
        """Take the transport and call `connectionMade`.

        Called once, by whoever made the connection.  A subclass overrides `connectionMade`, hardly ever this.
        """
        self.connected = 1
        self.transport = transport
        self.connectionMade()

    def connectionMade(self) -> None:
        """Hook: called once, when the connection is there and `self.transport` may be written to."""


@implementer(IProtocol, ILoggingContext)
class Protocol(BaseProtocol):
    """One end of a stream connection; subclass it and override the hooks.

    Hooks: `connectionMade`, `dataReceived`, `connectionLost`; none of the base versions has to be called.

    Twisted: `twisted.internet.protocol.Protocol`.
    """

    #: The factory that made this protocol (`Factory.buildProtocol` sets it).
    factory: Any = None

    def logPrefix(self) -> str:
        """Return the name under which messages about this protocol appear: the name of its class."""
        return self.__class__.__name__

    def dataReceived(self, data: bytes) -> None:
        """Hook: called with every piece of the stream as it arrives.

        Args:
            data: at least one byte, cut wherever the network cut it.  One message may come in several pieces and
                several messages in one piece: `selvage.protocols.basic` has protocols that put them together.
        """

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Hook: called once, when the connection is over; nothing can be written any more.

        Args:
            reason: wraps `ConnectionDone` after a clean close, else `ConnectionLost` or a subclass of it, or the
                exception that a hook of this protocol raised.
        """


@implementer(IProcessProtocol)
class ProcessProtocol(BaseProtocol):
    """The parent's end of a child process; subclass it and override the hooks.

    The `child...` hooks hear of every file descriptor; their base versions pass what happens on 0, 1 and 2 to
    `inConnectionLost`, `outReceived`, `errReceived` and so on.

    Twisted: `twisted.internet.protocol.ProcessProtocol`.
    """

    transport: Any = None

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Hook: the child wrote `data` to its file descriptor `childFD`."""
        if childFD == 1:
            self.outReceived(data)
        elif childFD == 2:
            self.errReceived(data)

    def outReceived(self, data: bytes) -> None:
        """Hook: the child wrote `data` to its standard output."""

    def errReceived(self, data: bytes) -> None:
        """Hook: the child wrote `data` to its standard error."""

    def childConnectionLost(self, childFD: int) -> None:
        """Hook: the pipe to the child's file descriptor `childFD` was closed, by either side."""
        if childFD == 0:
            self.inConnectionLost()
        elif childFD == 1:
            self.outConnectionLost()
        elif childFD == 2:
            self.errConnectionLost()

    def inConnectionLost(self) -> None:
        """Hook: the child's standard input was closed."""

    def outConnectionLost(self) -> None:
        """Hook: the child's standard output was closed."""

    def errConnectionLost(self) -> None:
        """Hook: the child's standard error was closed."""

    def processExited(self, reason: Failure) -> None:
        """Hook: the child has exited; data may still be on its way.

        Args:
            reason: wraps `ProcessDone` for exit status 0, else `ProcessTerminated`, which carries status and signal.
        """

    def processEnded(self, reason: Failure) -> None:
        """Hook: the child has exited and all its pipes are closed; the last call to this protocol.

        Args:
            reason: as in `processExited`.
        """


class AbstractDatagramProtocol:
    """What datagram protocols share; one instance may serve several ports.

    Twisted: `twisted.internet.protocol.AbstractDatagramProtocol`.
    """

    transport: Any = None
    #: How many ports this protocol is bound to.
    numPorts = 0
    #: Whether starting and stopping are mentioned to the log.
    noisy = True

    def doStart(self) -> None:
        """Count one more port and call `startProtocol` for the first.  For transports; override `startProtocol`."""
        if not self.numPorts:
            if self.noisy:
                mention(self, "Starting protocol {protocol}", protocol=self)
            self.startProtocol()
        self.numPorts += 1

    def doStop(self) -> None:
        """Count one port less and call `stopProtocol` after the last.  For transports; override `stopProtocol`."""
        assert self.numPorts > 0, f"{self!r} is stopped more often than it was started"
        self.numPorts -= 1
        self.transport = None
        if not self.numPorts:
            if self.noisy:
                mention(self, "Stopping protocol {protocol}", protocol=self)
            self.stopProtocol()

    def startProtocol(self) -> None:
        """Hook: called before the first datagram may arrive; `self.transport` is there."""

    def stopProtocol(self) -> None:
        """Hook: called when the last port is closed; `self.transport` is None."""

    def makeConnection(self, transport: Any) -> None:
        """Take the transport (an `IUDPTransport`) and start; called once by the transport."""
        assert self.transport is None, f"{self!r} already has a transport"
        self.transport = transport
        self.doStart()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        """Hook: called with each datagram.

        Args:
            datagram: the bytes of one whole datagram.
            addr: where it came from: `(host, port)` of UDP, as the system gives it for other families.
        """


@implementer(ILoggingContext)
class DatagramProtocol(AbstractDatagramProtocol):
    """One end of connectionless conversations; subclass it and override the hooks.

    Hooks: `startProtocol`, `datagramReceived`, `connectionRefused`, `stopProtocol`.

    Twisted: `twisted.internet.protocol.DatagramProtocol`.
    """

    def logPrefix(self) -> str:
        """Return the name under which messages about this protocol appear: the name of its class."""
        return self.__class__.__name__

    def connectionRefused(self) -> None:
        """Hook: a transport that was connected to one peer learned that nothing listens there."""


class ConnectedDatagramProtocol(DatagramProtocol):
    """One end of a datagram conversation with one fixed peer.

    Twisted: `twisted.internet.protocol.ConnectedDatagramProtocol`.
    """

    def datagramReceived(self, datagram: bytes) -> None:  # type: ignore[override]
        """Hook: called with each datagram of the one peer."""

    def connectionFailed(self, failure: Failure) -> None:
        """Hook: connecting did not work, for example because the name has no address.

        Args:
            failure: wraps `DNSLookupError` or a `ConnectError`.
        """
