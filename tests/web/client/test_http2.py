"""The client's side of HTTP/2, against h2's server side in memory."""

from __future__ import annotations

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes, Settings
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from selvage.defer import CancelledError
from selvage.errors import ConnectionDone
from selvage.failure import Failure
from selvage.testing import StringTransport
from selvage.web.client import RequestError

from .by_hand import Fixture, failure_of

OK = [(b":status", b"200")]


class Peer:
    """A server of HTTP/2, joined to one connection of the client."""

    def __init__(self, connection, **settings):
        self.connection = connection
        self.transport = connection.transport
        self.wire = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        values = {SettingCodes[name.upper()]: value for name, value in settings.items()}
        self.wire.local_settings = Settings(client=False, initial_values=values)
        self.wire.initiate_connection()
        self.requests = {}
        self.bodies = {}
        self.ended = []
        self.resets = []

    def pump(self):
        """Let both sides hear of each other until neither has anything to say."""
        while True:
            data = self.transport.value()
            self.transport.clear()
            for event in self.wire.receive_data(data) if data else ():
                if isinstance(event, RequestReceived):
                    self.requests[event.stream_id] = dict(event.headers)
                elif isinstance(event, DataReceived):
                    self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
                    if not self.holds:
                        self.wire.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded):
                    self.ended.append(event.stream_id)
                elif isinstance(event, StreamReset):
                    self.resets.append((event.stream_id, event.error_code))
            answer = self.wire.data_to_send()
            if answer:
                self.connection.dataReceived(answer)
            if not answer and not self.transport.value():
                return

    holds = False

    def answer(self, stream, body=b"", headers=(), end=True):
        self.wire.send_headers(stream, [*OK, *headers], end_stream=end and not body)
        if body:
            self.wire.send_data(stream, body, end_stream=end)
        self.pump()

    def raw(self, *frames):
        for frame in frames:
            self.connection.dataReceived(frame.serialize())


class H2Transport(StringTransport):
    negotiatedProtocol = b"h2"


@pytest.fixture
def it(monkeypatch):
    monkeypatch.setattr("tests.web.client.by_hand.StringTransport", H2Transport)
    return Fixture()


def first(it, url="https://h/a?b", **options):
    """Begin a request on a new connection; return its results, and the server."""
    results = it("GET", url, **options)
    peer = Peer(it.router.connections[-1])
    peer.connection.handshakeCompleted()
    peer.pump()
    return results, peer


def test_a_request_and_its_response(it):
    results, peer = first(it, headers={"X-Own": "y", "Connection": "close", "Cookie": "a=b"})
    sent = peer.requests[1]
    assert [sent[name] for name in (b":method", b":scheme", b":authority", b":path")] == [
        b"GET",
        b"https",
        b"h",
        b"/a?b",
    ]
    assert (sent[b"x-own"], sent[b"cookie"]) == (b"y", b"a=b")
    assert not {b"connection", b"host", b"transfer-encoding"} & set(sent)
    assert peer.ended == [1]
    peer.answer(1, b"hello", [(b"content-type", b"text/plain"), (b"x", b"1"), (b"x", b"2")])
    answer = results[0]
    assert (answer.status, answer.content, answer.http_version) == (200, b"hello", "HTTP/2.0")
    assert answer.headers.getRawHeaders("x") == ["1", "2"]


def test_many_requests_share_one_connection(it):
    results, peer = first(it)
    more = [it("GET", f"https://h/{n}") for n in range(5)]
    peer.pump()
    assert len(it.router.connections) == 1
    assert list(peer.requests) == [1, 3, 5, 7, 9, 11]
    for stream in reversed(peer.requests):  # in whatever order
        peer.answer(stream, b"%d" % stream)
    assert [each[0].content for each in [results, *more]] == [b"1", b"3", b"5", b"7", b"9", b"11"]
    it.clock.advance(0)
    assert len(it.clock.getDelayedCalls()) == 1
    it.clock.advance(61)
    assert peer.transport.disconnecting


