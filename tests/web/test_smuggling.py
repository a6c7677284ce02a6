"""Odd requests, of which parsers make different things: each in one piece, byte by byte, and cut at random.

Behind every request stands another one, that
an attacker wants to be taken for a request, or not to be taken for one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import h11
import pytest
from hypothesis import given, strategies as st

from tests.web.serving import Server, status

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
END = b"\r\n\r\n"

#: What is refused, with the status.
REFUSED: dict[str, tuple[bytes, int]] = {
    # What the length of the body is.
    "a length and chunks": (POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks and a length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 4\r\nContent-Length: 0\r\n\r\nabcd", 400),
    "a length twice": (POST + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
    "a list of lengths": (POST + b"Content-Length: 4, 4\r\n\r\nabcd", 400),
    "a length with a sign": (POST + b"Content-Length: +4\r\n\r\nabcd", 400),
    "a negative length": (POST + b"Content-Length: -4\r\n\r\nabcd", 400),
    "a length in hexadecimal": (POST + b"Content-Length: 0x4\r\n\r\nabcd", 400),
    "a length in two parts": (POST + b"Content-Length: 4 4\r\n\r\nabcd", 400),
    "no length": (POST + b"Content-Length: \r\n\r\nabcd", 400),
    "another encoding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "chunks within an encoding": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    "an encoding within chunks": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "chunks twice": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks behind a vertical tab": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    # Where a header field ends, and what its name is.
    "space before a colon": (POST + b"Content-Length : 4\r\n\r\nabcd", 400),
    "space before the colon of an encoding": (POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    "a folded value": (GET + b"X: a\r\n b" + END, 400),
    "a folded encoding": (POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "a folded first line": (b"GET / HTTP/1.1\r\n Host: a" + END, 400),
    "line feeds alone": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "a line feed alone between fields": (GET + b"X: a\nY: b" + END, 400),
    "a carriage return alone in a value": (GET + b"X: a\rContent-Length: 40" + END, 400),
    "a carriage return too many": (GET + b"X: a\r\r\n\r\n", 400),
    "NUL in a value": (GET + b"X: a\0b" + END, 400),
    "a control character in a value": (GET + b"X: a\x01b" + END, 400),
    "a name that is no token": (GET + b"X(: a" + END, 400),
    "an empty name": (GET + b": a" + END, 400),
    "no colon": (GET + b"X" + END, 400),
    "too many fields": (GET + b"X: a\r\n" * 600 + b"\r\n", 431),
    # Whom the request is for.
    "no Host": (b"GET / HTTP/1.1" + END, 400),
    "two Hosts": (GET + b"Host: b" + END, 400),
    "a Host with a path": (b"GET / HTTP/1.1\r\nHost: a/b" + END, 400),
    "a Host with a user": (b"GET / HTTP/1.1\r\nHost: u@a" + END, 400),
    "an authority": (b"GET a:80 HTTP/1.1\r\nHost: a" + END, 400),
    "a relative target": (b"GET a HTTP/1.1\r\nHost: a" + END, 400),
    "an asterisk": (b"GET * HTTP/1.1\r\nHost: a" + END, 400),
    "a target of another host": (b"GET http://b/ HTTP/1.1\r\nHost: a" + END, 400),
    "a fragment": (b"GET /a#b HTTP/1.1\r\nHost: a" + END, 400),
    "a path for CONNECT": (b"CONNECT / HTTP/1.1\r\nHost: a" + END, 400),
    "a target that is not ASCII": ("GET /é HTTP/1.1\r\nHost: a".encode() + END, 400),
    # The request line.
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a" + END, 505),
    "HTTP/0.9": (b"GET /" + END, 400),
    "two spaces": (b"GET  / HTTP/1.1\r\nHost: a" + END, 400),
    "a tab": (b"GET\t/ HTTP/1.1\r\nHost: a" + END, 400),
    "a space before the method": (b" GET / HTTP/1.1\r\nHost: a" + END, 400),
    "a version in lower case": (b"GET / http/1.1\r\nHost: a" + END, 400),
    # Chunks.
    "a chunk of 0x4": (CHUNKED + b"0x4\r\nabcd\r\n0\r\n\r\n", 400),
    "a chunk of +4": (CHUNKED + b"+4\r\nabcd\r\n0\r\n\r\n", 400),
    "a chunk of nothing": (CHUNKED + b"\r\nabcd\r\n0\r\n\r\n", 400),
    "a chunk of too many digits": (CHUNKED + b"0" * 20 + b"4\r\nabcd\r\n0\r\n\r\n", 400),
    "a chunk that overflows": (CHUNKED + b"10000000000000004\r\nabcd\r\n0\r\n\r\n", 400),
    "space before a chunk's size": (CHUNKED + b" 4\r\nabcd\r\n0\r\n\r\n", 400),
    "a line feed in an extension": (CHUNKED + b"4;a\n\r\nabcd\r\n0\r\n\r\n", 400),
    "a chunk's line that ends with a line feed": (CHUNKED + b"4\nabcd\r\n0\r\n\r\n", 400),
    "a chunk that ends with something else": (CHUNKED + b"4\r\nabcdXX0\r\n\r\n", 400),
    "a chunk that ends with a line feed": (CHUNKED + b"4\r\nabcd\n0\r\n\r\n", 400),
    "a chunk that is longer than it says": (CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n", 400),
    "a trailer that is none": (CHUNKED + b"0\r\nX : a" + END, 400),
    "a trailer that ends with a line feed": (CHUNKED + b"0\r\nX: a\n\r\n", 400),
}  # fmt: skip

#: What is odd, and right: the request as it is read.
READ: dict[str, tuple[bytes, tuple[bytes, bytes, bytes]]] = {
    "empty lines first": (b"\r\n\r\n" + GET + b"\r\n", (b"GET", b"/", b"")),
    "a whole URL": (b"GET http://a/b?c HTTP/1.1\r\nHost: a" + END, (b"GET", b"http://a/b?c", b"")),
    "a GET with a body": (GET + b"Content-Length: 4\r\n\r\nabcd", (b"GET", b"/", b"abcd")),
    "a body that looks like a request": (POST + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN, (b"POST", b"/", HIDDEN)),
    "a length with zeros": (POST + b"Content-Length: 004\r\n\r\nabcd", (b"POST", b"/", b"abcd")),
    "a length with space around": (POST + b"Content-Length: \t 4 \t\r\n\r\nabcd", (b"POST", b"/", b"abcd")),
    "chunks in capitals": (POST + b"TRANSFER-ENCODING:CHUNKED\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", (b"POST", b"/", b"abcd")),
    "an extension and a trailer": (CHUNKED + b'4 ; a="b c"\r\nabcd\r\n00;x\r\nX: a\r\n\r\n', (b"POST", b"/", b"abcd")),
    "no space behind a colon": (GET + b"X:a:b\r\nY:\r\n\r\n", (b"GET", b"/", b"")),
    "another version is offered": (GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk" + END, (b"GET", b"/", b"")),
    "a method that nobody knows": (b"M-SEARCH /a HTTP/1.1\r\nHost: a" + END, (b"M-SEARCH", b"/a", b"")),
}  # fmt: skip


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """Yield the same bytes whole, byte by byte, and cut at random places (the same ones in every run)."""
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    chance = random.Random(data)
    for number in (1, 2, 3, 5, 8, 13):
        places = sorted(chance.randrange(len(data) + 1) for _ in range(number))
        yield [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def answered(pieces: list[bytes]) -> tuple[bytes, Server]:
    server = Server()
    for piece in pieces:
        server.protocol.dataReceived(piece)
    return server.answered(), server


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    data, code = REFUSED[name]
    for pieces in cuts(data + HIDDEN):
        answer, server = answered(pieces)
        assert status(answer) == code, pieces
        assert answer.count(b"HTTP/1.1 ") == 1 and server.closing and server.seen == []


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name):
    data, request = READ[name]
    for pieces in cuts(data + HIDDEN):
        answer, server = answered(pieces)
        assert server.seen == [request, (b"GET", b"/hidden", b"")], pieces
        assert answer.count(b"HTTP/1.1 200 OK") == 2 and not server.closing


# --- Another parser ------------------------------------------------------------------------------------------------


def read_by_h11(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Return the requests that h11 finds, up to the first that it refuses."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=100_000)
    connection.receive_data(data)
    found = []
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                request, content = event, b""
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                found.append((bytes(request.method), bytes(request.target), content))
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    return found
                connection.start_next_cycle()
            else:
                return found
    except h11.RemoteProtocolError:
        return found


LINE_END = st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\n\r\n"])
FIELD = st.sampled_from(
    [b"Host: a"] * 2
    + [
        b"Content-Length: 4",
        b"Content-Length: 0",
        b"Content-Length: 04",
        b"Content-Length: 4, 4",
        b"Content-Length:4 ",
        b"content-length: +4",
        b"Content-Length : 4",
        b"Content-Length: 4\x0b",
        b"Content_Length: 4",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: Chunked ",
        b"transfer-encoding: chunked, chunked",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding:\tchunked",
        b"Transfer-Encoding: x\r\n chunked",
        b"Connection: close",
        b"Connection: keep-alive, Content-Length",
        b"Expect: 100-continue",
        b"Upgrade: websocket",
        b"X: a",
        b" X: a",
        b"X",
        b"X:",
    ]
)
BODY = st.sampled_from(
    [
        b"",
        b"abcd",
        b"4\r\nabcd\r\n0\r\n\r\n",
        b"4;a=b\r\nabcd\r\n0\r\nX: y\r\n\r\n",
        b'4 ; a="b"\r\nabcd\r\n000\r\n\r\n',
        b"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
        b"04\r\nabcd\r\n0\r\n\r\n",
        b"0\r\n\r\n",
        b"0\r\nX\r\n\r\n",
        b"4\r\nabcd0\r\n\r\n",
        b"4\nabcd\n0\n\n",
        b"0x4\r\nabcd\r\n0\r\n\r\n",
        HIDDEN,
    ]
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """Return something like a request."""
    line = draw(st.sampled_from([b"GET / HTTP/1.1"] * 3 + [b"POST /a HTTP/1.1"] * 4 + [b"POST /b HTTP/1.0"]))
    fields = draw(st.lists(FIELD, max_size=3))
    if draw(st.integers(0, 9)):
        fields.insert(0, b"Host: a")
    lines = [line, *fields]
    return b"".join(each + draw(LINE_END) for each in lines) + draw(LINE_END) + draw(BODY)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return some requests, with a byte or two put in or taken out where nobody looks."""
    data = b"".join(draw(st.lists(messages(), min_size=1, max_size=3))) + HIDDEN
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data) - 1))
        put = draw(
            st.sampled_from(
                [b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b"0", b"4", b":", b";", b"\0", b"\x0b", b"\xa0"]
            )
        )
        data = data[:at] + put + data[at + draw(st.integers(0, 1)) :]
    return data


