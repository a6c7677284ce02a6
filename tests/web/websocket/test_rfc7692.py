"""Compressed messages, as Autobahn's suite has them in its parts 12 and 13, from RFC 7692: at a server and at a client."""

from __future__ import annotations

import json
import zlib

import pytest

from tests.web.serving import head
from tests.web.websocket.peer import BINARY, CLOSE, MORE, PING, PONG, TEXT, deflated
from tests.web.websocket.sides import Side
from tests.web.websocket.test_rfc6455 import NOT_UTF_8, PROTOCOL_ERROR, TOO_BIG, failed

#: What is compressed well, and what is not.
TEXTS = [json.dumps([{"name": "Selvage", "number": number} for number in range(300)]).encode(), b"*"]
NOISE = b"".join(zlib.crc32(at.to_bytes(2, "big")).to_bytes(4, "big") for at in range(4096))

NAMES = pytest.mark.parametrize("name", ["server", "client"])


@NAMES
@pytest.mark.parametrize("size", [0, 16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("chop", [0, 1000])
def test_12_compressed_messages_of_every_size(name, opcode, size, chop):
    side = Side(name, b"")
    content = (TEXTS[0] * (size // len(TEXTS[0]) + 1))[:size] if opcode == TEXT else (NOISE * 9)[:size]
    for _ in range(3):
        (heard,) = side.send(side.packed(opcode, content), chop)
        assert heard[2] == opcode and side.inflated(heard) == content


@NAMES
@pytest.mark.parametrize("piece", [1, 17, 1000])
def test_12_compressed_messages_in_fragments(name, piece):
    """RFC 7692 section 6.1: only the first frame has the bit, and it is the message that is compressed."""
    side = Side(name, b"")
    packed = deflated(TEXTS[0])
    data = b"".join(
        side.frame(MORE if at else TEXT, packed[at : at + piece], at + piece >= len(packed), 0 if at else 4)
        + side.frame(PING, b"%d" % at)
        for at in range(0, len(packed), piece)
    )
    heard = side.send(data)
    messages = [each for each in heard if each[2] != PONG]
    assert [side.inflated(message) for message in messages] == [TEXTS[0]]


@NAMES
def test_12_the_window_is_kept_between_messages_or_not(name):
    """RFC 7692 section 7.1.1: what the peer may refer to is what was agreed on."""
    forgets = b"; client_no_context_takeover" if name == "server" else b"; server_no_context_takeover"
    side = Side(name, forgets)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    first, second = [(deflate.compress(TEXTS[0]) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4] for _ in range(2)]
    assert len(second) < len(first) / 4
    side.send(side.frame(TEXT, first, rsv=4))
    assert side.told == [TEXTS[0].decode()]
    failed(side, side.frame(TEXT, second, rsv=4), NOT_UTF_8)


def test_12_a_server_answers_with_what_was_asked_of_it():
    """RFC 7692 section 7.1: each parameter bounds what this side sends."""
    for offer, bits, forgets in (
        (b"; server_no_context_takeover", 15, True),
        (b"; server_max_window_bits=9", 9, False),
        (b"; server_no_context_takeover; server_max_window_bits=10", 10, True),
    ):
        side = Side("server", offer)
        assert offer in head(side.greeting)[b"sec-websocket-extensions"]
        for _ in range(3):
            (heard,) = side.send(side.packed(TEXT, TEXTS[0]))
            assert side.inflated(heard, forgets, bits) == TEXTS[0]


def test_12_a_client_keeps_to_what_is_answered():
    side = Side("client", b"; client_no_context_takeover")
    for _ in range(3):
        (heard,) = side.send(side.packed(TEXT, TEXTS[0]))
        assert side.inflated(heard, forgets=True) == TEXTS[0]


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        (b"permessage-deflate", b"permessage-deflate; client_no_context_takeover"),
        (b"permessage-deflate; client_max_window_bits", b"permessage-deflate; client_no_context_takeover"),
        (b"permessage-deflate; client_max_window_bits=8, permessage-deflate", b"permessage-deflate; client_no_context_takeover"),
        (b"x-other, permessage-deflate", b"permessage-deflate; client_no_context_takeover"),
        (b"permessage-deflate; server_max_window_bits=8", None),
        (b"permessage-deflate; server_max_window_bits=010", None),
        (b"permessage-deflate; client_max_window_bits=16", None),
        (b"permessage-deflate; x", None),
        (b"permessage-bzip2", None),
    ],
)  # fmt: skip
def test_13_offers(offer, agreed):
    """RFC 7692 section 5.1: an offer that cannot be served is declined, the next one is looked at."""
    side = Side("server")
    server = side._end.__class__(program=side.program)
    assert (
        head(server.shake_hands(b"Sec-WebSocket-Extensions: " + offer)).get(b"sec-websocket-extensions")
        == agreed
    )


@NAMES
@pytest.mark.parametrize(("opcode", "rsv"), [(TEXT, 4), (BINARY, 4), (TEXT, 2), (PING, 4), (CLOSE, 4)])
def test_13_attack_068_compressed_frames_where_nothing_was_agreed_on(name, opcode, rsv):
    side = Side(name)
    assert failed(side, side.frame(opcode, deflated(b"hello"), rsv=rsv), PROTOCOL_ERROR) == []


@NAMES
@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE, MORE])
def test_13_attack_068_only_messages_are_compressed(name, opcode):
    """RFC 7692 section 6.1: the bit is that of the first frame of a message."""
    side = Side(name, b"")
    first = side.frame(TEXT, deflated(b"hello")[:2], False, 4) if opcode == MORE else b""
    assert failed(side, first + side.frame(opcode, deflated(b"hello")[2:], rsv=4), PROTOCOL_ERROR) == []


