"""Requests made to be read in two ways: by raw bytes, whole and one byte at a time, each is refused or read in the one right way."""

from __future__ import annotations

import pytest

from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.web.http import Request
from tests.web.serving import OPEN, Later, Seen, Server, body, head, status

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
#: What would be a second request, if the first one ended where an attacker wants.
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"


def refused(data: bytes, *codes: int) -> None:
    """Expect one answer that refuses, the end of the connection, and an application that saw nothing."""
    for send in (Server.send, Server.send_slowly):
        server = Server()
        answer = send(server, data)
        assert status(answer) in (codes or (400,)), answer
        assert answer.count(b"HTTP/1.1 ") == 1
        assert server.closing
        assert server.seen == []
        assert server.send(HIDDEN) == b""


def chunked(chunks: bytes) -> bytes:
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks


def test_attack_001_two_content_lengths():
    for second in (b"0", b"5", b"4"):
        refused(POST + b"Content-Length: 4\r\nContent-Length: " + second + b"\r\n\r\nabcd" + HIDDEN)


def test_attack_002_content_length_and_transfer_encoding():
    refused(POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN)
    refused(POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + HIDDEN)


@pytest.mark.parametrize(
    "value",
    [
        b"gzip",
        b"gzip, chunked",
        b"xchunked",
        b"chunked, identity",
        b"identity",
        b"chunked;q=1",
        b"\x0bchunked",
        b"chun ked",
        b"",
    ],
)
def test_attack_003_transfer_encodings_that_are_not_chunked(value):
    refused(POST + b"Transfer-Encoding: " + value + b"\r\n\r\n0\r\n\r\n" + HIDDEN, 400, 501)


@pytest.mark.parametrize(
    "value", [b"+4", b"-4", b"0x4", b"4,4", b"4 4", b"4_0", b"", b"4\x0b", b"9" * 30, "٤".encode()]
)
def test_attack_004_content_lengths_that_are_not_digits(value):
    refused(POST + b"Content-Length: " + value + b"\r\n\r\nabcd" + HIDDEN)


@pytest.mark.parametrize(
    "size", [b"0x4", b"+4", b"-4", b"4_0", b" 4", b"", b"g", b"4 x", b"f" * 16, "٤".encode(), b"4\x0b"]
)
def test_attack_004_chunk_sizes_that_are_not_digits(size):
    refused(chunked(size + b"\r\nabcd\r\n0\r\n\r\n" + HIDDEN))


@pytest.mark.parametrize(
    "value", [b"a\rContent-Length: 5", b"a\nContent-Length: 5", b"a\rb", b"a\nb", b"\ra", b"a\r"]
)
def test_attack_005_line_ends_within_a_value(value):
    refused(POST + b"X: " + value + b"\r\n\r\n")


@pytest.mark.parametrize("value", [b"\0", b"a\0", b"\0a", b"a\x01b", b"a\x7fb"])
def test_attack_006_control_characters_in_a_value(value):
    refused(GET + b"X: " + value + b"\r\n\r\n")


@pytest.mark.parametrize(
    "name", [b"X ", b" X", b"X\t", b"X\0", b"X\x0b", b"X Y", b"", b"X\xe9", b"X(", b"\xef\xbb\xbfX"]
)
def test_attack_007_names_that_are_no_tokens(name):
    refused(GET + name + b": a\r\n\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b"GET  / HTTP/1.1",
        b"GET /  HTTP/1.1",
        b" GET / HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b"GET\t/ HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET /\x0b HTTP/1.1",
        b"GET /\0 HTTP/1.1",
        b"G(T / HTTP/1.1",
        b"GET / http/1.1",
        b"GET / HTTP/1.10",
        b"GET / HTTP/1",
        b"GET / HTTP/+1.1",
        b"GET / HTTP/1.2",
        b"GET / ICE/1.0",
        b"GET / RTSP/1.0",
        "GET /é HTTP/1.1".encode(),
        b"GET HTTP/1.1",
    ],
)
def test_attack_008_request_lines_that_are_not_exact(line):
    refused(line + b"\r\nHost: a\r\n\r\n")


def test_attack_009_answers_keep_the_order_of_the_requests():
    """CVE-2024-41671, CVE-2023-46137: several requests in one segment, none answered at once."""
    later = Later()
    server = Server(later)
    assert (
        server.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(5))) == b""
    )
    for number in range(5):
        # One request is with the application at a time, so nobody can answer the next one first.
        assert [request.uri for request in later.waiting] == [b"/%d" % number]
        request = later.waiting.pop()
        server.transport.clear()
        request.setHeader(b"content-length", b"2")
        request.write(b"r%d" % number)
        request.finish()
        assert body(server.answered()) == b"r%d" % number


