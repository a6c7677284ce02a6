"""Bodies whose end meets another one: of the connection, of the disk, of the client's patience."""

from __future__ import annotations

from typing import Any

from selvage.defer import Deferred, ensureDeferred
from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.tasks import Clock
from selvage.testing import StringTransport
from selvage.web.errors import BodyDiscarded, BodyIncomplete
from selvage.web.http import HTTPFactory, Limits
from selvage.web.resource import Resource
from selvage.web.server import NOT_DONE_YET, Request
from tests.web.serving import Later, Server, head, status
from tests.web.test_attacks_limits import Unread
from tests.web.test_http2 import Client
from tests.web.test_request_body import POST, Consumer, Reader, Stream, every_wire


class Kept(Later):
    """Keeps requests whose bodies it may read some time."""

    streams_body = True


# --- What was not read when the connection ended ---------------------------------------------------------------------


@every_wire
def test_what_is_lost_with_the_connection_is_no_end_though_all_had_come(wire):
    kept = Kept()
    client = wire(kept, 10)
    client.piece(b"0123456789")
    client.end()
    client.lose()
    ends: list[Any] = []
    ensureDeferred(kept.waiting[0].body.read()).addBoth(ends.append)
    assert [end.type for end in ends] == [BodyDiscarded]


@every_wire
def test_a_consumer_that_paused_is_not_told_that_it_has_all(wire):
    kept = Kept()
    client = wire(kept, 10)
    consumer, ends = Consumer(), []
    kept.waiting[0].body.deliver_to(consumer).addBoth(ends.append)
    client.piece(b"01234")
    consumer.producer.pauseProducing()
    client.piece(b"56789")
    client.end()
    client.lose()
    assert [end.type for end in ends] == [BodyDiscarded]


@every_wire
def test_what_was_read_to_its_end_stays_whole(wire):
    kept = Kept()
    client = wire(kept, 10)
    client.piece(b"0123456789")
    client.end()
    body = kept.waiting[0].body
    ensureDeferred(body.read())
    client.lose()
    assert body.at_end


@every_wire
def test_a_consumer_that_paused_is_told_at_once_that_no_more_comes(wire):
    kept = Kept()
    client = wire(kept, 10)
    consumer, ends = Consumer(), []
    kept.waiting[0].body.deliver_to(consumer).addBoth(ends.append)
    consumer.producer.pauseProducing()
    client.piece(b"01234")
    client.lose()
    assert [end.type for end in ends] == [BodyIncomplete] and consumer.registered == 0


# --- A consumer that fails -------------------------------------------------------------------------------------------


