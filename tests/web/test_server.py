"""A site, its resources and their answers."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from selvage.defer import Deferred
from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.logger import LogLevel, capturedLogs, formatEvent, globalLogPublisher
from selvage.logger.files import LogFile
from selvage.web import http
from selvage.web.pages import errorPage, forbidden, notFound
from selvage.web.resource import EncodingResourceWrapper, Resource
from selvage.web.server import NOT_DONE_YET, GzipEncoderFactory, Limits, Request, Site
from tests.web.serving import Later, Seen, Server, body, head, status

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def get(path: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: a", *fields, b"", b""])


class Fixed(Resource):
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.fixed = answer

    def render_GET(self, request: Any) -> Any:
        return self.fixed


def answering(answer: Any) -> Server:
    return Server(Seen(answer))


# --- Finding -------------------------------------------------------------------------------------------------------


def test_a_path_is_followed_segment_by_segment():
    root, child, leaf = Resource(), Resource(), Seen()
    root.putChild(b"a b", child)
    root.putChild(b"", Fixed(b"root"))
    child.putChild(b"c", leaf)
    server = Server(root)
    assert body(server.send(get(b"/"))) == b"root"
    assert body(server.send(get(b"/a%20b/c/d/e?x=1"))) == b"fine"
    assert leaf.last.prepath == [b"a b", b"c"]
    assert leaf.last.postpath == [b"d", b"e"]
    assert leaf.last.args == {b"x": [b"1"]}
    assert leaf.last.prePathURL() == b"http://a:12345/a%20b/c"
    assert status(server.send(get(b"/nowhere"))) == 404
    assert status(server.send(get(b"/a%20b"))) == 405  # it has no render_ method for it


def test_a_whole_url_is_a_path():
    server = Server()
    assert status(server.send(b"GET http://a/b/c?d=e HTTP/1.1\r\nHost: a\r\n\r\n")) == 200
    assert server.resource.last.postpath == [b"b", b"c"]


def test_methods_that_a_resource_lacks():
    class Put(Fixed):
        def render_PUT(self, request: Any) -> bytes:
            return b"put"

    root = Resource()
    root.putChild(b"x", Put(b"got"))
    server = Server(root)
    assert body(server.send(b"PUT /x HTTP/1.1\r\nHost: a\r\n\r\n")) == b"put"
    answer = server.send(b"DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status(answer) == 405 and set(head(answer)[b"allow"].split(b", ")) == {b"GET", b"HEAD", b"PUT"}
    # Nobody knows any of these here, whatever llhttp makes of them: for other protocols it knows some.
    for method in (b"BREW", b"ANNOUNCE", b"SOURCE", b"PRI", b"get"):
        assert status(server.send(method + b" /x HTTP/1.1\r\nHost: a\r\n\r\n")) == 501


def test_head_has_headers_and_no_body():
    root = Resource()
    root.putChild(b"x", Fixed(b"12345"))
    answer = Server(root).send(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + get(b"/x"))
    first, _, second = answer.partition(b"\r\n\r\n")
    assert head(first)[b"content-length"] == b"5"
    assert second.startswith(b"HTTP/1.1 200 OK") and second.endswith(b"\r\n\r\n12345")


def test_put_child_wants_bytes():
    with pytest.raises(TypeError, match="Path segment must be bytes"):
        Resource().putChild("a", Resource())


# --- Answers of every type -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "result, expected, kind",
    [
        (b"bytes", b"bytes", b"text/html"),
        ("größe", "größe".encode(), b"text/html; charset=utf-8"),
        ({"a": [1, None]}, b'{"a":[1,null]}', b"application/json"),
        ([1, 2], b"[1,2]", b"application/json"),
        (b"", b"", None),
    ],
)
@pytest.mark.parametrize("how", ["now", "deferred", "async", "later"])
def test_answers_of_every_type(result, expected, kind, how):
    waiting: Deferred[Any] = Deferred()

    async def coroutine() -> Any:
        return await waiting

    def answer(request: Any) -> Any:
        if how == "now":
            return result
        if how == "deferred":
            done: Deferred[Any] = Deferred()
            done.callback(result)
            return done
        return coroutine()

    server = answering(answer)
    if how == "async":
        waiting.callback(result)
    sent = server.send(GET)
    if how == "later":
        assert sent == b""
        waiting.callback(result)
        sent = server.answered()
    assert status(sent) == 200
    assert body(sent) == expected
    assert head(sent).get(b"content-type") == kind
    assert head(sent)[b"content-length"] == b"%d" % len(expected)


def test_an_async_handler_may_finish_itself():
    async def render(request: Any) -> Any:
        request.setHeader(b"content-length", b"4")
        request.write(b"self")
        request.finish()
        return NOT_DONE_YET

    assert body(answering(render).send(GET)) == b"self"


def test_an_iterator_is_streamed():
    server = answering(lambda request: iter([b"one", b"", b"two"]))
    server.send(GET)
    for _ in range(9):
        server.clock.advance(0)
    assert body(server.answered()) == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


def test_an_async_iterator_is_streamed():
    async def pieces() -> Any:
        yield b"one"
        yield b"two"

    server = answering(lambda request: pieces())
    assert body(server.send(GET)) == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


def test_head_asks_an_iterator_without_end_for_its_first_piece_only():
    made: list[str] = []

    def pieces(request: Any) -> Any:
        request.setHeader(b"x-made", b"late")
        try:
            while True:
                made.append("piece")
                yield b"more"
        finally:
            made.append("closed")

    server = answering(pieces)
    server.send(GET.replace(b"GET", b"HEAD"))
    for _ in range(9):
        server.clock.advance(0)
    assert head(server.answered())[b"x-made"] == b"late" and body(server.answered()) == b""
    assert made == ["piece", "closed"] and not server.closing


def test_head_asks_an_async_iterator_without_end_for_its_first_piece_only():
    made: list[str] = []

    async def pieces() -> Any:
        try:
            while True:
                made.append("piece")
                yield b"more"
        finally:
            made.append("closed")

    server = answering(lambda request: pieces())
    answer = server.send(GET.replace(b"GET", b"HEAD"))
    assert status(answer) == 200 and body(answer) == b""
    assert made == ["piece", "closed"] and not server.closing


def test_pieces_of_text_are_sent_as_utf_8():
    async def pieces() -> Any:
        yield "\xe9"

    assert body(answering(lambda request: pieces()).send(GET)).startswith(b"2\r\n\xc3\xa9\r\n")
    server = answering(lambda request: iter(["\xe9"]))
    server.send(GET)
    for _ in range(9):
        server.clock.advance(0)
    assert body(server.answered()) == b"2\r\n\xc3\xa9\r\n0\r\n\r\n"


@pytest.mark.parametrize("pieces, kept", [([7], b""), ([b"one", 7], b"3\r\none\r\n")])
def test_a_piece_that_cannot_be_sent_ends_the_answer(pieces, kept, taken_reports):
    server = answering(lambda request: iter(pieces))
    server.send(GET)
    for _ in range(9):
        server.clock.advance(0)
    answer = server.answered()
    if kept:
        assert body(answer) == kept and server.closing
    else:
        assert status(answer) == 500
    [report] = taken_reports()
    assert report.failure.check(TypeError)


def test_what_cannot_be_sent_is_named(taken_reports):
    answer = answering(lambda request: 3.5).send(GET)
    assert status(answer) == 500 and b"3.5" not in answer
    [report] = taken_reports()
    assert "returned a float" in str(report.failure.value) and "NOT_DONE_YET" in str(report.failure.value)


async def soon() -> None: ...


@pytest.mark.parametrize(
    "result, words",
    [
        (lambda: None, "returned None for <Request at .* method=GET uri=/ .*> .is a `return` missing.."),
        (Resource, "returned a Resource for .* .a resource answers by its own render.request..:"),
        (lambda: {"a": object()}, "returned a dict for .* that cannot be sent as JSON: .*type object is not"),
        (lambda: [float("nan")], "returned a list for .* that cannot be sent as JSON"),
        (lambda: {"a": Deferred()}, "that cannot be sent as JSON: .*; was it to be awaited[?]$"),
    ],
)
def test_what_cannot_be_sent_is_told_with_the_likely_fix(result, words, taken_reports):
    assert status(answering(lambda request: result()).send(GET)) == 500
    [report] = taken_reports()
    assert re.search(words, str(report.failure.value))


def test_a_coroutine_in_json_was_to_be_awaited(taken_reports):
    waits = soon()
    assert status(answering(lambda request: {"a": waits}).send(GET)) == 500
    waits.close()
    [report] = taken_reports()
    assert str(report.failure.value).endswith("; was it to be awaited?")


def test_a_second_finish_is_told_with_the_line_of_the_program(recwarn):
    def answer(request: Any) -> Any:
        request.finish()
        request.finish()
        return NOT_DONE_YET

    assert status(answering(answer).send(GET)) == 200
    [told] = recwarn
    assert str(told.message) == "Warning! request.finish called twice." and told.filename == __file__


@pytest.mark.parametrize("code", [0, 1000, -200])
def test_a_status_has_three_digits(code, taken_reports):
    assert status(answering(lambda request: request.setResponseCode(code)).send(GET)) == 500
    [report] = taken_reports()
    assert "three digits" in str(report.failure.value) and str(code) in str(report.failure.value)


class Application:
    def resource(self) -> Resource:
        return Resource()


@pytest.mark.parametrize(
    "thing, words",
    [
        (Resource, "not the class Resource: make one, as by Resource()"),
        (Application(), "its resource() returns"),
    ],
)
def test_what_is_no_resource_is_refused_at_once(thing, words):
    for take, name in ((Site, "Site"), (lambda thing: Resource().putChild(b"a", thing), "putChild")):
        with pytest.raises(TypeError, match=f"^{name} takes a resource, ") as caught:
            take(thing)
        assert words in str(caught.value)


# --- Failing -------------------------------------------------------------------------------------------------------


def test_an_iterator_that_fails_at_once_is_a_500_and_reported_once(taken_reports):
    async def pieces() -> Any:
        raise LookupError("here")
        yield b""

    logged: list[Any] = []
    globalLogPublisher.addObserver(logged.append)
    try:
        sent = answering(lambda request: pieces()).send(GET)
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert status(sent) == 500
    [report] = taken_reports()
    assert report.failure.check(LookupError)
    assert [event for event in logged if "log_failure" in event] == []


def test_an_error_is_a_500_and_reaches_the_hub_with_its_request(taken_reports):
    def answer(request: Any) -> Any:
        raise KeyError("secret")

    server = answering(answer)
    sent = server.send(get(b"/?token=hidden"))
    assert status(sent) == 500 and b"secret" not in sent
    [report] = taken_reports()
    assert report.failure.check(KeyError)
    assert report.context["request"] is server.resource.last
    assert report.source == "web" and report.message == "Error while answering GET /"
    assert status(server.send(GET)) == 500 and not server.closing
    taken_reports()


@pytest.mark.parametrize("how", ["deferred", "async"])
def test_an_error_later_is_a_500_too(taken_reports, how):
    waiting: Deferred[Any] = Deferred()

    async def render() -> Any:
        return await waiting

    server = answering(lambda request: waiting if how == "deferred" else render())
    server.send(GET)
    waiting.errback(ZeroDivisionError())
    assert status(server.answered()) == 500
    assert [report.failure.type for report in taken_reports()] == [ZeroDivisionError]


def test_an_error_in_the_middle_breaks_the_connection(taken_reports):
    def answer(request: Any) -> Any:
        request.write(b"half")
        raise ZeroDivisionError

    server = answering(answer)
    sent = server.send(GET)
    assert b"half" in sent and b"0\r\n\r\n" not in sent and b"500" not in sent
    assert server.transport.disconnecting
    assert len(taken_reports()) == 1


def test_a_client_that_leaves_cancels_what_it_waited_for():
    cancelled: list[Any] = []
    server = answering(lambda request: Deferred(cancelled.append))
    server.send(GET)
    server.protocol.connectionLost(Failure(ConnectionLost()))
    assert len(cancelled) == 1


def test_notify_finish_tells_both_ends():
    later = Later()
    server = Server(later)
    server.send(GET + GET)
    told: list[Any] = []
    later.waiting[0].notifyFinish().addBoth(told.append)
    later.waiting[0].finish()
    later.waiting[1].notifyFinish().addBoth(told.append)
    server.protocol.connectionLost(Failure(ConnectionLost()))
    assert told[0] is None and told[1].check(ConnectionLost)
    with pytest.raises(RuntimeError, match="notifyFinish"):
        later.waiting[1].finish()
    later.waiting[1].write(b"into the void")
    with pytest.raises(RuntimeError, match="after Request.finish"):
        later.waiting[0].write(b"late")


# --- Bodies and forms ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 99_999, 100_000, 300_000])
@pytest.mark.parametrize("how", ["length", "chunks"])
def test_bodies_of_every_size(size, how):
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    if how == "length":
        data = b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + content
    else:
        chunks = [content[at : at + 7000] for at in range(0, size, 7000)] + [b""]
        data = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n" + b"".join(
            b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks
        )
    server = Server()
    for at in range(0, len(data), 10_000):
        server.protocol.dataReceived(data[at : at + 10_000])
    assert server.seen == [(b"PUT", b"/", content)]
    assert server.resource.last.content.closed


def test_forms_are_arguments():
    server = answering(
        lambda request: {k.decode(): [v.decode() for v in vs] for k, vs in request.args.items()}
    )
    data = b"a=1&b=x+y%21&a=2"
    answer = server.send(
        b"POST /?a=0 HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n" % len(data) + data
    )
    assert json.loads(body(answer)) == {"a": ["0", "1", "2"], "b": ["x y!"]}
    data = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\none\r\n'
        b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\ntwo\r\n--b--\r\n'
    )
    answer = server.send(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        b"Content-Length: %d\r\n\r\n" % len(data) + data
    )
    assert json.loads(body(answer)) == {"f": ["one", "two"]}


def test_100_continue_is_said_when_the_body_has_not_come():
    expecting = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    server = Server()
    assert server.send(expecting) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert status(server.send(b"ab")) == 200
    assert status(server.send(expecting + b"ab")) == 200
    assert status(server.send(expecting.replace(b"100-continue", b"tea"))) == 417 and server.closing


def test_chunks_out_where_there_is_no_length():
    def answer(request: Any) -> Any:
        request.write(b"one")
        request.write(b"two")
        request.finish()
        return NOT_DONE_YET

    assert body(answering(answer).send(GET)) == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    server = answering(answer)
    assert body(server.send(b"GET / HTTP/1.0\r\n\r\n")) == b"onetwo" and server.closing


def test_no_body_where_there_is_none():
    for code in (204, 304):

        def answer(request: Any, code: int = code) -> Any:
            request.setResponseCode(code)
            request.setHeader(b"content-length", b"3")
            request.write(b"abc")
            request.finish()
            return NOT_DONE_YET

        server = answering(answer)
        sent = server.send(GET)
        assert status(sent) == code and body(sent) == b""
        assert (b"content-length" in head(sent)) == (code == 304)
        assert not server.closing


# --- Connections ---------------------------------------------------------------------------------------------------


def test_connections_are_kept_unless_somebody_says_otherwise():
    server = Server()
    for _ in range(3):
        assert status(server.send(GET)) == 200
    assert not server.closing
    answer = server.send(get(b"/", b"Connection: Keep-Alive, Close"))
    assert head(answer)[b"connection"] == b"close" and server.closing


def test_empty_lines_before_a_request_are_ignored():
    server = Server()
    assert status(server.send(b"\r\n\r\n" + GET)) == 200
    assert status(server.send_slowly(b"\r\n" + GET)) == 200


@settings(max_examples=50)
@given(cuts=st.lists(st.integers(1, 40), min_size=1, max_size=30), later=st.booleans())
def test_every_cut_of_the_same_bytes_gives_the_same_answers(cuts, later):
    data = (
        GET
        + b"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        + b"\r\nPUT /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"
        + b"BREW /3 HTTP/1.1\r\nHost: a\r\nCookie: x=1\r\n\r\n"
        + b"GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        + GET
    )
    server = Server()
    at = 0
    while at < len(data):
        for cut in cuts:
            server.protocol.dataReceived(data[at : at + cut])
            at += cut
    assert server.seen == [
        (b"GET", b"/", b""),
        (b"POST", b"/1", b"hello"),
        (b"PUT", b"/2", b"abcde"),
        (b"BREW", b"/3", b""),
        (b"GET", b"/4", b""),
    ]
    assert server.answered().count(b"HTTP/1.1 200 OK\r\n") == 5


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            [
                b"GET",
                b" ",
                b"/",
                b"HTTP/1.1",
                b"\r\n",
                b"Host: a",
                b"\r",
                b"\n",
                b":",
                b"0",
                b"\0",
                b"\xff",
                b"Content-Length: 3",
                b"Transfer-Encoding: chunked",
                b"5",
            ]
        )
    )
)
def test_nothing_that_comes_in_raises(pieces):
    server = Server()
    server.protocol.dataReceived(GET[:-2])
    for piece in pieces:
        server.protocol.dataReceived(piece)
    answer = server.answered()
    assert answer == b"" or status(answer) in (200, 400, 413, 414, 431, 501, 505)


def test_another_protocol_can_take_over():
    from selvage.protocols import Protocol

    class Echo(Protocol):
        lost = None

        def connectionMade(self) -> None:
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")

        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

        def connectionLost(self, reason: Any = None) -> None:
            self.lost = reason

    echo = Echo()

    def answer(request: Any) -> Any:
        request.channel.upgrade(echo)
        return NOT_DONE_YET

    server = answering(answer)
    assert body(server.send(GET + b"early")) == b"early"
    assert server.send(b"late") == b"late"
    server.clock.advance(1000)
    assert not server.closing
    server.protocol.connectionLost(Failure(ConnectionLost()))
    assert echo.lost.check(ConnectionLost)


# --- The rest ------------------------------------------------------------------------------------------------------


def test_gzip_for_who_takes_it():
    import zlib

    root = Resource()
    root.putChild(b"x", EncodingResourceWrapper(Fixed(b"a" * 1000), [GzipEncoderFactory()]))
    answer = Server(root).send(get(b"/x", b"Accept-Encoding: br, gzip;q=0.5"))
    assert head(answer)[b"content-encoding"] == b"gzip"
    rest, compressed = body(answer), b""
    while rest != b"0\r\n\r\n":
        piece, rest = http.fromChunk(rest)
        compressed += piece
    assert zlib.decompress(compressed, 31) == b"a" * 1000
    for refusing in (b"Accept-Encoding: br", b"Accept-Encoding: gzip;q=0", b"X: gzip"):
        assert body(Server(root).send(get(b"/x", refusing))) == b"a" * 1000


def test_sessions_follow_a_cookie_and_end():
    def answer(request: Any) -> Any:
        session = request.getSession()
        session.visits = getattr(session, "visits", 0) + 1
        return b"%d" % session.visits

    server = answering(answer)
    first = server.send(GET)
    cookie = head(first)[b"set-cookie"]
    assert b"HttpOnly" in cookie and b"SameSite=lax" in cookie and len(cookie.partition(b";")[0]) > 64
    again = get(b"/", b"Cookie: " + cookie.partition(b";")[0])
    assert body(server.send(again)) == b"2"
    invented = server.send(get(b"/", b"Cookie: TWISTED_SESSION=invented"))
    assert body(invented) == b"1" and b"invented" not in head(invented)[b"set-cookie"]
    server.clock.advance(900)
    assert not server.site.sessions
    server = answering(answer)
    assert body(server.send(again)) == b"1"


def test_a_session_has_facets():
    from zope.interface import Interface

    class IBasket(Interface):
        pass

    basket = object()
    site = Site(Resource(), reactor=Server().clock)
    session = site.makeSession()
    assert IBasket(session, None) is None
    session.setComponent(IBasket, basket)
    assert IBasket(session) is session.getComponent(IBasket) is basket
    assert session.removeComponent(basket) == [IBasket]
    assert session.getComponent(IBasket, 7) == 7


def test_conditions():
    def answer(request: Any) -> Any:
        if http.CACHED in (request.setETag(b'"1"'), request.setLastModified(784111777)):
            return b""
        return b"new"

    server = answering(answer)
    assert body(server.send(GET)) == b"new"
    for field, code in (
        (b'If-None-Match: "0", "1"', 304),
        (b'If-None-Match: "0"', 200),
        (b"If-None-Match: *", 304),
        (b"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 304),
        (b"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200),
        (b"If-Modified-Since: yesterday", 200),
        (b'If-None-Match: "0"\r\nIf-Modified-Since: Sun, 06 Nov 2004 08:49:37 GMT', 200),
    ):
        assert status(server.send(get(b"/", field))) == code, field


def test_pages():
    for page, code, words in (
        (notFound(), 404, b"No Such Resource"),
        (forbidden("<No>", "a & b"), 403, b"&lt;No&gt;"),
        (errorPage(418, "Tea", "pot"), 418, b"<p>pot</p>"),
    ):
        answer = Server(page).send(get(b"/any/where"))
        assert status(answer) == code and words in body(answer)


def test_the_access_log_is_a_file_or_the_programs_log(tmp_path):
    server = Server(logPath=str(tmp_path / "log"), logFormatter=http.json_log_formatter, timeout=None)
    server.site.startFactory()
    server.clock.advance(784111777)
    server.send(get(b"/x", b"User-Agent: me"))
    server.site.stopFactory()
    assert json.loads((tmp_path / "log").read_text()) == {
        "time": "06/Nov/1994:08:49:37 +0000",
        "client": "192.168.1.1",
        "method": "GET",
        "uri": "/x",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 4,
        "referer": None,
        "user_agent": "me",
    }
    with pytest.raises(AttributeError, match="startFactory"):
        server.site.logFile.write("")


@pytest.mark.parametrize("broken", ["file", "formatter"])
def test_an_access_log_that_fails_loses_its_line_and_no_request(broken, tmp_path, taken_reports):
    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

    server = Server(logFormatter=(lambda timestamp, request: 1 / 0) if broken == "formatter" else None)
    server.site.logFile = Full()
    for _ in range(2):
        assert status(server.send(get(b"/"))) == 200
    kind = OSError if broken == "file" else ZeroDivisionError
    assert [report.failure.type for report in taken_reports()] == [kind, kind]


def test_an_access_log_that_is_copied_and_emptied_begins_again(tmp_path):
    log = tmp_path / "log"
    server = Server(logPath=str(log))
    server.site.startFactory()
    server.send(get(b"/before"))
    os.truncate(log, 0)
    server.send(get(b"/after"))
    server.site.stopFactory()
    assert (
        b"/after" in log.read_bytes() and b"\0" not in log.read_bytes() and b"/before" not in log.read_bytes()
    )


def test_an_access_log_that_another_program_put_aside_is_begun_anew(tmp_path):
    server = Server()
    server.site.logFile = file = LogFile("log", str(tmp_path), rotateLength=None)
    server.site.startFactory()
    server.send(get(b"/before"))
    (tmp_path / "log").rename(tmp_path / "log.1")
    file.reopen()
    server.send(get(b"/after"))
    server.site.stopFactory()
    file.close()
    assert "/before" in (tmp_path / "log.1").read_text() and "/after" in (tmp_path / "log").read_text()


def test_an_access_log_may_be_a_file_that_is_put_aside(tmp_path):
    server = Server()
    server.site.logFile = file = LogFile("access.log", str(tmp_path), rotateLength=100, maxRotatedFiles=1)
    server.site.startFactory()
    for _ in range(3):
        server.send(get(b"/" + b"x" * 100))
    server.site.stopFactory()
    file.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["access.log", "access.log.1"]


def test_the_programs_log_gets_lines_once_somebody_reads_it(monkeypatch):
    from selvage.logger import globalLogBeginner

    monkeypatch.setattr(globalLogBeginner, "has_begun", False)
    server = Server()
    server.site.startFactory()
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        server.send(GET)
        assert events == []
        monkeypatch.setattr(globalLogBeginner, "has_begun", True)
        server.send(GET)
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert ['"GET / HTTP/1.1" 200 4' in event["log_io"] for event in events] == [True]


def test_basic_authentication():
    server = answering(lambda request: request.getUser() + b"|" + request.getPassword())
    assert body(server.send(get(b"/", b"Authorization: Basic bmFtZTpwYTpzcw=="))) == b"name|pa:ss"
    for wrong in (b"Basic", b"Basic !", b"Basic bmFtZQ==", b"Bearer bmFtZTpwYTpzcw=="):
        assert body(server.send(get(b"/", b"Authorization: " + wrong))) == b"|"


def test_urls_to_navigate_from():
    urls: list[Any] = []

    def answer(request: Any) -> Any:
        request.rememberRootURL()
        url = request.URLPath()
        urls.extend(
            str(each)
            for each in (
                url,
                url.child(b"x y"),
                url.sibling(b"s"),
                url.parent(),
                url.here(),
                url.click(b"../z?q"),
            )
        )
        return b"%b %b" % (request.childLink(b"c"), request.sibLink(b"s"))

    root = Resource()
    root.putChild(b"one", Seen(answer))
    assert body(Server(root).send(b"GET /one HTTP/1.1\r\nHost: a:81\r\n\r\n")) == b"one/c s"
    assert urls[0] == "http://a:12345/one"
    assert urls[1:] == [f"http://a:12345/{rest}" for rest in ("one/x%20y", "s", "", "", "z?q")]


def test_requests_that_a_program_makes_itself_work():
    """Subclasses of the field: their own constructor, their own process, hooks called in their order."""
    calls: list[str] = []

    class Mine(Request):
        def __init__(self, channel: Any, queued: Any) -> None:
            Request.__init__(self, channel, queued)
            calls.append("init")

        def gotLength(self, length: int | None) -> None:
            calls.append(f"gotLength {length}")
            Request.gotLength(self, length)

        def handleContentChunk(self, data: bytes) -> None:
            calls.append("handleContentChunk")
            Request.handleContentChunk(self, data)

        def process(self) -> None:
            calls.append("process")
            Request.process(self)

        def finish(self) -> None:
            calls.append("finish")
            Request.finish(self)

    server = Server(requestFactory=Mine)
    server.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab")
    assert calls == ["init", "gotLength 2", "handleContentChunk", "process", "finish"]


def test_host_and_port_can_be_those_of_a_proxy():
    def answer(request: Any) -> Any:
        request.setHost(b"example.org", 443, ssl=True)
        return request.prePathURL() + (b" secure" if request.isSecure() else b"")

    assert body(answering(answer).send(GET)) == b"https://example.org/ secure"


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST"])
@pytest.mark.parametrize("code", [200, 204, 304, 404])
@pytest.mark.parametrize("result", [b"", b"text", b"x" * 100_000])
def test_the_quick_way_to_answer_sends_the_same_bytes(method, code, result):
    class Careful(Request):
        def write(self, data: bytes) -> None:
            Request.write(self, data)

    def answer(request: Any) -> bytes:
        request.setResponseCode(code)
        request.setHeader(b"Date", b"now")
        request.addCookie("a", "b")
        request.setETag(b"x")
        return result

    data = method + b" / HTTP/1.1\r\nHost: a\r\n\r\n"
    quick, careful = answering(answer), Server(Seen(answer), requestFactory=Careful)
    assert quick.send(data) == careful.send(data)
    assert quick.resource.last.sentLength == careful.resource.last.sentLength
    assert quick.send(data) == careful.send(data)


@pytest.mark.parametrize("protocol", [b"HTTP/1.1", b"HTTP/1.0"])
@pytest.mark.parametrize("phrase", [None, b"OK", b"Fine", b""])
@pytest.mark.parametrize("code", [200, 201, 204, 599])
def test_the_quick_way_sends_the_same_status_line(protocol, phrase, code):
    class Careful(Request):
        def write(self, data: bytes) -> None:
            Request.write(self, data)

    def answer(request: Any) -> bytes:
        request.setResponseCode(code, phrase)
        request.setHeader(b"Date", b"now")
        return b"text"

    data = b"GET / " + protocol + b"\r\nHost: a\r\n\r\n"
    sent = answering(answer).send(data)
    assert sent == Server(Seen(answer), requestFactory=Careful).send(data)
    assert sent.startswith(protocol + b" %d " % code)


@pytest.mark.parametrize("name", ["write", "finish"])
@pytest.mark.parametrize("owner", ["the request", "its class"])
def test_who_puts_something_in_the_place_of_write_or_finish_is_asked(monkeypatch, owner, name):
    asked: list[str] = []

    def replace(one: Any) -> None:
        own = getattr(one, name)

        def instead(*args: Any) -> None:
            asked.append(name)
            own(*args)

        monkeypatch.setattr(one, name, instead)

    def answer(request: Any) -> bytes:
        if owner == "the request":
            replace(request)
        return b"fine"

    server = answering(answer)
    server.send(GET)
    if owner != "the request":
        replace(Request)
    assert body(server.send(GET)) == b"fine"
    assert asked


@pytest.mark.parametrize("name", ["write", "writeHeaders"])
@pytest.mark.parametrize("owner", ["the channel", "its class", "a class of its own"])
def test_who_puts_something_in_the_place_of_what_a_channel_writes_is_asked(monkeypatch, owner, name):
    asked: list[str] = []

    def instead_of(own: Any) -> Any:
        def instead(*args: Any) -> None:
            asked.append(name)
            own(*args)

        return instead

    server = Server()
    server.send(GET)
    channel = server.protocol._channel
    if owner == "the channel":
        setattr(channel, name, instead_of(getattr(channel, name)))
    elif owner == "its class":
        monkeypatch.setattr(http.HTTPChannel, name, instead_of(getattr(http.HTTPChannel, name)))
    else:
        channel.__class__ = type(
            "Own", (http.HTTPChannel,), {name: instead_of(getattr(http.HTTPChannel, name))}
        )
    assert body(server.send(GET)) == b"fine"
    assert asked == [name]


@pytest.mark.parametrize("site", [None, True, False])
@pytest.mark.parametrize("wish", [None, True, False])
@pytest.mark.parametrize("kind", [http.Request, Request])
def test_who_makes_a_request_says_whether_forms_are_parsed_or_else_the_site(kind, wish, site):
    channel = Server(**({} if site is None else {"parsePOSTFormSubmission": site})).protocol._channel
    if site is None:
        channel.site = None
    request = kind(channel, parsePOSTFormSubmission=wish)
    request.requestHeaders.setRawHeaders(b"content-type", [b"application/x-www-form-urlencoded"])
    request.gotLength(3)
    request.handleContentChunk(b"a=b")
    request.process = lambda: None
    request.requestReceived(b"POST", b"/", b"HTTP/1.1")
    parsed = next(each for each in (wish, site, True) if each is not None)
    assert request.args == ({b"a": [b"b"]} if parsed else {})


# --- Stopping ------------------------------------------------------------------------------------------------------


def test_a_site_that_stops_finishes_what_has_begun():
    later = Later()
    server = Server(later)
    server.send(GET + GET)
    told: list[Any] = []
    server.site.finish_requests(patience_s=10).addCallback(told.append)
    assert not server.closing and told == []
    server.transport.clear()
    later.waiting[0].finish()
    assert status(server.answered()) == 200 and server.closing
    assert len(later.waiting) == 1  # the next one is not begun
    server.close()
    assert told == [None]
    assert not server.clock.getDelayedCalls()


def test_a_site_that_stops_says_so_in_its_last_answers():
    later = Later()
    server = Server(later)
    server.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx")  # half of it
    other = Server(later)
    other.send(GET)
    begun = Server(later)
    begun.send(GET)
    later.waiting[-1].write(b"begun")
    for each in (server, other, begun):
        each.site.finish_requests()
        each.transport.clear()
    later.waiting[0].finish()
    assert b"\r\nConnection: close\r\n" in other.answered() and other.closing
    server.protocol.dataReceived(b"y")
    later.waiting[-1].finish()
    assert b"\r\nConnection: close\r\n" in server.answered() and server.closing
    later.waiting[1].finish()
    assert begun.answered() == b"0\r\n\r\n" and begun.closing


def test_a_site_that_stops_closes_idle_connections_at_once_and_cuts_the_rest():
    idle = Server()
    idle.send(GET)
    idle.site.finish_requests()
    assert idle.closing
    later = Later()
    busy = Server(later)
    busy.send(GET)
    busy.site.finish_requests(patience_s=10)
    busy.clock.advance(9)
    assert not busy.transport.disconnected
    with capturedLogs() as logged:
        busy.clock.advance(1)
    assert busy.transport.disconnected
    [event] = [each for each in logged if each["log_level"] is LogLevel.warn]
    assert formatEvent(event).startswith("GET / had no whole answer when the site ended, and is cut")


@pytest.mark.parametrize(
    "mistake, error, words",
    [
        (
            lambda: Limits(body_bytes="5 MB"),
            TypeError,
            r"Limits\(body_bytes='5 MB'\): give a number, 0 or more, or None",
        ),
        (
            lambda: Limits(discard_bytes=None),
            TypeError,
            r"Limits\(discard_bytes=None\): give a number, 0 or more$",
        ),
        (lambda: Limits(head_s=-1), ValueError, r"Limits\(head_s=-1\): give a number"),
        (lambda: Limits(stall_s=float("nan")), ValueError, r"Limits\(stall_s=nan\): give a number"),
        (lambda: Site(Resource(), limits=5), TypeError, "limits= is a int: give Limits, such as"),
    ],
)
def test_limits_that_are_none_are_refused(mistake, error, words):
    with pytest.raises(error, match=words):
        mistake()
