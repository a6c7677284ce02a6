"""Agents: what is sent where, and on which connection."""

from __future__ import annotations

import pytest

from selvage.errors import ConnectionDone, ConnectionLost
from selvage.failure import Failure
from selvage.tasks import Clock
from selvage.web import Headers
from selvage.web.client import (
    Agent,
    HTTPConnectionPool,
    ProxyAgent,
    RequestTransmissionFailed,
    ResponseNeverReceived,
    _agent,
    readBody,
)
from selvage.web.client._agent import _StandardEndpointFactory
from selvage.web.errors import SchemeNotSupported
from tests.work import calls_made

from .fakes import FakeEndpoint

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Fixture:
    def __init__(self, **kwargs):
        self.clock = Clock()
        self.pool = HTTPConnectionPool(self.clock)
        self.endpoint = FakeEndpoint()
        self.asked = []
        self.agent = Agent.usingEndpointFactory(self.clock, self, self.pool)

    def endpointForURI(self, uri):
        self.asked.append(uri.toBytes())
        return self.endpoint

    @property
    def connections(self):
        return self.endpoint.connections

    def request(self, method=b"GET", uri=b"http://example.com/", *args):
        results = []
        self.agent.request(method, uri, *args).addBoth(results.append)
        return results


@pytest.fixture
def it():
    return Fixture()


def test_a_connection_is_used_again(it):
    for _ in range(3):
        results = it.request()
        it.connections[0].dataReceived(EMPTY)
        assert results[0].code == 200
        it.connections[0].transport.clear()
    assert len(it.connections) == 1
    assert repr(it.pool) == "<HTTPConnectionPool 1 idle connection>"


def test_the_quick_way_and_the_slow_way_write_the_same(it):
    headers = Headers({b"x": [b"y"]})
    written = []
    for _ in range(2):
        it.request(b"PUT", b"http://example.com:81/a;b?c=d#e", headers)
        transport = it.connections[0].transport
        written.append(transport.value())
        transport.clear()
        it.connections[0].dataReceived(EMPTY)
    assert written[0] == written[1]
    assert written[0].startswith(
        b"PUT /a;b?c=d HTTP/1.1\r\nContent-Length: 0\r\nX: y\r\nHost: example.com:81\r\n"
    )
    assert headers == Headers({b"x": [b"y"]})


def test_no_endpoint_is_made_for_a_connection_that_is_there(it):
    it.request()
    it.connections[0].dataReceived(EMPTY)
    it.request()
    assert it.asked == [b"http://example.com/"]


@pytest.mark.parametrize(
    "other",
    [b"https://example.com/", b"http://example.com:81/", b"http://example.org/", b"http://sub.example.com/"],
)
def test_attack_078_connections_are_shared_within_one_origin_only(it, other):
    it.request()
    it.connections[0].dataReceived(EMPTY)
    it.request(uri=other)
    assert len(it.connections) == 2


def test_attack_078_agents_that_share_a_pool_do_not_share_what_they_would_not_make(it):
    """The other one's rules for certificates, or its way through a proxy."""
    other = Agent.usingEndpointFactory(it.clock, Fixture(), it.pool)
    assert other._key_of((b"http", b"h", 80)) != it.agent._key_of((b"http", b"h", 80))
    one, two = (Agent(it.clock, pool=it.pool) for _ in range(2))
    assert one._key_of((b"http", b"h", 80)) == two._key_of((b"http", b"h", 80))
    assert one._key_of((b"https", b"h", 443)) != two._key_of((b"https", b"h", 443))
    bound = Agent(it.clock, bindAddress="127.0.0.1", pool=it.pool)
    assert one._key_of((b"http", b"h", 80)) != bound._key_of((b"http", b"h", 80))


def test_attack_078_endpoint_factories_are_told_apart_by_identity(it):
    """Those of attrs and dataclasses have no hash, and may be equal to others; treq's own is one."""

    class Equal(Fixture):
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other):
            return isinstance(other, Equal)

    one, other = (Agent.usingEndpointFactory(it.clock, each, it.pool) for each in (Equal(), Equal()))
    origin = (b"https", b"h", 443)
    assert {one._key_of(origin): 1}[one._key_of(origin)] == 1
    assert one._key_of(origin) != other._key_of(origin)


def test_an_idle_connection_that_turns_out_to_be_dead_is_replaced_once(it):
    it.request()
    it.connections[0].dataReceived(EMPTY)
    results = it.request()
    it.connections[0].connectionLost(Failure(ConnectionDone()))
    assert results == []
    it.connections[1].connectionLost(Failure(ConnectionDone()))
    assert results[0].check(ResponseNeverReceived)
    assert len(it.connections) == 2


@pytest.mark.parametrize("method", [b"POST", b"PATCH", b"PUT"])
def test_what_is_not_safe_to_repeat_is_not_repeated(it, method):
    it.request()
    it.connections[0].dataReceived(EMPTY)
    results = it.request(method)
    it.connections[0].connectionLost(Failure(ConnectionLost()))
    assert results[0].check(ResponseNeverReceived, RequestTransmissionFailed)
    assert len(it.connections) == 1


def test_all_idle_connections_are_dead(it):
    it.request()
    it.connections[0].dataReceived(EMPTY)
    it.connections[0].connectionLost(Failure(ConnectionDone()))
    results = it.request()
    it.connections[1].dataReceived(EMPTY)
    assert results[0].code == 200


