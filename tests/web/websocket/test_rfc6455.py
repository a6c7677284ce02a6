"""The cases of Autobahn's suite, from RFC 6455 and by its numbers: frames in, frames out, at a server and at a client."""

from __future__ import annotations

import struct

import pytest

from tests.web.websocket.peer import BINARY, CLOSE, MORE, PING, PONG, TEXT
from tests.web.websocket.sides import Heard, Side

PROTOCOL_ERROR, NOT_UTF_8, TOO_BIG = 1002, 1007, 1009


@pytest.fixture(params=["server", "client"])
def side(request: pytest.FixtureRequest) -> Side:
    return Side(request.param)


def whole(opcode: int, payload: bytes = b"") -> Heard:
    return True, 0, opcode, payload


def closed(heard: list[Heard], side: Side) -> int:
    """Return the code with which a connection was closed, the last thing that was heard."""
    assert side.is_over
    fin, rsv, opcode, payload = heard[-1]
    assert (fin, rsv, opcode) == (True, 0, CLOSE)
    payload[2:].decode()
    return int(struct.unpack("!H", payload[:2])[0])


def failed(side: Side, data: bytes, code: int = PROTOCOL_ERROR, chop: int = 0) -> list[Heard]:
    """Send what ends the connection; return what was heard before the end.  Nothing that comes later is answered."""
    *before, _ = heard = side.send(data, chop)
    assert closed(heard, side) == code
    told = list(side.told)
    assert side.send(side.frame(PING) + side.frame(TEXT, b"later")) == [] and side.told == told
    return before


# --- 1: framing (RFC 6455 section 5.2) -----------------------------------------------------------------------------


