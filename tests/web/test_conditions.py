"""Requests for one version of a resource and no other: If-Match and If-Unmodified-Since (RFC 9110 section 13)."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.web.http import CACHED, datetimeToString
from selvage.web.static import File

from .serving import Seen, Server

CHANGED = 1_700_000_000
AT, BEFORE, AFTER = (datetimeToString(CHANGED + seconds) for seconds in (0, -1, 1))


def version_one(request: Any) -> bytes:
    if CACHED in (request.setETag(b'"one"'), request.setLastModified(CHANGED)):
        return b""
    return b"done"


def asked(*fields: bytes, method: bytes = b"GET", answer: Any = version_one) -> tuple[int, bytes]:
    head = method + b" / HTTP/1.1\r\nHost: a\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n"
    answered = Server(Seen(answer)).send(head)
    return int(answered.split()[1]), answered.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"DELETE"])
@pytest.mark.parametrize(
    "field",
    [
        b'If-Match: "one"',
        b'If-Match: "two", "one"',
        b'If-Match: "two"\r\nIf-Match: "one"',
        b"If-Match: *",
        b"If-Unmodified-Since: " + AT,
        b"If-Unmodified-Since: " + AFTER,
        b"If-Unmodified-Since: the day before yesterday",
        # The better one counts (section 13.2.2).
        b'If-Match: "one"\r\nIf-Unmodified-Since: ' + BEFORE,
    ],
)
def test_the_version_that_is_wanted(method, field):
    assert asked(field, method=method) == (200, b"done")


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"DELETE"])
@pytest.mark.parametrize(
    "field",
    [
        b'If-Match: "two"',
        b'If-Match: W/"one"',
        b"If-Match: one",
        b"If-Match:",
        b"If-Unmodified-Since: " + BEFORE,
        b'If-Match: "two"\r\nIf-Unmodified-Since: ' + AFTER,
        # What comes later in section 13.2.2 is not looked at.
        b'If-Match: "two"\r\nIf-None-Match: "one"',
        b'If-Match: "two"\r\nIf-Modified-Since: ' + AFTER,
        b"If-Unmodified-Since: " + BEFORE + b"\r\nIf-Modified-Since: " + AFTER,
    ],
)
def test_another_version(method, field):
    assert asked(field, method=method) == (412, b"")


def test_a_version_that_is_only_equivalent():
    def weak(request: Any) -> bytes:
        return b"" if request.setETag(b'W/"one"') is CACHED else b"done"

    assert asked(b'If-Match: W/"one"', answer=weak) == (412, b"")
    assert asked(b"If-Match: *", answer=weak) == (200, b"done")


def test_a_part_of_a_file_that_has_changed_meanwhile(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    server = Server(File(str(tmp_path)))
    head = b"GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=5-\r\n"
    answer = server.send(head + b'If-Match: "another"\r\n\r\n')
    assert answer.startswith(b"HTTP/1.1 412 ") and answer.endswith(b"\r\n\r\n")
    etag = answer.lower().partition(b"etag: ")[2].partition(b"\r\n")[0]
    server.send(head + b"If-Match: " + etag + b"\r\n\r\n")
    server.clock.pump([0] * 20)
    assert server.answered().startswith(b"HTTP/1.1 206 ") and server.answered().endswith(b"56789")
