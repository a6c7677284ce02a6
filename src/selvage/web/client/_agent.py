"""Agents: from a method and a URL to a response.  Floor 4."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from selvage.defer import Deferred, fail
from selvage.endpoints import HostnameEndpoint, wrapClientTLS
from selvage.failure import Failure
from selvage.interfaces import IStreamClientEndpoint, implementer
from selvage.reactor import get_reactor
from selvage.web._headers import Headers
from selvage.web.client._policy import BrowserLikePolicyForHTTPS, _DeprecatedToCurrentPolicyForHTTPS
from selvage.web.client._pool import HTTPConnectionPool, should_retry
from selvage.web.client._request import Request, _ensureValidMethod
from selvage.web.client._uri import URI, Target, host_value, target_of
from selvage.web.errors import SchemeNotSupported
from selvage.web.interfaces import IAgent, IAgentEndpointFactory, IPolicyForHTTPS

if TYPE_CHECKING:
    from collections.abc import Hashable

    from selvage.web.client._response import Response

__all__ = ["Agent", "ProxyAgent", "_AgentBase", "_StandardEndpointFactory"]


class _AgentBase:
    """What agents share: a pool, and how a request is made for a connection of it.

    Args:
        reactor: for a pool of its own.
        pool: an `HTTPConnectionPool`; by default one that keeps no connection.
    """

    def __init__(self, reactor: Any, pool: Any) -> None:
        self._reactor = reactor
        self._pool = HTTPConnectionPool(reactor, False) if pool is None else pool

    def _computeHostValue(self, scheme: bytes, host: bytes, port: int) -> bytes:
        """Return the Host header for a server."""
        return host_value(scheme, host, port)

    def _requestWithEndpoint(
        self,
        key: Hashable,
        endpoint: Any,
        method: bytes,
        parsedURI: URI,
        headers: Headers | None,
        bodyProducer: Any,
        requestPath: bytes,
    ) -> Deferred[Response]:
        """Send a request on a connection of the pool.

        Args:
            key: connections of the same key are alike.
            endpoint: how to make a new one.
            requestPath: the target in the request line.

        Fires, fails: as `Agent.request`.
        """
        host = self._computeHostValue(parsedURI.scheme, parsedURI.host, parsedURI.port)
        request = Request._construct(
            _ensureValidMethod(method),
            requestPath,
            _with_host(headers, host),
            bodyProducer,
            self._pool.persistent,
            parsedURI,
        )
        connecting: Deferred[Any] = self._pool.getConnection(key, endpoint)
        return connecting.addCallback(lambda connection: connection.request(request))


def _with_host(headers: Headers | None, host: bytes) -> Headers:
    """Return headers that have a Host; the caller's own are not changed."""
    if headers is None:
        headers = Headers()
    elif not hasattr(headers, "hasHeader"):
        raise TypeError(
            f"the headers are a {type(headers).__name__}: give Headers, such as Headers({{'Accept': ['*/*']}})"
        )
    elif headers.hasHeader(b"host"):
        return headers
    else:
        headers = headers.copy()
    headers._rawHeaders[b"Host"] = [host]
    return headers


@implementer(IAgentEndpointFactory)
class _StandardEndpointFactory:
    """Connects to the host of a URL, for https with TLS.

    Args:
        reactor: as of `HostnameEndpoint`.
        contextFactory: an `IPolicyForHTTPS`.
        connectTimeout: seconds for each attempt to connect; None for the endpoint's own.
        bindAddress: the local address.
    """

    def __init__(
        self, reactor: Any, contextFactory: Any, connectTimeout: float | None, bindAddress: Any
    ) -> None:
        self._reactor = reactor
        self._policyForHTTPS = contextFactory
        self._connectTimeout = connectTimeout
        self._bindAddress = bindAddress

    def endpointForURI(self, uri: URI) -> Any:
        """Return an endpoint.

        Raises:
            SchemeNotSupported: it is neither http nor https.
            ValueError: the host is not in ASCII.
        """
        if uri.scheme not in (b"http", b"https"):
            raise SchemeNotSupported(f"Unsupported scheme: {uri.scheme!r}")
        try:
            host = uri.host.decode("ascii")
        except UnicodeDecodeError:
            raise ValueError(
                f"The host of the provided URI ({uri.host!r}) contains non-ASCII octets,"
                " it should be ASCII decodable."
            ) from None
        options: dict[str, Any] = {"bindAddress": self._bindAddress}
        if self._connectTimeout is not None:
            options["timeout"] = self._connectTimeout
        endpoint = HostnameEndpoint(self._reactor, host, uri.port, **options)
        if uri.scheme == b"http":
            return endpoint
        return wrapClientTLS(self._policyForHTTPS.creatorForNetloc(uri.host, uri.port), endpoint)


