"""The pleasant client, against connections that tests answer for by hand."""

from __future__ import annotations

import asyncio
import io
import json
import traceback
import zlib

import pytest

from selvage.defer import CancelledError, Deferred
from selvage.errors import (
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    DNSLookupError,
    HandshakeError,
)
from selvage.failure import Failure
from selvage.tasks import Clock
from selvage.testing import StringTransport
from selvage.web.client import (
    BodyTooLarge,
    Client,
    RequestTimeout,
    Retries,
    StatusError,
    Timeouts,
    TooManyRedirects,
)
from selvage.web.client._cookie_policy import _public_suffixes
from selvage.web.client._proxies import Proxy
from tests.web.client.by_hand import EMPTY, Fixture, failure_of, it as it, response

# --- What is sent ---------------------------------------------------------------------------------------------------


def test_a_request_and_its_response(it):
    results = it("GET", "http://example.com/a b?x=1#frag", params={"y": ["2", "ü"]}, headers={"X-Own": "z"})
    head = it.sent().split(b"\r\n")
    assert head[0] == b"GET /a%20b?x=1&y=2&y=%C3%BC HTTP/1.1"
    assert b"Host: example.com" in head
    assert b"X-Own: z" in head
    assert b"Accept-Encoding: zstd, br, gzip, deflate" in head
    it.answer(response(201, b'{"a": "\xc3\xbc"}', Content_Type="application/json; charset=utf-8", X="y"))
    answer = results[0]
    assert (answer.status, answer.reason, answer.ok) == (201, "X", True)
    assert answer.http_version == "HTTP/1.1"
    assert answer.json() == {"a": "ü"}
    assert answer.text == '{"a": "ü"}'
    assert answer.headers.getRawHeaders("x") == ["y"]
    assert answer.url == "http://example.com/a%20b?x=1&y=2&y=%C3%BC"
    assert repr(answer) == "<ClientResponse 201 X>"
    assert answer.raise_for_status() is answer


def test_connections_are_used_again_and_counted(it):
    for _ in range(3):
        results = it("GET", "http://h/")
        it.answer(EMPTY)
        assert results[0].status == 200
    assert len(it.router.connections) == 1
    assert repr(it.client) == "<Client <Connections 1 open, 1 idle, 0 waiting>>"
    it.clock.advance(61)
    assert it.router.connections[0].transport.disconnecting
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    assert repr(it.client._connections) == "<Connections 0 open, 0 idle, 0 waiting>"
    assert it.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("options", "content_type", "body"),
    [
        ({"json": {"a": [1, None]}}, b"application/json", b'{"a":[1,null]}'),
        ({"json": None}, b"application/json", b"null"),
        ({"data": b"abc"}, None, b"abc"),
        ({"data": "ü"}, b"text/plain; charset=utf-8", b"\xc3\xbc"),
        ({"data": {"a": "b c", "d": [1, 2]}}, b"application/x-www-form-urlencoded", b"a=b+c&d=1&d=2"),
        ({"data": [("a", "1"), ("a", "2")]}, b"application/x-www-form-urlencoded", b"a=1&a=2"),
        ({"data": io.BytesIO(b"file")}, None, b"file"),
    ],
)
def test_bodies_with_a_length(it, options, content_type, body):
    it("POST", "http://h/", **options)
    head, _, sent = it.sent().partition(b"\r\n\r\n")
    assert sent == body
    assert b"Content-Length: %d" % len(body) in head.split(b"\r\n")
    types = [line[14:] for line in head.split(b"\r\n") if line.startswith(b"Content-Type: ")]
    assert types == ([] if content_type is None else [content_type])


