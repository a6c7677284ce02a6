"""What UDP and UNIX datagram ports share: a bound socket that is read when the loop says so.  Floor 2.

The socket is read and written directly: measured on loopback, that is faster than the datagram endpoints of loops, which
look up and convert an address for each packet.  Each time the loop wakes us, packets are read until there are no more, at
most `_BATCH`, so that one busy port does not keep the others waiting.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from selvage._context import speaking
from selvage.defer import Deferred
from selvage.errors import CannotListenError, DatagramCutError, MessageLengthError
from selvage.failure import Failure, report
from selvage.interfaces import IListeningPort, ILoggingContext, ISystemHandle, implementer

from ._listening import BasePort
from ._stream import log_prefix

__all__ = ["BaseDatagramPort", "_sockErrReadIgnore", "_sockErrReadRefuse"]

# What a read may fail with while the port is sound, and what it fails with when nobody is there; the names are Twisted's,
# whose tests add to these.
_sockErrReadIgnore = [errno.EAGAIN, errno.EINTR, errno.EWOULDBLOCK]
_sockErrReadRefuse = [
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    getattr(errno, "WSAECONNRESET", errno.ECONNRESET),
]

#: Packets read before other descriptors have their turn; enough that the cost of waking up is spread thin.
_BATCH = 64


@implementer(IListeningPort, ILoggingContext, ISystemHandle)
class BaseDatagramPort(BasePort):
    """A datagram socket with a protocol.

    A subclass gives `_bound` and `_local_name`, and says in `_kind` what logs call it.
    """

    socketType = socket.SOCK_DGRAM

    #: At most this much is read in one go; in bytes.
    maxThroughput = 256 * 1024
    #: How many datagrams were longer than `maxPacketSize`, and were passed on without their end.
    datagrams_cut = 0
    logstr = "Uninitialized"
    _kind = "UDP"
    # Whether the protocol gets data and address as the socket gives them: then `_deliver` is not asked.
    _delivers_as_received = True
    _connected_to: Any = None
    _adopted: socket.socket | None = None
    _reading = False

    def __init__(self, protocol: Any, maxPacketSize: int, reactor: Any) -> None:
        super().__init__(reactor)
        self.protocol = protocol
        self.maxPacketSize = maxPacketSize
        self._stopping: Deferred[None] | None = None
        self.setLogStr()

    # --- Hooks -------------------------------------------------------------------------------------------------

    def _bound(self) -> socket.socket:
        """Return a new socket, bound."""
        raise NotImplementedError(f"{type(self).__name__} has to say how it binds: override _bound")

    def _local_name(self) -> object:
        """Return what logs and `repr` call the place that it listens on; None when it does not."""
        raise NotImplementedError(f"{type(self).__name__} has to name its place: override _local_name")

    def _asked(self) -> tuple[Any, Any]:
        """Return interface and port as they were asked for, for `CannotListenError`."""
        raise NotImplementedError(f"{type(self).__name__} has to say what was asked for: override _asked")

    def _explained(self, exc: Exception) -> Exception:
        """Return what keeps the socket from being bound, in words that help where the system's do not."""
        return exc

    def _deliver(self, data: bytes, address: Any) -> None:
        """Pass one datagram on, in another form than it was received."""
        raise NotImplementedError(f"{type(self).__name__} has to say what it passes on: override _deliver")

    # --- Beginning and ending ----------------------------------------------------------------------------------

    def startListening(self) -> None:
        """Bind and receive; ports from the reactor have done so already.

        Raises:
            CannotListenError: the address is taken, forbidden or not of this machine.
            TypeError: what is to receive the datagrams is no protocol, or a class of them.
        """
        if isinstance(self.protocol, type) or not hasattr(self.protocol, "makeConnection"):
            raise TypeError(
                f"datagrams need one protocol, an instance of a DatagramProtocol, not {self.protocol!r}: "
                "there are no connections, so there is no factory"
            )
        sock, self._adopted = self._adopted, None
        if sock is None:
            try:
                sock = self._bound()
            except (OSError, OverflowError, ValueError) as exc:
                raise CannotListenError(*self._asked(), self._explained(exc)) from exc
        self.socket = sock
        self.connected = True
        self.disconnected = self.disconnecting = False
        self._engine = self.reactor._transport_engine()
        self._engine.open.add(self)
        self._mention(f"{log_prefix(self.protocol)} starting on {self._local_name()}")
        self.protocol.makeConnection(self)
        self.startReading()

    def startReading(self) -> None:
        """Receive datagrams (again)."""
        if self.connected and not self.disconnecting:
            self._reading = True
            self._engine.loop.add_reader(self.socket, self.doRead)

    def stopReading(self) -> None:
        """Receive nothing for now; what comes waits in the system's buffer as long as that has room."""
        if self._reading:
            self._reading = False
            self._engine.loop.remove_reader(self.socket)

    pauseProducing = stopReading
    resumeProducing = startReading

    def _is_reading(self) -> bool:
        """Tell whether datagrams are received."""
        return self._reading

    def _is_writing(self) -> bool:
        return False

    def stopListening(self) -> Deferred[None] | None:
        """Stop receiving and close the socket, when the loop comes round.

        Returns: None when it does not listen.
        Fires with None when the socket is closed and the protocol stopped.
        """
        self.disconnecting = True
        if not self.connected:
            return None
        self.stopReading()
        if self._stopping is None:
            self._stopping = Deferred()
            self._engine.loop.call_soon(self._stop)
        return self._stopping

    def loseConnection(self) -> None:
        """Do what `stopListening` does, without telling when."""
        self.stopListening()

    def _stop(self) -> None:
        stopping, self._stopping = self._stopping, None
        self.connectionLost()
        if stopping is not None:
            stopping.callback(None)

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Close the socket and stop the protocol, at once."""
        if not self.connected:
            return
        self._mention(f"({self._kind} Port {self._local_name()} Closed)")
        self._engine.open.discard(self)
        self.stopReading()
        self.connected = False
        self.disconnected = True
        self._release()
        protocol = self.protocol
        protocol.transport = None
        try:
            if hasattr(protocol, "doStop"):
                protocol.doStop()
        except BaseException:
            report(Failure(), "Unhandled error in stopProtocol", source="protocol", protocol=protocol)

    def _release(self) -> None:
        sock, self.socket = self.socket, None
        sock.close()

    # --- Receiving and sending ---------------------------------------------------------------------------------

    def doRead(self) -> None:
        """Read and pass on the datagrams that have come; called by the loop."""
        sock = self.socket
        if sock is None:
            return
        receive, size = sock.recvfrom, self.maxPacketSize
        enough = size + 1  # one octet more than the protocol wants tells that a datagram is too long
        deliver = None if self._delivers_as_received else self._deliver
        for _ in range(_BATCH):
            try:
                data, address = receive(enough)
            except BlockingIOError:
                return
            except OSError as exc:
                self._read_failed(exc)
                return
            if len(data) > size:
                data = self._cut(data, size, address)
            speaking.transport = self
            try:
                if deliver is None:
                    self.protocol.datagramReceived(data, address)
                else:
                    deliver(data, address)
            except BaseException:
                report(
                    Failure(),
                    "Unhandled error in datagramReceived",
                    source="protocol",
                    protocol=self.protocol,
                )
            speaking.transport = None
            if self.socket is not sock:
                return

    def _cut(self, data: bytes, size: int, address: Any) -> bytes:
        """Cut a datagram that is too long; the first of this port is reported, and all are counted."""
        self.datagrams_cut += 1
        if self.datagrams_cut == 1:
            error = DatagramCutError(
                f"one from {address!r} was longer than maxPacketSize={size} octets, so its end is lost: "
                "listen with a larger maxPacketSize; `datagrams_cut` counts those that follow"
            )
            report(
                Failure(error),
                "A datagram was cut",
                source="protocol",
                protocol=self.protocol,
                transport=self,
            )
        return data[:size]

    def _read_failed(self, exc: OSError) -> None:
        """Draw the consequence of a failed read; what else has come is read in the next turn."""
        number = (
            exc.args[0] if exc.args else None
        )  # errno is None when somebody raised it with the number only
        if number in _sockErrReadRefuse:
            self._refused()
        elif number not in _sockErrReadIgnore:
            report(Failure(exc), "Reading a datagram failed", source="protocol", protocol=self.protocol)

    def _watch_again(self) -> None:
        if self._reading:
            self._engine.loop.remove_reader(self.socket)
            self._engine.loop.add_reader(self.socket, self.doRead)

    def _refused(self) -> None:
        """Tell the protocol that nobody is there; the system says so of a connected peer only."""
        if self._reading:
            # uvloop stops watching a socket that had an error, and closes what it watched with when we return.
            self._engine.loop.call_soon(self._watch_again)
        if self._connected_to is None:
            return
        try:
            self.protocol.connectionRefused()
        except BaseException:
            report(
                Failure(), "Unhandled error in connectionRefused", source="protocol", protocol=self.protocol
            )

    def _send_failed(self, exc: OSError, length: int) -> None:
        """Draw the consequence of a failed send of so many octets.

        Raises:
            MessageLengthError: the system does not send datagrams of that length.
            OSError: what else went wrong.
        """
        if exc.errno == errno.EMSGSIZE:
            raise MessageLengthError(f"the system takes no datagram of {length} octets here") from exc
        if exc.errno in _sockErrReadRefuse:
            self._refused()
        else:
            raise exc

    # --- In logs -----------------------------------------------------------------------------------------------

    def setLogStr(self) -> None:
        """Take the name for logs from the protocol again."""
        self.logstr = f"{log_prefix(self.protocol)} ({self._kind})"

    def logPrefix(self) -> str:
        """Return the name for logs."""
        return self.logstr

    def __repr__(self) -> str:
        where = self._local_name()
        return f"<{type(self.protocol)} {'not connected' if where is None else f'on {where}'}>"
