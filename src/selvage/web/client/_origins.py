"""The pleasant client's connections: how many there may be, who waits for one, and which way they go.  Floor 4.

Theory of operation.  A `Route` says where a connection leads and how: whatever differs in it must not share one.  A
request asks for a connection of its route; it gets an idle one, or a new one if that is allowed, or waits in line.  A
connection that becomes free goes to whoever waits longest for its route; when only the limit for all routes stands in
the way of somebody else, it is closed to make room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from selvage.defer import Deferred, fail, succeed
from selvage.endpoints import (
    HostnameEndpoint,
    HTTPConnectClientEndpoint,
    SOCKS5ClientEndpoint,
    wrapClientTLS,
)
from selvage.failure import Failure
from selvage.interfaces import IHandshakeListener, implementer
from selvage.protocols import Factory, connectionDone
from selvage.web.client._connection import HTTP11ClientProtocol

if TYPE_CHECKING:
    from selvage.web.client._proxies import Proxy

__all__ = ["Connections", "Route", "Router"]


class Route(NamedTuple):
    """Where a connection leads, and how."""

    scheme: str
    host: str
    port: int
    #: The proxy in between, None for none.
    proxy: Proxy | None = None
    #: Whether the proxy is asked for each URL rather than for a tunnel.
    asks_proxy: bool = False


@implementer(IHandshakeListener)
class ClientConnection(HTTP11ClientProtocol):
    """A connection that tells when it is ready, and when it is gone.

    Args:
        free: called each time that it may be used again.
        gone: called once, when it is lost.
        secure: whether there is TLS, whose handshake is waited for.
    """

    def __init__(self, free: Callable[[Any], object], gone: Callable[[Any], object], secure: bool) -> None:
        super().__init__(free)
        self._gone = gone
        self._secure = secure
        #: What speaks HTTP/2 on it, if that was agreed.
        self.http2: Any = None
        #: Fires with None when requests may be sent.
        self.ready: Deferred[None] = Deferred(lambda _: self.transport.abortConnection())
        self.idle_timer: Any = None

    def connectionMade(self) -> None:
        """Be ready, unless TLS comes first."""
        if not self._secure:
            self.ready.callback(None)

    def handshakeCompleted(self) -> None:
        """Be ready, for what was agreed."""
        if self.ready.called:
            return
        if getattr(self.transport, "negotiatedProtocol", None) == b"h2":
            from selvage.web.client._http2 import HTTP2Client

            self.http2 = HTTP2Client(self.transport, lambda: self._quiescentCallback(self))
            # From now on it is the one that is told; bound away, so that nothing is asked on the way.
            self.dataReceived = self.http2.receive_data  # type: ignore[method-assign]
            self.request = self.http2.request  # type: ignore[method-assign]
        self.ready.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell whoever waits, and who counts."""
        self._gone(self)  # first: whoever is told below finds it gone
        super().connectionLost(reason)
        if self.http2 is not None:
            self.http2.lost(reason)
        if not self.ready.called:
            self.ready.errback(reason)


class _Factory(Factory):
    """Makes the connections of one route."""

    noisy = False

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def buildProtocol(self, addr: Any) -> Any:
        return self._make()


class Router:
    """Makes the endpoint of a route.

    Args:
        reactor: as of `HostnameEndpoint`.
        policy: an `IPolicyForHTTPS`.
        timeout_s: seconds for each attempt to connect.
        bind_address: the local address.
        address_filter: as of `HostnameEndpoint`: which addresses may be connected to.
    """

    def __init__(
        self,
        reactor: Any,
        policy: Any,
        timeout_s: float | None,
        bind_address: Any,
        address_filter: Callable[[Any], bool] | None,
    ) -> None:
        self._reactor = reactor
        self._policy = policy
        self._timeout_s = timeout_s
        self._bind_address = bind_address
        self._address_filter = address_filter

    def endpoint_for(self, route: Route, resolved: Callable[[], object]) -> Any:
        """Return an endpoint.

        Args:
            resolved: called when the host's name, or the proxy's, has been looked up.
        """
        proxy = route.proxy
        if proxy is None:
            endpoint = self._direct(route.host, route.port, resolved)
        else:
            endpoint = self._direct(proxy.host, proxy.port, resolved)
            if proxy.scheme == "https":
                endpoint = self._secured(proxy.host, proxy.port, endpoint)
            if not route.asks_proxy:
                endpoint = self._tunnelled(proxy, endpoint, route)
        if route.scheme == "https":
            endpoint = self._secured(route.host, route.port, endpoint)
        return endpoint

    def _direct(self, host: str, port: int, resolved: Callable[[], object]) -> Any:
        allowed = self._address_filter

        def may_try(address: Any) -> bool:
            resolved()
            return allowed is None or allowed(address)

        options = {} if self._timeout_s is None else {"timeout": self._timeout_s}
        return HostnameEndpoint(
            self._reactor, host, port, bindAddress=self._bind_address, address_filter=may_try, **options
        )

    def _secured(self, host: str, port: int, endpoint: Any) -> Any:
        creator = self._policy.creatorForNetloc(host.encode("ascii"), port)
        return wrapClientTLS(creator, endpoint, self._reactor)

    def _tunnelled(self, proxy: Proxy, endpoint: Any, route: Route) -> Any:
        kind: Any = SOCKS5ClientEndpoint if proxy.scheme.startswith("socks5") else HTTPConnectClientEndpoint
        return kind(
            self._reactor,
            endpoint,
            route.host,
            route.port,
            username=proxy.username,
            password=proxy.password,
            timeout_s=self._timeout_s,
        )