def test_bodies_without_a_length(it):
    async def pieces():
        yield b"abc"
        yield b"de"

    for data in (pieces(), iter([b"abc", b"de"])):
        it("POST", "http://h/", data=data)
        assert it.sent().endswith(b"\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        it.answer(EMPTY)


def test_a_body_waits_for_a_slow_server(it):
    it("POST", "http://h/", data=(b"x%d" % n for n in range(3)))
    connection = it.router.connections[0]
    it.answer(EMPTY)
    connection.transport.clear()
    paused = []

    def pieces():
        for n in range(3):
            paused.append(n)
            connection.transport.producer.pauseProducing()
            yield b"x%d" % n

    it("POST", "http://h/", data=pieces())
    producer = connection.transport.producer
    assert paused == [0]
    producer.resumeProducing()
    assert paused == [0, 1]
    producer.resumeProducing()
    producer.resumeProducing()
    assert connection.transport.value().endswith(b"0\r\n\r\n")


def test_a_form_with_files(it):
    files = {"f": ('a"b\r\n.txt', b"contents", "text/plain"), "g": io.BytesIO(b"more")}
    it("POST", "http://h/", data={"name": "v"}, files=files)
    head, _, body = it.sent().partition(b"\r\n\r\n")
    boundary = head.partition(b"boundary=")[2].split(b"\r\n")[0]
    parts = body.split(b"--" + boundary)
    assert parts[1] == b'\r\nContent-Disposition: form-data; name="name"\r\n\r\nv\r\n'
    assert b'name="f"; filename="a%22b%0D%0A.txt"\r\nContent-Type: text/plain\r\n\r\ncontents\r\n' in parts[2]
    assert b'name="g"; filename="g"\r\nContent-Type: application/octet-stream\r\n\r\nmore\r\n' in parts[3]
    assert parts[4] == b"--\r\n"
    assert b"Content-Length: %d" % len(body) in head


def test_a_form_can_be_read_by_who_reads_forms(it):
    from python_multipart import parse_form

    it("POST", "http://h/", data={"n": "ü"}, files={"f": ("n.bin", bytes(range(256)))})
    head, _, body = it.sent().partition(b"\r\n\r\n")
    content_type = head.partition(b"Content-Type: ")[2].split(b"\r\n")[0]
    fields, files = [], []
    parse_form({"Content-Type": content_type}, io.BytesIO(body), fields.append, files.append)
    assert [(field.field_name, field.value) for field in fields] == [(b"n", "ü".encode())]
    files[0].file_object.seek(0)
    assert (files[0].file_name, files[0].file_object.read()) == (b"n.bin", bytes(range(256)))


@pytest.mark.parametrize("options", [{"data": 3}, {"json": 1, "data": b""}, {"files": 3}])
def test_what_cannot_be_sent_is_refused_at_once(it, options):
    with pytest.raises((TypeError, AttributeError)):
        it("POST", "http://h/", **options)


@pytest.mark.parametrize(
    "url", ["ftp://h/", "h", "http://", "http://h:x/", "file:///etc/passwd", "http://a b/", "http://[::1/"]
)
def test_attack_080_what_is_no_url_is_refused_at_once(it, url):
    with pytest.raises(ValueError):
        it("GET", url)


@pytest.mark.parametrize(
    ("method", "headers"),
    [("GET / HTTP/1.1\r\nX: y", {}), ("GET", {"X\r\nY": "z"}), ("GET", {"X": "a\0b"}), ("", {})],
)
def test_attack_032_033_what_would_add_lines_is_refused(it, method, headers):
    with pytest.raises(ValueError):
        it(method, "http://h/", headers=headers)


def test_attack_034_line_ends_in_values_become_spaces(it):
    it("GET", "http://h/", headers={"X": "a\r\nY: b"})
    assert b"\r\nX: a Y: b\r\n" in it.sent()


def test_international_names(it):
    it("GET", "http://bücher.example/ü?ü")
    assert it.router.routes[0].host == "xn--bcher-kva.example"
    assert it.sent().startswith(b"GET /%C3%BC?%C3%BC HTTP/1.1\r\n")


def test_relative_urls():
    it = Fixture(base_url="http://h/api/", auth=("u", "p"))
    it("GET", "items")
    assert it.sent().startswith(b"GET /api/items HTTP/1.1\r\n")
    assert b"Authorization: Basic dTpw" in it.sent()
    it("GET", "http://other/")
    assert b"Authorization" not in it.sent()


@pytest.mark.parametrize(
    ("url", "options", "sent"),
    [
        ("http://h/", {"auth": ("user", "pässword")}, b"Basic dXNlcjpww6Rzc3dvcmQ="),
        ("http://h/", {"auth": "Bearer abc"}, b"Bearer abc"),
        ("http://user:p%40ss@h/", {}, b"Basic dXNlcjpwQHNz"),
        ("http://h/", {"headers": {"Authorization": "own"}}, b"own"),
    ],
)
def test_credentials(it, url, options, sent):
    it("GET", url, **options)
    assert b"\r\nAuthorization: " + sent + b"\r\n" in it.sent()
    assert b"Host: h\r\n" in it.sent()


# --- Errors ---------------------------------------------------------------------------------------------------------


def test_each_stage_has_its_error(it):
    url = "http://user:secret@example.com/path?token=secret"
    it.router.failures = [DNSLookupError("no results")]
    error = failure_of(it("GET", url))
    assert (
        str(error)
        == "GET http://example.com/path failed (resolve): DNSLookupError: DNS lookup failed: no results."
    )
    it.router.failures = [ConnectionRefusedError()]
    assert failure_of(it("GET", url)).stage == "resolve"
    results = it("GET", url)
    it.router.connections[-1].connectionLost(Failure(ConnectionLost()))
    assert failure_of(results).stage == "response"
    results = it("POST", url, data=(each for each in [b"x", 1 / 0] if each) if False else _broken())
    assert failure_of(results).stage == "request"
    results = it("GET", url)
    it.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    it.router.connections[-1].connectionLost(Failure(ConnectionLost()))
    error = failure_of(results)
    assert error.stage == "body"
    assert "secret" not in "".join(traceback.format_exception(error))
    assert error.__cause__ is not None


def _stages():
    url = "https://user:secret@h/path?token=secret"

    def resolve(it):
        it.router.failures = [DNSLookupError("no results")]
        return it("GET", url)

    def connect(it):
        it.router.pending = Deferred()
        results = it("GET", url)
        it.router.resolved()
        it.router.pending.errback(ConnectionRefusedError())
        return results

    def handshake(it):
        results = it("GET", url)
        it.router.connections[0].connectionLost(Failure(HandshakeError("expired")))
        return results

    def ready(it, *args, **options):
        results = it(*args, **options)
        it.router.connections[0].handshakeCompleted()
        return results

    def request(it):
        return ready(it, "POST", url, data=_broken())

    def answer(it):
        results = ready(it, "GET", url)
        it.answer(b"SSH-2.0-OpenSSH\r\n")
        return results

    def body(it):
        results = ready(it, "GET", url)
        it.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        it.router.connections[0].connectionLost(Failure(ConnectionLost()))
        return results

    return [
        (resolve, "GET https://h/path failed (resolve): DNSLookupError: DNS lookup failed: no results."),
        (
            connect,
            "GET https://h/path failed (connect): ConnectionRefusedError:"
            " Connection was refused by other side.",
        ),
        (
            handshake,
            "GET https://h/path failed (handshake): HandshakeError: The TLS handshake failed: expired",
        ),
        (request, "POST https://h/path failed (request): ZeroDivisionError: broken"),
        (
            answer,
            "GET https://h/path failed (response): ParseError: this is no status line of HTTP/1.0 or HTTP/1.1:"
            " b'SSH-2.0-OpenSSH'",
        ),
        (
            body,
            "GET https://h/path failed (body): the body was cut short: ConnectionLost: Connection to the other side was lost in a"
            " non-clean fashion.",
        ),
    ]


@pytest.mark.parametrize(
    ("fail", "message"), [pytest.param(*each, id=each[0].__name__) for each in _stages()]
)
def test_what_each_stage_says(it, fail, message):
    error = failure_of(fail(it))
    assert str(error) == message
    assert error.__cause__ is not None


def _broken():
    yield b"x"
    raise ZeroDivisionError("broken")


def test_connect_and_handshake_have_their_errors():
    it = Fixture()
    it.router.pending = Deferred()
    results = it("GET", "https://h/")
    it.router.resolved()
    it.router.pending.errback(ConnectionRefusedError())
    assert failure_of(results).stage == "connect"
    it.router.pending = None
    results = it("GET", "https://h/")
    assert it.sent() == b""  # nothing is sent before the server has proved who it is
    it.router.connections[-1].connectionLost(Failure(HandshakeError("expired")))
    error = failure_of(results)
    assert (error.stage, it.router.connections[-1].state) == ("handshake", "CONNECTION_LOST")
    results = it("GET", "https://h/")
    it.router.connections[-1].handshakeCompleted()
    it.answer(EMPTY)
    assert results[0].status == 200


def test_a_failed_status_says_so(it):
    results = it("GET", "http://h/x?secret")
    it.answer(response(404, b"gone"))
    with pytest.raises(StatusError, match=r"^GET http://h/x answered 404 X$") as caught:
        results[0].raise_for_status()
    assert caught.value.response.content == b"gone"


def test_what_is_no_http(it):
    results = it("GET", "http://h/")
    it.answer(b"SSH-2.0-OpenSSH\r\n")
    assert "this is no status line of HTTP/1.0 or HTTP/1.1: b'SSH-2.0-OpenSSH'" in str(failure_of(results))


@pytest.mark.parametrize(
    "charset", ["idna", "punycode", "undefined", "unicode_escape", "base64", "nonsense", "a\xff"]
)
def test_charsets_that_are_none_are_utf_8(it, charset):
    results = it("GET", "http://h/")
    it.answer(response(200, "\u00e4\ud7ff\\x41".encode(), Content_Type=f"text/plain; charset={charset}"))
    assert results[0].encoding == "utf-8"
    assert results[0].text == "\u00e4\ud7ff\\x41"


def test_what_is_no_json_says_what_it_is(it):
    results = it("GET", "http://h/x?secret")
    it.answer(response(502, b"<html>", Content_Type="text/html"))
    with pytest.raises(json.JSONDecodeError) as caught:
        results[0].json()
    assert caught.value.__notes__ == ["GET http://h/x answered 502 with 'text/html'"]


def test_names_of_other_clients_lead_to_ours(it):
    results = it("GET", "http://h/")
    it.answer(EMPTY)
    with pytest.raises(AttributeError, match="has no attribute 'status_code': use status$"):
        _ = results[0].status_code
    with pytest.raises(AttributeError, match="has no attribute 'stat'$"):
        _ = results[0].stat
    assert not hasattr(results[0], "aiter_lines")


# --- Limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "which", "stage", "after"),
    [
        (Timeouts(total=5), "total", "response", b""),
        (Timeouts(read=5), "read", "response", b""),
        (Timeouts(total=5), "total", "body", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na"),
        (Timeouts(read=5), "read", "body", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na"),
    ],
)
def test_attack_081_slow_servers(it, limits, which, stage, after):
    results = it("GET", "http://h/", timeout=limits)
    if after:
        it.answer(after)
    it.clock.advance(4.9)
    assert results == []
    it.clock.advance(0.2)
    error = failure_of(results, RequestTimeout)
    assert (error.which, error.stage, error.limit_s) == (which, stage, 5)
    assert isinstance(error, TimeoutError)
    assert it.router.connections[0].transport.disconnected
    it.router.connections[0].connectionLost(Failure(ConnectionLost()))
    assert it.clock.getDelayedCalls() == []


def test_attack_081_a_dripping_server_meets_the_total_deadline(it):
    results = it("GET", "http://h/", timeout=Timeouts(total=20, read=5))
    it.answer(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(6):
        it.clock.advance(3)
        it.answer(b"x")
    assert results == []
    it.clock.advance(3)
    assert failure_of(results, RequestTimeout).which == "total"


def test_a_connection_that_does_not_come(it):
    it.router.pending = Deferred()
    results = it("GET", "http://h/", timeout=Timeouts(connect=5))
    it.clock.advance(5.1)
    error = failure_of(results, RequestTimeout)
    assert (error.which, error.stage) == ("connect", "resolve")
    assert it.client._connections._open == {}


def test_cancelling_is_no_error_of_the_request(it):
    results = it("GET", "http://h/")
    it.deferred.cancel()
    assert results[0].check(CancelledError)
    assert it.router.connections[0].transport.disconnected
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    assert it.clock.getDelayedCalls() == []


def test_a_body_that_is_too_large(it):
    results = it("GET", "http://h/", limit_bytes=10)
    it.answer(response(200, b"x" * 11))
    assert isinstance(failure_of(results).__cause__, BodyTooLarge)
    assert failure_of(results).stage == "body"


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate"])
def test_attack_077_a_body_that_is_too_large_when_it_is_decompressed(it, encoding):
    from .test_decoding import COMPRESS

    results = it("GET", "http://h/", limit_bytes=100_000)
    it.answer(response(200, COMPRESS[encoding.encode()](b"x" * 3_000_000), Content_Encoding=encoding))
    error = failure_of(results)
    assert error.stage == "body"
    assert "more than 100000 octets" in error.reason
    assert it.router.connections[0].transport.disconnected


def test_compressed_bodies_are_decompressed(it):
    import gzip

    results = it("GET", "http://h/")
    it.answer(response(200, gzip.compress(b"hello"), Content_Encoding="gzip"))
    assert results[0].content == b"hello"


def test_requests_wait_for_their_connection():
    it = Fixture(max_per_host=2)
    all_results = [it("GET", f"http://h/{n}") for n in range(5)]
    assert len(it.router.connections) == 2
    assert repr(it.client._connections) == "<Connections 2 open, 0 idle, 3 waiting>"
    for number in (0, 1, 0, 1, 0):
        it.answer(EMPTY, number)
    assert [results[0].status for results in all_results] == [200] * 5
    assert len(it.router.connections) == 2


def test_a_place_in_the_line_is_given_up_and_a_lost_connection_makes_room():
    it = Fixture(max_per_host=1)
    it("GET", "http://h/1")
    second = it("GET", "http://h/2")
    cancelled = it.deferred
    third = it("GET", "http://h/3")
    cancelled.cancel()
    assert second[0].check(CancelledError)
    it.router.connections[0].connectionLost(Failure(ConnectionLost()))
    it.answer(EMPTY)
    assert third[0].status == 200


def test_idle_connections_make_room_for_other_hosts():
    it = Fixture(max_connections=1)
    it("GET", "http://one/")
    it.answer(EMPTY)
    results = it("GET", "http://two/")
    assert it.router.connections[0].transport.disconnecting
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    it.answer(EMPTY)
    assert results[0].status == 200


def test_a_busy_connection_makes_room_for_another_host_when_it_is_free():
    it = Fixture(max_connections=1)
    first = it("GET", "http://one/")
    second = it("GET", "http://two/")
    it.answer(EMPTY)
    assert first[0].status == 200
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    it.answer(EMPTY)
    assert second[0].status == 200


# --- Retries --------------------------------------------------------------------------------------------------------


def test_a_dead_idle_connection_is_no_failure(it):
    it("GET", "http://h/")
    it.answer(EMPTY)
    results = it("PUT", "http://h/", data=b"abc")
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    it.answer(EMPTY)
    assert results[0].status == 200


def test_what_is_not_safe_to_repeat_is_not_repeated(it):
    it("GET", "http://h/")
    it.answer(EMPTY)
    results = it("POST", "http://h/", data=b"abc")
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    assert failure_of(results).stage == "response"
    assert len(it.router.connections) == 1


def test_retries_with_growing_delays():
    it = Fixture(retries=Retries(3, first_delay_s=1, jitter=0))
    it.router.failures = [ConnectionRefusedError() for _ in range(3)]
    results = it("GET", "http://h/")
    for delay in (1, 2, 4):
        assert len(it.router.connections) == 0
        it.clock.advance(delay - 0.1)
        assert results == []
        it.clock.advance(0.2)
    it.answer(EMPTY)
    assert results[0].status == 200


def test_retries_are_counted_in_the_error(it):
    it.router.failures = [ConnectionRefusedError() for _ in range(3)]
    results = it("GET", "http://h/", retries=Retries(2, dice=lambda: 0))
    it.clock.pump([0.5, 1.0])
    assert failure_of(results).__notes__ == ["it was tried 3 times"]


def test_retries_end(it):
    it.router.failures = [ConnectionRefusedError() for _ in range(3)]
    results = it("GET", "http://h/", retries=Retries(2, jitter=0))
    it.clock.pump([0.5, 1.0])
    failure_of(results)
    assert len(it.router.routes) == 3


def test_a_server_says_when_to_come_back(it):
    results = it("GET", "http://h/", retries=2)
    it.answer(response(503, Retry_After=7))
    it.clock.advance(6.9)
    assert it.sent() == b""
    it.clock.advance(0.2)
    assert it.sent() != b""
    it.answer(EMPTY)
    assert results[0].status == 200


def test_the_last_answer_is_given_as_it_is(it):
    results = it("GET", "http://h/", retries=Retries(1, first_delay_s=0))
    it.answer(response(503))
    it.clock.advance(0.1)
    it.answer(response(503))
    assert results[0].status == 503


def test_a_retry_does_not_outlive_the_deadline(it):
    results = it("GET", "http://h/", retries=2, timeout=3)
    it.answer(response(503, Retry_After=30))
    it.clock.advance(3.1)
    assert failure_of(results, RequestTimeout).which == "total"


def test_delays():
    retries = Retries(5, first_delay_s=1, factor=2, max_delay_s=5, jitter=0.5, dice=lambda: 1.0)
    assert [retries.delay_s(n) for n in range(4)] == [0.5, 1, 2, 2.5]
    assert retries.delay_s(0, "3") == 3
    assert retries.delay_s(0, "100") == 5
    assert retries.delay_s(0, "Thu, 01 Jan 1970 00:00:10 GMT", now=8) == 2
    assert retries.delay_s(0, "Thu, 01 Jan 1970 00:00:10 GMT", now=80) == 0
    assert retries.delay_s(0, "soon") == 0.5
    assert retries.delay_s(0, "٣") == 0.5


# --- Redirections ---------------------------------------------------------------------------------------------------


def test_redirections_are_followed_and_remembered(it):
    results = it("GET", "http://h/a")
    it.answer(response(302, b"there", Location="/b"))
    assert it.sent().startswith(b"GET /b HTTP/1.1\r\n")
    it.answer(response(200, b"here"))
    answer = results[0]
    assert (answer.content, answer.url) == (b"here", "http://h/b")
    assert [(each.status, each.url) for each in answer.history] == [(302, "http://h/a")]


def test_redirections_need_not_be_followed(it):
    results = it("GET", "http://h/a", follow_redirects=False)
    it.answer(response(302, b"there", Location="/b"))
    assert (results[0].status, results[0].content) == (302, b"there")


@pytest.mark.parametrize(
    "location", ["https://h/", "http://h:81/", "http://other/", "http://h.evil.com/", "http://h@evil.com/"]
)
def test_attack_072_credentials_stay_with_their_origin(it, location):
    it("GET", "http://u:p@h/", headers={"Cookie": "a=secret", "Proxy-Authorization": "secret", "X": "y"})
    assert b"Authorization: " in it.sent()
    it.answer(response(302, Location=location))
    if location.startswith("https"):
        it.router.connections[-1].handshakeCompleted()
    sent = it.sent()
    assert b"uthorization" not in sent
    assert b"secret" not in sent
    assert b"X: y" in sent


def test_attack_072_credentials_in_a_location_are_not_sent(it):
    it("GET", "http://h/")
    it.answer(response(302, Location="http://evil:pass@other/"))
    assert b"uthorization" not in it.sent()


@pytest.mark.parametrize(
    ("code", "method"), [(301, b"GET"), (302, b"GET"), (303, b"GET"), (307, b"POST"), (308, b"POST")]
)
def test_attack_075_what_becomes_of_a_post(it, code, method):
    it("POST", "http://h/", json={"secret": 1})
    it.answer(response(code, Location="/b"))
    assert it.sent().startswith(method + b" /b ")
    kept = method == b"POST"
    assert (b"secret" in it.sent()) is kept
    assert (b"Content-Type: application/json" in it.sent()) is kept


def test_a_body_that_cannot_be_sent_twice(it):
    results = it("POST", "http://h/", data=iter([b"x"]))
    it.answer(response(307, Location="/b"))
    assert "cannot be sent twice" in str(failure_of(results))


def test_attack_080_loops_end():
    it = Fixture(max_redirects=3)
    results = it("GET", "http://h/a")
    for _ in range(4):
        it.answer(response(302, Location="/a"))
    error = failure_of(results, TooManyRedirects)
    assert "more than 3 redirections" in str(error)


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://h/", "javascript:x", "http://[::1/", "http://:80/"]
)
def test_attack_080_other_schemes_are_not_followed(it, location):
    results = it("GET", "http://h/a")
    it.answer(response(302, Location=location))
    assert "no URL for a client" in str(failure_of(results))


# --- Cookies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cookie", "origin", "sent_to", "not_sent_to"),
    [
        (
            "a=1",
            "https://example.com/",
            ["https://example.com/"],
            ["https://sub.example.com/", "https://example.org/"],
        ),
        (
            "a=1; Domain=example.com",
            "https://www.example.com/",
            ["https://example.com/", "https://x.example.com/"],
            ["https://notexample.com/", "https://com/"],
        ),
        ("a=1; Domain=com", "https://example.com/", [], ["https://other.com/"]),
        ("a=1; Domain=co.uk", "https://example.co.uk/", [], ["https://other.co.uk/"]),
        ("a=1; Domain=github.io", "https://me.github.io/", [], ["https://you.github.io/"]),
        # The host is a public suffix itself: RFC 6265 section 5.3, step 5.
        ("a=1; Domain=github.io", "https://github.io/", ["https://github.io/"], ["https://you.github.io/"]),
        ("a=1; Domain=.github.io", "https://github.io/", ["https://github.io/"], ["https://you.github.io/"]),
        (
            "a=1; Domain=example.org",
            "https://example.com/",
            [],
            ["https://example.org/", "https://example.com/"],
        ),
        ("a=1; Secure", "https://example.com/", ["https://example.com/"], ["http://example.com/"]),
        ("a=1; Path=/x", "https://example.com/x/", ["https://example.com/x/y"], ["https://example.com/y"]),
        ("__Host-a=1; Secure; Path=/", "https://example.com/", ["https://example.com/"], []),
        ("__Host-a=1; Path=/", "https://example.com/", [], ["https://example.com/"]),
        (
            "__Host-a=1; Secure; Path=/; Domain=example.com",
            "https://example.com/",
            [],
            ["https://example.com/"],
        ),
        ("__Secure-a=1", "https://example.com/", [], ["https://example.com/"]),
        ("a=1", "http://127.0.0.1/", ["http://127.0.0.1/"], ["http://127.0.0.2/"]),
    ],
)
def test_attack_039_073_cookies_go_where_they_belong(cookie, origin, sent_to, not_sent_to):
    it = Fixture()

    def request(url):
        it("GET", url)
        if url.startswith("https") and not it.router.connections[-1].ready.called:
            it.router.connections[-1].handshakeCompleted()
        return it.sent()

    request(origin)
    it.answer(response(200, Set_Cookie=cookie))
    for url in sent_to:
        assert b"a=1" in request(url), url
        it.answer(EMPTY)
    for url in not_sent_to:
        assert b"Cookie" not in request(url), url
        it.answer(EMPTY)


@pytest.fixture
def suffixes_unread():
    _public_suffixes.cache_clear()
    yield
    _public_suffixes.cache_clear()


@pytest.mark.usefixtures("suffixes_unread")
def test_the_list_of_suffixes_is_read_once_and_not_before_a_cookie_names_a_domain():
    read = []
    for cookie in ("a=1", "a=1; Domain=example.com", "a=1; Domain=example.com"):
        it = Fixture()
        it("GET", "http://example.com/")
        it.answer(response(200, Set_Cookie=cookie))
        read.append(_public_suffixes.cache_info().misses)
    assert read == [0, 1, 1]


@pytest.mark.usefixtures("suffixes_unread")
def test_without_a_list_of_suffixes_a_cookie_is_for_its_host_only(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "publicsuffixlist", None)
    it = Fixture()
    it("GET", "http://www.example.com/")
    it.answer(response(200, Set_Cookie="a=1; Domain=example.com"))
    it("GET", "http://other.example.com/")
    assert b"Cookie" not in it.sent()
    it("GET", "http://example.com/")
    it.answer(response(200, Set_Cookie="a=1; Domain=example.com"))
    it("GET", "http://example.com/")
    assert b"Cookie: a=1" in it.sent()
    it("GET", "http://sub.example.com/")
    assert b"Cookie" not in it.sent()


# --- Proxies --------------------------------------------------------------------------------------------------------


def test_a_proxy_for_http_is_asked_for_each_url():
    it = Fixture(proxy="http://user:secret@proxy:3128")
    it("GET", "http://one/a?b")
    assert it.sent().startswith(b"GET http://one/a?b HTTP/1.1\r\n")
    assert b"Host: one\r\n" in it.sent()
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n" in it.sent()
    it.answer(EMPTY)
    it("GET", "http://two/")
    assert len(it.router.connections) == 1
    assert "secret" not in repr(it.router.routes)


def test_attack_074_the_proxys_credentials_stay_out_of_the_tunnel():
    it = Fixture(proxy="http://user:secret@proxy:3128")
    it("GET", "https://one/")
    it.router.connections[0].handshakeCompleted()
    assert it.sent().startswith(b"GET / HTTP/1.1\r\n")
    assert b"Proxy" not in it.sent()
    route = it.router.routes[0]
    assert (route.host, route.proxy, route.asks_proxy) == (
        "one",
        Proxy("http", "proxy", 3128, "user", "secret"),
        False,
    )


def test_attack_078_connections_through_different_proxies_are_different():
    it = Fixture(proxy={"http": "socks5://a", "https": "socks5://b"})
    it("GET", "http://one/")
    it("GET", "https://one/")
    it.client._proxies = Fixture(proxy="socks5://c").client._proxies
    it("GET", "http://one/")
    assert len(set(it.router.routes)) == 3


def test_an_address_filter_takes_no_proxy(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy:1")
    it = Fixture(proxy=None, address_filter=lambda address: True)
    it("GET", "http://h/")
    assert it.router.routes[0].proxy is None
    with pytest.raises(ValueError, match="address_filter"):
        Client(reactor=Clock(), proxy="http://proxy:1", address_filter=lambda address: True)


# --- Streams --------------------------------------------------------------------------------------------------------


class Streamer:
    def __init__(self, it, **options):
        self.pieces = []
        self.failures = []
        self.go_on = []
        self.deferred = Deferred.fromCoroutine(self.run(it, options))
        self.deferred.addErrback(self.failures.append)

    async def run(self, it, options):
        async with it.client.stream("GET", "http://h/", **options) as streamed:
            self.response = streamed
            async for piece in streamed.chunks():
                self.pieces.append(piece)
                wait = Deferred()
                self.go_on.append(wait)
                await wait


def test_a_stream_holds_the_server_back(it):
    streamer = Streamer(it)
    it.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    transport = it.router.connections[0].transport
    it.answer(b"40000\r\n" + b"x" * 0x40000 + b"\r\n")
    assert transport.producerState == "producing"
    it.answer(b"1\r\nb\r\n")
    assert transport.producerState == "paused"
    it.clock.advance(100)  # nobody waits for the server now
    streamer.go_on.pop().callback(None)
    assert transport.producerState == "producing"
    it.answer(b"0\r\n\r\n")
    streamer.go_on.pop().callback(None)
    assert b"".join(streamer.pieces) == b"a" + b"x" * 0x40000 + b"b"
    assert streamer.failures == []
    assert repr(it.client._connections) == "<Connections 1 open, 1 idle, 0 waiting>"


def test_leaving_a_stream_early_closes_its_connection(it):
    streamer = Streamer(it)
    it.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    streamer.go_on.pop().errback(ZeroDivisionError())
    assert streamer.failures[0].check(ZeroDivisionError)
    assert it.router.connections[0].transport.disconnected


def test_a_stream_that_breaks_says_where(it):
    streamer = Streamer(it)
    it.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    it.router.connections[0].connectionLost(Failure(ConnectionLost()))
    streamer.go_on.pop().callback(None)
    assert streamer.failures[0].value.stage == "body"


def test_a_streamed_body_can_be_read_whole(it):
    async def run():
        async with it.client.stream("GET", "http://h/") as streamed:
            with pytest.raises(RuntimeError, match="has not been read"):
                streamed.content
            await streamed.read()
        return streamed

    results = []
    Deferred.fromCoroutine(run()).addBoth(results.append)
    it.answer(response(200, json.dumps([1]).encode()))
    assert results[0].json() == [1]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_stream_as_lines(it, size):
    text = "one\r\ntw\u00e4\n\nthr\u2028ee\rx\n\u20ac end"
    body = text.encode()

    async def lines():
        async with it.client.stream("GET", "http://h/") as streamed:
            return [line async for line in streamed.lines()]

    got = []
    Deferred.fromCoroutine(lines()).addBoth(got.append)
    it.answer(response(200, body)[: -len(body)])
    for start in range(0, len(body), size):
        it.answer(body[start : start + size])
    assert got == [["one", "tw\u00e4", "", "thr\u2028ee\rx", "\u20ac end"]]


def test_a_line_without_an_end(it):
    async def lines():
        async with it.client.stream("GET", "http://h/") as streamed:
            return [line async for line in streamed.lines(limit=10)]

    got = []
    Deferred.fromCoroutine(lines()).addBoth(got.append)
    it.answer(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(11):
        assert got == []
        it.answer(b"x")
    assert str(failure_of(got)) == "GET http://h/ failed (body): a line has more than 10 characters"
    assert it.router.connections[0].transport.disconnected


def test_closing_ends_everything(it):
    it("GET", "http://h/")
    it.answer(EMPTY)
    busy = it("GET", "http://other/")
    closed = []
    it.client.close().addCallback(closed.append)
    for connection in it.router.connections:
        assert connection.transport.disconnected
        connection.connectionLost(Failure(ConnectionDone()))
    assert closed == [None]
    assert failure_of(busy).stage == "response"
    assert it.clock.getDelayedCalls() == []


def test_closing_ends_who_waits_and_who_comes_later():
    it = Fixture(max_per_host=1)
    it("GET", "http://h/")
    waiting = it("GET", "http://h/")
    it.client.close()
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    assert "the client is closed" in str(failure_of(waiting))
    assert "the client is closed" in str(failure_of(it("GET", "http://h/")))
    assert len(it.router.connections) == 1


def test_a_connection_that_comes_after_the_end_is_closed():
    it = Fixture()
    it.router.pending = Deferred()
    results = it("GET", "http://h/")
    it.client.close()
    connection = it.router.factory.buildProtocol(None)
    connection.makeConnection(StringTransport(lenient=True))
    it.router.pending.callback(connection)
    assert connection.transport.disconnected
    connection.connectionLost(Failure(ConnectionDone()))
    assert failure_of(results).stage == "response"


def test_an_idle_connection_that_the_server_closes_is_forgotten():
    it = Fixture(max_connections=1)
    it("GET", "http://one/")
    it.answer(EMPTY)
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    assert repr(it.client._connections) == "<Connections 0 open, 0 idle, 0 waiting>"
    assert it.clock.getDelayedCalls() == []
    results = it("GET", "http://two/")
    it.answer(EMPTY)
    assert results[0].status == 200


def test_an_attempt_that_fails_after_its_connection_was_made_counts_once(it):
    it.router.pending = Deferred()
    results = it("GET", "http://h/")
    connection = it.router.factory.buildProtocol(None)
    connection.makeConnection(StringTransport(lenient=True))
    connection.connectionLost(Failure(ConnectionLost()))
    it.router.pending.errback(ConnectionLost())
    failure_of(results)
    assert repr(it.client._connections) == "<Connections 0 open, 0 idle, 0 waiting>"


def test_it_can_be_awaited_in_a_task():
    async def main():
        it = Fixture()
        task = asyncio.ensure_future(_get(it.client))
        await asyncio.sleep(0)
        it.answer(response(200, b"hi"))
        assert (await task).content == b"hi"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await it.client.get("http://h/")
        assert it.router.connections[0].transport.disconnected

    async def _get(client):
        return await client.get("http://h/")

    asyncio.run(main())


def test_whoever_leaves_the_line_leaves_no_line_behind():
    it = Fixture(max_connections=1)
    results = it("GET", "http://a/")
    it("GET", "http://b/")
    it.deferred.addErrback(lambda _: None)
    it.deferred.cancel()
    it.router.connections[0].dataReceived(EMPTY)
    assert results[0].status == 200
    assert repr(it.client._connections) == "<Connections 1 open, 1 idle, 0 waiting>"
    assert not it.router.connections[0].transport.disconnecting


def test_an_option_that_there_is_not():
    it = Fixture()
    with pytest.raises(TypeError, match="no option 'timout': use timeout="):
        it("GET", "http://h/", timout=3)


def test_methods_in_small_letters_are_what_was_meant_and_others_go_to_the_letter(it):
    """Other clients take them too; a server would answer that there is no such method."""
    for given, sent in (("get", b"GET"), ("Patch", b"PATCH"), ("Purge", b"Purge")):
        it(given, "http://h/")
        assert it.sent().startswith(sent + b" / HTTP/1.1\r\n")
        it.answer(EMPTY)


CUT_GZIP = zlib.compress(b"x" * 1000, wbits=31)[:-10]


@pytest.mark.parametrize(
    ("data", "stage", "words"),
    [
        (b"", "response", "no response came: ConnectionDone: "),
        (b"HTTP/1.1 200 OK\r\nContent-", "response", "the response was cut short: ConnectionDone: "),
        (response(200, b"1234")[:-1], "body", "the body was cut short: ConnectionDone: "),
        (
            response(200, CUT_GZIP, Content_Encoding="gzip"),
            "body",
            "ContentDecodingError: the body ends before",
        ),
        (
            response(200, b"no gzip", Content_Encoding="gzip"),
            "body",
            "ContentDecodingError: the body is not compressed",
        ),
    ],
)
def test_what_was_still_to_come_is_told(it, data, stage, words):
    results = it("GET", "http://h/page")
    if data:
        it.answer(data)
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    error = failure_of(results)
    assert (error.stage, error.url) == (stage, "http://h/page")
    assert error.reason.startswith(words), error.reason


PATIENT = Retries(2, first_delay_s=1, jitter=0)


def test_a_body_that_breaks_off_is_asked_for_again(it):
    results = it("GET", "http://h/page", retries=PATIENT)
    it.answer(response(302, Location="/other"))
    it.answer(response(200, b"whole")[:-2])
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    assert results == []
    it.clock.advance(1)
    assert it.sent().startswith(b"GET /other ")
    it.answer(response(200, b"whole"))
    assert results[0].content == b"whole"
    assert [each.status for each in results[0].history] == [302]
    it.clock.advance(61)
    assert it.clock.getDelayedCalls() == []


def test_a_body_that_stops_to_come_is_asked_for_again_and_the_last_error_told(it):
    results = it("GET", "http://h/", retries=PATIENT, timeout=Timeouts(total=100, read=5))
    it.answer(response(200, b"whole")[:-2])
    it.clock.advance(5)
    assert results == [] and it.router.connections[0].transport.disconnected
    it.router.failures = [ConnectionRefusedError("no"), ConnectionRefusedError("no")]
    it.clock.advance(1)
    it.clock.advance(2)
    error = failure_of(results)
    assert error.reason.startswith("ConnectionRefusedError") and error.__notes__ == ["it was tried 3 times"]


@pytest.mark.parametrize("method, options", [("POST", {"data": b"x"}), ("GET", {"limit_bytes": 3})])
def test_a_body_that_breaks_off_where_twice_is_not_once_or_of_no_use_is_told(it, method, options):
    results = it(method, "http://h/", retries=PATIENT, **options)
    it.answer(response(200, b"whole")[:-1])
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    assert results and failure_of(results).stage == "body"
    assert len(it.router.connections) == 1


def test_the_total_time_ends_the_pause_before_a_body_is_asked_for_again(it):
    results = it("GET", "http://h/", retries=Retries(2, first_delay_s=10, jitter=0), timeout=5)
    it.answer(response(200, b"whole")[:-1])
    it.router.connections[0].connectionLost(Failure(ConnectionDone()))
    it.clock.advance(5)
    assert failure_of(results, RequestTimeout).which == "total"
    assert it.clock.getDelayedCalls() == []


def test_a_closed_client_says_so(it):
    assert "closed" not in repr(it.client)
    it.client.close()
    assert repr(it.client) == "<Client closed <Connections 0 open, 0 idle, 0 waiting>>"
