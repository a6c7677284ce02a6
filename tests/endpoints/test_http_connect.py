"""The client's CONNECT machine: what it sends, what it accepts, what it says of the rest."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, strategies as st

from selvage.endpoints import (
    ProxyAuthenticationError,
    ProxyError,
    ProxyProtocolError,
    ProxyRefusedError,
)
from selvage.endpoints._http_connect import HEADER_LIMIT_BYTES, HTTPConnectHandshake

OK = b"HTTP/1.1 200 Connection established\r\n\r\n"


def handshake(host: str = "example.com", **options: Any) -> HTTPConnectHandshake:
    return HTTPConnectHandshake("<proxy>", host, 443, **options)


def outcome(machine: HTTPConnectHandshake, pieces: list[bytes]) -> Any:
    try:
        for piece in pieces:
            machine.receive_data(piece)
    except ProxyError as error:
        return type(error)
    return machine.finished, machine.rest


def cut(data: bytes, places: set[int]) -> list[bytes]:
    edges = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@pytest.mark.parametrize(
    ("host", "authority"),
    [
        ("example.com", b"example.com:443"),
        ("192.0.2.7", b"192.0.2.7:443"),
        ("2001:db8::7", b"[2001:db8::7]:443"),
    ],
)
def test_the_request(host: str, authority: bytes) -> None:
    assert (
        handshake(host).start() == b"CONNECT " + authority + b" HTTP/1.1\r\nHost: " + authority + b"\r\n\r\n"
    )


def test_credentials_and_more_header_fields() -> None:
    sent = handshake(username="user", password="p:w", headers=[("X-Way", "out"), (b"Via", b"us")]).start()
    token = base64.b64encode(b"user:p:w")
    assert sent.endswith(b"\r\nProxy-Authorization: Basic " + token + b"\r\nX-Way: out\r\nVia: us\r\n\r\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"username": "us:er", "password": "p"}, "cannot have a colon"),
        ({"headers": [("X", "a\r\nY: b")]}, "malformed"),
        ({"headers": [("X Y", "a")]}, "malformed"),
        ({"headers": [("proxy-authorization", "Basic x")]}, "the handshake's own"),
        ({"headers": [("Host", "elsewhere")]}, "the handshake's own"),
        ({"headers": [("Content-Length", "5")]}, "the handshake's own"),
    ],
)
def test_what_cannot_be_sent(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        handshake(**options)


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 299\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
        # Neither length nor encoding means anything in a successful answer to CONNECT.
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_opens_the_tunnel(answer: bytes) -> None:
    assert outcome(handshake(), [answer + b"220 hello"]) == (True, b"220 hello")
    assert outcome(handshake(), [answer]) == (True, b"")


def test_later_bytes_are_the_tunnels_too() -> None:
    machine = handshake()
    machine.receive_data(OK)
    machine.receive_data(b"HTTP/1.1 500 no longer HTTP")
    assert machine.rest == b"HTTP/1.1 500 no longer HTTP"


@pytest.mark.parametrize("code", [301, 403, 404, 500, 502, 503, 504])
def test_refusals_have_their_code(code: int) -> None:
    with pytest.raises(ProxyRefusedError) as caught:
        handshake().receive_data(b"HTTP/1.1 %d Not for you\r\nContent-Length: 100\r\n\r\n" % code)
    error = caught.value
    assert (error.code, error.stage, error.proxy, error.target) == (
        code,
        "request",
        "<proxy>",
        "example.com:443",
    )
    assert error.reason == f"the proxy answered {code} Not for you"


def test_a_proxy_that_wants_credentials() -> None:
    answer = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nProxy-Authenticate: Negotiate\r\n\r\n"
    with pytest.raises(ProxyAuthenticationError, match="407 No; it wants Basic realm=x, Negotiate$"):
        handshake().receive_data(answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x05\x00",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * HEADER_LIMIT_BYTES,
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * HEADER_LIMIT_BYTES + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * (HEADER_LIMIT_BYTES // 20),
    ],
)
def test_what_is_no_answer(answer: bytes) -> None:
    for pieces in ([answer], cut(answer, set(range(0, len(answer), 1000)))):
        machine = handshake()
        with pytest.raises(ProxyProtocolError) as caught:
            for piece in pieces:
                machine.receive_data(piece)
        assert len(str(caught.value)) < 500


ANSWERS = st.one_of(
    st.sampled_from(
        [
            OK,
            b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
            b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy",
            b"HTTP/1.1 200 OK\nBare: LF\n\n",
        ]
    ),
    st.binary(max_size=40),
    st.binary(max_size=20).map(lambda more: b"HTTP/1.1 200 OK\r\nA: b\r\n" + more),
)


@given(ANSWERS, st.binary(max_size=10), st.sets(st.integers(1, 90)))
def test_cuts_make_no_difference(answer: bytes, rest: bytes, places: set[int]) -> None:
    stream = answer + rest
    assert outcome(handshake(), cut(stream, places)) == outcome(handshake(), [stream])
