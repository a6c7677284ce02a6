"""WSGI applications: what they are told, what becomes of what they say, and Flask and Django over sockets."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition
from types import SimpleNamespace
from typing import Any
from wsgiref.validate import validator

import pytest

import selvage
from selvage.logger import capturedLogs
from selvage.reactor import get_reactor
from selvage.tasks import Clock
from selvage.web.client import Agent, readBody
from selvage.web.resource import Resource
from selvage.web.server import Site
from selvage.web.wsgi import WSGIResource, _Flow
from tests.web.serving import Server, body, head, status


class Here:
    """A reactor and a pool for which there is one thread."""

    def callFromThread(self, f: Callable[..., Any], *args: Any) -> None:
        f(*args)

    def callInThread(self, f: Callable[..., Any], *args: Any) -> None:
        f(*args)


def ask(application: Any, request: bytes = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n") -> bytes:
    here = Here()
    return Server(WSGIResource(here, here, application)).send(request)


def answering(result: Any = (b"fine",), headers: Any = (), line: str = "200 OK") -> Any:
    def application(environ, start_response):
        start_response(line, list(headers))
        return result

    return application


def test_what_an_application_is_told_and_says():
    told = {}

    @validator
    def application(environ, start_response):
        told.update(environ, body=environ["wsgi.input"].read(5))
        start_response("201 Made", [("Content-Type", "text/plain"), ("X-A", "1"), ("X-A", "2")])
        return [b"he", b"llo"]

    answer = ask(
        application,
        b"POST /a%20b?c=%20d HTTP/1.1\r\nHost: h:81\r\nContent-Length: 5\r\nX-B: 1\r\nX-B: 2\r\n\r\nbytes",
    )
    assert (
        answer.startswith(b"HTTP/1.1 201 Made\r\n") and answer.count(b"X-A: ") == 2 and b"llo" in body(answer)
    )
    assert (told["PATH_INFO"], told["QUERY_STRING"], told["REQUEST_METHOD"]) == ("/a b", "c=%20d", "POST")
    assert (told["HTTP_X_B"], told["CONTENT_LENGTH"], told["body"], told["SERVER_NAME"]) == (
        "1,2",
        "5",
        b"bytes",
        "h",
    )


def test_attack_029_and_040_no_header_becomes_another_header_or_the_address_of_a_proxy():
    seen: list[dict[str, Any]] = []

    def application(environ, start_response):
        seen.append(environ)
        return answering()(environ, start_response)

    ask(
        application,
        b"GET / HTTP/1.1\r\nHost: h\r\nProxy: evil\r\nX-Forwarded-For: good\r\nX_Forwarded_For: evil\r\n"
        b"Cookie: a=1\r\nCookie: b=2\r\n\r\n",
    )
    assert "HTTP_PROXY" not in seen[0]
    assert (seen[0]["HTTP_X_FORWARDED_FOR"], seen[0]["HTTP_COOKIE"]) == ("good", "a=1; b=2")


def test_a_list_of_one_piece_has_a_length():
    assert head(ask(answering([b"fine"])))[b"content-length"] == b"4"
    assert head(ask(answering(iter([b"fine"]))))[b"transfer-encoding"] == b"chunked"


def test_no_type_is_added_to_what_an_application_says():
    assert b"content-type" not in head(ask(answering()))
    assert head(ask(answering(headers=[("Content-Type", "text/x")])))[b"content-type"] == b"text/x"


def test_attack_031_headers_of_an_application_begin_nothing():
    answer = ask(
        answering(headers=[("X-A", "1\r\nSet-Cookie: a=b"), ("Transfer-Encoding", "chunked"), ("Date", "x")])
    )
    assert b"set-cookie" not in head(answer) and b"transfer-encoding" not in head(answer)
    assert head(answer)[b"date"] != b"x"


@pytest.mark.parametrize("bad", [("X A", "1"), ("X-A\r\n", "1"), ("X-A", "a\0b")])
def test_attack_031_what_is_no_header_is_the_applications_error(bad, taken_reports):
    assert status(ask(answering(headers=[bad]))) == 500
    assert len(taken_reports()) == 1


@pytest.mark.parametrize("line", ["", "20 OK", "abc OK", "2000 OK", "\u0662\u0660\u0660 OK", "200 O\r\nX: y"])
def test_attack_033_what_is_no_status_is_the_applications_error(line, taken_reports):
    answer = ask(answering(line=line))
    assert status(answer) == 500 and b"X: y" not in answer
    (report,) = taken_reports()
    assert report.failure.check(ValueError)


def test_a_status_may_do_without_a_phrase():
    assert status(ask(answering(line="204"))) == 204


@pytest.mark.parametrize(
    ("length", "kept", "closes"), [("2", b"fi", False), ("4", b"fine", False), ("9", b"fine", True)]
)
def test_what_was_promised_is_what_is_sent(length, kept, closes):
    here = Here()
    server = Server(WSGIResource(here, here, answering([b"f", b"in", b"e"], [("Content-Length", length)])))
    with capturedLogs() as events:
        answer = server.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (body(answer), server.closing) == (kept, closes)
    assert bool(events) is (length != "4")


def test_answers_without_a_body_may_say_how_long_it_would_be():
    promise = [("Content-Length", "9")]
    here = Here()
    for request, application in [
        (b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", answering([], promise)),
        (b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", answering([], promise, "304 Not Modified")),
    ]:
        server = Server(WSGIResource(here, here, application))
        assert body(server.send(request)) == b"" and not server.closing


def test_what_an_application_fails_with_is_reported_and_not_shown(taken_reports):
    def application(environ, start_response):
        start_response("200 OK", [("X-A", "1")])
        raise ZeroDivisionError("secret")

    answer = ask(application)
    assert status(answer) == 500 and b"secret" not in answer and b"x-a" not in head(answer)
    (report,) = taken_reports()
    assert report.failure.check(ZeroDivisionError)


@pytest.mark.parametrize("result", [[], [b"x"], iter(())])
def test_an_application_that_does_not_start_its_answer(result, taken_reports):
    assert status(ask(lambda environ, start_response: result)) == 500
    (report,) = taken_reports()
    assert "start_response" in str(report.failure.value)


def test_an_answer_that_fails_midway_breaks_off(taken_reports):
    closed = []

    class Pieces:
        def __iter__(self):
            yield b"some"
            raise ZeroDivisionError("midway")

        def close(self):
            closed.append(True)

    here = Here()
    server = Server(WSGIResource(here, here, answering(Pieces())))
    answer = server.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b"some" in answer and not answer.endswith(b"0\r\n\r\n") and server.closing and closed == [True]
    taken_reports()


def test_an_application_stops_when_the_client_has_gone():
    asked = []
    server = None

    def pieces():
        for number in range(5):
            asked.append(number)
            yield b"x"
            if number == 1:
                server.close()

    here = Here()
    server = Server(WSGIResource(here, here, answering(pieces())))
    server.protocol.dataReceived(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    server.close = lambda: None
    assert asked == [0, 1, 2]


class Watched(Condition):
    """A condition that, when somebody waits for it, does what the test says."""

    def __init__(self, *then: Callable[[], object]) -> None:
        super().__init__()
        self.then = list(then)

    def wait(self, timeout: float | None = None) -> bool:
        self.then.pop(0)()
        return True


def test_an_application_waits_while_the_client_does_not_read():
    flow = _Flow()
    flow._changed = Watched(lambda: None, flow.resumeProducing)
    flow.pauseProducing()
    assert flow.wait_for_room(10)
    assert flow._changed.then == []


def test_an_application_waits_while_the_reactor_has_not_sent_what_it_wrote():
    flow = _Flow()
    flow._changed = Watched(lambda: flow.sent(1 << 20))
    assert flow.wait_for_room(1 << 20)
    assert flow.wait_for_room(1) and flow._changed.then == []


def test_nobody_waits_for_a_client_that_has_gone_or_a_reactor_that_stops():
    flow = _Flow()
    flow.pauseProducing()
    flow._changed = Watched(flow.stopProducing)
    assert not flow.wait_for_room(1)
    triggers = []

    class Stopping(Here):
        clock = Clock()
        callLater = clock.callLater

        def addSystemEventTrigger(self, phase, event, function):
            triggers.append((phase, event, function))

    waiting, finished = _Flow(), _Flow()
    stopping = Stopping()
    resource = WSGIResource(stopping, stopping, answering())
    resource._watch_shutdown()
    resource._watch_shutdown()
    resource._flows[waiting] = SimpleNamespace(site=SimpleNamespace(is_finishing=False))
    resource._flows[finished] = SimpleNamespace(site=SimpleNamespace(is_finishing=True))
    ((phase, event, function),) = triggers
    let_go = function()
    assert (phase, event, waiting.gone, let_go.called) == ("before", "shutdown", False, False)
    stopping.clock.advance(0)
    # A site that finishes its requests lets go of each client itself, in the end.
    assert (waiting.gone, finished.gone, let_go.called) == (True, False, True)


def test_a_wsgi_resource_takes_the_whole_path():
    here = Here()
    resource = WSGIResource(here, here, answering())
    with pytest.raises(RuntimeError):
        resource.putChild(b"x", Resource())
    with pytest.raises(RuntimeError):
        resource.getChildWithDefault(b"x", None)


def over_a_socket(application: Any, *paths: str) -> list[bytes]:
    """Serve an application with the reactor's threads, and return the bodies of some answers."""

    async def main() -> list[bytes]:
        reactor = get_reactor()
        resource = WSGIResource(reactor, reactor.getThreadPool(), application)
        port = reactor.listenTCP(0, Site(resource), interface="127.0.0.1")
        bodies = []
        for path in paths:
            url = f"http://127.0.0.1:{port.getHost().port}{path}".encode()
            bodies.append(await readBody(await Agent(reactor).request(b"GET", url)))
        await port.stopListening()
        return bodies

    return selvage.run(main)


