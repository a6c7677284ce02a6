"""The pleasant client of HTTP.  Floor 4.

    async with Client() as client:
        response = await client.get("https://example.com/items", params={"page": 2})
        items = response.raise_for_status().json()

It stands on the same connections as `Agent`, and works in coroutines of both worlds: what its methods return can be
awaited in an asyncio Task and has callbacks like any Deferred.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from selvage.defer import Deferred
from selvage.reactor import get_reactor
from selvage.tasks import deferLater
from selvage.web.client._arguments import (
    Address,
    address_of,
    authorization,
    count_of,
    headers_of,
    jar_of,
    proxies_of,
    retries_of,
    size_of,
    timeouts_of,
)
from selvage.web.client._auth import Auth
from selvage.web.client._call import Call, broke_off
from selvage.web.client._client_response import BodyReader, ClientResponse, StreamedResponse
from selvage.web.client._codecs import available
from selvage.web.client._content import content_of
from selvage.web.client._cookies import _FakeStdlibRequest, _FakeStdlibResponse
from selvage.web.client._decoding import DECODERS, ContentDecoderAgent
from selvage.web.client._errors import RequestNotSent, RequestTransmissionFailed, ResponseNeverReceived
from selvage.web.client._failures import RequestError, TooManyRedirects
from selvage.web.client._limits import Retries, Timeouts, check_seconds
from selvage.web.client._options import AuthLike, HeadersLike, RequestOptions, check_options
from selvage.web.client._origins import Connections, Route, Router
from selvage.web.client._policy import BrowserLikePolicyForHTTPS, HostnameCachingHTTPSPolicy
from selvage.web.client._redirect import BODY_HEADERS, SENSITIVE_HEADERS, discard_body
from selvage.web.client._request import Request, _ensureValidMethod
from selvage.web.client._upload import EXPECT_BYTES, Upload
from selvage.web.interfaces import IPolicyForHTTPS

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from typing_extensions import Unpack

__all__ = ["Client", "RequestOptions"]

#: Octets of a body that is read into memory, decompressed.  Larger ones are for `stream`, or for who raises the limit.
BODY_LIMIT_BYTES = 100 * 1024 * 1024
#: Connections to one host.  Browsers have six; a service that fans out wants some more.
PER_HOST = 16
#: Connections in all.  aiohttp and httpx have the same.
TOTAL = 100
#: Seconds that an idle connection is kept: a little less than most servers keep theirs (nginx 75, Apache 5, Node 5).
IDLE_S = 60.0
#: Connections that were idle and turn out to be dead, for one request.
_REUSES = PER_HOST
#: Redirections in a row.  What browsers and Twisted follow.
REDIRECTS = 20

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_UNAUTHORIZED = 401
_EXPECTATION_FAILED = 417
_WANTS = frozenset({_UNAUTHORIZED, _EXPECTATION_FAILED})
#: Methods that may be written in small letters, as other clients let them; all others are sent to the letter.
_ANY_CASE = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
#: Challenges that one request answers: the first, and another one for a nonce that was too old.
_CHALLENGES = 2

_MAY_REPEAT = (RequestNotSent, RequestTransmissionFailed, ResponseNeverReceived)


class Client:
    """Sends requests, with all that a service needs around them; keeps connections and cookies.

    Args:
        base_url: what relative URLs are relative to.
        headers: sent with each request.
        auth: as of `RequestOptions`; sent to the host of `base_url`, without one to each host.
        cookies: an `http.cookiejar.CookieJar`; by default one that keeps cookies to who set them (`StrictCookiePolicy`).
            A mapping of cookies is for the host of `base_url` alone.
        timeout: seconds for a whole request, or `Timeouts`.
        retries: how often a request that failed is sent again where that is safe, or `Retries`; 0 by default.
        proxy: the URL of a proxy for all requests (``http://``, ``https://``, ``socks5://``), or a mapping from "http",
            "https" and "all" to such; by default what the environment says (`http_proxy`, `https_proxy`, `all_proxy`,
            `no_proxy`); False for none.
        follow_redirects: whether redirections are followed.
        max_redirects: how many in a row.
        max_per_host, max_connections: how many connections there may be; requests wait for theirs.
        idle_s: seconds that an unused connection is kept.
        limit_bytes: how large a body may be that is read into memory, decompressed.
        policy: an `IPolicyForHTTPS`: how servers of https prove who they are; browsers' rules by default.
        http2: whether HTTP/2 is offered to servers of https; a policy of one's own offers it with
            `BrowserLikePolicyForHTTPS(protocols=(b"h2", b"http/1.1"))`.
        bind_address: the local address.
        address_filter: called with each address that a host's name has, after the look-up and right before connecting;
            those for which it is false are not connected to. `selvage.endpoints.is_public_address` keeps requests for
            strangers' URLs out of one's own network. It cannot see behind a proxy, so it takes none from the environment.
        reactor: the ambient one by default.

    Every failure is a `RequestError` that says at which stage and for which URL; the exception behind it is its cause.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        headers: HeadersLike | None = None,
        auth: AuthLike | None = None,
        cookies: CookieJar | Mapping[str, str] | None = None,
        timeout: float | Timeouts | None = Timeouts(),  # noqa: B008 -- frozen
        retries: int | Retries = 0,
        proxy: str | Mapping[str, str] | bool | None = None,
        follow_redirects: bool = True,
        max_redirects: int = REDIRECTS,
        max_per_host: int = PER_HOST,
        max_connections: int = TOTAL,
        idle_s: float = IDLE_S,
        limit_bytes: int | None = BODY_LIMIT_BYTES,
        policy: Any = None,
        http2: bool = True,
        bind_address: Any = None,
        address_filter: Callable[[Any], bool] | None = None,
        reactor: Any = None,
    ) -> None:
        self._reactor = get_reactor() if reactor is None else reactor
        if base_url is not None:
            address_of(base_url)  # raises ValueError when it is none
        self._base_url = base_url
        self._headers = headers_of(headers)
        for name, value in (
            (b"accept-encoding", b", ".join(available())),
            (b"user-agent", b"selvage"),
            (b"accept", b"*/*"),
        ):
            if not self._headers.hasHeader(name):
                self._headers.setRawHeaders(name, [value])
        self._auth = _auth_of(auth)
        self.cookies = jar_of(cookies, base_url)
        self._timeouts = timeouts_of(timeout)
        self._retries = retries_of(retries)
        self._proxies = proxies_of(proxy, address_filter)
        self._follow_redirects = follow_redirects
        self._max_redirects = count_of("max_redirects", max_redirects, 0)
        self._limit_bytes = size_of(limit_bytes)
        if policy is None:
            protocols = (b"h2", b"http/1.1") if http2 else (b"http/1.1",)
            policy = HostnameCachingHTTPSPolicy(BrowserLikePolicyForHTTPS(protocols=protocols), 100)
        elif not IPolicyForHTTPS.providedBy(policy):
            raise TypeError(
                f"policy= is a {type(policy).__name__}: give an IPolicyForHTTPS, such as BrowserLikePolicyForHTTPS()"
            )
        if address_filter is not None and not callable(address_filter):
            raise TypeError(
                f"address_filter= is a {type(address_filter).__name__}: give what is called with each address"
            )
        check_seconds("idle_s", idle_s)
        router = Router(self._reactor, policy, self._timeouts.connect, bind_address, address_filter)
        self._connections = Connections(
            self._reactor,
            router,
            count_of("max_per_host", max_per_host),
            count_of("max_connections", max_connections),
            idle_s,
        )
        self._decoder = ContentDecoderAgent(None, list(DECODERS.items()))

    def __repr__(self) -> str:
        state = "closed " if self._connections.is_closed else ""
        return f"<Client {state}{self._connections!r}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def close(self) -> Deferred[None]:
        """Close all connections, and end the requests that are under way.

        Fires with None when they are closed.
        """
        return self._connections.close()

    # --- Requests ------------------------------------------------------------------------------------------------

    def request(self, method: str, url: str, **options: Unpack[RequestOptions]) -> Deferred[ClientResponse]:
        """Send a request and read the whole response.

        Args:
            method: such as "GET".
            url: may be relative to `base_url`; what may not stand in one is encoded.
            options: see `RequestOptions`.

        Fires with a `ClientResponse`, whatever its code.
        Fails with `RequestError`; cancelling gives the request up.

        Raises:
            TypeError: the body is of no kind that can be sent, or there is no such option.
            ValueError: method, URL or a header cannot be sent.
        """
        call = self._prepare(method, url, options)
        return Deferred.fromCoroutine(self._fetch(call))

    def get(self, url: str, **options: Unpack[RequestOptions]) -> Deferred[ClientResponse]:
        """Send GET; see `request`."""
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Unpack[RequestOptions]) -> Deferred[ClientResponse]:
        """Send HEAD; see `request`."""
        return self.request("HEAD", url, **options)

    def options(self, url: str, **options: Unpack[RequestOptions]) -> Deferred[ClientResponse]:
        """Send OPTIONS; see `request`."""
        return self.request("OPTIONS", url, **options)

    def post(self, url: str, **options: Unpack[RequestOptions]) -> Deferred[ClientResponse]:
        """Send POST; see `request`."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Unpack[RequestOptions]) -> Deferred[ClientResponse]:
        """Send PUT; see `request`."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Unpack[RequestOptions]) -> Deferred[ClientResponse]:
        """Send PATCH; see `request`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Unpack[RequestOptions]) -> Deferred[ClientResponse]:
        """Send DELETE; see `request`."""
        return self.request("DELETE", url, **options)

    def stream(self, method: str, url: str, **options: Unpack[RequestOptions]) -> Streaming:
        """Send a request and take the body as it comes:

            async with client.stream("GET", url) as response:
                async for piece in response.chunks():
                    ...

        The server is held back while nobody takes. Leaving the block before the end closes the connection.

        Args, raises: as `request`; without `limit_bytes` a body of any size.
        """
        options.setdefault("limit_bytes", None)
        return Streaming(self, self._prepare(method, url, options))

    def _prepare(self, method: str, url: str, options: RequestOptions) -> Call:
        """Return a request that can be sent."""
        check_options(options)
        if not isinstance(method, str):
            raise TypeError(f"the method is a {type(method).__name__}: give str, such as 'GET'")
        if method.upper() in _ANY_CASE:
            method = method.upper()
        _ensureValidMethod(method.encode("utf-8"))
        headers = self._headers.copy()
        if "headers" in options:
            for name, values in headers_of(options["headers"]).getAllRawHeaders():
                headers.setRawHeaders(name, list(values))
        address = address_of(url, self._base_url, options.get("params"))
        auth = _auth_of(options.get("auth", address.credentials or self._auth_for(address)))
        if headers.hasHeader(b"authorization"):
            auth = None
        elif isinstance(auth, str):
            headers.setRawHeaders(b"authorization", [auth])
            auth = None
        content = content_of(
            options.get("json"), options.get("data"), options.get("files"), has_json="json" in options
        )
        if content is not None and content.content_type and not headers.hasHeader(b"content-type"):
            headers.setRawHeaders(b"content-type", [content.content_type])
        follows = options.get("follow_redirects", self._follow_redirects)
        return Call(
            self._reactor,
            method,
            address,
            headers,
            content,
            timeouts_of(options["timeout"]) if "timeout" in options else self._timeouts,
            retries_of(options["retries"]) if "retries" in options else self._retries,
            size_of(options["limit_bytes"]) if "limit_bytes" in options else self._limit_bytes,
            self._max_redirects if follows else 0,
            auth,
            options.get("expect_continue"),
        )

    def _auth_for(self, address: Address) -> str | Auth | None:
        """Return the client's own credentials, if they are for this URL."""
        if self._auth is None or self._base_url is None:
            return self._auth
        return self._auth if address.origin == address_of(self._base_url).origin else None

    async def _fetch(self, call: Call) -> ClientResponse:
        """Send a request, and read all of the response; one that breaks off is an attempt that has failed."""
        history: list[ClientResponse] = []
        try:
            while True:
                response = await self._open(call, history)
                try:
                    await response.read()
                    return response
                except RequestError as error:
                    if not broke_off(error) or not call.may_be_repeated:
                        raise _with_attempts(call, error)
                await self._wait_and_begin_again(call, call.retries.delay_s(call.failed))
        finally:
            call.finish()

    # --- Redirections --------------------------------------------------------------------------------------------

    async def _open(self, call: Call, history: list[ClientResponse]) -> StreamedResponse:
        """Send a request, and follow where it leads; the body of the last response is still to come."""
        while True:
            response = await self._send(call)
            self._keep_cookies(call, response)
            if response.code in _WANTS and self._satisfies(call, response):
                discard_body(response)
                continue
            if response.code in _REDIRECTS and call.redirects:
                location = response.headers.getRawHeaders(b"location")
                if location:
                    history.append(ClientResponse(call.method, call.url, response, list(history)))
                    discard_body(response)
                    self._redirect(call, response.code, location[0], len(history))
                    call.failed = 0
                    continue
            return self._begin_body(call, response, history)

    def _redirect(self, call: Call, code: int, location: bytes, count: int) -> None:
        """Turn a request into the one that it leads to."""
        if count > call.redirects:
            raise TooManyRedirects(
                "response", call.method, call.url, f"more than {call.redirects} redirections in a row"
            )
        try:
            # User and password in a Location would be the server's; nothing of them is sent.
            address = address_of(urljoin(call.url, location.decode("utf-8", "replace")))
        except ValueError as error:
            raise RequestError(
                "response", call.method, call.url, f"it leads to what is no URL for a client ({error})"
            ) from error
        if code not in _KEEP_METHOD and not (code in (301, 302) and call.method in ("GET", "HEAD")):
            if call.method != "HEAD":
                call.method = "GET"
            call.content = None
            for name in BODY_HEADERS:
                call.headers.removeHeader(name)
        if not call.can_be_sent:
            raise RequestError(
                "response", call.method, call.url, "it leads elsewhere, and its body cannot be sent twice"
            )
        if address.origin != call.address.origin:
            for name in (*SENSITIVE_HEADERS, b"host"):
                call.headers.removeHeader(name)
            call.auth = None
        call.address = address

    # --- What the server wants first -------------------------------------------------------------------------------

    def _satisfies(self, call: Call, response: Any) -> bool:
        """Do what the server wants before it answers, if it can be done: then the request is sent once more."""
        if not call.can_be_sent:
            return False
        if response.code == _EXPECTATION_FAILED:
            call.expects = False
            return call.has_asked_leave
        if call.auth is None or call.challenges == _CHALLENGES:
            return False
        call.challenges += 1
        return call.auth.challenged(call.url, response.headers, call.challenges > 1)

    # --- Retries -------------------------------------------------------------------------------------------------

    async def _send(self, call: Call) -> Any:
        """Send a request until it is answered, or may not be sent again."""
        retries = call.retries
        while True:
            try:
                response = await self._cancellable(call, self._attempt(call))
            except RequestError as error:
                if not call.may_be_repeated or getattr(error, "which", None) == "total":
                    raise _with_attempts(call, error)
                delay = retries.delay_s(call.failed)
            else:
                if not call.may_be_repeated or response.code not in retries.statuses:
                    return response
                after = response.headers.getRawHeaders("retry-after", [None])[0]
                delay = retries.delay_s(call.failed, after, time())
                discard_body(response)
            await self._wait_and_begin_again(call, delay)

    async def _wait_and_begin_again(self, call: Call, delay_s: float) -> None:
        call.begin_again()  # first, so that nobody but the pause hears when time is up
        await self._cancellable(call, _pause(call, delay_s))

    async def _cancellable(self, call: Call, coroutine: Any) -> Any:
        """Await what a deadline may cancel."""
        call.current = current = Deferred.fromCoroutine(coroutine)
        try:
            return await current
        finally:
            call.current = None

    async def _attempt(self, call: Call) -> Any:
        """Send a request once; a connection that was idle and turns out to be dead does not count."""
        try:
            route = self._route_of(call.address)
            for left in reversed(range(_REUSES + 1)):
                call.stage = "connect"  # a place in the line belongs to it
                leave = self._connections.get(route)
                if not leave.called or leave.result is None:
                    call.watch("connect")
                connection = await leave
                call.stage = "resolve"
                is_fresh = connection is None
                if connection is None:
                    connection = await self._connections.connect(route, lambda stage: _enter(call, stage))
                try:
                    return await self._ask(call, connection, route)
                except _MAY_REPEAT as error:
                    if is_fresh or not left or not self._may_repeat(call, error):
                        raise
        except Exception as error:
            told = call.error_of(error)
            if told is error:
                raise
            raise told from told.__cause__
        finally:
            call.unwatch()

    def _may_repeat(self, call: Call, error: BaseException) -> bool:
        if not call.can_be_sent:
            return False
        cancelled = call.error_of(error)
        if not isinstance(cancelled, RequestError) or getattr(cancelled, "which", None):
            return False
        return isinstance(error, RequestNotSent) or call.method in Retries().methods

    async def _ask(self, call: Call, connection: Any, route: Route) -> Any:
        """Send a request on a connection, and wait for the header of the response."""
        address, headers = call.address, call.headers
        target = address.target
        if not headers.hasHeader(b"host"):
            headers.setRawHeaders(b"host", [address.host_value])
        cookies = None if headers.hasHeader(b"cookie") else _cookies_for(self.cookies, call.url)
        credentials = None if call.auth is None else call.auth.authorization(call.method, call.url)
        expects = call.has_asked_leave = self._expects(call, connection)
        if cookies or route.asks_proxy or credentials or expects:
            headers = headers.copy()  # these are for this connection, or this moment
        if cookies:
            headers.setRawHeaders(b"cookie", cookies)
        if credentials:
            headers.setRawHeaders(b"authorization", [credentials])
        if expects:
            headers.setRawHeaders(b"expect", [b"100-continue"])
        if route.asks_proxy:
            assert route.proxy is not None
            target = call.url
            if route.proxy.username is not None:
                basic = authorization((route.proxy.username, route.proxy.password or ""))
                headers.setRawHeaders(b"proxy-authorization", [basic])
        producer = None if call.content is None else Upload(call.content, call, expects)
        request = Request(call.method.encode("ascii"), target.encode("ascii"), headers, producer, True)
        call.stage = "request"
        if producer is None:
            call.await_response()
        else:
            call.unwatch()
        response = await connection.request(request)
        if producer is not None and producer.is_expecting:
            producer.answered(response.code)
        call.stage = "body"
        return response

    def _expects(self, call: Call, connection: Any) -> bool:
        """Tell whether the server is to give leave for the body; in HTTP/2 it can stop one at any time."""
        if call.content is None or connection.http2 is not None:
            return False
        if call.expects is None:
            return call.content.size is not None and call.content.size >= EXPECT_BYTES
        return call.expects

    def _route_of(self, address: Address) -> Route:
        scheme, host, port = address.origin
        proxy = self._proxies.proxy_for(scheme, host, port)
        if proxy is not None and scheme == "http" and proxy.scheme in ("http", "https"):
            # One connection to such a proxy serves all hosts.
            return Route("http", proxy.host, proxy.port, proxy, True)
        return Route(scheme, host, port, proxy)

    # --- Responses -----------------------------------------------------------------------------------------------

    def _keep_cookies(self, call: Call, response: Any) -> None:
        if response.headers.hasHeader(b"set-cookie"):
            request: Any = _FakeStdlibRequest(call.url.encode("ascii"))
            self.cookies.extract_cookies(_FakeStdlibResponse(response), request)  # type: ignore[arg-type]

    def _begin_body(self, call: Call, response: Any, history: list[ClientResponse]) -> StreamedResponse:
        """Have the body delivered to a reader."""
        call.stage = "body"
        decoded = self._decoder._handleResponse(response)
        if decoded is not response:
            decoded.limit_bytes = call.limit_bytes
        call.reader = reader = BodyReader(call.limit_bytes, call)
        decoded.deliverBody(reader)
        if not reader.is_over:
            call.watch("read")
        return StreamedResponse(call, reader, decoded, history)


