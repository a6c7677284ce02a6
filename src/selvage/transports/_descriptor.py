"""Transports in the readiness style: the reactor says when, `doRead` and `doWrite` do it.  Floor 2.

For descriptors that the loop has no transport for: subclass, give `fileno`, `doRead` and `writeSomeData`.  Sockets do not
come this way.  Twisted: `twisted.internet.abstract.FileDescriptor`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from selvage.errors import CONNECTION_DONE
from selvage.failure import Failure
from selvage.interfaces import (
    IConsumer,
    IHalfCloseableDescriptor,
    ILoggingContext,
    IPushProducer,
    IReadWriteDescriptor,
    ITransport,
    implementer,
)

from ._listening import ambient_reactor
from ._stream import log_prefix
from ._writing import bytes_to_write

if TYPE_CHECKING:
    from selvage.interfaces import IReactorFDSet

__all__ = ["FileDescriptor"]


@implementer(
    IPushProducer, IReadWriteDescriptor, IConsumer, ITransport, IHalfCloseableDescriptor, ILoggingContext
)
class FileDescriptor:
    """A descriptor with an output buffer, producers and half-close.

    Hooks for subclasses: `fileno`, `doRead`, `writeSomeData`; `connectionLost`, which calls this one;
    `readConnectionLost`, `writeConnectionLost`, `getHost`, `getPeer`.
    """

    connected: int | bool = 0
    disconnected: int | bool = 0
    disconnecting: int | bool = 0
    #: The registered producer, or None; whether it is a push producer; whether it was told to pause.
    producer: Any = None
    streamingProducer = False
    producerPaused = False
    #: A push producer is paused when more than this waits; in bytes.
    bufferSize = 65536
    #: At most this much is put together for one `writeSomeData`; in bytes.
    SEND_LIMIT = 128 * 1024
    #: What is being written, and how much of it has been.
    dataBuffer = b""
    offset = 0

    _writeDisconnecting = False
    _writeDisconnected = False

    def __init__(self, reactor: IReactorFDSet | None = None) -> None:
        self.reactor: Any = ambient_reactor(reactor)
        # What waits behind `dataBuffer`, in pieces, and their length in all.
        self._tempDataBuffer: list[bytes] = []
        self._tempDataLen = 0

    # --- Hooks -------------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """Return the number of the descriptor, -1 when it is closed."""
        return -1

    def doRead(self) -> Any:
        """Read what there is; called when there is something.

        Returns: None to go on, else why the descriptor is of no more use.
        """
        raise NotImplementedError(f"{type(self).__name__} has to say how it reads: override doRead")

    def writeSomeData(self, data: bytes) -> int | BaseException:
        """Write what can be written now.

        Returns: how many bytes, 0 for none; or why the descriptor is of no more use.
        """
        raise NotImplementedError(f"{type(self).__name__} has to say how it writes: override writeSomeData")

    def connectionLost(self, reason: Failure) -> None:
        """Stop the producer and the reactor's interest; overriders call this one."""
        self.disconnected = 1
        self.connected = 0
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()
        self.stopReading()
        self.stopWriting()

    def readConnectionLost(self, reason: Failure) -> None:
        """Take notice of the end of the input; the whole connection is lost unless this is overridden."""
        self.connectionLost(reason)

    def writeConnectionLost(self, reason: Failure) -> None:
        """Take notice that the output is closed; the whole connection is lost unless this is overridden."""
        self.connectionLost(reason)

    def getHost(self) -> Any:
        """Return this side's address."""
        raise NotImplementedError(f"{type(self).__name__} has no address")

    def getPeer(self) -> Any:
        """Return the other side's address."""
        raise NotImplementedError(f"{type(self).__name__} knows of no peer")

    def _closeWriteConnection(self) -> Any:
        """Close the output; called when all is written after `loseWriteConnection`."""

    def _postLoseConnection(self) -> Any:
        """Return why the descriptor is done; called when all is written after `loseConnection`."""
        return CONNECTION_DONE

    # --- Writing -----------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Write bytes when the reactor says that they can be; dropped once the connection or its output is closed.

        Raises:
            TypeError: `data` is not bytes.
        """
        data = bytes_to_write(data)
        if data and self.connected and not self._writeDisconnected:
            self._append((data,))

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Write several pieces as if joined.

        Raises:
            TypeError: one of them is not bytes.
        """
        pieces = [bytes_to_write(piece) for piece in iovec]
        if pieces and self.connected and not self._writeDisconnected:
            self._append(pieces)

    def _append(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._tempDataBuffer.append(piece)
            self._tempDataLen += len(piece)
        self._maybePauseProducer()
        self.startWriting()

    def unsent_bytes(self) -> int:
        """Return how many bytes were written and have not been given to the system yet."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    def _isSendBufferFull(self) -> bool:
        return self.unsent_bytes() > self.bufferSize

    def _maybePauseProducer(self) -> None:
        if self.producer is not None and self.streamingProducer and self._isSendBufferFull():
            self.producerPaused = True
            self.producer.pauseProducing()

    def doWrite(self) -> Any:
        """Write what waits; called by the reactor when something can be written.

        Returns: None to go on, else why the descriptor is of no more use.
        """
        if len(self.dataBuffer) - self.offset < self.SEND_LIMIT and self._tempDataBuffer:
            self.dataBuffer = b"".join([memoryview(self.dataBuffer)[self.offset :], *self._tempDataBuffer])
            self.offset = 0
            self._tempDataBuffer = []
            self._tempDataLen = 0
        waiting: Any = self.dataBuffer
        if self.offset:
            waiting = memoryview(waiting)[self.offset :]
        written = self.writeSomeData(waiting)
        if isinstance(written, BaseException) or written < 0:
            return written
        self.offset += written
        if self.offset < len(self.dataBuffer) or self._tempDataBuffer:
            return None
        self.dataBuffer = b""
        self.offset = 0
        self.stopWriting()
        return self._drained()

    def _drained(self) -> Any:
        """All is written: ask the producer for more, or do what waited for this."""
        if self.producer is not None:
            if not self.streamingProducer or self.producerPaused:
                self.producerPaused = False
                self.producer.resumeProducing()
        elif self.disconnecting:
            return self._postLoseConnection()
        elif self._writeDisconnecting:
            self._writeDisconnected = True
            return self._closeWriteConnection()
        return None

    # --- Closing -----------------------------------------------------------------------------------------------

    def loseConnection(self, _connDone: Any = CONNECTION_DONE) -> None:
        """Close when all is written and no producer is registered any more; nothing more is read."""
        if not self.connected or self.disconnecting:
            return
        self.stopReading()
        if self._writeDisconnected:
            self.stopWriting()
            # At once, as in Twisted: whoever closed the descriptor underneath may not see its number in use again.
            self.connectionLost(Failure._withoutTraceback(_connDone))
        else:
            self.startWriting()
            self.disconnecting = 1

    def loseWriteConnection(self) -> None:
        """Close the output when all is written; go on reading."""
        self._writeDisconnecting = True
        self.startWriting()

    # --- The reactor's interest --------------------------------------------------------------------------------

    def startReading(self) -> None:
        """Have `doRead` called."""
        self.reactor.addReader(self)

    def stopReading(self) -> None:
        """Have `doRead` not called."""
        self.reactor.removeReader(self)

    def startWriting(self) -> None:
        """Have `doWrite` called."""
        self.reactor.addWriter(self)

    def stopWriting(self) -> None:
        """Have `doWrite` not called."""
        self.reactor.removeWriter(self)

    # --- As a producer -----------------------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """Read nothing until `resumeProducing`."""
        self.stopReading()

    def resumeProducing(self) -> None:
        """Read again, unless it is closing."""
        if self.connected and not self.disconnecting:
            self.startReading()

    def stopProducing(self) -> None:
        """Close: the consumer of what is read has gone."""
        self.loseConnection()

    # --- As a consumer -----------------------------------------------------------------------------------------

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a source of data.

        Args:
            streaming: True for a push producer, which is paused when more than `bufferSize` bytes wait; False for a pull
                producer, which is asked at once and then each time that all is written.

        Raises:
            RuntimeError: another one is registered and was never unregistered.
        """
        if self.producer is not None:
            raise RuntimeError(
                f"Cannot register producer {producer!r}: producer {self.producer!r} was never unregistered; "
                "call unregisterProducer() first"
            )
        if self.disconnected:
            producer.stopProducing()
            return
        self.producer = producer
        self.streamingProducer = streaming
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """Let go of the source; when somebody meant to close meanwhile, that goes on now."""
        self.producer = None
        if self.connected and self.disconnecting:
            self.startWriting()

    def stopConsuming(self) -> None:
        """Let go of the source and close."""
        self.unregisterProducer()
        self.loseConnection()

    # --- In logs -----------------------------------------------------------------------------------------------

    def logPrefix(self) -> str:
        """Return the word that names it in a log."""
        return "-"

    def _getLogPrefix(self, applicationObject: object) -> str:
        return log_prefix(applicationObject)