@NAMES
def test_13_what_is_not_compressed_after_all(name):
    side = Side(name, b"")
    assert side.send(side.frame(TEXT, b"plain"))[0][2] == TEXT and side.told == ["plain"]
    failed(side, side.frame(BINARY, b"\xff" * 20, rsv=4), NOT_UTF_8)


@NAMES
def test_13_compressed_text_that_is_none(name):
    side = Side(name, b"")
    assert failed(side, side.packed(TEXT, b"ok \xed\xa0\x80"), NOT_UTF_8) == []


@NAMES
def test_13_attack_067_a_bomb(name):
    side = Side(name, b"", max_message_bytes=100_000)
    bomb = deflated(bytes(10_000_000))
    assert len(bomb) < 20_000
    assert failed(side, side.frame(BINARY, bomb, rsv=4), TOO_BIG) == []


@NAMES
def test_13_a_message_of_several_blocks_and_one_that_ends_its_stream(name):
    """RFC 7692 section 7.2.3: any blocks of DEFLATE may be used, the last of all included."""
    side = Side(name, b"")
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    blocks = deflate.compress(b"hello ") + deflate.flush(zlib.Z_FULL_FLUSH) + deflate.compress(b"world")
    blocks += deflate.flush(zlib.Z_SYNC_FLUSH)
    side.send(side.frame(TEXT, blocks[:-4], rsv=4))
    final = zlib.compressobj(9, zlib.DEFLATED, -15)
    last = final.compress(b"the end") + final.flush() + b"\0"
    side.send(side.frame(TEXT, last, rsv=4))
    stored = b"\x00\x05\x00\xfa\xffHello\x00"
    side.send(side.frame(TEXT, stored, rsv=4))
    assert side.told == ["hello world", "the end", "Hello"]


@NAMES
@pytest.mark.parametrize("ends", [True, False])
def test_13_attack_067_what_comes_after_the_last_block_is_not_kept(name, ends):
    """zlib keeps it, however much that is, and none of it counts as part of the message."""
    side = Side(name, b"")
    final = zlib.compressobj(9, zlib.DEFLATED, -15)
    last = final.compress(b"the end") + final.flush() + b"\0"
    failed(side, side.frame(TEXT, last, False, 4) + side.frame(MORE, b"and more", ends), NOT_UTF_8)
