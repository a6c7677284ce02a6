"""Connecting through a proxy: SOCKS5 and HTTP CONNECT, over any other client endpoint.  Floor 3.

Theory of operation.  The endpoint that reaches the proxy connects a `_Tunnel`.  That carries the bytes of a handshake
(`_socks5.py`, `_http_connect.py`) back and forth until the connection to the target stands; then it has the
application's protocol built, and takes itself out of the way.  Only when the target's first bytes came in one segment
with the proxy's answer it stays, to keep them from a protocol that has paused.

One deadline runs over all of it, from the first step to the proxy's answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol as Shape

from selvage.addresses import HostnameAddress
from selvage.defer import Deferred
from selvage.endpoints._errors import ProxyConnectionError, ProxyError, ProxyTimeoutError
from selvage.endpoints._hostname import HostnameEndpoint, look_up
from selvage.errors import ConnectingCancelledError, NoProtocol
from selvage.failure import Failure
from selvage.interfaces import IStreamClientEndpoint, implementer
from selvage.protocols import connectionDone
from selvage.protocols._wrapping import ProtocolWrapper, WrappingFactory, cancel
from selvage.transports._stream import Connection

if TYPE_CHECKING:
    from selvage.interfaces import IProtocolFactory

__all__ = ["HTTPConnectClientEndpoint", "SOCKS5ClientEndpoint"]

#: Seconds to reach the proxy, and for it to reach the target.  The same as what one connection attempt may take.
TIMEOUT_S = 30.0

# What a host's name may be made of; anything else could change the meaning of a request.
_NAME = re.compile(r"[A-Za-z0-9_.~-]+")


class _Handshake(Shape):
    """What `_Tunnel` asks of a handshake; see `SOCKS5Handshake`."""

    stage: str
    finished: bool
    rest: bytes

    def start(self) -> bytes: ...

    def receive_data(self, data: bytes) -> bytes: ...


class _Tunnel(ProtocolWrapper):
    """Carries the handshake, then hands the connection over.

    Args:
        factory: an `_TunnelFactory`.
        handshake: not begun yet.
        address: the target's, for `buildProtocol`.
        tell: called once with the application's protocol or a Failure.
    """

    def __init__(
        self, factory: Any, handshake: _Handshake, address: Any, tell: Callable[[Any], object]
    ) -> None:
        super().__init__(factory, None)
        self._handshake: _Handshake | None = handshake
        self._address = address
        self._tell = tell
        self._is_paused = False
        self._held = b""

    def logPrefix(self) -> str:
        """Return the name of this class, until there is somebody else to name."""
        return type(self).__name__ if self.wrappedProtocol is None else super().logPrefix()

    def makeConnection(self, transport: Any) -> None:
        """Begin the handshake."""
        self._attach(transport)
        if self._handshake is None:
            self.give_up()
        else:
            transport.write(self._handshake.start())

    def dataReceived(self, data: bytes) -> None:
        """Hand on; before that, go on with the handshake."""
        if self.wrappedProtocol is not None:
            self.wrappedProtocol.dataReceived(data)
            return
        handshake = self._handshake
        if handshake is None:
            return
        try:
            answer = handshake.receive_data(data)
        except ProxyError:
            self._fail(Failure())
            return
        if answer:
            self.transport.write(answer)
        if handshake.finished:
            self._open(handshake.rest)

    def _open(self, rest: bytes) -> None:
        """Let the application begin."""
        self._handshake = None
        try:
            protocol = self.factory.wrappedFactory.buildProtocol(self._address)
            if protocol is None:
                raise NoProtocol()
        except Exception:
            self._fail(Failure())
            return
        self.wrappedProtocol = protocol
        transport: Any = self.transport
        if rest or not isinstance(transport, Connection) or transport.protocol is not self:
            self._be_transport_of(protocol)
        else:
            protocol.makeConnection(transport)
            if transport.protocol is self:
                transport.protocol = protocol
                self.factory.unregisterProtocol(self)
        self._tell(protocol)
        if self._is_paused:
            self._held = rest
        elif rest and not self.disconnecting and self.wrappedProtocol is not None:
            protocol.dataReceived(rest)

    def _fail(self, failure: Failure) -> None:
        self.give_up()
        self._tell(failure)

    def give_up(self) -> None:
        """End the connection without telling anybody."""
        self._handshake = None
        transport: Any = self.transport
        if transport is not None:
            getattr(transport, "abortConnection", transport.loseConnection)()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Hand on; an end within the handshake is a failure to connect."""
        self._held = b""
        handshake, self._handshake = self._handshake, None
        if self.wrappedProtocol is not None:
            super().connectionLost(reason)
            return
        self.factory.unregisterProtocol(self)
        if handshake is not None:
            self._tell(self.factory.lost_at(handshake.stage, reason))

    def pauseProducing(self) -> None:
        """Receive nothing, not even what came with the proxy's answer, until `resumeProducing`."""
        self._is_paused = True
        transport: Any = self.transport
        transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Receive again, what came with the proxy's answer first, in a call of its own."""
        self._is_paused = False
        if self._held:
            self.factory.reactor.callLater(0, self._release)
        else:
            transport: Any = self.transport
            transport.resumeProducing()

    def _release(self) -> None:
        if self._held and not self._is_paused:
            held, self._held = self._held, b""
            transport: Any = self.transport
            transport.resumeProducing()
            self.wrappedProtocol.dataReceived(held)


