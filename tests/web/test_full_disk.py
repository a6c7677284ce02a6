"""Bodies of requests for which the disk has no room: the client is told, the operator is told why, and nobody else notices."""

from __future__ import annotations

from errno import ENOSPC
from io import BufferedRandom, RawIOBase
from typing import Any

import pytest

from selvage.reactor import deferToThread, get_reactor
from selvage.tasks import Clock
from selvage.testing import StringTransport
from selvage.web.errors import BodyNotKept
from selvage.web.http import HTTPFactory, Request as PlainRequest
from selvage.web.resource import Resource
from selvage.web.server import Site
from tests.web.serving import Later, Seen, Server, status
from tests.web.test_http2 import REQUEST, Client
from tests.web.test_lingering import BY_LENGTH, IN_CHUNKS, sent_all_then_read
from tests.web.test_request_body import POST, every_wire


def no_space() -> OSError:
    return OSError(ENOSPC, "No space left on device")


class FullDisk(RawIOBase):
    """A file that takes nothing, or nothing more."""

    def __init__(self, room: int = 0) -> None:
        self.room = room

    def readable(self) -> bool:
        return True

    writable = seekable = readable

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def write(self, data: Any) -> int:
        self.room -= len(data)
        if self.room < 0:
            raise no_space()
        return len(data)


def cannot_be_made(*args: Any, **options: Any) -> Any:
    raise no_space()


def full_at_once() -> Any:
    return FullDisk()


def full_in_the_middle() -> Any:
    return FullDisk(room=6)


def full_at_the_end() -> Any:
    """What was written waits in a buffer, and there is no room for it when the body is whole."""
    return BufferedRandom(FullDisk())


every_disk = pytest.mark.parametrize(
    "make", [cannot_be_made, full_at_once, full_in_the_middle, full_at_the_end]
)


def told(reports: list[Any]) -> list[Any]:
    """What the hub was told: the error of the system, and with it the request."""
    assert [report.failure.value.errno for report in reports] == [ENOSPC]
    return [type(report.context["request"]).__name__ for report in reports]


@every_wire
@every_disk
def test_a_body_that_cannot_be_kept_is_answered_and_reported_once(wire, make, taken_reports, monkeypatch):
    monkeypatch.setattr(Site, "getContentFile", lambda self, length: make(), raising=False)
    resource = Seen()
    client = wire(resource, 10)
    for send in (lambda: client.piece(b"01234"), lambda: client.piece(b"56789"), client.end):
        if client.status() is None:
            send()
    assert client.status() == 500
    assert told(taken_reports()) == ["Request"] and resource.requests == []


@every_disk
def test_a_body_that_came_with_its_head_as_well(make, taken_reports):
    server = Server()
    server.site.getContentFile = lambda length: make()
    answer = server.send(POST + b"Content-Length: 10\r\n\r\n0123456789")
    assert answer == b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert told(taken_reports()) == ["Request"] and server.seen == [] and server.closing


def test_what_comes_after_it_on_the_connection_is_no_request(taken_reports):
    server = Server()
    server.site.getContentFile = lambda length: full_at_the_end()
    answer = server.send((POST + b"Content-Length: 3\r\n\r\nabc") * 2)
    assert answer.count(b"HTTP/1.1") == 1 and told(taken_reports()) == ["Request"]


