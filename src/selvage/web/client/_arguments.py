"""What the pleasant client is told, in the form in which it is used.  Floor 4."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from selvage._hostnames import _idnaBytes
from selvage.web._headers import Headers
from selvage.web.client._limits import Retries, Timeouts
from selvage.web.client._proxies import ProxyRules
from selvage.web.client._uri import redacted

__all__ = [
    "authorization",
    "headers_of",
    "host_of",
    "origin_of",
    "port_of",
    "proxies_of",
    "retries_of",
    "timeouts_of",
    "url_of",
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


_is_ascii_host = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:-]+").fullmatch


def url_of(url: str, base: str | None, params: Any) -> tuple[str, tuple[str, str] | None]:
    """Return a URL as it is sent, without fragment, and the credentials that were in it.

    Raises:
        ValueError: it is none for a client of HTTP.
    """
    if base is not None:
        url = urljoin(base, url)
    parts = urlsplit(url.strip())
    if parts.scheme not in _PORTS:
        raise ValueError(f"{redacted(url)!r} is no URL of http or https")
    port = parts.port  # raises ValueError when it is none
    host = parts.hostname or ""
    if not host.isascii():
        host = _idnaBytes(host).decode("ascii")
    if _is_ascii_host(host) is None:
        raise ValueError(f"the URL {redacted(url)!r} has no host, or one that cannot be")
    query = parts.query
    if params:
        added = urlencode(params, doseq=True)
        query = f"{query}&{added}" if query else added
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _PORTS[parts.scheme]:
        netloc += f":{port}"
    credentials = None
    if parts.username is not None:
        credentials = (unquote(parts.username), unquote(parts.password or ""))
    sent = urlunsplit((parts.scheme, netloc, quote(parts.path or "/", _SAFE), quote(query, _SAFE), ""))
    return sent, credentials


def host_of(parts: Any) -> str:
    """Return the host of a URL that `url_of` has made."""
    host: str = parts.hostname
    return host


def port_of(parts: Any) -> int:
    """Return its port, the scheme's own if it has none."""
    port: int = parts.port or _PORTS[parts.scheme]
    return port


def origin_of(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, port_of(parts)
