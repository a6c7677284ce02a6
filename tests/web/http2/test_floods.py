"""Frames that cost a client little and a server much: each has a bound, and who stays below it is served."""

from __future__ import annotations

import pytest
from hyperframe.frame import DataFrame, RstStreamFrame

from selvage.defer import ensureDeferred
from selvage.web.http import Limits
from tests.web.http2.peer import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FRAME_SIZE_ERROR,
    GET,
    HEADERS,
    NO_ERROR,
    PADDED,
    PING,
    POST,
    PRIORITY,
    PROTOCOL_ERROR,
    SETTINGS,
    Peer,
    data,
    frame,
    goaway,
    of_kind,
    reset,
    settings,
    waiting,
    window_update,
)
from tests.web.serving import Later, Seen
from tests.work import calls_made

EMPTY = {
    "pings": frame(PING, payload=b"12345678"),
    "answers to pings": frame(PING, ACK, payload=b"12345678"),
    "settings": frame(SETTINGS),
    "settings that change": settings((4, 1000)),
    "priorities": frame(PRIORITY, 0, 1, b"\0\0\0\3\x0f"),
    "empty data": data(1),
    "padding": frame(DATA, PADDED, 1, b"\x0a" + bytes(10)),
    "unknown frames": frame(0x16, 0, 0, b"x"),
    "updates of the window": window_update(0, 1),
    "updates of a stream's window": window_update(1, 1),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_attack_056_058_063_floods_of_frames_that_carry_nothing(kind):
    """CVE-2019-9512, 9515, 9516, 9518, CVE-2019-9513, and updates of windows that nothing explains."""
    peer = waiting()
    peer.send(peer.headers(1, POST, END_HEADERS))
    for _ in range(9):
        assert goaway(peer.send(EMPTY[kind] * 100)) == []
    assert goaway(peer.send(EMPTY[kind] * 200)) == [ENHANCE_YOUR_CALM]
    assert peer.closing


@pytest.mark.parametrize("kind", EMPTY)
def test_frames_that_carry_nothing_are_free_in_moderation(kind):
    peer = Peer(Later(), limits=Limits(body_s=None, body_rate=None))
    peer.send(peer.headers(1, POST, END_HEADERS))
    for _ in range(200):
        peer.send(EMPTY[kind] * 20)
        peer.server.clock.advance(1)
    assert peer.is_alive()


def test_attack_058_settings_flood_that_is_not_read_is_cut_off():
    peer = waiting()
    peer.server.protocol._channel.pauseProducing()  # as the transport does when it is full
    for _ in range(1000):
        peer.send(frame(SETTINGS))
        peer.server.clock.advance(0.1)
        if peer.server.transport.disconnected:
            break
    kept = peer.server.protocol._channel._bufferedControlFrameBytes
    assert peer.server.transport.disconnected or kept <= 17 * 1024


@pytest.mark.parametrize("size", [1, 100, 16384])
def test_updates_that_answer_what_was_sent_are_no_flood(size):
    content = b"x" * 400_000
    peer = Peer(Seen(lambda request: content))
    peer.send(settings((4, size)))
    got, frames = 0, peer.send(peer.headers(1))
    while not of_kind(frames, DataFrame) or got < min(len(content), size * 1500):
        taken = sum(len(one.data) for one in of_kind(frames, DataFrame))
        got += taken
        frames = peer.send(window_update(1, taken), window_update(0, taken))
        assert goaway(frames) == []
        if any("END_STREAM" in one.flags for one in frames):
            break
    assert peer.is_alive()


def test_attack_059_rapid_reset_in_segments_of_their_own_cancels_the_work():
    """CVE-2023-44487: the requests have begun, and are given up at once."""
    peer = waiting()
    later = peer.server.resource.waiting
    for number in range(1000):
        stream = 1 + 2 * number
        peer.send(peer.headers(stream))
        assert goaway(peer.send(reset(stream))) == []
        assert later.pop()._disconnected
    peer.send(peer.headers(2001))
    assert goaway(peer.send(reset(2001))) == [ENHANCE_YOUR_CALM] and peer.closing


def test_attack_059_resets_in_moderation_are_served():
    peer = waiting()
    for number in range(1600):
        stream = 1 + 2 * number
        peer.send(peer.headers(stream), reset(stream))
        peer.server.clock.advance(1 / 30)
    assert peer.is_alive()


@pytest.mark.parametrize(
    "provoke",
    [
        pytest.param(lambda peer, stream: window_update(stream, 2**31 - 1), id="a window too large"),
        pytest.param(lambda peer, stream: data(stream, b"x"), id="data after the end"),
        pytest.param(lambda peer, stream: peer.headers(stream), id="headers after the end"),
    ],
)
def test_attack_060_streams_that_we_are_made_to_reset_count(provoke):
    """CVE-2025-8671."""
    peer = waiting()
    for number in range(1100):
        stream = 1 + 2 * number
        frames = peer.send(peer.headers(stream), provoke(peer, stream))
        if peer.closing:
            break
    assert goaway(frames) == [ENHANCE_YOUR_CALM] and 995 <= number <= 1001


def test_attack_060_resets_that_nobody_reads_are_not_kept():
    peer = waiting()
    peer.send(peer.headers(1, POST, END_HEADERS), reset(1))
    peer.server.protocol._channel.pauseProducing()
    peer.send(data(1, b"x") * 2000)  # each is answered with a reset
    assert peer.server.transport.disconnected


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_attack_061_continuations_without_end(size):
    peer = waiting()
    peer.send(frame(HEADERS, END_STREAM, 1, peer.block(GET)))
    for number in range(200):
        frames = peer.send(frame(CONTINUATION, 0, 1, b"\0" * size))
        if peer.closing:
            break
    assert number < 70 and goaway(frames) in ([PROTOCOL_ERROR], [ENHANCE_YOUR_CALM])
    assert peer.server.resource.waiting == []


def test_attack_063_an_answer_that_is_taken_byte_by_byte_is_given_up():
    """CVE-2019-9511: a window of one byte now and then keeps the whole answer in memory."""
    peer = Peer(Seen(lambda request: b"x" * 200_000))
    peer.send(settings((4, 0)), peer.headers(1))
    for second in range(200):
        peer.server.clock.advance(1)
        if second % 10 == 0:
            assert len(of_kind(peer.send(window_update(1, 1)), DataFrame)) == 1
        if peer.server.transport.disconnected:
            break
    assert peer.server.transport.disconnected and second == 59


def test_an_answer_that_is_taken_slowly_is_not_given_up():
    peer = Peer(Seen(lambda request: b"x" * 200_000))
    peer.send(settings((4, 0)), peer.headers(1))
    for _ in range(600):
        peer.server.clock.advance(1)
        peer.send(window_update(1, 100), window_update(0, 100))
    assert peer.is_alive()


def test_attack_063_data_of_a_byte_each_cost_what_they_are():
    def work(frames: int) -> int:
        peer = Peer()
        peer.send(peer.headers(1, POST, END_HEADERS))
        flood = data(1, b"x") * frames
        cost = calls_made(lambda: peer.server.protocol.dataReceived(flood))
        peer.send(data(1, b"", END_STREAM))
        assert peer.seen == [(b"POST", b"/", b"x" * frames)]
        return cost

    assert work(2000) < 2.5 * work(1000)


def test_attack_063_what_is_kept_for_a_window_that_never_opens_is_bounded():
    """CVE-2019-9517: the client shuts its window and asks again and again; the producer of an answer is paused."""
    written = []

    class Producer:
        def __init__(self, request):
            self.request, self.paused = request, False

        def pauseProducing(self):
            self.paused = True

        def resumeProducing(self):
            self.paused = False
            while not self.paused and len(written) < 10_000:
                written.append(1000)
                self.request.write(b"x" * 1000)

        def stopProducing(self):
            self.paused = True

    def answer(request):
        producer = Producer(request)
        request.registerProducer(producer, True)
        producer.resumeProducing()
        return 1  # NOT_DONE_YET

    peer = Peer(Seen(answer))
    peer.send(settings((4, 0)))
    for number in range(50):
        peer.send(peer.headers(1 + 2 * number))
    assert len(written) == 50  # one piece each
    peer.server.clock.advance(60)
    assert peer.server.transport.disconnected


def test_attack_066_a_window_that_does_not_open_ends_the_connection():
    peer = Peer(Seen(lambda request: b"x" * 70_000))
    peer.send(peer.headers(1))
    for second in range(100):
        peer.send(
            frame(PING, payload=b"12345678"), window_update(1, 10_000)
        )  # but not that of the connection
        peer.server.clock.advance(1)
        if peer.server.transport.disconnected:
            break
    assert second == 59


@pytest.mark.parametrize("stream", [0, 1])
def test_attack_066_an_increment_of_zero_is_an_error(stream):
    peer = waiting()
    peer.send(peer.headers(1))
    assert goaway(peer.send(window_update(stream, 0))) == [PROTOCOL_ERROR]


# --- Time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["pings", "settings", "priorities", "unknown frames", "updates of the window"]
)
def test_attack_044_frames_that_bring_no_request_do_not_keep_a_connection(kind):
    peer = waiting()
    for second in range(100):
        frames = peer.send(EMPTY[kind])
        if peer.closing:
            break
        peer.server.clock.advance(1)
    frames = peer.heard()
    assert peer.closing and second == 60
    peer.server.clock.advance(15)
    assert peer.server.transport.disconnected
    assert goaway(frames) in ([], [NO_ERROR])


