"""An ASGI application in the place of a resource.  Floor 4."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from selvage.defer import CancelledError, Deferred, ensureDeferred
from selvage.failure import Failure
from selvage.web._resource import Resource
from selvage.web._sentinels import NOT_DONE_YET
from selvage.web._site_request import path_of_url
from selvage.web.asgi._answer import Answer
from selvage.web.asgi._lifespan import Lifespan
from selvage.web.asgi._websocket import Conversation
from selvage.web.errors import RequestBodyError

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

    It is called when the head of a request is there, and receives the body as it comes; `body_limits` say how much, and how
    slowly.

    Headers with an underscore in their names are left out: what reads them by WSGI's rules would take them for those with a
    hyphen.
    """

    isLeaf = True
    streams_body = True

    def __init__(self, application: Any) -> None:
        super().__init__()
        if not callable(application):
            raise TypeError(f"{application!r} is no ASGI application: it cannot be called")
        self._application = application
        self._state: dict[str, Any] = {}
        self._lifespan: Lifespan | None = None
        # What the application has begun and not ended; it may go on after its answer.
        self._running: set[Deferred[None]] = set()
        self._idle: Deferred[None] | None = None  # made when it is to stop

    def startup(self) -> Deferred[None]:
        """Let the application start; call it before the first request.

        Fires with None when it has, or knows no lifespan.
        Fails with `LifespanFailed`.
        """
        self._lifespan = Lifespan(self._application, self._state)
        return self._lifespan.startup()

    def shutdown(self) -> Deferred[None]:
        """Let the application come to the end of what it does, background tasks included, and stop; call it after the last request.

        Fires with None when it has.
        Fails with `LifespanFailed`.  Cancelling gives up waiting.
        """
        self._idle = Deferred()
        if not self._running:
            self._idle.callback(None)
        lifespan = self._lifespan
        return self._idle if lifespan is None else self._idle.addCallback(lambda _: lifespan.shutdown())

    def render(self, request: Any) -> int:
        """Have the application answer."""
        upgrade = (request.getHeader(b"upgrade") or b"").lower()
        if upgrade == b"websocket" and request.method == b"GET":
            running = Conversation(self._application, self._scope(request, "websocket"), request).begin()
        else:
            running = _Exchange(self._application, self._scope(request, "http"), request).begin()
        if not running.called:
            self._running.add(running)
            running.addBoth(self._ended, running)
        return NOT_DONE_YET

    def _ended(self, result: Any, running: Deferred[None]) -> Any:
        self._running.discard(running)
        if not self._running and self._idle is not None and not self._idle.called:
            self._idle.callback(None)
        return result

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
        if kind == "websocket":
            scope["extensions"] = {"websocket.http.response": {}}
        else:
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
        self._answer = Answer(request)
        self._gone = False  # whether the client is gone, or has its answer
        self._waiting: list[Deferred[None]] = []  # fire then
        self._body_read = False

    def begin(self) -> Deferred[None]:
        """Call the application; fires when it has returned, whatever became of it."""
        self._request.notifyFinish().addBoth(self._finished)
        running: Deferred[Any] = ensureDeferred(
            self._application(self._scope, self._receive, self._answer.send)
        )
        return running.addCallbacks(self._returned, self._failed)

    def _finished(self, result: object) -> None:
        if isinstance(result, Failure):
            self._answer.lose()
        self._gone = True
        while self._waiting:
            self._waiting.pop(0).callback(None)

    async def _receive(self) -> dict[str, Any]:
        if not self._body_read and not self._gone:
            body = self._request.body
            try:
                piece = await body.read(_PIECE)
            except RequestBodyError as error:
                self._body_read = True
                self._answer_for(error)
            else:
                self._body_read = body.at_end
                return {"type": "http.request", "body": piece, "more_body": not self._body_read}
        if not self._gone:
            waiting: Deferred[None] = Deferred(self._waiting.remove)
            self._waiting.append(waiting)
            await waiting
        return {"type": "http.disconnect"}

    def _answer_for(self, error: RequestBodyError) -> None:
        """Answer in the place of the application, which can only be told that the client is gone."""
        if not self._gone:
            self._answer.lose()
            self._request.processingFailed(Failure(error))

    def _returned(self, _: object) -> None:
        if not self._answer.is_complete:
            self._failed(
                Failure(RuntimeError("the ASGI application returned before its answer was complete"))
            )

    def _failed(self, failure: Failure) -> None:
        if self._answer.is_lost and failure.check(OSError, CancelledError):
            return
        self._request.processingFailed(failure)
