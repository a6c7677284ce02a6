"""HTTP/2: the same resources, and what a client must not do to them."""

from __future__ import annotations

from typing import Any

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from selvage.defer import Deferred
from selvage.logger import LogLevel, capturedLogs, formatEvent
from selvage.web.http import Limits
from selvage.web.server import NOT_DONE_YET, Request
from tests.web.http2.peer import frames_in
from tests.web.serving import Later, Seen, Server

REQUEST = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", "a")]


class Client:
    """A client of HTTP/2 in memory, with prior knowledge."""

    def __init__(self, resource: Any = None, **options: Any) -> None:
        self.server = Server(resource, **options)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.answers: dict[int, dict[str, Any]] = {}
        self.ended: Any = None
        self.informational = 0
        self.flush()

    def ask(self, fields: Any = (), body: bytes | None = None, **pseudo: str) -> int:
        stream = int(self.h2.get_next_available_stream_id())
        headers = [(name, pseudo.get(name[1:], value)) for name, value in REQUEST]
        self.h2.send_headers(stream, [*headers, *fields], end_stream=body is None)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=True)
        self.flush()
        return stream

    def flush(self) -> None:
        """Carry bytes to and fro until nothing happens."""
        while True:
            self.server.protocol.dataReceived(self.h2.data_to_send())
            self.server.clock.advance(0)
            self.server.clock.advance(0)
            sent = bytes(self.server.transport.value())
            self.server.transport.clear()
            if not sent:
                return
            for event in self.h2.receive_data(sent):
                self._heard(event)

    def _heard(self, event: Any) -> None:
        stream = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.ResponseReceived):
            self.answers[stream] = {"head": dict(event.headers), "body": b"", "ended": False, "reset": None}
        elif isinstance(event, h2.events.InformationalResponseReceived):
            self.informational += 1
        elif isinstance(event, h2.events.DataReceived):
            self.answers[stream]["body"] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
        elif isinstance(event, h2.events.StreamEnded):
            self.answers[stream]["ended"] = True
        elif isinstance(event, h2.events.StreamReset):
            self.answers.setdefault(stream, {})["reset"] = event.error_code
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.ended = event.error_code

    def raw(self, *frames: Frame) -> None:
        """Send frames as they are."""
        self.server.protocol.dataReceived(b"".join(frame.serialize() for frame in frames))

    def heard(self) -> list[Frame]:
        """The frames that came back and were not read yet."""
        return frames_in(self.server.answered())


def headers_frame(client: Client, stream: int, fields: Any = REQUEST, *flags: str) -> HeadersFrame:
    frame = HeadersFrame(stream, client.h2.encoder.encode(fields))
    for flag in ("END_HEADERS", *flags):
        frame.flags.add(flag)
    return frame


# --- What works ----------------------------------------------------------------------------------------------------


def test_a_resource_cannot_tell_the_version():
    client = Client()
    stream = client.ask([("x-a", "1"), ("cookie", "a=1"), ("cookie", "b=2")], path="/x?y=z", body=b"hello")
    answer = client.answers[stream]
    assert answer["head"][":status"] == "200" and answer["body"] == b"fine" and answer["ended"]
    assert answer["head"]["content-length"] == "4" and answer["head"]["server"] == "Selvage"
    assert client.server.seen == [(b"GET", b"/x?y=z", b"hello")]
    request = client.server.resource.last
    assert request.getHeader(b"x-a") == b"1" and request.getRequestHostname() == b"a"
    assert request.received_cookies == {b"a": b"1", b"b": b"2"}
    assert request.args == {b"y": [b"z"]} and request.clientproto == b"HTTP/2"