class Connections:
    """Connections of all routes.

    Args:
        reactor: an `IReactorTime`.
        router: makes endpoints.
        per_host: how many there may be of one route.
        total: how many of all.
        idle_s: seconds after which an idle one is closed.
    """

    def __init__(self, reactor: Any, router: Router, per_host: int, total: int, idle_s: float) -> None:
        self._reactor = reactor
        self._router = router
        self._per_host = per_host
        self._total = total
        self._idle_s = idle_s
        self._open: dict[Route, int] = {}  # connections and attempts
        self._idle: dict[Route, list[ClientConnection]] = {}
        self._waiting: dict[Route, deque[Deferred[Any]]] = {}
        self._all: set[ClientConnection] = set()
        self._shared: dict[Route, ClientConnection] = {}  # of HTTP/2
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether there are no connections any more, nor will be."""
        return self._is_closed

    def __repr__(self) -> str:
        idle = sum(map(len, self._idle.values()))
        waiting = sum(map(len, self._waiting.values()))
        return f"<Connections {self._count()} open, {idle} idle, {waiting} waiting>"

    def _count(self) -> int:
        return sum(self._open.values())

    def get(self, route: Route) -> Deferred[ClientConnection | None]:
        """Get an idle connection, or leave to make a new one, at once or when there is one.

        Fires with a connection, or with None for who may `connect`.  Cancelling gives the place in the line up.
        """
        if self._is_closed:
            return fail(RuntimeError("the client is closed"))
        connection = self._take_shared(route) or self._take_idle(route)
        if connection is not None:
            return succeed(connection)
        if self._open.get(route, 0) < self._per_host:
            if self._count() >= self._total:
                self._close_one_idle()
            if self._count() < self._total:
                self._reserve(route)
                return succeed(None)
        place: Deferred[ClientConnection | None] = Deferred(lambda place: self._leave_line(route, place))
        self._waiting.setdefault(route, deque()).append(place)
        return place

    def _leave_line(self, route: Route, place: Deferred[Any]) -> None:
        line = self._waiting[route]
        line.remove(place)
        if not line:
            del self._waiting[route]

    def _take_shared(self, route: Route) -> ClientConnection | None:
        connection = self._shared.get(route)
        if connection is None or not connection.http2.has_room:
            return None
        self._keep_busy(connection)
        return connection

    def _keep_busy(self, connection: ClientConnection) -> None:
        timer, connection.idle_timer = connection.idle_timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _take_idle(self, route: Route) -> ClientConnection | None:
        idle = self._idle.get(route)
        while idle:
            connection = idle.pop()  # the one that was used last is the least likely to be dead
            self._keep_busy(connection)
            if not idle:
                del self._idle[route]
            if connection.state == "QUIESCENT":
                return connection
        return None

    def _close_one_idle(self) -> None:
        for route, idle in self._idle.items():
            self._retire(route, idle[0])
            return
        for route, connection in self._shared.items():
            if connection.idle_timer is not None:
                self._retire(route, connection)
                return

    def _retire(self, route: Route, connection: ClientConnection) -> None:
        """Close a connection that nobody uses, and give it to nobody any more."""
        connection.transport.loseConnection()
        self._idled(route, connection)
        self._unshare(route, connection)

    def _unshare(self, route: Route, connection: ClientConnection) -> None:
        if self._shared.get(route) is connection:
            del self._shared[route]

    def _reserve(self, route: Route) -> None:
        self._open[route] = self._open.get(route, 0) + 1

    def connect(self, route: Route, told: Callable[[str], object]) -> Deferred[ClientConnection]:
        """Make a new connection; `get` has to have given leave.

        Args:
            told: called with each stage: "connect" when the name has been looked up, "handshake".

        Fires with the connection when requests may be sent.
        Fails with what the endpoint or the handshake fails with; cancelling gives the attempt up.
        """

        def make() -> ClientConnection:
            connection = ClientConnection(free, gone, route.scheme == "https")
            self._all.add(connection)
            return connection

        def free(connection: ClientConnection) -> None:
            self._free(route, connection)

        counts = [True]

        def forget() -> None:
            # Once, whether the attempt failed or its connection was lost, or one after the other.
            if counts:
                counts.clear()
                self._forget(route)

        def gone(connection: ClientConnection) -> None:
            self._all.discard(connection)
            self._idled(route, connection)
            self._unshare(route, connection)
            forget()

        def connected(connection: ClientConnection) -> Any:
            if self._is_closed:
                connection.transport.abortConnection()
            if not connection.ready.called:
                told("handshake")
            return connection.ready.addCallback(ready, connection)

        def ready(_: None, connection: ClientConnection) -> ClientConnection:
            shared = self._shared.get(route)
            if connection.http2 is not None and (shared is None or shared.http2.is_over):
                self._shared[route] = connection
                # Whoever waits in line will find room on it, once this request has begun.
                self._reactor.callLater(0, self._fill, route, connection)
            return connection

        def failed(failure: Failure) -> Failure:
            forget()
            return failure

        try:
            endpoint = self._router.endpoint_for(route, lambda: told("connect"))
            connecting: Deferred[Any] = endpoint.connect(_Factory(make))
        except BaseException:
            forget()
            raise
        # A connection that was made forgets itself.
        return connecting.addErrback(failed).addCallback(connected)

    def _forget(self, route: Route) -> None:
        """Count one less, and let somebody else try."""
        left = self._open[route] - 1
        if left:
            self._open[route] = left
        else:
            del self._open[route]
        self._let_next_connect(route)

    def _let_next_connect(self, route: Route) -> None:
        for candidate in (route, *self._waiting):
            line = self._waiting.get(candidate)
            if line and self._open.get(candidate, 0) < self._per_host and self._count() < self._total:
                self._reserve(candidate)
                self._next_in(candidate).callback(None)
                return

    def _next_in(self, route: Route) -> Deferred[Any]:
        line = self._waiting[route]
        place = line.popleft()
        if not line:
            del self._waiting[route]
        return place

    def _fill(self, route: Route, connection: ClientConnection) -> None:
        """Let those who wait have the room on a connection of HTTP/2; keep it when nobody does."""
        while self._waiting.get(route) and connection.http2.has_room:
            self._keep_busy(connection)
            self._next_in(route).callback(connection)
        if connection.http2.streams or connection.idle_timer is not None or connection not in self._all:
            return
        if connection.http2.is_over or self._shared.get(route) is not connection or self._lacks_room():
            self._retire(route, connection)
        else:
            connection.idle_timer = self._reactor.callLater(self._idle_s, self._retire, route, connection)

    def _lacks_room(self) -> bool:
        """Tell whether somebody waits whom only the limit for all routes stands in the way of."""
        return bool(self._waiting) and self._count() >= self._total

    def _free(self, route: Route, connection: ClientConnection) -> None:
        """Give a connection to whoever waits longest, or keep it."""
        if connection.http2 is not None:
            if connection.http2.is_over:
                self._unshare(route, connection)
            self._fill(route, connection)
            return
        if self._waiting.get(route):
            self._next_in(route).callback(connection)
        elif self._lacks_room():
            connection.transport.loseConnection()  # somebody else's connection waits for the room
        else:
            self._idle.setdefault(route, []).append(connection)
            connection.idle_timer = self._reactor.callLater(self._idle_s, self._retire, route, connection)

    def _idled(self, route: Route, connection: ClientConnection) -> None:
        """Take a connection out of the idle ones, if it is among them."""
        self._keep_busy(connection)
        idle = self._idle.get(route, [])
        if connection in idle:
            idle.remove(connection)
            if not idle:
                del self._idle[route]

    def close(self) -> Deferred[None]:
        """Close all connections, busy ones included; who waits for one gets none.

        Fires with None when they are closed.
        """
        self._is_closed = True
        waiting, self._waiting = self._waiting, {}
        for line in waiting.values():
            for place in list(line):
                place.errback(RuntimeError("the client is closed"))
        for connection in self._all:
            self._keep_busy(connection)
        over = [connection.abort() for connection in list(self._all)]
        done: Deferred[None] = Deferred()
        left = len(over)
        if not left:
            return succeed(None)

        def closed(_: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                done.callback(None)

        for each in over:
            each.addBoth(closed)
        return done
