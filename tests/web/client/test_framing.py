"""The reader of responses, by raw bytes: what it tells of, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from selvage.web.client import HeadTooLarge, ParseError
from selvage.web.client._framing import (
    DONE,
    FIELD_LIMIT,
    HEAD_LIMIT_BYTES,
    INFORMATIONAL_LIMIT,
    TRAILER_LIMIT_BYTES,
    ResponseReader,
)
from tests.work import bytes_allocated, calls_made

from .sinks import Sink

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(*segments: bytes, bodiless: bool = False) -> Sink:
    sink = Sink()
    reader = ResponseReader(sink, bodiless)
    for segment in segments:
        reader.receive_data(segment)
    sink.reader = reader
    return sink


def refused(*segments: bytes, bodiless: bool = False) -> ParseError:
    with pytest.raises(ParseError) as caught:
        read(*segments, bodiless=bodiless)
    return caught.value


# --- What is read ----------------------------------------------------------------------------------------------------


def test_a_body_with_a_length():
    sink = read(OK + b"Content-Length: 3\r\nX: y\r\n\r\nabc")
    assert sink.code == 200
    assert sink.phrase == b"OK"
    assert sink.version == (b"HTTP", 1, 1)
    assert sink.fields == [(b"Content-Length", b"3"), (b"X", b"y")]
    assert (sink.length, sink.body, sink.rest) == (3, b"abc", b"")
    assert sink.reader.reusable


def test_a_body_in_chunks_with_trailers():
    sink = read(CHUNKED + b'3;a="b c"\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n')
    assert (sink.length, sink.body, sink.rest) == (None, b"abcde", b"")
    assert sink.reader.trailers == [(b"X-Sum", b"5")]
    assert sink.reader.reusable


def test_a_body_that_lasts_until_the_end():
    sink = read(OK + b"\r\nab", b"c")
    assert (sink.length, sink.body, sink.rest) == (None, b"abc", None)
    assert sink.reader.receive_eof() is None
    assert not sink.reader.reusable


@pytest.mark.parametrize("head", [b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\n\r\n"])
def test_answers_that_never_have_a_body(head):
    sink = read(head)
    assert (sink.length, sink.body, sink.rest) == (0, b"", b"")


@pytest.mark.parametrize("header", [b"Content-Length: 10\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_the_answer_to_head_has_no_body_whatever_it_says(header):
    sink = read(OK + header + b"\r\n", bodiless=True)
    assert (sink.length, sink.rest) == (0, b"")
    assert sink.reader.reusable


def test_informational_answers_come_before_the_final_one():
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    sink = read(b"HTTP/1.1 100 Continue\r\n\r\n" + hints + OK + b"Content-Length: 0\r\n\r\n")
    assert sink.informational == [(100, []), (103, [(b"Link", b"</a>")])]
    assert (sink.code, sink.rest) == (200, b"")


@pytest.mark.parametrize("line", [b"HTTP/1.1 200\r\n", b"HTTP/1.1 200 \r\n"])
def test_a_phrase_may_be_absent(line):
    assert read(line + b"Content-Length: 0\r\n\r\n").phrase == b""


@pytest.mark.parametrize(
    ("version", "connection", "reusable"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: close\r\n", False),
        (b"1.1", b"Connection: foo, Close\r\n", False),
        (b"1.1", b"Connection: keep-alive\r\nConnection: close\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive\r\n", True),
    ],
)
def test_whether_the_connection_stays_open(version, connection, reusable):
    sink = read(b"HTTP/" + version + b" 200 OK\r\nContent-Length: 0\r\n" + connection + b"\r\n")
    assert sink.reader.reusable is reusable


@pytest.mark.parametrize(
    ("segments", "whole"),
    [
        ([b""], False),
        ([OK], False),
        ([OK + b"Content-Length: 3\r\n\r\nab"], False),
        ([OK + b"Content-Length: 3\r\n\r\nabc"], True),
        ([CHUNKED + b"3\r\nabc\r\n"], False),
        ([CHUNKED + b"3\r\nabc\r\n0\r\n"], False),
        ([CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"], True),
        ([OK + b"\r\nabc"], None),
    ],
)
def test_what_the_end_of_the_connection_means(segments, whole):
    assert read(*segments).reader.receive_eof() is whole


# --- Cuts ------------------------------------------------------------------------------------------------------------

RESPONSES = [
    OK + b"Content-Length: 5\r\nX: y\r\n\r\nhello",
    CHUNKED + b"3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\nC: d\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 404 Not Found\r\nX: y\r\n\r\nuntil the end",
    b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
]


@pytest.mark.parametrize("response", RESPONSES)
@given(data=st.data())
def test_every_cut_of_the_same_bytes_tells_the_same(response, data):
    cuts = sorted(data.draw(st.lists(st.integers(1, len(response) - 1), unique=True, max_size=12)))
    segments = [response[a:b] for a, b in zip([0, *cuts], [*cuts, len(response)])]
    assert read(*segments).told() == read(response).told()


@pytest.mark.parametrize("response", RESPONSES)
def test_byte_by_byte_tells_the_same(response):
    assert read(*[bytes([octet]) for octet in response]).told() == read(response).told()


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=20), st.booleans())
def test_whatever_comes_is_read_or_refused_with_the_one_error(segments, with_head):
    try:
        read(*([CHUNKED] if with_head else [OK]), *segments)
    except ParseError:
        pass


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), max_size=10))
def test_any_body_comes_out_of_chunks_as_it_went_in(body, sizes):
    chunks, left = [], body
    for size in sizes:
        piece, left = left[:size], left[size:]
        if piece:
            chunks.append(b"%x\r\n%b\r\n" % (len(piece), piece))
    if left:
        chunks.append(b"%X\r\n%b\r\n" % (len(left), left))
    sink = read(CHUNKED + b"".join(chunks) + b"0\r\n\r\n")
    assert (sink.body, sink.rest) == (body, b"")


# --- Attacks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lengths", [b"Content-Length: 3\r\nContent-Length: 0\r\n", b"Content-Length: 3\r\nContent-Length: 3\r\n"]
)
def test_attack_001_two_lengths(lengths):
    refused(OK + lengths + b"\r\nabc")


@pytest.mark.parametrize("first", [b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"])
def test_attack_002_a_length_beside_chunks(first):
    refused(OK + first + b"\r\n0\r\n\r\n")
    refused(OK + b"".join(reversed(first.splitlines(keepends=True))) + b"\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "coding",
    [b"gzip", b"gzip, chunked", b"identity", b"chunked;q=1", b"xchunked", b"chunked\t,", b"\x0bchunked"],
)
def test_attack_003_unknown_transfer_encodings(coding):
    refused(OK + b"Transfer-Encoding: " + coding + b"\r\n\r\n0\r\n\r\n")


@pytest.mark.parametrize("length", [b"+1", b"-1", b"0x1", b"1_0", b"1 0", b"", b"1,1", b"\xb2", b"9" * 40])
def test_attack_004_lengths_that_are_no_numbers(length):
    refused(OK + b"Content-Length: " + length + b"\r\n\r\na")


@pytest.mark.parametrize(
    "chunk",
    [b"0x1\r\na\r\n", b"+1\r\na\r\n", b"1 \r\na\r\n", b" 1\r\na\r\n", b"g\r\n", b"\r\n", b"f" * 17 + b"\r\n"],
)
def test_attack_004_chunk_sizes_that_are_no_numbers(chunk):
    refused(CHUNKED + chunk)


@pytest.mark.parametrize("value", [b"a\rb", b"a\nb", b"a\r", b"a\n"])
def test_attack_005_bare_line_ends_in_a_value(value):
    refused(OK + b"X: " + value + b"\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("name", [b"A b", b"A ", b" A", b"", b"A\0", b"A\x7f", b"A\xe9", b"A(", b"A/b"])
def test_attack_007_names_that_are_none(name):
    refused(OK + name + b": x\r\n\r\n")


def test_attack_011_carriage_returns_alone_end_no_line():
    refused(b"HTTP/1.1 200 OK\rContent-Length: 0\r\r" + b"\n")


@pytest.mark.parametrize("extension", [b";a=b\nc", b";a=b\rc", b";\0", b";a=\x01"])
def test_attack_013_line_ends_in_chunk_extensions(extension):
    refused(CHUNKED + b"1" + extension + b"\r\na\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "trailer",
    [
        b"transfer-encoding: chunked",
        b"Set-Cookie: a=b",
        b"Host: x",
        b"CONNECTION: close",
    ],
)
def test_attack_014_030_forbidden_trailers_are_dropped(trailer):
    sink = read(CHUNKED + b"0\r\n" + trailer + b"\r\nX: y\r\n\r\n")
    assert sink.reader.trailers == [(b"X", b"y")]
    assert sink.fields == [(b"Transfer-Encoding", b"chunked")]  # none of them is merged
    assert sink.reader.reusable


@pytest.mark.parametrize("trailer", [b"Content-Length: 5", b"X : y", b"X: a\nb", b"X: a\0b", b"X: y\r\n z"])
def test_attack_014_trailers_are_held_to_the_rules_of_headers(trailer):
    refused(CHUNKED + b"0\r\n" + trailer + b"\r\n\r\n")


def test_attack_015_digits_of_other_scripts():
    refused("HTTP/1.1 ٢٠٠ OK\r\n\r\n".encode())
    refused(OK + "Content-Length: ３\r\n\r\nabc".encode())


@pytest.mark.parametrize("octet", [0, 1, 8, 11, 27, 31, 127])
def test_attack_017_083_control_bytes_in_values_and_phrases(octet):
    refused(OK + b"X: a%cb\r\n\r\n" % octet)
    refused(b"HTTP/1.1 200 O%cK\r\n\r\n" % octet)


def test_attack_018_chunked_twice():
    refused(OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")
    refused(OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


def test_attack_019_bare_line_feeds_are_refused_where_they_are_seen():
    error = refused(b"HTTP/1.1 200 OK\nX: y\n\nsecret")
    assert b"secret" not in error.data
    assert "secret" not in str(error)
    error = refused(OK + b"Set-Cookie: secret\n\n")
    assert "secret" not in str(error) + repr(error)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"xx", b"\n\r", b"\r\r"])
def test_attack_020_what_ends_a_chunk_is_exactly_a_line_end(end):
    refused(CHUNKED + b"1\r\na" + end + b"0\r\n\r\n")


@pytest.mark.parametrize("cut", range(1, 6))
def test_attack_023_a_chunked_body_without_its_last_octets_is_not_whole(cut):
    response = CHUNKED + b"1\r\na\r\n0\r\n\r\n"
    assert read(response[:-cut]).reader.receive_eof() is False


def test_attack_025_chunks_in_http_1_0():
    refused(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/0.9 200 OK",
        b"HTTP/2.0 200 OK",
        b"HTTP/2 200 OK",
        b"HTTP/1.2 200 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1\t200 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 099 OK",
        b"HTTP/1.1 +20 OK",
        b"http/1.1 200 OK",
        b"ICY 200 OK",
        b" HTTP/1.1 200 OK",
        b"",
        b"<html>",
    ],
)
def test_attack_028_status_lines_that_are_none(line):
    error = refused(line + b"\r\n\r\n")
    assert error.data == line


def test_attack_045_headers_without_end():
    assert refused(OK + b"X: " + b"y" * HEAD_LIMIT_BYTES).limit == HEAD_LIMIT_BYTES
    many = b"X: y\r\n" * (FIELD_LIMIT + 1)
    assert refused(OK + many + b"\r\n").limit == FIELD_LIMIT
    assert refused(*[b"x" * 1000] * 100).reason.startswith("this is no status line")


def test_attack_045_headers_without_end_cut_into_segments():
    error = refused(OK, *[b"X-%d: y\r\n" % n for n in range(FIELD_LIMIT + 1)], b"\r\n")
    assert isinstance(error, HeadTooLarge)
    error = refused(OK, *[b"X: "], *[b"y" * 100] * (HEAD_LIMIT_BYTES // 100 + 20))
    assert (error.what, error.limit) == ("header", HEAD_LIMIT_BYTES)


def test_attack_045_trailers_without_end():
    error = refused(CHUNKED, b"0\r\n", *[b"X: y\r\n" * 50] * (FIELD_LIMIT // 50 + 1))
    assert error.limit == FIELD_LIMIT
    error = refused(CHUNKED, b"0\r\nX: ", *[b"y" * 1000] * (HEAD_LIMIT_BYTES // 1000 + 1))
    assert (error.what, error.limit) == ("chunk sizes and trailers", TRAILER_LIMIT_BYTES)


def test_attack_045_chunk_extensions_without_end():
    error = refused(CHUNKED, b"1;a=", *[b"y" * 1000] * (TRAILER_LIMIT_BYTES // 1000 + 1))
    assert error.limit == TRAILER_LIMIT_BYTES


def test_a_flood_of_informational_answers():
    error = refused(b"HTTP/1.1 100 Continue\r\n\r\n" * (INFORMATIONAL_LIMIT + 1))
    assert error.limit == INFORMATIONAL_LIMIT


def test_a_switch_of_protocols_that_nobody_asked_for():
    error = refused(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc")
    assert "nobody asked for" in error.reason


def test_attack_047_tiny_chunks_are_handed_on_in_one_piece():
    sink = read(CHUNKED + b"1\r\na\r\n" * 1000 + b"0\r\n\r\n")
    assert sink.pieces == [b"a" * 1000]


def test_attack_050_many_equal_headers_cost_in_proportion():
    def work(count: int) -> int:
        return calls_made(lambda: read(OK + b"X: y\r\n" * count + b"Content-Length: 0\r\n\r\n"))

    assert work(400) < work(100) * 5


def test_a_header_cut_into_octets_costs_in_proportion():
    def taken(size: int) -> int:
        reader = ResponseReader(Sink())
        reader.receive_data(OK + b"X: ")
        return bytes_allocated([lambda: reader.receive_data(b"x")] * size)

    assert taken(8000) < taken(2000) * 5


@pytest.mark.parametrize("extra", [b"x", b"\r\n", b"\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"])
@pytest.mark.parametrize(
    "response",
    [
        OK + b"Content-Length: 3\r\n\r\nabc",
        CHUNKED + b"3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc\r\n0\r\nX: y\r\n\r\n",
    ],
)
def test_attack_082_octets_behind_the_body(response, extra):
    sink = read(response + extra)
    assert sink.body == b"abc"
    assert sink.rest
    assert sink.reader.state == DONE


@pytest.mark.parametrize("cut", range(1, 12))
def test_attack_082_octets_behind_chunks_in_another_segment(cut):
    response = CHUNKED + b"3\r\nabc\r\n0\r\n\r\n\r\n"
    sink = read(response[:-cut], response[-cut:]) if cut > 2 else None
    if sink is not None:
        assert (sink.body, bool(sink.rest)) == (b"abc", True)
    else:
        refused(response[:-cut], response[-cut:])


def test_attack_082_a_second_response_adds_nothing_to_the_body():
    sink = read(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + OK + b"Content-Length: 4\r\n\r\nevil")
    assert sink.body == b"abc"
    assert sink.rest


@pytest.mark.parametrize("extra", [b"x", b"\r\n"])
def test_attack_082_octets_behind_a_head(extra):
    assert read(OK + b"Content-Length: 3\r\n\r\n" + extra, bodiless=True).rest == extra
