"""TLS over TCP from the first byte, and what TLS anywhere else is made of.  Floor 2.

Ports, servers, connectors and clients are made by ``reactor.listenSSL`` and ``reactor.connectSSL``.  Any other stream can begin TLS later, with `startTLS`.  For TLS over what is no
stream of the reactor there are the machine (`TLSSession`), its engines, and `engine_maker`, which finds the engine for what a program
gives as its configuration.

A protocol hears `connectionMade` when the TCP connection stands, before the handshake: what it writes then waits for it.  One
that wants to look at the peer's certificate first is an `IHandshakeListener`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selvage.failure import Failure, report
from selvage.interfaces import INegotiated, implementer

from . import _states, tcp
from ._stream import Connection, half_closeable as half_closeable, log_prefix
from ._tls_creators import EngineMaker, SomeConnectionCreator as SomeConnectionCreator, engine_maker
from ._tls_engine import OpenSSLEngine, StandardEngine, TLSEngine, TLSFacts
from ._tls_errors import cut_off as cut_off, peer_text as peer_text, too_slow as too_slow
from ._tls_limits import CLOSE_TIMEOUT_S, HANDSHAKE_TIMEOUT_S, MAX_HANDSHAKES
from ._tls_session import ENDED as ENDED, HANDSHAKE as HANDSHAKE, OPEN as OPEN, TLSSession
from ._tls_transport import (
    TLSTransport,
    peer_certificate as peer_certificate,
    tell_handshake as tell_handshake,
)
from ._writing import bytes_to_write as bytes_to_write, join_to_write as join_to_write

if TYPE_CHECKING:
    import asyncio

    from selvage.interfaces import Binding

__all__ = [
    "CLOSE_TIMEOUT_S",
    "HANDSHAKE_TIMEOUT_S",
    "MAX_HANDSHAKES",
    "Client",
    "Connector",
    "EngineMaker",
    "OpenSSLEngine",
    "Port",
    "Server",
    "StandardEngine",
    "TLSEngine",
    "TLSFacts",
    "TLSSession",
    "engine_maker",
]


def _begin_with_tls(connection: Connection, transport: Any, begin: Any) -> None:
    """Put TLS between a new connection and the loop's transport, let `begin` take the connection up, and shake hands.

    Raises: whatever making the engine raises.
    """
    owner: Any = connection._owner
    layer = connection._secure(transport, owner.make_engine, owner.handshake_timeout)
    begin(layer)
    if connection._state in (_states.OPEN, _states.CLOSING):
        layer.begin(owner if isinstance(owner, Port) else None)


@implementer(INegotiated)
class Server(tcp.Server):
    """The server's side of a TLS connection; ports make them."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Start TLS, and hand this one to a new protocol."""
        try:
            _begin_with_tls(self, transport, super().connection_made)
        except BaseException:
            report(
                Failure(), "Could not make the TLS state of a connection", source="factory", transport=self
            )
            transport.abort()


class Port(tcp.Port):
    """A TCP port that accepts TLS connections.

    Args:
        contextFactory: an `ssl.SSLContext`, or whatever else `engine_maker` takes; asked for a context once, now.
        handshake_timeout: seconds for a client to finish the handshake; None for no end.
        max_handshakes: how many may be under way at once; one more ends the oldest.  None for any number.
        others: as for `tcp.Port`.
    """

    transport = Server
    _type = "TLS"

    def __init__(
        self,
        port: int | Binding,
        factory: Any,
        contextFactory: Any,
        backlog: int = 50,
        interface: str | None = "",
        reactor: Any = None,
        *,
        handshake_timeout: float | None = HANDSHAKE_TIMEOUT_S,
        max_handshakes: int | None = MAX_HANDSHAKES,
        stacklevel: int = 1,
    ) -> None:
        self.make_engine: EngineMaker = engine_maker(contextFactory, False, stacklevel + 1)
        self.handshake_timeout = handshake_timeout
        self.max_handshakes = max_handshakes
        #: The handshakes that are under way, the oldest first.
        self.shaking: dict[TLSTransport, None] = {}
        super().__init__(port, factory, backlog, interface, reactor)

    def handshake_begins(self, layer: TLSTransport) -> None:
        """Count a handshake, and end the oldest when there are too many."""
        self.shaking[layer] = None
        limit = self.max_handshakes
        if limit is not None and len(self.shaking) > limit:
            oldest = next(iter(self.shaking))
            del self.shaking[oldest]
            oldest.give_way(limit)

    def handshake_ends(self, layer: TLSTransport) -> None:
        """Count it no more: it is done, or its connection is over."""
        self.shaking.pop(layer, None)

    def _log_start(self, where: object) -> None:
        self._mention(f"{log_prefix(self.factory)} (TLS) starting on {where}")


@implementer(INegotiated)
class Client(tcp.Client):
    """A client that connects to a host and port and speaks TLS with it; arguments as for `tcp.Client`."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Start TLS, and go on as a connection."""
        if self._state != _states.NEW:
            transport.abort()
            return
        try:
            _begin_with_tls(self, transport, super().connection_made)
        except BaseException as exc:
            transport.abort()
            self.failIfNotConnected(exc)


class Connector(tcp.Connector):
    """What `connectSSL` returns: one outgoing TLS connection, as often as it is begun.

    Args:
        contextFactory: an `ssl.SSLContext`, or whatever else `engine_maker` takes; asked for a context once, now.
        handshake_timeout: seconds for the server to finish the handshake; None for no end.
        server_hostname: the name that the server has to have; by default `host`.  Only for an `ssl.SSLContext`: other
            configurations say it themselves.
        others: as for `tcp.Connector`.
    """

    def __init__(
        self,
        host: str,
        port: int | str,
        factory: Any,
        contextFactory: Any,
        timeout: float | None,
        bindAddress: Any,
        reactor: Any = None,
        *,
        handshake_timeout: float | None = HANDSHAKE_TIMEOUT_S,
        server_hostname: str | None = None,
        stacklevel: int = 1,
    ) -> None:
        self.make_engine: EngineMaker = engine_maker(contextFactory, True, stacklevel + 1)
        self.handshake_timeout = handshake_timeout
        self.server_hostname = server_hostname or host
        super().__init__(host, port, factory, timeout, bindAddress, reactor)

    def _makeTransport(self) -> Client:
        return Client(self.host, self.port, self.bindAddress, self, self.reactor)