def test_an_answer_that_fails_midway_is_reset_with_an_error_and_hurts_no_other(taken_reports):
    def answer(request: Any) -> Any:
        if request.uri == b"/fails":
            return failing()
        return b"fine"

    def failing() -> Any:
        yield b"begun"
        raise LookupError

    client = Client(Seen(answer))
    broken, other = client.ask(path="/fails"), client.ask(path="/")
    for _ in range(3):
        client.flush()
    assert client.answers[broken]["body"] == b"begun" and not client.answers[broken]["ended"]
    assert client.answers[broken]["reset"] == h2.errors.ErrorCodes.INTERNAL_ERROR
    assert client.answers[other]["body"] == b"fine" and client.answers[other]["ended"]
    assert [report.failure.type for report in taken_reports()] == [LookupError]


def test_many_requests_at_once_in_any_order():
    later = Later()
    client = Client(later)
    streams = [client.ask(path=f"/{number}") for number in range(50)]
    for request in reversed(later.waiting):
        request.write(request.uri)
        request.finish()
    client.flush()
    assert [client.answers[stream]["body"] for stream in streams] == [b"/%d" % number for number in range(50)]


def test_nothing_of_http_1_in_the_headers():
    def answer(request: Any) -> bytes:
        request.setHeader(b"Connection", b"close")
        request.setHeader(b"Transfer-Encoding", b"chunked")
        request.setHeader(b"Keep-Alive", b"1")
        return b"x"

    client = Client(Seen(answer))
    head = client.answers[client.ask()]["head"]
    assert not {"connection", "transfer-encoding", "keep-alive"} & set(head)


def test_a_large_answer_goes_as_far_as_the_windows():
    content = bytes(range(256)) * 4000
    client = Client(Seen(lambda request: content))
    stream = client.ask()
    assert client.answers[stream]["body"] == content and client.answers[stream]["ended"]


def test_bodies_open_the_window_again():
    client = Client()
    size = 0
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, [(n, "POST" if n == ":method" else v) for n, v in REQUEST])
    while size < 300_000:
        room = min(client.h2.local_flow_control_window(stream), 16384)
        client.h2.send_data(stream, b"x" * room)
        size += room
        client.flush()
    client.h2.end_stream(stream)
    client.flush()
    assert client.server.seen == [(b"POST", b"/", b"x" * size)]


def test_head_and_errors_and_100_continue(taken_reports):
    client = Client()
    assert client.answers[client.ask(method="HEAD")]["body"] == b""
    stream = client.ask([("expect", "100-continue")], body=b"x")
    assert client.informational == 1 and client.answers[stream]["head"][":status"] == "200"

    def fail(request: Any) -> Any:
        raise ZeroDivisionError

    client = Client(Seen(fail))
    assert client.answers[client.ask()]["head"][":status"] == "500"
    taken_reports()


def test_an_error_in_the_middle_resets_the_stream_only(taken_reports):
    def fail(request: Any) -> Any:
        if request.uri == b"/":
            return b"fine"
        request.write(b"half")
        raise ZeroDivisionError

    client = Client(Seen(fail))
    stream = client.ask(path="/fail")
    assert client.answers[stream]["reset"] is not None
    assert client.answers[client.ask()]["body"] == b"fine"
    taken_reports()


def test_a_reset_cancels_the_work():
    cancelled: list[Any] = []
    client = Client(Seen(lambda request: Deferred(cancelled.append)))
    stream = client.ask()
    client.h2.reset_stream(stream)
    client.flush()
    assert len(cancelled) == 1


def test_the_access_log_has_http_2_too(tmp_path):
    client = Client(logPath=str(tmp_path / "log"))
    client.server.site.startFactory()
    client.ask()
    client.server.site.stopFactory()
    assert '"GET / HTTP/2" 200 4' in (tmp_path / "log").read_text()


# --- Floods --------------------------------------------------------------------------------------------------------


def goaways(client: Client) -> list[int]:
    return [frame.error_code for frame in client.heard() if isinstance(frame, GoAwayFrame)]


CALM = h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