def test_a_pool_that_is_watched_is_asked(it):
    """Who replaces `getConnection` sees every request, also those on the quick way."""
    it.request()
    it.connections[0].dataReceived(EMPTY)
    asked = []
    original = it.pool.getConnection
    it.pool.getConnection = lambda key, endpoint: asked.append(key) or original(key, endpoint)
    it.request()
    assert len(asked) == 1
    assert len(it.connections) == 1


@pytest.mark.parametrize("uri", [b"ftp://example.com/", b"file:///etc/passwd", b"gopher://h/", b"//h/"])
def test_attack_080_schemes_that_are_not_spoken(uri):
    results = []
    Agent(Clock(), contextFactory=None).request(b"GET", uri).addErrback(results.append)
    assert results[0].check(SchemeNotSupported)


@pytest.mark.parametrize(
    "uri",
    [
        b"http://h/\r\nX: y",
        b"http://h\r\n/",
        b"http://h /",
        b"http://h:x/",
        b"http://h:99999/",
        b"http://[::1/",
    ],
)
def test_attack_032_urls_that_cannot_be_sent(it, uri):
    with pytest.raises(ValueError):
        it.request(uri=uri)
    assert it.connections == []


def test_attack_032_a_host_that_hides_another_is_none(it):
    """Whatever else reads this URL may read it differently."""
    with pytest.raises(ValueError, match="no host with a port"):
        it.request(uri=b"http://good.com\\@evil.com:1:2/")
    with pytest.raises(ValueError, match="no host with a port"):
        it.request(uri=b"http://good.com\\/x")


def test_user_and_password_are_no_part_of_the_host(it):
    it.request(uri=b"http://user:secret@example.com/")
    assert b"secret" not in it.connections[0].transport.value()
    assert b"Host: example.com\r\n" in it.connections[0].transport.value()


def test_a_proxy_gets_the_whole_url():
    endpoint = FakeEndpoint()
    ProxyAgent(endpoint, Clock()).request(b"GET", b"http://example.com:81/a?b")
    assert endpoint.connections[0].transport.value().startswith(b"GET http://example.com:81/a?b HTTP/1.1\r\n")


def test_the_endpoint_for_https_verifies_the_host_in_the_url(monkeypatch):
    asked = []
    monkeypatch.setattr(_agent, "wrapClientTLS", lambda creator, endpoint: endpoint)

    class Policy:
        def creatorForNetloc(self, host, port):
            asked.append((host, port))
            return object()

    from selvage.web.client import URI

    factory = _StandardEndpointFactory(Clock(), Policy(), None, None)
    with pytest.warns(DeprecationWarning):  # a Clock has no resolver
        factory.endpointForURI(URI.fromBytes(b"https://user@example.com:444/"))
    assert asked == [(b"example.com", 444)]


# --- The pool ------------------------------------------------------------------------------------------------------


def test_an_idle_connection_is_closed_after_a_while(it):
    it.request()
    it.connections[0].dataReceived(EMPTY)
    it.clock.advance(239.9)
    assert not it.connections[0].transport.disconnecting
    it.clock.advance(0.2)
    assert it.connections[0].transport.disconnecting
    assert it.clock.getDelayedCalls() == []


def test_a_busy_connection_is_not_closed(it):
    it.request()
    it.connections[0].dataReceived(EMPTY)
    it.clock.advance(239)
    it.request()
    it.clock.advance(2)
    assert not it.connections[0].transport.disconnecting
    it.connections[0].dataReceived(EMPTY)
    it.clock.advance(239)
    assert not it.connections[0].transport.disconnecting


def test_not_too_many_idle_ones_are_kept(it):
    results = [it.request() for _ in range(4)]
    for connection in it.connections:
        connection.dataReceived(EMPTY)
    assert [len(result) for result in results] == [1] * 4
    assert [each.transport.disconnecting for each in it.connections] == [True, True, False, False]
    assert len(it.clock.getDelayedCalls()) == 2


def test_closing_all_that_are_idle(it):
    it.request()
    it.connections[0].dataReceived(EMPTY)
    closed = []
    it.pool.closeCachedConnections().addCallback(closed.append)
    assert closed == []
    it.connections[0].connectionLost(Failure(ConnectionDone()))
    assert closed == [None]
    assert it.clock.getDelayedCalls() == []


def test_a_request_on_a_pooled_connection_takes_little(it):
    """Measured 150 calls of functions, Python's and C's; Twisted needs more than 700."""

    def exchange():
        it.agent.request(b"GET", b"http://example.com/").addCallback(readBody)
        it.connections[0].dataReceived(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc")

    it.request()
    it.connections[0].dataReceived(EMPTY)
    exchange()
    assert calls_made(exchange) < 200


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({b"a": [b"b"]}, None, "the headers are a dict: give Headers"),
        (None, b"text", "the body producer is a bytes: give an IBodyProducer, such as FileBodyProducer"),
        (None, "text", "the body producer is a str: give an IBodyProducer"),
    ],
)
def test_headers_and_bodies_of_a_wrong_type_are_named(headers, body, words):
    agent = Fixture().agent
    with pytest.raises(TypeError, match=f"^{words}"):
        agent.request(b"POST", b"http://example.com/", headers, body)