@pytest.mark.parametrize("chop", [0, 997])
@pytest.mark.parametrize("size", [0, 125, 126, 127, 128, 65535, 65536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_1_messages_of_every_size_are_echoed(side, opcode, size, chop):
    payload = (b"*" if opcode == TEXT else b"\xfe") * size
    assert side.send(side.frame(opcode, payload), chop) == [whole(opcode, payload)]


def test_1_section_5_1_who_masks_is_fixed(side):
    side.is_client = not side.is_client
    data = side.frame(TEXT, b"x")
    side.is_client = not side.is_client
    assert failed(side, data) == []


@pytest.mark.parametrize(("size", "form"), [(5, 126), (125, 126), (5, 127), (65535, 127)])
def test_1_section_5_2_the_shortest_length_is_used(side, size, form):
    head = struct.pack("!BB", 0x82, form | (0 if side.is_client else 128))
    head += struct.pack("!H" if form == 126 else "!Q", size)
    assert failed(side, head + bytes(0 if side.is_client else 4) + bytes(size)) == []


def test_1_section_5_2_a_length_has_63_bits(side):
    assert (
        failed(side, struct.pack("!BBQ", 0x82, 127 | (0 if side.is_client else 128), 1 << 63) + bytes(4))
        == []
    )


# --- 2: pings and pongs (sections 5.5.2, 5.5.3) --------------------------------------------------------------------


@pytest.mark.parametrize("chop", [0, 1])
@pytest.mark.parametrize(
    "payload", [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125]
)
def test_2_1_to_2_6_a_ping_is_answered_with_its_payload(side, payload, chop):
    assert side.send(side.frame(PING, payload), chop) == [whole(PONG, payload)]


def test_2_5_a_ping_of_126_bytes_is_none(side):
    assert failed(side, side.frame(PING, b"\xfe" * 126)) == []


def test_2_7_to_2_9_pongs_that_nobody_asked_for_are_passed_over(side):
    assert side.send(side.frame(PONG) + side.frame(PONG, b"unsolicited")) == []
    assert side.send(side.frame(PONG, b"unsolicited") + side.frame(PING, b"ours")) == [whole(PONG, b"ours")]


@pytest.mark.parametrize("chop", [0, 1])
def test_2_10_and_2_11_ten_pings_have_ten_answers_in_order(side, chop):
    pings = b"".join(side.frame(PING, b"payload-%d" % number) for number in range(10))
    assert side.send(pings, chop) == [whole(PONG, b"payload-%d" % number) for number in range(10)]


# --- 3: reserved bits (section 5.2), 4: opcodes (section 5.2) ------------------------------------------------------


@pytest.mark.parametrize("chop", [0, 1])
@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
def test_3_reserved_bits_are_refused_and_what_came_before_is_answered(side, opcode, rsv, chop):
    before = failed(
        side,
        side.frame(TEXT, b"before") + side.frame(opcode, b"\x03\xe8", rsv=rsv) + side.frame(PING, b"behind"),
        chop=chop,
    )
    assert before == [whole(TEXT, b"before")]


@pytest.mark.parametrize("payload", [b"", b"reserved"])
@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_4_opcodes_that_mean_nothing_are_refused(side, opcode, payload):
    before = failed(
        side, side.frame(TEXT, b"before") + side.frame(opcode, payload) + side.frame(PING, b"behind")
    )
    assert before == [whole(TEXT, b"before")]


# --- 5: fragmentation (section 5.4) --------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_5_1_and_5_2_control_frames_are_not_fragmented(side, opcode):
    assert failed(side, side.frame(opcode, b"frag", fin=False) + side.frame(MORE, b"ment")) == []


@pytest.mark.parametrize("chop", [0, 1])
@pytest.mark.parametrize("pings", [0, 1, 2])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_5_3_to_5_8_fragments_with_pings_between_them(side, opcode, pings, chop):
    between = b"".join(side.frame(PING, b"%d" % number) for number in range(pings))
    heard = side.send(
        side.frame(opcode, b"fragment1", fin=False) + between + side.frame(MORE, b"fragment2"), chop
    )
    assert heard == [whole(PONG, b"%d" % number) for number in range(pings)] + [
        whole(opcode, b"fragment1fragment2")
    ]


@pytest.mark.parametrize("chop", [0, 1])
@pytest.mark.parametrize("fin", [True, False])
def test_5_9_to_5_14_nothing_to_continue(side, fin, chop):
    data = side.frame(MORE, b"non-continuation payload", fin) + side.frame(TEXT, b"Hello")
    assert failed(side, data, chop=chop) == []


@pytest.mark.parametrize("fin", [True, False])
def test_5_15_nothing_to_continue_any_more(side, fin):
    data = side.frame(TEXT, b"fragment1", fin=False) + side.frame(MORE, b"fragment2")
    assert failed(side, data + side.frame(MORE, b"fragment3", fin)) == [whole(TEXT, b"fragment1fragment2")]


@pytest.mark.parametrize("fin", [True, False])
def test_5_16_and_5_17_a_message_does_not_begin_with_a_continuation(side, fin):
    pieces = side.frame(MORE, b"fragment1", fin) + side.frame(TEXT, b"fragment2", fin=False)
    assert failed(side, (pieces + side.frame(MORE, b"fragment3")) * 2) == []


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_5_18_a_message_within_a_message(side, opcode):
    assert failed(side, side.frame(TEXT, b"fragment1", fin=False) + side.frame(opcode, b"fragment2")) == []


@pytest.mark.parametrize("chop", [0, 1])
def test_5_19_and_5_20_pings_are_answered_before_the_message_is_whole(side, chop):
    first = side.frame(TEXT, b"1", fin=False) + side.frame(MORE, b"2", fin=False) + side.frame(PING, b"a")
    assert side.send(first, chop) == [whole(PONG, b"a")]
    rest = side.frame(MORE, b"3", fin=False) + side.frame(MORE, b"4", fin=False) + side.frame(PING, b"b")
    assert side.send(rest + side.frame(MORE, b"5"), chop) == [whole(PONG, b"b"), whole(TEXT, b"12345")]


# --- 6: UTF-8 (sections 5.6, 8.1) ----------------------------------------------------------------------------------


@pytest.mark.parametrize("middle", [b"", b"middle frame payload"])
def test_6_1_empty_frames_make_a_message(side, middle):
    assert side.send(side.frame(TEXT)) == [whole(TEXT)]
    pieces = side.frame(TEXT, fin=False) + side.frame(MORE, middle, fin=False) + side.frame(MORE)
    assert side.send(pieces) == [whole(TEXT, middle)]


VALID = [
    "Hello-µ@ßöäüàá-UTF-8!!".encode(),
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
    b"\x00",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xef\xbf\xbf",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbd",
    b"\xf0\x90\x80\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xef\xbf\xbe",
    *[code.to_bytes(4, "big") for code in (0xF09FBFBE, 0xF3BFBFBF, 0xF48FBFBE)],
]

INVALID = [
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65\x64\x69\x74\x65\x64",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    b"\xf7\xbf\xbf\xbf",
    b"\xfb\xbf\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\x80",
    b"\xbf",
    b"\x80\xbf\x80\xbf",
    bytes(range(0x80, 0xC0)),
    *[bytes([lead, 0x20]) for lead in range(0xC0, 0xFE)],
    b"\xe0\x80 ",
    b"\xf0\x80\x80 ",
    b"\xdf",
    b"\xef\xbf",
    b"\xf0\x9f\xbf",
    b"\xf7\xbf\xbf",
    b"\xfe",
    b"\xff",
    b"\xfe\xfe\xff\xff",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xed\xad\xbf",
    b"\xed\xae\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xed\xaf\xbf\xed\xbf\xbf",
]


@pytest.mark.parametrize("text", VALID, ids=lambda text: text.hex())
def test_6_2_text_however_it_is_cut(side, text):
    assert side.send(side.frame(TEXT, text)) == [whole(TEXT, text)]
    assert side.send(side.frame(TEXT, text), 1) == [whole(TEXT, text)]
    pieces = [text[at : at + 1] for at in range(len(text))]
    data = b"".join(
        side.frame(MORE if at else TEXT, piece, fin=at == len(text) - 1) for at, piece in enumerate(pieces)
    )
    assert side.send(data) == [whole(TEXT, text)]


@pytest.mark.parametrize("text", INVALID, ids=lambda text: text.hex()[:20])
@pytest.mark.parametrize("way", ["whole", "byte by byte", "a fragment for each byte"])
@pytest.mark.parametrize("name", ["server", "client"])
def test_6_3_what_is_no_text_however_it_is_cut(name, way, text):
    side = Side(name)
    if way == "whole":
        assert failed(side, side.frame(TEXT, text), NOT_UTF_8) == []
    elif way == "byte by byte":
        assert failed(side, side.frame(TEXT, text), NOT_UTF_8, chop=1) == []
    else:
        pieces = [side.frame(TEXT, fin=False)]
        pieces += [side.frame(MORE, text[at : at + 1], fin=at == len(text) - 1) for at in range(len(text))]
        assert failed(side, b"".join(pieces), NOT_UTF_8) == []


@pytest.mark.parametrize("wrong", [b"\xf4\x90", b"\xed\xa0\x80", b"\xff", b"\xc0", b"\xe0\x9f"])
def test_6_4_bad_text_is_refused_as_soon_as_it_is_seen(side, wrong):
    good = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
    # In a fragment of its own, others to come; and within a frame of which most is to come.
    assert side.send(side.frame(TEXT, good, fin=False)) == []
    assert failed(side, side.frame(MORE, wrong, fin=False), NOT_UTF_8) == []


@pytest.mark.parametrize("wrong", [b"\xf4\x90", b"\xed\xa0\x80", b"\xff", b"\xc0", b"\xe0\x9f"])
def test_6_4_also_before_its_frame_is_whole(side, wrong):
    good = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
    data = side.frame(TEXT, good + wrong + b"x" * 20)
    so_far = len(data) - 20
    assert side.send(data[: so_far - len(wrong)], 1) == []
    assert failed(side, data[so_far - len(wrong) : so_far], NOT_UTF_8, chop=1) == []


# --- 7: closing (sections 5.5.1, 7) --------------------------------------------------------------------------------


def closing(side: Side, code: int, reason: bytes = b"") -> bytes:
    return side.frame(CLOSE, struct.pack("!H", code) + reason)


def test_7_1_1_a_message_and_the_end(side):
    heard = side.send(side.frame(TEXT, b"Hello World!") + closing(side, 1000))
    assert heard[0] == whole(TEXT, b"Hello World!") and len(heard) == 2 and closed(heard, side) == 1000


@pytest.mark.parametrize("late", ["close", "ping", "text", "continuation"])
def test_7_1_2_to_7_1_6_what_comes_after_the_end_is_not_looked_at(side, late):
    frames = {
        "close": closing(side, 1000),
        "ping": side.frame(PING, b"x"),
        "text": side.frame(TEXT, b"x"),
        "continuation": side.frame(MORE, b"x"),
    }
    first = side.frame(TEXT, b"begun", fin=False) if late == "continuation" else b""
    heard = side.send(first + closing(side, 1000) + frames[late])
    assert len(heard) == 1 and closed(heard, side) == 1000
    assert side.send(frames[late]) == [] and not [told for told in side.told if told != "started"]


def test_7_3_1_a_close_without_a_code(side):
    heard = side.send(side.frame(CLOSE))
    assert len(heard) == 1 and heard[0][2] == CLOSE and side.is_over
    assert heard[0][3][:2] in (b"", struct.pack("!H", 1000))  # 1005 is never said


def test_7_3_2_half_a_code(side):
    assert failed(side, side.frame(CLOSE, b"a")) == []


@pytest.mark.parametrize("reason", [b"", b"Hello World!", b"*" * 123])
def test_7_3_3_to_7_3_5_codes_and_reasons(side, reason):
    assert closed(side.send(closing(side, 1000, reason)), side) == 1000
    transport = side.program.transport
    assert (transport.close_code, transport.close_reason) == (1000, reason.decode())


def test_7_3_6_a_reason_too_long(side):
    assert failed(side, closing(side, 1000, b"*" * 124)) == []


def test_7_5_1_a_reason_that_is_no_text(side):
    assert failed(side, closing(side, 1000, b"\xce\xba\xed\xa0\x80edited"), NOT_UTF_8) == []


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
)
def test_7_7_codes_that_may_be_said(side, code):
    assert closed(side.send(closing(side, code)), side) == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535])
