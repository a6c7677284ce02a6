"""Ports: what every listening socket has, and how a stream port accepts through the loop.  Floor 2."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Sequence
from traceback import format_stack
from typing import TYPE_CHECKING, Any, cast

from selvage import _events
from selvage.defer import Deferred
from selvage.failure import Failure, report
from selvage.interfaces import IListeningPort, implementer
from selvage.reactor._time import DelayedCall

from ._engine import complete_now
from ._errors import lost_failure
from ._reservation import _FileDescriptorReservation
from ._scarcity import LOOK_EVERY
from ._stream import Connection, log_prefix

if TYPE_CHECKING:
    from ._engine import Engine

#: Most connections accepted before other descriptors have their turn.
_ACCEPTS_PER_TURN = 100
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)
#: What accept() may fail with while the port is sound: it goes on listening.
ACCEPT_ERRORS = (*_NO_DESCRIPTORS, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED)


class _NullDevice:
    """A descriptor that is held for its number only, for as long as the process lives."""

    def __init__(self) -> None:
        self._number = os.open(os.devnull, os.O_RDONLY)

    def close(self) -> None:
        """Give the number back."""
        os.close(self._number)


#: One for the process, held as soon as a port accepts by itself.
reserved_descriptor = _FileDescriptorReservation(_NullDevice)

__all__ = ["BasePort", "BaseServer", "StreamPort", "ambient_reactor"]


def ambient_reactor(reactor: Any) -> Any:
    """Return `reactor`, or the ambient one for None."""
    if reactor is None:
        from selvage.reactor._ambient import get_reactor

        return get_reactor()
    return reactor


class BasePort:
    """A socket of ours that is bound and waits; only the reactor makes them."""

    addressFamily: int = socket.AF_INET
    socketType: int = socket.SOCK_STREAM

    connected = False
    disconnecting = False
    disconnected = False
    socket: Any = None

    #: The stack of who made it, as text lines, when `DelayedCall.debug` was on.
    creator: Sequence[str] | None = None

    # Of the loop that the port listens on; set when it begins to.
    _engine: Engine

    def __init__(self, reactor: Any = None) -> None:
        self.reactor = ambient_reactor(reactor)
        if DelayedCall.debug:
            self.creator = format_stack()[:-2]

    def createInternetSocket(self) -> socket.socket:
        """Return a new socket that does not block; programs override this to set options before it is bound."""
        made = socket.socket(self.addressFamily, self.socketType)
        made.setblocking(False)
        return made

    def fileno(self) -> int:
        """Return the number of the descriptor, -1 when it is closed."""
        return -1 if self.socket is None else int(self.socket.fileno())

    def getHandle(self) -> Any:
        """Return the socket."""
        return self.socket

    def logPrefix(self) -> str:
        """Return the word that names it in a log."""
        return type(self).__name__

    def _mention(self, text: str, level: str = "info") -> None:
        """Tell a log of what happened."""
        # The text is a field by the name under which observers of old logs look for it.
        namespace = f"{type(self).__module__}.{type(self).__qualname__}"
        _events.emit(namespace, level, "{message[0]}", message=(text,), log_source=self)


class AdoptedOwner:
    """Stands in as the port of a connection that was not accepted by one but adopted."""

    def __init__(self, factory: Any, port_number: int | str | None) -> None:
        self.factory = factory
        self._realPortNumber = port_number


class BaseServer(Connection):
    """The server's side of an accepted connection."""

    __slots__ = ("sessionno",)

    @classmethod
    def _adopt(cls, engine: Engine, sock: socket.socket, factory: Any, peer: Any, port_number: Any) -> Any:
        """Go on with a connected socket: returns the transport, or None when the factory wants no connection.

        The protocol is made at once; its makeConnection is called when the loop comes round.
        """
        owner = AdoptedOwner(factory, port_number)
        try:
            protocol = owner.factory.buildProtocol(peer)
        except BaseException:
            sock.close()
            raise
        if protocol is None:
            sock.close()
            return None
        self = cls(engine, owner, sock.fileno())
        self.protocol = protocol
        engine.open.add(self)
        self._ride(sock, self._not_adopted)
        return self

    def _not_adopted(self, exc: BaseException) -> None:
        self._lost(lost_failure(exc))

    def __init__(self, engine: Engine, port: Any, sessionno: int = 0) -> None:
        super().__init__(engine, port)
        self.sessionno = sessionno

    @property
    def server(self) -> Any:
        """The port that accepted it."""
        return self._owner

    def _build_protocol(self) -> Any:
        if self.protocol is not None:
            return self.protocol  # adopted: it was made before
        return self._owner.factory.buildProtocol(self.getPeer())

    def getPeer(self) -> Any:
        """Return the client's address."""
        raise NotImplementedError(f"{type(self).__name__} has to say who connected: override getPeer")


