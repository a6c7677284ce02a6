"""Two protocols joined in memory, moved step by step by the test.

A `MemoryTransport` is one end.  What its protocol writes waits in the end's outbox; `Pair.pump` carries what both
outboxes held when it began to the other side, and then lets endings take effect.  Nothing happens between two steps and
nothing calls back from within `write` or `loseConnection`, so a test can look at every state in between.  There are no
buffers of a network in between either: what a paused side does not take stays with the sender, which closes only when
all is delivered.

How an end finishes is one state, `_Ending`, that only moves forward:

    OPEN -> DRAINING      loseConnection: closes once the outbox is empty and no producer is left
         -> CLOSED        connectionLost was called

An abort goes from any state straight to CLOSED in the next step.  The write direction alone can finish earlier
(`loseWriteConnection`); the other side then hears `readConnectionLost` if it can live with one direction, else it is
over for both.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from selvage.addresses import IPv4Address
from selvage.errors import ConnectionAborted, ConnectionDone, ConnectionLost
from selvage.failure import Failure, report
from selvage.interfaces import IConsumer, IHalfCloseableProtocol, IProtocol, IPushProducer, ITCPTransport

__all__ = ["MemoryTransport", "Pair", "connect"]

# Bytes in an outbox above which a push producer is paused: what asyncio's transports use.
_HIGH_WATER = 64 * 1024

# Steps after which `flush` gives up: two protocols that answer each other for ever are a defect to show, not to wait for.
_FLUSH_LIMIT = 10_000


class _Ending(enum.Enum):
    OPEN = "open"
    DRAINING = "draining"
    CLOSED = "closed"


@implementer(ITCPTransport, IConsumer, IPushProducer)
class MemoryTransport:
    """One end of a `Pair`: a TCP transport in all but the network."""

    def __init__(self, pair: Pair, protocol: IProtocol, host: Any, peer: Any) -> None:
        self.protocol = protocol
        self._pair = pair
        self._host = host
        self._peer_address = peer
        self._ending = _Ending.OPEN
        self._outbox = bytearray()
        # Of what was written last, where it arrives piece by piece; what comes before these in the outbox is one piece.
        self._sizes: deque[int] = deque()
        self._reason: Failure | None = None  # with what to close in the next step, whatever is in the outbox
        self._write_finishing = False  # loseWriteConnection was called
        self._write_finished = False  # ... and took effect
        self._read_finished = False  # the other side's direction has ended and we live on
        self._paused = False  # our protocol wants no data now
        self._producer: Any = None
        self._streaming = False
        self._producer_paused = False
        self._options = {"no_delay": False, "keep_alive": False}

    # What it looks like from outside

    @property
    def connected(self) -> bool:
        """Whether `connectionLost` is still to come."""
        return self._ending is not _Ending.CLOSED

    @property
    def disconnecting(self) -> bool:
        """Whether this end was told to close and has not yet."""
        return self.connected and (self._ending is _Ending.DRAINING or self._reason is not None)

    @property
    def disconnected(self) -> bool:
        """Whether this end has closed."""
        return not self.connected

    @property
    def unsent(self) -> bytes:
        """What was written and waits for the next step."""
        return bytes(self._outbox)

    def getHost(self) -> Any:
        """Return this side's address."""
        return self._host

    def getPeer(self) -> Any:
        """Return the other side's address."""
        return self._peer_address

    def getTcpNoDelay(self) -> bool:
        """Return what was set last."""
        return self._options["no_delay"]

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Remember the wish."""
        self._options["no_delay"] = bool(enabled)

    def getTcpKeepAlive(self) -> bool:
        """Return what was set last."""
        return self._options["keep_alive"]

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Remember the wish."""
        self._options["keep_alive"] = bool(enabled)

    # Writing and ending

    def write(self, data: bytes) -> None:
        """Put bytes into the outbox; dropped once this end is closing, as on any transport.

        Raises:
            TypeError: not bytes.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"Data must be bytes, not {type(data).__name__}; encode text before it is written"
            )
        # A producer goes on after loseConnection, and what it writes is still sent.
        still_producing = self._ending is _Ending.DRAINING and self._producer is not None
        if (
            self._reason is not None
            or (self._write_finishing and self._producer is None)
            or not (self._ending is _Ending.OPEN or still_producing)
        ):
            return
        self._outbox += data
        if data and self._pair.apart:
            self._sizes.append(len(data))
        if self._streaming and not self._producer_paused and len(self._outbox) > _HIGH_WATER:
            self._producer_paused = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Put several pieces into the outbox."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close once what was written is delivered and no producer is registered."""
        if self._ending is _Ending.OPEN:
            self._ending = _Ending.DRAINING

    def loseWriteConnection(self) -> None:
        """Close our direction once what was written is delivered and no producer is registered."""
        self._write_finishing = True

    def abortConnection(self) -> None:
        """Close in the next step, drop what was not delivered; the other side loses the connection."""
        if self.connected:
            self._cut(Failure(ConnectionAborted()))

    # As a consumer

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer fill the outbox.

        Raises:
            RuntimeError: there is one already.
        """
        if self._producer is not None:
            raise RuntimeError(
                f"Cannot register {producer!r}: {self._producer!r} is registered; call unregisterProducer first"
            )
        if not self.connected:
            producer.stopProducing()
            return
        self._producer = producer
        self._streaming = streaming
        self._producer_paused = False

    def unregisterProducer(self) -> None:
        """Let go of the producer."""
        self._producer = None
        self._streaming = False

    # As a producer

    def pauseProducing(self) -> None:
        """Keep what arrives from our protocol until `resumeProducing`."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Deliver again, from the next step on."""
        self._paused = False

    def stopProducing(self) -> None:
        """As `loseConnection`."""
        self.loseConnection()

    # For the pair

    def _cut(self, reason: Failure) -> None:
        self._drop()
        self._reason = reason

    def _drop(self) -> None:
        self._outbox.clear()
        self._sizes.clear()

    def _take_back(self, pieces: deque[bytes]) -> None:
        """Be given again what the other side would not take."""
        self._outbox[:0] = b"".join(pieces)
        if self._pair.apart:
            self._sizes.extendleft(len(piece) for piece in reversed(pieces))

    def _produce(self) -> bool:
        """Ask the producer for more when the outbox is empty; tell whether it was asked."""
        if self._producer is None or self._outbox or not self.connected or self._reason is not None:
            return False
        if self._streaming:
            if not self._producer_paused:
                return False
            self._producer_paused = False
        self._guarded(self._producer.resumeProducing)
        return True

    def _drained(self) -> bool:
        return not self._outbox and self._producer is None

    def _is_over(self) -> bool:
        """Whether this end closes in the step under way, so that its protocol wants no more data."""
        return self._reason is not None or (self._ending is _Ending.DRAINING and self._drained())

    def _guarded(self, hook: Any, *args: Any) -> None:
        """Call a hook as a reactor would: its exception is reported and ends this end, nothing else."""
        try:
            hook(*args)
        except Exception:
            reason = Failure()
            self._pair.failures.append(reason)
            report(reason, "Unhandled error in a protocol", source="protocol", protocol=self.protocol)
            if self.connected:
                self._cut(reason)

    def _close(self, reason: Failure) -> None:
        self._ending = _Ending.CLOSED
        self._drop()
        producer, self._producer = self._producer, None
        if producer is not None:
            self._guarded(producer.stopProducing)
        self._guarded(self.protocol.connectionLost, reason)

    def __repr__(self) -> str:
        return (
            f"<MemoryTransport {self._ending.value} of {self.protocol!r}, {len(self._outbox)} bytes unsent>"
        )


