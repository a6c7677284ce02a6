"""Bodies: out of files, and into memory.  Floor 4."""

from __future__ import annotations

import os
import warnings
from typing import Any

from selvage import tasks
from selvage.defer import CancelledError, Deferred
from selvage.failure import Failure
from selvage.interfaces import implementer
from selvage.protocols import Protocol, connectionDone
from selvage.web._losses import PotentialDataLoss
from selvage.web.client._errors import BodyTooLarge, ResponseDone
from selvage.web.errors import Error
from selvage.web.interfaces import UNKNOWN_LENGTH, IBodyProducer

__all__ = ["FileBodyProducer", "PartialDownloadError", "readBody"]


class PartialDownloadError(Error):
    """A body ended with its connection, and nothing says whether it was whole; `response` is as much as there was."""


@implementer(IBodyProducer)
class FileBodyProducer:
    """Sends a file for a body, and closes it.

    Args:
        inputFile: with a method `read`; its length is known when it has `seek` and `tell`, too.
        cooperator: reads a piece each time that it has a turn.
        readSize: octets of a piece.

    Twisted: `twisted.web.client.FileBodyProducer`.
    """

    def __init__(self, inputFile: Any, cooperator: Any = tasks, readSize: int = 2**16) -> None:
        self._inputFile = inputFile
        self._cooperate = cooperator.cooperate
        self._readSize = readSize
        self.length: Any = self._determineLength(inputFile)
        self._task: Any = None

    def _determineLength(self, file: Any) -> Any:
        """Return how much there is from here on, or `UNKNOWN_LENGTH`."""
        try:
            here = file.tell()
            file.seek(0, os.SEEK_END)
            end = file.tell()
            file.seek(here, os.SEEK_SET)
        except (AttributeError, OSError):  # no method for it, or a pipe
            return UNKNOWN_LENGTH
        return end - here

    def startProducing(self, consumer: Any) -> Deferred[None]:
        """Write the file to `consumer`.

        Fires with None when all of it is written and the file is closed.
        Fails with what reading it failed with; cancelling stops, and nothing fires then.
        """
        self._task = self._cooperate(self._writeloop(consumer))

        def failed(failure: Failure) -> Any:
            if failure.check(CancelledError):
                self.stopProducing()
            elif not failure.check(tasks.TaskStopped):
                return failure
            # One that was stopped does not fire: `IBodyProducer` says so.
            return Deferred()

        done: Deferred[None] = self._task.whenDone()
        return done.addCallbacks(lambda _: None, failed)

    def _writeloop(self, consumer: Any) -> Any:
        """Yield between the pieces."""
        try:
            while True:
                data = self._inputFile.read(self._readSize)
                if not data:
                    break
                consumer.write(data)
                yield None
        finally:
            self._close()

    def _close(self) -> None:
        close = getattr(self._inputFile, "close", None)
        if close is not None:
            close()

    def stopProducing(self) -> None:
        """Stop, and close the file."""
        self._close()
        try:
            self._task.stop()
        except (tasks.TaskFinished, AttributeError):
            pass  # it has ended, or never begun

    def pauseProducing(self) -> None:
        """Wait."""
        try:
            self._task.pause()
        except tasks.TaskFinished:
            pass

    def resumeProducing(self) -> None:
        """Go on."""
        try:
            self._task.resume()
        except (tasks.TaskFinished, tasks.NotPaused):
            pass


class _ReadBodyProtocol(Protocol):
    """Gathers a body.

    Args:
        status: the code and phrase of its response, for errors.
        finished: gets it.
        limit_bytes: more than this is too much; None for no limit.
    """

    transport: Any

    def __init__(
        self, status: int, message: bytes, finished: Deferred[bytes], limit_bytes: int | None
    ) -> None:
        self.deferred = finished
        self.status = status
        self.message = message
        self.dataBuffer: list[bytes] = []
        self._limit = limit_bytes
        self._size = 0
        if limit_bytes is None:
            # The quick way, without a frame of ours.  benchmarks/, "client".
            self.dataReceived = self.dataBuffer.append  # type: ignore[method-assign, assignment]

    def dataReceived(self, data: bytes) -> None:
        """Keep a piece, unless it is one too many."""
        self._size += len(data)
        self.dataBuffer.append(data)
        if self._limit is not None and self._size > self._limit:
            self.dataBuffer.clear()
            if not self.deferred.called:
                self.deferred.errback(Failure(BodyTooLarge(self._limit)))
                _abort(self.transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Hand out what there is."""
        deferred = self.deferred
        if deferred.called:
            return
        if type(reason.value) is ResponseDone or reason.check(ResponseDone):
            buffer = self.dataBuffer
            deferred.callback(buffer[0] if len(buffer) == 1 else b"".join(buffer))
        elif reason.check(PotentialDataLoss):
            error = PartialDownloadError(self.status, self.message, b"".join(self.dataBuffer))
            deferred.errback(Failure(error))
        else:
            deferred.errback(reason)


def _abort(transport: Any) -> None:
    abort = getattr(transport, "abortConnection", None)
    if abort is not None:
        abort()


def readBody(response: Any, *, limit_bytes: int | None = None) -> Deferred[bytes]:
    """Read the body of a response into memory.

    Args:
        response: an `IResponse`.
        limit_bytes: how large it may be; any size by default.

    Fires with the body.
    Fails with `PartialDownloadError` when nothing says whether it was whole, `ResponseFailed` when it was not,
        `BodyTooLarge` when it is larger than `limit_bytes`; the connection is closed then.  Cancelling closes it, too.

    Twisted: `twisted.web.client.readBody`, and `limit_bytes`.
    """

    def cancel(deferred: Deferred[bytes]) -> None:
        _abort(protocol.transport)

    deferred: Deferred[bytes] = Deferred(cancel)
    protocol = _ReadBodyProtocol(response.code, response.phrase, deferred, limit_bytes)
    response.deliverBody(protocol)
    if protocol.transport is not None and getattr(protocol.transport, "abortConnection", None) is None:
        warnings.warn(
            "Using readBody with a transport that does not have an abortConnection method",
            category=DeprecationWarning,
            stacklevel=2,
        )
    return deferred
