"""Clients that send too much, too slowly, or do not take what they are sent; and what is written into answers."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import pytest

from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.testing import StringTransport
from selvage.web import Headers
from selvage.web._access_log import combinedLogFormatter, json_log_formatter
from selvage.web._forms import MAX_FIELDS, MAX_PART_HEADERS_BYTES, form_arguments, parse_qs
from selvage.web.http import Limits, Request
from selvage.web.resource import Resource
from tests.web.serving import Later, Seen, Server, body, head, status
from tests.work import calls_made

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


# --- Injection -----------------------------------------------------------------------------------------------------


def test_attack_033_no_phrase_ends_the_status_line():
    def answer(request: Any) -> bytes:
        for phrase in (b"OK\r\nX: y", b"OK\n", b"OK\r", b"O\0K"):
            with pytest.raises(ValueError, match="would end the status line"):
                request.setResponseCode(200, phrase)
        with pytest.raises(TypeError):
            request.setResponseCode("200\r\nX: y")
        return b"fine"

    assert body(Server(Seen(answer)).send(GET + b"\r\n")) == b"fine"


def test_attack_034_no_location_is_two_headers():
    def answer(request: Any) -> bytes:
        request.redirect(b"/\r\nSet-Cookie: a=b\r\n\r\n<html>")
        return b""

    sent = Server(Seen(answer)).send(GET + b"\r\n")
    assert head(sent)[b"location"] == b"/ Set-Cookie: a=b  <html>"
    assert b"set-cookie" not in head(sent)


def test_attack_035_pages_escape_what_the_client_sent():
    root = Resource()
    root.putChild(b"here", type("Here", (Resource,), {"render_GET": lambda self, request: b""})())
    page = Server(root).send(b"GET /<script> HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status(page) == 404 and b"<script>" not in page
    page = Server(root).send(b"POST /here?<script> HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    assert status(page) == 405 and b"&lt;script&gt;" in page and b"<script>" not in page


def test_attack_036_and_118_errors_show_nothing_unless_asked(taken_reports):
    def answer(request: Any) -> bytes:
        secret = "hunter2"
        raise ValueError(f"<script>{secret}")

    page = Server(Seen(answer)).send(GET + b"\r\n")
    assert status(page) == 500 and b"hunter2" not in page and b"Traceback" not in page
    server = Server(Seen(answer))
    server.site.displayTracebacks = True
    page = server.send(GET + b"\r\n")
    assert b"hunter2" in page and b"<script>" not in page
    assert len(taken_reports()) == 2


@pytest.mark.parametrize("field", ["k", "v", "expires", "domain", "path", "max_age", "comment"])
@pytest.mark.parametrize("evil", ["a; Domain=evil", "a\r\nX: y", b"a\nX: y"])
def test_attack_039_one_cookie_is_one_cookie(field, evil):
    request = Request(Channel())
    request.addCookie(**{"k": "k", "v": "v", field: evil})
    assert b"\n" not in request.cookies[0] and b"\r" not in request.cookies[0]
    assert b";" not in request.cookies[0].replace(b"; Expires=", b"").replace(b"; Domain=", b"").replace(
        b"; Path=", b""
    ).replace(b"; Max-Age=", b"").replace(b"; Comment=", b"")


@pytest.mark.parametrize("evil", ["a\0b", "a\x1bb", "a\x7f"])
def test_attack_039_control_characters_in_a_cookie(evil):
    for field in ("k", "v", "domain", "path"):
        with pytest.raises(ValueError, match="control characters"):
            Request(Channel()).addCookie(**{"k": "k", "v": "v", field: evil})


def test_attack_039_a_cookie_without_a_name_is_none():
    request = Request(Channel())
    request.requestHeaders.setRawHeaders(b"cookie", [b"=__Host-session=1; a=2;; b"])
    request.parseCookies()
    assert request.received_cookies == {b"a": b"2"}


def test_attack_039_prefixes_keep_their_promise():
    request = Request(Channel())
    request.addCookie("__Host-s", "1", path="/", secure=True)
    request.addCookie("__Secure-s", "1", domain="a", secure=True)
    for options in (
        {},
        {"path": "/"},
        {"path": "/", "secure": True, "domain": "a"},
        {"path": "/x", "secure": True},
    ):
        with pytest.raises(ValueError, match="browsers drop"):
            request.addCookie("__Host-s", "1", **options)
    with pytest.raises(ValueError, match="browsers drop"):
        request.addCookie(b"__secure-s", b"1")


@pytest.mark.parametrize("formatter", [combinedLogFormatter, json_log_formatter])
def test_attack_042_nothing_in_an_access_log_moves_the_cursor(formatter):
    server = Server()
    server.send(
        b'GET /%1b[2J"|\\ HTTP/1.1\r\nHost: a\r\nReferer: "x" \xff\x9b31m\r\nUser-Agent: a\tb\r\n\r\n'
    )
    line = formatter("[now]", server.resource.last)
    assert line.isprintable() and line.isascii()
    assert '\\"x\\"' in line


class Channel:
    """What a request needs of a channel."""

    transport = site = None

    def getPeer(self) -> None: ...

    getHost = getPeer


# --- Exhaustion ----------------------------------------------------------------------------------------------------


def test_attack_043_a_body_has_a_limit():
    limits = Limits(body_bytes=10)
    server = Server(limits=limits)
    assert status(server.send(POST + b"Content-Length: 11\r\n\r\n")) == 413 and server.closing
    server = Server(limits=limits)
    assert (
        status(server.send(POST + b"Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\nabcde\r\n")) == 413
    )
    assert server.closing and server.seen == []
    assert status(Server(limits=limits).send(POST + b"Content-Length: 10\r\n\r\n0123456789")) == 200
    assert Server().site._limits.body_bytes == 64 * 1024 * 1024


def test_attack_044_a_head_that_drips_in_has_a_deadline():
    server = Server()
    for byte in GET + b"X: " + b"x" * 99:
        server.protocol.dataReceived(bytes([byte]))
        server.clock.advance(1)
        if server.closing:
            break
    assert status(server.answered()) == 408
    assert 29 <= server.clock.seconds() <= 31


def test_attack_044_a_body_that_drips_in_has_a_deadline():
    server = Server(limits=Limits(body_rate=None))
    server.protocol.dataReceived(POST + b"Content-Length: 1000\r\n\r\n")
    while not server.closing:
        server.protocol.dataReceived(b"x")
        server.clock.advance(5)
    assert status(server.answered()) == 408
    assert server.clock.seconds() == 300
    assert server.seen == []


def test_attack_044_an_idle_connection_is_closed():
    server = Server()
    server.send(GET + b"\r\n")
    server.clock.advance(59)
    assert not server.closing
    server.clock.advance(1)
    assert server.closing and not server.transport.disconnected
    server.clock.advance(15)
    assert server.transport.disconnected


def test_deadlines_of_one_request_do_not_reach_the_next():
    server = Server()
    for _ in range(4):
        server.send_slowly(GET + b"\r\n")
        server.clock.advance(29)
        server.send_slowly(POST + b"Content-Length: 2\r\n\r\nab")
        server.clock.advance(29)
    assert not server.closing and len(server.seen) == 8


def test_attack_045_lines_heads_and_trailers_are_counted_across_segments():
    for data, code in (
        (b"GET /" + b"a" * 20000, 414),
        (GET + b"X: " + b"a" * 20000, 431),
        (GET + b"X: a\r\n" * 3000, 431),
        (GET + b"X: " + b"a" * 20000 + b"\r\n\r\n", 431),
        (GET + b"X: a\r\n" * 501 + b"\r\n", 431),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: a\r\n" * 100, 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"a" * 20000, 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n4;" + b"a" * 2000, 400),
    ):
        for size in (1, 100, len(data)):
            server = Server()
            for at in range(0, len(data), size):
                server.protocol.dataReceived(data[at : at + size])
                if server.closing:
                    break
            assert status(server.answered()) == code and server.closing, data[:40]
            assert server.seen == []


def test_attack_046_pipelined_requests_wait_in_the_system():
    later = Later()
    server = Server(later)
    for _ in range(2000):
        server.protocol.dataReceived(GET + b"\r\n")
        if server.transport.producerState == "paused":
            break
    assert server.transport.producerState == "paused"
    assert len(later.waiting) == 1
    assert len(server.protocol._channel._dataBuffer) < 20000
    while later.waiting:
        later.waiting.pop().finish()
    assert server.transport.producerState == "producing"
    assert not server.closing


class Unread(StringTransport):
    """A transport whose peer reads nothing; it holds back who writes more than 64 KiB, as a real one does."""

    def unsent_bytes(self) -> int:
        return len(self.value())

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.producer is not None and self.unsent_bytes() > 65536:
            self.producer.pauseProducing()


@pytest.mark.parametrize("size", [0, 1000, 60_000])
@pytest.mark.parametrize("at_once", [1, 500])
def test_attack_046_and_054_answers_that_nobody_reads_stop_the_requests(size, at_once):
    server = Server(Seen(lambda request: b"x" * size))
    transport, protocol = Unread(), server.site.buildProtocol(None)
    protocol.makeConnection(transport)
    asked = 0
    while transport.producerState != "paused" and asked < 20_000:
        protocol.dataReceived((GET + b"\r\n") * at_once)
        asked += at_once
    assert transport.unsent_bytes() < 4 * 65536
    assert len(server.seen) < 2000
    # Once they are read, the others come, all of them and in pieces as before.
    answers = 0
    while transport.value():
        assert transport.unsent_bytes() < 4 * 65536
        answers += transport.value().count(b"HTTP/1.1 200 OK")
        transport.clear()
        transport.producer.resumeProducing()
    assert answers == asked == len(server.seen) and transport.producerState == "producing"
    while transport.producerState != "paused":
        protocol.dataReceived(GET + b"\r\n")
    server.clock.advance(60)
    assert transport.disconnected
    protocol.connectionLost(Failure(ConnectionLost()))


@pytest.mark.parametrize("head", [GET + b"Connection: close\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"])
@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_attack_054_who_takes_nothing_of_the_last_answer_is_cut_off(head, size):
    server = Server(Seen(lambda request: b"x" * size))
    transport, protocol = Unread(), server.site.buildProtocol(None)
    protocol.makeConnection(transport)
    protocol.dataReceived(head)
    assert transport.disconnecting
    server.clock.advance(59)
    assert not transport.disconnected
    server.clock.advance(1)
    assert transport.disconnected
    protocol.connectionLost(Failure(ConnectionLost()))


def test_who_takes_the_last_answer_slowly_gets_it():
    server = Server(Seen(lambda request: b"x" * 1_000_000))
    transport, protocol = Unread(), server.site.buildProtocol(None)
    protocol.makeConnection(transport)
    protocol.dataReceived(GET + b"Connection: close\r\n\r\n")
    for left in range(500_000, 0, -10_000):
        transport.unsent_bytes = lambda left=left: left
        server.clock.advance(50)
        assert not transport.disconnected
    transport.unsent_bytes = lambda: 0
    server.clock.advance(1000)
    assert not transport.disconnected and not server.clock.getDelayedCalls()
    protocol.connectionLost(Failure(ConnectionLost()))


def test_attack_047_many_tiny_chunks_cost_what_they_are():
    def chunks(number: int) -> int:
        server = Server()
        data = POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * number + b"0\r\n\r\n"
        work = calls_made(lambda: server.protocol.dataReceived(data))
        assert server.seen[0][2] == b"x" * number
        return work

    assert chunks(2000) < 3 * chunks(1000)


def test_empty_lines_before_a_request_cost_what_they_are():
    def skipped(number: int) -> int:
        copies = []

        class Input(bytes):
            def __getitem__(self, at: Any) -> Any:
                piece: Any = super().__getitem__(at)
                if isinstance(piece, int):
                    return piece
                copies.append(len(piece))
                return Input(piece)

        server = Server()
        server.send(GET + b"\r\n")  # until then the version is found out, on copies
        server.protocol.dataReceived(Input(b"\r\n" * number))
        assert not server.closing and status(server.send(GET + b"\r\n")) == 200
        return sum(copies)

    assert skipped(2000) <= 3 * skipped(1000)


def test_attack_048_parts_and_their_headers_are_bounded():
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'

    def form(content: bytes) -> bytes:
        kind = b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n" % len(content)
        return Server().send(POST + kind + content)

    assert status(form(part * 10 + b"--b--\r\n")) == 200
    assert status(form(part * (MAX_FIELDS + 1) + b"--b--\r\n")) == 400
    assert status(form(b"--b\r\nX: " + b"a" * MAX_PART_HEADERS_BYTES + b"\r\n\r\n1\r\n--b--\r\n")) == 400
    # Each of these headers is short enough for the parser itself.
    many = (b"X: " + b"a" * (MAX_PART_HEADERS_BYTES // 4) + b"\r\n") * 4
    assert status(form(part.replace(b"\r\n\r\n", b"\r\n" + many + b"\r\n") + b"--b--\r\n")) == 400
    assert status(form(part)) == 400  # it breaks off
    assert status(form(b"no form")) in (200, 400)
    for content in (b"--b", b"--b\r\n\r\n", b"--b--", b"", b"\r\n" * 1000):
        assert status(form(content)) in (200, 400)


def test_attack_048_the_search_for_boundaries_is_linear():
    def parse(size: int) -> int:
        content = (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"\r\n-" * size + b"\r\n--b--\r\n"
        )
        return calls_made(lambda: form_arguments(b"multipart/form-data; boundary=b", io.BytesIO(content)))

    assert parse(4000) < 3 * parse(2000)


@pytest.mark.slow
def test_attack_048_also_without_asserts():
    code = (
        "from tests.web.serving import Server, status\n"
        "for content in (b'--b', b'--b--', b'', b'x' * 100, b'--b\\r\\n\\r\\n' * 9):\n"
        "    head = b'POST / HTTP/1.1\\r\\nHost: a\\r\\nContent-Type: multipart/form-data; boundary=b\\r\\n'\n"
        "    answer = Server().send(head + b'Content-Length: %d\\r\\n\\r\\n' % len(content) + content)\n"
        "    print(status(answer) in (200, 400))\n"
    )
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, timeout=50)
    assert done.stdout.split() == ["True"] * 5, done.stderr


def test_attack_049_a_bad_form_is_one_line(taken_reports):
    from selvage.logger import globalLogPublisher

    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        content = b"--b\r\nbad\r\n" * 500
        Server().send(
            POST
            + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n" % len(content)
            + content
        )
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert len([event for event in events if "form" in event["log_format"]]) == 1


def test_attack_050_repeated_headers_and_cookies_are_linear():
    def repeated(number: int) -> int:
        server = Server()
        data = GET + b"X: a\r\n" * number + b"Cookie: " + b'a="\\"; ' * number + b"\r\n\r\n"
        return calls_made(lambda: server.protocol.dataReceived(data))

    assert repeated(400) < 3 * repeated(200)


def test_attack_053_arguments_are_bounded():
    with pytest.raises(ValueError, match="more than 1000 arguments"):
        parse_qs(b"&".join(b"%d=1" % number for number in range(MAX_FIELDS + 1)))
    query = b"&".join(b"%d=1" % number for number in range(MAX_FIELDS + 1))
    assert status(Server().send(b"GET /?" + query + b" HTTP/1.1\r\nHost: a\r\n\r\n")) == 400
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(query)
    assert status(Server().send(POST + form + query)) == 400


def test_attack_054_who_takes_nothing_is_cut_off():
    later = Later()
    server = Server(later)
    server.send(GET + b"\r\n")
    request = later.waiting[0]
    request.write(b"x" * 1000000)
    server.protocol._channel.pauseProducing()  # as the transport does when it is full
    server.clock.advance(59)
    assert not server.transport.disconnected
    server.protocol._channel.resumeProducing()
    server.protocol._channel.pauseProducing()
    server.clock.advance(59)
    assert not server.transport.disconnected
    server.clock.advance(1)
    assert server.transport.disconnected


def test_limits_can_be_off():
    server = Server(limits=Limits(None, None, None, None), timeout=None)
    server.send_slowly(GET)
    server.clock.advance(1e6)
    assert not server.closing
    assert not server.clock.getDelayedCalls()


def test_a_site_may_be_lax():
    server = Server(strict=False)
    assert status(server.send(b"GET / HTTP/1.1\r\n\r\n")) == 200
    assert server.send(b"GET  / HTTP/1.1\r\n\r\n") == b"HTTP/1.1 400 Bad Request\r\n\r\n"


def test_headers_of_an_answer_are_checked_where_they_are_set():
    with pytest.raises(ValueError):
        Headers().setRawHeaders("a b", ["c"])
