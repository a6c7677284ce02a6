"""Compressed bodies: every encoding, every cut, and those that are made to explode."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given, strategies as st

from selvage.failure import Failure
from selvage.web.client import (
    BodyTooLarge,
    ContentDecoderAgent,
    ContentDecodingError,
    GzipDecoder,
    ResponseDone,
    ResponseFailed,
    readBody,
)
from selvage.web.client._codecs import CODECS, available
from selvage.web.client._decoding import _FREE_BYTES, _RATIO, _STEP_BYTES, DECODERS

from .fakes import FakeAgent
from .sinks import Body


def raw_deflate(data):
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


COMPRESS = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": brotli.compress,
    b"zstd": zstd.compress,
}
FORMS = [*COMPRESS.items(), (b"deflate", raw_deflate)]
TEXT = b"The quick brown fox jumps over the lazy dog. " * 200


def answered(encoding, agent=None):
    fake = FakeAgent() if agent is None else agent
    results = []
    ContentDecoderAgent(fake, list(DECODERS.items())).request(b"GET", b"http://h/").addBoth(results.append)
    original = fake.answer(200, content_encoding=encoding)
    return fake, original, results[0]


def test_the_names_to_ask_for():
    assert available() == [b"zstd", b"br", b"gzip", b"deflate"]


@pytest.mark.parametrize(("encoding", "compress"), FORMS)
@given(data=st.data())
def test_every_cut_of_every_encoding(encoding, compress, data):
    body = data.draw(st.binary(max_size=200)) * data.draw(st.sampled_from([1, 1000]))
    compressed = compress(body)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(compressed)), max_size=6)))
    codec = CODECS[encoding]()
    out = []
    for start, end in zip([0, *cuts], [*cuts, len(compressed)]):
        if start < end:
            codec.feed(compressed[start:end])
        while piece := codec.step(100):
            out.append(piece)
    assert b"".join(out) == body
    assert codec.finished


@pytest.mark.parametrize(("encoding", "compress"), FORMS)
def test_a_step_is_bounded(encoding, compress):
    codec = CODECS[encoding]()
    codec.feed(compress(b"x" * 1_000_000))
    assert 0 < len(codec.step(1000)) <= 70_000  # brotli hands out what it has decoded, a window at the most


@pytest.mark.parametrize("encoding", COMPRESS)
@given(st.binary(min_size=1, max_size=200))
def test_whatever_comes_is_decoded_or_refused_with_the_one_error(encoding, data):
    codec = CODECS[encoding]()
    codec.feed(data)
    try:
        while codec.step(1000):
            pass
    except ContentDecodingError:
        pass


def test_members_of_gzip_follow_one_another():
    codec = CODECS[b"gzip"]()
    codec.feed(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0")
    assert codec.step(100) + codec.step(100) + codec.step(100) == b"ab"
    assert codec.finished


@given(st.data())
def test_every_cut_of_members_of_gzip(data):
    compressed = (
        gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0\0" + gzip.compress(b"c") + b"\0" + b"\x1fx"
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(compressed)), max_size=4)))
    codec = CODECS[b"gzip"]()
    out = b""
    for start, end in zip([0, *cuts], [*cuts, len(compressed)]):
        codec.feed(compressed[start:end])
        while piece := codec.step(100):
            out += piece
    assert out == b"abc"
    assert codec.finished


@pytest.mark.parametrize(("encoding", "compress"), [form for form in FORMS if form[0] != b"zstd"])
def test_attack_077_what_follows_the_end_is_not_kept(encoding, compress):
    codec = CODECS[encoding]()
    codec.feed(compress(b"a"))
    while codec.step(100):
        pass
    for _ in range(100):
        codec.feed(b"x" * 1000)
        assert codec.step(100) == b""
    assert codec.finished
    assert len(codec._input) <= 1


@pytest.mark.parametrize(("encoding", "compress"), FORMS)
def test_a_body_is_decompressed(encoding, compress):
    fake, original, response = answered(encoding)
    assert response.headers.getRawHeaders(b"content-encoding") is None
    read = []
    readBody(response).addBoth(read.append)
    data = compress(TEXT)
    for octet in data:
        original._bodyDataReceived(bytes([octet]))
    original._bodyDataFinished()
    assert read == [TEXT]
    assert fake.requests[0][2].getRawHeaders(b"accept-encoding") == [b"gzip,x-gzip,deflate,br,zstd"]


def test_the_name_of_an_encoding_may_be_in_capitals():
    _, original, response = answered(b"GZip")
    assert isinstance(response, GzipDecoder)
    assert response.headers.getRawHeaders(b"content-encoding") is None


def test_encodings_come_off_in_order():
    _, original, response = answered(b"deflate, gzip")
    read = []
    readBody(response).addBoth(read.append)
    original._bodyDataReceived(gzip.compress(zlib.compress(TEXT)))
    original._bodyDataFinished()
    assert read == [TEXT]


@pytest.mark.parametrize(("encoding", "compress"), FORMS)
def test_a_body_that_is_cut_short_is_a_failure(encoding, compress):
    _, original, response = answered(encoding)
    body = Body()
    response.deliverBody(body)
    original._bodyDataReceived(compress(TEXT)[:-3])
    original._bodyDataFinished()
    assert body.reason.check(ResponseFailed)
    assert body.reason.value.reasons[1].check(ContentDecodingError)


@pytest.mark.parametrize("encoding", [b"gzip", b"zstd"])
def test_an_empty_body_needs_no_decompression(encoding):
    _, original, response = answered(encoding)
    body = Body()
    response.deliverBody(body)
    original._bodyDataFinished()
    assert (body.data, body.reason.type) == (b"", ResponseDone)


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"zstd", b"deflate"])
def test_garbage_is_told_to_who_reads(encoding):
    fake, original, response = answered(encoding)
    read = []
    readBody(response).addBoth(read.append)
    original._bodyDataReceived(b"this is not compressed at all, by anything")
    assert read[0].check(ResponseFailed)
    assert any(reason.check(ContentDecodingError) for reason in read[0].value.reasons)
    assert fake.transport.disconnected
    original._bodyDataReceived(b"more")  # the connection has not heard of it yet
    original._bodyDataFinished()


BOMB = b"\0" * (_FREE_BYTES * 4)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"zstd", b"deflate"])
def test_attack_077_bombs_do_not_explode(encoding):
    """Not even into a protocol that does not count."""
    fake, original, response = answered(encoding)

    class Counts(Body):
        size = largest = 0

        def dataReceived(self, data):
            self.size += len(data)
            self.largest = max(self.largest, len(data))

    body = Counts()
    response.deliverBody(body)
    # The best that brotli can do takes it half a minute.
    bomb = brotli.compress(BOMB, quality=1) if encoding == b"br" else COMPRESS[encoding](BOMB)
    original._bodyDataReceived(bomb)
    assert body.size <= _FREE_BYTES
    assert body.largest <= 4 * _STEP_BYTES + 2**17
    assert f"more than {_RATIO} times" in str(body.reason.value)
    assert fake.transport.disconnected


@pytest.mark.parametrize("encoding", [b"gzip", b"br", b"zstd", b"deflate"])
def test_attack_077_a_limit_is_one_of_what_comes_out(encoding):
    _, original, response = answered(encoding)
    response.limit_bytes = 100_000
    body = Body()
    response.deliverBody(body)
    compressed = COMPRESS[encoding](b"x" * 5_000_000)
    assert len(compressed) < 100_000
    original._bodyDataReceived(compressed)
    assert len(body.data) <= 100_000
    (reason,) = body.reason.value.reasons
    assert reason.check(BodyTooLarge)
    assert str(reason.value) == "the decompressed body of the response has more than 100000 octets"


def test_attack_077_encodings_upon_encodings():
    with pytest.raises(IndexError):
        answered(b"gzip, gzip, gzip, gzip, gzip, gzip")[2].value.reasons[1]


def test_a_zstd_window_that_would_fill_the_memory_is_refused():
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    compressor = zstd.ZstdCompressor(options=options)
    codec = CODECS[b"zstd"]()
    codec.feed(compressor.compress(b"x" * 1000) + compressor.flush())
    with pytest.raises(ContentDecodingError):
        codec.step(1000)


def test_what_is_decompressed_waits_while_its_protocol_is_paused():
    fake, original, response = answered(b"gzip")

    class Pauses(Body):
        def dataReceived(self, data):
            super().dataReceived(data)
            self.transport.pauseProducing()

    body = Pauses()
    response.deliverBody(body)
    original._bodyDataReceived(gzip.compress(b"x" * 1_000_000))
    original._bodyDataFinished()
    for number in range(1, 16):
        assert len(body.pieces) == number
        assert body.reason is None
        assert fake.transport.producerState == "paused"
        body.transport.resumeProducing()
    body.transport.resumeProducing()
    assert len(body.data) == 1_000_000
    assert body.reason.check(ResponseDone)


def test_a_decoder_is_like_a_response_and_nothing_more():
    _, original, response = answered(b"gzip")
    assert isinstance(response, GzipDecoder)
    assert (response.code, response.version, response.phrase) == (200, (b"HTTP", 1, 1), b"")
    with pytest.raises(AttributeError):
        response.unknown
    response.setPreviousResponse(1)
    assert original.previousResponse == 1


def test_reading_too_much_closes_the_connection():
    fake = FakeAgent()
    results = []
    fake.request(b"GET", b"http://h/").addBoth(results.append)
    original = fake.answer()
    read = []
    readBody(results[0], limit_bytes=10).addBoth(read.append)
    original._bodyDataReceived(b"x" * 10)
    assert read == []
    original._bodyDataReceived(b"x")
    assert read[0].check(BodyTooLarge)
    assert fake.transport.disconnected
    original._bodyDataFinished(Failure(ResponseFailed([])))
