"""How the body of a message is marked off in the stream: by a length, by chunks, by the end.  Floor 4; no I/O.

The decoders are used by both sides.  Each is given two callbacks: one for the data, one for the end, which gets what came
after it.

Source: RFC 9112 section 7.  Twisted: `toChunk` and `fromChunk` of `twisted.web.http`, and its private decoders.
"""

from __future__ import annotations

from collections.abc import Callable

from selvage.web._grammar import chunk_size_line, trailer
from selvage.web._losses import PotentialDataLoss, _DataLoss

__all__ = ["fromChunk", "maxChunkSizeLineLength", "toChunk"]

#: Bytes of a line with a chunk's size: 15 digits and an extension that nobody sends.
maxChunkSizeLineLength = 1024

#: Bytes of all trailers of a body together: as many as headers may have.
_MAX_TRAILERS_BYTES = 16384

#: Trailers of one body; each costs more to keep than its bytes.
_MAX_TRAILERS = 64


class _MalformedChunkedDataError(Exception):
    """What should be chunks is something else."""


def toChunk(data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Return the pieces of one chunk.

    Args:
        data: not empty, unless this is the last chunk.
    """
    return b"%x" % len(data), b"\r\n", data, b"\r\n"


def fromChunk(data: bytes) -> tuple[bytes, bytes]:
    """Return the contents of the first chunk in `data`, and what follows it.

    Raises:
        ValueError: it does not begin with one whole chunk.
    """
    line, _, rest = data.partition(b"\r\n")
    found = chunk_size_line(line)
    if found is None:
        raise ValueError(f"{line[:40]!r} is not the size of a chunk")
    size = int(found[1], 16)
    if rest[size : size + 2] != b"\r\n":
        raise ValueError(f"there are not {size} bytes and a line end")
    return rest[:size], rest[size + 2 :]


class _IdentityTransferDecoder:
    """Passes on a body that comes as it is.

    Args:
        contentLength: its length in bytes; None when it lasts as long as the connection.
        dataCallback: called with each piece.
        finishCallback: called once, with what came after the body.
    """

    def __init__(
        self,
        contentLength: int | None,
        dataCallback: Callable[[bytes], object],
        finishCallback: Callable[[bytes], object],
    ) -> None:
        self.contentLength = contentLength
        self.dataCallback: Callable[[bytes], object] | None = dataCallback
        self.finishCallback: Callable[[bytes], object] | None = finishCallback

    def dataReceived(self, data: bytes) -> None:
        """Take the next piece of the stream.

        Raises:
            RuntimeError: the body has ended.
        """
        on_data, on_finish = self.dataCallback, self.finishCallback
        if on_data is None or on_finish is None:
            raise RuntimeError("_IdentityTransferDecoder cannot decode data after finishing")
        left = self.contentLength
        if left is None:
            on_data(data)
        elif len(data) < left:
            self.contentLength = left - len(data)
            on_data(data)
        else:
            self.dataCallback = self.finishCallback = None
            self.contentLength = 0
            on_data(data[:left])
            on_finish(data[left:])

    def noMoreData(self) -> None:
        """Take notice that the connection is over.

        Raises:
            PotentialDataLoss: the length of the body was not known; `finishCallback` has been called.
            _DataLoss: there should have been more.
        """
        on_finish = self.finishCallback
        self.dataCallback = self.finishCallback = None
        if self.contentLength is None:
            if on_finish is not None:
                on_finish(b"")
            raise PotentialDataLoss()
        if self.contentLength:
            raise _DataLoss(f"{self.contentLength} bytes of the body are missing")


class _ChunkedTransferDecoder:
    """Takes a body out of its chunks.

    Its states: CHUNK_LENGTH (a line with a size comes), BODY (`_left` bytes of a chunk come), CRLF (its end comes),
    TRAILER (lines of trailers come, then an empty one), FINISHED.

    Args:
        dataCallback: called with each piece, as soon as it is there.
        finishCallback: called once, with what came after the body.
    """

    state = "CHUNK_LENGTH"

    _maxTrailerHeadersSize = _MAX_TRAILERS_BYTES

    def __init__(
        self, dataCallback: Callable[[bytes], object], finishCallback: Callable[[bytes], object]
    ) -> None:
        self.dataCallback = dataCallback
        self.finishCallback = finishCallback
        self._buffer = (
            bytearray()
        )  # input that was not understood yet: the beginning of a line, or of a chunk's end
        self._searched = 0  # so many bytes of it hold no line end
        self._left = 0
        self._trailerHeaders: list[bytes] = []
        self._trailers_size = 0
        self._steps = {
            "CHUNK_LENGTH": self._take_size,
            "BODY": self._take_body,
            "CRLF": self._take_chunk_end,
            "TRAILER": self._take_trailer,
        }

    def dataReceived(self, data: bytes) -> None:
        """Take the next piece of the stream.

        Raises:
            RuntimeError: the body has ended.
            _MalformedChunkedDataError: these are no chunks; the decoder is of no use any more.
        """
        if not data:
            return
        if self.state == "FINISHED":
            raise RuntimeError("_ChunkedTransferDecoder cannot decode data after finishing")
        buffer = self._buffer
        buffer += data
        while buffer and self._steps[self.state]():
            if self.state == "FINISHED":
                rest = bytes(buffer)
                buffer.clear()
                self.finishCallback(rest)
                return

    def noMoreData(self) -> None:
        """Take notice that the connection is over.

        Raises:
            _DataLoss: there should have been more.
        """
        if self.state != "FINISHED":
            raise _DataLoss(
                f"Chunked decoder in {self.state!r} state, still expecting more data to get to 'FINISHED' state."
            )

    # Each step returns whether it got further; if not, more input is needed.

    def _take_size(self) -> bool:
        line = self._take_line(maxChunkSizeLineLength, "the size of a chunk")
        if line is None:
            return False
        found = chunk_size_line(line)
        if found is None:
            raise _MalformedChunkedDataError(f"{line[:40]!r} is not the size of a chunk")
        self._left = int(found[1], 16)
        self.state = "BODY" if self._left else "TRAILER"
        return True

    def _take_body(self) -> bool:
        buffer, left = self._buffer, self._left
        piece = bytes(buffer[:left])
        del buffer[:left]
        self._left = left - len(piece)
        if not self._left:
            self.state = "CRLF"
        self.dataCallback(piece)
        return True

    def _take_chunk_end(self) -> bool:
        buffer = self._buffer
        if not b"\r\n".startswith(buffer[:2]):
            raise _MalformedChunkedDataError("a chunk does not end where its size says")
        if len(buffer) < 2:
            return False
        del buffer[:2]
        self.state = "CHUNK_LENGTH"
        return True

    def _take_trailer(self) -> bool:
        line = self._take_line(self._maxTrailerHeadersSize - 1 - self._trailers_size, "the trailers")
        if line is None:
            return False
        if not line:
            self.state = "FINISHED"
            return True
        if trailer(line) is None:
            raise _MalformedChunkedDataError(f"{line[:40]!r} is not a header field")
        self._trailers_size += len(line) + 2
        self._trailerHeaders.append(line)
        if len(self._trailerHeaders) > _MAX_TRAILERS:
            raise _MalformedChunkedDataError(f"there are more than {_MAX_TRAILERS} trailers")
        return True

    def _take_line(self, limit_bytes: int, what: str) -> bytes | None:
        """Return the line at the beginning of the buffer, None when its end has not come.

        Raises:
            _MalformedChunkedDataError: it is longer than `limit_bytes`, or ends otherwise than by CR LF.
        """
        buffer = self._buffer
        end = buffer.find(b"\r\n", self._searched)
        if (len(buffer) if end < 0 else end) > limit_bytes:
            raise _MalformedChunkedDataError(f"{what} is longer than {limit_bytes} bytes")
        if end < 0:
            self._searched = max(len(buffer) - 1, 0)
            return None
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        self._searched = 0
        return line