class _TunnelFactory(WrappingFactory[Any]):
    """Gives the proxy's endpoint the one protocol of an attempt."""

    noisy = False

    def __init__(
        self, wrappedFactory: IProtocolFactory, reactor: Any, lost_at: Callable[[str, Failure], Failure]
    ) -> None:
        super().__init__(wrappedFactory)
        self.reactor = reactor
        self.lost_at = lost_at
        self.tunnel: _Tunnel | None = None

    def buildProtocol(self, addr: Any) -> Any:
        """Return the tunnel."""
        return self.tunnel


class _Attempt:
    """One `connect`, from the first step to the protocol.

    Args:
        endpoint: whose attempt it is.
        factory: the application's.
    """

    def __init__(self, endpoint: _ProxiedEndpoint, factory: IProtocolFactory) -> None:
        self._endpoint = endpoint
        self._waiting_for: Deferred[Any] | None = None
        self._tunnel: _Tunnel | None = None
        self._stage = "resolve"
        self._factory = _TunnelFactory(factory, endpoint._reactor, self._lost_at)
        self.done: Deferred[Any] = Deferred(self._cancelled)
        self._deadline: Any = None
        if endpoint._timeout_s is not None:
            self._deadline = endpoint._reactor.callLater(endpoint._timeout_s, self._too_late)

    def begin(self) -> None:
        """Take the first step."""
        self._wait_for(self._endpoint._destination(), self._connect, "the name cannot be resolved: ")

    def _connect(self, host: str) -> None:
        self._stage = "connect"
        handshake = self._endpoint._handshake(host)
        self._tunnel = _Tunnel(self._factory, handshake, self._endpoint._address, self._finish)
        self._factory.tunnel = self._tunnel
        self._wait_for(
            self._endpoint._proxy.connect(self._factory), lambda _: None, "the proxy cannot be reached: "
        )

    def _wait_for(self, deferred: Deferred[Any], then: Callable[[Any], object], otherwise: str) -> None:
        self._waiting_for = deferred

        def fired(result: Any) -> None:
            self._waiting_for = None
            if not self.done.called:
                then(result)

        def failed(failure: Failure) -> None:
            self._waiting_for = None
            self._finish(self._failure(ProxyConnectionError, otherwise + failure.getErrorMessage(), failure))

        # What `then` itself trips over is nobody's answer, and is passed on as it is.
        deferred.addCallbacks(fired, failed).addErrback(self._finish)

    def _failure(self, kind: type[ProxyError], reason: str, cause: Failure | None = None) -> Failure:
        stage = self._stage
        if stage == "connect" and self._tunnel is not None and self._tunnel.transport is not None:
            handshake = self._tunnel._handshake
            stage = stage if handshake is None else handshake.stage
        error = kind(stage, repr(self._endpoint._proxy), self._endpoint._where(), reason)
        if cause is not None:
            error.__cause__ = cause.value
        return Failure(error)

    def _lost_at(self, stage: str, reason: Failure) -> Failure:
        self._stage = stage
        said = reason.getErrorMessage()
        return self._failure(ProxyConnectionError, f"the proxy ended the connection: {said}", reason)

    def _too_late(self) -> None:
        self._deadline = None
        reason = f"no connection within {self._endpoint._timeout_s:g} s"
        failure = self._failure(ProxyTimeoutError, reason)
        self._finish(failure)
        self._stop()

    def _cancelled(self, done: Deferred[Any]) -> None:
        self._finish(Failure(ConnectingCancelledError(self._endpoint._address)))
        self._stop()

    def _finish(self, result: Any) -> None:
        """Give the result, the first time."""
        deadline, self._deadline = self._deadline, None
        if deadline is not None:
            cancel(deadline)
        if not self.done.called:
            self.done.callback(result)

    def _stop(self) -> None:
        """End what still runs; nobody wants its result."""
        waiting, self._waiting_for = self._waiting_for, None
        if self._tunnel is not None:
            self._tunnel.give_up()
        if waiting is not None:
            waiting.cancel()


