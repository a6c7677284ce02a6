"""Header fields that came before mean what they meant; nothing of a request stays in them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from selvage.testing import StringTransport
from selvage.web import _known_fields
from selvage.web._head import BadRequest, HeadParser
from selvage.web.resource import Resource

from .serving import Seen, Server, status

LINES = [
    b"GET / HTTP/1.1",
    b"HEAD /a?b HTTP/1.1",
    b"POST / HTTP/1.0",
    b"BREW /pot HTTP/1.1",
    b"CONNECT a:80 HTTP/1.1",
    b"CONNECT a HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"GET http://a/ HTTP/1.1",
    b"GET http://b/ HTTP/1.1",
    b"GET /# HTTP/1.1",
    b"GET pot HTTP/1.1",
]
FIELDS = [
    b"Host: a",
    b"Host: b",
    b"host: a",
    b"Host: a b",
    b"Accept: */*",
    b"accept: text/html",
    b"Content-Length: 5",
    b"Content-Length: five",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip",
    b"Connection: close",
    b"Connection: upgrade\r\nUpgrade: websocket",
    b"Proxy-Connection: close",
    b"Proxy-Connection: upgrade",
    b"Upgrade: websocket",
    b"Expect: 100-continue",
    b"Expect: the best",
    b"Cookie: a=b",
    b"no field",
    b"A: \x01",
    b"A: b\r\n c",
]
heads = st.builds(
    lambda line, fields: b"\r\n".join([line, *fields, b"", b""]),
    st.sampled_from(LINES),
    st.lists(st.sampled_from(FIELDS), max_size=4),
)


def outcome(parser: HeadParser, head: bytes, strict: bool) -> Any:
    try:
        method, target, version, headers, length = parser.parse(head, 20, strict)
    except BadRequest as error:
        return str(error)
    return method, target, version, headers._rawHeaders, length


@given(st.lists(st.tuples(heads, st.booleans()), min_size=1, max_size=4))
@example([(b"GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n", True)])
def test_a_head_means_the_same_whatever_came_before(asked):
    parser = HeadParser()
    for head, strict in asked * 3:
        assert outcome(parser, head, strict) == outcome(HeadParser(), head, strict)


def test_the_request_line_does_not_decide_what_is_known():
    parser = HeadParser()
    rest = b" HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
    for _ in range(3):
        parser.parse(b"PUT /x" + rest, 20, True)
    assert parser._known.find(rest[11:]) is not None
    for line, reason in (
        (b"GET /#", "the form"),
        (b"CONNECT /", "the form"),
        (b"GET http://b/", "of the Host"),
    ):
        with pytest.raises(BadRequest, match=reason):
            parser.parse(line + rest, 20, True)


def test_what_an_application_does_to_its_headers_nobody_else_sees():
    seen: list[Any] = []

    class Changing(Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> bytes:
            seen.append(request.getHeader(b"accept"))
            request.requestHeaders.getRawHeaders(b"accept").append(b"changed")
            request.requestHeaders.setRawHeaders(b"host", [b"changed"])
            return b""

    server = Server(Changing())
    for _ in range(4):
        server.send(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: 1\r\n\r\n")
    assert server.protocol._channel._parser._known.find(b"Host: a\r\nAccept: 1\r\n\r\n") is not None
    assert seen == [b"1"] * 4


def test_nobody_decides_for_the_next_one_that_a_connection_ends():
    """llhttp takes it for Connection, and would refuse whatever comes next: of anybody, for the parser is shared."""
    server = Server()
    server.send(b"GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n")
    server.close()
    server.transport = StringTransport()
    server.protocol = server.site.buildProtocol(None)
    server.protocol.makeConnection(server.transport)
    assert status(server.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n")) == 200


def test_an_application_that_adds_a_host_does_not_let_two_pass():
    server = Server(Seen(lambda request: request.requestHeaders.addRawHeader(b"host", b"b") or b""))
    server.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status(server.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")) == 400


def times(parser: HeadParser, number: int, fields: bytes) -> bool:
    """Parse a head so many times; tell whether its fields are known then."""
    lines = b"Host: a\r\n" + fields + b"\r\n\r\n"
    for _ in range(number):
        parser.parse(b"GET / HTTP/1.1\r\n" + lines, 1000, True)
    return parser._known.find(lines) is not None


def test_what_came_once_is_not_kept():
    assert not times(HeadParser(), 1, b"Accept: b")
    assert times(HeadParser(), 2, b"Accept: b")


@pytest.mark.parametrize(
    "fields",
    [
        b"Authorization: Basic YTpi",
        b"cookie: session=1",
        b"Proxy-Authorization: Basic YTpi",
        b"X-Api-Key: 1",
        b"X-Something-Of-Its-Own: 1",
        b"Accept: " + b"a" * _known_fields.MOST_BYTES,
    ],
)
def test_neither_credentials_nor_what_is_large_is_kept(fields):
    assert not times(HeadParser(), 3, fields)


def test_nobody_fills_the_memory():
    parser = HeadParser()
    for number in range(5 * _known_fields.MOST_SEEN):
        times(parser, 2, b"Accept: %d" % number)
        assert len(parser._known._known) <= _known_fields.MOST_KNOWN
        assert len(parser._known._seen) <= _known_fields.MOST_SEEN
    assert times(parser, 2, b"Accept: b"), "what came late is remembered, too"


def test_who_is_refused_is_not_remembered():
    parser = HeadParser()
    for _ in range(3):
        with pytest.raises(BadRequest):
            times(parser, 1, b"Host: b")
    assert not parser._known._known and not parser._known._seen
