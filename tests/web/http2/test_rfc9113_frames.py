"""What RFC 9113 says of frames, section by section, in the order of h2spec: raw frames in, raw frames out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hyperframe.frame import DataFrame, PingFrame, SettingsFrame

from tests.web.http2.peer import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GET,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    POST,
    PREFACE,
    PRIORITY,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    Peer,
    data,
    frame,
    goaway,
    of_kind,
    reset,
    resets,
    settings,
    waiting,
    window_update,
)
from tests.web.serving import Seen

UNKNOWN = 0x16
PRIORITY_DATA = b"\0\0\0\0\x0f"
#: Frames may be made by a function of the peer, because header blocks depend on those before them.
Made = bytes | Callable[[Peer], bytes]


def headers(stream: int = 1, fields: Any = GET, flags: int = END_STREAM | END_HEADERS) -> Made:
    return lambda peer: peer.headers(stream, fields, flags)


def more_headers(stream: int = 1, flags: int = END_HEADERS) -> Made:
    return lambda peer: frame(CONTINUATION, flags, stream, peer.block([(b"x", b"y")]))


def block_with(kind: int, flags: int, stream: int, before: bytes = b"", after: bytes = b"") -> Made:
    return lambda peer: frame(kind, flags, stream, before + peer.block(GET) + after)


def open_for_body(stream: int = 1) -> Made:
    return headers(stream, POST, END_HEADERS)


def sent(peer: Peer, *frames: Made) -> list[Any]:
    return peer.send(*[each if isinstance(each, bytes) else each(peer) for each in frames])


def section(text: str, *frames: Made, code: int = PROTOCOL_ERROR) -> Any:
    return pytest.param(frames, code, id=text.replace(" ", "-"))


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        section("4.2 a frame of data larger than allowed", open_for_body(), data(1, b"x" * 16385), code=FRAME_SIZE_ERROR),
        section("4.2 headers larger than allowed", block_with(HEADERS, 5, 1, after=b"x" * 16385), code=FRAME_SIZE_ERROR),
        section("4.2 settings larger than allowed", settings(*[(0x99, 0)] * 2731), code=FRAME_SIZE_ERROR),
        section("4.3 a priority within a header block", headers(1, GET, END_STREAM), frame(PRIORITY, 0, 1, PRIORITY_DATA), more_headers()),
        section("4.3 headers of another stream within a header block", headers(1, GET, END_STREAM), headers(3)),
        section("5.3.1 a stream that depends on itself by headers", block_with(HEADERS, 5 | WITH_PRIORITY, 1, b"\0\0\0\1\x0f")),
        section("5.3.1 a stream that depends on itself by priority", frame(PRIORITY, 0, 1, b"\0\0\0\1\x0f")),
        section("5.5 an unknown frame within a header block", headers(1, GET, END_STREAM), frame(UNKNOWN, 0, 1, b"x"), more_headers()),
        section("6.1 data of no stream", data(0, b"x")),
        section("6.1 more padding than payload", open_for_body(), frame(DATA, PADDED | END_STREAM, 1, b"\x16test")),
        section("6.1 padding without its length", open_for_body(), frame(DATA, PADDED, 1), code=FRAME_SIZE_ERROR),
        section("6.2 headers of no stream", headers(0)),
        section("6.2 more padding than header block", block_with(HEADERS, 5 | PADDED, 1, b"\xff")),
        section("6.2 no room for the priority", frame(HEADERS, 5 | WITH_PRIORITY, 1, b"\0\0"), code=FRAME_SIZE_ERROR),
        section("6.3 a priority of no stream", frame(PRIORITY, 0, 0, PRIORITY_DATA)),
        section("6.3 a priority of 4 bytes", headers(), frame(PRIORITY, 0, 1, PRIORITY_DATA[:4]), code=FRAME_SIZE_ERROR),
        section("6.4 a reset of no stream", reset(0)),
        section("6.4 a reset of an idle stream", reset(1)),
        section("6.4 a reset of 3 bytes", headers(), frame(RST_STREAM, 0, 1, b"\0\0\0"), code=FRAME_SIZE_ERROR),
        # FRAME_SIZE_ERROR is asked for; hyperframe and h2 know it for a protocol error.
        section("6.5 an acknowledgement with settings", frame(SETTINGS, ACK, 0, b"\0\1\0\0\0\0")),
        section("6.5 settings of a stream", frame(SETTINGS, 0, 1, b"\0\1\0\0\0\0")),
        section("6.5 settings of 5 bytes", frame(SETTINGS, 0, 0, b"\0\1\0\0\0"), code=FRAME_SIZE_ERROR),
        section("6.5.2 ENABLE_PUSH 2", settings((2, 2))),
        section("6.5.2 INITIAL_WINDOW_SIZE too large", settings((4, 1 << 31)), code=FLOW_CONTROL_ERROR),
        section("6.5.2 MAX_FRAME_SIZE too small", settings((5, 16383))),
        section("6.5.2 MAX_FRAME_SIZE too large", settings((5, 1 << 24))),
        section("6.6 a push by the client", open_for_body(), block_with(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2")),
        section("6.7 a ping of a stream", frame(PING, 0, 1, b"12345678")),
        section("6.7 a ping of 7 bytes", frame(PING, 0, 0, b"1234567"), code=FRAME_SIZE_ERROR),
        section("6.8 a good-bye of a stream", frame(GOAWAY, 0, 1, bytes(8))),
        section("6.8 a good-bye of 7 bytes", frame(GOAWAY, 0, 0, bytes(7)), code=FRAME_SIZE_ERROR),
        section("6.9 a window that opens by 0", window_update(0, 0)),
        section("6.9 a stream's window that opens by 0", headers(), window_update(1, 0)),
        section("6.9 an update of 3 bytes", frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"), code=FRAME_SIZE_ERROR),
        section("6.9.1 a window too large", window_update(0, 2**31 - 1), code=FLOW_CONTROL_ERROR),
        section("6.9.2 a stream's window too large by a setting", headers(), window_update(1, 2**30), settings((4, 2**31 - 1)), code=FLOW_CONTROL_ERROR),
        section("6.10 a continuation of no stream", headers(1, GET, END_STREAM), more_headers(0)),
        section("6.10 a continuation of another stream", headers(1, GET, END_STREAM), more_headers(3)),
        section("6.10 a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1)),
        section("6.10 a continuation after the end of the headers", open_for_body(), more_headers()),
        section("6.10 a continuation after the last one", headers(1, POST, 0), more_headers(), more_headers()),
        section("6.10 a continuation after data", open_for_body(), data(1, b"x"), more_headers()),
        section("6.10 another frame within a header block", headers(1, GET, END_STREAM), data(1, b"x")),
    ],
)  # fmt: skip
def test_what_ends_the_connection(frames, code):
    """RFC 9113 section 5.4.1: a GOAWAY with the reason, then the end; nothing that comes later counts."""
    peer = waiting()
    answer = sent(peer, *frames)
    assert goaway(answer) == [code] and peer.closing
    assert sent(peer, frame(PING, payload=b"12345678"), headers(5)) == []
    assert not [request for request in peer.server.resource.waiting if request.uri != b"/"]


def test_3_4_each_side_begins_with_its_settings():
    peer = Peer()
    first, *others = peer.greeting
    assert isinstance(first, SettingsFrame) and "ACK" not in first.flags
    assert [list(one.flags) for one in others] == [["ACK"]]


@pytest.mark.parametrize("preface", [b"INVALID CONNECTION PREFACE\r\n\r\n", PREFACE[:16] + b"\r\nXX\r\n\r\n"])
def test_3_4_what_is_no_preface_ends_the_connection(preface):
    server = Peer.__new__(Peer)
    try:
        server.__init__(preface=preface)  # type: ignore[misc]
    except Exception:
        pass  # the answer need not be frames
    assert server.server.closing and server.seen == []


@pytest.mark.parametrize("cut", range(1, len(PREFACE)))
def test_3_4_the_preface_may_come_in_pieces(cut):
    peer = Peer(preface=PREFACE[:cut])
    peer.send(PREFACE[cut:] + frame(SETTINGS))
    assert peer.is_alive()


def test_4_1_frames_of_unknown_types_are_passed_over():
    peer = Peer()
    assert peer.send(frame(UNKNOWN, 0xFF, 0, b"x" * 100), frame(UNKNOWN, 0, 5)) == []
    assert peer.is_alive()


@pytest.mark.parametrize("stream", [0, 1 << 31], ids=["flags", "reserved bit"])
def test_4_1_flags_without_meaning_and_the_reserved_bit_are_passed_over(stream):
    (answer,) = Peer().send(frame(PING, 0x16, stream, b"12345678"))
    assert isinstance(answer, PingFrame) and answer.flags == {"ACK"}


def test_4_2_a_frame_as_large_as_allowed():
    peer = Peer()
    answer = sent(peer, open_for_body(), data(1, b"x" * 16384, END_STREAM))
    assert peer.answers(answer) == [(200, b"fine")] and peer.seen[0][2] == b"x" * 16384


def test_6_1_padding_is_taken_off():
    peer = Peer()
    answer = sent(peer, open_for_body(), frame(DATA, PADDED | END_STREAM, 1, b"\x05test" + bytes(5)))
    assert peer.answers(answer) == [(200, b"fine")] and peer.seen == [(b"POST", b"/", b"test")]


@pytest.mark.parametrize(
    ("flags", "before", "after"),
    [
        (PADDED, b"\x03", bytes(3)),
        (WITH_PRIORITY, PRIORITY_DATA, b""),
        (PADDED | WITH_PRIORITY, b"\x03" + PRIORITY_DATA, bytes(3)),
        (WITH_PRIORITY, b"\x80\0\0\x09\xff", b""),
    ],
    ids=["padded", "priority", "both", "exclusive"],
)
def test_6_2_headers_with_padding_and_priority(flags, before, after):
    peer = Peer()
    answer = sent(peer, block_with(HEADERS, END_STREAM | END_HEADERS | flags, 1, before, after))
    assert peer.answers(answer) == [(200, b"fine")]


def test_6_3_priorities_of_any_stream_are_taken():
    peer = Peer()
    assert peer.send(*[frame(PRIORITY, 0, stream, b"\x80\0\0\0\xff") for stream in (1, 2, 99)]) == []
    assert peer.is_alive()


def test_6_5_settings_are_acknowledged_each_and_in_order():
    peer = Peer()
    answer = peer.send(settings((4, 100)), settings(), settings((0x99, 1)))
    assert [one.flags for one in of_kind(answer, SettingsFrame)] == [{"ACK"}] * 3


def test_6_5_3_of_several_values_the_last_one_counts():
    peer = Peer()
    answer = sent(peer, settings((4, 100), (4, 1)), headers())
    assert [bytes(one.data) for one in of_kind(answer, DataFrame)] == [b"f"]


def test_6_7_a_ping_is_answered_with_the_same_bytes_and_an_answer_is_not():
    peer = Peer()
    (answer,) = peer.send(frame(PING, payload=b"12345678"))
    assert isinstance(answer, PingFrame) and answer.opaque_data == b"12345678" and answer.flags == {"ACK"}
    assert peer.send(frame(PING, ACK, payload=b"12345678")) == []


@pytest.mark.parametrize("code", [0, 0xFF])
def test_6_8_and_7_after_a_good_bye_of_any_reason_the_connection_ends(code):
    peer = Peer()
    assert goaway(peer.send(frame(GOAWAY, payload=bytes(7) + bytes([code])))) == [] and peer.closing


def test_6_8_after_a_good_bye_what_was_asked_for_is_still_answered():
    peer = waiting()
    body = headers(3, POST, END_HEADERS)
    assert sent(peer, headers(1), body, data(3, b"begun"), frame(GOAWAY, payload=bytes(8))) == []
    assert not peer.closing
    (request,) = peer.server.resource.waiting
    request.write(b"first")
    request.finish()
    assert peer.answers(peer.heard(), 1) == [(200, b"first")] and not peer.closing
    assert peer.send(data(3, b"ended", END_STREAM)) == []
    request = peer.server.resource.waiting[-1]
    request.write(b"second")
    request.finish()
    frames = peer.heard()
    assert [bytes(one.data) for one in of_kind(frames, DataFrame)][0] == b"second"
    assert goaway(frames) == [0] and peer.closing


def test_6_8_after_a_good_bye_for_an_error_the_connection_ends_at_once():
    peer = waiting()
    sent(peer, headers(1), frame(GOAWAY, payload=bytes(7) + b"\1"))
    assert peer.closing and peer.server.resource.waiting[0]._disconnected


def test_7_a_reset_for_an_unknown_reason_is_a_reset():
    peer = waiting()
    assert sent(peer, headers(), reset(1, 0xFF)) == [] and peer.is_alive()
    assert peer.server.protocol._channel.streams == {}


def test_6_9_1_no_more_is_sent_than_the_window_holds():
    peer = Peer()
    answer = sent(peer, settings((4, 1)), headers())
    assert [bytes(one.data) for one in of_kind(answer, DataFrame)] == [b"f"]
    assert [bytes(one.data) for one in of_kind(peer.send(window_update(1, 2)), DataFrame)] == [b"in"]
    assert b"".join(bytes(one.data) for one in peer.send(window_update(1, 9))) == b"e"


def test_6_9_1_a_window_of_a_stream_that_is_too_large_resets_it():
    peer = waiting()
    answer = sent(peer, headers(), window_update(1, 2**31 - 1))
    assert resets(answer) == [(1, FLOW_CONTROL_ERROR)] and goaway(answer) == []
    assert peer.is_alive()


def test_6_9_1_the_window_of_the_connection_counts_for_all_streams_together():
    peer = Peer(Seen(lambda request: b"x" * 60000))
    answer = sent(peer, headers(1), headers(3))
    assert sum(len(one.data) for one in of_kind(answer, DataFrame)) == 65535
    answer = peer.send(window_update(0, 100))
    assert sum(len(one.data) for one in of_kind(answer, DataFrame)) == 100


def test_6_9_2_a_new_size_opens_streams_that_exist():
    peer = Peer()
    assert of_kind(sent(peer, settings((4, 0)), headers()), DataFrame) == []
    assert [bytes(one.data) for one in of_kind(peer.send(settings((4, 1))), DataFrame)] == [b"f"]


def test_6_9_2_a_window_may_become_negative():
    peer = Peer()
    assert len(of_kind(sent(peer, settings((4, 3)), headers()), DataFrame)) == 1
    assert of_kind(peer.send(settings((4, 2))), DataFrame) == []  # the window is -1
    assert of_kind(peer.send(window_update(1, 1)), DataFrame) == []  # and 0
    assert [bytes(one.data) for one in of_kind(peer.send(window_update(1, 1)), DataFrame)] == [b"e", b""]


@pytest.mark.parametrize("pieces", [1, 2, 5, 60])
def test_6_10_a_header_block_may_be_cut_anywhere(pieces):
    peer = Peer()
    block = peer.block([*GET, (b"x", b"y" * 100)])
    size = -(-len(block) // pieces)
    cut = [block[at : at + size] for at in range(0, len(block), size)]
    frames = [frame(HEADERS, END_STREAM, 1, cut[0])]
    frames += [frame(CONTINUATION, 0, 1, piece) for piece in cut[1:]]
    answer = peer.send(*frames, frame(CONTINUATION, END_HEADERS, 1))
    assert peer.answers(answer) == [(200, b"fine")]