class _Same:
    """Stands in a key for an object that may have no hash, or call others its equals: only the same object will do.

    Args:
        that: the object; kept, so that no other one gets its identity.
    """

    __slots__ = ("_that",)

    def __init__(self, that: object) -> None:
        self._that = that

    def __hash__(self) -> int:
        return id(self._that)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other._that is self._that


@implementer(IStreamClientEndpoint)
class _LaterEndpoint:
    """An endpoint that is made when it is needed: a request on a connection that is there needs none.

    Args:
        agent: makes it.
        uri: where to.
    """

    def __init__(self, agent: Any, uri: bytes) -> None:
        self._agent = agent
        self._uri = uri

    def connect(self, protocolFactory: Any) -> Any:
        """Make the endpoint, and connect."""
        return self._agent._getEndpoint(URI.fromBytes(self._uri)).connect(protocolFactory)


@implementer(IAgent)
class Agent(_AgentBase):
    """Sends requests for http and https URLs.

    Args:
        reactor: as of `HostnameEndpoint`.
        contextFactory: an `IPolicyForHTTPS`: how servers of https prove who they are.
        connectTimeout: seconds for each attempt to connect; None for the endpoint's own, 30.
        bindAddress: the local address.
        pool: an `HTTPConnectionPool`; by default one that keeps no connection.

    Twisted: `twisted.web.client.Agent`.
    """

    def __init__(
        self,
        reactor: Any,
        contextFactory: Any = None,
        connectTimeout: float | None = None,
        bindAddress: Any = None,
        pool: Any = None,
    ) -> None:
        if contextFactory is None:
            contextFactory = BrowserLikePolicyForHTTPS()
        elif not IPolicyForHTTPS.providedBy(contextFactory):
            warnings.warn(
                f"{contextFactory!r} was passed as the HTTPS policy for an Agent, but it does not provide"
                " IPolicyForHTTPS.  Since Twisted 14.0, you must pass a provider of IPolicyForHTTPS.",
                category=DeprecationWarning,
                stacklevel=2,
            )
            contextFactory = _DeprecatedToCurrentPolicyForHTTPS(contextFactory)
        self._init(
            reactor, _StandardEndpointFactory(reactor, contextFactory, connectTimeout, bindAddress), pool
        )

    def _init(self, reactor: Any, endpointFactory: Any, pool: Any) -> None:
        _AgentBase.__init__(self, reactor, pool)
        self._endpointFactory = endpointFactory

    @classmethod
    def usingEndpointFactory(cls, reactor: Any, endpointFactory: Any, pool: Any = None) -> Agent:
        """Make an agent that connects as an `IAgentEndpointFactory` says."""
        agent = cls.__new__(cls)
        agent._init(reactor, endpointFactory, pool)
        return agent

    def _getEndpoint(self, uri: URI) -> Any:
        """Return the endpoint for a URL."""
        return self._endpointFactory.endpointForURI(uri)

    def request(
        self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: Any = None
    ) -> Deferred[Response]:
        """Send a request.

        Args:
            method: such as ``b"GET"``.
            uri: the whole URL, of visible ASCII characters.
            headers: are not changed; Host is added when it is not there.
            bodyProducer: an `IBodyProducer`.

        Fires with the `Response` when its header is in; its body is for `readBody` or `deliverBody`.
        Fails with `SchemeNotSupported`, with why there is no connection (`ConnectError`, `DNSLookupError`), or as
            `HTTP11ClientProtocol.request`.

        Raises:
            TypeError: method or URL are no bytes, the headers no `Headers`, or the body is bytes or str.
            ValueError: they cannot be sent.
        """
        if isinstance(bodyProducer, (bytes, str)):
            raise TypeError(
                f"the body producer is a {type(bodyProducer).__name__}: give an IBodyProducer, such as"
                " FileBodyProducer(io.BytesIO(body))"
            )
        target = target_of(uri)
        key = self._key_of(target.origin)
        pool = self._pool
        if type(pool) is HTTPConnectionPool and pool._connections.get(key):
            return self._request_again(key, target, method, uri, headers, bodyProducer)
        parsed = URI.fromBytes(uri)
        try:
            endpoint = self._getEndpoint(parsed)
        except SchemeNotSupported:
            return fail(Failure())
        return self._requestWithEndpoint(key, endpoint, method, parsed, headers, bodyProducer, target.path)

    def _key_of(self, origin: tuple[bytes, bytes, int]) -> Hashable:
        """Return what connections have to have in common.

        Agents may share a pool, but not connections that one of them would not have made: not those whose server
        proved itself by the other's rules, or that go another way.
        """
        factory = self._endpointFactory
        if (
            origin[0] == b"http"
            and type(factory) is _StandardEndpointFactory
            and factory._bindAddress is None
        ):
            return origin
        return (*origin, _Same(factory))

    def _request_again(
        self, key: Hashable, target: Target, method: bytes, uri: bytes, headers: Any, producer: Any
    ) -> Deferred[Response]:
        """Send a request where there are idle connections: the quick way, without an endpoint.  benchmarks/, "client"."""
        pool = self._pool
        if "getConnection" in pool.__dict__ or type(self)._requestWithEndpoint is not _REQUEST_WITH_ENDPOINT:
            later = _LaterEndpoint(self, uri)
            return self._requestWithEndpoint(key, later, method, target.uri, headers, producer, target.path)
        request = Request(method, target.path, _with_host(headers, target.host), producer, pool.persistent)
        request._parsedURI = target.uri
        connection = pool._take(key)
        if connection is None:  # all of them were dead
            later = _LaterEndpoint(self, uri)
            return self._requestWithEndpoint(key, later, method, target.uri, headers, producer, target.path)
        answered: Deferred[Response] = connection.request(request)
        if not pool.retryAutomatically:
            return answered

        def again(failure: Failure) -> Any:
            if not should_retry(method, failure.value, producer):
                return failure
            connecting = pool._newConnection(key, _LaterEndpoint(self, uri))
            return connecting.addCallback(lambda connection: connection.request(request))

        return answered.addErrback(again)


_REQUEST_WITH_ENDPOINT = _AgentBase._requestWithEndpoint


@implementer(IAgent)
class ProxyAgent(_AgentBase):
    """Sends requests by a proxy, which sees all of them; for http URLs.

    Args:
        endpoint: how the proxy is reached.
        reactor: for a pool of its own; the ambient one by default.
        pool: as of `Agent`.

    Twisted: `twisted.web.client.ProxyAgent`.  `selvage.endpoints.HTTPConnectClientEndpoint` goes through proxies that
    shall see nothing.
    """

    def __init__(self, endpoint: Any, reactor: Any = None, pool: Any = None) -> None:
        if reactor is None:
            reactor = get_reactor()
        _AgentBase.__init__(self, reactor, pool)
        self._proxyEndpoint = endpoint

    def request(
        self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: Any = None
    ) -> Deferred[Response]:
        """Send a request; as `Agent.request`."""
        target = target_of(uri)
        # The proxy reads the URL, so it is the whole of it that says what is asked for.
        key = ("http-proxy", self._proxyEndpoint)
        return self._requestWithEndpoint(
            key, self._proxyEndpoint, method, target.uri, headers, bodyProducer, uri.strip()
        )
