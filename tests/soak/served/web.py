"""A site, over HTTP/1.1 and HTTP/2 over TLS: answers of each kind, bodies read and unread, WebSocket."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any

from selvage.defer import Deferred
from selvage.reactor import get_reactor
from selvage.tasks import deferLater
from selvage.tls import PrivateCertificate
from selvage.web.resource import Resource
from selvage.web.server import NOT_DONE_YET, Limits, Session, Site
from selvage.web.static import File
from selvage.web.websocket import WebSocketResource
from tests.soak.hurry import PATIENCE_S
from tests.soak.ledger import crash, happened
from tests.soak.served.lines import FLOOD_BYTES, PIECE_BYTES
from tests.soak.served.websocket import Talks

__all__ = ["WebSite", "listen"]

#: Seconds that an answer takes that is due later: some clients have gone by then.
LATER_S = 0.1
#: What is asked of clients; far less patient than by default.
LIMITS = Limits(
    body_bytes=1_000_000,
    head_s=PATIENCE_S,
    body_s=PATIENCE_S,
    discard_bytes=10_000,
    stall_s=PATIENCE_S,
)


class ShortSession(Session):
    sessionTimeout = PATIENCE_S


class Answers(Resource):
    """Answers according to the name that it is asked for."""

    isLeaf = True

    def render_GET(self, request: Any) -> Any:
        name = request.postpath[0].decode() if request.postpath else ""
        happened[f"GET {name}"] += 1
        return getattr(self, f"get_{name}", self.get_hello)(request)

    def render_POST(self, request: Any) -> Any:
        """Take a body that is there as a whole, on the disk perhaps."""
        return b"%d, %d" % (len(request.content.read()), len(request.args))

    def get_hello(self, request: Any) -> bytes:
        return b"hello"

    async def get_later(self, request: Any) -> bytes:
        await deferLater(get_reactor(), LATER_S)
        return b"later"

    def get_never(self, request: Any) -> Any:
        """Wait for what does not come; the client going away ends it."""
        return Deferred()

    def get_by_hand(self, request: Any) -> Any:
        """Write when it is time, unless the client has gone."""

        def write(_: None) -> None:
            request.write(b"by ")
            request.write(b"hand")
            request.finish()

        waiting = deferLater(get_reactor(), LATER_S).addCallback(write)
        waiting.addErrback(lambda reason: reason.trap(Exception) and None)
        request.notifyFinish().addErrback(lambda _: waiting.cancel())
        return NOT_DONE_YET

    def get_iterator(self, request: Any) -> Iterator[bytes]:
        return iter([b"x" * PIECE_BYTES] * (FLOOD_BYTES // PIECE_BYTES))

    async def get_flood(self, request: Any) -> AsyncIterator[bytes]:
        return _flood()

    def get_session(self, request: Any) -> bytes:
        request.getSession()
        return b"session"

    def get_redirect(self, request: Any) -> Any:
        request.redirect(b"/answer/hello")
        return b""

    def get_crash(self, request: Any) -> Any:
        crash("render")

    async def get_crash_later(self, request: Any) -> Any:
        crash("a coroutine")

    def get_crash_midway(self, request: Any) -> Iterator[bytes]:
        return _fail_midway()

    def get_crash_by_hand(self, request: Any) -> Any:
        request.write(b"it began well")
        crash("render after write")


async def _flood() -> AsyncIterator[bytes]:
    for _ in range(FLOOD_BYTES // PIECE_BYTES):
        yield b"x" * PIECE_BYTES


def _fail_midway() -> Iterator[bytes]:
    yield b"x" * 1000
    crash("an iterator")


class Uploads(Resource):
    """Takes bodies as they come, or leaves them."""

    isLeaf = True
    streams_body = True

    def render_POST(self, request: Any) -> Any:
        name = request.postpath[0].decode() if request.postpath else ""
        happened[f"POST {name}"] += 1
        return getattr(self, f"post_{name}", self.post_all)(request)

    async def post_all(self, request: Any) -> bytes:
        async for _ in request.body:
            pass
        return b"%d" % request.body.received

    async def post_some(self, request: Any) -> bytes:
        """Read the beginning, and answer."""
        await request.body.read(10)
        return b"enough"

    def post_none(self, request: Any) -> bytes:
        return b"not wanted"

    async def post_later(self, request: Any) -> bytes:
        """Begin to read when the client has been held back for a while."""
        await deferLater(get_reactor(), LATER_S)
        return b"%d" % len(await request.body.read())

    async def post_never(self, request: Any) -> Any:
        """Read nothing, answer nothing: the client going away ends it."""
        await Deferred()

    async def post_back(self, request: Any) -> AsyncIterator[bytes]:
        """Send the body back as it comes."""
        return _pieces(request.body)

    async def post_crash(self, request: Any) -> Any:
        await request.body.read(10)
        crash("a reader of bodies")


async def _pieces(body: Any) -> AsyncIterator[bytes]:
    async for piece in body:
        yield piece


class WebSite(Site):
    """A site that counts its connections."""

    sessionFactory = ShortSession
    noisy = False

    def counted(self) -> dict[str, int]:
        return {"channels of a site": len(self._open), "sessions of a site": len(self.sessions)}


def listen(reactor: Any, folder: str, certificate: PrivateCertificate) -> tuple[WebSite, dict[str, Any]]:
    """Listen; return the site and where."""
    files = os.path.join(folder, "files")
    os.mkdir(files)
    with open(os.path.join(files, "large"), "wb") as file:
        file.write(b"x" * FLOOD_BYTES)
    root = Resource()
    root.putChild(b"answer", Answers())
    root.putChild(b"upload", Uploads())
    root.putChild(b"files", File(files))
    root.putChild(b"talk", WebSocketResource(Talks()))
    site = WebSite(root, timeout=PATIENCE_S, limits=LIMITS)
    http = reactor.listenTCP(0, site, interface="127.0.0.1", backlog=200)
    https = reactor.listenSSL(
        0,
        site,
        certificate.options(),
        backlog=200,
        interface="127.0.0.1",
        handshake_timeout=PATIENCE_S,
    )
    return site, {"http": http.getHost().port, "https": https.getHost().port}
