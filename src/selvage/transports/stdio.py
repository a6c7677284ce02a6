"""This process's own standard input and output as a connection.  Floor 2; POSIX.

Twisted: `twisted.internet.stdio`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from selvage.errors import CONNECTION_LOST, ConnectionDone
from selvage.failure import Failure, report
from selvage.interfaces import (
    IAddress,
    IConsumer,
    IHalfCloseableDescriptor,
    IHalfCloseableProtocol,
    IPushProducer,
    ITransport,
    implementer,
)

from ._fdesc import setBlocking
from ._pipes import ProcessReader, ProcessWriter

if TYPE_CHECKING:
    from selvage.interfaces import IReactorFDSet

__all__ = ["PipeAddress", "StandardIO"]


@implementer(IAddress)
class PipeAddress:
    """The address of standard input and output, which have none."""


class _Lent:
    """Mixed into a pipe: the descriptor belongs to the program, and the open file to who started it.

    It stays open, for what else the program prints, and calls on it wait again.
    """

    def _release(self, number: int) -> None:
        try:
            setBlocking(number)
        except OSError:
            pass  # the program has closed it


class _Input(_Lent, ProcessReader):
    pass


class _Output(_Lent, ProcessWriter):
    pass


@implementer(ITransport, IPushProducer, IConsumer, IHalfCloseableDescriptor)
class StandardIO:
    """Standard input and output, or any two descriptors, as the transport of a protocol.

    Args:
        proto: gets what is read, and is connected before this returns.
        stdin, stdout: numbers of the descriptors; they stay open, and are the caller's to close afterwards.
        reactor: None for the ambient one.
    """

    #: `ProcessReader` and `ProcessWriter` while they are open, else None.
    _reader: Any = None
    _writer: Any = None
    disconnected = False
    disconnecting = False

    def __init__(
        self, proto: Any, stdin: int = 0, stdout: int = 1, reactor: IReactorFDSet | None = None
    ) -> None:
        self.protocol = proto
        self._writer = _Output(reactor, self, "write", stdout)
        self._reader = _Input(reactor, self, "read", stdin)
        try:
            proto.makeConnection(self)
        except BaseException:
            self._hook_failed("makeConnection")

    def getHost(self) -> PipeAddress:
        """Return an address that says no more than that these are pipes."""
        return PipeAddress()

    getPeer = getHost

    # --- Writing -----------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write bytes; dropped when the output is closed."""
        if self._writer is not None:
            self._writer.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Write several pieces as if joined."""
        if self._writer is not None:
            self._writer.writeSequence(data)

    def loseWriteConnection(self) -> None:
        """Close the output when all is written; go on reading."""
        if self._writer is not None:
            self._writer.loseConnection()

    def loseConnection(self) -> None:
        """Close when all is written; nothing more is read."""
        self.disconnecting = True
        if self._reader is not None:
            self._reader.stopReading()
        if self._writer is not None:
            self._writer.loseConnection()
        elif self._reader is not None:
            self._reader.loseConnection()

    # --- Producers and consumers -------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write; it is stopped when the output is closed."""
        if self._writer is None:
            producer.stopProducing()
        else:
            self._writer.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """Let go of the producer."""
        if self._writer is not None:
            self._writer.unregisterProducer()

    def pauseProducing(self) -> None:
        """Read nothing until `resumeProducing`."""
        if self._reader is not None:
            self._reader.pauseProducing()

    def resumeProducing(self) -> None:
        """Read again."""
        if self._reader is not None and not self.disconnecting:
            self._reader.resumeProducing()

    stopReading = pauseProducing
    startReading = resumeProducing

    def stopProducing(self) -> None:
        """Close: the consumer of what is read has gone."""
        self.loseConnection()

    # --- What the pipes tell -----------------------------------------------------------------------------------

    def childDataReceived(self, fd: str, data: bytes) -> None:
        """Pass on what was read."""
        self.protocol.dataReceived(data)

    def childConnectionLost(self, fd: str, reason: Failure) -> None:
        """Take notice that one of the two, "read" or "write", is closed."""
        if fd == "read":
            self._reader = None
        else:
            self._writer = None
        if self.disconnected:
            return
        if fd == "read" and reason.check(ConnectionDone):
            self.readConnectionLost(reason)
        elif fd == "write":
            self.writeConnectionLost(reason)
        else:
            self.connectionLost(reason)

    def readConnectionLost(self, reason: Failure) -> None:
        """Tell a half-closeable protocol that the input has ended; for any other the connection is over."""
        self._half_closed("readConnectionLost", reason)

    def writeConnectionLost(self, reason: Failure) -> None:
        """Tell a half-closeable protocol that the output is closed; for any other the connection is over."""
        self._half_closed("writeConnectionLost", reason)

    def _half_closed(self, hook: str, reason: Failure) -> None:
        half_closeable = cast("Any", IHalfCloseableProtocol)(self.protocol, None)
        if half_closeable is None or self.disconnecting:
            self.connectionLost(reason)
            return
        try:
            getattr(half_closeable, hook)()
        except BaseException:
            self._hook_failed(hook)
        else:
            if self._reader is None and self._writer is None:
                self.connectionLost(reason)

    def _hook_failed(self, hook: str) -> None:
        failure = Failure()
        report(
            failure,
            f"Unhandled error in {hook}",
            source="protocol",
            transport=self,
            protocol=self.protocol,
        )
        self.connectionLost(failure)

    def connectionLost(self, reason: Failure) -> None:
        """Close what is open and tell the protocol, once."""
        if self.disconnected:
            return
        self.disconnected = True
        for pipe in (self._reader, self._writer):
            if pipe is not None:
                pipe.connectionLost(Failure._withoutTraceback(CONNECTION_LOST))
        protocol, self.protocol = self.protocol, None
        try:
            protocol.connectionLost(reason)
        except BaseException:
            report(Failure(), "Unhandled error in connectionLost", source="protocol", protocol=protocol)
