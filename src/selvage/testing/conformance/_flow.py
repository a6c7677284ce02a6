"""What a stream transport promises about flow: closing one direction, pausing input, and its producers."""

from __future__ import annotations

from selvage.testing.conformance._case import broken
from selvage.testing.conformance._parts import (
    HalfCloseable,
    PullProducer,
    PushProducer,
    Recorder,
    describe_difference,
    pattern,
)
from selvage.testing.conformance._transport import MORE_THAN_BUFFERS, TRANSPORT, TransportBench

__all__: list[str] = []

#: Bytes after which a transport that still has not paused its producer will never do so.
_ENOUGH = 64 * 1024 * 1024
_PIECE = pattern(256 * 1024)


# One direction


@TRANSPORT.promise("half-close")
def one_direction_ends_after_its_last_bytes(bench: TransportBench) -> None:
    """loseWriteConnection sends what was written; a protocol that can live with that goes on in the other direction."""
    first, second = bench.join(HalfCloseable(), HalfCloseable())
    data = pattern(300_000)
    first.transport.write(data)
    first.transport.loseWriteConnection()
    bench.wait(lambda: "read lost" in second.events, "readConnectionLost of the other side was not called")
    bench.is_what_arrived(second, data)
    bench.wait(lambda: "write lost" in first.events, "writeConnectionLost was not called")
    second.transport.write(b"answer")
    bench.arrives(first, b"answer")
    second.transport.loseConnection()
    bench.wait(
        lambda: "read lost" in first.events, "the other direction ended and readConnectionLost was not called"
    )
    first.transport.loseConnection()
    bench.ends(first, "ConnectionDone")
    bench.ends(second, "ConnectionDone")
    bench.settle()
    if first.events.count("write lost") != 1 or second.events.count("read lost") != 1:
        broken(f"the calls were {first.events} and {second.events}")


@TRANSPORT.promise("half-close")
def what_is_written_after_half_an_end_is_dropped(bench: TransportBench) -> None:
    """write after loseWriteConnection sends nothing and raises nothing."""
    first, second = bench.join(HalfCloseable(), HalfCloseable())
    first.transport.write(b"in time")
    first.transport.loseWriteConnection()
    first.transport.write(b" too late")
    bench.wait(lambda: "read lost" in second.events, "readConnectionLost of the other side was not called")
    first.transport.write(b" much too late")
    bench.settle()
    bench.is_what_arrived(second, b"in time")


@TRANSPORT.promise("half-close")
def for_others_the_end_of_input_is_the_end(bench: TransportBench) -> None:
    """A protocol that is no IHalfCloseableProtocol hears connectionLost when the other side has finished writing."""
    first, second = bench.join(HalfCloseable())
    first.transport.write(b"last words")
    first.transport.loseWriteConnection()
    bench.ends(second, "ConnectionDone")
    bench.is_what_arrived(second, b"last words")
    bench.wait(
        lambda: "read lost" in first.events, "the other side is gone and readConnectionLost was not called"
    )


# Input that is not wanted now


@TRANSPORT.promise("pausing")
def a_paused_side_is_told_nothing(bench: TransportBench) -> None:
    """After pauseProducing no data comes until resumeProducing, and then all of it."""
    first, second = bench.join()
    second.transport.pauseProducing()
    first.transport.write(b"patience")
    bench.settle()
    if second.pieces:
        broken(f"dataReceived was called with {second.pieces[0]!r} while paused")
    second.transport.resumeProducing()
    bench.arrives(second, b"patience")


@TRANSPORT.promise("pausing")
def pausing_works_from_within(bench: TransportBench) -> None:
    """pauseProducing called from within dataReceived holds before the next dataReceived."""
    first, second = bench.join(second=Recorder(on_data=lambda me: me.transport.pauseProducing()))
    data = pattern(200_000)
    first.transport.write(data)
    while second.received < len(data):
        told = len(second.pieces)
        bench.grows(
            second.pieces,
            lambda: f"no more came after resumeProducing; {describe_difference(data, second.data)}",
        )
        bench.settle()
        if len(second.pieces) != told + 1:
            broken("dataReceived was called again after it had paused its transport")
        second.transport.resumeProducing()
    bench.is_what_arrived(second, data)


@TRANSPORT.promise("pausing")
def pausing_works_at_once(bench: TransportBench) -> None:
    """pauseProducing called when the connection is made holds before the first data."""
    first, second = bench.join(second=Recorder(on_made=lambda me: me.transport.pauseProducing()))
    first.transport.write(b"patience")
    bench.settle()
    if second.pieces:
        broken("dataReceived was called though it had paused its transport when connected")
    second.transport.resumeProducing()
    bench.arrives(second, b"patience")


@TRANSPORT.promise("pausing")
def the_end_does_not_overtake_data(bench: TransportBench) -> None:
    """What was sent before the other side closed arrives before connectionLost, a pause notwithstanding."""
    first, second = bench.join()
    second.transport.pauseProducing()
    first.transport.write(b"last words")
    first.transport.loseConnection()
    bench.settle()
    second.transport.resumeProducing()
    bench.ends(second, "ConnectionDone")
    bench.is_what_arrived(second, b"last words")


@TRANSPORT.promise("pausing")
def pausing_after_the_end_is_harmless(bench: TransportBench) -> None:
    """pauseProducing and resumeProducing after the end do nothing, and repeating either is no error."""
    first, second = bench.join()
    for _ in range(2):
        first.transport.pauseProducing()
    for _ in range(2):
        first.transport.resumeProducing()
    first.transport.loseConnection()
    first.transport.resumeProducing()
    bench.ends(first)
    bench.ends(second)
    for side in (first, second):
        side.transport.pauseProducing()
        side.transport.resumeProducing()
    bench.settle()
    if len(first.reasons) != 1 or len(second.reasons) != 1:
        broken("connectionLost was called again")


