"""Bodies of requests: bytes, JSON, forms, files and whatever yields bytes.  Floor 4.

Source: WHATWG URL (application/x-www-form-urlencoded); RFC 7578 (multipart/form-data), and WHATWG HTML section 4.10.21.8
for what may not stand in its names.
"""

from __future__ import annotations

import json as _json
import os
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping, Sequence
from io import TextIOBase
from mimetypes import guess_type
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode

from selvage.defer import Deferred, ensureDeferred, succeed
from selvage.interfaces import implementer
from selvage.web.client._arguments import pairs_of
from selvage.web.interfaces import UNKNOWN_LENGTH, IBodyProducer

__all__ = ["Content", "content_of"]

#: Octets that are read from a file at once.
_PIECE_BYTES = 64 * 1024


class Content:
    """A body that can be sent, more than once perhaps.

    Args:
        content_type: for the header; None when the caller has to know.
        make: makes an `IBodyProducer`.
        repeatable: whether `make` may be called again.
        size: its octets, as far as they are known.
    """

    def __init__(
        self, content_type: str | None, make: Callable[[], Any], repeatable: bool, size: int | None = None
    ) -> None:
        self.content_type = content_type
        self.producer = make
        self.repeatable = repeatable
        self.size = size
        #: Whether some of it may have been sent.
        self.is_begun = False

    @property
    def can_be_sent(self) -> bool:
        """Whether it can be sent, perhaps once more."""
        return self.repeatable or not self.is_begun


def content_of(
    json: Any = None, data: Any = None, files: Any = None, *, has_json: bool = False
) -> Content | None:
    """Return the body that the arguments of a request describe; None for none.

    Raises:
        TypeError: it is of no kind that can be sent, or of two.
    """
    if has_json:
        if data is not None or files is not None:
            raise TypeError("a request has one body: give json=, or data= and files=")
        return _bytes(_json_of(json), "application/json")
    if files is not None:
        return _multipart(data, files)
    if data is None:
        return None
    if isinstance(data, str):
        return _bytes(data.encode(), "text/plain; charset=utf-8")
    if isinstance(data, (bytes, bytearray, memoryview)):
        return _bytes(bytes(data), None)
    if isinstance(data, Mapping):
        return _bytes(urlencode(data, doseq=True).encode("ascii"), "application/x-www-form-urlencoded")
    if IBodyProducer.providedBy(data):
        return Content(None, lambda: data, False)
    if hasattr(data, "read"):
        _check_binary(data)
        return _parts([data], None)
    if isinstance(data, Sequence) and all(isinstance(pair, tuple) for pair in data):
        return _bytes(urlencode(data).encode("ascii"), "application/x-www-form-urlencoded")
    if isinstance(data, AsyncIterable):
        return Content(None, lambda: _AsyncProducer(data), False)
    if isinstance(data, Iterable):
        return Content(None, lambda: _Producer(iter(data), UNKNOWN_LENGTH), False)
    raise TypeError(
        f"data={type(data).__name__} cannot be sent: give bytes, str, a dict, a list of pairs, a file, or what"
        " yields bytes"
    )


def _json_of(value: Any) -> bytes:
    """Return JSON.

    Raises:
        TypeError, ValueError: there is something that JSON does not have, and the message says so.
    """
    try:
        return _json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"json= cannot be sent: {error}") from None


def _bytes(data: bytes, content_type: str | None) -> Content:
    return Content(content_type, lambda: _BytesProducer(data), True, len(data))


