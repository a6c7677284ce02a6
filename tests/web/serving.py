"""A site on a transport in memory, for tests: bytes in, bytes out, and what the application saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.tasks import Clock
from selvage.testing import StringTransport
from selvage.web.resource import Resource
from selvage.web.server import NOT_DONE_YET, Site

#: The connections of the test that is running.
OPEN: list[Server] = []


class Seen(Resource):
    """Answers everything, and remembers what it was asked."""

    isLeaf = True

    def __init__(self, answer: Callable[[Any], Any] | None = None) -> None:
        super().__init__()
        self.requests: list[tuple[bytes, bytes, bytes]] = []
        self.last: Any = None
        self.answer = answer or (lambda request: b"fine")

    def render(self, request: Any) -> Any:
        self.last = request
        self.requests.append((request.method, request.uri, request.content.read()))
        return self.answer(request)


class Server:
    """One connection to a site.

    Args:
        resource: the root; by default one that answers "fine" and remembers.
        options: for `Site`.
    """

    def __init__(self, resource: Any = None, **options: Any) -> None:
        self.clock = Clock()
        self.resource = Seen() if resource is None else resource
        self.site = Site(self.resource, reactor=self.clock, **options)
        self.transport = StringTransport()
        self.protocol = self.site.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        OPEN.append(self)

    def close(self) -> None:
        """Lose the connection, as sooner or later every one is."""
        self.protocol.connectionLost(Failure(ConnectionLost()))

    def fill(self) -> None:
        """Have the transport be full after each write from now on, as with a client that does not read."""
        write = self.transport.write

        def filling(data: bytes) -> None:
            write(data)
            if self.transport.producer is not None:
                self.transport.producer.pauseProducing()

        self.transport.write = filling  # type: ignore[method-assign]

    def send(self, data: bytes) -> bytes:
        """Send bytes, and return what was answered to them."""
        self.transport.clear()
        self.protocol.dataReceived(data)
        return self.answered()

    def send_slowly(self, data: bytes) -> bytes:
        """As `send`, one byte at a time."""
        self.transport.clear()
        for at in range(len(data)):
            self.protocol.dataReceived(data[at : at + 1])
        return self.answered()

    def answered(self) -> bytes:
        return bytes(self.transport.value())

    @property
    def closing(self) -> bool:
        return bool(self.transport.disconnecting)

    @property
    def seen(self) -> list[tuple[bytes, bytes, bytes]]:
        return self.resource.requests


class Later(Resource):
    """Answers when the test says so."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Any] = []

    def render_GET(self, request: Any) -> Any:
        self.waiting.append(request)
        return NOT_DONE_YET

    render_POST = render_GET


def status(answer: bytes) -> int:
    """The status of the first answer."""
    return int(answer.split(b" ", 2)[1])


def body(answer: bytes) -> bytes:
    """The body of the only answer."""
    return answer.partition(b"\r\n\r\n")[2]


def head(answer: bytes) -> dict[bytes, bytes]:
    """The header fields of the first answer."""
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(b": ") for line in lines)}
