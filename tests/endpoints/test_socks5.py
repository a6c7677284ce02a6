"""The client's SOCKS5 machine: what it sends, what it accepts, what it says of the rest."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from selvage.endpoints import (
    ProxyAuthenticationError,
    ProxyError,
    ProxyProtocolError,
    ProxyRefusedError,
)
from selvage.endpoints._socks5 import SOCKS5Handshake

GRANTED = b"\x05\x00" + b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
ADDRESSES = [b"\x01" + bytes(4), b"\x04" + bytes(16), b"\x03\x05proxy"]


def handshake(host: str = "example.com", **options: Any) -> SOCKS5Handshake:
    return SOCKS5Handshake("<proxy>", host, 443, **options)


def talk(machine: SOCKS5Handshake, pieces: list[bytes]) -> tuple[bytes, bytes, Any]:
    """Return all that was sent, the rest, and whether it is finished; or, in that place, the error alone."""
    sent = machine.start()
    try:
        for piece in pieces:
            sent += machine.receive_data(piece)
    except ProxyError as error:
        return b"", b"", (type(error), str(error))
    return sent, machine.rest, machine.finished


def cut(data: bytes, places: set[int]) -> list[bytes]:
    edges = [0, *sorted(place for place in places if place < len(data)), len(data)]
    return [data[a:b] for a, b in zip(edges, edges[1:], strict=False)]


@pytest.mark.parametrize(
    ("host", "encoded"),
    [
        ("example.com", b"\x03\x0bexample.com"),
        ("192.0.2.7", b"\x01\xc0\x00\x02\x07"),
        ("2001:db8::7", b"\x04" + ipaddress.ip_address("2001:db8::7").packed),
    ],
)
def test_each_kind_of_host_in_the_request(host: str, encoded: bytes) -> None:
    sent, rest, finished = talk(handshake(host), [GRANTED])
    assert sent == b"\x05\x01\x00" + b"\x05\x01\x00" + encoded + b"\x01\xbb"
    assert (rest, finished) == (b"", True)


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_kind_of_address_in_the_reply(address: bytes) -> None:
    reply = b"\x05\x00\x05\x00\x00" + address + b"\x00\x50"
    assert talk(handshake(), [reply + b"hello"])[1:] == (b"hello", True)
    assert talk(handshake(), [reply[:-1]])[1:] == (b"", False)


def test_username_and_password_are_sent_when_asked_for_only() -> None:
    machine = handshake(username="us\u00e9r", password="secret")
    assert machine.start() == b"\x05\x02\x00\x02"
    assert machine.receive_data(b"\x05\x02") == b"\x01\x05us\xc3\xa9r\x06secret"
    assert machine.stage == "authentication"
    assert machine.receive_data(b"\x01\x00")[:4] == b"\x05\x01\x00\x03"
    assert machine.stage == "request"
    unasked = handshake(username="user", password="secret")
    assert b"secret" not in talk(unasked, [GRANTED])[0]


@pytest.mark.parametrize(
    ("options", "answer", "kind", "stage", "words"),
    [
        ({}, b"\x05\xff", ProxyAuthenticationError, "greeting", "wants a username and password"),
        (
            {"username": "u", "password": "p"},
            b"\x05\xff",
            ProxyAuthenticationError,
            "greeting",
            "wants another kind of authentication",
        ),
        (
            {"username": "u", "password": "p"},
            b"\x05\x02\x01\x01",
            ProxyAuthenticationError,
            "authentication",
            "does not accept the username and password",
        ),
        ({}, b"\x05\x02", ProxyProtocolError, "greeting", "it chose the method 2, which was not offered"),
        ({}, b"HT", ProxyProtocolError, "greeting", "its answer begins with b'HT', which is no SOCKS5"),
        (
            {"username": "u", "password": "p"},
            b"\x05\x02\x05\x00",
            ProxyProtocolError,
            "authentication",
            "version 5 of authentication",
        ),
        ({}, b"\x05\x00\x04\x00\x00\x01", ProxyProtocolError, "request", "its reply is malformed"),
        ({}, b"\x05\x00\x05\x00\x01\x01", ProxyProtocolError, "request", "its reply is malformed"),
        ({}, b"\x05\x00\x05\x00\x00\x02", ProxyProtocolError, "request", "of the unknown type 2"),
    ],
)
def test_what_is_refused(
    options: dict[str, str], answer: bytes, kind: type[ProxyError], stage: str, words: str
) -> None:
    machine = handshake(**options)
    with pytest.raises(kind) as caught:
        machine.receive_data(answer)
    error = caught.value
    assert (error.stage, error.proxy, error.target) == (stage, "<proxy>", "example.com:443")
    assert words in error.reason
    assert str(error).startswith(f"No connection to example.com:443 through the proxy <proxy> ({stage}): ")


@pytest.mark.parametrize("code", range(1, 256))
def test_each_reply_code_has_its_number_and_words(code: int) -> None:
    with pytest.raises(ProxyRefusedError) as caught:
        handshake().receive_data(b"\x05\x00" + bytes([5, code, 0, 1]))
    assert caught.value.code == code
    assert ("that SOCKS5 does not know" in str(caught.value)) == (code > 8)
    assert str(caught.value).endswith(f"(code {code})")


@pytest.mark.parametrize(
    ("host", "options", "words"),
    [
        ("h" * 256, {}, "host for SOCKS5 has to have 1 to 255 octets, not 256"),
        ("h", {"username": "u" * 256, "password": "p"}, "username for SOCKS5"),
        ("h", {"username": "u", "password": "\u00e9" * 128}, "password for SOCKS5 .* not 256"),
        ("h", {"username": "u"}, "password for SOCKS5"),
        ("fe80::1%eth0", {}, "cannot say the zone"),
    ],
)
def test_what_cannot_be_said(host: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        handshake(host, **options)


ANSWERS = st.one_of(
    st.just(GRANTED),
    st.binary(max_size=40),
    st.binary(max_size=20).map(lambda more: b"\x05\x00\x05\x00\x00" + more),
    st.binary(max_size=20).map(lambda more: b"\x05\x02\x01\x00\x05" + more),
)


@example(b"\x05\x02\x01\x00", b"", {2}, True)  # accepted before the password was sent
@given(ANSWERS, st.binary(max_size=10), st.sets(st.integers(1, 60)), st.booleans())
def test_cuts_make_no_difference(answer: bytes, rest: bytes, places: set[int], with_password: bool) -> None:
    options = {"username": "u", "password": "p"} if with_password else {}
    stream = answer + rest
    assert talk(handshake(**options), cut(stream, places)) == talk(handshake(**options), [stream])
