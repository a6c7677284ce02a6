"""What the pleasant client answers with.  Floor 4."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncIterator
from email.message import Message
from typing import TYPE_CHECKING, Any

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.protocols import Protocol, connectionDone
from selvage.web._headers import Headers
from selvage.web._losses import PotentialDataLoss
from selvage.web.client._errors import BodyTooLarge, ResponseDone
from selvage.web.client._failures import RequestError, StatusError
from selvage.web.client._uri import redacted

__all__ = ["BodyReader", "ClientResponse"]

#: Octets of a body that may wait for their reader before the server is held back.
_HIGH_WATER_BYTES = 256 * 1024
#: Characters of a line that `lines` waits for; events and records of JSON have some thousand.
LINE_LIMIT = 1024 * 1024


class BodyReader(Protocol):
    """A body as pieces to wait for, with back-pressure.

    Args:
        limit_bytes: how large it may be in all; None for no limit.
        call: whose body it is; its clock for reading runs while the server may send.
    """

    transport: Any

    def __init__(self, limit_bytes: int | None, call: Any) -> None:
        self._limit = limit_bytes
        self._call = call
        self._pieces: list[bytes] = []
        self._held = 0
        self._size = 0
        self._failure: Failure | None = None
        self._is_over = False
        self._is_paused = False
        self._waiting: Deferred[None] | None = None

    def dataReceived(self, data: bytes) -> None:
        """Keep a piece for the reader."""
        if self._is_over:
            return
        self._call.touch()
        self._size += len(data)
        if self._limit is not None and self._size > self._limit:
            self.fail(Failure(BodyTooLarge(self._limit)))
            return
        self._pieces.append(data)
        self._held += len(data)
        if self._held > _HIGH_WATER_BYTES and not self._is_paused and self.transport is not None:
            self._is_paused = True
            self._call.unwatch()
            self.transport.pauseProducing()
        self._wake()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Know how it ended."""
        # Most servers of HTTP/1.0 mark the end like that, and nothing says that it is not one.
        is_whole = reason.check(ResponseDone, PotentialDataLoss) is not None
        self._end(None if is_whole else reason)

    def _end(self, failure: Failure | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._failure = failure
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    async def next(self) -> bytes:
        """Return what has come, or wait for it; nothing when it is over.

        Raises: what it ended with.
        """
        while not self._pieces:
            if self._is_over:
                if self._failure is not None:
                    raise self._failure.value
                return b""
            self._waiting = Deferred()
            await self._waiting
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        if self._is_paused and not self._is_over:
            self._is_paused = False
            self._call.watch("read")
            self.transport.resumeProducing()
        return data

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self._is_over

    def fail(self, failure: Failure) -> None:
        """Give the body up, and tell the reader why."""
        self._pieces.clear()
        self._end(failure)
        self._abort()

    def close(self) -> None:
        """Close the connection unless the body is over."""
        if not self._is_over:
            self._pieces.clear()
            self._end(Failure(RuntimeError("the response was closed before its body had come")))
            self._abort()

    def _abort(self) -> None:
        abort = getattr(self.transport, "abortConnection", None)
        if abort is not None:
            abort()


#: Codecs of Python that are no charsets: some cannot replace what is wrong, some take time that grows with the square.
_NO_CHARSETS = frozenset(
    {"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)

#: What other clients call things.
_ELSEWHERE = {
    "aiter_bytes": "chunks()",
    "aiter_lines": "lines()",
    "aread": "read()",
    "body": "content",
    "code": "status",
    "cookies": "cookies of the Client",
    "is_error": "ok",
    "is_success": "ok",
    "iter_content": "chunks()",
    "iter_lines": "lines()",
    "phrase": "reason",
    "reason_phrase": "reason",
    "status_code": "status",
}


def _is_text(charset: str) -> bool:
    """Tell whether there is such a charset."""
    try:
        "".encode(charset)
        return codecs.lookup(charset).name not in _NO_CHARSETS
    except (LookupError, ValueError):
        return False


class ClientResponse:
    """A response.

    Attributes:
        status: the code, such as 200.
        reason: the phrase beside it.
        headers: `Headers`; `headers.getRawHeaders("content-type")` is a list or None.
        url: where it came from, after redirections.
        method: of the request that it answers.
        http_version: such as "HTTP/1.1".
        history: the redirections that led here, oldest first.
        content: the body, decompressed; of a streamed response only once `read` was awaited.
    """

    def __init__(self, method: str, url: str, response: Any, history: list[ClientResponse]) -> None:
        self.method = method
        self.url = url
        self.status: int = response.code
        self.reason: str = response.phrase.decode("latin-1")
        self.headers: Headers = response.headers
        name, major, minor = response.version
        self.http_version = f"{name.decode('ascii')}/{major}.{minor}"
        self.history = history
        self._original = response
        self._content: bytes | None = None

    def __repr__(self) -> str:
        return f"<ClientResponse {self.status} {self.reason}".rstrip() + ">"

    @property
    def ok(self) -> bool:
        """Whether the code is below 400."""
        return self.status < 400

    @property
    def trailers(self) -> Headers:
        """The fields behind the body, once it is whole."""
        return self._original.trailers  # type: ignore[no-any-return]

    @property
    def original(self) -> Any:
        """The `IResponse`."""
        return self._original

    @property
    def content(self) -> bytes:
        """The body.

        Raises:
            RuntimeError: it has not been read.
        """
        if self._content is None:
            raise RuntimeError("the body has not been read: `await response.read()` first")
        return self._content

    @property
    def encoding(self) -> str:
        """The charset that the header names, or UTF-8."""
        values = self.headers.getRawHeaders(b"content-type")
        if values:
            parser = Message()
            parser["content-type"] = values[0].decode("latin-1")
            charset = parser.get_content_charset()
            if charset and _is_text(charset):
                return charset
        return "utf-8"

    @property
    def text(self) -> str:
        """The body as text; what is none in its charset becomes U+FFFD."""
        return self.content.decode(self.encoding, "replace")

    def json(self, **options: Any) -> Any:
        """Return the body as JSON.

        Raises:
            ValueError: it is none (`json.JSONDecodeError`, with a note of what it is).
        """
        try:
            return json.loads(self.content, **options)
        except ValueError as error:
            kind = (self.headers.getRawHeaders("content-type") or ["no type"])[0]
            error.add_note(f"{self.method} {redacted(self.url)} answered {self.status} with {kind!r}")
            raise

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            meant = _ELSEWHERE.get(name)
            hint = f": use {meant}" if meant else ""
            raise AttributeError(
                f"a {type(self).__name__} has no attribute {name!r}{hint}", name=name, obj=self
            )

    def raise_for_status(self) -> ClientResponse:
        """Return this response.

        Raises:
            StatusError: the code is 400 or higher.
        """
        if not self.ok:
            raise StatusError(self)
        return self


class StreamedResponse(ClientResponse):
    """A response whose body is taken as it comes; see `Client.stream`."""

    def __init__(self, call: Any, reader: BodyReader, response: Any, history: list[ClientResponse]) -> None:
        super().__init__(call.method, call.url, response, history)
        self._call = call
        self._reader = reader

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body, decompressed, in the pieces in which it comes.

        Raises:
            RequestError: it is cut short, too large or not what its encoding says.
        """
        try:
            while piece := await self._reader.next():
                yield piece
        except Exception as error:
            told = self._call.error_of(error)
            raise told from told.__cause__

    async def lines(self, limit: int = LINE_LIMIT) -> AsyncIterator[str]:
        """Yield the body as lines of text, without their ends (LF or CR LF).

        Args:
            limit: characters that a line may have.

        Raises:
            RequestError: as of `chunks`, or a line is longer.
        """
        decode = codecs.getincrementaldecoder(self.encoding)("replace").decode
        begun: list[str] = []
        size = 0
        async for piece in self.chunks():
            *whole, rest = decode(piece).split("\n")
            for line in whole:
                begun.append(line)
                yield "".join(begun).removesuffix("\r")
                begun.clear()
                size = 0
            begun.append(rest)
            size += len(rest)
            if size > limit:
                raise RequestError("body", self.method, self.url, f"a line has more than {limit} characters")
        last = "".join(begun) + decode(b"", True)
        if last:
            yield last

    async def read(self) -> bytes:
        """Return the whole body, which is `content` from then on."""
        if self._content is None:
            self._content = b"".join([piece async for piece in self.chunks()])
        return self._content