def test_flask_is_served():
    flask = pytest.importorskip("flask")
    application = flask.Flask("served")

    @application.route("/hello/<name>")
    def hello(name: str) -> str:
        return f"hello {name} {flask.request.args['x']}"

    @application.route("/stream")
    def stream() -> Any:
        return flask.Response(str(number) * 10_000 for number in range(10))

    plain, streamed = over_a_socket(validator(application), "/hello/ann?x=1", "/stream")
    assert plain == b"hello ann 1"
    assert streamed == b"".join(b"%d" % number * 10_000 for number in range(10))


def test_django_is_served():
    django = pytest.importorskip("django")
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application
    from django.http import HttpResponse
    from django.urls import path

    if not settings.configured:
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", LOGGING_CONFIG=None)
        django.setup()
    globals()["urlpatterns"] = [path("page", lambda request: HttpResponse(request.GET["q"]))]
    (page,) = over_a_socket(get_wsgi_application(), "/page?q=django")
    assert page == b"django"


@pytest.mark.parametrize("result, kind", [(None, "NoneType"), ("text", "str"), (5, "int")])
def test_what_is_no_answer_is_named(result, kind, taken_reports):
    assert status(ask(answering(result))) == 500
    [report] = taken_reports()
    assert f"returned a {kind}: give an iterable of bytes" in str(report.failure.value)


def test_what_is_no_application_is_named(taken_reports):
    assert status(ask(None)) == 500
    [report] = taken_reports()
    assert str(report.failure.value) == "None is no WSGI application: it cannot be called"
