"""A SOCKS server, versions 4 and 4A: connects onward to where its clients ask, and waits for connections to them.  Floor 3.

    reactor.listenTCP(1080, SOCKSv4Factory("socks.log"), interface="127.0.0.1")
    reactor.listenTCP(1080, SOCKSv4Factory(None, trusted=["10.0.0.0/8"]))

A relay that anybody may use is soon used by everybody, so this one serves this machine only unless networks are named,
or `authorize` is overridden.  It decides on addresses after names were looked up, and connects to what it decided on.

Each side is the producer of the other: a slow reader slows the other side's peer down, and memory stays small.

Twisted: `twisted.protocols.socks`, which serves whoever connects, and raises `TypeError` when it is to wait.
"""

from __future__ import annotations

import enum
import socket
import struct
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from selvage._publish import publish
from selvage.defer import Deferred, maybeDeferred, succeed
from selvage.errors import BindError, CancelledError, ConnectError, DNSLookupError
from selvage.failure import Failure, report
from selvage.protocols._client_creator import ClientCreator
from selvage.protocols._factory import Factory
from selvage.protocols._mention import mention
from selvage.protocols._networks import THIS_MACHINE, Networks, host_of
from selvage.protocols._protocol import Protocol, connectionDone
from selvage.protocols._refusals import Refusing, clock_of
from selvage.protocols._relay import join, part
from selvage.protocols._socks4 import BIND, Request, SOCKSRequestError, read_request
from selvage.protocols._wrapping import cancel

if TYPE_CHECKING:
    from selvage.interfaces import IAddress

__all__ = [
    "RelayRefused",
    "SOCKSRequestError",
    "SOCKSTimeout",
    "SOCKSv4",
    "SOCKSv4Factory",
    "SOCKSv4Incoming",
    "SOCKSv4IncomingFactory",
    "SOCKSv4Outgoing",
]

#: A client sends its request, some dozens of bytes, at once; what takes longer than this is no client.
REQUEST_TIMEOUT_S = 30.0
#: So long the other side may take to be there, connecting or being waited for.  The protocol's own figure.
RELAY_TIMEOUT_S = 120.0
#: When a client has sent so many bytes before its answer, reading pauses.  Until then it does not: who is not read from is
#: not noticed to go.  It has no reason to send more than the beginning of a conversation.
MAX_EARLY = 1 << 16

_GRANTED, _REJECTED = 90, 91

#: The other side cannot be found, reached or waited for, or the client has gone: the client's affair.
_EXPECTED = (ConnectError, DNSLookupError, BindError, CancelledError)


class RelayRefused(Exception):
    """A client may not have what it asked for.

    Args:
        code: 1 to connect, 2 to wait for a connection.
        server: the other side's host, dotted quad.
        port: the other side's port.
        user: whom the client said it asks for.
    """

    def __init__(self, code: int, server: str, port: int, user: bytes) -> None:
        super().__init__(code, server, port, user)
        self.code = code
        self.server = server
        self.port = port
        self.user = user

    def __str__(self) -> str:
        what = "to wait for" if self.code == BIND else "to connect to"
        return (
            f"{self.user!r} may not ask {what} {self.server}:{self.port}; "
            "name the client's network in `trusted`, or override authorize()"
        )