@implementer(IBodyProducer)
class _BytesProducer:
    """Writes all at once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        if self._data:
            consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        pass

    def resumeProducing(self) -> None:
        pass

    def stopProducing(self) -> None:
        pass


class _Paced:
    """What pauses and resumes: `await self._turn()` waits while the consumer has enough."""

    def __init__(self) -> None:
        self._waiting: Deferred[None] | None = None
        self._is_paused = self._is_stopped = False
        self._running: Deferred[None] | None = None

    def startProducing(self, consumer: Any) -> Deferred[None]:
        self._running = ensureDeferred(self._produce(consumer))
        return self._running

    async def _produce(self, consumer: Any) -> None:
        raise NotImplementedError

    async def _turn(self) -> None:
        if self._is_paused:
            self._waiting = Deferred()
            await self._waiting

    def pauseProducing(self) -> None:
        self._is_paused = True

    def resumeProducing(self) -> None:
        self._is_paused = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        self._is_stopped = True
        running, self._running = self._running, None
        if running is not None and not running.called:
            running.addErrback(lambda _: None)
            running.cancel()


def _octets(piece: Any) -> bytes:
    """Return a piece of a body.

    Raises:
        TypeError: it is none.
    """
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, (bytearray, memoryview)):
        return bytes(piece)
    raise TypeError(f"a piece of a body is a {type(piece).__name__}: data= has to yield bytes")


@implementer(IBodyProducer)
class _Producer(_Paced):
    """Writes what an iterator yields, as fast as the server takes it."""

    def __init__(self, pieces: Iterator[bytes], length: Any) -> None:
        super().__init__()
        self._pieces = pieces
        self.length = length

    async def _produce(self, consumer: Any) -> None:
        for piece in self._pieces:
            if self._is_stopped:
                return
            consumer.write(_octets(piece))
            await self._turn()


@implementer(IBodyProducer)
class _AsyncProducer(_Paced):
    """Writes what an asynchronous iterator yields."""

    length = UNKNOWN_LENGTH

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        super().__init__()
        self._pieces = pieces

    async def _produce(self, consumer: Any) -> None:
        async for piece in self._pieces:
            if self._is_stopped:
                return
            consumer.write(_octets(piece))
            await self._turn()


# --- Files and forms --------------------------------------------------------------------------------------------------


def _size_of(part: Any) -> int | None:
    """Return how many octets a part has from here on; None for what cannot tell."""
    if isinstance(part, bytes):
        return len(part)
    try:
        here = part.tell()
        part.seek(0, os.SEEK_END)
        end: int = part.tell()
        part.seek(here)
    except (AttributeError, OSError, ValueError):
        return None
    return end - int(here)


def _parts(parts: list[Any], content_type: str | None) -> Content:
    """Return a body of bytes and files, one after the other."""
    sizes = [_size_of(part) for part in parts]
    starts = [
        None if isinstance(part, bytes) or size is None else part.tell()
        for part, size in zip(parts, sizes, strict=True)
    ]
    repeatable = None not in sizes

    def pieces() -> Iterator[bytes]:
        for part, start in zip(parts, starts, strict=True):
            if isinstance(part, bytes):
                yield part
                continue
            if start is not None:
                part.seek(start)
            while piece := part.read(_PIECE_BYTES):
                yield piece

    size = sum(size for size in sizes if size is not None) if repeatable else None
    length = UNKNOWN_LENGTH if size is None else size
    return Content(content_type, lambda: _Producer(pieces(), length), repeatable, size)


def _quoted(name: str) -> str:
    """Return a name as it may stand between the quotes of a part's header."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _multipart(data: Any, files: Any) -> Content:
    """Return a form with files in it."""
    boundary = token_hex(16)
    parts: list[Any] = []

    def add(name: str, body: Any, filename: str | None, content_type: str | None) -> None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'
        if filename is not None:
            head += f'; filename="{_quoted(filename)}"'
        if content_type is not None:
            if not content_type.isprintable():
                raise ValueError(f"{content_type!r} is no type of content")
            head += f"\r\nContent-Type: {content_type}"
        parts.extend([f"{head}\r\n\r\n".encode(), body, b"\r\n"])

    for name, value in _fields("data", data):
        add(name, str(value).encode() if not isinstance(value, bytes) else value, None, None)
    for name, given in _fields("files", files):
        filename, body, content_type = _file_of(name, given)
        add(name, body, filename, content_type)
    parts.append(f"--{boundary}--\r\n".encode())
    return _parts(parts, f"multipart/form-data; boundary={boundary}")


def _fields(what: str, given: Any) -> list[tuple[str, Any]]:
    """Return the fields of a form; a list stands for several of one name."""
    fields: list[tuple[str, Any]] = []
    for name, value in [] if given is None else pairs_of(what, given):
        values = value if isinstance(value, list) else [value]
        fields.extend((name, each) for each in values)
    return fields


def _file_of(name: str, given: Any) -> tuple[str, Any, str]:
    """Return name, contents and type of what was given for a file: contents, or a tuple of these.

    Raises:
        TypeError: it is neither.
    """
    filename, body, content_type = None, given, None
    if isinstance(given, tuple):
        if len(given) not in (2, 3):
            raise TypeError(
                f"files={{{name!r}: ...}}: give (name, contents) or (name, contents, content type)"
            )
        filename, body, *rest = given
        content_type = rest[0] if rest else None
    if isinstance(body, str):
        body = body.encode()
    if not isinstance(body, bytes) and not hasattr(body, "read"):
        raise TypeError(
            f"files={{{name!r}: ...}} is a {type(body).__name__}: give contents, or a file opened in binary mode"
        )
    _check_binary(body)
    if filename is None:
        path = getattr(body, "name", None)
        filename = os.path.basename(path) if isinstance(path, str) else name
    return filename, body, content_type or guess_type(filename)[0] or "application/octet-stream"


def _check_binary(file: Any) -> None:
    """Refuse a file of text at once.

    Raises:
        TypeError: it is one.
    """
    if isinstance(file, TextIOBase):
        raise TypeError("a file to be sent has to be opened in binary mode, as by open(path, 'rb')")