class Streaming:
    """The block of `Client.stream`."""

    def __init__(self, client: Client, call: Call) -> None:
        self._client = client
        self._call = call

    async def __aenter__(self) -> StreamedResponse:
        try:
            return await self._client._open(self._call, [])
        except BaseException:
            self._call.finish()
            raise

    async def __aexit__(self, *error: object) -> None:
        self._call.finish()


def _auth_of(auth: AuthLike | None) -> str | Auth | None:
    """Return the value of Authorization, or what makes it."""
    return auth if auth is None or isinstance(auth, Auth) else authorization(auth)


def _enter(call: Call, stage: str) -> None:
    call.stage = stage


def _with_attempts(call: Call, error: RequestError) -> RequestError:
    if call.failed:
        error.add_note(f"it was tried {call.failed + 1} times")
    return error


async def _pause(call: Call, delay_s: float) -> None:
    try:
        await deferLater(call.reactor, delay_s)
    except Exception as error:
        raise call.error_of(error) from None


def _cookies_for(jar: CookieJar, url: str) -> Any:
    """Return the values of Cookie for a URL; None for none."""
    if not any(True for _ in jar):
        return None
    request: Any = _FakeStdlibRequest(url.encode("ascii"))
    jar.add_cookie_header(request)
    return request.headers.getRawHeaders(b"cookie")