@pytest.mark.parametrize("kind", ["ping", "settings", "empty data"])
def test_attack_056_and_058_and_063_frames_that_carry_nothing(kind):
    client = Client(Later())
    client.raw(headers_frame(client, 1))
    frame: Frame = {
        "ping": PingFrame(0, b"12345678"),
        "settings": SettingsFrame(0),
        "empty data": DataFrame(1),
    }[kind]
    client.server.transport.clear()
    client.raw(*[frame] * 900)
    assert not client.server.closing and not goaways(client)
    client.raw(*[frame] * 200)
    assert client.server.closing and goaways(client) == [CALM]


@pytest.mark.parametrize("kind", ["ping", "settings"])
def test_attack_056_acknowledgements_that_nobody_reads(kind):
    client = Client()
    client.server.protocol._channel.pauseProducing()
    frame: Frame = PingFrame(0, b"12345678") if kind == "ping" else SettingsFrame(0)
    for _ in range(1000):
        client.raw(*[frame] * 3)
        client.server.clock.advance(1)
        client.server.protocol._channel.resetTimeout()
        if client.server.transport.disconnected:
            break
    assert client.server.transport.disconnected


def test_attack_057_and_059_rapid_reset():
    later = Later()
    client = Client(later)
    stream = 1
    while not client.server.closing and stream < 5000:
        client.raw(headers_frame(client, stream, REQUEST, "END_STREAM"), RstStreamFrame(stream, 8))
        stream += 2
    assert goaways(client) == [CALM]
    assert 1990 < stream < 2010
    assert later.waiting == []  # what is reset in the same breath is not begun


def test_attack_060_made_you_reset():
    client = Client(Later())
    stream = 1
    while not client.server.closing and stream < 5000:
        # A window of more than 2**31 - 1 is an error of the stream: we have to reset it.
        client.raw(headers_frame(client, stream, REQUEST, "END_STREAM"), WindowUpdateFrame(stream, 2**31 - 1))
        stream += 2
    assert goaways(client) == [CALM] or client.server.closing
    assert stream < 2010


def test_attack_061_continuation_flood():
    client = Client()
    frame = HeadersFrame(1, client.h2.encoder.encode(REQUEST))
    client.raw(frame)
    for _ in range(200):
        client.raw(ContinuationFrame(1, client.h2.encoder.encode([("x", "y" * 1000)])))
        if client.server.closing:
            break
    assert client.server.closing and client.server.seen == []


def test_attack_062_a_header_bomb():
    client = Client()
    # Once in the table, each further use of the field costs a byte.
    fields = [*REQUEST, *[("x", "y" * 3000)] * 40]
    client.raw(headers_frame(client, 1, fields, "END_STREAM"))
    assert client.server.closing and client.server.seen == []
    client = Client()
    client.raw(headers_frame(client, 1, [*REQUEST, *[("x", "y")] * 600], "END_STREAM"))
    assert client.server.seen == []


@pytest.mark.parametrize(
    "fields",
    [
        [*REQUEST, (":path", "/b")],
        REQUEST[1:],
        [REQUEST[0], *REQUEST[2:]],
        [*REQUEST, ("a", "b"), (":x", "y")],
        [("a", "b"), *REQUEST],
        [*REQUEST, (":status", "200")],
        [*REQUEST, ("connection", "close")],
        [*REQUEST, ("transfer-encoding", "chunked")],
        [*REQUEST, ("te", "gzip")],
        [*REQUEST, ("X", "upper case")],
        [*REQUEST, ("x", "a\r\nb: c")],
        [*REQUEST, ("x", "a\0b")],
        [*REQUEST, ("x y", "z")],
        [*REQUEST, ("host", "b")],
        [*REQUEST[:3], (":authority", "a/b")],
        [*REQUEST[:3], (":authority", "u@a")],
        [REQUEST[0], (":path", ""), *REQUEST[2:]],
        [REQUEST[0], (":path", "x"), *REQUEST[2:]],
        [REQUEST[0], (":path", "/a b"), *REQUEST[2:]],
        [REQUEST[0], (":path", "/a#b"), *REQUEST[2:]],
        [REQUEST[0], (":path", "*"), *REQUEST[2:]],
        [("content-length", "5"), *REQUEST],
        [*REQUEST, ("content-length", "5"), ("content-length", "6")],
        [*REQUEST, ("content-length", "+0")],
        REQUEST[:3],
    ],
)
def test_attack_064_and_065_requests_that_are_none(fields):
    client = Client()
    client.raw(headers_frame(client, 1, fields, "END_STREAM"))
    assert client.server.seen == []
    # Either the connection ends, or this request is answered: in a header block that begins with a status of 400.
    answers = [bytes(frame.data[:1]) for frame in client.heard() if isinstance(frame, HeadersFrame)]
    assert answers == [b"\x8c"] or goaways(client) == [h2.errors.ErrorCodes.PROTOCOL_ERROR]


