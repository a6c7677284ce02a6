"""One connection: what it is used for again, what ends it, and what whoever waits is told."""

from __future__ import annotations

import pytest

from selvage.defer import CancelledError, Deferred
from selvage.errors import ConnectionDone, ConnectionLost
from selvage.failure import Failure
from selvage.interfaces import implementer
from selvage.testing import StringTransport
from selvage.web import Headers
from selvage.web.client import (
    ConnectionAborted,
    HTTP11ClientProtocol,
    ParseError,
    PotentialDataLoss,
    Request,
    RequestGenerationFailed,
    RequestNotSent,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
    ResponseNeverReceived,
    readBody,
)
from selvage.web.interfaces import UNKNOWN_LENGTH, IBodyProducer

from .sinks import Body

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = OK + b"Content-Length: 0\r\n\r\n"


@implementer(IBodyProducer)
class Producer:
    def __init__(self, length=UNKNOWN_LENGTH):
        self.length = length
        self.is_stopped = False

    def startProducing(self, consumer):
        self.consumer = consumer
        self.done = Deferred()
        return self.done

    def stopProducing(self):
        self.is_stopped = True

    def pauseProducing(self):
        pass

    resumeProducing = pauseProducing


class Fixture:
    def __init__(self):
        self.transport = StringTransport(lenient=True)
        self.free = []
        self.connection = HTTP11ClientProtocol(self.free.append)
        self.connection.makeConnection(self.transport)

    def request(self, method=b"GET", producer=None, persistent=True):
        self.results = []
        request = Request(method, b"/", Headers({b"host": [b"h"]}), producer, persistent)
        answered = self.connection.request(request)
        answered.addBoth(self.results.append)
        return answered

    @property
    def response(self):
        (response,) = self.results
        assert not isinstance(response, Failure), response
        return response

    def failed(self, kind, *reasons):
        (failure,) = self.results
        assert failure.type is kind
        assert [reason.type for reason in getattr(failure.value, "reasons", [])] == list(reasons)
        return failure.value

    def receive(self, *segments):
        for segment in segments:
            self.connection.dataReceived(segment)

    def body(self):
        body = Body()
        self.response.deliverBody(body)
        return body


@pytest.fixture
def it():
    return Fixture()


def test_request_and_response(it):
    it.request()
    assert it.transport.value() == b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    it.receive(OK + b"Content-Length: 3\r\nX: y\r\n\r\n")
    assert it.response.code == 200
    assert it.response.length == 3
    assert list(it.response.headers.getAllRawHeaders()) == [(b"X", [b"y"])]
    body = it.body()
    assert it.free == []
    it.receive(b"a", b"bc")
    assert body.data == b"abc"
    assert body.reason.check(ResponseDone)
    assert it.free == [it.connection]
    assert repr(it.connection) == "<HTTP11ClientProtocol quiescent>"


def test_the_server_is_held_back_until_somebody_wants_the_body(it):
    it.request()
    it.receive(OK + b"Content-Length: 6\r\n\r\nab")
    assert it.transport.producerState == "paused"
    body = it.body()
    assert body.data == b"ab"
    assert it.transport.producerState == "producing"
    body.transport.pauseProducing()
    assert it.transport.producerState == "paused"
    it.receive(b"cdef")
    assert body.data == b"abcdef"
    # What is over cannot hold the next response back.
    it.transport.resumeProducing()
    body.transport.pauseProducing()
    assert it.transport.producerState == "producing"


def test_a_body_that_came_with_its_header_leaves_the_server_alone(it):
    it.request()
    it.receive(OK + b"Content-Length: 2\r\n\r\nab")
    assert it.transport.producerState == "producing"
    assert it.body().data == b"ab"


def test_trailers_are_told_apart_from_headers(it):
    it.request()
    it.receive(
        OK + b"Transfer-Encoding: chunked\r\nX: 1\r\n\r\n1\r\na\r\n0\r\nX: 2\r\nContent-Type: evil\r\n\r\n"
    )
    assert it.response.headers.getRawHeaders(b"x") == [b"1"]
    assert it.response.headers.getRawHeaders(b"content-type") is None
    assert list(it.response.trailers.getAllRawHeaders()) == [(b"X", [b"2"])]


