"""Requests that are passed on."""

from __future__ import annotations

import pytest

from selvage.errors import ConnectionLost, ConnectionRefusedError
from selvage.failure import Failure
from selvage.testing import MemoryReactorClock, StringTransport
from selvage.web.http import HTTPFactory
from selvage.web.proxy import Proxy, ProxyRequest, ReverseProxyResource
from selvage.web.resource import Resource
from tests.web.serving import OPEN, Server, body, head, status
from tests.web.test_http2 import Client


class Behind:
    """A client, a reverse proxy at /p, and the server behind, all in memory."""

    def __init__(self, request: bytes) -> None:
        self.reactor = MemoryReactorClock()
        root = Resource()
        root.putChild(b"p", ReverseProxyResource("behind", 81, b"/base", self.reactor))
        self.client = Server(root)
        self.client.send(request)
        self.connect()

    def connect(self) -> None:
        self.host, self.port, self.factory, *_ = self.reactor.tcpClients[0]
        self.protocol = self.factory.buildProtocol(None)
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)

    @property
    def asked(self) -> bytes:
        return self.transport.value()

    def answers(self, data: bytes, ends: bool = True) -> bytes:
        self.protocol.dataReceived(data)
        if ends:
            self.protocol.connectionLost(Failure(ConnectionLost()))
        return self.client.answered()


def test_a_request_and_its_answer_are_passed_on():
    behind = Behind(
        b"POST /p/a%2fb%20c?d=e HTTP/1.1\r\nHost: front\r\nContent-Length: 4\r\nX-A: 1\r\nX-A: 2\r\n"
        b"Cookie: a=1\r\nCookie: b=2\r\n\r\nbody"
    )
    assert (behind.host, behind.port) == ("behind", 81)
    assert behind.asked.startswith(b"POST /base/a%2Fb%20c?d=e HTTP/1.0\r\n") and body(behind.asked) == b"body"
    fields = head(behind.asked)
    assert (fields[b"host"], fields[b"x-a"], fields[b"cookie"]) == (b"behind:81", b"1, 2", b"a=1; b=2")
    answer = behind.answers(b"HTTP/1.0 418 Teapot\r\nServer: theirs\r\nX-B: 1\r\nContent-Length: 2\r\n\r\nok")
    assert status(answer) == 418 and body(answer) == b"ok"
    assert head(answer)[b"server"] == b"theirs" and head(answer)[b"x-b"] == b"1"


def test_attack_002_headers_about_the_connection_are_not_passed_on():
    behind = Behind(
        b"POST /p HTTP/1.1\r\nHost: front\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive, X-Secret\r\n"
        b"Keep-Alive: 300\r\nX-Secret: 1\r\nTE: trailers\r\nProxy-Authorization: x\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
    )
    fields = head(behind.asked)
    assert fields.keys() == {b"host", b"connection", b"content-length"}
    assert (fields[b"connection"], fields[b"content-length"], body(behind.asked)) == (b"close", b"4", b"body")
    answer = behind.answers(b"HTTP/1.1 200 OK\r\nConnection: X\r\nKeep-Alive: 1\r\nContent-Length: 0\r\n\r\n")
    assert b"keep-alive" not in head(answer) and head(answer).get(b"connection") != b"X"


def test_attack_002_an_answer_in_chunks_to_one_who_asked_for_none_is_not_passed_on():
    behind = Behind(b"GET /p HTTP/1.1\r\nHost: front\r\n\r\n")
    answer = behind.answers(
        b"HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"
    )
    assert status(answer) == 502 and b"abc" not in answer and b"x-a" not in head(answer)


@pytest.mark.parametrize(
    "target",
    [
        b"/p/../secret",
        b"/p/%2e%2e/secret",
        b"/p/a/%2e%2e/%2e%2e/x",
        b"/p/.",
        # For servers that decode first and look for dots afterwards.
        b"/p/..%2fsecret",
        b"/p/a%2f%2e%2e%2f..%2fsecret",
        b"/p/..%5csecret",
    ],
)
def test_attack_038_nobody_climbs_out_of_the_path_behind(target):
    reactor = MemoryReactorClock()
    root = Resource()
    root.putChild(b"p", ReverseProxyResource("behind", 81, b"/base", reactor))
    answer = Server(root).send(b"GET %b HTTP/1.1\r\nHost: front\r\n\r\n" % target)
    assert reactor.tcpClients == [] and status(answer) in (400, 404)


