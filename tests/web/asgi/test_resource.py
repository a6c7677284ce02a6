"""ASGI applications as resources, in memory."""

from __future__ import annotations

import gc
from contextvars import ContextVar
from typing import Any

import pytest

from selvage.defer import CancelledError, Deferred, ensureDeferred
from selvage.web.asgi import ASGIResource, LifespanFailed
from selvage.web.resource import Resource
from selvage.web.server import Limits
from tests.web.serving import Server, body, head, status

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def serving(application: Any) -> Server:
    return Server(ASGIResource(application))


def answering(*events: dict[str, Any]) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        for event in events:
            await send(event)

    return application


START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}


def test_attack_029_what_the_application_is_told():
    scopes: list[Any] = []
    bodies: list[bytes] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        more = True
        while more:
            event = await receive()
            bodies.append(event["body"])
            more = event["more_body"]
        await send(START)
        await send({"type": "http.response.body", "body": b"done"})

    tree = Resource()
    tree.putChild(b"app", ASGIResource(application))
    content = b"x" * 100_000
    answer = Server(tree).send(
        b"POST /app/a%%20b/c?q=1 HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nX_A: 3\r\n"
        b"Content-Length: %d\r\n\r\n" % len(content) + content
    )
    assert status(answer) == 200 and body(answer).startswith(b"4\r\ndone\r\n")
    assert head(answer)[b"content-type"] == b"text/plain"
    [scope] = scopes
    assert {
        key: scope[key] for key in ("type", "method", "path", "raw_path", "query_string", "root_path")
    } == {
        "type": "http",
        "method": "POST",
        "path": "/app/a b/c",
        "raw_path": b"/app/a%20b/c",
        "query_string": b"q=1",
        "root_path": "/app",
    }
    assert scope["http_version"] == "1.1" and scope["scheme"] == "http"
    assert scope["client"] == ("192.168.1.1", 54321) and scope["server"] == ("10.0.0.1", 12345)
    assert b"".join(bodies) == content and len(bodies) > 1
    # An underscore passes for a hyphen where names become variables.
    assert [value for name, value in scope["headers"] if name in (b"x-a", b"x_a")] == [b"1", b"2"]


POST_CHUNKS = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_the_application_receives_the_body_as_it_comes_and_may_answer_meanwhile():
    received: list[Any] = []

    async def echo(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        more = True
        while more:
            event = await receive()
            received.append((event["body"], event["more_body"]))
            more = event["more_body"]
            await send({"type": "http.response.body", "body": event["body"].upper(), "more_body": more})

    server = serving(echo)
    assert server.send(POST_CHUNKS) == b"" and received == []
    assert body(server.send(b"3\r\nabc\r\n")) == b"3\r\nABC\r\n"
    assert server.send(b"2\r\nde\r\n") == b"2\r\nDE\r\n"
    assert received == [(b"abc", True), (b"de", True)]
    assert server.send(b"0\r\n\r\n") == b"0\r\n\r\n" and received[2:] == [(b"", False)]
    assert not server.closing


def test_an_application_whose_client_leaves_within_the_body_is_told():
    received: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        received.extend([await receive(), await receive(), await receive()])

    server = serving(application)
    server.send(POST_CHUNKS + b"3\r\nabc\r\n")
    server.close()
    assert received == [
        {"type": "http.request", "body": b"abc", "more_body": True},
        *[{"type": "http.disconnect"}] * 2,
    ]


@pytest.mark.parametrize(("sent", "code"), [(b"x\r\n", 400), (b"6\r\nabcdef\r\n", 413), (b"", 408)])
def test_a_body_that_is_no_good_is_answered_for_and_the_application_told(sent, code):
    received: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        while not received or received[-1]["type"] != "http.disconnect":
            received.append(await receive())
        await send(START)  # has no effect on anybody

    resource = ASGIResource(application)
    resource.body_limits = Limits(body_bytes=5)
    server = Server(resource)
    server.send(POST_CHUNKS)
    server.send(sent) if sent else server.clock.advance(30)
    assert status(server.answered()) == code and server.closing
    assert received[-1] == {"type": "http.disconnect"}


def test_an_application_that_answers_first_leaves_the_rest_of_the_body():
    received: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"early"})
        received.append(await receive())

    server = serving(application)
    assert status(server.send(POST_CHUNKS)) == 200
    assert received == [{"type": "http.disconnect"}]
    server.send(b"3\r\nabc\r\n0\r\n\r\n")
    assert status(server.send(GET)) == 200 and not server.closing


def test_a_whole_url_as_target_is_a_path_to_the_application():
    scopes: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        scopes.append((scope["path"], scope["raw_path"], scope["query_string"]))
        await send(START)
        await send({"type": "http.response.body"})

    server = Server(ASGIResource(application))
    for target in (b"/a%20b?q=1", b"http://a/a%20b?q=1", b"http://a?q=/"):
        assert status(server.send(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % target)) == 200
    assert scopes == [("/a b", b"/a%20b", b"q=1")] * 2 + [("/", b"/", b"q=/")]


