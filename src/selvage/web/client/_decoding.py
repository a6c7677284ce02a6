"""Bodies that are sent compressed.  Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.interfaces import IPushProducer, implementer
from selvage.protocols import Protocol, connectionDone
from selvage.web._headers import Headers
from selvage.web.client._codecs import CODECS, Codec, ContentDecodingError
from selvage.web.client._errors import BodyTooLarge, ResponseDone, ResponseFailed
from selvage.web.interfaces import UNKNOWN_LENGTH, IAgent, IResponse

__all__ = [
    "BrotliDecoder",
    "ContentDecoderAgent",
    "DeflateDecoder",
    "GzipDecoder",
    "ZstandardDecoder",
]

#: Octets of one step of decompression.
_STEP_BYTES = 64 * 1024

#: A body may grow to this many octets however small it came ...
_FREE_BYTES = 64 * 1024 * 1024
#: ... and from there on to so many times what came.  Text that is made to compress well reaches 100; a bomb 1,000 (gzip,
#: the most that it can) or 100,000 (brotli, zstd).
_RATIO = 200


#: Encodings in a row that are taken off.  curl's limit; nobody needs more than one.
_LAYERS = 5


@implementer(IPushProducer)
class _Throttle:
    """Stands between a body's protocol and the transport, and holds back what is decompressed, too."""

    disconnecting = False

    def __init__(self, decoding: _Decoding, transport: Any) -> None:
        self._decoding = decoding
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def pauseProducing(self) -> None:
        self._decoding.is_paused = True
        self._transport.pauseProducing()

    def resumeProducing(self) -> None:
        self._decoding.is_paused = False
        self._decoding.run()
        if not self._decoding.is_paused:
            self._transport.resumeProducing()

    def stopProducing(self) -> None:
        self._decoding.give_up()
        self._transport.stopProducing()


