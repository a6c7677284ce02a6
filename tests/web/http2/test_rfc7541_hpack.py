"""What RFC 7541 says of header blocks, section by section, in the order of h2spec: raw blocks in, raw frames out."""

from __future__ import annotations

import pytest

from tests.web.http2.peer import (
    COMPRESSION_ERROR,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    GET,
    HEADERS,
    Peer,
    frame,
    goaway,
    settings,
)
from tests.web.serving import Seen

# :method GET, :scheme http, :path /, of the static table; and an authority that is kept by nobody.
PLAIN = b"\x82\x86\x84\x01\x01a"


def ask(block: bytes, stream: int = 1) -> bytes:
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, block)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(PLAIN + b"\xc6", id="2.3.3 an index beyond the tables"),
        pytest.param(PLAIN + b"\x7f\x07\x01a", id="2.3.3 a name with an index beyond the tables"),
        pytest.param(PLAIN + b"\x20", id="4.2 a change of the table's size behind a field"),
        pytest.param(PLAIN + b"\xff" * 11 + b"\x01", id="5.1 an integer without end"),
        pytest.param(PLAIN + b"\x00\x05abc", id="5.2 a name that is cut off"),
        pytest.param(PLAIN + b"\x00\x01a\x7f", id="5.2 a length that is cut off"),
        pytest.param(PLAIN + b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff", id="5.2 more than 7 bits of padding"),
        pytest.param(PLAIN + b"\x00\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90", id="5.2 padding of zeros"),
        pytest.param(PLAIN + b"\x00\x85\xf2\xb2\x4a\x84\xff\x87\x49\x51\xff\xff\xff\xfa\x7f", id="5.2 EOS within a string"),
        pytest.param(PLAIN + b"\x80", id="6.1 index 0"),
        pytest.param(b"\x3f\xe2\x1f" + PLAIN, id="6.3 a table larger than was offered"),
        pytest.param(b"\x3f" + b"\xff" * 4 + b"\x07" + PLAIN, id="6.3 a table of gigabytes"),
    ],
)  # fmt: skip
def test_what_is_no_header_block_ends_the_connection(block):
    """RFC 9113 section 4.3: after that neither side knows what is in the table of the other."""
    peer = Peer()
    assert goaway(peer.send(ask(block))) == [COMPRESSION_ERROR]
    assert peer.closing and peer.seen == []


@pytest.mark.parametrize(
    "field",
    [
        pytest.param(b"\x90", id="6.1 indexed"),
        pytest.param(b"\x53\x03abc", id="6.2.1 with indexing, an indexed name"),
        pytest.param(b"\x40\x01x\x01y", id="6.2.1 with indexing, a new name"),
        pytest.param(b"\x00\x01x\x01y", id="6.2.2 without indexing"),
        pytest.param(b"\x10\x01x\x01y", id="6.2.3 never indexed"),
        pytest.param(b"\x00\x81\xf3\x81\xf5", id="5.2 in Huffman's code"),
        pytest.param(b"\x00\x01x\x00", id="5.2 an empty string"),
    ],
)
def test_every_form_of_a_field_is_read(field):
    peer = Peer()
    assert peer.answers(peer.send(ask(PLAIN + field))) == [(200, b"fine")]


def test_2_3_2_what_was_kept_is_there_for_the_next_request():
    peer = Peer()
    peer.send(ask(PLAIN + b"\x40\x01x\x03abc"))
    peer.send(ask(PLAIN + b"\xbe", 3))
    assert peer.server.resource.last.getHeader(b"x") == b"abc"
    # Section 4.4: a size of 0 forgets it.
    assert goaway(peer.send(ask(b"\x20" + PLAIN + b"\xbe", 5))) == [COMPRESSION_ERROR]


def test_4_2_the_size_of_the_table_may_change_before_the_fields():
    peer = Peer()
    assert peer.answers(peer.send(ask(b"\x20\x3f\xe1\x1f" + PLAIN))) == [(200, b"fine")]


def test_attack_062_a_bomb_of_what_is_in_the_table():
    """CVE-2016-6581: a field is sent once, then each use costs a byte."""
    peer = Peer()
    large = b"\x40\x01x\x7f\xb1\x16" + b"y" * 3000
    assert goaway(peer.send(ask(PLAIN + large + b"\xbe" * 10_000))) == [ENHANCE_YOUR_CALM]
    assert peer.seen == []


@pytest.mark.parametrize("offered", [4097, 1 << 20, 2**32 - 1])
def test_attack_062_the_client_does_not_say_how_much_is_remembered_of_answers(offered):
    """It may offer 4 GiB of table, and ask for answers that repeat what it sends."""

    def repeat(request):
        request.setHeader(b"x-path", request.uri)
        return b""

    peer = Peer(Seen(repeat))
    peer.send(settings((1, offered)))
    peer.decoder.max_allowed_table_size = offered
    for number in range(30):
        path = b"/%d" % number + b"y" * 2000
        stream = 1 + 2 * number
        assert peer.answers(peer.send(peer.headers(stream, [*GET[:2], (b":path", path), GET[3]])), stream)
    encoder = peer.server.protocol._channel.conn.encoder
    assert encoder.header_table_size == 4096
    assert sum(len(name) + len(value) for name, value in encoder.header_table.dynamic_entries) <= 4096


def test_a_client_may_want_less_to_be_remembered():
    peer = Peer()
    peer.send(settings((1, 0)))
    assert peer.answers(peer.send(peer.headers(1))) == [(200, b"fine")]
    assert not peer.server.protocol._channel.conn.encoder.header_table.dynamic_entries
