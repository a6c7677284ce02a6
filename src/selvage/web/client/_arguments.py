"""What the pleasant client is told, in the form in which it is used.  Floor 4."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from selvage._hostnames import _idnaBytes
from selvage.web._headers import Headers
from selvage.web.client._limits import Retries, Timeouts
from selvage.web.client._proxies import ProxyRules
from selvage.web.client._uri import host_value, redacted

__all__ = [
    "Address",
    "address_of",
    "authorization",
    "headers_of",
    "proxies_of",
    "retries_of",
    "timeouts_of",
]

_PORTS = {"http": 80, "https": 443}

# What a program writes into a URL is left as it is where it is allowed to stand there.
_SAFE = "!#$%&'()*+,/:;=?@[]~"


def headers_of(given: Any) -> Headers:
    """Return headers of a mapping, of pairs, or of `Headers`."""
    if isinstance(given, Headers):
        return given.copy()
    headers = Headers()
    pairs: Iterable[Any] = () if given is None else given.items() if isinstance(given, Mapping) else given
    for name, value in pairs:
        for each in value if isinstance(value, (list, tuple)) else (value,):
            headers.addRawHeader(name, each)
    return headers


def authorization(auth: tuple[str, str] | str) -> str:
    if isinstance(auth, str):
        return auth
    username, password = auth
    if ":" in username:
        raise ValueError("a username for Basic authentication cannot have a colon in it")
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")


def timeouts_of(given: float | Timeouts | None) -> Timeouts:
    if isinstance(given, Timeouts):
        return given
    return Timeouts(None, None, None) if given is None else Timeouts(total=given)


def retries_of(given: int | Retries) -> Retries:
    return given if isinstance(given, Retries) else Retries(given)


def proxies_of(proxy: Any, address_filter: Any) -> ProxyRules:
    if proxy is None or proxy is True:
        return ProxyRules.from_environment({} if address_filter is not None else os.environ)
    if not proxy:
        return ProxyRules({})
    if address_filter is not None:
        raise ValueError("address_filter cannot see what a proxy connects to: give one of them")
    return ProxyRules({"all": proxy} if isinstance(proxy, str) else proxy)


#: URLs that are kept taken apart, and how long they may be.
_CACHED_URLS = 1024
_CACHED_LENGTH = 2048

_is_ascii_host = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:-]+").fullmatch


class Address(NamedTuple):
    """A URL, taken apart once."""

    #: As it is sent: encoded, without fragment, user and password.
    url: str
    scheme: str
    host: str
    port: int
    #: The target in the request line.
    target: str
    #: The value of Host.
    host_value: bytes
    #: User and password that stood in it.
    credentials: tuple[str, str] | None

    @property
    def origin(self) -> tuple[str, str, int]:
        """What credentials are bound to."""
        return self.scheme, self.host, self.port


def address_of(url: str, base: str | None = None, params: Any = None) -> Address:
    """Take a URL apart.

    Args:
        base: what it is relative to.
        params: added to its query.

    Raises:
        ValueError: it is none for a client of HTTP.
    """
    if params:
        parts = urlsplit(url)
        added = urlencode(params, doseq=True)
        url = urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))
    # The same few URLs are asked for again and again; long ones shall not fill the memory.
    return (_cached_address_of if len(url) <= _CACHED_LENGTH else _address_of)(url, base)


def _address_of(url: str, base: str | None) -> Address:
    if base is not None:
        url = urljoin(base, url)
    parts = urlsplit(url.strip())
    if parts.scheme not in _PORTS:
        raise ValueError(f"{redacted(url)!r} is no URL of http or https")
    given = parts.port  # raises ValueError when it is none
    port = given or _PORTS[parts.scheme]
    host = parts.hostname or ""
    if not host.isascii():
        host = _idnaBytes(host).decode("ascii")
    if _is_ascii_host(host) is None:
        raise ValueError(f"the URL {redacted(url)!r} has no host, or one that cannot be")
    named = host_value(parts.scheme.encode("ascii"), host.encode("ascii"), port)
    target = quote(parts.path or "/", _SAFE)
    if parts.query:
        target += "?" + quote(parts.query, _SAFE)
    credentials = None
    if parts.username is not None:
        credentials = (unquote(parts.username), unquote(parts.password or ""))
    sent = f"{parts.scheme}://{named.decode('ascii')}{target}"
    return Address(sent, parts.scheme, host, port, target, named, credentials)


_cached_address_of = lru_cache(_CACHED_URLS)(_address_of)
