"""A client that still sends when it is refused gets to read why."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from h2.errors import ErrorCodes
from zope.interface import implementer

from selvage.interfaces import IHalfCloseableProtocol
from selvage.protocols import Protocol
from selvage.reactor import deferToThread, get_reactor
from selvage.tasks import Clock
from selvage.testing import Pair, connect
from selvage.web._lingering import LINGER_S
from selvage.web.resource import Resource
from selvage.web.server import Limits, Request, Site
from tests.transports.certificates import client_context, server_context

from .serving import Seen
from .test_http2 import REQUEST, Client as H2Client

HEAD = b"POST /upload HTTP/1.1\r\nHost: example.com\r\n"
BY_LENGTH = HEAD + b"Content-Length: %d\r\n\r\n" % (8 << 20)
IN_CHUNKS = HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % (8 << 20)
NO_HEAD = HEAD + b" folded: no\r\n\r\n"


def sent_all_then_read(port: int, head: bytes, secure: bool) -> bytes:
    """What a simple client reads after it has sent all, as many do."""
    talking = socket.create_connection(("127.0.0.1", port), timeout=30)
    if secure:
        talking = client_context().wrap_socket(talking, server_hostname="localhost")
    with talking:
        talking.sendall(head)
        for _ in range(128):
            talking.sendall(bytes(65536))
        answer = b""
        while piece := talking.recv(65536):
            answer += piece
        return answer


class Refusing(Resource):
    """Answers when it has seen the head."""

    isLeaf = True
    streams_body = True

    def render_POST(self, request: Any) -> bytes:
        request.setResponseCode(403)
        return b"no"


class Reading(Resource):
    """Reads the body as it comes."""

    isLeaf = True
    streams_body = True

    async def render_POST(self, request: Any) -> bytes:
        return b"%d" % len(await request.body.read())


@pytest.mark.parametrize("secure", [False, True], ids=["TCP", "TLS"])
@pytest.mark.parametrize(
    ("resource", "head", "status"),
    [
        (Seen, BY_LENGTH, b"413"),
        (Seen, IN_CHUNKS, b"413"),
        (Seen, NO_HEAD, b"400"),
        (Refusing, IN_CHUNKS, b"403"),
        (Reading, BY_LENGTH, b"413"),
        (Reading, IN_CHUNKS, b"413"),
    ],
    ids=["too long", "too much", "no head", "not wanted", "too long for a stream", "too much for a stream"],
)
async def test_the_answer_is_not_lost_in_a_reset(secure, resource, head, status):
    site = Site(resource(), limits=Limits(body_bytes=1000))
    listen: Any = get_reactor().listenSSL if secure else get_reactor().listenTCP
    port = listen(0, site, *([server_context()] if secure else []), interface="127.0.0.1")
    answer = await deferToThread(sent_all_then_read, port.getHost().port, head, secure)
    await port.stopListening()
    await site.finish_requests()
    assert answer.startswith(b"HTTP/1.1 " + status)


class Client(Protocol):
    """Sends what it is told to, and notes what happens."""

    received = b""
    lost = False

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Any = None) -> None:
        self.lost = True


@implementer(IHalfCloseableProtocol)
class Sending(Client):
    """Goes on sending when the server has finished."""

    def readConnectionLost(self) -> None: ...

    def writeConnectionLost(self) -> None: ...


def refused() -> tuple[Clock, Site, Pair, Sending]:
    """A client that goes on sending after its request was refused in the middle of the body."""
    clock = Clock()
    site = Site(Seen(), limits=Limits(body_bytes=10), reactor=clock)
    client = Sending()
    pair = connect(site.buildProtocol(None), client)
    client.transport.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n20\r\n" + bytes(16))
    pair.flush()
    assert client.received.startswith(b"HTTP/1.1 413 ")
    return clock, site, pair, client


def test_what_comes_after_a_refusal_is_dropped_until_the_client_closes():
    clock, site, pair, client = refused()
    for _ in range(100):
        client.transport.write(HEAD + b"\r\n")
        pair.flush()
    assert client.received.count(b"HTTP/1.1") == 1 and site.resource.requests == []
    assert not client.lost and site._open
    client.transport.loseConnection()
    pair.flush()
    assert not site._open and clock.getDelayedCalls() == []


def test_a_client_that_sends_for_ever_is_cut_off():
    clock, site, pair, client = refused()
    for _ in range(LINGER_S):
        clock.advance(1 - 1e-6)
        client.transport.write(bytes(1000))
        pair.flush()
        assert not client.lost
    clock.advance(1)
    pair.flush()
    assert client.lost and not site._open and clock.getDelayedCalls() == []


def test_a_request_refused_in_its_body_is_over_at_once():
    lost = []

    class Noting(Request):
        def connectionLost(self, reason: Any) -> None:
            lost.append(self.content)
            super().connectionLost(reason)

    clock = Clock()
    site = Site(Seen(), requestFactory=Noting, limits=Limits(body_bytes=10), reactor=clock)
    client = Sending()
    pair = connect(site.buildProtocol(None), client)
    client.transport.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n20\r\n" + bytes(16))
    pair.flush()
    assert [content.closed for content in lost] == [True]
    client.transport.loseConnection()
    pair.flush()
    assert len(lost) == 1


# --- HTTP/2: the stream is reset, but not before the answer was read -----------------------------------------------


def begun(resource: Any = None) -> tuple[H2Client, int]:
    """A client that has begun to send 10,000 bytes, of which the site takes 1000, and has its answer."""
    client = H2Client(resource, limits=Limits(body_bytes=1000))
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, [(":method", "POST"), *REQUEST[1:], ("content-length", "10000")])
    client.h2.send_data(stream, bytes(5000))
    client.flush()
    assert client.answers[stream]["head"][":status"] in ("413", "403") and client.answers[stream]["ended"]
    assert client.answers[stream]["reset"] is None
    return client, stream


@pytest.mark.parametrize("resource", [Seen, Refusing])
def test_http2_tells_a_client_that_has_its_answer_to_stop(resource):
    client, stream = begun(resource())
    client.server.clock.advance(0.9)
    client.flush()
    assert client.answers[stream]["reset"] is None
    client.server.clock.advance(0.2)
    client.flush()
    assert client.answers[stream]["reset"] == ErrorCodes.NO_ERROR
    assert client.answers[client.ask()]["head"][":status"] in ("200", "405") and client.ended is None


@pytest.mark.parametrize("resource", [Seen, Refusing])
def test_http2_does_not_tell_a_client_that_has_ended_by_itself(resource):
    client, stream = begun(resource())
    client.h2.send_data(stream, bytes(5000), end_stream=True)
    client.flush()
    client.server.clock.advance(2)
    client.flush()
    assert client.answers[stream]["reset"] is None and client.ended is None


def test_http2_forgets_such_clients_when_they_go():
    client, stream = begun()
    other, reset = begun()
    other.h2.reset_stream(reset)
    other.flush()
    client.server.close()
    other.server.close()
    assert client.server.clock.getDelayedCalls() == other.server.clock.getDelayedCalls() == []