def test_7_9_and_7_13_codes_that_may_not_be_said(side, code):
    assert failed(side, closing(side, code)) == []


# --- 9: limits and sizes, 10: many fragments -----------------------------------------------------------------------


@pytest.mark.parametrize("size", [1 << 16, 1 << 18, 1 << 19])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_9_1_and_9_2_large_messages(side, opcode, size):
    assert side.send(side.frame(opcode, b"*" * size)) == [whole(opcode, b"*" * size)]


@pytest.mark.parametrize("piece", [64, 1024, 1 << 16])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_9_3_and_9_4_large_messages_in_fragments(side, opcode, piece):
    size = 1 << 17
    data = b"".join(
        side.frame(MORE if at else opcode, b"*" * piece, fin=at + piece >= size)
        for at in range(0, size, piece)
    )
    assert side.send(data, 1500) == [whole(opcode, b"*" * size)]


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_9_7_and_9_8_very_many_messages(side, opcode):
    for size in (0, 16, 256):
        assert side.send(side.frame(opcode, b"*" * size) * 200) == [whole(opcode, b"*" * size)] * 200


@pytest.mark.parametrize("name", ["server", "client"])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_9_what_is_too_large_is_refused_when_it_is_there(name, opcode):
    side = Side(name, max_message_bytes=1000)
    assert side.send(side.frame(opcode, b"*" * 1000)) == [whole(opcode, b"*" * 1000)]
    assert failed(side, side.frame(opcode, b"*" * 1001), TOO_BIG) == []


def test_10_1_a_message_in_frames_of_1300_bytes(side):
    pieces = [b"*" * 1300] * 50 + [b"*" * 536]
    data = b"".join(side.frame(MORE if at else TEXT, piece, fin=at == 50) for at, piece in enumerate(pieces))
    assert side.send(data) == [whole(TEXT, b"*" * 65536)]