def test_an_answer_that_is_not_whole_breaks_off():
    behind = Behind(b"GET /p HTTP/1.1\r\nHost: front\r\n\r\n")
    answer = behind.answers(b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    assert body(answer) == b"abc" and behind.client.closing


def test_a_server_behind_that_says_nothing_or_is_not_there():
    behind = Behind(b"GET /p HTTP/1.1\r\nHost: front\r\n\r\n")
    assert status(behind.answers(b"")) == 502
    behind = Behind(b"GET /p HTTP/1.1\r\nHost: front\r\n\r\n")
    behind.factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
    assert status(behind.client.answered()) == 501


def test_the_server_behind_is_let_go_when_the_client_leaves_and_held_back_while_it_does_not_read():
    behind = Behind(b"GET /p HTTP/1.1\r\nHost: front\r\n\r\n")
    behind.answers(b"HTTP/1.0 200 OK\r\n\r\nabc", ends=False)
    behind.client.transport.producer.pauseProducing()
    assert behind.transport.producerState == "paused"
    behind.client.transport.producer.resumeProducing()
    assert behind.transport.producerState == "producing"
    behind.client.close()
    assert behind.transport.disconnecting
    behind.answers(b"more")
    OPEN.clear()


class Forward:
    """A client of a `Proxy` in memory."""

    def __init__(self) -> None:
        self.reactor = MemoryReactorClock()
        reactor = self.reactor

        class Request(ProxyRequest):
            def __init__(self, channel, *args):
                super().__init__(channel, *args, reactor=reactor)

        class Channel(Proxy):
            requestFactory = Request

        self.protocol = HTTPFactory(reactor=self.reactor).buildProtocol(None)
        self.protocol = Channel()
        self.protocol.factory = HTTPFactory(reactor=self.reactor)
        self.transport = StringTransport()
        self.protocol.makeConnection(self.transport)

    def send(self, data: bytes) -> bytes:
        self.protocol.dataReceived(data)
        return self.transport.value()


def test_a_forward_proxy_asks_whom_the_client_names():
    forward = Forward()
    forward.send(b"GET http://there:82/a?b HTTP/1.1\r\nHost: there:82\r\nProxy-Authorization: x\r\n\r\n")
    host, port, factory, *_ = forward.reactor.tcpClients[0]
    assert (host, port, factory.rest, factory.headers[b"host"]) == ("there", 82, b"/a?b", b"there:82")
    protocol = factory.buildProtocol(None)
    transport = StringTransport()
    protocol.makeConnection(transport)
    assert b"Proxy-Authorization" not in transport.value() and b"proxy-authorization" not in transport.value()
    protocol.dataReceived(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert forward.transport.value().endswith(b"ok")


@pytest.mark.parametrize("target", [b"/here", b"ftp://there/", b"https://there/"])
def test_a_forward_proxy_refuses_what_it_does_not_speak(target):
    forward = Forward()
    assert b" 400 " in forward.send(b"GET %b HTTP/1.1\r\nHost: there\r\n\r\n" % target)
    assert forward.reactor.tcpClients == []


@pytest.mark.parametrize("named", [b"Content-Length", b"content-length, x", b"Host"])
def test_attack_002_what_an_origin_needs_is_not_taken_away_as_if_it_were_about_the_connection(named):
    behind = Behind(
        b"POST /p HTTP/1.1\r\nHost: front\r\nContent-Length: 4\r\nConnection: close, %b\r\n\r\nGET " % named
    )
    fields = head(behind.asked)
    assert (fields[b"content-length"], fields[b"host"]) == (b"4", b"behind:81")


def test_attack_002_a_body_without_a_length_gets_one():
    """Over HTTP/2 a body needs none; behind, it would be read as the next request."""
    reactor = MemoryReactorClock()
    client = Client(ReverseProxyResource("behind", 81, b"/base", reactor))
    client.ask(method="POST", body=b"GET /secret HTTP/1.1\r\n\r\n")
    factory, transport = reactor.tcpClients[0][2], StringTransport()
    factory.buildProtocol(None).makeConnection(transport)
    assert head(transport.value())[b"content-length"] == b"24"
    assert body(transport.value()).startswith(b"GET /secret")


@pytest.mark.parametrize(
    ("method", "code"), [(b"HEAD", b"200 OK"), (b"GET", b"304 Not Modified"), (b"GET", b"204 No Content")]
)
def test_an_answer_that_has_a_length_and_no_body_is_whole(method, code):
    behind = Behind(b"%b /p HTTP/1.1\r\nHost: front\r\n\r\n" % method)
    answer = behind.answers(b"HTTP/1.0 %b\r\nContent-Length: 10\r\n\r\n" % code)
    assert status(answer) == int(code[:3]) and body(answer) == b"" and not behind.client.closing


def test_headers_that_an_answer_calls_its_connections_are_not_passed_on():
    behind = Behind(b"GET /p HTTP/1.1\r\nHost: front\r\n\r\n")
    answer = behind.answers(
        b"HTTP/1.1 200 OK\r\nX-Before: 1\r\nConnection: x-before, X-After\r\nX-After: 1\r\nX-B: 1\r\nContent-Length: 0\r\n\r\n"
    )
    assert head(answer)[b"x-b"] == b"1" and not {b"x-before", b"x-after"} & head(answer).keys()


def test_the_server_behind_is_not_asked_to_announce_its_answer():
    """What comes before an answer (100) would be taken for it; and the body is here."""
    behind = Behind(
        b"POST /p HTTP/1.1\r\nHost: front\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody"
    )
    assert b"expect" not in head(behind.asked) and body(behind.asked) == b"body"