def test_the_limit_of_the_server_is_kept(it):
    results = it("GET", "https://h/1")
    peer = Peer(it.router.connections[-1], max_concurrent_streams=2)
    it.client._connections._per_host = 1
    waiting = [it("GET", f"https://h/{n}") for n in range(2, 5)]
    peer.connection.handshakeCompleted()
    peer.pump()
    it.clock.advance(0)
    peer.pump()
    assert len(peer.requests) == 2
    peer.answer(1)
    peer.pump()
    assert len(peer.requests) == 3
    for stream in (3, 5, 7):
        peer.answer(stream)
        peer.pump()
    assert [each[0].status for each in [results, *waiting]] == [200] * 4


def test_a_body_is_sent_as_fast_as_it_is_read(it):
    it("GET", "https://h/")
    peer = Peer(it.router.connections[-1])
    peer.holds = True
    peer.connection.handshakeCompleted()
    peer.pump()
    peer.answer(1)
    asked = []

    def pieces():
        for n in range(100):
            asked.append(n)
            yield b"x" * 10_000

    results = it("POST", "https://h/", data=pieces())
    peer.pump()
    assert len(peer.bodies[3]) == 65_535
    assert 7 <= len(asked) <= 15
    peer.holds = False
    peer.wire.acknowledge_received_data(65_535, 3)
    peer.pump()
    assert (len(peer.bodies[3]), len(asked)) == (1_000_000, 100)
    assert 3 in peer.ended
    peer.answer(3)
    assert results[0].status == 200


def test_the_server_is_held_back_for_one_response_alone(it):
    from selvage.defer import Deferred

    pieces, go_on = [], Deferred()

    async def run():
        async with it.client.stream("GET", "https://h/") as streamed:
            async for piece in streamed.chunks():
                pieces.append(len(piece))
                if not go_on.called:
                    await go_on

    failures = []
    Deferred.fromCoroutine(run()).addErrback(failures.append)
    peer = Peer(it.router.connections[-1])
    peer.connection.handshakeCompleted()
    peer.pump()
    peer.wire.send_headers(1, OK)
    sent = 0
    for _ in range(200):
        peer.pump()
        if peer.wire.local_flow_control_window(1) < 16_000:
            break
        peer.wire.send_data(1, b"x" * 16_000)
        sent += 16_000
    assert 900_000 < sent < 2_000_000  # the window was not opened again
    other = it("GET", "https://h/other")
    peer.pump()
    peer.answer(3, b"y" * 15_000)
    assert len(other[0].content) == 15_000
    go_on.callback(None)
    peer.pump()
    assert peer.wire.local_flow_control_window(1) > 500_000
    peer.wire.end_stream(1)
    peer.pump()
    assert (sum(pieces), failures) == (sent, [])


def test_giving_up_resets_one_stream(it):
    results, peer = first(it)
    other = it("GET", "https://h/other")
    it.deferred.cancel()
    peer.pump()
    assert other[0].check(CancelledError)
    assert peer.resets == [(3, ErrorCodes.CANCEL)]
    peer.answer(1)
    assert results[0].status == 200


def test_what_came_for_a_stream_that_was_given_up_is_counted(it):
    results, peer = first(it)
    peer.wire.send_headers(1, OK)
    data = b"x" * 16_000
    peer.pump()
    it.deferred.cancel()
    for _ in range(4):
        peer.wire.send_data(1, data)
    before = peer.connection.http2.wire.inbound_flow_control_window
    peer.connection.dataReceived(peer.wire.data_to_send())
    peer.pump()
    assert peer.connection.http2.wire.inbound_flow_control_window >= before - 64_000
    other = it("GET", "https://h/")
    peer.pump()
    peer.answer(3, b"ok")
    assert other[0].content == b"ok"


