"""What RFC 9113 says of requests, section by section, in the order of h2spec: raw frames in, raw frames out."""

from __future__ import annotations

import pytest

from tests.web.http2.peer import (
    END_HEADERS,
    END_STREAM,
    GET,
    POST,
    PROTOCOL_ERROR,
    Peer,
    data,
    goaway,
)

METHOD, SCHEME, PATH, AUTHORITY = GET


def section(text, *fields):
    return pytest.param(list(fields), id=text.replace(" ", "-"))


def length(value: bytes) -> tuple[bytes, bytes]:
    return (b"content-length", value)


@pytest.mark.parametrize(
    "fields",
    [
        section("8.2 a name in upper case", *GET, (b"X-A", b"b")),
        section("8.2.1 a name with a space", *GET, (b"x y", b"a")),
        section("8.2.1 an empty name", *GET, (b"", b"a")),
        section("8.2.1 a name with a colon", *GET, (b"x:y", b"a")),
        section("8.2.1 a name that is not ASCII", *GET, (b"x\xe9", b"a")),
        section("8.2.1 NUL in a value", *GET, (b"x", b"a\0b")),
        section("8.2.1 line ends in a value", *GET, (b"x", b"a\r\nb: c")),
        section("8.2.1 a line feed in a value", *GET, (b"x", b"a\nb: c")),
        section("8.2.1 space around a value", *GET, (b"x", b" a")),
        section("8.2.1 a tab behind a value", *GET, (b"x", b"a\t")),
        section("8.2.1 line ends in a pseudo-header", METHOD, SCHEME, (b":path", b"/ HTTP/1.1\r\nx: y"), AUTHORITY),
        section("8.2.1 line ends in the method", (b":method", b"GET / HTTP/1.1\r\nx:"), SCHEME, PATH, AUTHORITY),
        section("8.2.2 connection", *GET, (b"connection", b"keep-alive")),
        section("8.2.2 keep-alive", *GET, (b"keep-alive", b"a")),
        section("8.2.2 proxy-connection", *GET, (b"proxy-connection", b"a")),
        section("8.2.2 transfer-encoding", *GET, (b"transfer-encoding", b"chunked")),
        section("8.2.2 upgrade", *GET, (b"upgrade", b"h2c")),
        section("8.2.2 te other than trailers", *GET, (b"te", b"trailers, deflate")),
        section("8.3 an unknown pseudo-header", *GET, (b":x", b"y")),
        section("8.3 a pseudo-header of answers", *GET, (b":status", b"200")),
        section("8.3 a pseudo-header behind fields", METHOD, SCHEME, PATH, (b"a", b"b"), AUTHORITY),
        section("8.3.1 no method", *GET[1:]),
        section("8.3.1 no scheme", METHOD, PATH, AUTHORITY),
        section("8.3.1 no path", METHOD, SCHEME, AUTHORITY),
        section("8.3.1 an empty path", METHOD, SCHEME, (b":path", b""), AUTHORITY),
        section("8.3.1 two methods", METHOD, *GET),
        section("8.3.1 two schemes", SCHEME, *GET),
        section("8.3.1 two paths", PATH, *GET),
        section("8.3.1 two authorities", AUTHORITY, *GET),
        section("8.3.1 another host", *GET, (b"host", b"b")),
        section("8.5 CONNECT with a path", (b":method", b"CONNECT"), SCHEME, PATH, AUTHORITY),
        section("8.1.1 two lengths", *GET, length(b"0"), length(b"1")),
        section("8.1.1 a list of lengths", *GET, length(b"0, 0")),
        section("8.1.1 a signed length", *GET, length(b"+0")),
        section("8.1.1 a length with an underscore", *GET, length(b"1_0")),
        section("8.1.1 a length without end", *GET, length(b"9" * 5000)),
    ],
)  # fmt: skip
def test_attack_064_and_065_malformed_requests_end_the_connection(fields):
    """RFC 9113 section 8.1.1 asks for an error of the stream at least; h2 takes it for one of the connection."""
    peer = Peer()
    assert goaway(peer.send(peer.headers(1, fields))) == [PROTOCOL_ERROR]
    assert peer.closing and peer.seen == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([*GET, (b"x", b"a\x01b")], 400),
        ([*GET, (b"x", b"a\x7fb")], 400),
        ([*GET, (b"x", b"a\x1b[2Jb")], 400),
        ([*GET, length(b"5")], 400),
        ([*GET, length(b"0"), length(b"0")], 400),
        ([(b":method", b"G T"), *GET[1:]], 400),
        ([(b":method", b""), *GET[1:]], 400),
        ([(b":method", b"G\xc3\xa9T"), *GET[1:]], 400),
        ([METHOD, (b":scheme", b"ht tp"), PATH, AUTHORITY], 400),
        ([METHOD, (b":scheme", b"file"), PATH, AUTHORITY], 400),
        ([METHOD, SCHEME, (b":path", b"x"), AUTHORITY], 400),
        ([METHOD, SCHEME, (b":path", b"*"), AUTHORITY], 400),
        ([METHOD, SCHEME, (b":path", b"/a b"), AUTHORITY], 400),
        ([METHOD, SCHEME, (b":path", b"/a#b"), AUTHORITY], 400),
        ([METHOD, SCHEME, (b":path", b"/\xc3\xa9"), AUTHORITY], 400),
        ([METHOD, SCHEME, (b":path", b"http://a/"), AUTHORITY], 400),
        ([*GET[:3], (b":authority", b"a/b")], 400),
        ([*GET[:3], (b":authority", b"u@a")], 400),
        ([*GET[:3], (b":authority", b"a b")], 400),
        ([*GET[:3], (b"host", b"a?b")], 400),
        ([(b":method", b"CONNECT"), (b":authority", b"a:80")], 400),
        ([(b":method", b"CONNECT"), (b":protocol", b"websocket"), *GET[1:]], 400),
        ([*GET, (b"expect", b"a coffee")], 417),
        ([*GET, *[(b"x", b"y")] * 500], 431),
    ],
)
def test_attack_064_and_065_what_http_1_refuses_is_refused(fields, status):
    peer = Peer()
    assert peer.answers(peer.send(peer.headers(1, fields))) == [(status, b"")]
    assert peer.seen == [] and peer.is_alive()
    # The connection is fit for the next one.
    assert peer.answers(peer.send(peer.headers(3)), 3) == [(200, b"fine")]


