"""URLs of HTTP, taken apart.  Floor 4; knows no socket and no Deferred.

Source: RFC 3986 section 3; RFC 9110 section 4.2; RFC 9112 section 3.2 (forms of the target).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin, urlparse, urlunparse

from selvage.web.client._request import _ensureValidURI

__all__ = ["URI", "Target", "_urljoin", "host_value", "redacted", "target_of"]

DEFAULT_PORTS = {b"http": 80, b"https": 443}

#: URLs that are kept taken apart: as many as a busy client has in use, and not so long that they would fill the memory.
_CACHED_URLS = 1024
_CACHED_LENGTH = 2048

# What stands between "//" and the path: [ userinfo "@" ] host [ ":" port ].
_match_authority = re.compile(
    rb"(?:(?P<userinfo>[^@]*)@)?(?:\[(?P<address>[^\[\]]*)\]|(?P<name>[^:@\[\]\\]*))(?::(?P<port>[0-9]*))?"
).fullmatch


class URI:
    """The parts of a URL, as bytes.

    Attributes:
        scheme, path, params, query, fragment: what `urllib.parse.urlparse` finds.
        netloc: what stands behind the slashes, as it was given.
        host: the host's name, or its address without brackets.
        port: given or the scheme's own.

    Twisted: `twisted.web.client.URI`; `host` has no user and password in it.
    """

    def __init__(
        self,
        scheme: bytes,
        netloc: bytes,
        host: bytes,
        port: int,
        path: bytes,
        params: bytes,
        query: bytes,
        fragment: bytes,
    ) -> None:
        self.scheme = scheme
        self.netloc = netloc
        self.host = host
        self.port = port
        self.path = path
        self.params = params
        self.query = query
        self.fragment = fragment

    @classmethod
    def fromBytes(cls, uri: bytes, defaultPort: int | None = None) -> URI:
        """Take a URL apart.

        Args:
            uri: spaces around it do not count.
            defaultPort: for a URL without port; 443 for https and 80 for all else by default.

        Raises:
            ValueError: what should be host and port is not.
        """
        scheme, netloc, path, params, query, fragment = urlparse(uri.strip())
        match = _match_authority(netloc)
        if match is None:
            raise ValueError(f"{netloc!r} is no host with a port in {redacted(uri)}")
        host = match["name"] if match["address"] is None else match["address"]
        if match["port"]:
            port = int(match["port"])
            if port > 65535:
                raise ValueError(f"there is no port {port}, in {redacted(uri)}")
        else:
            port = DEFAULT_PORTS.get(scheme, 80) if defaultPort is None else defaultPort
        return cls(scheme, netloc, host, port, path, params, query, fragment)

    def toBytes(self) -> bytes:
        """Put the URL together again."""
        return urlunparse((self.scheme, self.netloc, self.path, self.params, self.query, self.fragment))

    @property
    def originForm(self) -> bytes:
        """What a request to the server itself has for its target: path, parameters and query."""
        return (
            (self.path or b"/")
            + (b";" + self.params if self.params else b"")
            + (b"?" + self.query if self.query else b"")
        )

    def __repr__(self) -> str:
        return f"<URI {redacted(self.toBytes())}>"


class Target(NamedTuple):
    """What a request needs to know of its URL."""

    #: Scheme, host and port: where connections are alike.
    origin: tuple[bytes, bytes, int]
    #: The value of the Host header.
    host: bytes
    #: The target in the request line.
    path: bytes
    uri: URI


def host_value(scheme: bytes, host: bytes, port: int) -> bytes:
    """Return the Host header for a server: with brackets for an address of IPv6, without a port that goes unsaid."""
    if b":" in host:
        host = b"[" + host + b"]"
    return host if DEFAULT_PORTS.get(scheme) == port else b"%b:%d" % (host, port)


def _target_of(uri: bytes) -> Target:
    parsed = URI.fromBytes(_ensureValidURI(uri))
    origin = (parsed.scheme, parsed.host, parsed.port)
    return Target(origin, host_value(*origin), parsed.originForm, parsed)


_cached_target_of = lru_cache(_CACHED_URLS)(_target_of)


def target_of(uri: bytes) -> Target:
    """Return what a request needs to know of its URL; the `URI` in it is shared, so it is not to be changed.

    Raises:
        TypeError: it is no bytes.
        ValueError: it cannot be sent, or its host is none.
    """
    if not isinstance(uri, bytes):
        raise TypeError(f"the URI is a {type(uri).__name__}: give bytes")
    return (_cached_target_of if len(uri) <= _CACHED_LENGTH else _target_of)(uri.strip())


def _urljoin(base: bytes, url: bytes) -> bytes:
    """Return where `url` points to on the page `base`; the fragment of `base` stays when `url` has none.

    Source: RFC 9110 section 10.2.2 (fragments of Location).
    """
    base, base_fragment = urldefrag(base)
    joined, fragment = urldefrag(urljoin(base, url))
    fragment = fragment or base_fragment
    return joined + b"#" + fragment if fragment else joined


def redacted(uri: bytes | str) -> str:
    """Return a URL for messages: without user, password, query and fragment, which may be secrets."""
    text = uri.decode("ascii", "backslashreplace") if isinstance(uri, bytes) else uri
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text.partition("?")[0].partition("#")[0]
    authority, slash, path = rest.partition("/")
    at = authority.rfind("@")
    shown = authority if at < 0 else "***" + authority[at:]
    shown = shown.partition("?")[0].partition("#")[0]
    return scheme + separator + shown + slash + path.partition("?")[0].partition("#")[0]