def test_attack_064_a_body_that_is_not_as_long_as_it_says():
    client = Client()
    for size in (1, 9):
        client = Client()
        head = [*REQUEST, ("content-length", "5")]
        data = DataFrame(1, b"x" * size)
        data.flags.add("END_STREAM")
        client.raw(headers_frame(client, 1, head), data)
        assert client.server.seen == []


def test_attack_066_a_window_that_never_opens():
    client = Client(Seen(lambda request: b"x" * 200_000))
    client.raw(headers_frame(client, 1, REQUEST, "END_STREAM"))
    for second in range(100):
        client.server.clock.advance(1)
        client.raw(PingFrame(0, b"12345678"))  # as if it were alive
        if client.server.transport.disconnected:
            break
    assert client.server.transport.disconnected and 58 <= second <= 62


def test_limits_of_bodies():
    client = Client(limits=Limits(body_bytes=10, body_rate=None))
    assert client.answers[client.ask([("content-length", "11")], body=b"x" * 11)]["head"][":status"] == "413"
    assert client.answers[client.ask(body=b"x" * 11)]["head"][":status"] == "413"
    assert client.answers[client.ask(body=b"x" * 10)]["head"][":status"] == "200"
    stream = client.h2.get_next_available_stream_id()
    client.h2.send_headers(stream, REQUEST)
    client.flush()
    for _ in range(300):
        client.server.clock.advance(1)
        client.raw(PingFrame(0, b"12345678"))
    client.flush()
    assert client.answers[stream]["head"][":status"] == "408"


def test_bodies_that_are_refused_leave_the_window_open_for_others():
    client = Client(limits=Limits(body_bytes=1000))
    for _ in range(20):  # more than the window of the connection, together
        assert client.answers[client.ask(body=b"x" * 8000)]["head"][":status"] == "413"
    assert client.answers[client.ask(body=b"x" * 1000)]["body"] == b"fine"


def test_bodies_that_were_kept_and_are_given_up_leave_the_window_open_for_others():
    class Busy(Request):
        def gotLength(self, length: int | None) -> None:
            super().gotLength(length)
            if self.requestHeaders.hasHeader(b"x-keep"):
                self.channel.pauseProducing()

    client = Client(requestFactory=Busy)
    for _ in range(20):
        stream = client.ask([("x-keep", "yes")], body=b"x" * 8000)
        client.h2.reset_stream(stream)
        client.flush()
    assert client.answers[client.ask(body=b"x" * 1000)]["body"] == b"fine"


def test_a_site_that_stops_takes_no_new_request_and_finishes_those_that_have_begun():
    later = Later()
    client = Client(later)
    first = client.ask()
    stopped: list[Any] = []
    client.server.site.finish_requests().addCallback(stopped.append)
    second = client.ask()
    assert (
        client.answers[second]["reset"] == h2.errors.ErrorCodes.REFUSED_STREAM
    )  # so it may be asked elsewhere
    [request] = later.waiting
    request.write(b"done")
    request.finish()
    client.flush()
    assert client.answers[first]["body"] == b"done" and client.ended == h2.errors.ErrorCodes.NO_ERROR
    client.server.close()
    assert stopped == [None]