@implementer(IStreamClientEndpoint)
class _ProxiedEndpoint:
    """What both kinds of proxies share; see `SOCKS5ClientEndpoint`."""

    def __init__(
        self,
        reactor: Any,
        proxy: IStreamClientEndpoint,
        host: str | bytes,
        port: int,
        username: str | None,
        password: str | None,
        timeout_s: float | None,
    ) -> None:
        self._reactor = reactor
        self._proxy = proxy
        self._host, self._port = _checked_host(host), _checked_port(port)
        self._username = username
        self._password = password
        self._timeout_s = timeout_s
        self._address = HostnameAddress(self._host.encode("ascii"), port)
        if password is not None and username is None:
            raise ValueError("a password for the proxy needs a username")
        self._handshake(self._host)  # what is wrong with it is said now

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._where()} through {self._proxy!r}>"

    def _where(self) -> str:
        return f"[{self._host}]:{self._port}" if ":" in self._host else f"{self._host}:{self._port}"

    def _destination(self) -> Deferred[str]:
        """Fire with the host to name to the proxy."""
        named: Deferred[str] = Deferred()
        named.callback(self._host)
        return named

    def _handshake(self, host: str) -> _Handshake:
        raise NotImplementedError(f"{type(self).__name__} has to speak to its proxy: override _handshake")

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect to the target through the proxy.

        Fires with the connected protocol.
        Fails with a `ProxyError` that names stage, proxy and target, `NoProtocol`, and `ConnectingCancelledError` when
            cancelled, which ends whatever was under way.
        """
        attempt = _Attempt(self, protocolFactory)
        attempt.begin()
        return attempt.done


class SOCKS5ClientEndpoint(_ProxiedEndpoint):
    """A host to connect to through a SOCKS5 proxy.

    Args:
        reactor: an `IReactorTime`; for `resolve="local"` with a `nameResolver`.
        proxy: the client endpoint that reaches the proxy: `HostnameEndpoint`, one with TLS, another proxied one, ...
        host: the target's name or address.
        port: the target's, 1 to 65535.
        username: sent only when the proxy asks for it, and unencrypted unless `proxy` encrypts.
        password: the same.
        resolve: who looks the name up: "remote" for the proxy, "local" for this process, which takes the first address.
        timeout_s: seconds for all of it; None for no limit.

    The application's protocol is built for a `HostnameAddress` of the target; its transport's peer is the proxy.

    Raises:
        ValueError: host, port, username or password is none that SOCKS5 could say.

    Source: RFC 1928, RFC 1929.  Twisted: none.
    """

    def __init__(
        self,
        reactor: Any,
        proxy: IStreamClientEndpoint,
        host: str | bytes,
        port: int,
        *,
        username: str | None = None,
        password: str | None = None,
        resolve: str = "remote",
        timeout_s: float | None = TIMEOUT_S,
    ) -> None:
        if resolve not in ("remote", "local"):
            raise ValueError(f"resolve is 'remote' or 'local', not {resolve!r}")
        self._resolve = resolve
        super().__init__(reactor, proxy, host, port, username, password, timeout_s)

    def _destination(self) -> Deferred[str]:
        if self._resolve == "remote":
            return super()._destination()
        return look_up(self._reactor.nameResolver, self._host, self._port).addCallback(
            lambda addresses: addresses[0].host
        )

    def _handshake(self, host: str) -> _Handshake:
        from selvage.endpoints._socks5 import SOCKS5Handshake

        return SOCKS5Handshake(repr(self._proxy), host, self._port, self._username, self._password)


class HTTPConnectClientEndpoint(_ProxiedEndpoint):
    """A host to connect to through an HTTP proxy, by CONNECT.

    Args: as for `SOCKS5ClientEndpoint`, and
        headers: more header fields for the proxy, as pairs of names and values.  None of them, nor username and password,
            is ever sent to the target.

    The name is always looked up by the proxy.

    Raises:
        ValueError: host, port, username or a header field is none.

    Source: RFC 9110 section 9.3.6.  Twisted: none.
    """

    def __init__(
        self,
        reactor: Any,
        proxy: IStreamClientEndpoint,
        host: str | bytes,
        port: int,
        *,
        username: str | None = None,
        password: str | None = None,
        headers: Iterable[tuple[str | bytes, str | bytes]] = (),
        timeout_s: float | None = TIMEOUT_S,
    ) -> None:
        self._headers = list(headers)
        super().__init__(reactor, proxy, host, port, username, password, timeout_s)

    def _handshake(self, host: str) -> _Handshake:
        # Imported when it is used: h11 takes longer to load than most programs take to listen.
        from selvage.endpoints._http_connect import HTTPConnectHandshake

        return HTTPConnectHandshake(
            repr(self._proxy), host, self._port, self._username, self._password, self._headers
        )


def _checked_host(host: str | bytes) -> str:
    """Return a host as ASCII text.

    Raises:
        ValueError: it is neither a name nor an address.
    """
    import ipaddress  # by then the machine of SOCKS5 needs it anyway

    bad, octets, _text = HostnameEndpoint._hostAsBytesAndText(host)
    name = octets.decode("ascii")
    if not bad and _NAME.fullmatch(name):
        return name
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        raise ValueError(f"{host!r} is neither a host name nor an address") from None
    if getattr(address, "scope_id", None):
        raise ValueError(f"the zone of {host!r} means nothing to a proxy")
    return name


def _checked_port(port: int) -> int:
    if not isinstance(port, int) or not 0 < port <= 65535:
        raise ValueError(f"a port to connect to is a number from 1 to 65535, not {port!r}")
    return port
