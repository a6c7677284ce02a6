"""What the pleasant client is told, in the form in which it is used.  Floor 4."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import lru_cache
from http.cookiejar import CookieJar
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from selvage._hostnames import _idnaBytes
from selvage.web._headers import Headers
from selvage.web.client._cookie_policy import StrictCookiePolicy, cookie_for
from selvage.web.client._limits import Retries, Timeouts
from selvage.web.client._options import HeadersLike, Params
from selvage.web.client._proxies import ProxyRules
from selvage.web.client._uri import host_value, redacted

__all__ = [
    "Address",
    "address_of",
    "authorization",
    "count_of",
    "headers_of",
    "jar_of",
    "proxies_of",
    "retries_of",
    "size_of",
    "timeouts_of",
]

_PORTS = {"http": 80, "https": 443}

# What a program writes into a URL is left as it is where it is allowed to stand there.
_SAFE = "!#$%&'()*+,/:;=?@[]~"


def headers_of(given: HeadersLike | None) -> Headers:
    """Return headers of a mapping, of pairs, or of `Headers`.

    Raises:
        TypeError, ValueError: they are none.
    """
    if isinstance(given, Headers):
        return given.copy()
    headers = Headers()
    if given is not None:
        for name, value in pairs_of("headers", given):
            for each in value if isinstance(value, (list, tuple)) else (value,):
                headers.addRawHeader(name, each)
    return headers


def pairs_of(what: str, given: Any) -> list[tuple[Any, Any]]:
    """Return names and values of a mapping or of pairs.

    Raises:
        TypeError: it is neither; `what` is the argument's name.
    """
    if isinstance(given, Mapping):
        return list(given.items())
    pairs: list[Any] = (
        list(given) if isinstance(given, Iterable) and not isinstance(given, (str, bytes)) else [None]
    )
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise TypeError(f"{what}= is no mapping, and no list of pairs: give such as {{'name': 'value'}}")
    return [(name, value) for name, value in pairs]


def authorization(auth: tuple[str, str] | str) -> str:
    """Return the value of Authorization.

    Raises:
        TypeError, ValueError: it cannot be made; nothing of the secret is in the message.
    """
    if isinstance(auth, str):
        if " " not in auth.strip():
            raise ValueError(
                "auth= is one word: give (user, password), or scheme and credentials, such as 'Bearer TOKEN'"
            )
        return auth
    if not (isinstance(auth, tuple) and len(auth) == 2 and all(isinstance(each, str) for each in auth)):
        raise TypeError(
            f"auth= is a {type(auth).__name__}: give (user, password), both str, the value of Authorization, or an Auth"
            " such as DigestAuth"
        )
    username, password = auth
    if ":" in username:
        raise ValueError("a username for Basic authentication cannot have a colon in it")
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")


def timeouts_of(given: float | Timeouts | None) -> Timeouts:
    """Return deadlines of seconds for all of a request.

    Raises:
        TypeError, ValueError: they are none.
    """
    if isinstance(given, Timeouts):
        return given
    if isinstance(given, (tuple, dict)):
        raise TypeError(f"timeout={given!r}: give seconds, or Timeouts(total=, connect=, read=)")
    return Timeouts(None, None, None) if given is None else Timeouts(total=given)


def retries_of(given: int | Retries) -> Retries:
    return given if isinstance(given, Retries) else Retries(given)


def proxies_of(proxy: Any, address_filter: Any) -> ProxyRules:
    """Return which proxies are used.

    Raises:
        TypeError, ValueError: they are none, or cannot be used with an address filter.
    """
    if proxy is None or proxy is True:
        return ProxyRules.from_environment({} if address_filter is not None else os.environ)
    if not proxy:
        return ProxyRules({})
    if address_filter is not None:
        raise ValueError("address_filter cannot see what a proxy connects to: give one of them")
    if isinstance(proxy, str):
        return ProxyRules({"all": proxy})
    if not isinstance(proxy, Mapping):
        raise TypeError(
            f"proxy= is a {type(proxy).__name__}: give a URL, a mapping by scheme, or False for none"
        )
    unknown = proxy.keys() - {"http", "https", "all"}
    if unknown:
        raise ValueError(
            f"proxy={{{sorted(unknown)[0]!r}: ...}}: there are proxies for 'http', 'https' and 'all'"
        )
    return ProxyRules(proxy)


def jar_of(given: CookieJar | Mapping[str, str] | None, base_url: str | None) -> CookieJar:
    """Return where cookies are kept; a mapping of them is for the host of `base_url`.

    Raises:
        TypeError, ValueError: that is no jar, or nothing says which host they are for.
    """
    if isinstance(given, CookieJar):
        return given
    jar = CookieJar(StrictCookiePolicy())
    if given is None:
        return jar
    if not isinstance(given, Mapping):
        raise TypeError(
            f"cookies= is a {type(given).__name__}: give a CookieJar, or a mapping together with base_url="
        )
    if base_url is None:
        raise ValueError(
            "cookies= without base_url=: nothing says which host these cookies are for, and others shall not get them"
        )
    url = address_of(base_url).url
    for name, value in given.items():
        jar.set_cookie(cookie_for(url, name, value))
    return jar


def count_of(what: str, given: Any, least: int = 1) -> int:
    """Return a number of things.

    Raises:
        TypeError: it is none.
        ValueError: it is too small.
    """
    if isinstance(given, bool) or not isinstance(given, int):
        raise TypeError(f"{what}= is a {type(given).__name__}: give a whole number")
    if given < least:
        raise ValueError(f"{what}={given}: give {least} or more")
    return given


def size_of(given: Any) -> int | None:
    """Return a limit of octets; None for none.

    Raises:
        TypeError, ValueError: it is none.
    """
    return None if given is None else count_of("limit_bytes", given, 0)


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


def _query_of(params: Params) -> list[tuple[str, Any]]:
    """Return what is added to a query: nothing for None, and true and false as JSON has them."""
    words = {True: "true", False: "false"}
    return [
        (name, words[value] if isinstance(value, bool) else value)
        for name, value in pairs_of("params", params)
        if value is not None
    ]


_has_control_characters = re.compile(r"[\x00-\x1f\x7f]").search


def address_of(url: str, base: str | None = None, params: Params | None = None) -> Address:
    """Take a URL apart.

    Args:
        base: what it is relative to.
        params: added to its query.

    Raises:
        TypeError: it is no str, or `params` are none.
        ValueError: it is none for a client of HTTP.
    """
    if not isinstance(url, str):
        raise TypeError(f"the URL is a {type(url).__name__}: give str")
    if params:
        parts = urlsplit(url)
        added = urlencode(_query_of(params), doseq=True)
        url = urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))
    # The same few URLs are asked for again and again; long ones shall not fill the memory.
    return (_cached_address_of if len(url) <= _CACHED_LENGTH else _address_of)(url, base)


def _address_of(url: str, base: str | None) -> Address:
    if base is not None:
        url = urljoin(base, url)
    url = url.strip()
    if _has_control_characters(url):
        raise ValueError(f"the URL {redacted(url)!r} has a control character in it")
    try:
        parts = urlsplit(url)
        given = parts.port
    except ValueError as error:
        raise ValueError(f"the URL {redacted(url)!r} cannot be taken apart: {error}") from None
    if parts.scheme not in _PORTS:
        relative = (
            "" if parts.scheme or base is not None else "; a relative one needs a Client with base_url="
        )
        raise ValueError(f"{redacted(url)!r} is no URL of http or https{relative}")
    if given == 0:
        raise ValueError(f"the URL {redacted(url)!r} names port 0, where nobody can listen")
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
