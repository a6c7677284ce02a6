"""A resource that speaks WebSocket.  Floor 4.

Twisted: `WebSocketResource` of `twisted.web.websocket`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from selvage.web._resource import Resource
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._status import BAD_REQUEST, FORBIDDEN, SWITCHING
from selvage.web.websocket._deflate import accept_offer
from selvage.web.websocket._frames import MAX_FRAGMENTS, MAX_MESSAGE_BYTES, Frames
from selvage.web.websocket._handshake import (
    VERSION,
    BadHandshake,
    accept_token,
    check_request,
    choose_subprotocol,
    is_same_origin,
)
from selvage.web.websocket._interfaces import check_protocol
from selvage.web.websocket._wire import Wire

__all__ = ["WebSocketResource"]

_REFUSED = b"websocket protocol negotiation error"

_UPGRADE_REQUIRED = 426

#: Fields of the handshake's answer that the program does not set.
_NOT_IN_HANDSHAKE = frozenset(
    b"connection content-length content-type date sec-websocket-accept sec-websocket-extensions "
    b"sec-websocket-protocol server transfer-encoding upgrade".split()
)


class WebSocketResource(Resource):
    """Turns a request into a connection of WebSocket.

    Headers and cookies that are set on the request until `buildProtocol` returns go out with the answer to the handshake.

    Browsers send cookies along whichever page opens the connection, so that another site's page would speak in the name
    of the visitor.  By default, requests with a cookie or credentials are accepted only from pages of the same host.

    Args:
        factory: makes a protocol for each connection; None from its `buildProtocol` answers 403.
        origins: whose pages may connect: origins such as `"https://example.org"`, or a function of the request and its
            Origin header.  Requests without that header come from no page, and are not asked.
        subprotocols: those that are spoken; of what the client asks for, the first that is among them is agreed on.
        compress: agrees to permessage-deflate.
        max_message_bytes: of one message, inflated; a larger one ends the connection with 1009.
        max_fragments: frames of one message; more of them end the connection with 1009.
    """

    isLeaf = True

    def __init__(
        self,
        factory: Any,
        *,
        origins: Collection[str] | Callable[[Any, bytes], bool] | None = None,
        subprotocols: Collection[str] = (),
        compress: bool = True,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        max_fragments: int = MAX_FRAGMENTS,
    ) -> None:
        super().__init__()
        self._factory = factory
        self._origins = origins if origins is None or callable(origins) else frozenset(origins)
        self._subprotocols = subprotocols
        self._compress = compress
        self._max_message_bytes = max_message_bytes
        self._max_fragments = max_fragments

    def render_GET(self, request: Any) -> bytes | int:
        """Answer a handshake, and hand the connection over; all else is refused."""
        headers = request.requestHeaders
        try:
            key = check_request(request.method, request.clientproto, headers)
        except BadHandshake:
            request.setResponseCode(BAD_REQUEST)
            return _REFUSED
        if headers.getRawHeaders(b"sec-websocket-version") != [VERSION]:
            request.setResponseCode(_UPGRADE_REQUIRED, b"Upgrade Required")
            request.setHeader(b"sec-websocket-version", VERSION)
            return _REFUSED
        if not self._may_connect(request):
            request.setResponseCode(FORBIDDEN)
            return b"pages of this origin may not connect"
        protocol = self._factory.buildProtocol(request)
        if protocol is None:
            request.setResponseCode(FORBIDDEN)
            return b"refused"
        check_protocol(protocol, self._factory)
        self._accept(request, key, protocol)
        return NOT_DONE_YET

    def _may_connect(self, request: Any) -> bool:
        headers = request.requestHeaders
        given = headers.getRawHeaders(b"origin", [])
        if not given:
            return True
        origin: bytes = given[0]
        if len(given) > 1:
            return False
        if callable(self._origins):
            return self._origins(request, origin)
        if self._origins is not None:
            return origin.decode("latin-1") in self._origins
        if not headers.hasHeader(b"cookie") and not headers.hasHeader(b"authorization"):
            return True
        return is_same_origin(origin, request.getHeader(b"host") or b"", request.isSecure())

    def _accept(self, request: Any, key: bytes, protocol: Any) -> None:
        headers = request.requestHeaders
        lines = [
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + accept_token(key),
        ]
        subprotocol = choose_subprotocol(headers, self._subprotocols)
        if subprotocol is not None:
            lines.append(b"Sec-WebSocket-Protocol: " + subprotocol.encode("ascii"))
        offers = b", ".join(headers.getRawHeaders(b"sec-websocket-extensions", [])).decode("latin-1")
        accepted = accept_offer(offers, self._max_message_bytes) if self._compress else None
        if accepted is not None:
            lines.append(b"Sec-WebSocket-Extensions: " + accepted[0].encode("ascii"))
        deflate = None if accepted is None else accepted[1]
        frames = Frames(False, deflate, self._max_message_bytes, self._max_fragments)
        channel = request.channel
        wire = _ServerWire(frames, protocol, channel.callLater, subprotocol)
        lines += [
            b"%b: %b" % (name, value)
            for name, values in request.responseHeaders.getAllRawHeaders()
            if name.lower() not in _NOT_IN_HANDSHAKE
            for value in values
        ]
        lines += [b"Set-Cookie: " + cookie for cookie in request.cookies]
        wire.answer = b"\r\n".join([*lines, b"", b""])
        request.setResponseCode(SWITCHING)
        channel.upgrade(wire)


class _ServerWire(Wire):
    #: The answer to the handshake.
    answer = b""

    def connectionMade(self) -> None:
        """Answer the handshake, and tell the program."""
        try:
            try:
                self._protocol.negotiationStarted(self)
            finally:
                self.transport.write(self.answer)
            self._protocol.negotiationFinished()
        except Exception:
            self._program_failed()