def test_attack_044_headers_that_drip_in_have_a_deadline():
    peer = waiting()
    block = peer.headers(1, [*GET, (b"x", b"y" * 1000)])
    for at in range(len(block) - 1):
        peer.send(block[at : at + 1])
        if peer.closing:
            break
        peer.server.clock.advance(1)
    assert peer.closing and peer.server.clock.seconds() == 60 and peer.server.resource.waiting == []


def test_attack_044_a_body_that_comes_slowly_has_a_deadline():
    peer = Peer(Later(), limits=Limits(body_rate=None))
    peer.send(peer.headers(1, POST, END_HEADERS))
    for _ in range(299):
        peer.server.clock.advance(1)
        peer.send(data(1, b"x"))
    assert peer.is_alive()
    peer.server.clock.advance(1)
    assert peer.answers(peer.heard()) == [(408, b"")]


def test_attack_044_a_body_that_drips_in_has_a_rate():
    peer = waiting()
    peer.send(peer.headers(1, POST, END_HEADERS))
    for _ in range(19):
        peer.server.clock.advance(1)
        assert peer.send(data(1, b"x" * 100)) == []
    peer.server.clock.advance(60)
    assert peer.answers(peer.heard()) == [(408, b"")]


def test_a_client_may_wait_for_an_application_that_takes_its_time():
    peer = waiting()
    peer.send(peer.headers(1))
    peer.server.clock.advance(1000)
    (request,) = peer.server.resource.waiting
    request.write(b"at last")
    request.finish()
    assert peer.answers(peer.heard()) == [(200, b"at last")]
    for _ in range(60):
        assert not peer.closing
        peer.server.clock.advance(1)
    assert peer.closing


