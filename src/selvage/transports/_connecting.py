"""Outgoing stream connections: the connector that a program holds, and the attempt behind it.  Floor 2."""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from traceback import format_stack
from typing import TYPE_CHECKING, Any

from selvage.errors import ConnectBindError, ConnectError, NotConnectingError, TimeoutError, UserError
from selvage.failure import Failure, report
from selvage.interfaces import IConnector, implementer
from selvage.reactor._time import DelayedCall

from ._engine import accepts_late
from ._errors import connect_error, os_connect_error
from ._states import LOST, NEW
from ._stream import Connection, log_prefix

if TYPE_CHECKING:
    import asyncio

    from ._engine import Engine

__all__ = ["BaseClient", "BaseConnector"]

_CONNECTED = (0, errno.EISCONN)
#: Seconds until a UNIX server whose queue was full is tried again.
_QUEUE_PATIENCE_S = 0.01
_IN_PROGRESS = (errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK, errno.EAGAIN)


class BaseClient(Connection):
    """The client's side of a stream: first an attempt to connect, then the connection itself.

    A subclass gives `_bind` and either calls `_connect_to` from `resolveAddress` or looks the address up first.
    Whatever happens is told to the connector, by `connectionFailed` or `connectionLost`, never before `connect` returned.
    """

    __slots__ = ("_attempt",)

    _tlsClientDefault = True

    addressFamily: int = socket.AF_INET
    socketType: int = socket.SOCK_STREAM

    def __init__(self, engine: Engine, connector: Any) -> None:
        super().__init__(engine, connector)
        # The socket that is connecting; None before and after.
        self._attempt: socket.socket | None = None
        # The socket is there and bound at once, for programs that look at it; what goes wrong is told later.
        error: Exception | None = None
        try:
            self._attempt = self.createInternetSocket()
            self._bind(self._attempt)
        except OSError as exc:
            kind = ConnectError if self._attempt is None else ConnectBindError
            error = kind(exc.args[0] if exc.args else None, exc.strerror or str(exc))
            error.__cause__ = exc
        if engine.reactor.running:
            engine.loop.call_soon(self._begin, error)
        else:
            # A reactor that never runs never connects, whoever else runs its loop.
            engine.reactor.callLater(0, self._begin, error)

    @property
    def connector(self) -> Any:
        """The connector behind it."""
        return self._owner

    # --- The attempt -------------------------------------------------------------------------------------------

    def _begin(self, error: Exception | None) -> None:
        if self._state != NEW:
            return
        if error is not None:
            self.failIfNotConnected(error)
            return
        try:
            self.resolveAddress()
        except Exception as exc:
            # Whatever it is: an attempt that never ends would leave its factory waiting for ever.
            self.failIfNotConnected(exc)

    def createInternetSocket(self) -> socket.socket:
        """Return a new socket that does not block; programs override this to set options before it connects."""
        made = socket.socket(self.addressFamily, self.socketType)
        made.setblocking(False)
        return made

    def _bind(self, sock: socket.socket) -> None:
        """Bind the socket to the local address asked for, if any."""

    def resolveAddress(self) -> None:
        """Find the address, then call `_connect_to`.  Called once, when the socket is ready to connect."""
        raise NotImplementedError(
            f"{type(self).__name__} has to say where it connects to: override resolveAddress"
        )

    def _connect_to(self, address: Any) -> None:
        attempt = self._attempt
        if attempt is None:
            return
        try:
            code = attempt.connect_ex(address)
            if code in _IN_PROGRESS and self._is_local(address) and not accepts_late(self._engine.loop):
                # Connections within the machine stand by now: asking costs less than watching.
                code = attempt.connect_ex(address)
        except (OSError, OverflowError, TypeError, ValueError) as exc:
            # No answer of the network's, but an address that makes no sense.
            self.failIfNotConnected(self._nonsense(address, exc))
            return
        if code in _CONNECTED:
            self._established()
        elif code == errno.EAGAIN and self.addressFamily == getattr(socket, "AF_UNIX", None):
            # The server's queue is full, and the system does not tell when that changes.
            self._engine.loop.call_later(_QUEUE_PATIENCE_S, self._connect_to, address)
        elif code in _IN_PROGRESS:
            self._engine.open.add(self)
            self._engine.loop.add_writer(attempt, self._writable)
        else:
            self.failIfNotConnected(os_connect_error(code))

    def _nonsense(self, address: Any, exc: Exception) -> Exception:
        """Return the error that says what is wrong with an address that the system does not even try."""
        return exc

    def _is_local(self, address: Any) -> bool:
        """Tell whether the address is this machine's own."""
        return False

    def _writable(self) -> None:
        attempt = self._attempt
        if attempt is None:
            return
        code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._engine.loop.remove_writer(attempt)
        if code in _CONNECTED:
            self._established()
        else:
            self.failIfNotConnected(os_connect_error(code))

    def _established(self) -> None:
        attempt, self._attempt = self._attempt, None
        assert attempt is not None
        self._ride(attempt, self._not_attached)

    def _not_attached(self, exc: BaseException) -> None:
        self.failIfNotConnected(connect_error(exc))

    def _is_reading(self) -> bool:
        return self._attempt is not None or super()._is_reading()

    def stopReading(self) -> None:
        """Receive nothing until `startReading`; an attempt goes on."""
        if self._attempt is None:
            super().stopReading()

    def failIfNotConnected(self, err: BaseException) -> None:
        """Give the attempt up for this reason; nothing happens when it succeeded or failed already."""
        if self._state != NEW:
            return
        self._state = LOST
        self._engine.open.discard(self)
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            self._engine.loop.remove_writer(attempt)
            attempt.close()
        self._owner.connectionFailed(Failure(err))

    def stopConnecting(self) -> None:
        """Give the attempt up."""
        self.failIfNotConnected(UserError())

    # --- The connection ----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Go on as a connection, unless the attempt was given up while the engine took the socket over."""
        if self._state != NEW:
            transport.abort()
            return
        super().connection_made(transport)

    def connectionLost(self, reason: Failure) -> None:
        """End the connection or the attempt."""
        if self._state == NEW:
            self.failIfNotConnected(ConnectError(string=str(reason.value)))
        else:
            super().connectionLost(reason)

    def _build_protocol(self) -> Any:
        return self._owner.buildProtocol(self.getPeer())

    def _owner_lost(self, reason: Failure) -> None:
        self._owner.connectionLost(reason)

    def _log_name(self) -> str:
        return "Uninitialized" if self.protocol is None else f"{log_prefix(self.protocol)},client"

    @property
    def socket(self) -> Any:
        """Its socket: the real one while it connects, then as for every connection."""
        return self._attempt or super().socket

    def getPeer(self) -> Any:
        """Return the address that it is or will be connected to."""
        raise NotImplementedError(f"{type(self).__name__} has to say whom it connects to: override getPeer")


