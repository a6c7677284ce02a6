"""The resource: who is let in, what is agreed on, how it ends."""

from __future__ import annotations

import pytest

from selvage.errors import ConnectionDone
from selvage.failure import Failure, set_default_reporter, subscribe, unsubscribe
from selvage.web.resource import Resource
from selvage.web.websocket import WebSocketResource, WebSocketViolation
from selvage.web.websocket._handshake import is_same_origin
from selvage.web.websocket._wire import CLOSE_TIMEOUT_S
from tests.web.serving import Server, head, status
from tests.web.websocket.peer import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Program,
    close,
    close_code,
    deflated,
    frame,
    frames_of,
)

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


class Echo(Program):
    """Notes what it is told, and sends it back."""

    def textMessageReceived(self, message):
        super().textMessageReceived(message)
        self.transport.sendTextMessage(message)

    def bytesMessageReceived(self, data):
        super().bytesMessageReceived(data)
        self.transport.sendBytesMessage(data)

    def pongReceived(self, payload):
        self.told.append(("pong", payload))


class Serving(Server):
    """One connection to a `WebSocketResource` at /ws."""

    def __init__(self, program: Program | None = None, **options) -> None:
        self.program = Echo() if program is None else program
        root = Resource()
        root.putChild(b"ws", WebSocketResource(self, **options))
        super().__init__(root)

    def close(self) -> None:
        if self.program is None or self.program.lost is None:
            super().close()

    def buildProtocol(self, request):
        self.request = request
        return self.program

    def shake_hands(
        self, *lines: bytes, then: bytes = b"", without: bytes = b"-", target: bytes = b"/ws"
    ) -> bytes:
        fields = [
            b"Host: example.org",
            b"Upgrade: websocket",
            b"Connection: keep-alive, Upgrade",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: " + KEY,
        ]
        kept = [field for field in fields if not field.lower().startswith(without)]
        return self.send(b"\r\n".join([b"GET %b HTTP/1.1" % target, *kept, *lines, b"", b""]) + then)

    def frames(self, data: bytes) -> list[tuple[int, bytes]]:
        return frames_of(self.send(data))


def opened(*lines: bytes, **options) -> Serving:
    server = Serving(**options)
    assert status(server.shake_hands(*lines)) == 101
    return server


def test_a_handshake_is_answered_as_in_the_rfc():
    server = Serving()
    answer = server.shake_hands()
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n") and answer.endswith(b"\r\n\r\n")
    assert head(answer)[b"sec-websocket-accept"] == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert b"sec-websocket-extensions" not in head(answer) and b"sec-websocket-protocol" not in head(answer)
    assert server.program.told == ["started", "finished"]


def test_what_comes_with_the_handshake_is_not_lost():
    server = Serving()
    answer = server.shake_hands(then=frame(TEXT, b"early"))
    assert server.program.told[-1] == "early"
    assert frames_of(answer.partition(b"\r\n\r\n")[2]) == [(TEXT, b"early")]


@pytest.mark.parametrize("without", [b"upgrade", b"connection", b"sec-websocket-key"])
def test_what_is_no_handshake_is_refused(without):
    server = Serving()
    answer = server.shake_hands(without=without)
    assert status(answer) == 400 and answer.endswith(b"websocket protocol negotiation error")
    assert server.program.told == []


@pytest.mark.parametrize(
    ("line", "then"),
    [(b"Content-Length: 2", b"xy"), (b"Transfer-Encoding: chunked", b"0\r\n\r\n")],
    ids=["length", "chunks"],
)
def test_a_handshake_with_a_body_is_none(line, then):
    server = Serving()
    assert status(server.shake_hands(line, then=then)) == 400 and server.program.told == []


@pytest.mark.parametrize(
    "key", [b"", b"short", b"!!!", KEY[:-2], KEY + KEY, KEY + b"\r\nSec-WebSocket-Key: " + KEY]
)
def test_a_key_is_16_bytes_in_base64_and_there_once(key):
    assert status(Serving().shake_hands(b"Sec-WebSocket-Key: " + key, without=b"sec-websocket-key")) == 400


@pytest.mark.parametrize("version", [b"12", b"14", b"13, 8", b"", b"x"])
def test_another_version_is_told_the_one_there_is(version):
    answer = Serving().shake_hands(b"Sec-WebSocket-Version: " + version, without=b"sec-websocket-version")
    assert status(answer) == 426 and head(answer)[b"sec-websocket-version"] == b"13"


def test_an_older_http_and_other_methods_do_not_upgrade():
    server = Serving()
    request = (
        b"GET /ws HTTP/1.0\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
    )
    assert status(server.send(request)) == 400
    assert status(Serving().send(b"POST /ws HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")) == 405


