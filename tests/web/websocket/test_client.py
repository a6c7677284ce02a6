"""The client's handshake: what is asked, and which answers are none."""

from __future__ import annotations

import pytest

from selvage.defer import Deferred
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.protocols import Factory
from selvage.tasks import Clock
from selvage.testing import StringTransport
from selvage.web import Headers
from selvage.web.websocket import ConnectionRejected, WebSocketClientEndpoint, WebSocketViolation
from selvage.web.websocket._client import HANDSHAKE_TIMEOUT_S
from selvage.web.websocket._handshake import accept_token
from tests.web.serving import head
from tests.web.websocket.peer import CLOSE, TEXT, Program, close, close_code, frame, masked


class Connecting:
    """A client, with the server's end in memory."""

    def __init__(self, url: str = "ws://example.org/chat?a=b", **options) -> None:
        self.clock = Clock()
        self.connection: Deferred[object] = Deferred()
        self.program = Program()
        self.results: list[object] = []
        self.endpoint = WebSocketClientEndpoint(self, url, reactor=self.clock, **options)
        self.deferred = self.endpoint.connect(self)
        self.deferred.addBoth(self.results.append)

    # The parts of an endpoint factory, an endpoint and a client factory.

    def endpointForURI(self, uri):
        self.uri = uri
        return self

    def connect(self, factory: Factory):
        self.protocol = factory.buildProtocol(None)
        self.transport = StringTransport()
        self.transport.abortConnection = self.transport.loseConnection
        self.protocol.makeConnection(self.transport)
        return self.connection

    def buildProtocol(self, url):
        return self.program

    @property
    def asked(self) -> bytes:
        return self.transport.value()

    def answer(
        self,
        *lines: bytes,
        then: bytes = b"",
        without: bytes = b"-",
        line: bytes = b"101 Switching Protocols",
    ):
        key = head(self.asked)[b"sec-websocket-key"]
        fields = [
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + accept_token(key),
        ]
        kept = [field for field in fields if not field.lower().startswith(without)]
        self.protocol.dataReceived(b"\r\n".join([b"HTTP/1.1 " + line, *kept, *lines, b"", b""]) + then)
        return self.results[0] if self.results else None


def unmasked(opcode: int, payload: bytes) -> bytes:
    return frame(opcode, payload, mask=None)


def test_the_handshake_asks_for_what_is_wanted():
    client = Connecting(
        "wss://user@example.org:8443/chat?a=b",
        headers=Headers({"Origin": ["https://a"]}),
        subprotocols=["x", "y"],
    )
    assert (client.uri.scheme, client.uri.host, client.uri.port) == (b"https", b"example.org", 8443)
    assert client.asked.startswith(b"GET /chat?a=b HTTP/1.1\r\n") and client.asked.endswith(b"\r\n\r\n")
    fields = head(client.asked)
    assert (fields[b"host"], fields[b"origin"], fields[b"sec-websocket-protocol"]) == (
        b"example.org:8443",
        b"https://a",
        b"x, y",
    )
    assert (
        fields[b"sec-websocket-version"] == b"13"
        and fields[b"sec-websocket-extensions"] == b"permessage-deflate"
    )
    assert b"sec-websocket-extensions" not in head(Connecting(compress=False).asked)
    assert head(Connecting().asked)[b"sec-websocket-key"] != head(Connecting().asked)[b"sec-websocket-key"]


def test_once_accepted_messages_go_both_ways_masked_from_here():
    client = Connecting()
    assert client.answer(then=unmasked(TEXT, b"early")) is client.program
    assert client.program.told == ["started", "finished", "early"]
    client.transport.clear()
    client.program.transport.sendTextMessage("hello")
    sent = client.transport.value()
    assert sent[:2] == b"\x81\x85" and masked(sent[6:], sent[2:6]) == b"hello"


