"""Answers compressed by gzip, where the client takes that.  Floor 4."""

from __future__ import annotations

import zlib
from typing import Any

from selvage.interfaces import implementer
from selvage.web._status import PARTIAL_CONTENT
from selvage.web.interfaces import _IRequestEncoder, _IRequestEncoderFactory

__all__ = ["GzipEncoderFactory"]

# Tells zlib to write gzip's header and trailer.
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


@implementer(_IRequestEncoderFactory)
class GzipEncoderFactory:
    """Makes encoders for clients that accept gzip; for `EncodingResourceWrapper`.

    Twisted: `twisted.web.server.GzipEncoderFactory`.
    """

    #: 1 (fast) to 9 (small).
    compressLevel = 9

    def encoderForRequest(self, request: Any) -> Any:
        """Return an encoder; None where gzip is not accepted.  Either way caches are told that it depends on that."""
        request.responseHeaders.addRawHeader(b"vary", b"accept-encoding")
        accepted = b",".join(request.requestHeaders.getRawHeaders(b"accept-encoding", ())).split(b",")
        return _GzipEncoder(self.compressLevel, request) if any(map(_is_gzip, accepted)) else None


def _is_gzip(choice: bytes) -> bool:
    name, _, quality = choice.partition(b";")
    return name.strip().lower() == b"gzip" and quality.replace(b" ", b"") not in (
        b"q=0",
        b"q=0.0",
        b"q=0.00",
        b"q=0.000",
    )


@implementer(_IRequestEncoder)
class _GzipEncoder:
    """Encodes one answer; what it is like, and its headers, are known when the first of it is sent."""

    def __init__(self, compressLevel: int, request: Any) -> None:
        self._level = compressLevel
        self._request = request
        # None before the first of the answer, and where it is sent as it is.
        self._compressor: Any = None

    def encode(self, data: bytes) -> bytes:
        """Return what is to be sent for `data`, which may be nothing yet."""
        if not self._request.startedWriting:
            self._begin()
        return data if self._compressor is None else self._compressor.compress(data)

    def finish(self) -> bytes:
        """Return the rest.  Called once."""
        if not self._request.startedWriting:
            self._begin()
        return b"" if self._compressor is None else self._compressor.flush()

    def _begin(self) -> None:
        request = self._request
        # The bytes that Content-Range counts are those of the resource.
        if request.code == PARTIAL_CONTENT:
            return
        self._compressor = zlib.compressobj(self._level, zlib.DEFLATED, _GZIP_WINDOW)
        headers = request.responseHeaders
        encodings = headers.getRawHeaders(b"content-encoding", ())
        headers.setRawHeaders(b"content-encoding", [b",".join([*encodings, b"gzip"])])
        # The length that somebody has set is that of what goes in, and so is the tag, if it stands for bytes.
        headers.removeHeader(b"content-length")
        if request.etag is not None:
            request.etag = _weak(request.etag)
        for tag in headers.getRawHeaders(b"etag", ()):
            headers.setRawHeaders(b"etag", [_weak(tag)])


def _weak(tag: bytes) -> bytes:
    """Return an entity tag for what means the same and has other bytes (RFC 9110 section 8.8.1)."""
    return tag if tag.startswith(b"W/") else b"W/" + tag