@given(damaged(), st.lists(st.integers(1, 40), max_size=30))
def test_what_two_parsers_accept_they_read_alike(data, sizes):
    """Whatever is a request to h11 and to this server is the same request, with the same body, and so is the next one."""
    _, server = answered([data])
    assert all(ours == theirs for ours, theirs in zip(server.seen, read_by_h11(data), strict=False))
    pieces, rest = [], data
    for size in [*sizes, len(data)]:
        pieces.append(rest[:size])
        rest = rest[size:]
    answer, cut = answered(pieces)
    assert cut.seen == server.seen and cut.closing == server.closing
    assert answer.count(b"HTTP/1.1 400") == server.answered().count(b"HTTP/1.1 400")


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(data, after_a_head):
    """And whoever sends them does not keep the connection."""
    answer, server = answered([(CHUNKED if after_a_head else b"") + data])
    assert answer == b"" or status(answer) in (200, 400, 405, 413, 414, 417, 431, 501, 505)
    for _ in range(8):
        server.clock.advance(60)
    assert server.closing


def test_the_two_parsers_are_asked_about_requests_that_both_accept():
    """Else the test above would try nothing."""
    data = CHUNKED + b"4\r\nabcd\r\n0\r\n\r\n" + POST + b"Content-Length: 4\r\n\r\nabcd" + HIDDEN
    assert read_by_h11(data) == answered([data])[1].seen
    assert len(read_by_h11(data)) == 3
