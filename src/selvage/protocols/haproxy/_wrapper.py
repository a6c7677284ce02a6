"""The protocol that reads a PROXY header and then is the transport of the client it tells of.  Floor 3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from selvage.failure import Failure
from selvage.protocols._networks import THIS_MACHINE, Networks
from selvage.protocols._protocol import connectionDone
from selvage.protocols._refusals import Refusing
from selvage.protocols._wrapping import ProtocolWrapper, WrappingFactory, _prefix, cancel
from selvage.protocols.haproxy._errors import InvalidProxyHeader, ProxyHeaderTimeout, UntrustedProxy
from selvage.protocols.haproxy._info import ProxyInfo
from selvage.protocols.haproxy._v1 import PREFIX, V1Parser
from selvage.protocols.haproxy._v2 import SIGNATURE, V2Parser

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = ["HAProxyProtocolWrapper", "HAProxyWrappingFactory"]

#: So long a connection may take to send its header.  A proxy sends it at once; the specification asks for at least 3 s,
#: which a lost segment takes to be sent again.
HEADER_TIMEOUT_S = 10.0


class HAProxyProtocolWrapper(ProtocolWrapper):
    """Reads the header, then builds the application's protocol and stands between it and the transport.

    To that protocol `getPeer` and `getHost` give the addresses of which the header tells.

    Args:
        factory: a `HAProxyWrappingFactory`.
        wrappedProtocol: the application's protocol; None has it built by the wrapped factory when the client is known.
    """

    #: What the header says, once it is there.
    proxy_info: ProxyInfo | None = None

    def __init__(self, factory: Any, wrappedProtocol: Any = None) -> None:
        super().__init__(factory, wrappedProtocol)
        self._parser: V1Parser | V2Parser | None = None
        self._deadline: Any = None
        #: The application's protocol has its transport.
        self._is_open = False
        #: It wants no data now; then what came in the header's segment waits here.
        self._is_paused = False
        self._held = b""

    def logPrefix(self) -> str:
        """Return the wrapped protocol's prefix, before there is one its factory's, and this class's name."""
        return _prefix(self.wrappedProtocol or self.factory.wrappedFactory, self)

    def makeConnection(self, transport: Any) -> None:
        """Take the transport and wait for the header."""
        self._attach(transport)
        timeout = self.factory.header_timeout_s
        # A transport without a reactor is one of a test's, which knows no time.
        reactor = self.factory.reactor or getattr(transport, "reactor", None)
        if timeout is not None and reactor is not None:
            self._deadline = reactor.callLater(timeout, self._too_late, timeout)

    def dataReceived(self, data: bytes) -> None:
        """Hand on; before that, read the header."""
        if self._is_open:
            self.wrappedProtocol.dataReceived(data)
        elif not self.disconnecting:
            self._header_received(data)

    def _header_received(self, data: bytes) -> None:
        try:
            if self._parser is None:
                self._parser = _parser_for(data)
            info, rest = self._parser.feed(data)
        except InvalidProxyHeader as error:
            self._refuse(error)
            return
        if info is not None:
            self._stop_waiting()
            self.proxy_info = info
            self._open(rest or b"")

    def _open(self, rest: bytes) -> None:
        """Let the application begin."""
        protocol = self.wrappedProtocol
        if protocol is None:
            protocol = self.wrappedProtocol = self.factory.wrappedFactory.buildProtocol(self.getPeer())
        if protocol is None:
            self.loseConnection()
            return
        self._is_open = True
        self._be_transport_of(protocol)
        if self._is_paused:
            self._held = rest
        elif rest and not self.disconnecting:
            protocol.dataReceived(rest)

    def _too_late(self, seconds: float) -> None:
        self._deadline = None
        self._refuse(ProxyHeaderTimeout(seconds))

    def _refuse(self, error: Exception) -> None:
        self._stop_waiting()
        self.factory.refusals.add(error, self.transport.getPeer())
        self.loseConnection()

    def _stop_waiting(self) -> None:
        deadline, self._deadline = self._deadline, None
        self._parser = None
        if deadline is not None:
            cancel(deadline)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Hand on, if the application has begun."""
        self._stop_waiting()
        self._held = b""
        if self._is_open:
            super().connectionLost(reason)
        else:
            self.factory.unregisterProtocol(self)

    # --- To the protocol: a transport ------------------------------------------------------------------------------

    def getPeer(self) -> Any:
        """Return the client's address; the proxy's own, when it does not tell another."""
        info = self.proxy_info
        return super().getPeer() if info is None or info.source is None else info.source

    def getHost(self) -> Any:
        """Return the address that the client connected to; ours, when the proxy does not tell another."""
        info = self.proxy_info
        return super().getHost() if info is None or info.destination is None else info.destination

    def pauseProducing(self) -> None:
        """Receive nothing, not even what came with the header, until `resumeProducing`."""
        self._is_paused = True
        self.transport.pauseProducing()  # type: ignore[attr-defined]

    def resumeProducing(self) -> None:
        """Receive again, what came with the header first, in a call of its own."""
        self._is_paused = False
        reactor = getattr(self.transport, "reactor", None)
        if not self._held:
            self.transport.resumeProducing()  # type: ignore[attr-defined]
        elif reactor is None:
            self._release()
        else:
            reactor.callLater(0, self._release)

    def _release(self) -> None:
        """Deliver what came with the header."""
        if self._held and not self._is_paused:
            held, self._held = self._held, b""
            self.transport.resumeProducing()  # type: ignore[attr-defined]
            self.wrappedProtocol.dataReceived(held)


def _parser_for(data: bytes) -> V1Parser | V2Parser:
    """Return the parser of the version that begins like `data`."""
    if data[:1] == PREFIX[:1]:
        return V1Parser()
    if data[:1] == SIGNATURE[:1]:
        return V2Parser()
    raise InvalidProxyHeader(f"the connection begins with {data[:12]!r}, which is no header")


class HAProxyWrappingFactory(Refusing, WrappingFactory[Any]):
    """Lets a proxy say for whom it connects: connections begin with a header of the PROXY protocol, version 1 or 2.

    The wrapped factory builds its protocol when the header is complete, from the client's address; so whatever looks
    at addresses, a limit for each of them for example, belongs between this factory and the application's.

    Args:
        wrappedFactory: builds the protocols.
        trusted: networks of the proxies, as in `["10.0.0.0/8"]`; by default this machine.  Whoever else connects is refused:
            he could give himself any address.  UNIX sockets have no addresses and trust whoever may open them.
        header_timeout_s: seconds in which the header has to be complete; None for no limit.
        reactor: gives the time; by default the one that the transport belongs to.

    Twisted: `twisted.protocols.haproxy._wrapper.HAProxyWrappingFactory`, which trusts everybody, waits for ever, and makes the
        connection the application's before it knows whose it is.
    """

    protocol = HAProxyProtocolWrapper

    def __init__(
        self,
        wrappedFactory: Any,
        trusted: Iterable[str] | None = None,
        header_timeout_s: float | None = HEADER_TIMEOUT_S,
        reactor: Any = None,
    ) -> None:
        super().__init__(wrappedFactory)
        self.trusted = THIS_MACHINE if trusted is None else Networks(trusted)
        self.header_timeout_s = header_timeout_s
        self.reactor = self._reactor = reactor

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Make what reads the header; None for a peer that is not trusted."""
        if addr not in self.trusted:
            self.refusals.add(UntrustedProxy(self.trusted), addr)
            return None
        return self.protocol(self)