class Broken(Consumer):
    def write(self, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    def close(self) -> None: ...


@every_wire
def test_a_consumer_that_fails_is_its_requests_matter(wire, taken_reports):
    async def read(request: Any, pieces: list[bytes]) -> bytes:
        await request.body.deliver_to(Broken())
        return b"never"

    client = wire(Reader(read), 10)
    client.piece(b"01234")
    client.piece(b"56789")
    client.end()
    assert client.status() == 500 and not client.server.closing
    assert [report.failure.type for report in taken_reports()] == [OSError]


def test_a_body_that_cannot_be_kept_is_answered_with_500(taken_reports):
    class Above(Resource):
        streams_body = True

        def getChild(self, path: bytes, request: Any) -> Any:
            return Later()

    server = Server(Above())
    server.site.getContentFile = lambda length: Broken()
    answer = server.send(b"POST /below HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
    answer += server.send(b"01234")
    assert status(answer) == 500
    taken_reports()


# --- The client's patience, and ours ---------------------------------------------------------------------------------


@every_wire
def test_attack_044_a_connection_is_idle_again_after_a_streamed_body(wire):
    client = wire(Reader(), 10)
    client.piece(b"0123456789")
    client.end()
    assert client.status() == 200
    client.server.clock.advance(59)
    assert not client.server.closing
    client.server.clock.advance(2)
    assert client.server.closing


@every_wire
def test_attack_044_who_waits_for_100_continue_does_so_only_while_nobody_asks_for_the_body(wire):
    async def read(request: Any, pieces: list[bytes]) -> Any:
        request.write(b"begun")
        pieces.append(await request.body.read())

    if wire is Stream:
        client = Stream(Reader(read))
        client.begin(("expect", "100-continue"))
        server = client.server
    else:
        server = Server(Reader(read))
        server.send(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    for _ in range(10):
        server.clock.advance(5)
        if wire is Stream:
            client.client.flush()
    if wire is Stream:
        assert client.client.answers[3]["reset"] is not None
    else:
        assert server.transport.disconnected


def test_attack_046_and_054_answers_to_streamed_bodies_that_nobody_reads_stop_the_requests():
    server = Server(AtOnce())
    transport, protocol = Unread(), server.site.buildProtocol(None)
    protocol.makeConnection(transport)
    for _ in range(1000):
        protocol.dataReceived(POST + b"Content-Length: 3\r\n\r\n")
        protocol.dataReceived(b"abc")
    assert server.resource.asked < 300 and transport.producerState == "paused"
    server.clock.advance(60)
    assert transport.disconnected
    protocol.connectionLost(Failure(ConnectionLost()))


class AtOnce(Resource):
    """Answers with the head."""

    isLeaf = True
    streams_body = True
    asked = 0

    def render_POST(self, request: Any) -> bytes:
        self.asked += 1
        return b"x" * 1000


class HalfClosing(StringTransport):
    """A transport that can close one direction."""

    half_closed = False

    def loseWriteConnection(self) -> None:
        self.half_closed = True


def test_a_site_that_stops_does_not_cut_off_who_still_sends():
    server = Server(AtOnce())
    transport, protocol = HalfClosing(), server.site.buildProtocol(None)
    protocol.makeConnection(transport)
    protocol.dataReceived(POST + b"Content-Length: 10\r\n\r\n")
    server.site.finish_requests()
    assert transport.half_closed and not transport.disconnecting
    protocol.dataReceived(b"01234")
    server.clock.advance(30)
    assert transport.disconnected
    protocol.connectionLost(Failure(ConnectionLost()))


# --- Several streams -------------------------------------------------------------------------------------------------


def test_http_2_tells_every_request_of_the_end_though_one_ends_another():
    kept = Later()
    client = Client(kept)
    for _ in range(3):
        client.ask()
    first, second, third = kept.waiting
    second.write(b"begun")
    client.flush()
    told: list[Any] = []
    first.notifyFinish().addErrback(lambda _: second.channel.abortConnection())
    third.notifyFinish().addErrback(told.append)
    client.server.close()
    assert len(told) == 1


# --- Requests that fail before they are with a resource --------------------------------------------------------------


FORM = (
    POST
    + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\nConnection: close\r\n\r\na=b&c=d"
)


def test_a_method_that_fails_is_asked_of_a_form_that_came_at_once_as_well(taken_reports):
    class Undecided(Resource):
        isLeaf = True

        def streams_body(self, request: Any) -> bool:
            raise ZeroDivisionError

        def render_POST(self, request: Any) -> bytes:
            return b"".join(sorted(request.args))

    assert Server(Undecided()).send(FORM).endswith(b"\r\n\r\nac")
    assert [report.failure.type for report in taken_reports()] == [ZeroDivisionError]


def test_a_request_of_sites_takes_forms_without_a_site_as_well():
    class Plain(Request):
        def process(self) -> None:
            self.write(b"".join(sorted(self.args)))
            self.finish()

    transport, protocol = StringTransport(), HTTPFactory(reactor=Clock()).buildProtocol(None)
    protocol.requestFactory = Plain
    protocol.makeConnection(transport)
    protocol.dataReceived(FORM)
    assert b"ac" in transport.value()
    protocol.connectionLost(Failure(ConnectionLost()))


# --- Who is answered without having been told to go on ----------------------------------------------------------------

EXPECTING = POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"


def test_an_answer_before_100_continue_says_that_the_connection_closes():
    server = Server(AtOnce())
    assert head(server.send(EXPECTING))[b"connection"] == b"close" and server.closing


def test_an_answer_after_100_continue_does_not():
    server = Server(Reader())
    assert server.send(EXPECTING) == b"HTTP/1.1 100 Continue\r\n\r\n"
    answer = server.send(b"abc")
    assert status(answer) == 200 and b"connection" not in head(answer) and not server.closing


def test_an_answer_that_began_before_100_continue_closes_as_it_says():
    async def read(request: Any, pieces: list[bytes]) -> Any:
        request.write(b"begun")
        pieces.append(await request.body.read())
        request.finish()
        return NOT_DONE_YET

    server = Server(Reader(read))
    assert head(server.send(EXPECTING))[b"connection"] == b"close" and not server.closing
    server.send(b"abc")
    assert server.resource.pieces == [b"abc"] and server.closing


def test_http_2_an_answer_is_whole_before_the_client_is_told_to_stop():
    gate: Deferred[bytes] = Deferred()
    client = Stream(Reader(lambda request, pieces: gate), limits=Limits(discard_bytes=100))
    gate.callback(b"no")
    client.client.h2.send_data(client.stream, b"x" * 200)  # before anything of the answer is sent
    client.client.flush()
    assert client.status() == 200 and client.body() == b"no"
    assert client.client.answers[client.stream]["reset"] == 0


def test_http_2_a_request_whose_stream_is_aborted_is_told_as_over_http_1(taken_reports):
    told: list[Any] = []

    async def read(request: Any, pieces: list[bytes]) -> Any:
        request.notifyFinish().addErrback(told.append)
        request.write(b"begun")
        raise ZeroDivisionError

    client = Stream(Reader(read))
    client.client.flush()
    assert [failure.type for failure in told] == [ConnectionLost]
    taken_reports()


def test_http_2_a_producer_that_fails_holds_up_no_other_stream(taken_reports):
    class Producer:
        def __init__(self, request: Any, fails: bool) -> None:
            self.request, self.fails = request, fails

        def pauseProducing(self) -> None: ...
        def stopProducing(self) -> None: ...
        def resumeProducing(self) -> None:
            if self.fails:
                raise ZeroDivisionError
            self.request.write(b"more")
            self.request.unregisterProducer()
            self.request.finish()

    kept = Later()
    client = Client(kept)
    first, second = client.ask(), client.ask()
    for request, fails in zip(kept.waiting, [True, False], strict=True):
        request.registerProducer(Producer(request, fails), True)
        request.write(b"x" * 70_000)
    client.flush()
    assert client.answers[first]["reset"] == 2 and client.answers[second]["body"] == b"x" * 70_000 + b"more"
    assert [report.failure.type for report in taken_reports()] == [ZeroDivisionError]
