"""Frames become messages: the cases of RFC 6455, as Autobahn asks for them, and the limits."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, strategies as st

from selvage.web.websocket._deflate import BoundedDeflate
from selvage.web.websocket._frames import Closed, Frames, Ping, Pong, Violation
from tests.web.websocket.peer import BINARY, CLOSE, MORE, PING, PONG, TEXT, close, deflated, frame
from tests.work import bytes_allocated, calls_made


def received(data: bytes, **options):
    return list(Frames(False, **options).receive(data))


def deflate(limit: int = 1 << 20, **options) -> BoundedDeflate:
    extension = BoundedDeflate(limit, **options)
    extension._enabled = True
    return extension


def refused(data: bytes, **options) -> int:
    """Return the code with which some bytes are refused; nothing may come after that."""
    events = received(data + frame(TEXT, b"later"), **options)
    assert isinstance(events[-1], Violation) and not any(event == "later" for event in events)
    return events[-1].code


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65535, 65536, 70000])
def test_messages_of_every_length(size):
    assert received(frame(BINARY, b"\xfe" * size)) == [b"\xfe" * size]
    assert received(frame(TEXT, b"*" * size)) == ["*" * size]


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_attack_069_opcodes_that_are_none(opcode):
    assert refused(frame(opcode)) == 1002


@pytest.mark.parametrize("rsv", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE, MORE])
def test_attack_069_reserved_bits(opcode, rsv):
    first = frame(TEXT, b"a", fin=False) if opcode == MORE else b""
    assert refused(first + frame(opcode, rsv=rsv)) == 1002


@pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
def test_attack_069_reserved_bits_that_deflate_does_not_use(rsv):
    assert refused(frame(TEXT, b"a", rsv=rsv), deflate=deflate()) == 1002


def test_attack_068_a_compressed_frame_when_nothing_was_agreed_on():
    assert refused(frame(TEXT, deflated(b"hello"), rsv=4)) == 1002


@pytest.mark.parametrize("opcode", [PING, CLOSE])
def test_attack_068_a_compressed_control_frame(opcode):
    assert refused(frame(opcode, b"", rsv=4), deflate=deflate()) == 1002


def test_attack_068_a_compressed_continuation():
    data = frame(TEXT, deflated(b"a"), rsv=4, fin=False) + frame(MORE, deflated(b"b"), rsv=4)
    assert refused(data, deflate=deflate()) == 1002


def test_attack_069_frames_of_a_client_are_masked_and_those_of_a_server_are_not():
    assert refused(frame(TEXT, b"hello", mask=None)) == 1002
    (event,) = Frames(True).receive(frame(TEXT, b"hello"))
    assert isinstance(event, Violation) and event.code == 1002
    assert list(Frames(True).receive(frame(TEXT, b"hello", mask=None))) == ["hello"]


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_attack_069_control_frames_are_short_and_whole(opcode):
    assert refused(frame(opcode, b"\x03\xe8" + b"x" * 124)) == 1002
    assert refused(frame(opcode, fin=False)) == 1002


def test_control_frames_between_fragments():
    data = frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(PONG, b"q") + frame(MORE, b"b")
    assert received(data) == [Ping(b"p"), Pong(b"q"), "ab"]


def test_attack_069_fragments_in_the_wrong_order():
    assert refused(frame(MORE, b"a")) == 1002
    assert refused(frame(MORE, b"a", fin=False)) == 1002
    assert refused(frame(TEXT, b"a", fin=False) + frame(TEXT, b"b")) == 1002
    assert refused(frame(TEXT, b"a", fin=False) + frame(BINARY, b"b")) == 1002
    assert refused(frame(TEXT, b"a") + frame(MORE, b"b")) == 1002


@pytest.mark.parametrize(
    "text",
    [
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"a\x80",
        b"\xe2\x98",
    ],
)
def test_attack_069_text_that_is_no_utf_8(text):
    assert refused(frame(TEXT, text)) == 1007
    assert refused(frame(TEXT, b"ok", fin=False) + frame(MORE, text)) == 1007
    assert refused(close(1000, text)) == 1007


def test_bad_text_is_refused_before_the_message_is_whole():
    events = received(frame(TEXT, b"ok\xff", fin=False))
    assert isinstance(events[-1], Violation) and events[-1].code == 1007


def test_characters_may_be_cut_by_fragments():
    snowman = "\N{SNOWMAN}".encode()
    data = b"".join(frame(TEXT if at == 0 else MORE, snowman[at : at + 1], fin=at == 2) for at in range(3))
    assert received(data) == ["\N{SNOWMAN}"]


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999]
)
def test_codes_that_a_peer_may_close_with(code):
    assert received(close(code, b"why")) == [Closed(code, "why")]


@pytest.mark.parametrize(
    "code", [0, 1, 999, 1004, 1005, 1006, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
)
def test_attack_069_codes_that_a_peer_may_not_close_with(code):
    assert refused(close(code)) == 1002


def test_closing_without_a_code_and_with_half_of_one():
    assert received(close()) == [Closed(1005, "")]
    assert refused(frame(CLOSE, b"\x03")) == 1002


def test_nothing_comes_after_the_end():
    assert received(close(1000) + frame(TEXT, b"later")) == [Closed(1000, "")]
    frames = Frames(False)
    list(frames.receive(frame(3)))
    assert list(frames.receive(frame(TEXT, b"later"))) == []


@pytest.mark.parametrize(
    "head", [b"\x82\xfe\x00\x7d", b"\x82\xff" + struct.pack("!Q", 65535), b"\x82\xff" + b"\xff" * 8]
)
def test_attack_069_lengths_that_are_longer_than_need_be_or_negative(head):
    assert refused(head + b"\0\0\0\0" + b"x" * 70000) == 1002


def test_attack_067_a_message_that_is_too_large_is_refused_before_it_is_there():
    head = b"\x82\xff" + struct.pack("!Q", 1 << 40) + b"\0\0\0\0"
    frames = Frames(False, max_message_bytes=1000)
    assert list(frames.receive(head + b"x" * 1000)) == []
    (event,) = frames.receive(b"x")
    assert isinstance(event, Violation) and event.code == 1009 and "1000 bytes" in event.reason
    assert received(frame(TEXT, "é".encode() * 500), max_message_bytes=1000) == ["é" * 500]
    assert refused(frame(TEXT, "é".encode() * 501), max_message_bytes=1000) == 1009


def test_attack_067_fragments_count_together():
    many = frame(BINARY, b"x" * 600, fin=False) + frame(MORE, b"x" * 600)
    assert refused(many, max_message_bytes=1000) == 1009
    assert refused(frame(BINARY, fin=False) + frame(MORE, fin=False) * 10, max_fragments=10) == 1009
    short = frame(BINARY, b"a", fin=False) + frame(MORE, b"b")
    assert received(short * 100, max_fragments=2, max_message_bytes=2) == [b"ab"] * 100


def test_attack_067_a_frame_that_dribbles_costs_no_more_than_it_has():
    message = frame(BINARY, b"x" * 40_000)

    def work(size: int) -> int:
        frames = Frames(False)
        return calls_made(lambda: [list(frames.receive(message[at : at + 1])) for at in range(size)])

    assert work(4_000) < 2.2 * work(2_000)


def test_attack_067_fragments_are_put_together_without_copying_what_was_there():
    def memory(count: int) -> int:
        frames = Frames(False, max_message_bytes=1 << 30)
        list(frames.receive(frame(BINARY, b"x", fin=False)))
        piece = frame(MORE, b"y" * 1000, fin=False)
        return bytes_allocated((lambda: list(frames.receive(piece))) for _ in range(count))

    assert memory(800) < 3 * memory(400)


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_attack_067_a_bomb_does_not_go_off(opcode):
    bomb = deflated(b"\0" * (16 << 20))
    assert len(bomb) < 20_000
    frames = Frames(False, deflate(1 << 20), 1 << 20)
    events = []
    allocated = bytes_allocated([lambda: events.extend(frames.receive(frame(opcode, bomb, rsv=4)))])
    assert isinstance(events[-1], Violation) and events[-1].code == 1009
    assert allocated < 4 << 20


def test_attack_067_a_bomb_in_fragments_does_not_go_off():
    bomb = deflated(b"\0" * (2 << 20))
    data = frame(BINARY, bomb[:1000], rsv=4, fin=False) + frame(MORE, bomb[1000:])
    assert refused(data, deflate=deflate(1 << 20), max_message_bytes=1 << 20) == 1009


def test_each_compressed_message_has_the_whole_limit():
    data = frame(BINARY, deflated(b"x" * 1000), rsv=4) * 5
    assert received(data, deflate=deflate(1000, client_no_context_takeover=True)) == [b"x" * 1000] * 5


def test_what_cannot_be_inflated():
    assert refused(frame(TEXT, b"\xff\xff\xff\xff", rsv=4), deflate=deflate()) == 1007


def test_a_compressed_message_goes_on_after_a_control_frame():
    data = deflated(b"hello " * 100)
    pieces = frame(TEXT, data[:3], rsv=4, fin=False) + frame(PING, b"p") + frame(MORE, data[3:])
    assert received(pieces, deflate=deflate()) == [Ping(b"p"), "hello " * 100]


def test_compressed_and_plain_messages_take_turns():
    data = frame(TEXT, deflated(b"a"), rsv=4) + frame(TEXT, b"b") + frame(TEXT, deflated(b""), rsv=4)
    assert received(data, deflate=deflate(client_no_context_takeover=True)) == ["a", "b", ""]


MESSAGE = st.one_of(st.text(max_size=300), st.binary(max_size=300))


@given(st.lists(MESSAGE, max_size=6), st.booleans(), st.data())
def test_what_one_side_sends_the_other_gets_however_it_is_cut(messages, compressed, data):
    sender = Frames(True, deflate() if compressed else None)
    receiver = Frames(False, deflate() if compressed else None)
    sent = b"".join(bytes(sender.text(m) if isinstance(m, str) else sender.binary(m)) for m in messages)
    got = []
    while sent:
        size = data.draw(st.integers(1, len(sent)))
        got += receiver.receive(sent[:size])
        sent = sent[size:]
    assert got == messages


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    whole = received(data)
    frames = Frames(False)
    cut = [event for byte in data for event in frames.receive(bytes([byte]))]
    # Text is looked at as it comes, so the same things are said of any cut.
    assert [type(event) for event in cut] == [type(event) for event in whole]
