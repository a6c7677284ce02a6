"""Decompression in steps of bounded size.  Floor 4; knows no socket, clock or Deferred.

A few KiB of compressed data can stand for gigabytes.  So nothing here is asked for all that there is: each step yields
at most so many octets, and whoever takes them decides whether there is a next one.

Source: RFC 9110 section 8.4.1 (gzip, deflate), RFC 7932 (br), RFC 8878 (zstd); "deflate" is RFC 1950, but many servers
send RFC 1951 under that name, so both are understood.
"""

from __future__ import annotations

import sys
import zlib
from importlib import import_module
from typing import Any, Protocol

__all__ = ["CODECS", "Codec", "ContentDecodingError", "available"]

#: Base 2 logarithm of the largest window of zstd.  RFC 9659 section 3: 8 MiB, for Content-Encoding.
_ZSTD_WINDOW_LOG = 23

# RFC 1952 section 2.3.1: how a member of gzip begins.
_GZIP_MAGIC = b"\x1f\x8b"


class ContentDecodingError(Exception):
    """A body is not what its Content-Encoding says it is, or grows beyond all measure when it is decompressed."""


class Codec(Protocol):
    """Decompresses one body."""

    #: Whether the compressed data has come to its end.
    finished: bool

    def feed(self, data: bytes) -> None:
        """Take compressed data, to be decompressed by the next steps."""

    def step(self, limit: int) -> bytes:
        """Return the next piece.

        Args:
            limit: octets that it may have, roughly: brotli may return somewhat more.

        Returns: nothing when more has to be fed first.

        Raises:
            ContentDecodingError: the data is not of this kind.
        """


class _Zlib:
    """gzip, with several members as files have, and deflate in both its forms."""

    def __init__(self, gzip: bool) -> None:
        self.finished = False
        self._gzip = gzip
        self._input = b""
        self._decompressor: Any = None

    def feed(self, data: bytes) -> None:
        self._input = self._input + data if self._input else data

    def step(self, limit: int) -> bytes:
        while self._input:
            if self._decompressor is None and not self._begin():
                return b""
            try:
                out: bytes = self._decompressor.decompress(self._input, limit)
            except zlib.error as error:
                raise ContentDecodingError(f"the body is not compressed as it says: {error}") from error
            self._input = self._decompressor.unconsumed_tail
            if self._decompressor.eof:
                self._end()
            if out:
                return out
        if self._decompressor is not None:
            return self._held(limit)
        return b""

    def _held(self, limit: int) -> bytes:
        """Return what zlib still holds of input that it has taken whole."""
        out: bytes = self._decompressor.decompress(b"", limit)
        if self._decompressor.eof:
            self._end()
        return out

    def _begin(self) -> bool:
        """Begin a member; False when too little is there to tell of which form it is, or nothing that follows counts."""
        if self.finished and not self._goes_on():
            return False
        if self._gzip:
            bits = 16 + zlib.MAX_WBITS
        elif len(self._input) < 2:
            return False
        else:
            # RFC 1950 section 2.2: compression method 8, and a check sum of 31.
            first, second = self._input[:2]
            is_wrapped = first & 0x0F == 8 and (first << 8 | second) % 31 == 0
            bits = zlib.MAX_WBITS if is_wrapped else -zlib.MAX_WBITS
        self._decompressor = zlib.decompressobj(bits)
        return True

    def _goes_on(self) -> bool:
        """Tell whether what follows a member is another one.  Padding and all else is dropped, however much there is."""
        rest = self._input.lstrip(b"\0") if self._gzip else b""
        if rest == _GZIP_MAGIC[:1]:
            self._input = rest  # half of what would tell
            return False
        self._input = rest if rest.startswith(_GZIP_MAGIC) else b""
        self.finished = not self._input
        return not self.finished

    def _end(self) -> None:
        """End a member."""
        self._input = self._decompressor.unused_data
        self._decompressor = None
        self.finished = True


class _Brotli:
    def __init__(self) -> None:
        self._module = import_module("brotli")
        self._decompressor = self._module.Decompressor()
        self._input: list[bytes] = []
        self._is_drained = True

    @property
    def finished(self) -> bool:
        return bool(self._decompressor.is_finished())

    def feed(self, data: bytes) -> None:
        if not self.finished:  # what follows the end counts for nothing, and nobody would take it out again
            self._input.append(data)

    def step(self, limit: int) -> bytes:
        while not self.finished:
            data = b""
            if self._is_drained:
                if not self._input:
                    return b""
                data = self._input.pop(0)
            try:
                out: bytes = self._decompressor.process(data, output_buffer_limit=limit)
            except self._module.error as error:
                raise ContentDecodingError(f"the body is not compressed as it says: {error}") from error
            # It tells when it has taken its input, not whether there is more to come of it: so ask until nothing comes.
            self._is_drained = not out
            if out:
                return out
        return b""


def _zstd_module() -> Any:
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


class _Zstandard:
    """zstd, of several frames perhaps."""

    def __init__(self) -> None:
        self._module = _zstd_module()
        self._input = b""
        self.finished = False
        self._begin()

    def _begin(self) -> None:
        limit = {self._module.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        self._decompressor = self._module.ZstdDecompressor(options=limit)

    def feed(self, data: bytes) -> None:
        self._input = self._input + data if self._input else data

    def step(self, limit: int) -> bytes:
        while self._input or not (self._decompressor.needs_input or self.finished):
            if self.finished:
                self.finished = False
                self._begin()
            data, self._input = self._input, b""
            try:
                out: bytes = self._decompressor.decompress(data, limit)
            except self._module.ZstdError as error:
                raise ContentDecodingError(f"the body is not compressed as it says: {error}") from error
            if self._decompressor.eof:
                self.finished = True
                self._input = self._decompressor.unused_data
            if out:
                return out
        return b""


#: By the name in Content-Encoding (RFC 9110 section 8.4.1: "x-gzip" is an alias).
CODECS: dict[bytes, Any] = {
    b"gzip": lambda: _Zlib(True),
    b"x-gzip": lambda: _Zlib(True),
    b"deflate": lambda: _Zlib(False),
    b"br": _Brotli,
    b"zstd": _Zstandard,
}


def available() -> list[bytes]:
    """Return the names to ask servers for, by preference: those whose library is there."""
    names = []
    for name, module in ((b"zstd", _zstd_module), (b"br", lambda: import_module("brotli"))):
        try:
            module()
        except ImportError:
            continue
        names.append(name)
    return [*names, b"gzip", b"deflate"]
