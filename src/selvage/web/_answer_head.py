"""The head of an answer, and what comes after a body in chunks, as HTTP/1 writes them.  Floor 4; no I/O."""

from __future__ import annotations

from collections.abc import Iterable

from selvage.web._headers import Headers, _canonical, _sanitizeLinearWhitespace

__all__ = ["head_of_answer", "last_chunk", "whole_answer"]


def head_of_answer(
    version: bytes, code: bytes, reason: bytes, headers: Headers | Iterable[tuple[bytes, bytes]]
) -> bytes:
    """Return status line and headers, with the empty line that ends them.

    Args:
        headers: pairs of name and value, or `Headers`, which have nothing in them that is not fit to be sent.
    """
    status_line = version + b" " + code + b" " + reason
    if isinstance(headers, Headers):
        return whole_answer(status_line, headers, b"")
    lines = [_canonical(name) + b": " + _sanitizeLinearWhitespace(value) for name, value in headers]
    return b"\r\n".join([status_line, *lines, b"", b""])


def whole_answer(status_line: bytes, headers: Headers, body: bytes) -> bytes:
    """Return an answer from its status line, without line end, to the end of its body."""
    lines = [status_line]
    for name, values in headers._rawHeaders.items():
        for value in values:
            lines.append(name + b": " + value)
    lines.append(b"")
    lines.append(body)
    return b"\r\n".join(lines)


def last_chunk(trailers: Headers) -> bytes:
    """Return the end of a body in chunks, with these fields after it."""
    lines = [name + b": " + value for name, values in trailers.getAllRawHeaders() for value in values]
    return b"\r\n".join([b"0", *lines, b"", b""])