def test_answers_in_pieces():
    pieces = [
        {"type": "http.response.body", "body": each, "more_body": more}
        for each, more in ((b"one", True), (b"", False))
    ]
    assert body(serving(answering(START, *pieces)).send(GET)) == b"3\r\none\r\n0\r\n\r\n"


def test_a_length_is_kept_and_headers_may_repeat():
    start = {
        "type": "http.response.start",
        "status": 201,
        "headers": [
            (b"Content-Length", b"2"),
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
            (b"server", b"mine"),
        ],
    }
    answer = serving(answering(start, {"type": "http.response.body", "body": b"ok"})).send(GET)
    assert status(answer) == 201 and answer.endswith(b"\r\n\r\nok") and answer.count(b"Set-Cookie") == 2
    assert answer.count(b"Server: ") == 1 and b"Server: mine" in answer


@pytest.mark.parametrize(
    "events",
    [
        [],
        [{"type": "http.response.body", "body": b"x"}],
        [{"type": "websocket.accept"}],
        [{**START, "headers": [(b"a b", b"c")]}],
    ],
)
def test_applications_that_break_the_rules_are_a_500(events, taken_reports):
    assert status(serving(answering(*events)).send(GET)) == 500
    assert len(taken_reports()) == 1


def test_an_application_that_fails_in_the_middle_breaks_the_connection(taken_reports):
    events = [START, {"type": "http.response.body", "body": b"x", "more_body": True}]
    server = serving(answering(*events))
    assert server.send(GET).endswith(b"1\r\nx\r\n") and server.closing
    assert "before its answer was complete" in str(taken_reports()[0].failure.value)


def test_a_client_that_leaves_is_told_of():
    heard: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        heard.append(await receive())
        heard.append(await receive())
        with pytest.raises(OSError, match="gone away"):
            await send(START)

    server = serving(application)
    server.send(GET)
    server.close()
    assert [event["type"] for event in heard] == ["http.request", "http.disconnect"]


def test_an_application_that_waits_for_the_client_is_told_when_it_goes():
    """Whoever waits to send is woken, so that what it holds is given back."""
    events: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 100, "more_body": True})
                events.append("sent")
        except OSError as error:
            events.append(str(error))

    server = serving(application)
    server.fill()
    server.send(GET)
    assert events == []
    server.close()
    assert events == ["the client has gone away"]


def test_who_asks_again_and_again_whether_the_client_is_there_leaves_nothing_behind():
    """As frameworks do in long answers: they wait for the event, and give it up at once."""
    alive: list[int] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for _ in range(2):
            for _ in range(100):
                asked = ensureDeferred(receive())
                asked.addErrback(lambda failure: failure.trap(CancelledError) and None)
                asked.cancel()
            gc.collect()
            alive.append(sum(type(each) is Deferred for each in gc.get_objects()))
        assert (await receive())["type"] == "http.disconnect"
        alive.append(0)

    server = serving(application)
    server.send(GET)
    assert alive[1] - alive[0] < 50
    server.close()
    assert alive[2:] == [0]


def test_what_goes_on_after_an_answer_is_waited_for():
    background: Deferred[None] = Deferred()
    ended: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
            ended.append("lifespan")
            return
        await send(START)
        await send({"type": "http.response.body"})
        await background
        ended.append("background")

    resource = ASGIResource(application)
    resource.startup()
    assert status(Server(resource).send(GET)) == 200
    stopped: list[Any] = []
    resource.shutdown().addCallback(stopped.append)
    assert not stopped
    background.callback(None)
    assert stopped == [None] and ended == ["background", "lifespan"]


def test_an_error_after_the_answer_is_reported(taken_reports):
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"ok"})
        raise ZeroDivisionError

    answer = serving(application).send(GET)
    assert status(answer) == 200 and b"ok" in answer and answer.count(b"HTTP/1.1") == 1
    assert [report.failure.type for report in taken_reports()] == [ZeroDivisionError]


def test_what_an_application_sets_for_one_request_is_unset_in_the_next():
    user: ContextVar[str] = ContextVar("user", default="nobody")
    found: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        found.append(user.get())
        user.set("ann")
        await send(START)
        await send({"type": "http.response.body"})

    server = serving(application)
    server.send(GET)
    server.send(GET)
    assert found == ["nobody", "nobody"]


def test_who_asks_after_the_end_is_told_of_it_though_it_left_the_body_unread():
    heard: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body"})
        heard.append((await receive())["type"])

    answer = Server(ASGIResource(application)).send(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
    )
    assert status(answer) == 200
    assert heard == ["http.disconnect"]


