"""The handshake in HTTP by which a connection becomes one of WebSocket.  Floor 4; knows no socket, clock or Deferred.

Source: RFC 6455 section 4.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable
from hashlib import sha1
from secrets import token_bytes
from urllib.parse import urlsplit

from selvage.web._headers import Headers

__all__ = ["BadHandshake", "accept_token", "check_request", "choose_subprotocol", "is_same_origin", "new_key"]

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#: The one version of the protocol that there is.
VERSION = b"13"


class BadHandshake(Exception):
    """A request or answer is no handshake; says why."""


def accept_token(key: bytes) -> bytes:
    """Return what a server answers to a client's key."""
    return b64encode(sha1(key + _GUID, usedforsecurity=False).digest())


def new_key() -> bytes:
    """Return a key for a client."""
    return b64encode(token_bytes(16))


def tokens(headers: Headers, name: bytes) -> list[bytes]:
    """Return the members of a list in a header, however many lines it is in, in lower case."""
    return [
        member.strip().lower()
        for line in headers.getRawHeaders(name, [])
        for member in line.split(b",")
        if member.strip()
    ]


def _single(headers: Headers, name: bytes) -> bytes:
    values = headers.getRawHeaders(name, [])
    if len(values) != 1:
        raise BadHandshake(f"the header {name.decode()} is there {len(values)} times, not once")
    return values[0].strip()


def check_request(method: bytes, version: bytes, headers: Headers) -> bytes:
    """Check that a request is a handshake, and return its key.

    Raises:
        BadHandshake: it is not.
    """
    if method != b"GET":
        raise BadHandshake("a handshake is a GET")
    if version in (b"HTTP/0.9", b"HTTP/1.0"):
        raise BadHandshake("a handshake needs HTTP/1.1")
    if b"websocket" not in tokens(headers, b"upgrade") or b"upgrade" not in tokens(headers, b"connection"):
        raise BadHandshake("there is no upgrade to websocket")
    if headers.hasHeader(b"content-length") and headers.getRawHeaders(b"content-length") != [b"0"]:
        raise BadHandshake("a handshake has no body")
    if headers.hasHeader(b"transfer-encoding"):
        raise BadHandshake("a handshake has no body")
    key = _single(headers, b"sec-websocket-key")
    try:
        decoded = b64decode(key, validate=True)
    except binascii.Error:
        decoded = b""
    if len(decoded) != 16:
        raise BadHandshake("the key is no 16 bytes in base64")
    return key


def choose_subprotocol(headers: Headers, served: Collection[str]) -> str | None:
    """Return the first subprotocol that the client asks for among those that are served, None for none."""
    for line in headers.getRawHeaders(b"sec-websocket-protocol", []):
        for member in line.split(b","):
            name = member.strip().decode("latin-1")
            if name in served:
                return name
    return None


def is_same_origin(origin: bytes, host: bytes, secure: bool) -> bool:
    """Tell whether a page of `origin` comes from where the request goes to."""
    try:
        parts = urlsplit(origin.decode("ascii").lower())
        there = (parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme))
        asked = urlsplit("//" + host.decode("ascii").lower())
        here = (asked.hostname, asked.port or (443 if secure else 80))
    except ValueError:
        return False
    if not parts.hostname:
        return False  # such as "null"
    # A proxy in front may have ended TLS: then the scheme here is not the page's, and the ports are not told.
    if asked.port is None and parts.port is None:
        return there[0] == here[0]
    return there == here


def request_head(
    target: bytes, host: bytes, key: bytes, headers: Headers, subprotocols: Iterable[str], extensions: str
) -> bytes:
    """Return the head of a client's handshake."""
    fields = Headers()
    fields.setRawHeaders(b"host", [host])
    fields.setRawHeaders(b"upgrade", [b"websocket"])
    fields.setRawHeaders(b"connection", [b"Upgrade"])
    fields.setRawHeaders(b"sec-websocket-version", [VERSION])
    fields.setRawHeaders(b"sec-websocket-key", [key])
    if extensions:
        fields.setRawHeaders(b"sec-websocket-extensions", [extensions])
    if subprotocols:
        fields.setRawHeaders(b"sec-websocket-protocol", [", ".join(subprotocols)])
    for name, values in headers.getAllRawHeaders():
        fields.setRawHeaders(name, values)
    lines = [b"GET %b HTTP/1.1" % target]
    lines += [b"%b: %b" % (name, value) for name, values in fields.getAllRawHeaders() for value in values]
    return b"\r\n".join([*lines, b"", b""])


def check_answer(headers: Headers, key: bytes, offered: Collection[str]) -> str | None:
    """Check that a 101 answers a handshake, and return the subprotocol.

    Raises:
        BadHandshake: it does not.
    """
    if tokens(headers, b"upgrade") != [b"websocket"] or b"upgrade" not in tokens(headers, b"connection"):
        raise BadHandshake("the answer is no upgrade to websocket")
    if _single(headers, b"sec-websocket-accept") != accept_token(key):
        raise BadHandshake(
            "the answer is to another key: something between here and the server remembers answers"
        )
    if not headers.hasHeader(b"sec-websocket-protocol"):
        return None
    chosen = _single(headers, b"sec-websocket-protocol").decode("latin-1")
    if chosen not in offered:
        raise BadHandshake(f"the server chose the subprotocol {chosen!r}, which was not offered")
    return chosen