def test_a_refused_stream_is_tried_again(it):
    results, peer = first(it)
    peer.answer(1)
    results = it("POST", "https://h/", data=b"x")
    peer.pump()
    peer.wire.reset_stream(3, ErrorCodes.REFUSED_STREAM)
    peer.pump()
    peer.answer(5)
    assert results[0].status == 200


def test_a_server_that_refuses_all_streams_ends_it(it):
    results, peer = first(it)
    peer.answer(1)
    results = it("GET", "https://h/")
    for stream in range(3, 101, 2):
        peer.pump()
        if results:
            break
        peer.wire.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
        peer.pump()
    failure_of(results)


def test_going_away(it):
    results, peer = first(it)
    peer.answer(1)
    one, two = it("POST", "https://h/1"), it("POST", "https://h/2")
    peer.pump()
    peer.wire.close_connection(last_stream_id=3)
    peer.connection.dataReceived(peer.wire.data_to_send())
    assert len(it.router.connections) == 2  # the second one is sent elsewhere
    again = Peer(it.router.connections[-1])
    again.connection.handshakeCompleted()
    again.pump()
    again.answer(1, b"again")
    assert two[0].content == b"again"
    peer.connection.connectionLost(Failure(ConnectionDone()))
    assert failure_of(one).stage == "response"


def test_the_next_connection_is_shared_while_the_last_one_goes_away(it):
    results, peer = first(it)
    peer.wire.close_connection(last_stream_id=1)
    peer.connection.dataReceived(peer.wire.data_to_send())
    results, again = first(it)
    again.answer(1)
    it("GET", "https://h/")
    again.pump()
    assert sorted(again.requests) == [1, 3]
    assert len(it.router.connections) == 2


def test_an_idle_connection_makes_room_for_another_host(monkeypatch):
    monkeypatch.setattr("tests.web.client.by_hand.StringTransport", H2Transport)
    it = Fixture(max_connections=1)
    results, peer = first(it)
    peer.answer(1)
    it.clock.advance(0)
    it("GET", "https://other/")
    assert peer.transport.disconnecting
    peer.connection.connectionLost(Failure(ConnectionDone()))
    assert len(it.router.connections) == 2


def test_a_connection_that_becomes_free_makes_room_for_another_host(monkeypatch):
    monkeypatch.setattr("tests.web.client.by_hand.StringTransport", H2Transport)
    it = Fixture(max_connections=1)
    results, peer = first(it)
    it("GET", "https://other/")
    assert not peer.transport.disconnecting
    peer.answer(1)
    assert peer.transport.disconnecting


def test_a_request_that_cannot_be_written_leaves_nothing_behind(it):
    results, peer = first(it)
    peer.answer(1)
    it.clock.advance(0)
    error = failure_of(it("GET", "https://h/", headers={"Host": ["a", "b"]}))
    assert (error.stage, "exactly one Host" in str(error)) == ("request", True)
    assert peer.connection.http2.streams == {}
    it.clock.advance(60)
    assert peer.transport.disconnecting  # it was idle, and known to be


def test_an_answer_before_the_request_was_sent_ends_the_stream(it):
    results, peer = first(it)
    peer.answer(1)
    peer.holds = True
    results = it("POST", "https://h/", data=iter([b"x" * 100_000] * 3))
    peer.pump()
    peer.answer(3, b"enough")
    assert results[0].content == b"enough"
    assert peer.resets == [(3, ErrorCodes.CANCEL)]
    assert peer.connection.http2.wire.open_outbound_streams == 0


def test_trailers(it):
    results, peer = first(it)
    peer.wire.send_headers(1, OK)
    peer.wire.send_data(1, b"abc")
    peer.wire.send_headers(1, [(b"x-sum", b"3")], end_stream=True)
    peer.pump()
    assert results[0].trailers.getRawHeaders("x-sum") == ["3"]


def test_a_response_that_is_cut_short(it):
    results, peer = first(it)
    peer.answer(1, b"abc", end=False)
    peer.wire.reset_stream(1, ErrorCodes.INTERNAL_ERROR)
    peer.pump()
    error = failure_of(results)
    assert error.stage == "body"
    assert "INTERNAL_ERROR" in str(error)