@pytest.mark.parametrize(
    "fields",
    [
        [*GET, (b"te", b"trailers")],
        [*GET, length(b"0")],
        [*GET, (b"host", b"a")],
        [*GET[:3], (b"host", b"a")],
        [*GET, (b"x", b"a\tb \xe9")],
        [METHOD, (b":scheme", b"https"), PATH, AUTHORITY],
    ],
)
def test_requests_that_are_right(fields):
    peer = Peer()
    assert peer.answers(peer.send(peer.headers(1, fields))) == [(200, b"fine")]


@pytest.mark.parametrize(
    "pieces",
    [[b"test"], [b"te", b"st"], [b"t"], [b""]],
    ids=["more", "more in two frames", "less", "nothing"],
)
def test_8_1_1_a_body_is_as_long_as_its_length_says(pieces):
    peer = Peer()
    frames = [data(1, piece) for piece in pieces[:-1]] + [data(1, pieces[-1], END_STREAM)]
    answer = peer.send(peer.headers(1, [*POST, length(b"2")], END_HEADERS), *frames)
    assert goaway(answer) == [PROTOCOL_ERROR] and peer.seen == []


def test_8_1_trailers_end_a_request_and_are_not_headers():
    peer = Peer()
    late = [peer.headers(1, POST, END_HEADERS), data(1, b"test"), peer.headers(1, [(b"authorization", b"x")])]
    assert peer.answers(peer.send(*late)) == [(200, b"fine")]
    assert peer.seen == [(b"POST", b"/", b"test")]
    assert peer.server.resource.last.getHeader(b"authorization") is None


@pytest.mark.parametrize(
    ("fields", "flags"),
    [
        ([(b"a", b"b")], END_HEADERS),
        ([(b":path", b"/")], END_HEADERS | END_STREAM),
        ([(b"A", b"b")], END_HEADERS | END_STREAM),
        ([(b"connection", b"close")], END_HEADERS | END_STREAM),
    ],
    ids=["no end of the stream", "pseudo-header", "upper case", "connection"],
)
def test_8_1_trailers_that_are_none(fields, flags):
    peer = Peer()
    answer = peer.send(peer.headers(1, POST, END_HEADERS), data(1, b"test"), peer.headers(1, fields, flags))
    assert goaway(answer) == [PROTOCOL_ERROR] and peer.seen == []


def test_8_2_3_cookies_in_crumbs_are_one():
    peer = Peer()
    peer.send(peer.headers(1, [*GET, (b"cookie", b"a=1"), (b"cookie", b"b=2")]))
    assert peer.server.resource.last.received_cookies == {b"a": b"1", b"b": b"2"}