def test_attack_010_the_same_whether_whole_or_one_byte_at_a_time():
    data = chunked(b"4\r\nabcd\r\n0\r\n\r\n") + POST + b"Content-Length: 2\r\n\r\nhi" + HIDDEN
    whole, slowly = Server(), Server()
    assert (
        whole.send(data).count(b"HTTP/1.1 200 OK") == slowly.send_slowly(data).count(b"HTTP/1.1 200 OK") == 3
    )
    assert (
        whole.seen
        == slowly.seen
        == [(b"POST", b"/", b"abcd"), (b"POST", b"/", b"hi"), (b"GET", b"/hidden", b"")]
    )


def test_attack_011_a_carriage_return_alone_ends_nothing():
    refused(b"GET / HTTP/1.1\rHost: a\r\r\n\r\n")
    refused(GET[:-2] + b"\rX: a\r\n\r\n")


@pytest.mark.parametrize("number", [b"0_4", b" 4 4", b"4.0", b"\xb2", "４".encode(), b"4;", b"4,"])
def test_attack_012_and_015_numbers_are_those_of_the_grammar(number):
    refused(POST + b"Content-Length: " + number + b"\r\n\r\nabcd" + HIDDEN)
    if number not in (b"4;", b"4,"):
        refused(chunked(number + b"\r\nabcd\r\n0\r\n\r\n" + HIDDEN))


@pytest.mark.parametrize("extension", [b";\n", b";a\nb", b";a=\r", b"; \0", b';a="\\"', b";\x7f"])
def test_attack_013_line_ends_in_a_chunk_extension(extension):
    refused(chunked(b"4" + extension + b"\r\nabcd\r\n0\r\n\r\n" + HIDDEN))


@pytest.mark.parametrize(
    "trailer", [b"X : a", b"X", b"X: a\rb", b"X: a\nb", b" X: a", b"\0: a", b"X: \0", b": a"]
)
def test_attack_014_trailers_keep_the_rules_of_headers(trailer):
    refused(chunked(b"0\r\n" + trailer + b"\r\n\r\n" + HIDDEN))


def test_attack_016_two_hosts():
    refused(GET + b"Host: b\r\n\r\n")
    refused(GET + b"Host: a\r\n\r\n")