def test_an_application_starts_and_stops():
    events: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                kind = (await receive())["type"]
                events.append(kind)
                scope["state"]["database"] = "open"
                await send({"type": kind + ".complete"})
                if kind == "lifespan.shutdown":
                    return
        events.append(scope["state"]["database"])
        await send(START)
        await send({"type": "http.response.body", "body": b""})

    resource = ASGIResource(application)
    started: list[Any] = []
    resource.startup().addCallback(started.append)
    assert started == [None]
    Server(resource).send(GET)
    resource.shutdown().addCallback(started.append)
    assert started == [None, None]
    assert events == ["lifespan.startup", "open", "lifespan.shutdown"]


def test_an_application_that_cannot_start_says_so():
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    failures: list[Any] = []
    ASGIResource(application).startup().addErrback(failures.append)
    assert failures[0].check(LifespanFailed) and "no database" in failures[0].getErrorMessage()


def test_an_error_while_starting_is_no_secret(taken_reports):
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        raise KeyError("DATABASE_URL")

    started: list[Any] = []
    ASGIResource(application).startup().addCallback(started.append)
    # By the specification a server goes on.
    assert started == [None]
    assert [report.failure.type for report in taken_reports()] == [KeyError]


def test_an_application_that_has_said_what_failed_is_not_reported_again(taken_reports):
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        raise KeyError("DATABASE_URL")

    failures: list[Any] = []
    ASGIResource(application).startup().addErrback(failures.append)
    assert failures[0].check(LifespanFailed) and not taken_reports()


def test_an_application_that_knows_no_lifespan_starts_all_the_same():
    async def application(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"

    started: list[Any] = []
    resource = ASGIResource(application)
    resource.startup().addCallback(started.append)
    resource.shutdown().addCallback(started.append)
    assert started == [None, None]


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, log\r\n\r\n"
)
TEXT = b"\x81\x82\x00\x00\x00\x00hi"


def test_websockets():
    heard: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        heard.append((scope["type"], scope["scheme"], scope["subprotocols"]))
        heard.append(await receive())
        await send({"type": "websocket.accept", "subprotocol": "log"})
        while True:
            event = await receive()
            heard.append(event)
            if event["type"] == "websocket.disconnect":
                return
            await send({"type": "websocket.send", "text": event["text"] * 2})

    server = serving(application)
    answer = server.send(HANDSHAKE)
    assert status(answer) == 101 and head(answer)[b"sec-websocket-protocol"] == b"log"
    assert server.send(TEXT) == b"\x81\x04hihi"
    server.close()
    assert heard[0] == ("websocket", "ws", ["chat", "log"])
    assert [event["type"] for event in heard[1:]] == [
        "websocket.connect",
        "websocket.receive",
        "websocket.disconnect",
    ]


def test_a_websocket_may_be_refused():
    answer = serving(answering({"type": "websocket.close"})).send(HANDSHAKE)
    assert status(answer) == 403


def test_a_websocket_whose_application_ends_is_closed():
    server = serving(answering({"type": "websocket.accept"}, {"type": "websocket.send", "bytes": b"x"}))
    answer = server.send(HANDSHAKE)
    assert body(answer).startswith(b"\x82\x01x\x88")


def test_a_websocket_whose_application_fails(taken_reports):
    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/late":
            await send({"type": "websocket.accept"})
        raise ZeroDivisionError

    assert status(serving(application).send(HANDSHAKE)) == 500
    answer = serving(application).send(HANDSHAKE.replace(b"/ws", b"/late"))
    assert status(answer) == 101 and b"\x88\x02\x03\xf3" in answer  # 1011
    assert len(taken_reports()) == 2


def test_asyncio_works_within():
    """An application awaits what it likes: Deferreds of ours here."""
    waiting: Deferred[bytes] = Deferred()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        result = await ensureDeferred(_pass(waiting))
        await send(START)
        await send({"type": "http.response.body", "body": result})

    async def _pass(deferred: Any) -> Any:
        return await deferred

    server = serving(application)
    assert server.send(GET) == b""
    waiting.callback(b"late")
    assert b"late" in server.answered()


@pytest.mark.parametrize(
    "event, words",
    [
        ({"type": "http.response.start"}, "http.response.start needs a number as 'status', not None"),
        (
            {**START, "headers": [("a", b"b")]},
            "headers of an ASGI application are pairs of bytes, not ('a', b'b')",
        ),
        ({"type": "http.response.body", "body": "text"}, "'body' of http.response.body is a str: give bytes"),
    ],
)
def test_events_of_a_wrong_type_are_named(event, words, taken_reports):
    begun = [START] if event["type"] == "http.response.body" else []
    assert status(serving(answering(*begun, event)).send(GET)) == 500
    [report] = taken_reports()
    assert str(report.failure.value) == words


def test_what_is_no_application_is_refused():
    with pytest.raises(TypeError, match="^None is no ASGI application: it cannot be called$"):
        ASGIResource(None)
