"""A WebSocket between a client and an ASGI application.  Floor 4."""

from __future__ import annotations

from collections import deque
from typing import Any

from selvage.defer import Deferred, ensureDeferred
from selvage.failure import Failure, report
from selvage.web._answers import Drain
from selvage.web._status import FORBIDDEN
from selvage.web.asgi._answer import Answer
from selvage.web.websocket import WebSocketResource

__all__ = ["Conversation"]

#: Close codes: the program is done; it failed; there was no close (RFC 6455 section 7.4.1).
_NORMAL, _FAILED, _ABNORMAL = 1000, 1011, 1006

#: Bytes that may wait for the application to ask for them; then no more is read until it has.
_UNHEARD_BYTES = 1 << 20

#: What a message counts for beyond its length, so that empty ones are not free.
_MESSAGE_BYTES = 256


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
        self._unheard = 0
        self._paused = False
        self._waiting: Deferred[None] | None = None
        self._transport: Any = None
        self._drain: Drain | None = None
        self._refusal: Answer | None = None
        self._accepted = False
        self._over = False

    def begin(self) -> Deferred[None]:
        """Tell the application of the client; fires when it has returned, whatever became of it."""
        self._request.notifyFinish().addErrback(lambda _: self._lost())
        running: Deferred[Any] = ensureDeferred(self._application(self._scope, self._receive, self._send))
        return running.addCallbacks(lambda _: self._ended(_NORMAL), self._failed)

    # --- The application's side --------------------------------------------------------------------------------

    async def _receive(self) -> dict[str, Any]:
        while not self._events:
            self._waiting = Deferred()
            await self._waiting
        event = self._events.popleft()
        self._unheard -= _weight(event)
        if self._paused and self._unheard <= _UNHEARD_BYTES // 2:
            self._paused = False
            self._transport.transport.resumeProducing()
        return event

    async def _send(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "websocket.accept" and not self._accepted and self._refusal is None:
            self._accept(event.get("subprotocol"), event.get("headers", ()))
        elif kind == "websocket.close":
            self._close(event.get("code", _NORMAL), event.get("reason") or "")
        elif kind == "websocket.send" and self._accepted:
            await self._say(event)
        elif kind.startswith("websocket.http.response.") and not self._accepted:
            if self._refusal is None:
                self._refusal = Answer(self._request, "websocket.http")
            await self._refusal.send(event)
            self._over = self._refusal.is_complete
        else:
            raise RuntimeError(f"an ASGI server of WebSocket is not sent {kind!r} now")

    async def _say(self, event: dict[str, Any]) -> None:
        self._check_there()
        text = event.get("text")
        if text is not None:
            self._transport.sendTextMessage(text)
        else:
            self._transport.sendBytesMessage(event["bytes"])
        if self._drain is not None:
            await self._drain.wait()
            self._check_there()

    def _check_there(self) -> None:
        if self._over:
            raise OSError("the client has gone away")

    def _accept(self, subprotocol: str | None, headers: Any) -> None:
        self._accepted = True
        for name, value in headers:
            self._request.responseHeaders.addRawHeader(bytes(name), bytes(value))
        # Whose page it is the application decides: it has the headers.
        resource = WebSocketResource(
            self, origins=lambda request, origin: True, subprotocols=[subprotocol] if subprotocol else ()
        )
        body = resource.render_GET(self._request)
        if isinstance(body, bytes):  # no handshake after all
            self._over = True
            self._request.write(body)
            self._request.finish()

    def _close(self, code: int, reason: str) -> None:
        if self._over:
            return
        self._over = True
        if self._accepted:
            self._transport.loseConnection(code, reason)
        else:
            self._request.setResponseCode(FORBIDDEN)
            self._request.setHeader(b"content-length", b"0")
            self._request.finish()

    def _ended(self, code: int) -> None:
        if self._over:
            return
        if self._refusal is not None:
            self._failed(
                Failure(RuntimeError("the ASGI application returned before its answer was complete"))
            )
        else:
            self._close(code, "")

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
        wire = self._transport
        self._put(
            {
                "type": "websocket.disconnect",
                "code": _ABNORMAL if wire is None else wire.close_code,
                "reason": "" if wire is None else wire.close_reason,
            }
        )
        if self._refusal is not None:
            self._refusal.lose()
        if self._drain is not None:
            self._drain.resumeProducing()

    def _put(self, event: dict[str, Any]) -> None:
        self._events.append(event)
        self._unheard += _weight(event)
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)
        if self._unheard > _UNHEARD_BYTES and not self._paused and not self._over:
            self._paused = True
            self._transport.transport.pauseProducing()

    # --- The client's side: a factory of one protocol, and that protocol ---------------------------------------

    def buildProtocol(self, request: Any) -> Conversation:
        """Return itself."""
        return self

    def negotiationStarted(self, transport: Any) -> None:
        """Take the transport."""
        self._transport = transport

    def negotiationFinished(self) -> None:
        """Have the application wait for a client that does not read."""
        self._drain = Drain(_Sending(self._transport))

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


class _Sending:
    """A connection of WebSocket, as a consumer."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._wire.attachProducer(producer)

    def unregisterProducer(self) -> None:
        self._wire.detachProducer()


def _weight(event: dict[str, Any]) -> int:
    if event["type"] != "websocket.receive":
        return 0
    return _MESSAGE_BYTES + len(event.get("text") or event.get("bytes") or b"")