class SOCKSTimeout(Exception):
    """A client took too long to ask, or the other side to be there.

    Args:
        seconds: how long it was waited for.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"nothing came of it in {self.seconds:g} seconds"


class _State(enum.Enum):
    REQUESTED = "waits for the request"
    WORKING = "waits for the other side"
    RELAYING = "passes data on"
    OVER = "refused or lost"


class SOCKSv4(Protocol):
    """The client's side: reads a request, then passes data on.

    Args:
        logging: name of a file to which all that passes is appended; None for no file.
        reactor: connects, listens and resolves; None for the ambient one.
    """

    #: Set by the factory that makes the protocol.
    factory: Any = None
    #: The other side, once it is there.
    otherConn: Any = None
    #: Peers that `authorize` lets in.
    trusted: Networks = THIS_MACHINE

    def __init__(self, logging: str | None = None, reactor: Any = None) -> None:
        self.logging = logging
        self.reactor = reactor
        self._state = _State.REQUESTED
        self._early = b""
        self._timer: Any = None
        #: What is being waited for.
        self._pending: Deferred[Any] | None = None
        #: The port that waits for the other side.
        self._port: Any = None
        self._is_joined = False

    def connectionMade(self) -> None:
        """Wait for the request."""
        self._wait(REQUEST_TIMEOUT_S)

    # --- What the client sends -------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        """Pass it on; before that, read the request."""
        if self.otherConn is not None:
            self.otherConn.write(data)
            return
        if self._state is _State.OVER:
            return
        self._early += data
        if self._state is _State.REQUESTED:
            self._read_request()
        if len(self._early) > MAX_EARLY and self._state is _State.WORKING:
            self.transport.pauseProducing()  # type: ignore[attr-defined]

    def _read_request(self) -> None:
        try:
            request = read_request(self._early)
        except SOCKSRequestError as error:
            self._refuse(error)
            return
        if request is None:
            return
        self._early = request.rest
        self._state = _State.WORKING
        self._wait(RELAY_TIMEOUT_S)
        if request.name is None:
            self._grant(request.address, request)
        else:
            self._follow(lambda: clock_of(self.reactor).resolve(request.name), self._grant, request)

    def _grant(self, server: str, request: Request) -> None:
        """Do what is asked for, with the address that was asked for or found."""
        code, port, user = request.command, request.port, request.user
        if not self.authorize(code, server, port, user):
            self._refuse(RelayRefused(code, server, port, user))
        elif code == BIND:
            self._follow(lambda: self.listenClass(0, SOCKSv4IncomingFactory, self, server), self._listening)
        else:
            self._follow(lambda: self.connectClass(server, port, SOCKSv4Outgoing, self), self._connected)

    def _follow(self, begin: Callable[[], Any], then: Callable[..., object], *more: Any) -> None:
        """Go on when something is there; reject the request when it fails."""
        deferred = self._pending = maybeDeferred(begin)
        deferred.addCallback(self._go_on, then, *more)
        deferred.addErrback(self._failed)

    def _go_on(self, result: Any, then: Any, *more: Any) -> None:
        self._pending = None
        if self._state is not _State.OVER:
            then(result, *more)

    def _failed(self, reason: Failure) -> None:
        self._pending = None
        if reason.check(*_EXPECTED) is None:
            report(reason, "Unhandled error in a SOCKS relay", source="protocol", protocol=self)
        if self._state is not _State.OVER:
            self.makeReply(_REJECTED)

    def _listening(self, host_and_port: tuple[str, int]) -> None:
        host, port = host_and_port
        self.makeReply(_GRANTED, 0, port, host)

    def _connected(self, other: Any) -> None:
        """Nothing: the other side says itself that it is there."""

    # --- Hooks -----------------------------------------------------------------------------------------------------

    def authorize(self, code: int, server: str, port: int, user: bytes) -> Any:
        """Hook: decide whether the client may have what it asks for; the base version lets in the peers in `trusted`.

        Args:
            code: 1 to connect, 2 to wait for a connection.
            server: the other side's host, dotted quad; a name was looked up before.
            port: the other side's port.
            user: whom the client says it asks for; anybody can say anything.
        """
        return self.transport.getPeer() in self.trusted

    def connectClass(self, host: str, port: int, klass: Any, *args: Any) -> Deferred[Any]:
        """Hook: connect to the other side; fires with its protocol, `klass(*args)`."""
        return ClientCreator(clock_of(self.reactor), klass, *args).connectTCP(host, port)

    def listenClass(self, port: int, klass: Any, *args: Any) -> Deferred[tuple[str, int]]:
        """Hook: wait for the other side with the factory `klass(*args)`; fires with the host and port to tell it."""
        self._port = clock_of(self.reactor).listenTCP(port, klass(*args))
        where = self._port.getHost()
        return succeed((where.host, where.port))

    def log(self, proto: Any, data: bytes) -> None:
        """Append what passes to the file, if there is one.

        Args:
            proto: who writes it: this protocol what goes to the client, the other one what goes there.
        """
        if self.logging is None:
            return
        client, other = self.transport.getPeer(), self.otherConn.transport.getPeer()
        arrow = "<" if proto is self else ">"
        with open(self.logging, "a", encoding="ascii") as file:
            file.write(f"{time.ctime()}\t{client} {arrow} {other}\t{data!r}\n")

    # --- Answers and data ------------------------------------------------------------------------------------------

    def makeReply(self, reply: int, version: int = 0, port: int = 0, ip: str = "0.0.0.0") -> None:
        """Answer the client, and close unless the answer is 90, granted."""
        self.transport.write(struct.pack("!BBH", version, reply, port) + socket.inet_aton(ip))
        if reply != _GRANTED:
            self._end()
            self.transport.loseConnection()

    def write(self, data: bytes) -> None:
        """Send to the client what the other side has sent."""
        if self.logging is not None:
            self.log(self, data)
        self.transport.write(data)

    def _begin(self, other: Any) -> bool:
        """Take the other side, which has its transport; tell whether it is still wanted."""
        if self._state is not _State.WORKING:
            return False
        self._stop_waiting()
        self._state = _State.RELAYING
        self.otherConn = other
        join(self.transport, other.transport)
        self._is_joined = True
        early, self._early = self._early, b""
        if early:
            other.write(early)
        if len(early) > MAX_EARLY:
            self.transport.resumeProducing()  # type: ignore[attr-defined]
        return True

    def _other_lost(self) -> None:
        """The other side has ended."""
        if self._is_joined:
            self._is_joined = False
            part(self.transport)

    # --- Ending ----------------------------------------------------------------------------------------------------

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close the other side, or stop waiting for it."""
        other, self.otherConn = self.otherConn, None
        self._end()
        if self._is_joined:
            self._is_joined = False
            part(other.transport)

    def _refuse(self, error: Exception) -> None:
        refusals = getattr(self.factory, "refusals", None)
        if refusals is not None:
            refusals.add(error, self.transport.getPeer())
        else:
            mention(self, "Refused {peer}: {error}", peer=self.transport.getPeer(), error=error)
        self.makeReply(_REJECTED)

    def _end(self) -> None:
        """Wait for nothing any more."""
        self._state = _State.OVER
        self._early = b""
        self._stop_waiting()
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.cancel()

    def _wait(self, seconds: float) -> None:
        """Give up when nothing has come of it in so many seconds."""
        self._stop_waiting()
        reactor = getattr(self.transport, "reactor", None)  # one of a test's knows no time
        if reactor is not None:
            self._timer = reactor.callLater(seconds, self._too_late, seconds)

    def _too_late(self, seconds: float) -> None:
        self._timer = None
        self._refuse(SOCKSTimeout(seconds))

    def _stop_waiting(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            cancel(timer)
        port, self._port = self._port, None
        if port is not None:
            port.stopListening()


class SOCKSv4Outgoing(Protocol):
    """The other side, when it was connected to.

    Args:
        socks: the client's side.
    """

    def __init__(self, socks: SOCKSv4) -> None:
        self.socks = socks

    def connectionMade(self) -> None:
        """Tell the client, and pass data on."""
        peer: Any = self.transport.getPeer()
        if self.socks._begin(self):
            self.socks.makeReply(_GRANTED, port=peer.port, ip=peer.host)
        else:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """Pass it on."""
        self.socks.write(data)

    def write(self, data: bytes) -> None:
        """Send what the client has sent."""
        if self.socks.logging is not None:
            self.socks.log(self, data)
        self.transport.write(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Close the client's side."""
        self.socks._other_lost()


class SOCKSv4Incoming(SOCKSv4Outgoing):
    """The other side, when it was waited for."""

    def connectionMade(self) -> None:
        """Tell the client, and pass data on."""
        if self.socks._begin(self):
            self.socks.makeReply(_GRANTED, 0)
        else:
            self.transport.loseConnection()


class SOCKSv4IncomingFactory(Factory[Any]):
    """Waits for one connection, from one host.

    Args:
        socks: the client's side.
        ip: the host, dotted quad.
    """

    noisy = False

    def __init__(self, socks: SOCKSv4, ip: str) -> None:
        self.socks = socks
        self.ip = ip

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Take the first connection, if it is from the right host; else reject the client's request.  One is enough."""
        expected, self.ip = self.ip, ""
        if expected and host_of(addr) == socket.inet_aton(expected):
            return SOCKSv4Incoming(self.socks)
        if expected:
            self.socks.makeReply(_REJECTED, 0)
        return None


class SOCKSv4Factory(Refusing, Factory[Any]):
    """Makes the server's protocols.

    Args:
        log: name of a file to which all that passes is appended; None for no file.
        trusted: networks of the clients, as in `["10.0.0.0/8"]`; by default this machine.
    """

    def __init__(self, log: str | None, trusted: Iterable[str] | None = None) -> None:
        self.logging = log
        self.trusted = THIS_MACHINE if trusted is None else Networks(trusted)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Make the protocol for one client."""
        protocol = SOCKSv4(self.logging)
        protocol.factory = self
        protocol.trusted = self.trusted
        return protocol


publish(globals())
