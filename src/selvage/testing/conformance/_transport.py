"""What a stream transport promises: delivery and endings.  What it promises producers is in `_flow.py`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from selvage.testing.conformance._case import Bench, Contract, broken
from selvage.testing.conformance._parts import Recorder, describe_difference, kinds_of, pattern

__all__ = ["TRANSPORT", "MakePair", "TransportBench"]

MakePair = Callable[[Any, Any], Any]

#: Bytes that no buffer on the way takes at once: the kernel's for one connection grow to 10 MiB or so.
MORE_THAN_BUFFERS = 16 * 1024 * 1024

_SIZES = [1, 2, 3, 100, 1023, 1024, 65535, 65536, 65537, 1, 200_000, 7]


class TransportBench(Bench):
    """Two recording protocols joined by the transports under test."""

    def __init__(self, make_pair: MakePair, **options: Any) -> None:
        super().__init__(lambda: False, **options)
        self._make_pair = make_pair
        self._joined: Any = None
        self.first = self.second = Recorder()

    def join(
        self, first: Recorder | None = None, second: Recorder | None = None
    ) -> tuple[Recorder, Recorder]:
        """Connect two protocols, recorders when left out, and wait until both know their transport."""
        self.first, self.second = first or Recorder(), second or Recorder()
        joined = self._joined = self._make_pair(self.first, self.second)
        self.advance = joined if callable(joined) else joined.pump
        for name, side in (("first", self.first), ("second", self.second)):
            self.wait(
                partial(getattr, side, "transport"), f"makeConnection of the {name} protocol was not called"
            )
        return self.first, self.second

    def close(self) -> None:
        """End the connection however it can be ended, and let `make_pair`'s result clean up."""
        for side in (self.first, self.second):
            if side.transport is not None and not side.lost:
                end = getattr(side.transport, "abortConnection", None) or side.transport.loseConnection
                end()
        if self._joined is not None:
            self.settle(until=lambda: self.first.lost and self.second.lost)
            getattr(self._joined, "close", lambda: None)()

    def arrives(self, side: Recorder, expected: bytes) -> None:
        """Wait until exactly these bytes have arrived."""
        self.wait(
            lambda: side.received >= len(expected) or side.lost,
            lambda: describe_difference(expected, side.data),
        )
        self.is_what_arrived(side, expected)

    def is_what_arrived(self, side: Recorder, expected: bytes) -> None:
        if side.data != expected:
            broken(describe_difference(expected, side.data))

    def ends(self, side: Recorder, *kinds: str) -> None:
        """Wait for the end of one side, which shall have one of these reasons."""
        name = "the first protocol's" if side is self.first else "the second protocol's"
        self.wait(lambda: side.lost, f"{name} connectionLost was not called")
        reason = side.reasons[0]
        if kinds and not kinds_of(reason) & set(kinds):
            value = getattr(reason, "value", reason)
            broken(f"{name} connectionLost was given {value!r}, not {' or '.join(kinds)}")


TRANSPORT = Contract("transport", TransportBench)


# Being connected


@TRANSPORT.promise()
def connection_made_comes_first_and_once(bench: TransportBench) -> None:
    """Each protocol gets its transport by one call of makeConnection, before any data."""
    first, second = bench.join(Recorder(lambda me: me.transport.write(b"hello")))
    bench.arrives(second, b"hello")
    bench.settle()
    for side in (first, second):
        if side.events[0] != "made" or side.events.count("made") != 1:
            broken(f"the calls were {side.events}")


@TRANSPORT.promise("addresses")
def each_side_is_the_others_peer(bench: TransportBench) -> None:
    """getPeer of one side equals getHost of the other."""
    first, second = bench.join()
    for one, other in ((first, second), (second, first)):
        peer, host = one.transport.getPeer(), other.transport.getHost()
        if peer != host:
            broken(f"getPeer() is {peer!r}, and the other side's getHost() is {host!r}")


# Delivery


@TRANSPORT.promise()
def bytes_arrive_whole_and_in_order(bench: TransportBench) -> None:
    """What is written arrives whole, once and in order, in both directions at the same time."""
    first, second = bench.join()
    data = pattern(sum(_SIZES))
    place = 0
    for size in _SIZES:
        piece = data[place : place + size]
        place += size
        first.transport.write(piece)
        second.transport.write(piece)
    bench.arrives(second, data)
    bench.arrives(first, data)
    bench.settle()
    bench.is_what_arrived(second, data)