def test_attack_070_a_page_of_another_site_does_not_speak_in_the_name_of_its_visitor():
    cookie = b"Cookie: session=1"
    assert status(Serving().shake_hands(cookie, b"Origin: https://evil.example")) == 403
    assert status(Serving().shake_hands(cookie, b"Origin: null")) == 403
    assert status(Serving().shake_hands(cookie, b"Origin: http://example.org.evil.example")) == 403
    assert status(Serving().shake_hands(cookie, b"Origin: http://example.org:81")) == 403
    assert status(Serving().shake_hands(b"Authorization: Basic eDp5", b"Origin: https://evil.example")) == 403
    assert (
        status(Serving().shake_hands(cookie, b"Origin: http://example.org", b"Origin: http://evil.example"))
        == 403
    )
    assert status(Serving().shake_hands(cookie, b"Origin: https://example.org")) == 101
    assert status(Serving().shake_hands(b"Origin: https://other.example")) == 101
    assert status(Serving().shake_hands(cookie)) == 101  # no browser: those always say where the page is from


@pytest.mark.parametrize("origin", [b"null", b"", b"file://", b"data:,x"])
@pytest.mark.parametrize("host", [b"", b":80", b"h"])
def test_attack_070_a_page_from_nowhere_is_of_no_host(origin, host):
    assert not is_same_origin(origin, host, False)


def test_attack_070_a_program_says_whose_pages_may_connect():
    listed = {"origins": ["https://a.example"]}
    assert status(Serving(**listed).shake_hands(b"Origin: https://a.example")) == 101
    assert status(Serving(**listed).shake_hands(b"Origin: https://b.example")) == 403
    asked = {"origins": lambda request, origin: origin.endswith(b".example")}
    assert status(Serving(**asked).shake_hands(b"Cookie: a=b", b"Origin: https://b.example")) == 101
    assert status(Serving(**asked).shake_hands(b"Origin: https://b.org")) == 403


def test_a_factory_may_refuse():
    server = Serving()
    server.program = None
    assert status(server.shake_hands()) == 403


def test_the_first_subprotocol_that_both_speak_is_agreed_on():
    server = Serving(subprotocols=["b", "a"])
    answer = server.shake_hands(b"Sec-WebSocket-Protocol: x, a", b"Sec-WebSocket-Protocol: b")
    assert head(answer)[b"sec-websocket-protocol"] == b"a"
    assert server.program.transport.subprotocol == "a"
    assert b"sec-websocket-protocol" not in head(
        Serving(subprotocols=["z"]).shake_hands(b"Sec-WebSocket-Protocol: x")
    )


OFFER = b"Sec-WebSocket-Extensions: "


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        (b"permessage-deflate", b"permessage-deflate; client_no_context_takeover"),
        (
            b"x-other, permessage-deflate; client_max_window_bits",
            b"permessage-deflate; client_no_context_takeover",
        ),
        (
            b'permessage-deflate; server_max_window_bits="10"; server_no_context_takeover',
            b"permessage-deflate; client_no_context_takeover; server_max_window_bits=10; server_no_context_takeover",
        ),
        (
            b"permessage-deflate; server_max_window_bits=8, permessage-deflate",
            b"permessage-deflate; client_no_context_takeover",
        ),
        (b"permessage-deflate; client_max_window_bits=7", None),
        (b"permessage-deflate; client_max_window_bits=\xb2", None),
        (b"permessage-deflate; server_max_window_bits=16", None),
        (b"permessage-deflate; server_max_window_bits", None),
        (b"permessage-deflate; unknown", None),
        (b"permessage-deflate; client_no_context_takeover=1", None),
        (b"permessage-deflate; client_no_context_takeover; client_no_context_takeover", None),
    ],
)
def test_compression_is_agreed_on_or_left(offer, answer):
    assert head(Serving().shake_hands(OFFER + offer)).get(b"sec-websocket-extensions") == answer
    assert b"sec-websocket-extensions" not in head(Serving(compress=False).shake_hands(OFFER + offer))


def test_messages_are_echoed_compressed_and_not():
    server = opened(OFFER + b"permessage-deflate")
    assert server.frames(frame(TEXT, b"plain"))[0][0] == TEXT
    server.send(frame(BINARY, deflated(b"packed"), rsv=4))
    assert server.program.told[-2:] == ["plain", b"packed"]


def test_pings_are_answered_and_pongs_told():
    server = opened()
    assert server.frames(frame(PING, b"are you there")) == [(PONG, b"are you there")]
    server.program.transport.ping(b"and you")
    assert frames_of(server.answered())[-1] == (PING, b"and you")
    server.send(frame(PONG, b"and you"))
    assert server.program.told[-1] == ("pong", b"and you")
    with pytest.raises(ValueError, match="up to 125 bytes, not 126"):
        server.program.transport.ping(b"x" * 126)


def test_attack_071_pongs_are_left_out_while_the_peer_does_not_read():
    server = opened()
    server.transport.unsent_bytes = lambda: 1 << 20
    assert server.send(frame(PING, b"x") * 1000) == b""
    server.transport.unsent_bytes = lambda: 0
    assert len(server.frames(frame(PING, b"x"))) == 1