# --- Attacks --------------------------------------------------------------------------------------------------------


def test_attack_056_058_floods_of_frames_that_bring_nothing(it):
    for frame in (PingFrame(0, b"12345678"), SettingsFrame(0), DataFrame(1)):
        results, peer = first(Fixture() if it.router.connections else it)
        if isinstance(frame, DataFrame):
            peer.wire.send_headers(1, OK)
            peer.pump()
        for _ in range(1100):
            if peer.transport.disconnecting:
                break
            peer.raw(frame)
            peer.transport.clear()
        assert peer.transport.disconnecting, frame
        assert isinstance(failure_of(results), RequestError)


def test_attack_061_a_header_that_goes_on_for_ever(it):
    results, peer = first(it)
    peer.connection.dataReceived(HeadersFrame(1, b"\x88").serialize())
    for _ in range(100):
        if peer.transport.disconnecting:
            break
        peer.raw(ContinuationFrame(1, b"\x00\x01a\x01b"))
    assert peer.transport.disconnecting
    failure_of(results)


def test_attack_062_a_header_that_grows(it):
    results, peer = first(it)
    peer.wire.send_headers(1, [*OK, *[(b"x-%d" % n, b"y" * 4000) for n in range(20)]])
    peer.connection.dataReceived(peer.wire.data_to_send())
    assert peer.transport.disconnecting
    assert "broke the rules of HTTP/2" in str(failure_of(results))


@pytest.mark.parametrize(
    "fields",
    [
        [(b"x", b"a\r\nb")],
        [(b"x", b"a\0b")],
        [(b"x\n", b"a")],
        [(b"X", b"a")],
        [(b"connection", b"close")],
        [(b"transfer-encoding", b"chunked")],
        [(b":status", b"200")],
        [(b":path", b"/")],
        [(b"content-length", b"1"), (b"content-length", b"2")],
        [(b"content-length", b"+1")],
    ],
)
def test_attack_064_065_083_headers_that_are_none(it, fields):
    results, peer = first(it)
    peer.wire.config.validate_outbound_headers = False
    peer.wire.config.normalize_outbound_headers = False
    peer.wire.send_headers(1, [*OK, *fields])
    peer.connection.dataReceived(peer.wire.data_to_send())
    peer.connection.dataReceived(DataFrame(1, b"a", flags=["END_STREAM"]).serialize())
    failure_of(results)


def test_a_body_before_its_header(it):
    results, peer = first(it)
    peer.raw(DataFrame(1, b"abc"))
    failure_of(results)
    assert peer.transport.disconnecting


def test_a_body_of_another_length_than_was_said(it):
    results, peer = first(it)
    peer.wire.send_headers(1, [*OK, (b"content-length", b"5")])
    peer.wire.send_data(1, b"abc", end_stream=True)
    peer.pump_once = peer.connection.dataReceived(peer.wire.data_to_send())
    failure_of(results)


def test_what_is_no_http2(it):
    results, peer = first(it)
    peer.connection.dataReceived(b"\0\0\1\0\0\0\0\0\0x")  # data of no stream
    failure_of(results)
    assert peer.transport.disconnecting


def test_an_upload_that_is_reset_in_the_same_breath_as_its_window_opens_hurts_no_other(it, monkeypatch):
    monkeypatch.setattr(Peer, "holds", True)  # so that some of it waits
    results, peer = first(it, data=b"x" * 200_000)
    other = it("GET", "https://h/other")
    peer.pump()
    windows = [WindowUpdateFrame(number, window_increment=100_000) for number in (0, 1)]
    peer.connection.dataReceived(
        b"".join(frame.serialize() for frame in (*windows, RstStreamFrame(1, error_code=2)))
    )
    assert "gave the request up" in str(failure_of(results))
    peer.answer(3, b"unharmed")
    assert other[0].content == b"unharmed"
