"""A site for programs that others have written: what it serves tells what arrived, and how."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from selvage.defer import Deferred, maybeDeferred
from selvage.endpoints import serverFromString
from selvage.reactor import get_reactor
from selvage.tasks import deferLater
from selvage.web.resource import EncodingResourceWrapper, Resource
from selvage.web.server import GzipEncoderFactory, Site
from selvage.web.static import Data, File
from selvage.web.websocket import WebSocketResource

MIB = 1024 * 1024
TEXT = b"".join(b"%d bottles of beer on the wall\n" % number for number in range(20_000))


class Who(Resource):
    """Tells who asks, as the resource sees it."""

    isLeaf = True

    def render_GET(self, request: Any) -> dict[str, Any]:
        client = request.getClientAddress()
        headers = request.requestHeaders
        return {
            "client": client.host,
            "connection": client.port,
            "host": request.getRequestHostname().decode(),
            "secure": request.isSecure(),
            "version": request.clientproto.decode(),
            "forwarded": [value.decode() for value in headers.getRawHeaders(b"x-forwarded-for", [])],
        }


class Upload(Resource):
    """Tells the size and the digest of a body, and how it came."""

    isLeaf = True

    def render_PUT(self, request: Any) -> dict[str, Any]:
        digest, size = hashlib.sha256(), 0
        while piece := request.content.read(65536):
            digest.update(piece)
            size += len(piece)
        return {
            "size": size,
            "sha256": digest.hexdigest(),
            "length": request.getHeader("content-length"),
            "coding": request.getHeader("transfer-encoding"),
        }

    def render_POST(self, request: Any) -> dict[str, Any]:
        return {
            name.decode(): [hashlib.sha256(value).hexdigest() for value in values]
            for name, values in request.args.items()
        }


class Refusing(Resource):
    """Answers 403 to every upload when it has seen the head."""

    isLeaf = True
    streams_body = True

    def render_PUT(self, request: Any) -> bytes:
        request.setResponseCode(403)
        return b"no"


class Stream(Resource):
    """Answers with so many pieces of 64 KiB, as fast as they are taken."""

    isLeaf = True

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def render_GET(self, request: Any) -> Any:
        request.setHeader(b"content-type", b"application/octet-stream")
        return (bytes([number % 256]) * 65536 for number in range(self.pieces))


class Cookies(Resource):
    """Sets a cookie, and tells which ones came."""

    isLeaf = True

    def render_GET(self, request: Any) -> dict[str, str]:
        request.addCookie(b"seen", b"yes", path=b"/", httpOnly=True)
        return {name.decode(): value.decode() for name, value in request.received_cookies.items()}


class Held(Resource):
    """Answers when the test says so."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Deferred[None]] = []

    def render_GET(self, request: Any) -> Deferred[bytes]:
        held: Deferred[None] = Deferred()
        self.waiting.append(held)
        return held.addCallback(lambda _: b"finished")

    def release(self) -> None:
        waiting, self.waiting = self.waiting, []
        for held in waiting:
            held.callback(None)


class Echo:
    """A protocol of WebSocket that sends back what it gets."""

    def negotiationStarted(self, transport: Any) -> None:
        self.transport = transport

    def negotiationFinished(self) -> None:
        pass

    def textMessageReceived(self, message: str) -> None:
        self.transport.sendTextMessage(message)

    def bytesMessageReceived(self, data: bytes) -> None:
        self.transport.sendBytesMessage(data)

    def pongReceived(self, payload: bytes) -> None:
        pass

    def connectionLost(self, reason: Any) -> None:
        pass

    @staticmethod
    def buildProtocol(request: Any) -> Echo:
        return Echo()


class Root(Resource):
    """Everything above, below names that say what it is; `files` is a folder that is served."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.held = Held()
        (folder / "text.txt").write_bytes(TEXT)
        (folder / "large.bin").write_bytes(LARGE)
        children = {
            b"hello": Data(b"hello", "text/plain"),
            b"who": Who(),
            b"upload": Upload(),
            b"refusing": Refusing(),
            b"stream": Stream(STREAMED),
            b"cookies": Cookies(),
            b"held": self.held,
            b"files": File(str(folder)),
            b"compressed": EncodingResourceWrapper(Data(TEXT, "text/plain"), [GzipEncoderFactory()]),
            b"echo": WebSocketResource(Echo),
        }
        for name, child in children.items():
            self.putChild(name, child)


LARGE = bytes(range(256)) * (16 * MIB // 256)
#: Pieces of `Stream`.
STREAMED = 64
STREAM = b"".join(bytes([number % 256]) * 65536 for number in range(STREAMED))


class Counting(Site):
    """A site that counts its connections."""

    connections = 0

    def buildProtocol(self, addr: Any) -> Any:
        self.connections += 1
        return super().buildProtocol(addr)

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._open)


class Served:
    """A site that listens: its parts, and the port's number."""

    def __init__(self, site: Counting, port: Any) -> None:
        self.site = site
        self.root: Root = site.resource
        self.port = port
        self.number: int = port.getHost().port


@asynccontextmanager
async def serving(folder: Path, description: str = "tcp:0:interface=127.0.0.1", **options: Any) -> Any:
    """Serve all this while the block runs.

    Args:
        folder: an empty one, for the files.
        description: of the endpoint.
        options: for `Site`.
    """
    site = Counting(Root(folder), **options)
    port = await serverFromString(get_reactor(), description).listen(site)
    try:
        yield Served(site, port)
    finally:
        await maybeDeferred(port.stopListening)
        await site.finish_requests()


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is so; the test's own timeout is the bound."""
    while not true():
        await deferLater(get_reactor(), 0.005)