def test_the_file_of_our_own_may_have_no_place(taken_reports, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", cannot_be_made)
    server = Server()
    answer = server.send(POST + b"Content-Length: 200000\r\nExpect: 100-continue\r\n\r\n")
    assert status(answer) == 500 and told(taken_reports()) == ["Request"]


@every_wire
@every_disk
def test_a_body_that_was_to_be_streamed_and_is_kept_after_all(wire, make, taken_reports, monkeypatch):
    monkeypatch.setattr(Site, "getContentFile", lambda self, length: make(), raising=False)

    class Above(Resource):
        streams_body = True

        def getChild(self, path: bytes, request: Any) -> Any:
            return Later()

    client = wire(Above(), 10)
    for send in (lambda: client.piece(b"01234"), lambda: client.piece(b"56789"), client.end):
        if client.status() is None:
            send()
    assert client.status() == 500 and told(taken_reports()) == ["Request"]


@pytest.mark.parametrize("head", [BY_LENGTH, IN_CHUNKS], ids=["by length", "in chunks"])
async def test_a_client_that_sends_all_before_it_reads_can_read_the_answer(
    head, taken_reports, logged_failures
):
    site = Site(Seen())
    site.getContentFile = lambda length: FullDisk(room=100_000)
    port = get_reactor().listenTCP(0, site, interface="127.0.0.1")
    answer = await deferToThread(sent_all_then_read, port.getHost().port, head, False)
    await port.stopListening()
    await site.finish_requests()
    assert status(answer) == 500 and told(taken_reports()) == ["Request"]
    assert len(logged_failures.take()) == 1


@every_disk
def test_without_a_site_as_well(make, taken_reports):
    class Keeping(PlainRequest):
        def gotLength(self, length: int | None) -> None:
            self.channel.site = type("Kept", (), {"getContentFile": staticmethod(lambda length: make())})
            super().gotLength(length)

    transport, protocol = StringTransport(), HTTPFactory(reactor=Clock()).buildProtocol(None)
    protocol.requestFactory = Keeping
    protocol.makeConnection(transport)
    protocol.dataReceived(POST + b"Content-Length: 10\r\n\r\n0123456789")
    assert status(transport.value()) == 500 and transport.disconnecting
    assert told(taken_reports()) == ["Keeping"]


@pytest.mark.parametrize("make", [cannot_be_made, full_at_once, full_at_the_end])
def test_http_2_the_other_streams_go_on(make, taken_reports):
    kept = Later()
    client = Client(kept)
    other = client.ask()
    client.server.site.getContentFile = lambda length: make()
    stream = client.ask(body=b"abc", method="POST")
    kept.waiting[0].finish()
    client.flush()
    assert client.answers[other]["ended"] and not client.server.closing
    assert client.answers[stream]["head"][":status"] == "500" and client.answers[stream]["ended"]
    assert told(taken_reports()) == ["Request"]


def test_http_2_the_window_of_all_streams_is_given_back(taken_reports):
    client = Client()
    client.server.site.getContentFile = lambda length: full_in_the_middle()
    for _ in range(20):
        client.ask(body=b"x" * 16000, method="POST")  # more, all together, than the window of the connection
    assert len(client.answers) == 20 and {a["head"][":status"] for a in client.answers.values()} == {"500"}
    assert len(taken_reports()) == 20 and not client.server.closing


def test_http_2_what_was_held_back_is_dropped_when_it_cannot_be_kept(taken_reports):
    client = Client()
    client.server.site.getContentFile = lambda length: full_at_once()
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, [(":method", "POST"), *REQUEST[1:]])
    client.flush()
    held = client.server.protocol._channel.streams[stream]
    held.pauseProducing()
    for _ in range(2):
        client.h2.send_data(stream, b"x" * 2000)
    client.h2.end_stream(stream)
    client.flush()
    held.resumeProducing()
    client.flush()
    assert client.answers[stream]["head"][":status"] == "500" and told(taken_reports()) == ["Request"]


@every_wire
def test_a_client_that_leaves_is_no_failure_of_the_disk(wire, monkeypatch):
    monkeypatch.setattr(Site, "getContentFile", lambda self, length: full_at_the_end(), raising=False)
    client = wire(Seen(), 10)
    client.piece(b"01234")
    client.lose()  # what waited for the disk is of no use, and nobody is told that there was no room


def test_the_error_says_where_to_look():
    assert BodyNotKept.status == 500 and "reported" in str(BodyNotKept())
