"""Which cookies are kept, and to whom they are sent.  Floor 4.

The standard library's jar is generous as browsers were twenty years ago.  Here a cookie without Domain belongs to its
host alone, one with Domain never to all hosts below a public suffix (com, co.uk, github.io), and the prefixes
``__Host-`` and ``__Secure-`` mean what they promise.

Source: RFC 6265 sections 5.3 (storing), 5.4 (sending); draft-ietf-httpbis-rfc6265bis section 4.1.3 (prefixes).
"""

from __future__ import annotations

from functools import cache
from http.cookiejar import Cookie, DefaultCookiePolicy
from importlib import import_module
from typing import Any

from selvage.web.client._cookies import _FakeStdlibRequest

__all__ = ["StrictCookiePolicy", "cookie_for"]


class StrictCookiePolicy(DefaultCookiePolicy):
    """A policy for `http.cookiejar.CookieJar`.

    Without publicsuffixlist (`pip install selvage[http]`) nobody knows which domains are public, and a cookie may be for
    its own host only.
    """

    def __init__(self) -> None:
        super().__init__(strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)

    def set_ok(self, cookie: Cookie, request: Any) -> bool:
        """Tell whether to keep a cookie."""
        return (
            super().set_ok(cookie, request)
            and self._keeps_its_promise(cookie)
            and self._is_for_few(cookie, request)
        )

    def _keeps_its_promise(self, cookie: Cookie) -> bool:
        name = cookie.name.lower()
        if name.startswith("__host-"):
            return bool(cookie.secure) and not cookie.domain_specified and cookie.path == "/"
        return not name.startswith("__secure-") or bool(cookie.secure)

    def _is_for_few(self, cookie: Cookie, request: Any) -> bool:
        if not cookie.domain_specified:
            return True
        domain = cookie.domain.lstrip(".").lower()
        suffixes = _public_suffixes()
        if suffixes is not None and not suffixes.is_public(domain):
            return True
        if domain != request.origin_req_host.lower():
            return False
        _bind_to_host(cookie, request)
        return True


@cache
def _public_suffixes() -> Any:
    """The list, or None; read once, and not before a cookie names a Domain: that takes as long as hundreds of requests."""
    try:
        return import_module("publicsuffixlist").PublicSuffixList()
    except ImportError:
        return None


def _host_of(request: Any) -> str:
    """Return a host as the jar names it: an address of IPv6 has brackets, and what has no dots gets ".local"."""
    host: str = request.origin_req_host.lower()
    if ":" in host:
        host = f"[{host}]"
    return host if "." in host else f"{host}.local"


def _bind_to_host(cookie: Cookie, request: Any) -> None:
    """Make a cookie its host's own: what names a public suffix that is the host itself.  RFC 6265 section 5.3, step 5."""
    cookie.domain = _host_of(request)
    cookie.domain_specified = cookie.domain_initial_dot = False


def cookie_for(url: str, name: str, value: str) -> Cookie:
    """Return a cookie for the host of a URL alone; one of https is never sent without TLS."""
    request: Any = _FakeStdlibRequest(url.encode("ascii"))
    host = _host_of(request)
    is_secure = request.type == "https"
    return Cookie(
        0, name, value, None, False, host, False, False, "/", True, is_secure, None, True, None, None, {}
    )