@TRANSPORT.promise()
def a_sequence_arrives_as_if_joined(bench: TransportBench) -> None:
    """writeSequence sends its pieces in order, between what was written before and after."""
    first, second = bench.join()
    first.transport.write(b"before ")
    first.transport.writeSequence([b"one ", b"", b"two "])
    first.transport.writeSequence((b"three ",))
    first.transport.write(b"after")
    bench.arrives(second, b"before one two three after")


@TRANSPORT.promise()
def much_arrives_too(bench: TransportBench) -> None:
    """What no buffer on the way can hold arrives as well."""
    first, second = bench.join()
    data = pattern(MORE_THAN_BUFFERS)
    first.transport.write(data)
    bench.arrives(second, data)


@TRANSPORT.promise()
def input_is_never_empty_and_always_bytes(bench: TransportBench) -> None:
    """dataReceived is given bytes, and at least one; writing nothing sends nothing."""
    first, second = bench.join()
    first.transport.write(b"")
    first.transport.write(b"x")
    first.transport.writeSequence([])
    bench.arrives(second, b"x")
    bench.settle()
    wrong = [piece for piece in second.pieces if not isinstance(piece, bytes) or not piece]
    if wrong:
        broken(f"dataReceived was given {wrong[0]!r}")


@TRANSPORT.promise()
def write_calls_nobody(bench: TransportBench) -> None:
    """write returns before any protocol is told of anything."""
    first, second = bench.join()
    before = (list(first.events), list(second.events))
    first.transport.write(b"x")
    if (first.events, second.events) != before:
        broken("a protocol was called from within write(); one that answers would be called again and again")
    bench.arrives(second, b"x")


@TRANSPORT.promise()
def text_is_refused(bench: TransportBench) -> None:
    """write raises TypeError for text, and the connection goes on."""
    first, second = bench.join()
    try:
        first.transport.write("text")
    except TypeError:
        pass
    else:
        broken("write('text') raised nothing")
    first.transport.write(b"bytes")
    bench.arrives(second, b"bytes")


# Endings


@TRANSPORT.promise()
def what_was_written_is_sent_before_the_end(bench: TransportBench) -> None:
    """loseConnection sends all that was written before; both sides end with ConnectionDone."""
    first, second = bench.join()
    data = pattern(MORE_THAN_BUFFERS)
    first.transport.write(data)
    first.transport.loseConnection()
    bench.wait(lambda: second.lost, lambda: f"no end came; {describe_difference(data, second.data)}")
    bench.is_what_arrived(second, data)
    bench.ends(second, "ConnectionDone")
    bench.ends(first, "ConnectionDone")


@TRANSPORT.promise()
def what_is_written_after_the_end_is_dropped(bench: TransportBench) -> None:
    """write after loseConnection, or after connectionLost, sends nothing and raises nothing."""
    first, second = bench.join()
    first.transport.write(b"in time")
    first.transport.loseConnection()
    first.transport.write(b" too late")
    bench.ends(first)
    bench.ends(second)
    first.transport.write(b" much too late")
    first.transport.writeSequence([b" much", b" too late"])
    bench.settle()
    bench.is_what_arrived(second, b"in time")


@TRANSPORT.promise()
def the_end_is_told_later(bench: TransportBench) -> None:
    """loseConnection returns before connectionLost is called."""
    first, _ = bench.join()
    first.transport.loseConnection()
    if first.lost:
        broken("connectionLost was called from within loseConnection()")
    bench.ends(first)


@TRANSPORT.promise()
def a_transport_that_closes_says_so(bench: TransportBench) -> None:
    """`disconnecting` is false until loseConnection is called and true afterwards."""
    first, _ = bench.join()
    before = first.transport.disconnecting
    first.transport.write(pattern(MORE_THAN_BUFFERS))
    first.transport.loseConnection()
    if before or not first.transport.disconnecting:
        broken(f"it was {before!r} and became {first.transport.disconnecting!r}")


@TRANSPORT.promise()
def the_end_is_told_once(bench: TransportBench) -> None:
    """connectionLost is called exactly once on each side, however often and by whomever the connection is closed."""
    first, second = bench.join()
    for _ in range(2):
        first.transport.loseConnection()
        second.transport.loseConnection()
    bench.ends(first)
    bench.ends(second)
    first.transport.loseConnection()
    bench.settle()
    for name, side in (("first", first), ("second", second)):
        if len(side.reasons) != 1:
            broken(f"connectionLost of the {name} protocol was called {len(side.reasons)} times")


