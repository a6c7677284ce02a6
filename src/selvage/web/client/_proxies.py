"""Which proxy a request goes through: as arguments say, or the environment.  Floor 4.

Source: there is no standard; this is what curl does (`http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`), networks in
`no_proxy` included.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

__all__ = ["Proxy", "ProxyRules"]

_DEFAULT_PORTS = {"http": 8080, "https": 443, "socks5": 1080, "socks5h": 1080}


class Proxy(NamedTuple):
    """A proxy.  Its representation hides the password."""

    #: "http", "https" (TLS to the proxy itself), "socks5" or "socks5h"; both SOCKS ones let the proxy look names up.
    scheme: str
    host: str
    port: int
    username: str | None
    password: str | None

    @classmethod
    def from_url(cls, url: str) -> Proxy:
        """Take a URL such as ``http://user:password@host:port`` apart; ``host:port`` means http.

        Raises:
            ValueError: it is none, or of a kind that is not known.
        """
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in _DEFAULT_PORTS:
            known = ", ".join(_DEFAULT_PORTS)
            raise ValueError(f"a proxy of the kind {parts.scheme!r} is not known; there are {known}")
        if not parts.hostname:
            raise ValueError("the URL of a proxy has no host in it")
        try:
            port = parts.port or _DEFAULT_PORTS[parts.scheme]
        except ValueError as error:
            raise ValueError(f"the URL of a proxy has no port that can be: {error}") from None
        username = None if parts.username is None else unquote(parts.username)
        password = None if parts.password is None else unquote(parts.password)
        return cls(parts.scheme, parts.hostname, port, username, password)

    def __repr__(self) -> str:
        credentials = "" if self.username is None else "***@"
        return f"<Proxy {self.scheme}://{credentials}{self.host}:{self.port}>"


class ProxyRules:
    """Says for each URL which proxy it goes through.

    Args:
        by_scheme: by "http", "https" or "all" the URL of a proxy.
        except_for: hosts that are reached directly: names (their subdomains, too), addresses, networks such as
            "10.0.0.0/8", each with a port perhaps; "*" for all.
    """

    def __init__(self, by_scheme: Mapping[str, str], except_for: str = "") -> None:
        self._by_scheme = {scheme: Proxy.from_url(url) for scheme, url in by_scheme.items() if url}
        self._except = [entry.strip().lower() for entry in except_for.split(",") if entry.strip()]

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ProxyRules:
        """Read `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in small letters or in capitals.

        HTTP_PROXY in capitals does not count in a CGI program: there it is a header that the client sent.
        """
        by_scheme = {}
        for scheme in ("http", "https", "all"):
            value = environ.get(f"{scheme}_proxy")
            if value is None and not (scheme == "http" and "REQUEST_METHOD" in environ):
                value = environ.get(f"{scheme}_proxy".upper())
            if value:
                by_scheme[scheme] = value
        return cls(by_scheme, environ.get("no_proxy") or environ.get("NO_PROXY") or "")

    def proxy_for(self, scheme: str, host: str, port: int) -> Proxy | None:
        """Return the proxy for a URL, None for none."""
        proxy = self._by_scheme.get(scheme) or self._by_scheme.get("all")
        if proxy is None or any(_matches(entry, host.lower(), port) for entry in self._except):
            return None
        return proxy


def _matches(entry: str, host: str, port: int) -> bool:
    """Tell whether an entry of `no_proxy` means this host."""
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass  # one of them is a name, or there is a port
    name, colon, number = entry.rpartition(":")
    if colon and number.isdigit() and not name.endswith(":"):
        if int(number) != port:
            return False
        entry = name.strip("[]")
    entry = entry.removeprefix("*").lstrip(".")
    return host == entry or host.endswith("." + entry)
