"""Back-pressure on one connection: its producer, and input held back before reading began.  Floor 2.

The rules for producers:

* A push producer is paused as soon as more than `bufferSize` bytes wait, counting what this turn wrote and what the engine
  has not sent, and resumed when nothing waits.  It is paused even when the system would take more: one that writes until
  it is told to stop would otherwise never give the loop back.
* A pull producer is asked once when it is registered, then again each time that what it wrote has left, one piece per turn
  of the loop.  One that writes nothing is not asked again.
* The engine says "drained" through `resume_writing`; with a limit of zero bytes it says so each time its buffer empties.

A connection has a `Flow` from the first time it needs one; most never do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selvage.failure import Failure, report

from ._states import OPEN, STARTED

if TYPE_CHECKING:
    from ._stream import Connection

__all__ = ["Flow"]


class Flow:
    """The producer of one connection and what goes with it."""

    __slots__ = ("_connection", "_drained", "_held", "_paused", "_size", "producer", "resuming", "streaming")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        #: The registered producer, or None.
        self.producer: Any = None
        self.streaming = False
        self._paused = False
        self._size = 0  # bytes written in this turn
        self._drained: Callable[[], object] | None = None
        self._held: _Held | None = None
        #: Whether the engine is asking for more output right now.
        self.resuming = False

    # --- Producers ---------------------------------------------------------------------------------------------

    def register(self, producer: Any, streaming: bool) -> None:
        """Take a producer; a pull producer is asked at once."""
        connection = self._connection
        connection._cork = None
        # What was written before counts, and the producer is asked for more when it has left.
        self._size = sum([len(piece) for piece in connection._tempDataBuffer])
        if not self._size:
            connection._pending = None
        connection._transport.set_write_buffer_limits(0)
        self.producer = producer
        self.streaming = bool(streaming)
        self._paused = False
        if not streaming:
            producer.resumeProducing()

    def is_producing(self) -> bool:
        """Tell whether a producer is registered from which anything can come."""
        return self.producer is not None and not getattr(self.producer, "disconnected", False)

    def wrote(self, length: int) -> None:
        """Count what was written, and pause a push producer that went too far."""
        self._size += length
        if self.producer is None or not self.streaming or self._paused:
            return
        connection = self._connection
        if connection._is_full(self._size + connection._transport.get_write_buffer_size()):
            self._paused = True
            try:
                self.producer.pauseProducing()
            except BaseException:
                connection._hook_failed("pauseProducing")

    def flushed(self) -> None:
        """Take notice that the turn's output was handed to the engine."""
        self._size = 0
        transport = self._connection._transport
        if transport.get_write_buffer_size():
            # Some versions of asyncio do not look at the limit in writelines(); setting it makes them look.
            transport.set_write_buffer_limits(0)
        else:
            self.drained()

    def drained(self) -> None:
        """Ask the producer for more: all that was written has left."""
        if self._drained is not None:
            notify, self._drained = self._drained, None
            self._connection._engine.loop.call_soon(notify)
        producer = self.producer
        if producer is None or self._size or (self.streaming and not self._paused):
            return
        if self._connection._state != OPEN:
            return
        self._paused = False
        try:
            producer.resumeProducing()
        except BaseException:
            self._connection._hook_failed("resumeProducing")

    def when_drained(self, notify: Callable[[], object]) -> None:
        """Call `notify` once, in a turn of its own, when all output has left."""
        self._drained = notify
        transport = self._connection._transport
        transport.set_write_buffer_limits(0)
        if not transport.get_write_buffer_size():
            self.drained()

    def lost(self) -> None:
        """Stop the producer: there is nobody left to produce for."""
        producer, self.producer = self.producer, None
        held, self._held = self._held, None
        self._drained = None
        if held is not None:
            held.close_descriptors()
        if producer is not None:
            try:
                producer.stopProducing()
            except BaseException:
                report(Failure(), "Unhandled error in stopProducing", source="protocol", producer=producer)

    # --- Input that comes too early ----------------------------------------------------------------------------

    def hold(self) -> None:
        """Hold input back although the engine does not read yet: uvloop starts after `connection_made`, whatever was said."""
        if self._held is None:
            self._held = _Held(self._connection)

    def started(self) -> None:
        """Let the held-back input, if any, go to a place of its own: the engine is about to start reading."""
        if self._held is not None:
            self._connection._transport.set_protocol(self._held)
            self._connection._engine.loop.call_soon(self._pause_reading, self._held)

    def _pause_reading(self, held: _Held) -> None:
        if self._held is held and not held.releasing:
            self._connection._transport.pause_reading()

    def release(self) -> bool:
        """Deliver what was held back, in a turn of its own.

        Returns: False when nothing is held back and the engine itself may resume.
        """
        held = self._held
        if held is None:
            return False
        if not self._connection._flags & STARTED:
            self._held = None
        elif not held.releasing:
            held.releasing = True
            self._connection._engine.loop.call_soon(self._deliver, held)
        return True

    def take_held(self) -> _Held | None:
        """Let go of what was held back, for who decrypts it first and holds it back from now on; None when nothing is."""
        held, self._held = self._held, None
        return held

    def is_holding(self) -> bool:
        """Tell whether input is held back."""
        return self._held is not None and not self._held.releasing

    def stop_releasing(self) -> bool:
        """Pause again what `release` has not delivered yet; False when nothing is held back."""
        if self._held is None:
            return False
        self._held.releasing = False
        return True

    def _deliver(self, held: _Held) -> None:
        connection = self._connection
        if self._held is not held or not held.releasing:
            return
        self._held = None
        connection._transport.set_protocol(connection)
        connection._transport.resume_reading()
        held.deliver_descriptors()
        if held.data and connection.protocol is not None:
            connection.data_received(bytes(held.data))
        if held.eof and connection.protocol is not None and not connection.eof_received():
            connection._transport.close()


class _Held:
    """Stands in as the loop's protocol for a connection that was paused before the engine began to read."""

    __slots__ = ("_connection", "data", "descriptors", "eof", "releasing")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.data = bytearray()
        self.descriptors: list[int] = []
        self.eof = False
        self.releasing = False

    def data_received(self, data: bytes) -> None:
        self.data += data
        self._connection._transport.pause_reading()

    def descriptor_received(self, descriptor: int) -> None:
        self.descriptors.append(descriptor)

    def descriptors_missing(self) -> None:
        connection: Any = self._connection
        connection.descriptors_missing()

    def deliver_descriptors(self) -> None:
        """Pass on what came before the data."""
        connection: Any = self._connection  # over a UNIX socket, if there are any
        while self.descriptors and connection.protocol is not None:
            connection.descriptor_received(self.descriptors.pop(0))
        self.close_descriptors()

    def close_descriptors(self) -> None:
        """Let go of what nobody will take any more."""
        while self.descriptors:
            os.close(self.descriptors.pop())

    def eof_received(self) -> bool:
        self.eof = True
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        self._connection.connection_lost(exc)

    def pause_writing(self) -> None:
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        self._connection.resume_writing()