@TRANSPORT.promise()
def the_reason_of_an_end_is_a_failure(bench: TransportBench) -> None:
    """connectionLost is given a Failure: an object with `value`, `type` and `check`."""
    for side in bench.join():
        side.transport.loseConnection()
        bench.ends(side)
        reason = side.reasons[0]
        if not isinstance(getattr(reason, "value", None), Exception) or not callable(
            getattr(reason, "check", None)
        ):
            broken(f"it was given {reason!r}")


@TRANSPORT.promise()
def nothing_comes_after_the_end(bench: TransportBench) -> None:
    """No protocol is told of data once it was told of the end."""
    first, second = bench.join()
    second.transport.write(pattern(100_000))
    first.transport.write(pattern(100_000))
    first.transport.loseConnection()
    bench.ends(first)
    bench.ends(second)
    bench.settle()
    for name, side in (("first", first), ("second", second)):
        if "lost" in side.events[:-1]:
            after = side.events[side.events.index("lost") + 1 :]
            broken(f"the {name} protocol was told {after} after connectionLost")


@TRANSPORT.promise()
def a_peer_that_closes_is_no_error(bench: TransportBench) -> None:
    """When the other side closes after its last bytes, they arrive, and then the reason is ConnectionDone."""
    first, second = bench.join()
    second.transport.write(b"bye")
    second.transport.loseConnection()
    bench.ends(first, "ConnectionDone")
    bench.is_what_arrived(first, b"bye")


@TRANSPORT.promise("abort")
def an_abort_waits_for_nobody(bench: TransportBench) -> None:
    """abortConnection ends the connection with ConnectionAborted though the other side does not read."""
    first, second = bench.join()
    pause = getattr(second.transport, "pauseProducing", None)
    if pause is not None:
        pause()
    data = pattern(MORE_THAN_BUFFERS)
    first.transport.write(data)
    first.transport.abortConnection()
    if first.lost:
        broken("connectionLost was called from within abortConnection()")
    bench.ends(first, "ConnectionAborted")
    if pause is not None:
        second.transport.resumeProducing()
    # A stream that cannot be reset looks closed from the other side.
    bench.ends(second, "ConnectionLost", "ConnectionDone")
    if not data.startswith(second.data):
        broken(describe_difference(data, second.data))


@TRANSPORT.promise("abort")
def an_abort_is_told_once(bench: TransportBench) -> None:
    """However an abort and other endings meet, connectionLost is called exactly once, and no data comes after an abort."""
    first, second = bench.join()
    second.transport.write(b"x")
    first.transport.abortConnection()
    first.transport.abortConnection()
    first.transport.loseConnection()
    bench.ends(first)
    bench.ends(second)
    first.transport.abortConnection()
    bench.settle()
    if first.events != ["made", "lost"] or len(second.reasons) != 1:
        broken(f"the calls were {first.events} and {second.events}")


@TRANSPORT.promise("abort")
def an_abort_overtakes_a_slow_end(bench: TransportBench) -> None:
    """abortConnection after loseConnection ends a connection that waits for a side which does not read."""
    first, second = bench.join()
    pause = getattr(second.transport, "pauseProducing", None)
    if pause is not None:
        pause()
    first.transport.write(pattern(MORE_THAN_BUFFERS))
    first.transport.loseConnection()
    first.transport.abortConnection()
    bench.ends(first, "ConnectionAborted")


@TRANSPORT.promise("failing protocols")
def a_protocol_that_fails_loses_its_connection(bench: TransportBench) -> None:
    """An exception in dataReceived ends that connection, once and on both sides, and reaches nobody else."""

    def fail(me: Recorder) -> None:
        raise ZeroDivisionError("raised by a protocol, on purpose")

    first, second = bench.join(second=Recorder(on_data=fail))
    first.transport.write(b"x")
    bench.ends(second)
    bench.ends(first, "ConnectionDone", "ConnectionLost")
    bench.settle()
    if second.events != ["made", "data", "lost"] or len(first.reasons) != 1:
        broken(f"the calls were {second.events} and {first.events}")
