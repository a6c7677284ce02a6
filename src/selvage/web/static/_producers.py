"""Send a file, or parts of it, no faster than the client reads.  Floor 4.

Twisted: `NoRangeStaticProducer` and kin of `twisted.web.static`.
"""

from __future__ import annotations

from typing import IO, Any

from selvage.interfaces import IPullProducer, implementer

__all__ = [
    "MultipleRangeStaticProducer",
    "NoRangeStaticProducer",
    "SingleRangeStaticProducer",
    "StaticProducer",
]


@implementer(IPullProducer)
class StaticProducer:
    """Sends something of a file; the base of those that say what.

    Args:
        request: is answered.
        fileObject: open for reading; is closed in the end.
    """

    #: Bytes that are read at once.
    bufferSize = 2**16

    def __init__(self, request: Any, fileObject: IO[bytes]) -> None:
        self.request = request
        self.fileObject = fileObject

    def start(self) -> None:
        """Begin to send."""
        raise NotImplementedError(self.start)

    def resumeProducing(self) -> None:
        """Send one piece."""
        raise NotImplementedError(self.resumeProducing)

    def stopProducing(self) -> None:
        """Close the file.  Called once all is sent, and by the request when the client goes away."""
        self.fileObject.close()
        self.request = None

    def _end(self) -> None:
        request = self.request
        self.stopProducing()
        request.unregisterProducer()
        request.finish()

    def _break_off(self) -> None:
        """The file has less than was promised: break the connection, or the client waits, or takes what comes next for it."""
        request = self.request
        self.stopProducing()
        request.unregisterProducer()
        request.loseConnection()


class NoRangeStaticProducer(StaticProducer):
    """Sends a whole file.

    Args:
        request: is answered.
        fileObject: open for reading; is closed in the end.
    """

    #: How much of the file was promised; None for as much as there is.
    promised_bytes: int | None = None

    def start(self) -> None:
        """Begin to send."""
        self.request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """Send one piece."""
        if self.request is None:
            return
        left = self.promised_bytes
        if left is None:
            data = self.fileObject.read(self.bufferSize)
        else:
            data = self.fileObject.read(min(self.bufferSize, left))
            self.promised_bytes = left - len(data)
        if data:
            self.request.write(data)
        # The last piece does not wait for another turn to say that it was the last.
        if not data or self.promised_bytes == 0:
            self._break_off() if self.promised_bytes else self._end()


class SingleRangeStaticProducer(StaticProducer):
    """Sends one part of a file.

    Args:
        request: is answered.
        fileObject: open for reading; is closed in the end.
        offset: where the part begins.
        size: its bytes.
    """

    def __init__(self, request: Any, fileObject: IO[bytes], offset: int, size: int) -> None:
        super().__init__(request, fileObject)
        self.offset = offset
        self.size = size

    def start(self) -> None:
        """Begin to send."""
        self.fileObject.seek(self.offset)
        self.bytesWritten = 0
        self.request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """Send one piece."""
        if self.request is None:
            return
        data = self.fileObject.read(min(self.bufferSize, self.size - self.bytesWritten))
        if data:
            self.bytesWritten += len(data)
            self.request.write(data)
        if self.bytesWritten == self.size:
            self._end()
        elif not data:
            self._break_off()


class MultipleRangeStaticProducer(StaticProducer):
    """Sends several parts of a file, each with something before it.

    Args:
        request: is answered.
        fileObject: open for reading; is closed in the end.
        rangeInfo: of each part what comes before it, its offset and its size.
    """

    def __init__(self, request: Any, fileObject: IO[bytes], rangeInfo: list[tuple[bytes, int, int]]) -> None:
        super().__init__(request, fileObject)
        self.rangeInfo = rangeInfo

    def start(self) -> None:
        """Begin to send."""
        self._parts = iter(self.rangeInfo)
        self._left = 0
        self.request.registerProducer(self, False)

    def resumeProducing(self) -> None:
        """Send one piece: the end of one part and the beginning of the next go together."""
        if self.request is None:
            return
        pieces: list[bytes] = []
        room = self.bufferSize
        broken = done = False
        while room > 0:
            if not self._left:
                try:
                    before, offset, self._left = next(self._parts)
                except StopIteration:
                    done = True
                    break
                pieces.append(before)
                room -= len(before)
                self.fileObject.seek(offset)
            data = self.fileObject.read(min(room, self._left)) if room > 0 else b""
            if not data and self._left and room > 0:
                broken = True
                break
            pieces.append(data)
            room -= len(data)
            self._left -= len(data)
        self.request.write(b"".join(pieces))
        if broken:
            self._break_off()
        elif done:
            self._end()
