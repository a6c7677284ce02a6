"""Connections that are kept for the next request.  Floor 4."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from selvage.defer import CancelledError, Deferred, gatherResults, succeed
from selvage.failure import Failure
from selvage.logger import Logger
from selvage.protocols import Factory
from selvage.web.client._connection import HTTP11ClientProtocol
from selvage.web.client._errors import RequestNotSent, RequestTransmissionFailed, ResponseNeverReceived

if TYPE_CHECKING:
    from selvage.web.client._response import Response

__all__ = ["HTTPConnectionPool", "_HTTP11ClientFactory", "_RetryingHTTP11ClientProtocol"]

_log = Logger("selvage.web.client")

# RFC 9110 section 9.2.2, without PUT, as Twisted has it: what may be sent a second time without a body.
_RETRIED_METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"TRACE"})


class _HTTP11ClientFactory(Factory):
    """Makes the connections of a pool.

    Args:
        quiescentCallback: called with a connection each time that it becomes free.
        metadata: where it leads to, for people.
    """

    def __init__(self, quiescentCallback: Callable[[Any], object], metadata: str) -> None:
        self._quiescentCallback = quiescentCallback
        self._metadata = metadata

    def __repr__(self) -> str:
        return f"_HTTP11ClientFactory({self._quiescentCallback}, {self._metadata})"

    # Nobody wants to read of each connection of a client that it starts and stops.
    noisy = False

    def buildProtocol(self, addr: Any) -> Any:
        """Make a connection."""
        return HTTP11ClientProtocol(self._quiescentCallback)


class _RetryingHTTP11ClientProtocol:
    """A connection that was idle: the server may have closed it in the meantime, and a request is then tried again.

    Args:
        clientProtocol: the connection.
        newConnection: called for a new one.
    """

    def __init__(self, clientProtocol: Any, newConnection: Callable[[], Deferred[Any]]) -> None:
        self._clientProtocol = clientProtocol
        self._newConnection = newConnection

    def _shouldRetry(self, method: bytes, exception: BaseException, bodyProducer: Any) -> bool:
        """Tell whether a request that failed may be sent again: nothing of it was answered, and twice does as once."""
        return should_retry(method, exception, bodyProducer)

    def request(self, request: Any) -> Deferred[Response]:
        """Send a request, on a new connection if this one turns out to be dead.  As of `HTTP11ClientProtocol`."""

        def again(failure: Failure) -> Any:
            if self._shouldRetry(request.method, failure.value, request.bodyProducer):
                return self._newConnection().addCallback(lambda connection: connection.request(request))
            return failure

        answered: Deferred[Response] = self._clientProtocol.request(request)
        return answered.addErrback(again)


def should_retry(method: bytes, exception: BaseException, producer: Any) -> bool:
    """Tell whether a request that failed on a connection that had been idle may be sent again."""
    if producer is not None or method not in _RETRIED_METHODS:
        return False
    if not isinstance(exception, (RequestNotSent, RequestTransmissionFailed, ResponseNeverReceived)):
        return False
    # Whoever cancelled does not want it.
    reasons = getattr(exception, "reasons", ())
    return not any(isinstance(reason.value, CancelledError) for reason in reasons)


class HTTPConnectionPool:
    """Keeps connections for the next request to the same place.

    Args:
        reactor: an `IReactorTime`.
        persistent: whether connections are kept at all.

    Attributes:
        maxPersistentPerHost: how many idle ones are kept for each place; 2 by default.
        cachedConnectionTimeout: seconds after which an idle one is closed; 240 by default.
        retryAutomatically: whether a request without a body is sent again, once, when the idle connection that it was
            sent on turns out to be dead.

    Twisted: `twisted.web.client.HTTPConnectionPool`.
    """

    _factory: Any = _HTTP11ClientFactory
    maxPersistentPerHost = 2
    cachedConnectionTimeout: float = 240
    retryAutomatically = True

    def __init__(self, reactor: Any, persistent: bool = True) -> None:
        self._reactor = reactor
        self.persistent = persistent
        self._connections: dict[Hashable, list[Any]] = {}
        self._timeouts: dict[Any, Any] = {}

    def __repr__(self) -> str:
        idle = sum(map(len, self._connections.values()))
        return f"<HTTPConnectionPool {idle} idle connection{'s' * (idle != 1)}>"

    def getConnection(self, key: Hashable, endpoint: Any) -> Deferred[Any]:
        """Get a connection: one that is idle, or a new one.

        Args:
            key: connections of the same key are alike.
            endpoint: how to make a new one.

        Fires with what has a method `request`, as `HTTP11ClientProtocol`.
        Fails with what the endpoint fails with; cancelling cancels it.
        """
        connection = self._take(key)
        if connection is None:
            return self._newConnection(key, endpoint)
        if self.retryAutomatically:
            connection = _RetryingHTTP11ClientProtocol(connection, lambda: self._newConnection(key, endpoint))
        return succeed(connection)

    def _take(self, key: Hashable) -> Any:
        """Return an idle connection, which is idle no more; None when there is none."""
        connections = self._connections.get(key)
        while connections:
            # The one that has waited longest.
            connection = connections.pop(0)
            self._timeouts.pop(connection).cancel()
            if connection.state == "QUIESCENT":
                return connection
        return None

    def _newConnection(self, key: Hashable, endpoint: Any) -> Deferred[Any]:
        """Make a connection that comes here whenever it is free."""

        def quiescent(connection: Any) -> None:
            self._putConnection(key, connection)

        made: Deferred[Any] = endpoint.connect(self._factory(quiescent, repr(endpoint)))
        return made

    def _putConnection(self, key: Hashable, connection: Any) -> None:
        """Keep a connection that is free; the oldest has to go when there are too many."""
        if connection.state != "QUIESCENT":
            try:
                raise RuntimeError("BUG: Non-quiescent protocol added to connection pool.")
            except RuntimeError:
                _log.failure("An HTTP connection came back to its pool before it was free")
            return
        connections = self._connections.setdefault(key, [])
        if len(connections) >= self.maxPersistentPerHost:
            oldest = connections.pop(0)
            oldest.transport.loseConnection()
            self._timeouts.pop(oldest).cancel()
        connections.append(connection)
        self._timeouts[connection] = self._reactor.callLater(
            self.cachedConnectionTimeout, self._removeConnection, key, connection
        )

    def _removeConnection(self, key: Hashable, connection: Any) -> None:
        """Close a connection that nobody has wanted for too long."""
        connection.transport.loseConnection()
        self._connections[key].remove(connection)
        del self._timeouts[connection]

    def closeCachedConnections(self) -> Deferred[None]:
        """Close all that are idle.

        Fires with None when they are closed.
        """
        idle = [connection for connections in self._connections.values() for connection in connections]
        self._connections = {}
        for timer in self._timeouts.values():
            timer.cancel()
        self._timeouts = {}
        return gatherResults([connection.abort() for connection in idle]).addCallback(lambda _: None)