def test_the_peer_closes():
    server = opened()
    ((opcode, payload),) = server.frames(close(4000, b"bye") + frame(TEXT, b"later"))
    assert (opcode, close_code(payload), server.closing) == (CLOSE, 4000, True)
    assert "later" not in server.program.told
    wire = server.program.transport
    assert (wire.close_code, wire.close_reason) == (4000, "bye")
    server.protocol.connectionLost(Failure(ConnectionDone()))
    assert server.program.lost.check(ConnectionDone)


def test_this_side_closes_and_waits_for_the_answer():
    server = opened()
    wire = server.program.transport
    wire.loseConnection(1001)
    wire.loseConnection(1000)
    wire.sendTextMessage("late")
    wire.sendBytesMessage(b"late")
    wire.ping()
    sent = frames_of(server.answered().partition(b"\r\n\r\n")[2])
    assert [(opcode, close_code(payload)) for opcode, payload in sent] == [(CLOSE, 1001)]
    assert not server.closing
    server.send(frame(TEXT, b"on its way"))
    assert server.program.told == ["started", "finished"]
    assert server.send(close(1001)) == b"" and server.closing


def test_a_peer_that_does_not_answer_the_close_is_cut_off():
    server = opened()
    aborted = []
    server.transport.abortConnection = lambda: aborted.append(server.clock.seconds())
    server.program.transport.loseConnection()
    server.clock.advance(CLOSE_TIMEOUT_S - 1)
    assert aborted == []
    server.clock.advance(1)
    assert aborted == [CLOSE_TIMEOUT_S]


@pytest.mark.parametrize(
    ("data", "code"),
    [(frame(TEXT, b"x", mask=None), 1002), (frame(TEXT, b"\xff"), 1007), (frame(TEXT, b"x" * 2000), 1009)],
)
def test_attack_069_who_breaks_the_rules_is_told_and_cut_off(data, code):
    server = opened(max_message_bytes=1000)
    ((opcode, payload),) = server.frames(data + frame(TEXT, b"later"))
    assert (opcode, close_code(payload), server.closing) == (CLOSE, code, True)
    assert server.send(frame(TEXT, b"later")) == b""
    server.protocol.connectionLost(Failure(ConnectionDone()))
    assert server.program.lost.check(WebSocketViolation) and server.program.lost.value.code == code
    assert "later" not in server.program.told


def test_a_program_that_fails_ends_its_connection_with_1011_and_is_reported():
    class Broken(Program):
        def textMessageReceived(self, message):
            raise ZeroDivisionError("in the program")

    seen = []
    previous = set_default_reporter(None)
    subscribe(seen.append)
    try:
        server = opened(program=Broken())
        ((opcode, payload),) = server.frames(frame(TEXT, b"x") + frame(TEXT, b"y"))
    finally:
        unsubscribe(seen.append)
        set_default_reporter(previous)
    assert (opcode, close_code(payload)) == (CLOSE, 1011)
    assert [report.failure.type for report in seen] == [ZeroDivisionError]


def test_nothing_is_told_after_the_connection_is_lost():
    server = opened()
    server.protocol.connectionLost(Failure(ConnectionDone()))
    assert server.program.lost is not None
    server.program.transport.loseConnection()
    server.send(frame(TEXT, b"later"))
    server.clock.advance(CLOSE_TIMEOUT_S)
    assert "later" not in server.program.told


def test_a_producer_is_paused_with_the_transport():
    server = opened()
    producer = object()
    server.program.transport.attachProducer(producer)
    assert server.transport.producer is producer and server.transport.streaming
    server.program.transport.detachProducer()
    assert server.transport.producer is None


@pytest.mark.parametrize("when", ["negotiationStarted", "negotiationFinished"])
def test_a_program_that_fails_in_the_handshake_ends_with_1011_as_well(when):
    def fail(*args):
        raise ZeroDivisionError("in the program")

    server = Serving()
    setattr(server.program, when, fail)
    reports = []
    previous = set_default_reporter(None)
    subscribe(reports.append)
    try:
        answer = server.shake_hands()
    finally:
        unsubscribe(reports.append)
        set_default_reporter(previous)
    assert status(answer) == 101
    ((opcode, payload),) = frames_of(answer.partition(b"\r\n\r\n")[2])
    assert (opcode, close_code(payload)) == (CLOSE, 1011)
    assert [report.failure.type for report in reports] == [ZeroDivisionError]


def test_what_is_no_protocol_is_a_500_that_says_what_is_missing(taken_reports):
    server = Serving()
    echo, server.program = server.program, object()
    answer = server.shake_hands()
    server.program = echo
    assert answer.startswith(b"HTTP/1.1 500")
    [report] = taken_reports()
    assert "it has no negotiationStarted and no negotiationFinished and no connectionLost" in str(
        report.failure.value
    )
