"""Following redirections.  Floor 4.

What a redirection must not do: lead away from http and https (the agent refuses other schemes), go on for ever, repeat
what is not safe to repeat, or carry what was meant for one server to another one: when scheme, host or port change, the
headers with credentials stay behind, and Host.

Source: RFC 9110 section 15.4; RFC 3986 section 5.2.2 (relative references).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from selvage.defer import Deferred
from selvage.failure import Failure
from selvage.interfaces import implementer
from selvage.protocols import Protocol, connectionDone
from selvage.web._headers import Headers
from selvage.web.client._errors import ResponseFailed
from selvage.web.client._uri import URI, _urljoin
from selvage.web.errors import InfiniteRedirection, PageRedirect, RedirectWithNoLocation
from selvage.web.interfaces import IAgent

__all__ = ["BrowserLikeRedirectAgent", "RedirectAgent", "discard_body"]

#: Headers that are for one server only.
SENSITIVE_HEADERS = frozenset(
    {b"authorization", b"cookie", b"cookie2", b"proxy-authorization", b"www-authenticate"}
)
#: Headers about a body, for a request that has none any more.
BODY_HEADERS = (
    b"content-type",
    b"content-encoding",
    b"content-language",
    b"content-location",
    b"content-length",
)

#: Octets of a redirection's body that are read so that its connection can be used again; a page that says where to go
#: has some hundred.
_DISCARDED_BYTES = 64 * 1024

_SAFE_METHODS = frozenset({b"GET", b"HEAD"})

_encode_unsafe = re.compile(rb"[^!-~]").sub


def _percent_encoded(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % ord(match[0])


class _Discard(Protocol):
    """Reads a body for nothing, and closes the connection when it is too long for that."""

    transport: Any

    def __init__(self) -> None:
        self._left = _DISCARDED_BYTES

    def dataReceived(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0 and self.transport is not None:
            self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.transport = None


def discard_body(response: Any) -> None:
    """Get a body out of the way that nobody will read: while it waits, its connection cannot be used for anything else.

    One that has been received already stays where it is, for who wants it all the same.
    """
    if getattr(response, "_state", None) == "INITIAL" and response._transport is not None:
        response.deliverBody(_Discard())


@implementer(IAgent)
class RedirectAgent:
    """Follows redirections of requests that are safe to repeat.

    301, 302, 307 and 308 are followed for GET and HEAD, and are `PageRedirect` errors for other methods; 303 is followed
    by GET.

    Args:
        agent: sends the requests.
        redirectLimit: how many in a row are followed.
        sensitiveHeaderNames: headers that stay behind when a redirection leads to another server, besides those that
            always do: Authorization, Cookie, Cookie2, Proxy-Authorization and WWW-Authenticate.

    Twisted: `twisted.web.client.RedirectAgent`; a Host that was given stays behind, too, and HEAD stays HEAD.
    """

    _redirectResponses = [301, 302, 307, 308]
    _seeOtherResponses = [303]

    def __init__(
        self, agent: Any, redirectLimit: int = 20, sensitiveHeaderNames: Iterable[bytes] = ()
    ) -> None:
        self._agent = agent
        self._redirectLimit = redirectLimit
        self._sensitiveHeaderNames = SENSITIVE_HEADERS | {name.lower() for name in sensitiveHeaderNames}

    def request(
        self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: Any = None
    ) -> Deferred[Any]:
        """Send a request and follow where it leads; as `Agent.request`.

        Fires with the last response; the one before is its `previousResponse`.
        Fails with `ResponseFailed`, besides: of `InfiniteRedirection`, `RedirectWithNoLocation` or `PageRedirect`.
        """
        answered: Deferred[Any] = self._agent.request(method, uri, headers, bodyProducer)
        return answered.addCallback(self._handleResponse, method, uri, headers, 0, uri)

    def _resolveLocation(self, requestURI: bytes, location: bytes) -> bytes:
        """Return where a Location points to; what may not stand in a URL is encoded, as browsers do."""
        return _urljoin(requestURI, _encode_unsafe(_percent_encoded, location.strip()))

    def _handleRedirect(
        self,
        response: Any,
        method: bytes,
        uri: bytes,
        headers: Headers | None,
        redirectCount: int,
        first: bytes | None = None,
    ) -> Deferred[Any]:
        """Follow one redirection; `first` is the URL that all began with."""
        if redirectCount >= self._redirectLimit:
            error: Exception = InfiniteRedirection(
                response.code, b"Infinite redirection detected", location=first or uri
            )
            raise ResponseFailed([Failure(error)], response)
        locations = response.headers.getRawHeaders(b"location", [])
        if not locations:
            error = RedirectWithNoLocation(response.code, b"No location header field", uri)
            raise ResponseFailed([Failure(error)], response)
        location = self._resolveLocation(uri, locations[0])
        headers = self._headers_for(uri, location, headers)

        def chain(new: Any) -> Any:
            new.setPreviousResponse(response)
            return new

        discard_body(response)
        answered: Deferred[Any] = self._agent.request(method, location, headers)
        return answered.addCallback(chain).addCallback(
            self._handleResponse, method, location, headers, redirectCount + 1, first or uri
        )

    def _headers_for(self, uri: bytes, location: bytes, headers: Headers | None) -> Headers | None:
        """Return the headers for the next request, without what is not for its server."""
        if headers is None:
            return None
        before, after = URI.fromBytes(uri), URI.fromBytes(location)
        if (before.scheme, before.host.lower(), before.port) == (
            after.scheme,
            after.host.lower(),
            after.port,
        ):
            return headers
        left = headers.copy()
        for name in (*self._sensitiveHeaderNames, b"host"):
            left.removeHeader(name)
        return left

    def _handleResponse(
        self,
        response: Any,
        method: bytes,
        uri: bytes,
        headers: Headers | None,
        redirectCount: int,
        first: bytes | None = None,
    ) -> Any:
        """Return the response, or follow it."""
        if response.code in self._redirectResponses:
            if method not in _SAFE_METHODS:
                error = PageRedirect(response.code, location=uri)
                raise ResponseFailed([Failure(error)], response)
            return self._handleRedirect(response, method, uri, headers, redirectCount, first)
        if response.code in self._seeOtherResponses:
            if headers is not None and method not in _SAFE_METHODS:
                headers = headers.copy()
                for name in BODY_HEADERS:
                    headers.removeHeader(name)
            method = method if method == b"HEAD" else b"GET"
            return self._handleRedirect(response, method, uri, headers, redirectCount, first)
        return response


@implementer(IAgent)
class BrowserLikeRedirectAgent(RedirectAgent):
    """Follows redirections as browsers do: 301 and 302, too, turn what was a POST into a GET.

    Twisted: `twisted.web.client.BrowserLikeRedirectAgent`.
    """

    _redirectResponses = [307, 308]
    _seeOtherResponses = [301, 302, 303]
