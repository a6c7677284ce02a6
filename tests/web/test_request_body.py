"""Bodies of requests that are read as they come, over each wire; and how fast and how large they have to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import h2.errors
import h2.events
import h2.exceptions
import pytest
from hypothesis import given, strategies as st

from selvage.defer import Deferred, ensureDeferred
from selvage.errors import ConnectionLost
from selvage.failure import Failure
from selvage.web.errors import (
    BodyDiscarded,
    BodyIncomplete,
    BodyMalformed,
    BodyTooLarge,
    BodyTooSlow,
    RequestBodyError,
)
from selvage.web.http import Limits
from selvage.web.resource import EncodingResourceWrapper, Resource
from selvage.web.routes import App
from selvage.web.server import NOT_DONE_YET, GzipEncoderFactory, Request, Site
from selvage.web.vhost import NameVirtualHost
from tests.web.serving import Seen, Server, body, head, status
from tests.web.test_http2 import REQUEST, Client

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


class Reader(Resource):
    """Reads a body as it comes, as fast as the test says."""

    isLeaf = True
    streams_body = True

    def __init__(self, read: Callable[[Any, list[bytes]], Any] | None = None) -> None:
        super().__init__()
        self.begun = 0
        self.pieces: list[bytes] = []
        self.error: Any = None
        self.request: Any = None
        self.read = read

    async def render_POST(self, request: Any) -> Any:
        self.begun += 1
        self.request = request
        try:
            if self.read is not None:
                return await self.read(request, self.pieces)
            async for piece in request.body:
                self.pieces.append(piece)
        except RequestBodyError as error:
            self.error = error
            raise
        return b"%d bytes" % request.body.received


class Wire:
    """A client that sends one body, piece by piece."""

    def __init__(self, resource: Any, length: int | None = None, **options: Any) -> None:
        self.length = length

    def piece(self, data: bytes) -> None: ...
    def end(self) -> None: ...


class Counted(Wire):
    """HTTP/1.1 with a length."""

    def __init__(self, resource: Any, length: int | None = None, **options: Any) -> None:
        self.server = Server(resource, **options)
        self.left = 10 if length is None else length
        self.raw(POST + b"Content-Length: %d\r\n\r\n" % self.left)

    def raw(self, data: bytes) -> None:
        self.server.protocol.dataReceived(data)

    def piece(self, data: bytes) -> None:
        self.left -= len(data)
        self.raw(data)

    def end(self) -> None:
        assert self.left == 0

    def lose(self) -> None:
        self.server.close()

    def status(self) -> int | None:
        answered = self.server.answered()
        return status(answered) if answered else None

    def body(self) -> bytes:
        return body(self.server.answered())

    @property
    def paused(self) -> bool:
        return self.server.transport.producerState == "paused"


class Chunked(Counted):
    """HTTP/1.1 in chunks."""

    def __init__(self, resource: Any, length: int | None = None, **options: Any) -> None:
        self.server = Server(resource, **options)
        self.raw(POST + b"Transfer-Encoding: chunked\r\n\r\n")

    def piece(self, data: bytes) -> None:
        self.raw(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self.raw(b"0\r\n\r\n")


class Stream(Wire):
    """HTTP/2."""

    def __init__(self, resource: Any, length: int | None = None, **options: Any) -> None:
        self.client = Client(resource, **options)
        self.server = self.client.server
        self.stream = self.begin()

    def begin(self, *fields: tuple[str, str]) -> int:
        stream = int(self.client.h2.get_next_available_stream_id())
        self.client.h2.send_headers(
            stream, [(":method", "POST"), *[each for each in REQUEST if each[0] != ":method"], *fields]
        )
        self.client.flush()
        return stream

    def piece(self, data: bytes) -> None:
        self.client.flush()
        for at in range(0, len(data), 16384):
            self.client.h2.send_data(self.stream, data[at : at + 16384])
        self.client.flush()

    def end(self) -> None:
        self.client.h2.end_stream(self.stream)
        self.client.flush()

    def lose(self) -> None:
        self.client.h2.reset_stream(self.stream)
        self.client.flush()

    def _answer(self) -> dict[str, Any]:
        self.client.flush()
        return self.client.answers.get(self.stream, {})

    def status(self) -> int | None:
        found = self._answer().get("head", {}).get(":status")
        return None if found is None else int(found)

    def body(self) -> bytes:
        return bytes(self._answer()["body"])

    @property
    def paused(self) -> bool:
        return bool(self.client.h2.local_flow_control_window(self.stream) < 10_000)


def fill(client: Any) -> int:
    """Send until the client is held back, and return how much that was."""
    for sent in range(10_000, 200_000, 10_000):
        client.piece(b"x" * 10_000)
        client.server.clock.advance(0)
        if client.paused:
            return sent
    raise AssertionError("the client is never held back")


WIRES = [Counted, Chunked, Stream]
every_wire = pytest.mark.parametrize("wire", WIRES)


# --- As it comes ---------------------------------------------------------------------------------------------------


@every_wire
def test_a_body_is_read_as_it_comes(wire):
    reader = Reader()
    client = wire(reader, 10)
    assert reader.begun == 1 and client.status() is None  # with the head
    client.piece(b"abc")
    assert reader.pieces == [b"abc"]
    client.piece(b"defgh")
    assert reader.pieces == [b"abc", b"defgh"] and not reader.request.body.at_end
    client.piece(b"ij")
    client.end()
    assert client.status() == 200 and client.body() == b"10 bytes"
    assert reader.request.body.received == 10
    assert reader.request.body.length == (10 if wire is Counted else None)


@every_wire
def test_an_answer_may_begin_before_the_body_has_ended(wire):
    class Echo(Resource):
        isLeaf = True
        streams_body = True

        async def render_POST(self, request: Any) -> Any:
            async for piece in request.body:
                request.write(piece.upper())
            request.finish()
            return NOT_DONE_YET

    client = wire(Echo(), 6)
    client.piece(b"abc")
    assert client.status() == 200 and b"ABC" in client.body()
    client.piece(b"def")
    client.end()
    assert b"DEF" in client.body() and not client.server.closing


@every_wire
def test_a_body_is_read_whole_or_by_so_many_bytes(wire):
    async def by_size(request: Any, pieces: list[bytes]) -> bytes:
        pieces += [await request.body.read(2), await request.body.read(0), await request.body.read(100)]
        pieces.append(await request.body.read())
        assert await request.body.read() == await request.body.read(5) == b""
        return b"done"

    reader = Reader(by_size)
    client = wire(reader, 10)
    for data in (b"abc", b"de", b"fghij"):
        client.piece(data)
    client.end()
    assert client.status() == 200 and reader.pieces == [b"ab", b"", b"c", b"defghij"]


@given(st.binary(max_size=200), st.lists(st.integers(1, 40), max_size=20), st.booleans(), st.booleans())
def test_however_the_bytes_are_cut_it_is_the_same_body(data, sizes, chunked, streams):
    reader = Reader()
    reader.streams_body = streams
    server = Server(reader)
    if chunked:
        raw = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        for at in range(0, len(data), 7):
            raw += b"%x\r\n%b\r\n" % (len(data[at : at + 7]), data[at : at + 7])
        raw += b"0\r\n\r\n"
    else:
        raw = POST + b"Content-Length: %d\r\n\r\n%b" % (len(data), data)
    raw += raw
    for size in sizes:
        server.protocol.dataReceived(raw[:size]) if raw else None
        raw = raw[size:]
    server.protocol.dataReceived(raw)
    assert reader.begun == 2 and b"".join(reader.pieces) == data + data
    assert server.answered().count(b"HTTP/1.1 200") == 2
    server.close()


def test_a_request_that_follows_is_answered_after_it():
    reader = Reader()
    client = Counted(reader, 3)
    client.raw(b"ab")
    client.raw(b"c" + POST + b"Content-Length: 4\r\n\r\ndefg" + POST + b"Content-Length: 2\r\n\r\nh")
    client.raw(b"i")
    assert b"".join(reader.pieces) == b"abcdefghi"
    assert client.server.answered().count(b"200 OK") == 3


def test_a_resource_that_does_not_stream_has_a_body_to_read_as_well():
    reader = Reader()
    reader.streams_body = False
    client = Counted(reader, 200_000)
    client.piece(b"x" * 100_000)
    assert reader.begun == 0
    client.piece(b"y" * 100_000)
    assert client.body() == b"200000 bytes"
    assert b"".join(reader.pieces) == b"x" * 100_000 + b"y" * 100_000 and len(reader.pieces) == 4


def test_no_body_is_an_empty_one():
    reader = Reader()
    assert body(Server(reader).send(POST + b"Content-Length: 0\r\n\r\n")) == b"0 bytes"
    assert reader.pieces == []


def test_who_asks_for_the_content_of_a_streamed_body_is_told_what_to_do():
    told: list[str] = []

    async def read(request: Any, pieces: list[bytes]) -> bytes:
        for name in ("read", "readline", "seek", "tell"):
            with pytest.raises(RuntimeError, match=r"await request\.body\.read\(\)"):
                getattr(request.content, name)()
            told.append(name)
        return b"done"

    client = Counted(Reader(read))
    assert client.status() == 200 and len(told) == 4


def test_one_reader_at_a_time():
    seen: list[str] = []

    async def read(request: Any, pieces: list[bytes]) -> bytes:
        first = ensureDeferred(request.body.read())
        with pytest.raises(RuntimeError, match="one reader at a time"):
            await request.body.read()
        with pytest.raises(RuntimeError, match="one reader at a time"):
            request.body.deliver_to(Consumer())
        seen.append("refused")
        return bytes(await first)

    client = Counted(Reader(read), 3)
    client.piece(b"abc")
    assert seen == ["refused"] and client.body() == b"abc"


def test_a_reader_that_gives_up_leaves_the_body_to_the_next():
    async def read(request: Any, pieces: list[bytes]) -> bytes:
        waiting = ensureDeferred(request.body.read(1))
        waiting.addErrback(lambda _: None)
        waiting.cancel()
        return bytes(await request.body.read())

    client = Counted(Reader(read), 3)
    client.piece(b"abc")
    assert client.body() == b"abc"


# --- Back-pressure -------------------------------------------------------------------------------------------------


class Consumer:
    """Keeps what it is given; pauses when the test says so."""

    def __init__(self) -> None:
        self.producer: Any = None
        self.got: list[bytes] = []
        self.registered = 0

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self.producer = producer
        self.registered += 1

    def unregisterProducer(self) -> None:
        self.registered -= 1

    def write(self, data: bytes) -> None:
        self.got.append(data)


@every_wire
def test_a_slow_reader_holds_the_client_back(wire):
    gate: Deferred[None] = Deferred()

    async def slow(request: Any, pieces: list[bytes]) -> bytes:
        await gate
        return b"%d" % len(await request.body.read())

    reader = Reader(slow)
    client = wire(reader, 300_000)
    sent = fill(client)
    assert sent <= 130_000
    gate.callback(None)
    client.server.clock.advance(0)
    for at in range(sent, 300_000, 10_000):
        client.piece(b"x" * 10_000)
    assert not client.paused
    client.end()
    assert client.body() == b"300000"


def test_many_small_pieces_hold_the_client_back_as_well():
    client = Chunked(Reader(lambda request, pieces: Deferred()))
    client.raw(b"1\r\nx\r\n" * 900)
    assert not client.paused
    client.raw(b"1\r\nx\r\n" * 200)
    assert client.paused


def test_a_slow_reader_of_one_stream_holds_up_no_other():
    gate: Deferred[None] = Deferred()

    async def read(request: Any, pieces: list[bytes]) -> bytes:
        if request.getHeader(b"x-slow"):
            await gate
        return b"%d" % len(await request.body.read())

    client = Stream(Reader(read))
    slow = {}
    for _ in range(3):
        client.stream = client.begin(("x-slow", "1"))
        slow[client.stream] = fill(client)
    client.stream = client.begin()
    for _ in range(10):
        client.piece(b"y" * 30_000)
    client.end()
    assert client.body() == b"300000"
    gate.callback(None)
    for client.stream, sent in slow.items():
        client.piece(b"x")
        client.end()
        assert client.body() == b"%d" % (sent + 1)


@every_wire
def test_a_consumer_takes_the_body_and_pauses_it(wire):
    consumer = Consumer()
    done: list[Any] = []

    async def deliver(request: Any, pieces: list[bytes]) -> bytes:
        done.append(await request.body.deliver_to(consumer))
        return b"done"

    client = wire(Reader(deliver), 300_000)
    client.piece(b"a" * 20_000)
    assert sum(map(len, consumer.got)) == 20_000
    consumer.producer.pauseProducing()
    sent = 20_000 + fill(client)
    assert sum(map(len, consumer.got)) == 20_000 and consumer.registered == 1
    consumer.producer.resumeProducing()
    client.server.clock.advance(0)
    assert sum(map(len, consumer.got)) == sent
    for at in range(sent, 300_000, 10_000):
        client.piece(b"c" * 10_000)
    client.end()
    assert done == [300_000] and consumer.registered == 0 and client.body() == b"done"


def test_a_consumer_that_wants_no_more():
    consumer = Consumer()
    failed: list[Any] = []

    async def deliver(request: Any, pieces: list[bytes]) -> bytes:
        try:
            await request.body.deliver_to(consumer)
        except BodyDiscarded as error:
            failed.append(error)
        return b"enough"

    client = Counted(Reader(deliver), 10)
    client.piece(b"abc")
    consumer.producer.stopProducing()
    assert failed and "discarded" in str(failed[0])
    client.piece(b"defghij")
    assert client.body() == b"enough" and not client.server.closing and consumer.got == [b"abc"]


def test_a_consumer_of_a_body_that_is_there():
    consumer = Consumer()
    reader = Reader(lambda request, pieces: request.body.deliver_to(consumer).addCallback(b"%d".__mod__))
    answer = Server(reader).send(POST + b"Content-Length: 3\r\n\r\nabc")
    assert body(answer) == b"3" and consumer.got == [b"abc"] and consumer.registered == 0


# --- It does not come to its end -----------------------------------------------------------------------------------


@every_wire
def test_attack_023_the_end_of_the_connection_is_no_end_of_the_body(wire):
    reader = Reader()
    client = wire(reader, 10)
    client.piece(b"abc")
    client.lose()
    error = reader.error
    assert isinstance(error, BodyIncomplete) and error.stage == "request body"
    assert (error.received, error.expected) == (3, 10 if wire is Counted else None)
    assert str(error) == "the client went away in the request body: " + (
        "3 of 10 bytes came" if wire is Counted else "3 bytes came"
    )


@every_wire
def test_a_handler_that_does_other_things_is_cancelled_when_the_client_goes(wire):
    cancelled: list[bool] = []
    work: Deferred[None] = Deferred(lambda _: cancelled.append(True))
    client = wire(Reader(lambda request, pieces: work), 10)
    client.piece(b"abc")
    client.lose()
    assert cancelled == [True]


@every_wire
def test_a_consumer_is_told_of_the_early_end(wire):
    consumer = Consumer()
    failures: list[Any] = []

    def deliver(request: Any, pieces: list[bytes]) -> Any:
        return request.body.deliver_to(consumer).addErrback(lambda reason: failures.append(reason) or b"")

    client = wire(Reader(deliver), 10)
    client.piece(b"abc")
    client.lose()
    assert failures[0].check(BodyIncomplete) and consumer.registered == 0


@pytest.mark.parametrize("wire", [Chunked, Stream])
def test_attack_043_a_body_that_grows_too_large(wire):
    reader = Reader()
    client = wire(reader, limits=Limits(body_bytes=10))
    client.piece(b"0123456789")
    assert client.status() is None
    client.piece(b"x")
    assert isinstance(reader.error, BodyTooLarge) and reader.error.limit_bytes == 10
    assert client.status() == 413 and b"more than 10 bytes" in client.body()
    assert b"".join(reader.pieces) == b"0123456789"
    if wire is Chunked:
        assert client.server.closing and head(client.server.answered())[b"connection"] == b"close"


def test_a_handler_may_answer_for_a_bad_body_itself():
    async def read(request: Any, pieces: list[bytes]) -> bytes:
        try:
            await request.body.read()
        except BodyMalformed as error:
            request.setResponseCode(422)
            return str(error).encode()
        return b"fine"

    client = Chunked(Reader(read))
    client.raw(b"x\r\n")
    assert client.status() == 422 and b"'x' is not the size of a chunk" in client.body()
    assert client.server.closing


def test_a_body_that_fails_when_the_answer_has_begun_cuts_the_connection():
    async def read(request: Any, pieces: list[bytes]) -> bytes:
        request.write(b"so far")
        return bytes(await request.body.read())

    client = Chunked(Reader(read))
    client.raw(b"x\r\n")
    assert client.server.transport.disconnected and b"so far" in client.server.answered()


def test_nothing_is_taken_for_a_request_after_a_bad_body():
    gate: Deferred[bytes] = Deferred()
    reader = Reader(lambda request, pieces: gate)
    client = Chunked(reader)
    client.raw(b"x\r\n")
    client.raw(POST + b"Content-Length: 0\r\n\r\n")
    gate.callback(b"an answer without a look at the body")
    assert reader.begun == 1 and client.server.closing and client.status() == 200


# --- Nobody reads it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wire", [Counted, Chunked])
def test_what_is_not_read_is_discarded_and_the_connection_goes_on(wire):
    async def ignore(request: Any, pieces: list[bytes]) -> bytes:
        return b"no, thank you"

    reader = Reader(ignore)
    client = wire(reader, 100_000)
    assert client.status() == 200
    client.piece(b"x" * 90_000)
    client.piece(b"x" * 10_000)
    client.end()
    assert not client.server.closing and not client.paused
    assert status(client.server.send(POST + b"Content-Length: 0\r\n\r\n")) == 200 and reader.begun == 2
    assert client.server.clock.getDelayedCalls()  # an idle connection is closed in time
    client.server.clock.advance(60)
    assert client.server.closing


@pytest.mark.parametrize("wire", [Counted, Chunked])
def test_but_not_without_a_bound(wire):
    client = wire(Reader(lambda request, pieces: _now(b"no")), 1_000_000)
    assert client.status() == 200
    for _ in range(4):
        client.piece(b"x" * 60_000)
    assert not client.server.closing
    client.piece(b"x" * 60_000)
    assert client.server.closing


async def _now(answer: bytes) -> bytes:
    return answer


@pytest.mark.parametrize("wire", [Counted, Chunked])
def test_a_discarded_body_has_to_come_fast_enough_as_well(wire):
    client = wire(Reader(lambda request, pieces: _now(b"no")), 1000)
    client.server.clock.advance(19)
    assert not client.server.closing
    client.server.clock.advance(2)
    assert client.server.closing and client.status() == 200


def test_what_was_kept_for_nobody_does_not_stop_the_next_request():
    gate: Deferred[bytes] = Deferred()
    answers: Iterator[Any] = iter([gate, _now(b"second")])
    client = Counted(Reader(lambda request, pieces: next(answers)), 80_000)
    client.piece(b"x" * 70_000)
    assert client.paused
    client.piece(b"x" * 10_000)
    assert not client.paused
    gate.callback(b"first")
    assert status(client.server.send(POST + b"Content-Length: 0\r\n\r\n")) == 200 and not client.paused


def test_a_connection_that_ends_with_this_answer_is_read_to_the_end_of_the_body():
    server = Server(Reader(lambda request, pieces: _now(b"no")))
    assert status(server.send(POST + b"Connection: close\r\nContent-Length: 10\r\n\r\nabc")) == 200
    assert not server.closing  # else the client may be cut off before it sees the answer
    server.send(b"defghij")
    assert server.closing


def test_http_2_takes_a_small_rest_and_tells_the_client_to_send_no_more_of_a_large_one():
    client = Stream(Reader(lambda request, pieces: _now(b"no")))
    assert client.status() == 200 and client.body() == b"no"
    client.piece(b"x" * 30_000)
    client.end()
    assert client.client.answers[client.stream]["reset"] is None
    client.stream = client.begin()
    for _ in range(8):
        client.piece(b"x" * 30_000)
    assert client.client.answers[client.stream]["reset"] is None
    client.piece(b"x" * 30_000)
    assert client.client.answers[client.stream]["reset"] == h2.errors.ErrorCodes.NO_ERROR
    assert client.client.answers[client.client.ask()]["head"][":status"] == "405"


def test_http_2_lets_go_of_what_was_kept_for_who_answers_without_reading():
    gate: Deferred[bytes] = Deferred()
    client = Stream(Reader(lambda request, pieces: gate))
    sent = fill(client)
    gate.callback(b"no")
    client.client.flush()
    assert client.body() == b"no" and not client.paused
    for _ in range(sent, 200_000, 10_000):
        client.piece(b"x" * 10_000)
    client.end()
    assert client.client.answers[client.stream]["reset"] is None


def test_http_2_tells_who_sent_too_much_before_the_answer_had_left_to_stop():
    gate: Deferred[bytes] = Deferred()
    client = Stream(Reader(lambda request, pieces: gate), limits=Limits(discard_bytes=1000))
    gate.callback(b"no")
    client.client.h2.send_data(client.stream, b"x" * 2000)
    client.server.protocol.dataReceived(client.client.h2.data_to_send())
    client.client.flush()
    assert client.body() == b"no"
    assert client.client.answers[client.stream]["reset"] == h2.errors.ErrorCodes.NO_ERROR


def test_http_2_gives_back_the_window_that_discarded_bodies_took():
    client = Stream(Reader(lambda request, pieces: _now(b"no")), limits=Limits(discard_bytes=1000))
    for _ in range(10):
        client.piece(b"x" * 16_000)
        assert client.client.answers[client.stream]["reset"] == h2.errors.ErrorCodes.NO_ERROR
        client.stream = client.begin()
    assert client.client.h2.outbound_flow_control_window > 32_000


def test_http_2_remembers_no_body_of_a_stream_that_was_reset_after_its_answer():
    def answer(request: Any, pieces: list[bytes]) -> Any:
        channel = request.channel
        request.finish()
        channel.abortConnection()
        return _now(NOT_DONE_YET)

    client = Stream(Reader(answer))
    assert client.client.answers[client.stream]["reset"] == h2.errors.ErrorCodes.INTERNAL_ERROR
    assert client.server.protocol._channel.unread._left == {}


def test_http_2_answers_however_much_was_sent_meanwhile():
    gate: Deferred[bytes] = Deferred()
    client = Stream(Reader(lambda request, pieces: gate))
    fill(client)
    gate.callback(b"no")
    for frame in range(30):  # before the end of the answer is sent
        try:
            client.client.h2.send_data(client.stream, b"x" * 16_384)
        except h2.exceptions.FlowControlError:
            break
        client.server.protocol.dataReceived(client.client.h2.data_to_send())
    client.client.flush()
    assert client.body() == b"no"


def test_who_reads_on_after_the_answer_is_told():
    readers: list[Any] = []

    async def read(request: Any, pieces: list[bytes]) -> bytes:
        readers.append(ensureDeferred(request.body.read()))
        return b"first things first"

    client = Counted(Reader(read), 10)
    failures: list[Any] = []
    readers[0].addErrback(failures.append)
    assert client.status() == 200 and failures[0].check(BodyDiscarded)


@every_wire
def test_a_site_that_stops_waits_for_a_body_that_is_read(wire):
    client = wire(Reader(), 6)
    client.piece(b"abc")
    gone: list[None] = []
    client.server.site.finish_requests().addCallback(gone.append)
    client.piece(b"def")
    client.end()
    assert client.status() == 200 and b"6 bytes" in client.body()
    assert client.server.transport.disconnecting
    client.server.close()
    assert gone == [None]


# --- 100-continue --------------------------------------------------------------------------------------------------


def test_a_client_that_waits_is_told_to_go_on_when_the_body_is_asked_for():
    gate: Deferred[None] = Deferred()

    async def read(request: Any, pieces: list[bytes]) -> bytes:
        await gate
        return bytes(await request.body.read())

    server = Server(Reader(read))
    assert server.send(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n") == b""
    server.clock.advance(200)  # while it waits for us it is not slow
    assert server.answered() == b"" and not server.closing
    gate.callback(None)
    assert server.answered() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert body(server.send(b"abc")) == b"abc" and not server.closing


def test_a_client_that_is_refused_is_not_told_to_go_on():
    server = Server(Reader(lambda request, pieces: _now(b"no")))
    answer = server.send(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    assert status(answer) == 200 and server.closing  # nobody knows whether the body comes


def test_http_2_tells_to_go_on_when_the_body_is_asked_for():
    gate: Deferred[None] = Deferred()

    async def read(request: Any, pieces: list[bytes]) -> bytes:
        await gate
        return bytes(await request.body.read())

    client = Stream(Reader(read))
    client.stream = client.begin(("expect", "100-continue"))
    assert client.client.informational == 0
    gate.callback(None)
    client.client.flush()
    assert client.client.informational == 1
    client.piece(b"abc")
    client.end()
    assert client.body() == b"abc"


# --- Which resources stream ----------------------------------------------------------------------------------------


class Dynamic(Resource):
    """Makes what is below it."""

    def __init__(self, child: Any) -> None:
        super().__init__()
        self.child = child
        self.asked = 0

    def getChild(self, path: bytes, request: Any) -> Any:
        self.asked += 1
        return self.child


def post(path: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([b"POST " + path + b" HTTP/1.1", b"Host: a", *fields, b"", b""])


def test_children_that_were_put_are_found_with_the_head():
    reader, other = Reader(), Seen()
    root, below = Resource(), Resource()
    root.putChild(b"a b", below)
    below.putChild(b"up", reader)
    below.putChild(b"other", other)
    server = Server(root)
    server.send(post(b"/a%20b/up/x?y=1", b"Content-Length: 2"))
    assert reader.begun == 1 and reader.request.postpath == [b"x"] and reader.request.args == {b"y": [b"1"]}
    assert reader.request.prepath == [b"a b", b"up"]
    assert status(server.send(b"ab")) == 200
    server.send(post(b"/a%20b/other", b"Content-Length: 2"))
    assert other.requests == []
    server.send(b"cd")
    assert other.requests == [(b"POST", b"/a%20b/other", b"cd")]
    server.send(post(b"http://a/a%20b/up", b"Content-Length: 1"))
    assert reader.begun == 2


def test_get_child_is_asked_once_and_says_so_by_its_parent():
    reader = Reader()
    root = Dynamic(reader)
    server = Server(root)
    server.send(post(b"/x", b"Content-Length: 2"))
    assert (root.asked, reader.begun) == (0, 0)
    server.send(b"ab")
    assert (root.asked, reader.begun) == (1, 1)  # it is there as a whole, and read all the same
    root.streams_body = True
    server.send(post(b"/x", b"Content-Length: 2"))
    assert (root.asked, reader.begun) == (2, 2)
    assert body(server.send(b"cd")) == b"2 bytes" and root.asked == 2


def test_a_child_that_does_not_stream_after_all_gets_the_whole():
    form = b"a=1&b=2"
    seen = Seen(lambda request: repr(request.args).encode())
    root = Dynamic(seen)
    root.streams_body = True
    server = Server(root)
    head_of_it = post(
        b"/x?c=3", b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(form)
    )
    server.send(head_of_it + form[:3])
    assert root.asked == 1 and seen.requests == []
    assert body(server.send(form[3:])) == b"{b'c': [b'3'], b'a': [b'1'], b'b': [b'2']}"
    assert seen.requests == [(b"POST", b"/x?c=3", form)]
    assert body(server.send(head_of_it + form)) == b"{b'c': [b'3'], b'a': [b'1'], b'b': [b'2']}"
    seen.requests.pop()
    server.send(head_of_it)
    server.close()  # and when it does not come there is nothing
    assert len(seen.requests) == 1


@pytest.mark.parametrize("cut", [0, 3, 1000])
def test_forms_are_left_to_who_streams_however_they_come(cut):
    form = b"a=1&b=2"
    reader = Reader()
    server = Server(reader)
    raw = post(
        b"/?c=3", b"Content-Type: application/x-www-form-urlencoded", b"Content-Length: %d" % len(form)
    )
    server.send(raw + form[:cut])
    server.send(form[cut:]) if form[cut:] else None
    assert reader.request.args == {b"c": [b"3"]} and b"".join(reader.pieces) == form


def test_a_method_may_say_which_requests_stream():
    class Some(Reader):
        def streams_body(self, request: Any) -> bool:  # type: ignore[override]
            return bool(request.method == b"POST" and request.postpath == [b"big"])

    some = Some()
    server = Server(some)
    server.send(post(b"/big", b"Content-Length: 1"))
    assert some.begun == 1
    server.send(b"x")
    server.send(post(b"/small", b"Content-Length: 1"))
    assert some.begun == 1
    server.send(b"x")
    assert some.begun == 2


def test_a_method_that_fails_is_reported_and_nothing_streams(taken_reports):
    class Broken(Reader):
        def streams_body(self, request: Any) -> bool:  # type: ignore[override]
            raise ValueError("who knows")

    broken = Broken()
    server = Server(broken)
    server.send(post(b"/", b"Content-Length: 1"))
    [report] = taken_reports()
    assert report.failure.check(ValueError) and report.source == "web" and broken.begun == 0
    assert status(server.send(b"x")) == 200


def by_name(root: Any) -> NameVirtualHost:
    hosts = NameVirtualHost()
    hosts.addHost(b"a", root)
    return hosts


def under_site(root: Any) -> Resource:
    outer = Resource()
    outer.putChild(b"below", Site(root))
    return outer


def test_hosts_sites_and_encoders_say_what_is_below_them():
    inner, outer = Resource(), Resource()
    reader, packed, nested = Reader(), Reader(), Reader()
    inner.putChild(b"up", reader)
    inner.putChild(b"packed", EncodingResourceWrapper(packed, [GzipEncoderFactory()]))
    outer.putChild(b"up", nested)
    server = Server(by_name(inner))
    for path, each in ((b"/up", reader), (b"/packed", packed)):
        server.send(post(path, b"Content-Length: 1"))
        assert each.begun == 1
        assert status(server.send(b"x")) == 200
    server = Server(under_site(outer))
    server.send(post(b"/below/up", b"Content-Length: 1"))
    assert nested.begun == 1
    assert status(server.send(b"x")) == 200


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    "around",
    [
        lambda root: EncodingResourceWrapper(root, [GzipEncoderFactory()]),
        by_name,
        under_site,
    ],
    ids=["encoder", "hosts", "site"],
)
def test_attack_043_limits_hold_below_hosts_sites_and_encoders(around, streams):
    reader, root = Reader(), Resource()
    path = b"/below/up" if around is under_site else b"/up"
    reader.streams_body = streams
    reader.body_limits = Limits(body_bytes=5)
    root.putChild(b"up", reader)
    server = Server(around(root), limits=Limits(body_bytes=3))
    assert status(server.send(post(path, b"Content-Length: 6"))) == 413
    server = Server(around(root), limits=Limits(body_bytes=3))
    server.send(post(path, b"Content-Length: 5"))
    assert status(server.send(b"abcde")) == 200


def test_requests_of_a_program_see_what_they_always_saw():
    calls: list[Any] = []

    class Own(Request):
        def gotLength(self, length: int | None) -> None:
            calls.append(("length", length))
            super().gotLength(length)

        def handleContentChunk(self, data: bytes) -> None:
            calls.append(data)
            super().handleContentChunk(data)

        def process(self) -> None:
            calls.append("process")
            super().process()

    server = Server(Reader(), requestFactory=Own)
    server.send(POST + b"Content-Length: 4\r\n\r\n")
    server.send(b"ab")
    server.send(b"cd")
    assert calls == [("length", 4), "process", b"ab", b"cd"]
    calls.clear()
    seen = Server(Seen(), requestFactory=Own)
    seen.send(POST + b"Content-Length: 4\r\n\r\nabcd")
    seen.send(POST + b"Content-Length: 4\r\n\r\nab")
    seen.send(b"cd")
    assert calls == [("length", 4), b"abcd", "process", ("length", 4), b"ab", b"cd", "process"]


def test_routes_that_stream():
    app = App()
    begun: list[str] = []

    @app.route("/up/<int:number>", methods=["POST"], stream=True)
    async def up(request: Any, number: int) -> Any:
        begun.append(f"up {number}")
        return {"pieces": [piece.decode() async for piece in request.body]}

    @app.route("/whole", methods=["POST"])
    def whole(request: Any) -> Any:
        begun.append("whole")
        return request.content.read()

    server = Server(app.resource())
    server.send(post(b"/up/7", b"Content-Length: 4"))
    assert begun == ["up 7"]
    server.send(b"ab")
    assert body(server.send(b"cd")) == b'{"pieces":["ab","cd"]}'
    server.send(post(b"/whole", b"Content-Length: 4") + b"ab")
    assert begun == ["up 7"]
    assert body(server.send(b"cd")) == b"abcd"
    server.send(post(b"/nowhere", b"Content-Length: 4"))
    assert status(server.send(b"abcd")) == 404


def test_routes_pass_streams_on_to_what_is_mounted_below():
    outer, inner = App(), App()
    reader, seen = Reader(), Seen()

    @inner.route("/up", methods=["POST"], stream=True)
    async def up(request: Any) -> Any:
        return await request.body.read()

    outer.mount("/inner", inner)
    outer.mount("/reader", reader)
    outer.mount("/seen", seen)
    server = Server(outer.resource())
    server.send(post(b"/inner/up", b"Content-Length: 4") + b"ab")
    assert body(server.send(b"cd")) == b"abcd"
    server.send(post(b"/reader", b"Content-Length: 4") + b"ab")
    assert reader.pieces == [b"ab"]
    assert status(server.send(b"cd")) == 200
    server.send(post(b"/seen", b"Content-Length: 4") + b"ab")
    assert seen.requests == []
    assert body(server.send(b"cd")) == b"fine" and seen.requests == [(b"POST", b"/seen", b"abcd")]


def test_routes_tell_what_is_wrong_with_a_body_as_a_problem():
    app = App()

    @app.route("/up", methods=["POST"], stream=True)
    async def up(request: Any) -> Any:
        return await request.body.read()

    server = Server(app.resource(), limits=Limits(body_bytes=3))
    answer = server.send(post(b"/up", b"Transfer-Encoding: chunked") + b"5\r\nabcde\r\n")
    assert status(answer) == 413 and head(answer)[b"content-type"] == b"application/problem+json"
    assert b"more than 3 bytes" in body(answer)


# --- How much, and how fast ----------------------------------------------------------------------------------------


@every_wire
@pytest.mark.parametrize("streams", [True, False])
def test_attack_043_a_resource_may_take_less_than_its_site(wire, streams):
    reader = Reader()
    reader.streams_body = streams
    reader.body_limits = Limits(body_bytes=5)
    client = wire(reader, 6)
    if wire is not Counted:
        assert client.status() is None
        client.piece(b"abcdef")
    assert client.status() == 413


def test_attack_043_a_resource_may_take_less_of_what_came_with_the_head():
    reader = Reader()
    reader.body_limits = Limits(body_bytes=5)
    server = Server(Dynamic(reader))
    assert status(server.send(post(b"/x", b"Content-Length: 6") + b"abcdef")) == 413 and reader.begun == 0
    assert status(server.send(post(b"/x", b"Content-Length: 5") + b"abcde")) == 200


@every_wire
@pytest.mark.parametrize("streams", [True, False])
def test_a_resource_may_take_more_than_its_site(wire, streams):
    reader = Reader()
    reader.streams_body = streams
    reader.body_limits = Limits(body_bytes=None)
    client = wire(reader, 10, limits=Limits(body_bytes=3))
    client.piece(b"abcdefghij")
    client.end()
    assert client.status() == 200


@every_wire
@pytest.mark.parametrize("streams", [True, False])
def test_attack_044_a_body_has_to_come_at_some_rate(wire, streams):
    reader = Reader()
    reader.streams_body = streams
    client = wire(reader, 100_000, timeout=None)
    client.piece(b"x" * 10_000)  # good for 20 seconds more
    for _ in range(39):
        client.server.clock.advance(1)
        client.piece(b"x")
    assert client.status() is None
    client.server.clock.advance(2)
    assert client.status() == 408
    if streams:
        error = reader.error
        assert isinstance(error, BodyTooSlow) and error.status == 408 and error.received == 10_039
        assert str(error).startswith("the request body comes too slowly: 10039 bytes in 4")
    else:
        assert reader.begun == 0


@every_wire
def test_attack_044_a_body_has_to_end_some_time(wire):
    reader = Reader()
    client = wire(reader, 10_000_000, timeout=None)
    for second in range(301):
        if reader.error is not None:
            break
        client.piece(b"x" * 600)
        client.server.clock.advance(1)
    assert second == 300 and isinstance(reader.error, BodyTooSlow) and client.status() == 408


@every_wire
def test_the_time_in_which_nobody_reads_is_not_the_clients(wire):
    gate: Deferred[None] = Deferred()

    async def read(request: Any, pieces: list[bytes]) -> bytes:
        await gate
        return b"%d" % len(await request.body.read())

    client = wire(Reader(read), 300_000)
    sent = fill(client)
    client.server.clock.advance(10_000)
    assert client.status() is None
    gate.callback(None)
    client.server.clock.advance(19)
    for at in range(sent, 300_000, 10_000):
        client.piece(b"x" * 10_000)
    client.end()
    assert client.body() == b"300000"


def test_a_resource_may_take_any_time():
    reader = Reader()
    reader.body_limits = Limits(body_s=None, body_rate=None)
    client = Counted(reader, 2)
    client.server.clock.advance(10_000)
    client.piece(b"a")
    client.server.clock.advance(10_000)
    client.piece(b"b")
    assert client.status() == 200


def test_what_is_in_a_timer_is_taken_out_again():
    for streams in (True, False):
        reader = Reader()
        reader.streams_body = streams
        client = Counted(reader, 4, timeout=None)
        client.piece(b"abcd")
        assert client.status() == 200 and client.server.clock.getDelayedCalls() == []
        client = Counted(reader, 4, timeout=None)
        client.server.protocol.connectionLost(Failure(ConnectionLost()))
        assert client.server.clock.getDelayedCalls() == []


# --- Trailers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [True, False])
def test_attack_030_trailers_are_apart_from_headers(streams):
    reader = Reader()
    reader.streams_body = streams
    client = Chunked(reader)
    client.piece(b"abc")
    client.raw(b"0\r\nX-Sum:  12 \r\nHost: b\r\nx-sum: 13\r\n\r\n")
    assert client.status() == 200
    assert list(reader.request.trailers.getAllRawHeaders()) == [(b"X-Sum", [b"12", b"13"]), (b"Host", [b"b"])]
    assert reader.request.getHeader(b"x-sum") is None and reader.request.getHeader(b"host") == b"a"
    client.server.send(POST + b"Content-Length: 0\r\n\r\n")
    assert reader.request.trailers is None


@pytest.mark.parametrize("streams", [True, False])
def test_attack_030_trailers_of_http_2_are_apart_from_headers(streams):
    reader = Reader()
    reader.streams_body = streams
    client = Stream(reader)
    client.piece(b"abc")
    client.client.h2.send_headers(client.stream, [("x-sum", "12")], end_stream=True)
    client.client.flush()
    assert client.status() == 200 and client.body() == b"3 bytes"
    assert list(reader.request.trailers.getAllRawHeaders()) == [(b"X-Sum", [b"12"])]
    assert reader.request.getHeader(b"x-sum") is None


def test_attack_045_trailers_of_http_2_are_counted():
    reader = Reader()
    client = Stream(reader)
    client.client.h2.send_headers(client.stream, [(f"x-{n}", "1") for n in range(65)], end_stream=True)
    client.client.flush()
    assert client.status() == 400 and isinstance(reader.error, BodyMalformed)


def trailing(request: Any) -> bytes:
    request.response_trailers.setRawHeaders("x-sum", ["12"])
    return b"abc"


def test_answers_have_trailers():
    answer = Server(Seen(trailing)).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 12\r\n\r\n")
    # Where nothing marks the end of the body there is no place for them.
    assert Server(Seen(trailing)).send(b"GET / HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\nabc")
    assert Server(Seen(trailing)).send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").endswith(b"\r\n\r\n")


def test_answers_of_http_2_have_trailers():
    client = Client(Seen(trailing))
    heard = []
    hear = client._heard
    client._heard = lambda event: (heard.append(event), hear(event))  # type: ignore[method-assign]
    stream = client.ask()
    assert client.answers[stream]["body"] == b"abc" and client.answers[stream]["ended"]
    [trailers] = [event.headers for event in heard if isinstance(event, h2.events.TrailersReceived)]
    assert trailers == [("x-sum", "12")]


def test_trailers_split_no_answer():
    def bad(request: Any) -> bytes:
        request.response_trailers.setRawHeaders("x-a", ["1\r\nx-b: 2\r\n\r\nHTTP/1.1 200 OK"])
        return b"abc"

    answer = Server(Seen(bad)).send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.count(b"\r\n\r\n") == 2 and b"X-A: 1 x-b: 2" in answer
