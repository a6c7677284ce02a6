"""An ASGI application in the place of a resource.  Floor 4."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from selvage.defer import CancelledError, Deferred, ensureDeferred, succeed
from selvage.failure import Failure
from selvage.web._answers import Drain
from selvage.web._resource import Resource
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._site_request import path_of_url
from selvage.web.asgi._lifespan import Lifespan
from selvage.web.asgi._websocket import Conversation

__all__ = ["ASGIResource"]

#: Bytes of a body that are handed over at once.
_PIECE = 65536

_ASGI = {"version": "3.0", "spec_version": "2.4"}

_VERSIONS = {b"HTTP/1.0": "1.0", b"HTTP/1.1": "1.1", b"HTTP/2": "2"}


class ASGIResource(Resource):
    """Has an ASGI application answer, on the reactor's loop and in its thread.

    Put it anywhere in a tree: the path that leads to it is the application's `root_path`.

    Args:
        application: called with scope, receive and send.

    Headers with an underscore in their names are left out: what reads them by WSGI's rules would take them for those with a
    hyphen.
    """

    isLeaf = True

    def __init__(self, application: Any) -> None:
        super().__init__()
        self._application = application
        self._state: dict[str, Any] = {}
        self._lifespan: Lifespan | None = None

    def startup(self) -> Deferred[None]:
        """Let the application start; call it before the first request.

        Fires with None when it has, or knows no lifespan.
        Fails with `LifespanFailed`.
        """
        self._lifespan = Lifespan(self._application, self._state)
        return self._lifespan.startup()

    def shutdown(self) -> Deferred[None]:
        """Let the application stop; call it after the last request.

        Fires with None when it has.
        Fails with `LifespanFailed`.
        """
        if self._lifespan is None:
            return succeed(None)
        return self._lifespan.shutdown()

    def render(self, request: Any) -> int:
        """Have the application answer."""
        upgrade = (request.getHeader(b"upgrade") or b"").lower()
        if upgrade == b"websocket" and request.method == b"GET":
            Conversation(self._application, self._scope(request, "websocket"), request).begin()
        else:
            _Exchange(self._application, self._scope(request, "http"), request).begin()
        return NOT_DONE_YET

    def _scope(self, request: Any, kind: str) -> dict[str, Any]:
        secure = request.isSecure()
        raw_path, _, query = request.uri.partition(b"?")
        if raw_path[:1] != b"/":
            raw_path = path_of_url(raw_path)
        root = "".join("/" + segment.decode("utf-8", "replace") for segment in request.prepath)
        scheme = {"http": "http", "websocket": "ws"}[kind] + ("s" if secure else "")
        scope = {
            "type": kind,
            "asgi": _ASGI,
            "http_version": _VERSIONS.get(request.clientproto, "1.1"),
            "scheme": scheme,
            "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
            "raw_path": raw_path,
            "query_string": query,
            "root_path": root,
            "headers": [
                (name.lower(), value)
                for name, values in request.requestHeaders.getAllRawHeaders()
                if b"_" not in name
                for value in values
            ],
            "client": _address(request.getClientAddress()),
            "server": _address(request.getHost()),
            "state": self._state.copy(),
        }
        if kind == "http":
            scope["method"] = request.method.decode("ascii", "replace")
        return scope


def _address(address: Any) -> tuple[str, int | None] | None:
    host = getattr(address, "host", None)
    if host is not None:
        return host, address.port
    name = getattr(address, "name", None)
    return None if name is None else (str(name), None)


class _Exchange:
    """One request to the application, and its answer."""

    def __init__(self, application: Any, scope: dict[str, Any], request: Any) -> None:
        self._application = application
        self._scope = scope
        self._request = request
        self._gone: Deferred[None] = Deferred()  # fires when the client is gone, or has its answer
        self._lost = False
        self._body_read = False
        self._started = False
        self._drain: Drain | None = None

    def begin(self) -> None:
        self._request.notifyFinish().addBoth(self._finished)
        running: Deferred[Any] = ensureDeferred(self._application(self._scope, self._receive, self._send))
        running.addCallbacks(self._returned, self._failed)

    def _finished(self, result: object) -> None:
        self._lost = isinstance(result, Failure)
        self._gone.callback(None)

    async def _receive(self) -> dict[str, Any]:
        if not self._body_read and not self._gone.called:
            piece = self._request.content.read(_PIECE)
            self._body_read = len(piece) < _PIECE
            return {"type": "http.request", "body": piece, "more_body": not self._body_read}
        if not self._gone.called:
            waiting: Deferred[None] = Deferred()
            self._gone.addCallback(waiting.callback)
            await waiting
        return {"type": "http.disconnect"}

    async def _send(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if self._lost:
            raise OSError("the client has gone away")
        if kind == "http.response.start":
            self._start(event)
        elif kind == "http.response.body":
            await self._body(event.get("body", b""), event.get("more_body", False))
        else:
            raise RuntimeError(f"an ASGI server of HTTP is not sent {kind!r}")

    def _start(self, event: dict[str, Any]) -> None:
        if self._started:
            raise RuntimeError("http.response.start was sent twice")
        self._started = True
        request = self._request
        request.defaultContentType = None
        request.setResponseCode(event["status"])
        for name, value in event.get("headers", ()):
            name = bytes(name)
            if name.lower() in (b"date", b"server"):
                request.setHeader(name, bytes(value))
            elif name.lower() not in (b"transfer-encoding", b"connection"):
                request.responseHeaders.addRawHeader(name, bytes(value))

    async def _body(self, data: bytes, more: bool) -> None:
        if not self._started:
            raise RuntimeError("http.response.body was sent before http.response.start")
        request = self._request
        if request.finished:
            raise RuntimeError("http.response.body was sent after the last one")
        if not more and self._drain is None:
            request.write(bytes(data))
            request.finish()
            return
        if self._drain is None:
            self._drain = Drain(request)
        request.write(bytes(data))
        await self._drain.wait()
        if not more:
            self._drain.end()
            request.finish()

    def _returned(self, _: object) -> None:
        if not self._request.finished and not self._lost:
            self._failed(
                Failure(RuntimeError("the ASGI application returned before its answer was complete"))
            )

    def _failed(self, failure: Failure) -> None:
        if self._lost and failure.check(OSError, CancelledError):
            return
        self._request.processingFailed(failure)