class _Decoding(Protocol):
    """Decompresses a body on its way to its protocol.

    Args:
        protocol: gets the body.
        response: whose body it is.
        codec: decompresses.
        limit_bytes: how large the decompressed body may be, besides what `_RATIO` says.
    """

    transport: Any

    def __init__(self, protocol: Any, response: Any, codec: Codec, limit_bytes: int | None) -> None:
        self.is_paused = False
        self._protocol = protocol
        self._response = response
        self._codec = codec
        self._limit = limit_bytes
        self._received = 0
        self._decoded = 0
        self._reason: Failure | None = None  # why the body has ended, while there is more to decompress
        self._is_running = False

    def logPrefix(self) -> str:
        """Return the name of who gets the body."""
        return type(self._protocol).__name__

    def makeConnection(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        self._protocol.makeConnection(None if transport is None else _Throttle(self, transport))

    def dataReceived(self, data: bytes) -> None:
        """Decompress.

        Raises:
            ResponseFailed: it cannot be decompressed.
        """
        if self._protocol is not None:
            self._received += len(data)
            self._codec.feed(data)
            self.run()

    def run(self) -> None:
        """Hand on step by step, until there is no more or the protocol has enough."""
        if self._is_running:
            return  # the protocol has resumed within its `dataReceived`
        self._is_running = True
        try:
            while not self.is_paused and self._protocol is not None:
                data = self._codec.step(_STEP_BYTES)
                if not data:
                    break
                self._decoded += len(data)
                self._check_size()
                self._protocol.dataReceived(data)
        except (ContentDecodingError, BodyTooLarge) as error:
            self._fail(error)
        finally:
            self._is_running = False
        if self._reason is not None and not self.is_paused:
            self._end(self._reason)

    def _check_size(self) -> None:
        if self._limit is not None and self._decoded > self._limit:
            raise BodyTooLarge(self._limit, decoded=True)
        if self._decoded > _FREE_BYTES and self._decoded > self._received * _RATIO:
            raise ContentDecodingError(
                f"the body grows to more than {_RATIO} times its size when it is decompressed"
                f" ({self._received} octets to {self._decoded} so far)"
            )

    def _fail(self, error: Exception) -> None:
        """End the body, and the connection with it."""
        # zlib's own error comes first for programs that look for it, as they do with Twisted.
        reasons = [Failure(each) for each in (error.__cause__, error) if each is not None]
        if self.transport is None:
            self._protocol = None
            raise ResponseFailed(reasons, self._response)
        self._end(Failure(ResponseFailed(reasons, self._response)))
        self.transport.abortConnection()

    def _end(self, reason: Failure) -> None:
        protocol, self._protocol, self._reason = self._protocol, None, None
        if protocol is not None:
            protocol.connectionLost(reason)

    def give_up(self) -> None:
        """Hand nothing on any more."""
        self._protocol = None

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the protocol, when it has got all that there is."""
        if self._protocol is None:
            return
        if reason.check(ResponseDone) and self._received and not self._is_whole():
            error = ContentDecodingError("the body ends before its compressed data does")
            reason = Failure(ResponseFailed([reason, Failure(error)], self._response))
        self._reason = reason
        self.run()

    def _is_whole(self) -> bool:
        # What is held back has not been looked at, so it is not known yet.
        return self.is_paused or self._codec.finished


@implementer(IResponse)
class _DecodedResponse:
    """A response whose body is decompressed as it is delivered.

    Args:
        response: as it came.
    """

    #: The name of the encoding.
    encoding: ClassVar[bytes]

    #: How large the decompressed body may be; None for what is in proportion to what came.
    limit_bytes: int | None = None

    length: Any = UNKNOWN_LENGTH

    def __init__(self, response: Any) -> None:
        self.original = response

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.original!r}>"

    @property
    def version(self) -> Any:
        """As it came."""
        return self.original.version

    @property
    def code(self) -> int:
        """As it came."""
        return self.original.code  # type: ignore[no-any-return]

    @property
    def phrase(self) -> bytes:
        """As it came."""
        return self.original.phrase  # type: ignore[no-any-return]

    @property
    def headers(self) -> Headers:
        """As they came, without the encoding."""
        return self.original.headers  # type: ignore[no-any-return]

    @property
    def request(self) -> Any:
        """As it is known."""
        return self.original.request

    @property
    def previousResponse(self) -> Any:
        """As it is known."""
        return self.original.previousResponse

    @property
    def trailers(self) -> Headers:
        """As they came."""
        return self.original.trailers  # type: ignore[no-any-return]

    # For who closes the connection by it, and for `discard_body`.

    @property
    def _transport(self) -> Any:
        return self.original._transport

    @property
    def _state(self) -> Any:
        return getattr(self.original, "_state", None)

    def setPreviousResponse(self, previousResponse: Any) -> None:
        """Set it."""
        self.original.setPreviousResponse(previousResponse)

    def deliverBody(self, protocol: Any) -> None:
        """Hand the decompressed body to a protocol; as `Response.deliverBody`.

        Fails, by the reason that `connectionLost` is told, with `ResponseFailed` of `ContentDecodingError` when it
        cannot be decompressed, or grows beyond all measure.
        """
        codec = CODECS[self.encoding]()
        self.original.deliverBody(_Decoding(protocol, self.original, codec, self.limit_bytes))


class GzipDecoder(_DecodedResponse):
    """Decompresses gzip.  Twisted: `twisted.web.client.GzipDecoder`."""

    encoding = b"gzip"


class DeflateDecoder(_DecodedResponse):
    """Decompresses deflate."""

    encoding = b"deflate"


class BrotliDecoder(_DecodedResponse):
    """Decompresses br.  Needs brotli: `pip install selvage[http]`."""

    encoding = b"br"


class ZstandardDecoder(_DecodedResponse):
    """Decompresses zstd.  Needs backports.zstd before Python 3.14: `pip install selvage[http]`."""

    encoding = b"zstd"


DECODERS: dict[bytes, type[_DecodedResponse]] = {
    b"gzip": GzipDecoder,
    b"x-gzip": GzipDecoder,
    b"deflate": DeflateDecoder,
    b"br": BrotliDecoder,
    b"zstd": ZstandardDecoder,
}


@implementer(IAgent)
class ContentDecoderAgent:
    """Asks for compressed bodies, and decompresses them.

    Args:
        agent: sends the requests.
        decoders: pairs of an encoding's name and what makes a response of a response; the server is told of them in
            this order.

    Twisted: `twisted.web.client.ContentDecoderAgent`.
    """

    def __init__(self, agent: Any, decoders: Sequence[tuple[bytes, Any]]) -> None:
        self._agent = agent
        self._decoders = dict(decoders)
        self._supported = b",".join(name for name, _ in decoders)

    def request(
        self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: Any = None
    ) -> Deferred[Any]:
        """Send a request; as `Agent.request`."""
        headers = Headers() if headers is None else headers.copy()
        headers.addRawHeader(b"accept-encoding", self._supported)
        answered: Deferred[Any] = self._agent.request(method, uri, headers, bodyProducer)
        return answered.addCallback(self._handleResponse)

    def _handleResponse(self, response: Any) -> Any:
        """Return the response, decoded as far as its encodings are known, the last one first."""
        values = response.headers.getRawHeaders(b"content-encoding", [])
        encodings = [name.strip() for name in b",".join(values).split(b",") if name.strip()]
        if len(encodings) > _LAYERS:
            error = ContentDecodingError(f"the body is encoded {len(encodings)} times over")
            raise ResponseFailed([Failure(error)], response)
        left = list(encodings)
        while left:
            decoder = self._decoders.get(left[-1].lower())  # RFC 9110 section 8.4.1
            if decoder is None:
                break
            left.pop()
            response = decoder(response)
        if len(left) < len(encodings):
            if left:
                response.headers.setRawHeaders(b"content-encoding", [b",".join(left)])
            else:
                response.headers.removeHeader(b"content-encoding")
        return response
