"""Joined transports with Twisted's names, and connections for a `MemoryReactor`.  Beside the floors.

    client, server, pump = connectedServerAndClient(ServerProtocol, ClientProtocol)
    client.transport.write(b"hello")
    pump.flush()

They are as plain as their originals: an exception of a protocol reaches the test, nothing is held back for a paused
side, push producers are never paused and no producer is told of the end.  `selvage.testing.connect` keeps a transport's
promises; these are for tests that were written for Twisted.

How a connection ends, one step each: an end that was told to close and has nothing left to send is `disconnected`, and
the other side's protocol hears of the loss; in the next step that side, which is closing from then on, does the same.

TLS is a pretence that does no mathematics: `startTLS` puts a `TLSNegotiation` on the wire, the client first, and when
both have crossed, each asks the object that it was started with (`iosimVerify`) what it thinks of the other.  What is
written in between waits.

Twisted: `twisted.test.iosim`.
"""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from zope.interface import alsoProvides, implementer

from selvage._publish import publish
from selvage.endpoints import TCP4ClientEndpoint
from selvage.errors import ConnectionDone, ConnectionRefusedError
from selvage.failure import Failure
from selvage.interfaces import IAddress, IConsumer, ISSLTransport, ITCPTransport, ITLSTransport, ITransport
from selvage.protocols import Factory, Protocol
from selvage.tasks import Clock
from selvage.testing._memory_reactor import MemoryReactor, MemoryReactorClock

__all__ = [
    "ConnectionCompleter",
    "FakeAddress",
    "FakeTransport",
    "IOPump",
    "TLSNegotiation",
    "connect",
    "connectableEndpoint",
    "connectedServerAndClient",
    "makeFakeClient",
    "makeFakeServer",
]

# Steps after which `IOPump.flush` gives up, as `selvage.testing.Pair` does.
_FLUSH_LIMIT = 10_000

_Server = TypeVar("_Server")
_Client = TypeVar("_Client")


def __getattr__(name: str) -> Any:
    # Looked up late: pyOpenSSL takes long to import, and few tests pretend a negotiation.
    if name == "NativeOpenSSLError":
        return _native_error()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _native_error() -> type[Exception]:
    """What a failed negotiation ends with: pyOpenSSL's error, or the standard library's where there is none."""
    try:
        from OpenSSL import SSL  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return ssl.SSLError
    error: type[Exception] = SSL.Error
    return error


class TLSNegotiation:
    """What travels in place of a handshake.

    Args:
        obj: what `startTLS` was given; its `iosimVerify` judges the other side's.
        connectState: whether this side speaks first.
    """

    def __init__(self, obj: Any, connectState: bool) -> None:
        self.obj = obj
        self.connectState = connectState
        self.sent = False
        self.readyToSend = connectState

    def pretendToVerify(self, other: TLSNegotiation, tpt: FakeTransport) -> None:
        """Ask our object about the other side's; when it says no, `tpt` is closed with `NativeOpenSSLError`."""
        if not self.obj.iosimVerify(other.obj):
            tpt.disconnectReason = _native_error()()
            tpt.loseConnection()

    def __repr__(self) -> str:
        return f"TLSNegotiation({self.obj!r})"


@implementer(IAddress)
class FakeAddress:
    """The address of a transport that was not given one."""