@implementer(IListeningPort)
class StreamPort(BasePort):
    """A port that accepts connections through the loop.

    `socket` is ours; the loop serves a duplicate, which is closed and made anew when accepting pauses and resumes.
    """

    # Whether it calls accept() whatever the loop could do.
    _accepts_itself = False
    _reading = False

    #: What is made for each accepted connection.
    transport: type[Any] = BaseServer

    #: How many connections are accepted at the next turn, where the port accepts by itself: as many as came at the last
    #: one, and more when there may have been more, so that hardly any turn asks once too often.
    numberAccepts = _ACCEPTS_PER_TURN

    def __init__(self, factory: Any, backlog: int, reactor: Any) -> None:
        super().__init__(reactor)
        self.factory = factory
        self.backlog = backlog
        self.sessionno = 0
        self._server: asyncio.AbstractServer | None = None
        self._stopping: Deferred[None] | None = None

    def _begin(self, sock: socket.socket) -> None:
        """Start the factory and accept on a socket that listens already."""
        try:
            self.factory.doStart()
        except BaseException:
            sock.close()
            raise
        self.socket = sock
        self.connected = True
        self.disconnected = self.disconnecting = False
        self._engine = self.reactor._transport_engine()
        self._engine.open.add(self)
        self.startReading()

    def startReading(self) -> None:
        """Accept connections (again)."""
        if self._reading or not self.connected:
            return
        self._reading = True
        loop = self._engine.loop
        if self._accepts_itself or isinstance(loop, asyncio.BaseEventLoop):
            # asyncio's own way makes a Task for each connection, and lets peers wait when descriptors run out.
            reserved_descriptor.reserve()
            loop.add_reader(self.socket, self.doRead)
        else:
            accept = cast("Any", self._accept)
            self._server = complete_now(
                loop.create_server(accept, sock=self.socket.dup(), backlog=self.backlog)
            )

    def stopReading(self) -> None:
        """Accept nothing for now; who connects waits in the system's queue."""
        if not self._reading:
            return
        self._reading = False
        server, self._server = self._server, None
        if server is not None:
            server.close()
        else:
            self._engine.loop.remove_reader(self.socket)

    def doRead(self) -> None:
        """Accept those who wait; called by the loop where the port accepts by itself."""
        if self._server is not None:
            # Somebody calls this in the loop's place, which has its own reserve.
            reserved_descriptor.reserve()
        wanted, accepted = self.numberAccepts, 0
        while accepted < wanted and self._reading and self._accept_one():
            accepted += 1
        self.numberAccepts = max(1, accepted) if accepted < wanted else min(wanted * 2, _ACCEPTS_PER_TURN)

    def _accept_one(self) -> bool:
        """Accept one connection, or turn it away; tell whether there may be another."""
        try:
            sock, _peer = self.socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as exc:
            if exc.errno in _NO_DESCRIPTORS:
                return self._shed(exc)
            if exc.errno not in ACCEPT_ERRORS and exc.errno != errno.EPERM:  # EPERM: a firewall's word
                report(Failure(exc), "Could not accept a connection", source="reader", port=self)
            return False
        sock.setblocking(False)
        connection = self._accept()
        connection._ride(sock, connection._not_adopted)
        return True

    def _shed(self, exc: OSError) -> bool:
        """There is no descriptor for who waits: accept with the reserved one, and close at once; tell whether that worked."""
        if not reserved_descriptor.available():
            report(Failure(exc), "Could not accept a connection", source="reader", port=self)
            return False
        with reserved_descriptor:
            try:
                sock, _peer = self.socket.accept()
            except OSError:
                return False
            sock.close()
        self._engine.scarcity.turned_away(self)
        return True

    pauseProducing = stopReading
    resumeProducing = startReading

    def _is_reading(self) -> bool:
        """Tell whether connections are accepted."""
        return self._reading

    def _is_writing(self) -> bool:
        return False

    def _accept(self) -> Any:
        number = self.sessionno
        self.sessionno = number + 1
        if number % LOOK_EVERY == 0:
            # Who accepts in our place may not say that descriptors run out.
            self._engine.scarcity.look(self)
        return self.transport(self._engine, self, number)

    # --- Ending ------------------------------------------------------------------------------------------------

    def stopListening(self, connDone: Failure | None = None) -> Deferred[None] | None:
        """Stop accepting and release the socket; connections that stand go on.

        Returns: None when it does not listen.
        Fires with None when the socket is closed and the factory stopped.
        Fails with what the factory's `stopFactory` raised.
        """
        self.disconnecting = True
        if not self.connected:
            return None
        if self._stopping is None:
            self._stopping = Deferred()
            self.reactor._asyncioEventloop.call_soon(self._stop, connDone)
        return self._stopping

    loseConnection = stopListening

    def _stop(self, reason: Failure | None) -> None:
        stopping, self._stopping = self._stopping, None
        try:
            if self.connected:
                self.connectionLost(reason)
        except BaseException:
            if stopping is not None:
                stopping.errback(Failure())
        else:
            if stopping is not None:
                stopping.callback(None)

    def connectionLost(self, reason: Failure | None) -> None:
        """Close the socket and stop the factory, at once."""
        if not self.connected:
            return
        self._mention(f"({self._log_name()} Closed)")
        self.connected = False
        self.disconnected = True
        engine = self._engine
        engine.open.discard(self)
        self.stopReading()
        self._release()
        self.factory.doStop()

    def _release(self) -> None:
        """Close our socket."""
        sock, self.socket = self.socket, None
        sock.close()

    def _log_start(self, where: object) -> None:
        self._mention(f"{log_prefix(self.factory)} starting on {where}")

    def _log_name(self) -> str:
        return "Port"

    def logPrefix(self) -> str:
        """Return the factory's class name."""
        return type(self.factory).__qualname__
