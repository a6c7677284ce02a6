"""The protocol that stands between a transport and the one behind the faults, and the factory that makes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from selvage.errors import ConnectionLost
from selvage.failure import Failure, report
from selvage.interfaces import IHalfCloseableProtocol
from selvage.protocols import Protocol, connectionDone
from selvage.protocols.policies import ProtocolWrapper, WrappingFactory
from selvage.testing.faults._base import CLOSED, CUT, HALF, LOST, Item
from selvage.testing.faults._lane import Lane
from selvage.testing.faults._last_words import LastWords, unsent_bytes

if TYPE_CHECKING:
    from selvage.interfaces import IAddress
    from selvage.testing.faults._attempts import Opening
    from selvage.testing.faults._plan import FaultPlan

__all__ = ["FaultyFactory", "FaultyProtocol", "protocol_behind"]

# Bytes under way in one direction above which their source is paused: what asyncio's transports use.
_HIGH_WATER = 64 * 1024


class FaultyProtocol(ProtocolWrapper):
    """Stands between a transport and a protocol: both directions go through the faults of a plan.

    How it ends: a cut aborts the transport, once what was sent before it has left, and the wrapped protocol hears
    `ConnectionLost`; an end on this side is told at once; an end on the other side is told when what came before it has
    arrived.

    Attributes:
        target: how records call this connection.
    """

    def __init__(self, factory: Any, wrappedProtocol: Any, plan: FaultPlan, target: str) -> None:
        super().__init__(factory, wrappedProtocol)
        self._plan = plan
        self.target = target
        self._sent = Lane(plan._stages(target, "sent"), plan.clock, self._send, self._failed)
        self._received = Lane(plan._stages(target, "received"), plan.clock, self._receive, self._failed)
        self._reason: Failure | None = None  # with what the plan has cut the connection
        self._lost: Failure | None = None  # the transport is gone, and the wrapped protocol does not know yet
        self._cutting = False  # ... or will, when the transport has sent what came before
        self._leaving = False  # this side has ended it
        self._finishing = False  # loseWriteConnection was called
        self._over = False  # the wrapped protocol knows the end
        self._reading_paused = False  # by the wrapped protocol
        self._producing = False  # a producer is registered
        self._valve: _Valve | None = None  # ... and stands before faults

    # --- To the protocol: a transport ------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send through the faults; dropped once this side is closing."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"Data must be bytes, not {type(data).__name__}; encode text before it is written"
            )
        if (self._finishing or self.disconnecting) and not self._producing:
            return
        if self._cutting:
            if self._valve is not None:
                self._valve.pauseProducing()
            return
        if self._valve is not None:
            self._valve.wrote = True
        self._sent.put(Item(bytes(data), self._plan._now()))
        if self._valve is not None and self._sent.held > _HIGH_WATER:
            self._valve.lane_is_full()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send the joined pieces."""
        self.write(b"".join(data))

    def unsent_bytes(self) -> int:
        """Return how many bytes were written and have not been given to the system yet; those under way count."""
        return self._sent.held + unsent_bytes(self.transport)

    def loseConnection(self) -> None:
        """Close when all is sent, and no producer is left."""
        if self._lost is not None:
            self._plan._soon(self._finish, self._lost)
        elif not self.disconnecting:
            self.disconnecting = 1
            if self._valve is None:
                self._sent.put(Item(b"", self._plan._now(), CLOSED))

    def loseWriteConnection(self) -> None:
        """Close our direction when all is sent, and no producer is left."""
        if not self._finishing:
            self._finishing = True
            if self._valve is None:
                self._sent.put(Item(b"", self._plan._now(), HALF))

    def abortConnection(self) -> None:
        """Close now; what is under way is lost."""
        if self._lost is not None:
            self._plan._soon(self._finish, self._lost)
            return
        self.disconnecting = 1
        self._leaving = True
        self._sent.stop()
        self._received.stop()
        transport: Any = self.transport
        transport.abortConnection()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """As `IConsumer.registerProducer`; what is under way counts as unsent."""
        transport: Any = self.transport
        if not self._sent.stages:
            transport.registerProducer(producer, streaming)
            self._producing = True
            return
        if self._valve is not None:
            raise RuntimeError(
                f"Cannot register {producer!r}: {self._valve.producer!r} is registered; call unregisterProducer first"
            )
        self._producing = True
        self._valve = _Valve(producer, streaming, self._sent)
        if self._cutting:
            return  # a push producer is paused when it writes, a pull producer is not asked
        transport.registerProducer(self._valve, True)
        if not streaming:
            self._valve.ask()

    def unregisterProducer(self) -> None:
        """As `IConsumer.unregisterProducer`."""
        self._producing = False
        valve, self._valve = self._valve, None
        if valve is not None:
            valve.close()
        if self._cutting:
            return
        transport: Any = self.transport
        transport.unregisterProducer()
        if valve is not None and (self.disconnecting or self._finishing):
            self._sent.put(Item(b"", self._plan._now(), CLOSED if self.disconnecting else HALF))

    def pauseProducing(self) -> None:
        """Keep what arrives from the wrapped protocol."""
        self._reading_paused = True
        self._received.pause()
        self._transport_producer("pauseProducing")

    def resumeProducing(self) -> None:
        """Deliver again: first what is under way."""
        self._reading_paused = False
        self._received.resume()
        self._regulate_reading()

    def stopProducing(self) -> None:
        """As `loseConnection`."""
        self.loseConnection()

    # --- To the transport: a protocol ------------------------------------------------------------------------------

    def makeConnection(self, transport: Any) -> None:
        """Take the transport, and be the wrapped protocol's."""
        self._attach(transport)
        self._begin()

    def _begin(self) -> None:
        self._be_transport_of(self.wrappedProtocol)
        if IHalfCloseableProtocol.providedBy(self.wrappedProtocol):
            self.readConnectionLost = self._read_ended

    def dataReceived(self, data: bytes) -> None:
        """Let the faults have it first."""
        self._received.put(Item(bytes(data), self._plan._now()))
        self._regulate_reading()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the wrapped protocol, as the class says."""
        if self._cutting and not self._leaving:
            self._reason = self._reason or self._cut_reason()
        if self._reason is not None or self._leaving:
            self._finish(self._reason or reason)
            return
        self._lost = reason
        self._sent.stop()
        self._received.put(Item(b"", self._plan._now(), LOST, reason))

    def _read_ended(self) -> None:
        self._received.put(Item(b"", self._plan._now(), HALF))

    # --- What arrives ----------------------------------------------------------------------------------------------

    def _receive(self, item: Item) -> None:
        if item.end == CUT:
            self._break()
        elif item.end == LOST:
            self._finish(item.extra)
        elif item.end == HALF:
            if IHalfCloseableProtocol.providedBy(self.wrappedProtocol):
                self.wrappedProtocol.readConnectionLost()
            elif self._lost is None:
                self._leaving = True
                self.transport.loseConnection()
        else:
            self.wrappedProtocol.dataReceived(item.data)
            if self._lost is None:
                self._regulate_reading()

    def _send(self, item: Item) -> None:
        transport: Any = self.transport
        if item.end == CUT:
            self._break_when_sent()
        elif item.end == CLOSED:
            self._leaving = True
            transport.loseConnection()
        elif item.end == HALF:
            if self._valve is not None:
                transport.unregisterProducer()  # the transport would wait for it, and nothing that it says passes any more
                self._valve.resumeProducing()
            transport.loseWriteConnection()
        else:
            transport.write(item.data)
            if self._valve is not None:
                self._valve.lane_moved()

    def _cut_reason(self) -> Failure:
        return Failure(ConnectionLost(f"cut by {self._plan!r}"))

    def _break_when_sent(self) -> None:
        """Cut the connection when the transport has sent what it was given: that was before the cut."""
        transport: Any = self.transport
        if not unsent_bytes(transport):
            self._break()
            return
        self._cutting = True
        self._received.stop()
        if self._producing:
            transport.unregisterProducer()
            assert self._valve is not None, "the lane has a stage, which cuts"
            self._valve.pauseProducing()  # nothing that it says passes any more
        transport.registerProducer(LastWords(transport, self._break, self._stop_producer), False)

    def _stop_producer(self) -> None:
        if self._valve is not None:
            self._valve.stopProducing()

    def _break(self) -> None:
        """Cut the connection."""
        self._reason = self._cut_reason()
        self._sent.stop()
        self._received.stop()
        if self._lost is not None:
            self._finish(self._reason)
        else:
            transport: Any = self.transport
            transport.abortConnection()

    def _finish(self, reason: Failure) -> None:
        if self._over:
            return
        self._over = True
        self._sent.stop()
        self._received.stop()
        super().connectionLost(reason)

    def _failed(self, failure: Failure) -> None:
        """Do what a transport does when its protocol raises."""
        report(failure, "Unhandled error in a protocol", source="protocol", protocol=self.wrappedProtocol)
        self._leaving = True
        transport: Any = self.transport
        transport.abortConnection()

    def _regulate_reading(self) -> None:
        if self._lost is not None or self._over:
            return
        full = self._received.held > _HIGH_WATER
        self._transport_producer("pauseProducing" if self._reading_paused or full else "resumeProducing")

    _asked = "resumeProducing"

    def _transport_producer(self, method: str) -> None:
        if method != self._asked:
            self._asked = method
            getattr(self.transport, method)()


class _Valve:
    """Stands between a transport and a producer: lets it produce while both transport and lane have room.

    To the transport it is a push producer; a pull producer is asked when the lane is empty.
    """

    def __init__(self, producer: Any, streaming: bool, lane: Lane) -> None:
        self.producer = producer
        #: Whether something was written since a pull producer was asked.
        self.wrote = False
        self._streaming = streaming
        self._lane = lane
        self._transport_full = False
        self._lane_full = False
        self._paused = False  # a push producer was told to pause
        self._asking = False
        self._closed = False

    def pauseProducing(self) -> None:
        """The transport is full."""
        self._transport_full = True
        self._turn()

    def resumeProducing(self) -> None:
        """The transport has room."""
        self._transport_full = False
        self._turn()

    def stopProducing(self) -> None:
        """The transport is gone."""
        self._closed = True
        self.producer.stopProducing()

    def lane_is_full(self) -> None:
        """Too much is under way."""
        self._lane_full = True
        self._turn()

    def lane_moved(self) -> None:
        """Something has left the lane."""
        if not self._lane.held:
            self._lane_full = False
            self._turn()

    def close(self) -> None:
        """The producer is done."""
        self._closed = True

    def ask(self) -> None:
        """Ask a pull producer for as much as there is room for."""
        if self._asking:
            return
        self._asking = True
        try:
            while not (self._closed or self._transport_full or self._lane.held):
                self.wrote = False
                self.producer.resumeProducing()
                if not self.wrote:
                    return
        finally:
            self._asking = False

    def _turn(self) -> None:
        if self._closed:
            return
        if not self._streaming:
            self.ask()
            return
        pause = self._transport_full or self._lane_full
        if pause != self._paused:
            self._paused = pause
            if pause:
                self.producer.pauseProducing()
            else:
                self.producer.resumeProducing()


class _NobodyElse:
    """Stands for the factory of a protocol that was wrapped without one."""

    def registerProtocol(self, p: Any) -> None: ...

    def unregisterProtocol(self, p: Any) -> None: ...


def protocol_behind(plan: FaultPlan, protocol: Any) -> FaultyProtocol:
    """Wrap one protocol that has no transport yet."""
    return FaultyProtocol(_NobodyElse(), protocol, plan, plan._next_target("connection"))


class FaultyFactory(WrappingFactory[Any]):
    """Puts the protocols of a factory behind the faults of a plan; also those that happen to attempts, as a server can.

    Args:
        target: the name of the one connection that this factory is for; by default each gets its own.
    """

    noisy = False

    def __init__(self, wrappedFactory: Any, plan: FaultPlan, target: str | None = None) -> None:
        super().__init__(wrappedFactory)
        self._plan = plan
        self._target = target

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Wrap what the wrapped factory builds; a connection that is refused reaches it not at all."""
        target = self._target
        if target is not None:
            opening = None  # the attempt has had its faults
        else:
            target = self._plan._next_target("connection")
            opening = self._plan._opening(target)
        if opening is not None and not opening.connects:
            return _Unwelcome(self._plan, opening)
        protocol = self.wrappedFactory.buildProtocol(addr)
        if protocol is None:
            return None
        if opening is not None:
            return _Late(self, protocol, self._plan, target, opening.seconds)
        return FaultyProtocol(self, protocol, self._plan, target)


class _Unwelcome(Protocol):
    """A connection that the server resets: at once, or after it was left alone for a while."""

    def __init__(self, plan: FaultPlan, opening: Opening) -> None:
        self._plan = plan
        self._seconds = opening.seconds
        self._timer: Any = None

    def connectionMade(self) -> None:
        transport: Any = self.transport
        if self._seconds:
            self._timer = self._plan.clock.callLater(self._seconds, transport.abortConnection)
        else:
            transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()


class _Late(FaultyProtocol):
    """A connection whose server does not look at it for a while."""

    def __init__(self, factory: Any, wrapped: Any, plan: FaultPlan, target: str, seconds: float) -> None:
        super().__init__(factory, wrapped, plan, target)
        self._seconds = seconds
        self._timer: Any = None

    def makeConnection(self, transport: Any) -> None:
        self._attach(transport)
        transport.pauseProducing()
        self._timer = self._plan.clock.callLater(self._seconds, self._look)

    def _look(self) -> None:
        self._begin()
        if not self._reading_paused:
            transport: Any = self.transport
            transport.resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._timer.active():
            # It never knew of this connection.
            self._timer.cancel()
            self.factory.unregisterProtocol(self)
            self.wrappedProtocol = None
        else:
            super().connectionLost(reason)