@implementer(ITCPTransport, ITLSTransport, IConsumer)
class FakeTransport:
    """One end of a connection in memory.

    Args:
        protocol: whom it tells of data and of the end.
        isServer: whether it is the end that accepted.
        hostAddress, peerAddress: what `getHost` and `getPeer` return.

    Attributes:
        stream: the pieces that were written and not yet taken.
        serial: a number that no other transport has.
        disconnecting: whether it was told to close; disconnected: whether it has.
        disconnectReason: the exception that its protocol's `connectionLost` is given.
        producer, streamingProducer: what `registerProducer` was given.
        tls: the negotiation that is under way, or None.
    """

    _nextserial: Callable[[], int] = itertools.count().__next__

    closed = False  # never changes; there since Twisted's has it
    disconnecting = False
    disconnected = False
    disconnectReason: Exception = ConnectionDone("Connection done")
    producer: Any = None
    streamingProducer: bool = False
    tls: TLSNegotiation | None = None

    def __init__(
        self, protocol: Any, isServer: bool, hostAddress: Any = None, peerAddress: Any = None
    ) -> None:
        self.protocol = protocol
        self.isServer = isServer
        self.stream: list[Any] = []
        self.serial = FakeTransport._nextserial()
        self.hostAddress = FakeAddress() if hostAddress is None else hostAddress
        self.peerAddress = FakeAddress() if peerAddress is None else peerAddress
        self._behind_tls: list[bytes] = []  # written since startTLS

    def __repr__(self) -> str:
        side = "S" if self.isServer else "C"
        return f"FakeTransport<{side},{self.serial},{type(self.protocol).__name__}>"

    def logPrefix(self) -> str:
        """Return what log events would begin with."""
        return "iosim"

    def getPeer(self) -> Any:
        """Return the other side's address."""
        return self.peerAddress

    def getHost(self) -> Any:
        """Return this side's address."""
        return self.hostAddress

    def getTcpKeepAlive(self) -> bool:
        """Return false: there is no such thing in memory."""
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Do nothing."""

    def getTcpNoDelay(self) -> bool:
        """Return false: there is no such thing in memory."""
        return False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing."""

    # Writing and ending

    def write(self, data: bytes) -> None:
        """Keep `data` for the next step; dropped once this end is closing."""
        if self.tls is not None:
            self._behind_tls.append(data)
        elif not self.disconnecting:
            self.stream.append(data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Keep several pieces as one."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Close once what was written is taken."""
        self.disconnecting = True

    def abortConnection(self) -> None:
        """As `loseConnection`."""
        self.loseConnection()

    def loseWriteConnection(self) -> None:
        """Do nothing: both directions end together."""

    def reportDisconnect(self) -> None:
        """Tell the protocol that the connection is lost; a negotiation that is cut off counts as failed."""
        reason = self.disconnectReason if self.tls is None else _native_error()()
        self.protocol.connectionLost(Failure(reason))

    # As a consumer

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Remember a producer; one that waits to be asked is asked at once, and then once a step."""
        self.producer = producer
        self.streamingProducer = streaming
        self._checkProducer()

    def unregisterProducer(self) -> None:
        """Forget the producer."""
        self.producer = None

    def stopConsuming(self) -> None:
        """Forget the producer and close."""
        self.unregisterProducer()
        self.loseConnection()

    def _checkProducer(self) -> None:
        if self.producer is not None and not self.streamingProducer:
            self.producer.resumeProducing()

    # As a producer

    def resumeProducing(self) -> None:
        """Do nothing."""

    def pauseProducing(self) -> None:
        """Do nothing: data is delivered all the same."""

    def stopProducing(self) -> None:
        """As `loseConnection`."""
        self.loseConnection()

    # TLS, and what the pump does

    def startTLS(self, contextFactory: Any, beNormal: bool = True) -> None:
        """Begin to pretend; what is written from now on waits for the negotiation.

        Args:
            contextFactory: its `iosimVerify(other)` says whether it accepts what the other side was given.
            beNormal: whether the end that connected speaks first.
        """
        self.tls = TLSNegotiation(contextFactory, self.isServer is not bool(beNormal))

    def getOutBuffer(self) -> Any:
        """Take what is to be sent: bytes, a negotiation, or None for nothing."""
        if self.stream:
            data = b"".join(self.stream)
            self.stream = []
            return data
        if self.tls is not None and self.tls.readyToSend:
            self.tls.sent = True
            return self.tls
        return None

    def bufferReceived(self, buf: Any) -> None:
        """Take what the other side sent.

        Raises:
            AssertionError: a negotiation, though this side was not told to start TLS.
        """
        if not isinstance(buf, TLSNegotiation):
            self.protocol.dataReceived(buf)
            return
        assert self.tls is not None, f"{self!r} was sent {buf!r} and has not started TLS; call startTLS first"
        if not self.tls.sent:
            self.tls.readyToSend = True
            return
        ours, self.tls = self.tls, None
        ours.pretendToVerify(buf, self)
        alsoProvides(self, ISSLTransport)
        waiting, self._behind_tls = b"".join(self._behind_tls), []
        if waiting:
            self.write(waiting)


def makeFakeClient(clientProtocol: Any) -> FakeTransport:
    """Make the transport of the side that connects."""
    return FakeTransport(clientProtocol, isServer=False)


def makeFakeServer(serverProtocol: Any) -> FakeTransport:
    """Make the transport of the side that accepts."""
    return FakeTransport(serverProtocol, isServer=True)


class IOPump:
    """Moves bytes between two protocols that have their transports already.

    Args:
        client, server: the protocols; clientIO, serverIO: their transports.
        debug: whether each step prints what it carries.
        clock: advanced by nothing in each step, so that calls which are due are made; a clock of its own when left out.
    """

    def __init__(
        self,
        client: Any,
        server: Any,
        clientIO: FakeTransport,
        serverIO: FakeTransport,
        debug: bool,
        clock: Clock | None = None,
    ) -> None:
        self.client = client
        self.server = server
        self.clientIO = clientIO
        self.serverIO = serverIO
        self.debug = debug
        self.clock = MemoryReactorClock() if clock is None else clock

    def flush(self, debug: bool = False, advanceClock: bool = True) -> bool:
        """Step until nothing is left to move.

        Returns: whether anything moved.

        Raises:
            AssertionError: no end in sight after 10,000 steps; the two answer each other for ever.
        """
        for steps in range(_FLUSH_LIMIT):
            if not self.pump(debug, advanceClock):
                return steps > 0
        raise AssertionError(
            f"{self.clientIO!r} and {self.serverIO!r} are not quiet after {_FLUSH_LIMIT} steps"
        )

    def pump(self, debug: bool = False, advanceClock: bool = True) -> bool:
        """Carry what both sides have written so far to the other side, or else let an ending take effect.

        Returns: whether anything moved.
        """
        if advanceClock:
            self.clock.advance(0)
        ends = ((self.clientIO, self.serverIO), (self.serverIO, self.clientIO))
        # Taken from both before either is delivered: an answer travels in the next step.
        parcels = [sender.getOutBuffer() for sender, _ in ends]
        for sender, _ in ends:
            sender._checkProducer()
        if debug or self.debug:
            for name, parcel in zip("CS", parcels, strict=True):
                if parcel:
                    print(f"{name}: {parcel!r}")
        moved = False
        for (_, receiver), parcel in zip(ends, parcels, strict=True):
            if parcel:
                moved = True
                receiver.bufferReceived(parcel)
        if moved:
            return True
        return any(self._end(sender, receiver) for sender, receiver in reversed(ends))

    def _end(self, sender: FakeTransport, receiver: FakeTransport) -> bool:
        if not sender.disconnecting or sender.disconnected:
            return False
        sender.disconnected = True
        receiver.disconnecting = True
        receiver.reportDisconnect()
        return True


def connect(
    serverProtocol: Any,
    serverTransport: FakeTransport,
    clientProtocol: Any,
    clientTransport: FakeTransport,
    debug: bool = False,
    greet: bool = True,
    clock: Clock | None = None,
) -> IOPump:
    """Join two protocols over two transports; the server is told of its connection first.

    Args:
        debug: whether each step prints what it carries.
        greet: whether what they write when connected is delivered before this returns.
        clock: see `IOPump`.
    """
    serverProtocol.makeConnection(serverTransport)
    clientProtocol.makeConnection(clientTransport)
    pump = IOPump(clientProtocol, serverProtocol, clientTransport, serverTransport, debug, clock)
    if greet:
        pump.flush()
    return pump


def connectedServerAndClient(
    ServerClass: Callable[[], _Server],
    ClientClass: Callable[[], _Client],
    clientTransportFactory: Callable[[_Client], Any] = makeFakeClient,
    serverTransportFactory: Callable[[_Server], Any] = makeFakeServer,
    debug: bool = False,
    greet: bool = True,
    clock: Clock | None = None,
) -> tuple[_Client, _Server, IOPump]:
    """Make two protocols and join them.

    Args:
        ServerClass, ClientClass: called without arguments, each makes a protocol.
        clientTransportFactory, serverTransportFactory: called with a protocol, each makes its transport.
        debug, greet, clock: as for `connect`.

    Returns: client, server and pump; mind the order.
    """
    client, server = ClientClass(), ServerClass()
    client_end, server_end = clientTransportFactory(client), serverTransportFactory(server)
    return client, server, connect(server, server_end, client, client_end, debug, greet, clock)


class ConnectionCompleter:
    """Lets the TCP connections succeed or fail that were asked of a `MemoryReactor`.

    Args:
        memoryReactor: what was asked is read from its `tcpClients` and `tcpServers`.
    """

    def __init__(self, memoryReactor: MemoryReactor) -> None:
        self._reactor = memoryReactor

    def succeedOnce(self, debug: bool = False, greet: bool = True) -> IOPump | None:
        """Complete the oldest connection for whose port somebody listens.

        Args:
            debug, greet: as for `connect`.

        Returns: the pump between the two, or None when nobody waits for a port that is listened on.
        """
        for place, client, server in self._matches():
            del self._reactor.tcpClients[place]
            self._take_connector(client)
            client_protocol = client[2].buildProtocol(None)
            server_protocol = server[1].buildProtocol(None)
            client_end, server_end = makeFakeClient(client_protocol), makeFakeServer(server_protocol)
            clock = self._reactor if isinstance(self._reactor, Clock) else None
            return connect(server_protocol, server_end, client_protocol, client_end, debug, greet, clock)
        return None

    def failOnce(self, reason: Failure | None = None) -> None:
        """Fail the oldest connection attempt.

        Args:
            reason: what the factory's `clientConnectionFailed` is given; `ConnectionRefusedError` when left out.

        Raises:
            IndexError: nobody is connecting.
        """
        client = self._reactor.tcpClients.pop(0)
        connector = self._take_connector(client)
        client[2].clientConnectionFailed(
            connector, Failure(ConnectionRefusedError()) if reason is None else reason
        )

    def _matches(self) -> Iterator[tuple[int, tuple[Any, ...], tuple[Any, ...]]]:
        for place, client in enumerate(self._reactor.tcpClients):
            for server in self._reactor.tcpServers:
                if client[1] == server[0]:
                    yield place, client, server

    def _take_connector(self, client: tuple[Any, ...]) -> Any:
        """The connector that `connectTCP` returned for these arguments; other kinds of connection have theirs too."""
        connectors = self._reactor.connectors
        for place, connector in enumerate(connectors):
            address = connector.getDestination()
            if (getattr(address, "host", None), getattr(address, "port", None)) == client[:2]:
                return connectors.pop(place)
        return None


def connectableEndpoint(debug: bool = False) -> tuple[TCP4ClientEndpoint, ConnectionCompleter]:
    """Make an endpoint whose connections succeed or fail when the test says so.

    Args:
        debug: of no effect; `ConnectionCompleter.succeedOnce` has its own.

    Returns: the endpoint, and what completes its connections.
    """
    reactor: Any = MemoryReactorClock()
    endpoint = TCP4ClientEndpoint(reactor, "0.0.0.0", 4321)
    reactor.listenTCP(4321, Factory.forProtocol(Protocol))
    return endpoint, ConnectionCompleter(reactor)


publish(globals())

if TYPE_CHECKING:
    _transport: type[ITransport] = FakeTransport
    _consumer: type[IConsumer] = FakeTransport