class Pair:
    """Two protocols that are each other's peer; `connect` makes it.

    Attributes:
        first, second: the two `MemoryTransport` ends, in the order given to `connect`.
        failures: a Failure for each exception that a protocol's hook raised, in order; each was reported to the hub too.
        chunk: at most how many bytes one `dataReceived` is given; None for all there are.
        apart: whether one `dataReceived` is given what one `write` wrote, where `chunk` says nothing else.
    """

    def __init__(
        self, first: IProtocol, second: IProtocol, chunk: int | None = None, apart: bool = False
    ) -> None:
        here, there = IPv4Address("TCP", "127.0.0.1", 8000), IPv4Address("TCP", "127.0.0.1", 54321)
        self.chunk = chunk
        self.apart = apart
        self.failures: list[Failure] = []
        self.first = MemoryTransport(self, first, here, there)
        self.second = MemoryTransport(self, second, there, here)

    @property
    def connected(self) -> bool:
        """Whether either end is still open."""
        return self.first.connected or self.second.connected

    def pump(self) -> bool:
        """Take one step: deliver what both ends had written, ask producers for more, let endings take effect.

        Returns: whether anything happened; false means that no further step will do anything either.
        """
        ends = ((self.first, self.second), (self.second, self.first))
        # Taken from both before either is delivered: an answer travels in the next step.
        parcels = [self._take(sender, receiver) for sender, receiver in ends]
        happened = False
        for (sender, receiver), pieces in zip(ends, parcels, strict=True):
            while pieces and not (receiver._paused and receiver.connected):
                happened = True
                self._deliver(pieces.popleft(), sender, receiver)
            if pieces:
                sender._take_back(pieces)
        for sender, _ in ends:
            happened |= sender._produce()
        for sender, receiver in ends:
            happened |= self._settle(sender, receiver)
        return happened

    def flush(self) -> None:
        """Step until nothing happens any more.

        Raises:
            AssertionError: no end in sight after 10,000 steps; the two answer each other for ever.
        """
        for _ in range(_FLUSH_LIMIT):
            if not self.pump():
                return
        raise AssertionError(f"{self!r} is not quiet after {_FLUSH_LIMIT} steps")

    def drop(self) -> None:
        """Break the connection as a dying network would: both ends lose it, what is under way is lost."""
        for end in (self.first, self.second):
            if end.connected:
                end._cut(Failure(ConnectionLost()))
        self.pump()

    def _take(self, sender: MemoryTransport, receiver: MemoryTransport) -> deque[bytes]:
        """Take from an outbox what each `dataReceived` is to be given."""
        pieces: deque[bytes] = deque()
        if receiver._paused and receiver.connected:
            return pieces
        outbox, written = sender._outbox, sender._sizes
        sizes = [len(outbox) - sum(written), *written] if self.chunk is None else [self.chunk]
        written.clear()
        for size in sizes:
            if piece := bytes(outbox[:size]):
                pieces.append(piece)
                del outbox[:size]
        return pieces

    def _deliver(self, parcel: bytes, sender: MemoryTransport, receiver: MemoryTransport) -> None:
        if not receiver.connected:
            # What a network answers with a reset.
            if sender.connected:
                sender._cut(Failure(ConnectionLost()))
        elif not receiver._is_over():
            receiver._guarded(receiver.protocol.dataReceived, parcel)

    def _settle(self, end: MemoryTransport, other: MemoryTransport) -> bool:
        """Let an ending of `end` take effect; tell whether one did."""
        if not end.connected:
            return False
        if end._reason is not None:
            end._close(end._reason)
            if end._reason.check(ConnectionDone):
                self._reached_end(other)
            elif other.connected and other._reason is None:
                other._cut(Failure(ConnectionLost()))
            return True
        if end._is_over():
            end._close(Failure(ConnectionDone()))
            self._reached_end(other)
            return True
        if end._write_finishing and not end._write_finished and end._drained():
            end._write_finished = True
            if IHalfCloseableProtocol.providedBy(end.protocol):
                end._guarded(end.protocol.writeConnectionLost)
            self._reached_end(other)
            return True
        return False

    def _reached_end(self, end: MemoryTransport) -> None:
        """Tell `end` that nothing more will arrive; whether the other side still listens cannot be seen from here."""
        if not end.connected or end._reason is not None or end._read_finished:
            return
        end._read_finished = True
        protocol: Any = end.protocol
        half_closeable = IHalfCloseableProtocol.providedBy(protocol)
        if half_closeable:
            end._guarded(protocol.readConnectionLost)
        if end._reason is None and (end._write_finished or not half_closeable):
            end._cut(Failure(ConnectionDone()))

    def __repr__(self) -> str:
        return f"<Pair {self.first!r} {self.second!r}>"


def connect(first: IProtocol, second: IProtocol, *, chunk: int | None = None, apart: bool = False) -> Pair:
    """Join two protocols in memory.

    Both are given their transport, `first` first, as a server is when a client has connected; what they write in
    `connectionMade` waits for the first step.

    Args:
        first, second: protocols that have no transport yet.
        chunk: at most how many bytes one `dataReceived` is given; None for all there are.
        apart: have what each `write` writes arrive by itself, where `chunk` says nothing else.

    Returns: the `Pair`, to be moved by `pump` and `flush`.
    """
    pair = Pair(first, second, chunk, apart)
    for end in (pair.first, pair.second):
        end._guarded(end.protocol.makeConnection, end)
    return pair


if TYPE_CHECKING:
    _transport: type[ITCPTransport] = MemoryTransport
    _consumer: type[IConsumer] = MemoryTransport
