"""The head of a request: what llhttp makes of it, and what we ask of it beyond that.  Floor 4; no I/O.

Who calls it has found where the head ends; so one head is one call, the parser never sees a body, and where the next request
begins is nobody's guess.  The division of work:

* the request line is ours, and llhttp does not see it: it lets two spaces pass, and methods that it does not know not at all;
* header fields are llhttp's, in its strict mode: names, values, line ends, folding, the forms and the company of
  Content-Length and Transfer-Encoding; those that it has seen before need no second look (`_known_fields`);
* what follows from the fields together is ours again (`check_fields`).

Source: RFC 9112.
"""

from __future__ import annotations

from typing import Any

import httptools

from selvage.web._grammar import host, plain_request_line, request_line, target_in_origin_form
from selvage.web._headers import Headers, _canonical, _nameEncoder
from selvage.web._known_fields import Fields, KnownFields
from selvage.web._status import (
    BAD_REQUEST,
    EXPECTATION_FAILED,
    HTTP_VERSION_NOT_SUPPORTED,
    NOT_IMPLEMENTED,
    REQUEST_HEADER_FIELDS_TOO_LARGE,
)

__all__ = [
    "BadRequest",
    "HeadParser",
    "check_expectations",
    "check_fields",
    "check_request_line",
    "content_length",
]

# What llhttp sees in the place of the request line.
_PLAIN_LINE = b"GET / HTTP/1.1\r\n"

_VERSIONS = {(b"1", b"1"): b"HTTP/1.1", (b"1", b"0"): b"HTTP/1.0"}

# What says that there is a body.
_LENGTHS = frozenset((b"Content-Length", b"Transfer-Encoding"))

# After one of these llhttp waits for a body, or for nothing more: to it Proxy-Connection is Connection, too.
_ENDS_OR_BODY = frozenset((*_LENGTHS, b"Connection", b"Proxy-Connection"))


class BadRequest(Exception):
    """A request that is refused before anybody else sees it.

    Args:
        status: the code of the answer.
        reason: what is wrong, in words; has nothing in it that the peer sent.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


def check_request_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    """Return method, target and version of a request line.

    Raises:
        BadRequest: it is none, or of a version that is not 1.0 or 1.1.
    """
    found = request_line(line)
    if found is None:
        raise BadRequest(BAD_REQUEST, "that is no request line")
    method, target, major, minor = found.groups()
    version = _VERSIONS.get((major, minor))
    if version is None:
        status = BAD_REQUEST if major == b"1" else HTTP_VERSION_NOT_SUPPORTED
        raise BadRequest(status, "this version of HTTP is not spoken here")
    return method, target, version


class HeadParser:
    """Parses one head after the other."""

    __slots__ = ("_fields", "_known", "_known_hosts", "_parser")

    def __init__(self) -> None:
        self._known = KnownFields()
        # What was found to be right under Host, last.
        self._known_hosts = [b""]
        self._fields: Fields = {}
        self._parser: Any = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one field from llhttp, which strips what stands before a value, but not after it."""
        canonical = _nameEncoder._canonicalHeaderCache.get(name) or _canonical(name)
        fields = self._fields
        if canonical in fields:
            fields[canonical].append(value.rstrip(b" \t"))
        else:
            fields[canonical] = [value.rstrip(b" \t")]

    def parse(
        self, head: bytes, most_headers: int, strict: bool
    ) -> tuple[bytes, bytes, bytes, Headers, int | None]:
        """Return method, target, version, header fields, and how long the body is: None when it comes in chunks.

        Args:
            head: from the request line to the empty line, which is there.
            most_headers: how many fields it may have.
            strict: whether it is held to `check_fields`.

        Raises:
            BadRequest: with the status for the answer.
        """
        found = plain_request_line(head)
        if found is None:
            # What is wrong with it, the careful way says.
            check_request_line(head[: head.index(b"\r\n")])
            raise AssertionError("two readings of a request line")
        method, target, minor = found.groups()
        version = b"HTTP/1.1" if minor == b"1" else b"HTTP/1.0"
        # A field has four bytes at least.  One line end is that of the request line, one that of the empty line.
        if len(head) > 4 * most_headers and head.count(b"\r\n") - 2 > most_headers:
            raise BadRequest(
                REQUEST_HEADER_FIELDS_TOO_LARGE, f"there are more than {most_headers} header fields"
            )
        headers = Headers.__new__(Headers)
        lines = head[found.end() :]
        known = self._known.find(lines)
        if known is None:
            fields = headers._rawHeaders = self._parse_fields(lines)
            plain = fields.get(b"Host") == self._known_hosts and b"Expect" not in fields
        else:
            fields, length, plain = known
            # The application may change what it gets.
            headers._rawHeaders = {name: values[:] for name, values in fields.items()}
        if strict and not (
            # What needs no closer look (benchmarks: web hello).
            plain
            and minor == b"1"
            and target[0] == b"/"[0]
            and b"#"[0] not in target
            and method != b"CONNECT"
        ):
            check_fields(method, target, version, headers)
            # A copy here, too.
            self._known_hosts = list(fields.get(b"Host", self._known_hosts))
        if known is None:
            length = 0 if _LENGTHS.isdisjoint(fields) else content_length(headers)
            self._known.note(lines, fields, length)
        return method, target, version, headers, length

    def _parse_fields(self, lines: bytes) -> Fields:
        """Have llhttp parse header fields, with the empty line after them.

        Raises:
            BadRequest: it does not take one of them.
        """
        fields: Fields = {}
        self._fields = fields
        parser = self._parser or httptools.HttpRequestParser(self)
        # A parser that has seen a body announced, or an end, is in no state for the next head.
        self._parser = None
        try:
            parser.feed_data(_PLAIN_LINE + lines)
        except httptools.HttpParserUpgrade:
            return fields  # that is our decision, and all fields are in
        except (httptools.HttpParserError, ValueError) as error:
            raise BadRequest(BAD_REQUEST, "a header field is malformed") from error
        if _ENDS_OR_BODY.isdisjoint(fields):
            self._parser = parser
        return fields