@pytest.mark.parametrize("without", [b"upgrade", b"connection", b"sec-websocket-accept"])
def test_an_answer_without_what_belongs_to_it_is_none(without):
    client = Connecting()
    failure = client.answer(without=without)
    assert failure.check(ConnectionRejected) and client.transport.disconnecting
    assert client.program.told == ["started"]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([b"Sec-WebSocket-Accept: AAAA"], "2 times"),
        ([b"Sec-WebSocket-Protocol: z"], "'z', which was not offered"),
        ([b"Sec-WebSocket-Extensions: x-other"], "which were not offered"),
        (
            [b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10"],
            "which were not offered",
        ),
        ([b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits"], "which were not offered"),
        ([b"Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate"], "which were not offered"),
    ],
)
def test_an_answer_may_not_choose_what_was_not_offered(lines, why):
    failure = Connecting(subprotocols=["x"]).answer(*lines)
    assert failure.check(ConnectionRejected) and why in str(failure.value) and failure.value.response is None


def test_an_answer_to_another_key_is_none():
    client = Connecting()
    failure = client.answer(
        b"Sec-WebSocket-Accept: " + accept_token(b"other"), without=b"sec-websocket-accept"
    )
    assert "answer is to another key" in str(failure.value)


@pytest.mark.parametrize(
    "data", [b"nonsense\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 40_000]
)
def test_what_is_no_http_is_refused_and_bounded(data):
    client = Connecting()
    client.protocol.dataReceived(data)
    assert client.results[0].check(ConnectionRejected) and "no HTTP" in str(client.results[0].value)


def test_answers_that_only_precede_the_answer_are_passed_over():
    client = Connecting()
    client.protocol.dataReceived(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
    assert client.results == [] and client.answer() is client.program


def test_a_rejection_has_status_headers_and_body():
    client = Connecting()
    client.protocol.dataReceived(b"HTTP/1.1 401 No\r\nX-A: 1\r\nContent-Length: 6\r\n\r\nabc")
    response = client.results[0].value.response
    received: list[bytes] = []
    ended: list[object] = []

    class Body:
        def makeConnection(self, transport):
            pass

        dataReceived = received.append

        def connectionLost(self, reason):
            ended.append(reason.type)

    response.deliverBody(Body())
    client.protocol.dataReceived(b"def")
    assert (response.code, response.headers.getRawHeaders("x-a"), b"".join(received)) == (
        401,
        ["1"],
        b"abcdef",
    )
    assert ended == [ConnectionDone] and client.transport.disconnecting
    client.protocol.connectionLost(Failure(ConnectionDone()))


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever():
    client = Connecting()
    client.clock.advance(HANDSHAKE_TIMEOUT_S)
    assert "did not answer within 20 s" in str(client.results[0].value) and client.transport.disconnecting
    client = Connecting()
    client.answer()
    client.clock.advance(HANDSHAKE_TIMEOUT_S)
    assert client.results == [client.program] and not client.transport.disconnecting


def test_a_connection_that_is_lost_as_soon_as_it_is_given_up_fails_once():
    client = Connecting()
    client.transport.abortConnection = lambda: client.protocol.connectionLost(Failure(ConnectionDone()))
    client.clock.advance(HANDSHAKE_TIMEOUT_S)
    assert [failure.check(ConnectionRejected) for failure in client.results] == [ConnectionRejected]


def test_a_connection_that_is_lost_or_given_up_meanwhile():
    client = Connecting()
    client.protocol.connectionLost(Failure(ConnectionDone()))
    assert client.results[0].check(ConnectionDone)
    client = Connecting()
    client.deferred.cancel()
    assert client.transport.disconnecting and client.clock.getDelayedCalls() == []


def test_attack_069_a_server_that_breaks_the_rules_is_told_and_cut_off():
    client = Connecting()
    client.answer()
    client.transport.clear()
    client.protocol.dataReceived(frame(TEXT, b"masked"))
    sent = client.transport.value()
    assert (
        sent[0] & 15 == CLOSE
        and close_code(masked(sent[6:], sent[2:6])) == 1002
        and client.transport.disconnecting
    )
    client.protocol.connectionLost(Failure(ConnectionDone()))
    assert client.program.lost.check(WebSocketViolation)


def test_the_server_closes():
    client = Connecting()
    client.answer(then=unmasked(CLOSE, b"\x0f\xa0bye"))
    assert (client.program.transport.close_code, client.program.transport.close_reason) == (4000, "bye")
    assert client.transport.disconnecting and close(4000)


@pytest.mark.parametrize("url", ["ftp://h/", "/path", "ws://h/#x", "h", ""])
def test_urls_that_are_none_of_websocket(url):
    with pytest.raises(ValueError, match="no URL of WebSocket"):
        WebSocketClientEndpoint(None, url)


def test_a_factory_that_builds_no_protocol_is_told_at_once():
    class Wrong:
        def buildProtocol(self, url):
            return None

        def endpointForURI(self, uri):
            return self

    with pytest.raises(
        TypeError, match="built None, which is no protocol of WebSocket: it has no negotiationStarted"
    ):
        WebSocketClientEndpoint(Wrong(), "ws://example.org/").connect(Wrong())