def test_an_idle_connection_says_good_bye():
    client = Client()
    client.ask()
    client.server.clock.advance(60)
    assert goaways(client) == [h2.errors.ErrorCodes.NO_ERROR] and client.server.closing
    client.server.clock.advance(15)
    assert client.server.transport.disconnected


def test_an_answer_may_take_longer_than_an_idle_connection_is_kept():
    later = Later()
    client = Client(later)
    stream = client.ask()
    for _ in range(5):
        client.server.clock.advance(59)
    later.waiting[0].write(b"at last")
    later.waiting[0].finish()
    client.flush()
    assert client.answers[stream]["body"] == b"at last" and client.ended is None
    client.server.clock.advance(61)
    client.flush()
    assert client.ended is not None


def test_what_is_no_http_2_ends_it():
    client = Client()
    client.server.protocol.dataReceived(b"\0\0\0\xff\xff\0\0\0\0" + b"GET / HTTP/1.1\r\n\r\n" * 1000)
    client.server.clock.advance(61)
    assert client.server.closing and client.server.seen == []


def test_a_producer_is_paused_by_the_window():
    events: list[str] = []

    class Producer:
        def pauseProducing(self) -> None:
            events.append("pause")

        def resumeProducing(self) -> None:
            events.append("resume")

        def stopProducing(self) -> None: ...

    def answer(request: Any) -> Any:
        request.registerProducer(Producer(), True)
        request.write(b"x" * 100_000)
        return NOT_DONE_YET

    client = Client(Seen(answer))
    stream = client.ask()
    assert events == ["pause", "resume"] and len(client.answers[stream]["body"]) == 100_000
    client.server.resource.last.unregisterProducer()
    client.server.resource.last.finish()
    client.flush()
    assert client.answers[stream]["ended"]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_producer_is_paused_by_a_full_transport_however_wide_the_window(streaming):
    class Pieces:
        made = 0
        paused = False

        def __init__(self, request: Any) -> None:
            self.request = request

        def resumeProducing(self) -> None:
            self.paused = False
            while self.made < 100 and not self.paused:
                self.made += 1
                self.request.write(b"x" * 16384)
                if not streaming:
                    return
            if self.made == 100:
                self.made += 1
                self.request.unregisterProducer()
                self.request.finish()

        def pauseProducing(self) -> None:
            self.paused = True

        def stopProducing(self) -> None: ...

    producers: list[Pieces] = []

    def answer(request: Any) -> int:
        producers.append(Pieces(request))
        return NOT_DONE_YET

    client = Client(Seen(answer))
    client.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 2**30})
    client.h2.increment_flow_control_window(2**30)
    client.flush()
    stream = client.ask()
    [pieces] = producers
    connection = client.server.protocol._channel
    connection.pauseProducing()  # as the transport does when it is full
    pieces.request.registerProducer(pieces, streaming)
    if streaming:
        pieces.resumeProducing()
    for _ in range(200):
        client.server.clock.advance(0)
    assert pieces.made <= 10
    connection.resumeProducing()
    for _ in range(200):
        client.server.clock.advance(0)
    client.flush()
    assert client.answers[stream]["body"] == b"x" * 16384 * 100 and client.answers[stream]["ended"]


def test_a_site_that_ends_names_what_it_cuts():
    client = Client(Later())
    client.ask()
    client.server.site.finish_requests()
    with capturedLogs() as logged:
        client.server.site.cut_requests()
    assert [formatEvent(each) for each in logged if each["log_level"] is LogLevel.warn] == [
        "GET / had no whole answer when the site ended, and is cut; was request.finish() forgotten?"
    ]
    client.server.close()