def test_without_limits_nothing_is_put_an_end_to():
    peer = Peer(
        Seen(lambda request: b"x" * 70_000),
        limits=Limits(head_s=None, body_s=None, body_rate=None, stall_s=None),
        timeout=None,
    )
    peer.send(peer.headers(1))
    peer.server.clock.advance(1e6)
    assert not peer.closing and not of_kind(peer.heard(), RstStreamFrame)


def test_attack_063_crumbs_of_a_body_that_nobody_reads_are_kept_together():
    """A window of 1 MiB has room for a million of them, and each would cost a hundred times what it carries."""

    class Kept(Later):
        streams_body = True

    kept = Kept()
    peer = Peer(kept)
    peer.send(peer.headers(1, POST, END_HEADERS))
    crumbs = [b"%d" % (number % 10) for number in range(5000)]
    for at in range(0, 5000, 500):
        assert goaway(peer.send(*[data(1, crumb) for crumb in crumbs[at : at + 500]])) == []
    (stream,) = peer.server.protocol._channel.streams.values()
    assert not stream.producing and len(stream._inbound) < 10
    peer.send(data(1, b"", END_STREAM))
    read: list[bytes] = []
    ensureDeferred(kept.waiting[0].body.read()).addCallback(read.append)
    assert read == [b"".join(crumbs)]


@pytest.mark.parametrize("step", [1, 2, 5, 24, 10_000])
def test_attack_063_a_frame_too_long_is_refused_where_it_begins(step):
    """CVE-2019-9517: h2 keeps a frame, of up to 16 MiB, until it is whole, and looks at its length only then."""
    peer = waiting()
    sent = data(1, b"x" * 3) + frame(PING, payload=b"12345678") + frame(DATA, 0, 1, length=16385)[:3]
    peer.send(peer.headers(1, POST, END_HEADERS))
    heard = [one for at in range(0, len(sent), step) for one in peer.send(sent[at : at + step])]
    assert goaway(heard) == [FRAME_SIZE_ERROR]


def test_attack_063_a_frame_as_long_as_allowed_is_none_too_long():
    peer = waiting()
    peer.send(peer.headers(1, POST, END_HEADERS))
    sent = data(1, b"x" * 16384) + frame(PING, payload=b"12345678")
    assert goaway(peer.send(sent[:16000])) == []
    assert [one.type for one in peer.send(sent[16000:])] == [PING]
