"""A WebSocket between a client and an ASGI application.  Floor 4."""

from __future__ import annotations

from collections import deque
from typing import Any

from selvage.defer import Deferred, ensureDeferred
from selvage.failure import Failure, report
from selvage.web._status import FORBIDDEN
from selvage.web.websocket import WebSocketResource

__all__ = ["Conversation"]

#: Close codes: the program is done; it failed (RFC 6455 section 7.4.1).
_NORMAL, _FAILED, _NO_STATUS = 1000, 1011, 1005


class Conversation:
    """Carries messages to and fro; to the client's side it is the protocol, which it makes when the application accepts."""

    def __init__(self, application: Any, scope: dict[str, Any], request: Any) -> None:
        self._application = application
        self._request = request
        offered = request.requestHeaders.getRawHeaders(b"sec-websocket-protocol", [])
        scope["subprotocols"] = [
            word.strip().decode("latin-1") for word in b",".join(offered).split(b",") if word.strip()
        ]
        self._scope = scope
        self._events: deque[dict[str, Any]] = deque([{"type": "websocket.connect"}])
        self._waiting: Deferred[None] | None = None
        self._transport: Any = None
        self._accepted = False
        self._over = False

    def begin(self) -> None:
        """Tell the application of the client."""
        self._request.notifyFinish().addErrback(lambda _: self._lost())
        running: Deferred[Any] = ensureDeferred(self._application(self._scope, self._receive, self._send))
        running.addCallbacks(lambda _: self._ended(_NORMAL), self._failed)

    # --- The application's side --------------------------------------------------------------------------------

    async def _receive(self) -> dict[str, Any]:
        while not self._events:
            self._waiting = Deferred()
            await self._waiting
        return self._events.popleft()

    async def _send(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "websocket.accept" and not self._accepted:
            self._accept(event.get("subprotocol"))
        elif kind == "websocket.close":
            self._close(event.get("code", _NORMAL))
        elif kind == "websocket.send" and self._accepted:
            if self._over:
                raise OSError("the client has gone away")
            text = event.get("text")
            if text is not None:
                self._transport.sendTextMessage(text)
            else:
                self._transport.sendBytesMessage(event["bytes"])
        else:
            raise RuntimeError(f"an ASGI server of WebSocket is not sent {kind!r} now")

    def _accept(self, subprotocol: str | None) -> None:
        self._accepted = True
        # Whose page it is the application decides: it has the headers.
        resource = WebSocketResource(
            self, origins=lambda request, origin: True, subprotocols=[subprotocol] if subprotocol else ()
        )
        body = resource.render_GET(self._request)
        if isinstance(body, bytes):  # no handshake after all
            self._over = True
            self._request.write(body)
            self._request.finish()

    def _close(self, code: int) -> None:
        if self._over:
            return
        self._over = True
        if self._accepted:
            self._transport.loseConnection(code)
        else:
            self._request.setResponseCode(FORBIDDEN)
            self._request.setHeader(b"content-length", b"0")
            self._request.finish()

    def _ended(self, code: int) -> None:
        if not self._over:
            self._close(code)

    def _failed(self, failure: Failure) -> None:
        if self._over and failure.check(OSError):
            return
        if not self._accepted and not self._over:
            self._over = True
            self._request.processingFailed(failure)
            return
        report(failure, "Error in a WebSocket of an ASGI application", source="web", request=self._request)
        self._ended(_FAILED)

    def _lost(self) -> None:
        self._over = True
        self._put({"type": "websocket.disconnect", "code": _NO_STATUS})

    def _put(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    # --- The client's side: a factory of one protocol, and that protocol ---------------------------------------

    def buildProtocol(self, request: Any) -> Conversation:
        """Return itself."""
        return self

    def negotiationStarted(self, transport: Any) -> None:
        """Take the transport."""
        self._transport = transport

    def negotiationFinished(self) -> None:
        """Take notice that messages can be sent."""

    def textMessageReceived(self, message: str) -> None:
        """Hand a message on."""
        self._put({"type": "websocket.receive", "text": message})

    def bytesMessageReceived(self, data: bytes | bytearray) -> None:
        """Hand a message on."""
        self._put({"type": "websocket.receive", "bytes": bytes(data)})

    def pongReceived(self, payload: bytes) -> None:
        """Do nothing: applications do not hear of pongs."""

    def connectionLost(self, reason: Failure) -> None:
        """Tell the application."""
        self._lost()
