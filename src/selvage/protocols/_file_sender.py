"""A producer that sends a file.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.interfaces import IPullProducer, implementer

__all__ = ["FileSender"]


@implementer(IPullProducer)
class FileSender:
    """Sends a file piece by piece, no faster than the consumer takes it; it never has more than one piece in memory.

    Twisted: `twisted.protocols.basic.FileSender`; an error while reading fails the Deferred instead of escaping to
    whoever asked for data.
    """

    #: Bytes read at once.  16 KiB is Twisted's figure.
    CHUNK_SIZE = 2**14

    #: The last byte that was sent.
    lastSent: Any = ""
    #: Fires at the end of the transfer.
    deferred: Deferred[Any] | None = None
    file: BinaryIO | None = None
    consumer: Any = None
    transform: Callable[[bytes], bytes] | None = None

    def beginFileTransfer(
        self, file: BinaryIO, consumer: Any, transform: Callable[[bytes], bytes] | None = None
    ) -> Deferred[Any]:
        """Start to send.

        Args:
            file: read from where it stands to its end; stays open, the caller closes it.
            consumer: an `IConsumer`.
            transform: changes each piece before it is sent; the empty end is not passed to it.

        Fires with the last byte sent (empty text when nothing was).

        Fails with what `file.read` or `transform` raised, or with an `Exception` when the consumer wants no more.
        """
        self.file = file
        self.consumer = consumer
        self.transform = transform
        done: Deferred[Any] = Deferred()
        self.deferred = done
        self.consumer.registerProducer(self, False)
        return done

    def resumeProducing(self) -> None:
        """Send the next piece, or end; called by the consumer."""
        try:
            chunk = self._next_chunk()
        except Exception:
            self._finish(Failure())
            return
        if not chunk:
            self._finish(self.lastSent)
            return
        self.consumer.write(chunk)
        self.lastSent = chunk[-1:]

    def _next_chunk(self) -> bytes:
        """Read and transform; empty at the end only, since a consumer asks again only after something was written."""
        file, transform = self.file, self.transform
        if file is None:
            return b""
        while chunk := file.read(self.CHUNK_SIZE):
            if transform is not None:
                chunk = transform(chunk)
            if chunk:
                return chunk
        return b""

    def _finish(self, outcome: Any) -> None:
        self.file = None
        self.consumer.unregisterProducer()
        deferred, self.deferred = self.deferred, None
        if deferred is None:
            return
        if isinstance(outcome, Failure):
            deferred.errback(outcome)
        else:
            deferred.callback(outcome)

    def pauseProducing(self) -> None:
        """Nothing: a pull producer sends only when asked."""

    def stopProducing(self) -> None:
        """Fail the transfer; called by a consumer that wants no more."""
        deferred, self.deferred = self.deferred, None
        if deferred is not None:
            deferred.errback(Failure(Exception("Consumer asked us to stop producing")))
