"""Cookies, kept by the standard library's jar.  Floor 4.

A jar binds each cookie to the host that set it (or the domain that it may set it for), to a path and to TLS where the
server asks for that; so what one server is told never reaches another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.defer import Deferred
from selvage.interfaces import implementer
from selvage.web._headers import Headers
from selvage.web.client._uri import URI, host_value
from selvage.web.interfaces import IAgent

if TYPE_CHECKING:
    from http.cookiejar import CookieJar

__all__ = ["CookieAgent", "_FakeStdlibRequest", "_FakeStdlibResponse"]


class _FakeStdlibRequest:
    """A request as `http.cookiejar` wants to see one.

    Args:
        uri: the whole URL.
    """

    #: No third party's: each request is one that the program itself asked for.
    unverifiable = False

    def __init__(self, uri: bytes) -> None:
        parsed = URI.fromBytes(uri)
        self.uri = uri.decode("ascii")
        self.headers = Headers()
        self.type = parsed.scheme.decode("ascii")
        # With its port, by which a cookie may be bound; the jar finds the name alone in the URL.
        self.host = host_value(parsed.scheme, parsed.host, parsed.port).decode("ascii")
        self.origin_req_host = parsed.host.decode("ascii")

    @property
    def _twistedHeaders(self) -> Headers:
        return self.headers

    def has_header(self, header: str) -> bool:
        """Tell whether there is such a header."""
        return self.headers.hasHeader(header.encode("ascii"))

    def add_unredirected_header(self, name: str, value: str) -> None:
        """Add a header."""
        # As it was decoded below; what a program put into the jar itself may be any text.
        try:
            octets = value.encode("latin-1")
        except UnicodeEncodeError:
            octets = value.encode("utf-8")
        self.headers.addRawHeader(name.encode("ascii"), octets)

    def get_full_url(self) -> str:
        """Return the whole URL."""
        return self.uri

    def get_header(self, name: str, default: str | None = None) -> str | None:
        """Return a header."""
        values = self.headers.getRawHeaders(name.encode("ascii"))
        return default if not values else values[0].decode("latin-1")

    def get_host(self) -> str:
        """Return the host."""
        return self.host

    def get_type(self) -> str:
        """Return the scheme."""
        return self.type

    def is_unverifiable(self) -> bool:
        """Return whether a third party made it."""
        return self.unverifiable


class _FakeStdlibResponse:
    """A response as `http.cookiejar` wants to see one.

    Args:
        response: an `IResponse`.
    """

    def __init__(self, response: Any) -> None:
        self.response = response

    def info(self) -> _FakeStdlibResponse:
        """Return what has the headers."""
        return self

    def get_all(self, name: str, default: list[str] | None = None) -> list[str] | None:
        """Return the values of a header."""
        values = self.response.headers.getRawHeaders(name.encode("ascii"))
        # As http.client decodes them: any octet is some character.
        return default if values is None else [value.decode("latin-1") for value in values]


@implementer(IAgent)
class CookieAgent:
    """Sends the cookies that belong to a URL, and keeps those that come back.

    Args:
        agent: sends the requests.
        cookieJar: an `http.cookiejar.CookieJar`.

    A request that has a Cookie header already keeps that one.

    Twisted: `twisted.web.client.CookieAgent`.
    """

    def __init__(self, agent: Any, cookieJar: CookieJar) -> None:
        self._agent = agent
        self.cookieJar = cookieJar

    def request(
        self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: Any = None
    ) -> Deferred[Any]:
        """Send a request; as `Agent.request`."""
        headers = Headers() if headers is None else headers.copy()
        request: Any = _FakeStdlibRequest(uri)
        if not headers.hasHeader(b"cookie"):
            self.cookieJar.add_cookie_header(request)
            for cookie in request.headers.getRawHeaders(b"cookie", []):
                headers.addRawHeader(b"cookie", cookie)
        answered: Deferred[Any] = self._agent.request(method, uri, headers, bodyProducer)
        return answered.addCallback(self._extractCookies, request)

    def _extractCookies(self, response: Any, request: Any) -> Any:
        """Keep the cookies of a response."""
        self.cookieJar.extract_cookies(_FakeStdlibResponse(response), request)  # type: ignore[arg-type]
        return response
