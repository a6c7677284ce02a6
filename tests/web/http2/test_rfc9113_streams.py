"""What RFC 9113 says of streams, section by section, in the order of h2spec: raw frames in, raw frames out."""

from __future__ import annotations

import pytest

from tests.web.http2.peer import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET,
    HEADERS,
    POST,
    PRIORITY,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    Peer,
    data,
    frame,
    goaway,
    reset,
    resets,
    waiting,
    window_update,
)


@pytest.mark.parametrize(
    "idle",
    [data(1, b"x"), reset(1), window_update(1, 100), frame(CONTINUATION, END_HEADERS, 1)],
    ids=["DATA", "RST_STREAM", "WINDOW_UPDATE", "CONTINUATION"],
)
def test_5_1_on_an_idle_stream_only_headers_and_priorities_may_come(idle):
    peer = waiting()
    assert goaway(peer.send(idle)) == [PROTOCOL_ERROR] and peer.closing


@pytest.mark.parametrize("kind", [DATA, HEADERS, CONTINUATION])
@pytest.mark.parametrize("together", [True, False], ids=["at once", "later"])
@pytest.mark.parametrize("how", ["half closed by END_STREAM", "reset by the client", "answered"])
def test_5_1_on_a_stream_that_the_client_has_ended_nothing_more_may_come(how, kind, together):
    peer = Peer() if how == "answered" else waiting()
    if how == "reset by the client":
        first = [peer.headers(1, POST, END_HEADERS), reset(1)]
    else:
        first = [peer.headers(1)]
    if kind == DATA:
        late = data(1, b"x")
    elif kind == HEADERS:
        late = peer.headers(1)
    else:
        late = frame(CONTINUATION, END_HEADERS, 1, peer.block([(b"x", b"y")]))
    answer = peer.send(*first, late) if together else (peer.send(*first), peer.send(late))[1]
    # A stream error is enough; a continuation of nothing is one of the connection (section 6.10), and the others may be.
    codes = {PROTOCOL_ERROR} if kind == CONTINUATION else {STREAM_CLOSED}
    assert goaway(answer) or resets(answer)
    assert {code for _, code in resets(answer)} | set(goaway(answer)) == codes
    assert bool(goaway(answer)) == peer.closing
    if how != "answered":
        assert len(peer.server.resource.waiting) <= 1


def test_5_1_what_the_client_cannot_know_yet_is_passed_over():
    peer = Peer()
    assert peer.answers(peer.send(peer.headers(1))) == [(200, b"fine")]
    assert peer.send(window_update(1, 100), frame(PRIORITY, 0, 1, b"\0\0\0\0\x0f"), reset(1)) == []
    assert peer.is_alive()


@pytest.mark.parametrize(("first", "second"), [(1, 2), (5, 3), (5, 5)], ids=["even", "smaller", "again"])
def test_5_1_1_streams_have_odd_and_rising_numbers(first, second):
    peer = waiting()
    answer = peer.send(peer.headers(first, POST, END_HEADERS), peer.headers(second, GET, END_HEADERS))
    assert goaway(answer) == [PROTOCOL_ERROR] and peer.closing


def test_5_1_1_streams_that_were_passed_over_are_closed():
    peer = waiting()
    peer.send(peer.headers(5))
    answer = peer.send(data(3, b"x", END_STREAM))
    assert set(goaway(answer)) | {code for _, code in resets(answer)} <= {STREAM_CLOSED, PROTOCOL_ERROR}
    assert goaway(answer) or resets(answer)


def test_5_1_2_no_more_streams_than_were_offered():
    peer = waiting()
    offered = peer.greeting[0].settings[3]
    assert offered == 100
    assert peer.send(*[peer.headers(1 + 2 * number) for number in range(offered)]) == []
    assert len(peer.server.resource.waiting) == offered and peer.is_alive()
    assert goaway(peer.send(peer.headers(1 + 2 * offered))) == [PROTOCOL_ERROR]
    assert len(peer.server.resource.waiting) == offered


def test_5_1_2_streams_that_have_ended_make_room():
    peer = Peer()
    for number in range(300):
        assert peer.answers(peer.send(peer.headers(1 + 2 * number)), 1 + 2 * number) == [(200, b"fine")]
    assert peer.server.protocol._channel.streams == {}


def test_5_4_1_the_good_bye_names_the_last_stream_that_was_looked_at():
    peer = waiting()
    peer.send(peer.headers(1), peer.headers(7))
    (answer,) = peer.send(data(0, b"x"))
    assert answer.last_stream_id == 7
    for request in peer.server.resource.waiting:
        assert request._disconnected


def test_5_4_2_an_error_of_a_stream_disturbs_no_other():
    peer = waiting()
    peer.send(peer.headers(1), peer.headers(3))
    assert resets(peer.send(data(1, b"x"))) == [(1, STREAM_CLOSED)]
    (one,) = [request for request in peer.server.resource.waiting if not request._disconnected]
    one.write(b"still here")
    one.finish()
    assert peer.answers(peer.heard(), 3) == [(200, b"still here")]