def content_length(headers: Headers) -> int | None:
    """Return how long the body is; None when it comes in chunks.

    Raises:
        BadRequest: it is said in more than one way, or in none that is understood.
    """
    fields = headers._rawHeaders
    lengths = fields.get(b"Content-Length")
    encodings = fields.get(b"Transfer-Encoding")
    if encodings is not None:
        if lengths is not None:
            raise BadRequest(BAD_REQUEST, "there are a Content-Length and a Transfer-Encoding")
        if len(encodings) > 1 or encodings[0].lower() != b"chunked":
            raise BadRequest(NOT_IMPLEMENTED, "the Transfer-Encoding is not chunked")
        return None
    if lengths is None:
        return 0
    if len(lengths) > 1 or not lengths[0].isdigit():
        raise BadRequest(BAD_REQUEST, "the Content-Length is not one number")
    return int(lengths[0])


def check_fields(method: bytes, target: bytes, version: bytes, headers: Headers) -> None:
    """Ask of a request what llhttp lets pass: one Host, a target of the right form, no chunks in HTTP/1.0.

    Raises:
        BadRequest: it is not so.
    """
    fields = headers._rawHeaders
    hosts = fields.get(b"Host")
    if hosts is None:
        if version == b"HTTP/1.1":
            raise BadRequest(BAD_REQUEST, "there is no Host")
    elif len(hosts) > 1 or host(hosts[0]) is None:
        raise BadRequest(BAD_REQUEST, "the Host is not one host")
    if method == b"CONNECT" or target_in_origin_form(target) is None:
        _check_odd_target(method, target, hosts)
    if version == b"HTTP/1.0" and b"Transfer-Encoding" in fields:
        raise BadRequest(BAD_REQUEST, "there are no chunks in HTTP/1.0")
    expectations = fields.get(b"Expect")
    if expectations is not None:
        check_expectations(expectations)


def check_expectations(expectations: list[bytes]) -> None:
    """Ask that nothing is expected but 100-continue.

    Raises:
        BadRequest: something else is.
    """
    if [value.lower() for value in expectations] != [b"100-continue"]:
        raise BadRequest(EXPECTATION_FAILED, "only 100-continue can be expected")


def _check_odd_target(method: bytes, target: bytes, hosts: list[bytes] | None) -> None:
    """Accept what is no path: a whole URL of the Host, an authority for CONNECT, an asterisk for OPTIONS."""
    if method == b"CONNECT":
        right = b":" in target and host(target) is not None
    elif target == b"*":
        right = method == b"OPTIONS"
    else:
        scheme, _, rest = target.lower().partition(b"://")
        authority = _authority(rest)
        right = scheme in (b"http", b"https") and b"#" not in target and host(authority) is not None
        # RFC 9112 section 3.2.2: it is the target that counts.  Who reads the Host then reads another request.
        if right and hosts and _without_port(hosts[0].lower(), scheme) != _without_port(authority, scheme):
            raise BadRequest(BAD_REQUEST, "the target is not of the Host")
    if not right:
        raise BadRequest(BAD_REQUEST, "the target has not the form that goes with the method")


def _without_port(authority: bytes, scheme: bytes) -> bytes:
    """Leave out the port that goes without saying."""
    return authority.removesuffix(b":443" if scheme == b"https" else b":80").removesuffix(b":")


def _authority(rest: bytes) -> bytes:
    """Return what of a URL stands between its scheme and its path or query."""
    return rest.partition(b"?")[0].partition(b"/")[0]
