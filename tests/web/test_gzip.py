"""Answers compressed on their way: what the headers say of them, and which are left as they are."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from selvage.web.http import fromChunk
from selvage.web.resource import EncodingResourceWrapper, Resource
from selvage.web.server import GzipEncoderFactory
from selvage.web.static import File
from tests.web.serving import Seen, Server, body, head, status

CONTENT = b"a line that comes again and again\n" * 100


def get(resource: Any, *lines: bytes, method: bytes = b"GET") -> bytes:
    root = Resource()
    root.putChild(b"x", EncodingResourceWrapper(resource, [GzipEncoderFactory()]))
    server = Server(root)
    server.send(b"\r\n".join([method + b" /x HTTP/1.1", b"Host: h", *lines, b"", b""]))
    server.clock.pump([0] * 20)
    return server.answered()


def get_compressed(resource: Any, *lines: bytes, method: bytes = b"GET") -> bytes:
    return get(resource, b"Accept-Encoding: gzip", *lines, method=method)


def unchunked(answer: bytes) -> bytes:
    rest, whole = body(answer), b""
    while rest != b"0\r\n\r\n":
        piece, rest = fromChunk(rest)
        whole += piece
    return whole


@pytest.fixture
def file(tmp_path: Path) -> File:
    path = tmp_path / "page.txt"
    path.write_bytes(CONTENT)
    return File(str(path))


def test_a_tag_of_the_bytes_of_a_file_is_no_tag_of_its_compressed_bytes(file):
    """RFC 9110 section 8.8.1: a strong tag stands for one sequence of bytes."""
    plain, compressed = head(get(file)), get_compressed(file)
    assert gzip.decompress(unchunked(compressed)) == CONTENT
    assert head(compressed)[b"etag"] == b"W/" + plain[b"etag"] and plain[b"etag"].startswith(b'"')


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_who_has_the_compressed_file_is_not_sent_it_again(file, method):
    tag = head(get_compressed(file))[b"etag"]
    answer = get_compressed(file, b"If-None-Match: " + tag, method=method)
    assert (status(answer), head(answer)[b"etag"], body(answer)) == (304, tag, b"")


def test_a_tag_that_a_resource_sets_as_a_header_gets_weak_too():
    def tagged(request: Any) -> bytes:
        request.setHeader(b"etag", b'"mine"')
        return CONTENT

    assert head(get_compressed(Seen(tagged)))[b"etag"] == b'W/"mine"'
    assert head(get(Seen(tagged)))[b"etag"] == b'"mine"'


def test_caches_are_told_that_others_get_other_bytes(file):
    """RFC 9110 section 12.5.5."""
    for answer in (get(file), get_compressed(file)):
        assert head(answer)[b"vary"] == b"accept-encoding"


def test_a_part_of_a_file_is_sent_as_it_is(file):
    """What Content-Range counts are the bytes of the file."""
    answer = get_compressed(file, b"Range: bytes=2-5")
    fields = head(answer)
    assert (status(answer), body(answer)) == (206, CONTENT[2:6])
    assert fields[b"content-length"] == b"4" and b"content-encoding" not in fields
    assert not fields[b"etag"].startswith(b"W/")


def test_a_file_that_is_compressed_already_says_so_twice(tmp_path):
    path = tmp_path / "page.txt.gz"
    path.write_bytes(gzip.compress(CONTENT))
    answer = get_compressed(File(str(path)))
    assert head(answer)[b"content-encoding"] == b"gzip,gzip"
    assert gzip.decompress(gzip.decompress(unchunked(answer))) == CONTENT


def test_the_page_of_an_error_is_not_said_to_be_compressed(taken_reports):
    def fail(request: Any) -> bytes:
        raise ValueError("no")

    answer = get_compressed(Seen(fail))
    assert status(answer) == 500 and b"content-encoding" not in head(answer)
    assert len(taken_reports()) == 1


def test_head_says_of_a_compressed_file_what_get_would(file):
    fields, whole = head(get_compressed(file, method=b"HEAD")), head(get_compressed(file))
    assert fields[b"content-encoding"] == b"gzip" and b"content-length" not in fields
    assert fields[b"etag"] == whole[b"etag"]


def test_an_answer_without_a_body_is_compressed_to_an_empty_one():
    answer = get_compressed(Seen(lambda request: b""))
    assert head(answer)[b"content-encoding"] == b"gzip" and gzip.decompress(unchunked(answer)) == b""
