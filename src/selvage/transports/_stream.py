"""The adapter between the engine's stream transport and a protocol.  Floor 2.

One object is both: to the loop it is the asyncio protocol, to the user's protocol it is the Twisted transport.  Theory
of operation:

*Reading.*  The loop calls `data_received`, which calls ``self.protocol.dataReceived``: one frame.  Both names are looked
up each time, so a protocol may be replaced (an upgrade), and `dataReceived` may be set on the instance.

*Writing.*  What one `dataReceived` writes to its own transport leaves in one system call: `_pending` collects it, and
`data_received` hands it over at its end.  What is written at any other time is collected too and leaves when the turn of
the loop is over (`Engine.flush`).  `_pending` is None when nothing waits, `_CORKED` at the start of `data_received`, the
bytes of a single write, or a list of several.

*Ending.*  `_state` goes from `NEW` over `OPEN` and `CLOSING` to `LOST` and never back.  `CLOSING` means that writes
are dropped and the engine's transport is closing; its `connection_lost` is the only way to the user's `connectionLost`.
While a producer is registered `loseConnection` only sets `disconnecting`; unregistering it closes.
`_reason`, once set, is what `connectionLost` will be told, whatever the loop says of the end.

Producers are in `_flow.py`; they share `_pending` and the flush at the end of the turn.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Any, cast

from selvage._context import speaking
from selvage.errors import ConnectionAborted, ConnectionDone
from selvage.failure import Failure, report
from selvage.interfaces import (
    IConsumer,
    IHalfCloseableProtocol,
    ILoggingContext,
    IPushProducer,
    ISystemHandle,
    ITLSTransport,
    implementer,
)

from ._engine import drive
from ._errors import lost_failure
from ._flow import Flow
from ._handle import BorrowedSocket, borrow
from ._sendfile import CAN_SEND_FILES, FileSend
from ._starttls import StartTLS
from ._states import CLOSING, LOST, NEW, OPEN, READ_CLOSED, STARTED, WRITE_CLOSED, WRITE_CLOSING, WRITE_DONE
from ._writing import bytes_to_write, join_to_write

if TYPE_CHECKING:
    import asyncio
    from socket import socket as _socket  # a connection has an attribute of that name

    from ._engine import Engine

__all__ = ["Connection", "log_prefix"]

#: Marks that `data_received` is running and nothing has been written yet; empty, so that "is there anything to flush" is
#: one truth test.
_CORKED = b""

#: Up to this many bytes several small writes are joined, which is cheaper than a vector of buffers; in bytes.
_JOIN_LIMIT = 65536

#: SO_LINGER on, zero seconds: closing sends a reset, so that the peer learns that the end is not clean.
_NO_LINGER = struct.pack("ii", 1, 0)


def log_prefix(application: Any) -> str:
    """Return the word that names `application` in a log: what its own `logPrefix` says, else its class."""
    if ILoggingContext.providedBy(application):
        return str(application.logPrefix())
    return type(application).__name__


@implementer(ITLSTransport, IConsumer, IPushProducer, ILoggingContext, ISystemHandle)
class Connection(StartTLS):
    """A stream connection; only the reactor makes them.

    To protocols: `ITLSTransport`, `IConsumer` and `IPushProducer`, with the few attributes programs know from Twisted.
    To the loop: an `asyncio.Protocol`, by the methods in snake_case.
    """

    __slots__ = (
        "__dict__",  # made by Python only when somebody sets an attribute of his own
        "__weakref__",
        "_cork",  # what `_pending` becomes at the start of data_received: _CORKED, or None with a producer
        "_engine",  # the reactor's `Engine`
        "_flags",  # the bits of `_states`
        "_flow",  # None, or the `Flow` that keeps a producer or held-back input
        "_owner",  # the `Port` that accepted it, or the `Connector`
        "_pending",  # output that was not handed to the engine yet
        "_reason",  # None, or the Failure for connectionLost
        "_state",
        "_transport",  # the engine's transport
        "disconnecting",  # read on hot paths by protocols, so no property
        "protocol",
    )

    #: Whether TLS was started on it.
    TLS = False
    #: A push producer is paused when more than this waits to be sent; in bytes.
    bufferSize = 65536

    def __init__(self, engine: Engine, owner: Any) -> None:
        self._engine = engine
        self._owner = owner
        self._transport: Any = None
        self.protocol: Any = None
        self._pending: bytes | list[bytes] | None = None
        self._cork: bytes | None = _CORKED
        self._flow: Flow | None = None
        self._reason: Failure | None = None
        self._state = NEW
        self._flags = 0
        self.disconnecting = False

    # --- What the loop calls -----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Take the engine's transport and hand this one to a new protocol."""
        self._transport = transport
        self._state = OPEN
        self._engine.open.add(self)
        reactor = self._engine.reactor
        scheduled = len(reactor._newTimedCalls)
        try:
            protocol = self._build_protocol()
        except BaseException:
            self._hook_failed("buildProtocol", "factory")
            return
        if protocol is None:
            self.loseConnection()
            return
        self.protocol = protocol
        try:
            protocol.makeConnection(self)
        except BaseException:
            self._hook_failed("makeConnection")
            return
        self._flags |= STARTED
        if self._flow is not None:
            self._flow.started()
        elif len(reactor._newTimedCalls) > scheduled:
            self._let_due_calls_go_first(reactor, scheduled)

    def _let_due_calls_go_first(self, reactor: Any, before: int) -> None:
        """Have what `buildProtocol` and `connectionMade` scheduled for "at once" done before the first input.

        uvloop reads in the same turn.

        Args:
            before: how many calls had been scheduled before.
        """
        now = reactor.seconds()
        if self._state == OPEN and any(call.time <= now for call in reactor._newTimedCalls[before:]):
            flow = self._make_flow()
            flow.hold()
            flow.started()
            flow.release()

    def data_received(self, data: bytes) -> None:
        """Pass input on; then hand over what the protocol wrote meanwhile."""
        if self._pending is None:
            self._pending = self._cork
        speaking.transport = self
        try:
            self.protocol.dataReceived(data)
        except BaseException:
            speaking.transport = None
            self._hook_failed("dataReceived")
            return
        speaking.transport = None
        pending = self._pending
        if pending:
            if pending.__class__ is bytes and self._flow is None:
                self._pending = None
                self._transport.write(pending)
            else:
                self._flush()
        else:
            self._pending = None

    def eof_received(self) -> bool:
        """Tell a half-closeable protocol that the peer is done; for any other the connection is over.

        Output that the system still takes is sent; what it does not take at once is dropped, for the peer may never read
        it and the protocol has nothing left to do.  Over TLS the peer says that it has finished, not that it has gone, and may
        well be waiting for the rest.
        """
        if self._state != OPEN:
            return False
        listener = half_closeable(self.protocol)
        if listener is not None:
            self._flags |= READ_CLOSED
            try:
                listener.readConnectionLost()
            except BaseException:
                self._hook_failed("readConnectionLost")
            return True
        self._state = CLOSING
        self._reason = Failure(ConnectionDone())
        self._flush()
        if self._transport.get_write_buffer_size() and not self.TLS:
            self._transport.abort()
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take notice of the end, which comes from the loop and nowhere else."""
        if self._state != LOST:
            self._lost(self._reason or lost_failure(exc))

    def pause_writing(self) -> None:
        """Do nothing: `Flow` counts what waits itself."""

    def resume_writing(self) -> None:
        """Let the producer go on: everything has left."""
        flow = self._flow
        if flow is not None:
            flow.resuming = True
            flow.drained()
            flow.resuming = False

    # --- Writing -----------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send bytes; they leave together with what else is written in this turn.

        Dropped silently once the connection is closing, or its write side is.

        Args:
            data: bytes, or a bytes-like object, which is copied.

        Raises:
            TypeError: `data` is a str or anything else that is not bytes.
        """
        if data.__class__ is not bytes:
            data = bytes_to_write(data)
        pending = self._pending
        if pending is _CORKED:
            self._pending = data
        elif pending is None or self._flow is not None:
            self._write_uncorked(data)
        elif isinstance(pending, list):
            pending.append(data)
        else:
            self._pending = [pending, data]

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send several pieces as if joined.

        Raises:
            TypeError: one of them is not bytes.
        """
        self.write(join_to_write(data))

    def _write_uncorked(self, data: bytes) -> None:
        """The careful way: outside data_received, with a producer, or when nothing may be written any more."""
        flow = self._flow
        producing = flow is not None and flow.producer is not None
        if self._state != OPEN or not data:
            return
        if self._flags & WRITE_CLOSED or (
            not producing and (self.disconnecting or self._flags & WRITE_CLOSING)
        ):
            return  # too late, except that a registered producer may finish its work
        pending = self._pending
        if not pending:
            self._pending = data
            self._engine.flush_later(self)
        elif isinstance(pending, list):
            pending.append(data)
        else:
            self._pending = [pending, data]
        if flow is not None:
            flow.wrote(len(data))

    def _flush(self) -> None:
        """Hand what waits to the engine."""
        pending, self._pending = self._pending, None
        if not pending:
            return
        if not isinstance(pending, list):
            self._transport.write(pending)
        elif sum([len(piece) for piece in pending]) <= _JOIN_LIMIT:
            self._transport.write(b"".join(pending))
        else:
            self._transport.writelines(pending)
        if self._flow is not None:
            self._flow.flushed()

    def send_file(
        self, file: IO[bytes], offset: int, count: int, done: Callable[[int], object]
    ) -> FileSend | None:
        """Have the system send a part of a file, after what is written in this turn of the loop.

        Args:
            file: open for reading; stays open.
            offset: where the part begins.
            count: its bytes.
            done: called with the number of bytes sent, when it is time to write again; see `FileSend`.

        Returns:
            What can be stopped; None where the system cannot do it, as with TLS.
        """
        if self.TLS or self._state != OPEN or not CAN_SEND_FILES:
            return None
        return FileSend(self, file, offset, count, done)

    # --- Ending ------------------------------------------------------------------------------------------------

    def loseConnection(self, _connDone: object = None) -> None:
        """Close when all that was written is sent; while a producer is registered, after that.

        A producer that is itself a lost connection, as in a relay, is not waited for: nothing comes from it any more.
        What is written from now on is dropped, and nothing more is received.
        """
        if self._state != OPEN or self.disconnecting:
            return
        if self._flow is not None and self._flow.is_producing():
            self.pauseProducing()
            self.disconnecting = True
        else:
            self.disconnecting = True
            self._close()

    def _close(self) -> None:
        self._flush()
        self._state = CLOSING
        self._cork = None
        self._end(self._transport.close)

    def abortConnection(self) -> None:
        """Close at once: drop what waits to be sent, and let the peer see a reset rather than an end."""
        if self._state != OPEN and not (
            self._state == CLOSING and self.disconnecting and self._reason is None
        ):
            return
        self.disconnecting = True
        try:
            self.extra("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        except (OSError, RuntimeError, AttributeError):
            pass  # gone already, or no socket: then there is nobody to tell
        self._abort(Failure(ConnectionAborted()))

    def _abort(self, reason: Failure) -> None:
        """Drop all output and have `connectionLost` called with `reason` when the loop comes round."""
        self._break(reason)
        self._end(self._transport.abort)

    def _break(self, reason: Failure) -> None:
        """Drop all output and have `connectionLost` called with `reason`; somebody else closes the engine's transport."""
        self._reason = reason
        self._state = CLOSING
        self._pending = self._cork = None

    def _end(self, end: Callable[[], object]) -> None:
        """Have the engine close or abort; not while it asks for more output: asyncio would end the transport twice."""
        if self._flow is not None and self._flow.resuming:
            self._engine.loop.call_soon(end)
        else:
            end()

    def _hook_failed(self, hook: str, source: str = "protocol") -> None:
        """Report the exception being handled and end this connection, and only this one, for that reason."""
        failure = Failure()
        report(failure, f"Unhandled error in {hook}", source=source, transport=self, protocol=self.protocol)
        if self._state != LOST:
            self._abort(failure)

    def connectionLost(self, reason: Failure) -> None:
        """End it now and tell the protocol; for the reactor's shutdown, and for who emulates it."""
        if self._state != LOST:
            if self._transport is not None:
                self._abort(reason)
            self._lost(reason)

    def _lost(self, reason: Failure) -> None:
        self._state = LOST
        self._pending = self._cork = None
        self._engine.open.discard(self)
        if self._flow is not None:
            self._flow.lost()
        self._return_socket()
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            try:
                protocol.connectionLost(reason)
            except BaseException:
                report(Failure(), "Unhandled error in connectionLost", source="protocol", protocol=protocol)
        self._owner_lost(reason)

    def _return_socket(self) -> None:
        """Make the socket that was lent out, if any, look closed."""
        # The attribute __dict__ is made when it is looked at, so this costs a connection nothing until it ends.
        borrowed = self.__dict__.pop("_borrowed", None)
        if borrowed is not None:
            borrowed._connection = None
            borrowed.detach()

    def _abandon(self) -> None:
        """Let go of the descriptor without a word to anybody: somebody else goes on with the connection."""
        if self._state != LOST:
            self._state = LOST
            self._pending = self._cork = self.protocol = None
            self._engine.open.discard(self)
            self._transport.abort()

    # --- Half-close --------------------------------------------------------------------------------------------

    def loseWriteConnection(self) -> None:
        """Close our direction when all is sent and no producer is registered; go on receiving."""
        if self._state != OPEN or self._flags & (WRITE_CLOSING | WRITE_CLOSED):
            return
        self._flags |= WRITE_CLOSING
        if self._flow is None or self._flow.producer is None:
            self._close_write()

    def _close_write(self) -> None:
        self._flush()
        self._cork = self._pending = None
        self._flags |= WRITE_CLOSED
        try:
            self._transport.write_eof()
        except OSError:
            pass  # the peer has gone already, which the loop is about to tell
        self._make_flow().when_drained(self._write_closed)

    def _write_closed(self) -> None:
        self._flags |= WRITE_DONE
        listener = half_closeable(self.protocol)
        if listener is not None and self._state == OPEN:
            try:
                listener.writeConnectionLost()
            except BaseException:
                self._hook_failed("writeConnectionLost")

    @property
    def _writeDisconnected(self) -> bool:
        return bool(self._flags & WRITE_DONE)

    # --- Back-pressure -----------------------------------------------------------------------------------------

    @property
    def producer(self) -> Any:
        """The registered producer, or None."""
        return None if self._flow is None else self._flow.producer

    @property
    def streamingProducer(self) -> bool:
        """Whether the registered producer is a push producer."""
        return self._flow is not None and self._flow.producer is not None and self._flow.streaming

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a source of data and hold it back when the peer reads slowly.

        Args:
            producer: a push producer is paused when more than `bufferSize` bytes wait, and resumed when none do; a pull
                producer is asked for each piece when the one before has left.
            streaming: True for a push producer.

        Raises:
            RuntimeError: another one is registered and was never unregistered.
        """
        if self.producer is not None:
            raise RuntimeError(
                f"Cannot register producer {producer!r}: producer {self.producer!r} was never unregistered; "
                "call unregisterProducer() first"
            )
        if self._state in (CLOSING, LOST):
            producer.stopProducing()
        else:
            self._make_flow().register(producer, streaming)

    def unregisterProducer(self) -> None:
        """Let go of the producer; when somebody meant to close meanwhile, close now."""
        if self._flow is not None:
            self._flow.producer = None
        if self._state == OPEN:
            if self.disconnecting:
                self._close()
            elif not self._flags & WRITE_CLOSING:
                self._cork = _CORKED
            elif not self._flags & WRITE_CLOSED:
                self._close_write()

    def stopConsuming(self) -> None:
        """Let go of the producer and close."""
        self.unregisterProducer()
        self.loseConnection()

    def pauseProducing(self) -> None:
        """Receive nothing until `resumeProducing`; not one more `dataReceived` comes."""
        if self._state == OPEN:
            if not self._flags & STARTED:
                self._make_flow().hold()
            elif self._flow is None or not self._flow.stop_releasing():
                self._transport.pause_reading()

    def resumeProducing(self) -> None:
        """Receive again."""
        if self._state != OPEN or self.disconnecting or self._flags & READ_CLOSED:
            return
        if self._flow is None or not self._flow.release():
            self._transport.resume_reading()

    def stopProducing(self) -> None:
        """Close: the consumer of what we receive has gone."""
        self.loseConnection()

    stopReading = pauseProducing
    startReading = resumeProducing

    def _is_reading(self) -> bool:
        """Tell whether input is wanted."""
        if self._state != OPEN or (self._flow is not None and self._flow.is_holding()):
            return False
        return not self._flags & STARTED or bool(self._transport.is_reading())

    def _is_writing(self) -> bool:
        """Tell whether output waits."""
        return self.unsent_bytes() > 0

    def unsent_bytes(self) -> int:
        """Return how many bytes were written and have not been given to the system yet."""
        if self._state not in (OPEN, CLOSING):
            return 0
        waiting = sum([len(piece) for piece in self._tempDataBuffer])
        return waiting + int(self._transport.get_write_buffer_size())

    @property
    def _tempDataBuffer(self) -> list[bytes]:
        return self._pending if isinstance(self._pending, list) else [self._pending] if self._pending else []

    def _is_full(self, waiting: int) -> bool:
        """Tell whether so many bytes are enough to pause a push producer."""
        return waiting > self.bufferSize

    def _make_flow(self) -> Flow:
        flow = self._flow
        if flow is None:
            flow = self._flow = Flow(self)
        return flow

    # --- What it is --------------------------------------------------------------------------------------------

    @property
    def connected(self) -> int:
        """1 from `makeConnection` to `connectionLost`, else 0."""
        return int(self._state in (OPEN, CLOSING))

    @property
    def disconnected(self) -> int:
        """1 from `connectionLost` on, else 0."""
        return int(self._state == LOST)

    @property
    def reactor(self) -> Any:
        """The reactor that it belongs to."""
        return self._engine.reactor

    @property
    def socket(self) -> BorrowedSocket:
        """Its socket, to read and set options; moving data with it is at your own risk."""
        own = self.__dict__
        borrowed: BorrowedSocket | None = own.get("_borrowed")
        if borrowed is None:
            borrowed = own["_borrowed"] = borrow(self)
        return borrowed

    def getHandle(self) -> Any:
        """Return the same as `socket`; with TLS, the object of the library that does it."""
        return self.extra("ssl_object") if self.TLS else self.socket

    def fileno(self) -> int:
        """Return the number of the descriptor, -1 when it is closed."""
        handle = None if self._state == LOST else self.extra("socket")
        return -1 if handle is None else int(handle.fileno())

    def extra(self, name: str, default: Any = None) -> Any:
        """Return what the engine knows under a name of `asyncio.BaseTransport.get_extra_info`, such as "socket"."""
        return default if self._transport is None else self._transport.get_extra_info(name, default)

    def getTcpNoDelay(self) -> bool:
        """Tell whether TCP_NODELAY is on; loops of today turn it on for every connection."""
        return bool(self.extra("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Send small segments at once (True), or let the system gather them (False)."""
        self.extra("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, int(enabled))

    def getTcpKeepAlive(self) -> bool:
        """Tell whether SO_KEEPALIVE is on."""
        return bool(self.extra("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Have the system probe an idle peer, to learn that it is gone."""
        self.extra("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(enabled))

    @property
    def logstr(self) -> str:
        """How a log names it."""
        own = self.__dict__.get("logstr")
        return self._log_name() if own is None else str(own)

    @logstr.setter
    def logstr(self, name: str) -> None:
        self.__dict__["logstr"] = name

    def logPrefix(self) -> str:
        """Return `logstr`."""
        return self.logstr

    # --- For subclasses ----------------------------------------------------------------------------------------

    def _ride(self, sock: _socket, failed: Callable[[BaseException], object]) -> None:
        """Have the engine take over a connected socket; `connection_made` follows, or `failed` is told why not."""
        loop = self._engine.loop
        drive(loop, loop.connect_accepted_socket(cast("Any", lambda: self), sock), failed)

    def _build_protocol(self) -> Any:
        """Return the protocol for this connection, or None to close it.  Called once, when it is established."""
        return self.protocol

    def _owner_lost(self, reason: Failure) -> None:
        """Tell port or connector that it is over.  Called once, after the protocol's connectionLost."""

    def _log_name(self) -> str:
        return "-" if self.protocol is None else log_prefix(self.protocol)


def half_closeable(protocol: Any) -> Any:
    """Return what hears of half-closes for `protocol`: itself or its adapter, or None."""
    if not hasattr(protocol, "readConnectionLost"):
        return None  # asking zope takes ten times as long, and most connections end here
    return cast("Any", IHalfCloseableProtocol)(protocol, None)
