"""Answers compressed by gzip, where the client takes that.  Floor 4."""

from __future__ import annotations

import zlib
from typing import Any

from selvage.interfaces import implementer
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
        """Return an encoder, and say in the headers of the answer that it is used; None where gzip is not accepted."""
        accepted = b",".join(request.requestHeaders.getRawHeaders(b"accept-encoding", ())).split(b",")
        if not any(_is_gzip(choice) for choice in accepted):
            return None
        encodings = request.responseHeaders.getRawHeaders(b"content-encoding", ())
        request.responseHeaders.setRawHeaders(b"content-encoding", [b",".join([*encodings, b"gzip"])])
        return _GzipEncoder(self.compressLevel, request)


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
    def __init__(self, compressLevel: int, request: Any) -> None:
        self._compressor: Any = zlib.compressobj(compressLevel, zlib.DEFLATED, _GZIP_WINDOW)
        self._request = request

    def encode(self, data: bytes) -> bytes:
        """Return what is to be sent for `data`, which may be nothing yet."""
        if not self._request.startedWriting:
            # The length that somebody has set is that of what goes in.
            self._request.responseHeaders.removeHeader(b"content-length")
        return self._compressor.compress(data)  # type: ignore[no-any-return]

    def finish(self) -> bytes:
        """Return the rest.  Called once."""
        rest: bytes = self._compressor.flush()
        self._compressor = None
        return rest
