"""WebSockets of ASGI applications, in memory: what they say of the handshake and the end, and who waits for whom."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.defer import Deferred, ensureDeferred, gatherResults
from tests.web.serving import body, head, status

from .test_resource import HANDSHAKE, TEXT, answering, serving

ACCEPT = {"type": "websocket.accept"}


def masked(opcode: int, payload: bytes) -> bytes:
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def test_headers_go_out_with_the_handshake():
    accept = {
        **ACCEPT,
        "headers": [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"x-a", b"1"), (b"upgrade", b"x")],
    }
    answer = serving(answering(accept)).send(HANDSHAKE)
    assert status(answer) == 101 and answer.count(b"Set-Cookie: ") == 2 and head(answer)[b"x-a"] == b"1"
    assert head(answer)[b"upgrade"] == b"websocket"


def test_attack_031_a_header_of_the_handshake_begins_nothing(taken_reports):
    accept = {**ACCEPT, "headers": [(b"x-a", b"1\r\nX-Evil: 2")]}
    answer = serving(answering(accept)).send(HANDSHAKE)
    assert b"\r\nX-Evil" not in answer


def talking(heard: list[Any], pause: Deferred[None] | None = None) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(ACCEPT)
        if pause is not None:
            await pause
        while True:
            heard.append(await receive())
            if heard[-1]["type"] == "websocket.disconnect":
                return

    return application


@pytest.mark.parametrize(
    "payload, code, reason", [(b"\x0f\xa1bye", 4001, "bye"), (b"", 1005, ""), (None, 1006, "")]
)
def test_the_application_is_told_how_the_client_went(payload, code, reason):
    heard: list[Any] = []
    server = serving(talking(heard))
    server.send(HANDSHAKE)
    if payload is not None:
        server.send(masked(8, payload))
        assert server.closing  # nobody is waited for to have said all
    server.close()
    assert heard == [{"type": "websocket.disconnect", "code": code, "reason": reason}]


def test_code_and_reason_of_the_application_reach_the_client():
    server = serving(answering(ACCEPT, {"type": "websocket.close", "code": 4002, "reason": "enough"}))
    assert body(server.send(HANDSHAKE)) == b"\x88\x08\x0f\xa2enough"
    assert not server.closing
    server.send(masked(8, b"\x0f\xa2"))
    assert server.closing


def test_an_application_waits_for_a_client_that_does_not_read():
    said: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)
        try:
            for number in range(3):
                await send({"type": "websocket.send", "text": str(number)})
                said.append(str(number))
        except OSError as error:
            said.append(str(error))

    server = serving(application)
    server.fill()
    server.send(HANDSHAKE)
    assert said == []
    server.transport.producer.resumeProducing()
    assert said == ["0"]
    server.close()
    assert said == ["0", "the client has gone away"]


def test_all_who_send_at_once_wait_and_none_is_forgotten():
    said: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(ACCEPT)

        async def say(text: str) -> None:
            await send({"type": "websocket.send", "text": text})
            said.append(text)

        await gatherResults([ensureDeferred(say(text)) for text in "abc"])
        said.append("all")

    server = serving(application)
    server.fill()
    server.send(HANDSHAKE)
    assert said == []
    server.transport.producer.resumeProducing()
    assert said == ["a", "b", "c", "all"]


def test_a_client_that_says_more_than_is_heard_is_not_read_until_it_is():
    heard: list[Any] = []
    pause: Deferred[None] = Deferred()
    server = serving(talking(heard, pause))
    server.send(HANDSHAKE)
    for _ in range(3000):
        server.send(masked(1, b"x" * 200))
        if server.transport.producerState == "paused":
            break
    assert server.transport.producerState == "paused"
    pause.callback(None)
    assert server.transport.producerState == "producing"
    assert 2000 < len(heard) < 3000 and {event["text"] for event in heard} == {"x" * 200}


def test_empty_messages_are_not_free():
    heard: list[Any] = []
    server = serving(talking(heard, Deferred()))
    server.send(HANDSHAKE)
    server.send(masked(1, b"") * 5000)
    assert server.transport.producerState == "paused"


def test_a_refusal_may_be_an_answer_of_its_own():
    refusal = {
        "type": "websocket.http.response.start",
        "status": 401,
        "headers": [(b"content-type", b"text/plain"), (b"content-length", b"5")],
    }
    server = serving(answering(refusal, {"type": "websocket.http.response.body", "body": b"who ?"}))
    answer = server.send(HANDSHAKE)
    assert (
        status(answer) == 401 and body(answer) == b"who ?" and head(answer)[b"content-type"] == b"text/plain"
    )


@pytest.mark.parametrize(
    "events",
    [
        [ACCEPT, ACCEPT],
        [{"type": "websocket.send", "text": "x"}],
        [ACCEPT, {"type": "websocket.http.response.start", "status": 401}],
        [{"type": "websocket.http.response.start", "status": 401}],
        [{"type": "websocket.http.response.start", "status": 401}, ACCEPT],
    ],
)
def test_events_out_of_place_are_the_applications_error(events, taken_reports):
    answer = serving(answering(*events)).send(HANDSHAKE)
    assert status(answer) == 500 or b"\x88\x02\x03\xf3" in answer  # 1011
    [report] = taken_reports()
    assert report.failure.check(RuntimeError)


def test_a_site_that_stops_says_goodbye_to_its_websockets():
    heard: list[Any] = []
    server = serving(talking(heard))
    server.send(HANDSHAKE)
    server.send(TEXT)
    server.transport.clear()
    gone: list[Any] = []
    server.site.finish_requests(30).addCallback(gone.append)
    assert server.answered() == b"\x88\x02\x03\xe9"  # 1001: going away
    server.send(masked(8, b"\x03\xe9"))
    assert server.closing
    server.close()
    assert gone == [None] and heard[-1]["code"] == 1001