@implementer(IConnector)
class BaseConnector:
    """One outgoing connection, from the attempt to the end, as often as `connect` begins it again.

    `state` is "disconnected", "connecting" or "connected".  The factory is started for the first attempt, and stopped when
    an end leaves the connector disconnected.
    """

    timeoutID: Any = None
    factoryStarted = False

    #: The stack of who made it, as text lines, when `DelayedCall.debug` was on.
    creator: Sequence[str] | None = None

    def __init__(self, factory: Any, timeout: float | None, reactor: Any) -> None:
        if DelayedCall.debug:
            self.creator = format_stack()[:-2]
        self.state = "disconnected"
        self.reactor = reactor
        self.factory = factory
        self.timeout = timeout
        self.transport: Any = None

    def _makeTransport(self) -> Any:
        """Return a client that begins to connect."""
        raise NotImplementedError(f"{type(self).__name__} has to make its client: override _makeTransport")

    def getDestination(self) -> Any:
        """Return the address that is or will be connected to."""
        raise NotImplementedError(
            f"{type(self).__name__} has to say whom it connects to: override getDestination"
        )

    def connect(self) -> None:
        """Begin an attempt.

        Raises:
            RuntimeError: an attempt is under way or the connection stands.
        """
        if self.state != "disconnected":
            raise RuntimeError(f"{self!r} cannot connect: it is {self.state} already")
        if not hasattr(self.factory, "startedConnecting"):
            raise TypeError(
                f"{self.factory!r} cannot be told what becomes of a connection, as it has no startedConnecting(): "
                "derive its class from ClientFactory, not from Factory"
            )
        self.state = "connecting"
        if not self.factoryStarted:
            self.factory.doStart()
            self.factoryStarted = True
        self.transport = transport = self._makeTransport()
        if self.timeout is not None:
            self.timeoutID = self.reactor.callLater(
                self.timeout, transport.failIfNotConnected, TimeoutError()
            )
        self.factory.startedConnecting(self)

    def stopConnecting(self) -> None:
        """Give the attempt up; the factory hears of it as `UserError`.

        Raises:
            NotConnectingError: no attempt is under way.
        """
        if self.state != "connecting":
            raise NotConnectingError(f"the connector is {self.state}")
        self.state = "disconnected"
        transport, self.transport = self.transport, None
        transport.failIfNotConnected(UserError())

    def disconnect(self) -> None:
        """End it, whatever its state: give up the attempt, or close the connection."""
        if self.state == "connecting":
            self.stopConnecting()
        elif self.state == "connected":
            self.transport.loseConnection()

    def cancelTimeout(self) -> None:
        """Stop the clock of the attempt."""
        if self.timeoutID is not None:
            try:
                self.timeoutID.cancel()
            except ValueError:
                pass  # it fired: the timeout is what we are called for
            self.timeoutID = None

    # --- What the client tells ---------------------------------------------------------------------------------

    def buildProtocol(self, addr: Any) -> Any:
        """Return the factory's protocol for the connection that now stands."""
        self.state = "connected"
        self.cancelTimeout()
        return self.factory.buildProtocol(addr)

    def connectionFailed(self, reason: Failure) -> None:
        """Take notice that the attempt came to nothing."""
        self.cancelTimeout()
        self.transport = None
        self.state = "disconnected"
        self._tell("clientConnectionFailed", reason)

    def connectionLost(self, reason: Failure) -> None:
        """Take notice that the connection ended."""
        self.state = "disconnected"
        self._tell("clientConnectionLost", reason)

    def _tell(self, hook: str, reason: Failure) -> None:
        try:
            getattr(self.factory, hook)(self, reason)
        except BaseException:
            report(Failure(), f"Unhandled error in {hook}", source="factory", factory=self.factory)
        # The hook may have called connect(): then the factory is still needed.
        if self.state == "disconnected" and self.factoryStarted:
            self.factoryStarted = False
            try:
                self.factory.doStop()
            except BaseException:
                report(Failure(), "Unhandled error in stopFactory", source="factory", factory=self.factory)

    def __repr__(self) -> str:
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        return f"<{name} instance at {id(self):#x} {self.state} {self.getDestination()}>"