@TRANSPORT.promise("pausing")
def stopping_input_ends_the_connection(bench: TransportBench) -> None:
    """stopProducing closes the connection, and what is on its way is not delivered any more."""
    first, second = bench.join()
    second.transport.write(b"unwanted")
    first.transport.stopProducing()
    bench.ends(first)
    bench.ends(second)
    if first.pieces:
        broken("dataReceived was called after stopProducing")


# Producers


@TRANSPORT.promise("producers")
def a_push_producer_is_paused_and_resumed(bench: TransportBench) -> None:
    """A push producer is paused when too much waits and resumed when it has left, in turn and not twice; nothing is lost."""
    first, second = bench.join()
    producer = PushProducer()
    first.transport.registerProducer(producer, True)
    bench.settle()
    second.transport.pauseProducing()
    written = 0
    while producer.state == "running":
        if written > _ENOUGH:
            broken(f"{written:,} bytes wait for a side that does not read, and the producer was not paused")
        first.transport.write(_PIECE)
        written += len(_PIECE)
        bench.advance()
    second.transport.resumeProducing()
    bench.wait(
        lambda: producer.state == "running", "the other side reads again, and resumeProducing was not called"
    )
    bench.arrives(second, _PIECE * (written // len(_PIECE)))
    bench.settle()
    first.transport.unregisterProducer()
    if producer.senseless:
        broken(f"its methods were called out of turn: {', '.join(producer.senseless)}")


@TRANSPORT.promise("producers")
def a_pull_producer_is_asked_until_it_is_done(bench: TransportBench) -> None:
    """A pull producer is asked again and again until it unregisters, and not once more; nothing is lost."""
    first, second = bench.join()
    pieces = [pattern(10_000 + number) for number in range(40)]
    producer = PullProducer(first.transport, pieces)
    first.transport.registerProducer(producer, False)
    bench.arrives(second, b"".join(pieces))
    bench.settle()
    if producer.asked != len(pieces):
        broken(f"it was asked {producer.asked} times for {len(pieces)} pieces")


@TRANSPORT.promise("producers")
def a_pull_producer_is_asked_when_its_last_piece_has_left(bench: TransportBench) -> None:
    """A pull producer is not asked for more than leaves."""
    first, second = bench.join()
    producer = PullProducer(first.transport, [_PIECE] * (_ENOUGH // len(_PIECE)))
    second.transport.pauseProducing()
    first.transport.registerProducer(producer, False)
    asked = -1
    while producer.asked != asked:
        asked = producer.asked
        bench.settle()
    if asked * len(_PIECE) >= _ENOUGH:
        broken(f"it was asked for {_ENOUGH:,} bytes though the other side does not read")


@TRANSPORT.promise("producers")
def a_second_producer_is_refused(bench: TransportBench) -> None:
    """registerProducer raises RuntimeError while another producer is registered, and that one stays."""
    first, second = bench.join()
    producer, another = PushProducer(), PushProducer()
    first.transport.registerProducer(producer, True)
    try:
        first.transport.registerProducer(another, True)
    except RuntimeError:
        pass
    else:
        broken("it raised nothing")
    second.transport.loseConnection()
    bench.ends(first)
    bench.settle()
    if producer.state != "stopped" or another.calls:
        broken(f"at the end the first was {producer.state} and the refused one was told {another.calls}")


@TRANSPORT.promise("producers")
def an_end_waits_for_the_producer(bench: TransportBench) -> None:
    """loseConnection closes only when the producer has unregistered, and sends what it still writes."""
    first, second = bench.join()
    first.transport.registerProducer(PushProducer(), True)
    first.transport.write(b"first, ")
    first.transport.loseConnection()
    bench.settle()
    if first.lost or second.lost:
        broken("it closed though a producer was registered")
    first.transport.write(b"last")
    first.transport.unregisterProducer()
    bench.ends(second, "ConnectionDone")
    bench.is_what_arrived(second, b"first, last")
    bench.ends(first, "ConnectionDone")


@TRANSPORT.promise("producers")
def a_lost_connection_stops_its_producer(bench: TransportBench) -> None:
    """When the connection is lost its producer is stopped, once."""
    first, second = bench.join()
    producer = PushProducer()
    first.transport.registerProducer(producer, True)
    second.transport.loseConnection()
    bench.ends(first)
    bench.settle()
    if producer.calls.count("stopProducing") != 1:
        broken(f"it was told {producer.calls or 'nothing'}")


@TRANSPORT.promise("producers")
def a_producer_that_comes_too_late_is_stopped(bench: TransportBench) -> None:
    """registerProducer after the end stops the producer at once."""
    first, second = bench.join()
    second.transport.loseConnection()
    bench.ends(first)
    producer = PushProducer()
    first.transport.registerProducer(producer, True)
    if producer.calls != ["stopProducing"]:
        broken(f"it was told {producer.calls or 'nothing'}")


@TRANSPORT.promise("producers")
def a_producer_that_has_left_is_told_nothing(bench: TransportBench) -> None:
    """After unregisterProducer the producer is not called any more, and another may be registered."""
    first, second = bench.join()
    producer, another = PushProducer(), PushProducer()
    first.transport.registerProducer(producer, True)
    first.transport.unregisterProducer()
    first.transport.registerProducer(another, True)
    second.transport.pauseProducing()
    first.transport.write(pattern(MORE_THAN_BUFFERS))
    bench.settle()
    second.transport.resumeProducing()
    second.transport.loseConnection()
    bench.ends(first)
    if producer.calls:
        broken(f"it was told {producer.calls}")