def test_one_request_at_a_time(it):
    it.request()
    it.request()
    assert "not free" in str(it.failed(RequestNotSent))


@pytest.mark.parametrize(
    ("response", "persistent"),
    [
        (OK + b"Content-Length: 0\r\nConnection: close\r\n\r\n", True),
        (EMPTY, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", True),
    ],
)
def test_when_a_connection_is_not_used_again(it, response, persistent):
    it.request(persistent=persistent)
    it.receive(response)
    assert it.response.code == 200
    assert it.free == []
    assert it.transport.disconnecting


def test_attack_079_a_late_answer_is_never_the_next_ones(it):
    """Whoever gives a request up gives its connection up."""
    it.request().cancel()
    it.failed(ResponseNeverReceived, CancelledError)
    assert it.transport.disconnected
    it.receive(EMPTY)
    assert it.free == []
    it.request()
    it.failed(RequestNotSent)


def test_attack_079_an_answer_that_nobody_asked_for_ends_an_idle_connection(it):
    it.request()
    it.receive(EMPTY)
    assert it.free == [it.connection]
    it.receive(OK + b"Content-Length: 4\r\n\r\nevil")
    assert it.connection.state != "QUIESCENT"
    assert it.transport.disconnected


@pytest.mark.parametrize("extra", [b"x", b"\r\n", EMPTY])
def test_attack_082_octets_behind_the_body_close_the_connection(it, extra):
    it.request()
    it.receive(OK + b"Content-Length: 3\r\n\r\nabc" + extra)
    assert it.body().data == b"abc"
    assert it.free == []
    assert it.transport.disconnecting


def test_attack_078_nothing_of_a_request_is_left_on_its_connection(it):
    it.request()
    it.receive(EMPTY)
    connection = it.connection
    assert [connection._parser, connection._currentRequest, connection._finishedRequest] == [None] * 3
    assert [connection._responseDeferred, connection._writing, connection._transportProxy] == [None] * 3


def test_nothing_came_and_something_came(it):
    it.request()
    it.connection.connectionLost(Failure(ConnectionDone()))
    it.failed(ResponseNeverReceived, ConnectionDone)
    other = Fixture()
    other.request()
    other.receive(b"HTTP")
    other.connection.connectionLost(Failure(ConnectionLost()))
    other.failed(ResponseFailed, ConnectionLost)


def test_what_is_no_http_says_so(it):
    it.request()
    it.receive(b"SSH-2.0-OpenSSH_9.6\r\n")
    error = it.failed(ResponseFailed, ParseError)
    assert str(error) == (
        "ParseError: this is no status line of HTTP/1.0 or HTTP/1.1: b'SSH-2.0-OpenSSH_9.6'"
    )
    assert isinstance(error.__cause__, ParseError)
    assert it.transport.disconnected


def test_a_broken_body_is_told_with_its_response(it):
    it.request()
    it.receive(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    body = it.body()
    it.receive(b"zzz\r\n")
    assert body.data == b"a"
    assert body.reason.check(ResponseFailed)
    assert body.reason.value.response is it.response
    assert body.reason.value.reasons[0].check(ParseError)


@pytest.mark.parametrize("framing", [b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_attack_023_a_body_that_is_cut_short_is_a_failure(it, framing):
    it.request()
    it.receive(OK + framing + b"\r\n")
    body = it.body()
    it.connection.connectionLost(Failure(ConnectionDone()))
    assert body.reason.check(ResponseFailed)


def test_a_body_that_ends_with_the_connection_may_be_whole(it):
    it.request()
    it.receive(OK + b"\r\nabc")
    body = it.body()
    it.connection.connectionLost(Failure(ConnectionDone()))
    assert (body.data, body.reason.type) == (b"abc", PotentialDataLoss)


def test_a_request_whose_header_cannot_be_written(it):
    request = Request(b"GET", b"/", Headers(), None, True)
    results = []
    it.connection.request(request).addErrback(results.append)
    assert results[0].type is RequestGenerationFailed
    assert "exactly one Host header, and this one has 0" in str(results[0].value)
    assert it.transport.value() == b""
    assert it.transport.disconnected


def test_cancelling_while_the_body_is_written(it):
    producer = Producer()
    it.request(b"POST", producer).cancel()
    it.failed(RequestGenerationFailed, CancelledError)
    assert it.transport.disconnected


def test_cancelling_ends_a_request_whose_producer_does_not_say_that_it_has_stopped(it):
    producer = Producer()
    answered = it.request(b"POST", producer)
    producer.done._canceller = lambda d: setattr(d, "paused", 1)
    answered.cancel()
    it.failed(RequestGenerationFailed, CancelledError)


def test_the_connection_is_lost_while_the_body_is_written(it):
    producer = Producer(10)
    it.request(b"POST", producer)
    it.connection.connectionLost(Failure(ConnectionLost()))
    it.failed(RequestTransmissionFailed, ConnectionLost)
    assert producer.is_stopped


@pytest.mark.parametrize(
    "field", [b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"]
)
def test_a_body_whose_end_nobody_could_find_is_a_failure(it, field):
    it.request()
    it.receive(OK + field + b"\r\n\r\n")
    it.failed(ResponseFailed, ParseError)
    assert it.transport.disconnecting


def test_a_response_that_is_none_while_the_body_is_written(it):
    """The request's Deferred is told, not one that nobody has; and the producer is stopped."""
    producer = Producer()
    it.request(b"POST", producer)
    it.receive(OK + b"Content-Length: four\r\n\r\n")
    it.failed(ResponseFailed, ParseError)
    assert producer.is_stopped
    it.connection.connectionLost(Failure(ConnectionDone()))
    assert len(it.results) == 1


def test_aborting_while_the_body_is_written_is_told(it):
    it.request(b"POST", Producer(10))
    over = []
    it.connection.abort().addCallback(over.append)
    it.connection.connectionLost(Failure(ConnectionDone()))
    it.failed(RequestTransmissionFailed, ConnectionAborted)
    assert over == [None]


def test_an_answer_that_comes_early_is_handed_out_at_once(it):
    """A server that refuses a large body answers before it has read it, and waits until that is read."""
    producer = Producer()
    it.request(b"POST", producer)
    it.receive(b"HTTP/1.1 413 Too Large\r\nContent-Length: 10\r\n\r\n12345")
    assert it.response.code == 413
    body = it.body()
    it.receive(b"67890")
    assert body.data == b"1234567890"
    assert body.reason.check(ResponseDone)
    assert it.free == []
    assert it.transport.disconnecting


def test_an_early_answer_is_cut_short(it):
    it.request(b"POST", Producer())
    it.receive(b"HTTP/1.1 413 Too Large\r\nContent-Length: 10\r\n\r\n12345")
    body = it.body()
    it.connection.connectionLost(Failure(ConnectionLost()))
    assert body.reason.check(ResponseFailed)


def test_the_next_request_follows_on_the_same_connection(it):
    for number in range(3):
        it.request(b"HEAD" if number == 1 else b"GET")
        length = 0 if number == 1 else 2
        it.receive(OK + b"Content-Length: 2\r\n\r\n" + b"ab"[:length])
        assert it.body().data == b"ab"[:length]
    assert it.free == [it.connection] * 3


def test_a_transport_that_answers_while_it_is_written_to(it):
    it.transport.write = lambda data: it.receive(EMPTY)
    it.request()
    assert it.response.code == 200
    assert it.free == [it.connection]


def test_a_request_leaves_no_rings_for_the_garbage_collector(it):
    """Some 30 objects for each request would be looked at again and again: a third of its cost."""
    import gc

    def exchange():
        answered = it.request()
        it.receive(OK + b"Content-Length: 3\r\n\r\n")
        read = readBody(it.response)
        it.receive(b"abc")
        it.results.clear()
        it.free.clear()
        it.transport.clear()
        del answered, read

    exchange()
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            exchange()
        assert gc.collect() == 0
    finally:
        gc.enable()