def test_attack_016_a_target_of_another_host():
    for target in (b"http://b/", b"http://a.b/", b"http://a:8080/", b"https://a:80/", b"http://b"):
        refused(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    for target in (b"http://a/", b"HTTP://A:80/", b"https://a:443/", b"http://a:/", b"http://a?b"):
        assert status(Server().send(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")) == 200
    assert status(Server().send(b"GET http://b/ HTTP/1.0\r\n\r\n")) == 200


def test_attack_018_chunked_twice():
    refused(POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, 501)
    refused(POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 501)


def test_attack_019_a_bare_line_feed_is_refused_where_it_is_seen():
    server = Server()
    answer = server.send(b"GET / HTTP/1.1\nHost: secret\n\n")
    assert status(answer) == 400 and b"secret" not in answer and server.closing
    refused(b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n")


@pytest.mark.parametrize("end", [b"XX", b"\n\r", b"\r\r", b"\nX", b"\rX", b"", b"\n"])
def test_attack_020_the_end_of_a_chunk_is_exact(end):
    refused(chunked(b"4\r\nabcd" + end + b"0\r\n\r\n" + HIDDEN))


def test_attack_021_whitespace_in_lists_hides_nothing():
    refused(POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, 501)
    refused(POST + b"Content-Length: 4, 4\r\n\r\nabcd")
    refused(POST + b"Content-Length : 4\r\n\r\nabcd")
    refused(GET + b"X: a\r\n b\r\n\r\n")  # folded


def test_attack_022_encodings_are_looked_at_and_line_ends_go_out_in_no_header():
    """CVE-2024-1135, CVE-2024-6827, CVE-2018-1000164."""
    for value in (
        b"chunked, gzip",
        b"Chunked\x0b",
        b"chunke",
        b'"chunked"',
        b"chunked;",
        b",chunked",
        b"identity, chunked",
    ):
        refused(POST + b"Transfer-Encoding: " + value + b"\r\n\r\n0\r\n\r\n" + HIDDEN, 400, 501)

    def answer(request):
        request.setHeader(b"x-a", b"b\r\n\r\n<html>\r\nSet-Cookie: c")
        request.responseHeaders.addRawHeader(b"x-d", b"e\nf\rg")
        return b"fine"

    sent = Server(Seen(answer)).send(GET + b"\r\n")
    assert head(sent)[b"x-a"] == b"b  <html> Set-Cookie: c" and head(sent)[b"x-d"] == b"e f g"
    assert b"set-cookie" not in head(sent) and body(sent) == b"fine"


def test_attack_023_a_body_that_breaks_off_is_no_body():
    for chunks in (b"4\r\nabcd\r\n0\r\n\r", b"4\r\nab", b"4", b"4\r\nabcd\r\n"):
        server = Server()
        assert server.send(chunked(chunks)) == b""
        server.protocol.connectionLost(Failure(ConnectionLost()))
        assert server.seen == []


@pytest.mark.parametrize("end", [b"", b"0\r\n", b"4\r\nab"])
def test_attack_023_who_reads_along_is_told_that_a_body_broke_off(end):
    told = []

    class Reading(Request):
        def handleContentChunk(self, data):
            told.append(data)
            super().handleContentChunk(data)

        def connectionLost(self, reason):
            told.append(reason.type)
            super().connectionLost(reason)

        def requestReceived(self, command, path, version):
            told.append("complete")

    server = Server(requestFactory=Reading)
    server.send(chunked(b"4\r\nabcd\r\n" + end))
    server.close()
    OPEN.remove(server)
    assert told[0] == b"abcd" and told[-1] is ConnectionLost and "complete" not in told


@pytest.mark.parametrize(
    "line",
    [
        b"GET a HTTP/1.1",
        b"GET a:80 HTTP/1.1",
        b"GET * HTTP/1.1",
        b"CONNECT / HTTP/1.1",
        b"CONNECT a HTTP/1.1",
        b"GET /a#b HTTP/1.1",
        b"GET ftp://a/ HTTP/1.1",
        b"GET http:///a HTTP/1.1x",
        b"GET http://a/#b HTTP/1.1",
        b"GET http://u@a/ HTTP/1.1",
    ],
)
def test_attack_024_targets_of_the_wrong_form(line):
    refused(line + b"\r\nHost: a\r\n\r\n")


def test_attack_025_chunks_in_http_1_0():
    refused(b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN)


@pytest.mark.parametrize("space", [b"\x85", b"\xa0", b"\x0c", b"\x1c", "\u2003".encode(), b"\0"])
def test_attack_026_only_space_and_tab_are_whitespace(space):
    """Python strips more than HTTP does, from str in particular."""
    for value in (space + b"4", b"4" + space):
        refused(POST + b"Content-Length: " + value + b"\r\n\r\nabcd" + HIDDEN)
    for value in (space + b"chunked", b"chunked" + space):
        refused(POST + b"Transfer-Encoding: " + value + b"\r\n\r\n0\r\n\r\n" + HIDDEN, 400, 501)
    refused(POST + b"Content-Length" + space + b": 4\r\n\r\nabcd" + HIDDEN)
    refused(chunked(b"4" + space + b"\r\nabcd\r\n0\r\n\r\n" + HIDDEN))


@pytest.mark.parametrize(
    "value", [b"a b", b"a/b", b"a@b", b"a\x80", b"[::1", b"::1", b"a:b", b"a:99999999", b"a#", b"a?b", b"<a>"]
)
def test_attack_027_hosts_that_are_none(value):
    refused(b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n")


def test_attack_027_a_host_is_needed():
    refused(b"GET / HTTP/1.1\r\n\r\n")
    assert status(Server().send(b"GET / HTTP/1.0\r\n\r\n")) == 200


@pytest.mark.parametrize(
    "value", [b"a", b"a:80", b"a:", b"[::1]:80", b"127.0.0.1", b"", b"x-y_z.example", b"%41"]
)
def test_hosts_that_are_right(value):
    assert status(Server().send(b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n")) == 200


def test_attack_028_other_versions():
    refused(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505)
    refused(b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505)
    refused(b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505)
    refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[1:], 505)
    server = Server()
    assert status(server.send(b"GET /\r\n")) == 400 and server.closing


def test_attack_030_trailers_are_not_headers():
    server = Server()
    answer = server.send(chunked(b"4\r\nabcd\r\n0\r\nAuthorization: Basic eDp5\r\nHost: b\r\n\r\n"))
    assert status(answer) == 200
    assert server.resource.last.getHeader(b"authorization") is None
    assert server.resource.last.requestHeaders.getRawHeaders(b"host") == [b"a"]


def test_what_comes_after_a_connection_that_closes_is_not_read():
    server = Server()
    answer = server.send(GET + b"Connection: close\r\n\r\n" + HIDDEN)
    assert answer.count(b"HTTP/1.1 200") == 1
    assert server.closing
    assert [uri for _, uri, _ in server.seen] == [b"/"]


def test_an_answer_before_the_end_of_the_body_closes():
    """What is left of the body must not be taken for a request."""
    server = Server()
    server.protocol.dataReceived(POST + b"Content-Length: 100\r\n\r\nab")
    request = server.protocol._channel.requests[0]
    request.clientproto = b"HTTP/1.1"
    request.finish()
    assert server.closing
    assert server.send(HIDDEN) == server.answered() == b""
