"""Transports that break one promise each: joined memory transports, spoilt in one place."""

from __future__ import annotations

from selvage.errors import ConnectionDone, ConnectionLost
from selvage.failure import Failure
from selvage.interfaces import IHalfCloseableProtocol
from selvage.testing import MemoryTransport, Pair
from selvage.testing._pair import _HIGH_WATER, _Ending

FAULTS = {}


def fault(*broken):
    """Register a fault, and the cases that have to find it."""

    def register(spoilt):
        FAULTS[spoilt.__name__] = (spoilt, set(broken))
        return spoilt

    return register


def make_pair_with(spoilt):
    """Return a `make_pair` whose pair, or whose transports, are of the class `spoilt`."""

    def make_pair(first, second):
        pair = (spoilt if issubclass(spoilt, Pair) else Pair)(first, second)
        ends = (pair.first, pair.second)
        for end in ends:
            if issubclass(spoilt, MemoryTransport):
                end.__class__ = spoilt
        for end in ends:
            end._guarded(end.protocol.makeConnection, end)
        return pair

    return make_pair


# Delivery


@fault("bytes_arrive_whole_and_in_order", "much_arrives_too")
class LosesBytes(Pair):
    def _deliver(self, parcel, sender, receiver):
        super()._deliver(parcel[:-1] if len(parcel) > 1000 else parcel, sender, receiver)


@fault("bytes_arrive_whole_and_in_order")
class SwapsBytes(Pair):
    def _deliver(self, parcel, sender, receiver):
        super()._deliver(parcel[100:200] + parcel[:100] + parcel[200:], sender, receiver)


@fault("bytes_arrive_whole_and_in_order")
class SendsTwice(Pair):
    def _deliver(self, parcel, sender, receiver):
        super()._deliver(parcel + parcel if len(parcel) > 1000 else parcel, sender, receiver)


@fault("much_arrives_too")
class HoldsLittle(MemoryTransport):
    def write(self, data):
        super().write(data[: 1024 * 1024])


@fault("a_sequence_arrives_as_if_joined")
class ReversesSequences(MemoryTransport):
    def writeSequence(self, data):
        super().writeSequence(list(data)[::-1])


@fault("input_is_never_empty_and_always_bytes")
class DeliversNothing(Pair):
    def _deliver(self, parcel, sender, receiver):
        super()._deliver(b"", sender, receiver)
        super()._deliver(parcel, sender, receiver)


@fault("input_is_never_empty_and_always_bytes")
class DeliversBuffers(Pair):
    def _deliver(self, parcel, sender, receiver):
        super()._deliver(bytearray(parcel), sender, receiver)


@fault("write_calls_nobody")
class DeliversFromWithinWrite(MemoryTransport):
    def write(self, data):
        super().write(data)
        self._pair.pump()


@fault("text_is_refused")
class TakesText(MemoryTransport):
    def write(self, data):
        super().write(data.encode() if isinstance(data, str) else data)


@fault("each_side_is_the_others_peer")
class KnowsNobody(MemoryTransport):
    def getPeer(self):
        return self.getHost()


@fault("connection_made_comes_first_and_once")
class ConnectsTwice(Pair):
    def _deliver(self, parcel, sender, receiver):
        receiver.protocol.makeConnection(receiver)
        super()._deliver(parcel, sender, receiver)


# Endings


@fault("what_was_written_is_sent_before_the_end")
class ClosesInHaste(MemoryTransport):
    def loseConnection(self):
        self._outbox.clear()
        super().loseConnection()


@fault("what_is_written_after_the_end_is_dropped")
class WritesAfterClosing(MemoryTransport):
    def write(self, data):
        ending, self._ending = self._ending, _Ending.OPEN
        super().write(data)
        self._ending = ending


@fault("what_is_written_after_the_end_is_dropped")
class RaisesAfterClosing(MemoryTransport):
    def write(self, data):
        if self._ending is not _Ending.OPEN and self._producer is None:
            raise ConnectionLost
        super().write(data)


@fault("the_end_is_told_later")
class ClosesFromWithin(MemoryTransport):
    def loseConnection(self):
        super().loseConnection()
        self._pair.pump()


@fault("a_transport_that_closes_says_so")
class HidesThatItCloses(MemoryTransport):
    disconnecting = False


@fault("the_end_is_told_once", "an_abort_is_told_once")
class EndsTwice(MemoryTransport):
    def _close(self, reason):
        super()._close(reason)
        self._guarded(self.protocol.connectionLost, reason)


@fault("nothing_comes_after_the_end")
class DeliversAfterTheEnd(MemoryTransport):
    def _close(self, reason):
        super()._close(reason)
        self._guarded(self.protocol.dataReceived, b"left over")


@fault("a_peer_that_closes_is_no_error", "what_was_written_is_sent_before_the_end")
class BlamesThePeer(Pair):
    def _reached_end(self, end):
        super()._reached_end(end)
        if end._reason is not None and end._reason.check(ConnectionDone):
            end._reason = Failure(ConnectionLost())


@fault("the_reason_of_an_end_is_a_failure")
class GivesNoFailure(MemoryTransport):
    def _close(self, reason):
        super()._close(reason.value)


@fault("an_abort_waits_for_nobody", "an_abort_overtakes_a_slow_end")
class AbortsPolitely(MemoryTransport):
    def abortConnection(self):
        self.loseConnection()


@fault("an_abort_waits_for_nobody")
class AbortsCleanly(MemoryTransport):
    def abortConnection(self):
        if self.connected:
            self._cut(Failure(ConnectionDone()))


@fault("a_protocol_that_fails_loses_its_connection")
class ForgivesFailures(MemoryTransport):
    def _cut(self, reason):
        if not reason.check(ZeroDivisionError):
            super()._cut(reason)


@fault("a_protocol_that_fails_loses_its_connection")
class LetsFailuresOut(MemoryTransport):
    def _guarded(self, hook, *args):
        hook(*args)


# Flow


@fault("one_direction_ends_after_its_last_bytes")
class EndsBothDirections(MemoryTransport):
    def loseWriteConnection(self):
        self.loseConnection()


@fault("one_direction_ends_after_its_last_bytes")
class HalfClosesInHaste(MemoryTransport):
    def loseWriteConnection(self):
        self._outbox.clear()
        super().loseWriteConnection()


@fault("what_is_written_after_half_an_end_is_dropped")
class WritesAfterHalfAnEnd(MemoryTransport):
    def write(self, data):
        finishing, self._write_finishing = self._write_finishing, False
        super().write(data)
        self._write_finishing = finishing


@fault("for_others_the_end_of_input_is_the_end")
class ForgetsTheOthers(Pair):
    def _reached_end(self, end):
        if IHalfCloseableProtocol.providedBy(end.protocol) or not end._pair.first._write_finishing:
            super()._reached_end(end)


@fault("a_paused_side_is_told_nothing", "pausing_works_at_once")
class CannotPause(MemoryTransport):
    def pauseProducing(self):
        pass


@fault("a_paused_side_is_told_nothing")
class CannotResume(MemoryTransport):
    def resumeProducing(self):
        pass


@fault("pausing_works_from_within")
class DeliversPiecemeal(Pair):
    def _deliver(self, parcel, sender, receiver):
        for at in range(0, len(parcel), 1000):
            super()._deliver(parcel[at : at + 1000], sender, receiver)


@fault("pausing_works_at_once")
class PausesOnlyOnceItHasRead(MemoryTransport):
    def pauseProducing(self):
        if "data" in self.protocol.events:
            super().pauseProducing()


@fault("the_end_does_not_overtake_data")
class EndsAtOnce(MemoryTransport):
    def _drained(self):
        if self._ending is _Ending.DRAINING and self._producer is None:
            self._outbox.clear()
        return super()._drained()


@fault("pausing_after_the_end_is_harmless")
class CannotBePausedWhenClosed(MemoryTransport):
    def pauseProducing(self):
        if self.disconnected:
            raise RuntimeError("closed")
        super().pauseProducing()


@fault("stopping_input_ends_the_connection")
class DoesNotStop(MemoryTransport):
    def stopProducing(self):
        self.pauseProducing()


@fault("a_push_producer_is_paused_and_resumed")
class NeverPausesItsProducer(MemoryTransport):
    def write(self, data):
        producer, self._streaming = self._streaming, False
        super().write(data)
        self._streaming = producer


@fault("a_push_producer_is_paused_and_resumed")
class NeverResumesItsProducer(MemoryTransport):
    def _produce(self):
        return False if self._streaming else super()._produce()


@fault("a_push_producer_is_paused_and_resumed")
class ResumesWhatIsNotPaused(MemoryTransport):
    def _produce(self):
        if self._producer is not None and self._streaming and not self._producer_paused and self.connected:
            self._producer.resumeProducing()
        return super()._produce()


@fault("a_push_producer_is_paused_and_resumed")
class PausesAgain(MemoryTransport):
    def write(self, data):
        super().write(data)
        if self._streaming and len(self._outbox) > _HIGH_WATER:
            self._producer.pauseProducing()


@fault("a_pull_producer_is_asked_until_it_is_done")
class AsksOnce(MemoryTransport):
    _asked = False

    def _produce(self):
        if self._asked:
            return False
        self._asked = super()._produce()
        return self._asked


@fault("a_pull_producer_is_asked_when_its_last_piece_has_left")
class AsksAlways(MemoryTransport):
    def _produce(self):
        if self._producer is not None and not self._streaming and self.connected:
            self._producer.resumeProducing()
            return True
        return super()._produce()


@fault("a_second_producer_is_refused")
class TakesAnotherProducer(MemoryTransport):
    def registerProducer(self, producer, streaming):
        self._producer = None
        super().registerProducer(producer, streaming)


@fault("an_end_waits_for_the_producer")
class ForgetsItsProducer(MemoryTransport):
    def _drained(self):
        return not self._outbox


@fault("an_end_waits_for_the_producer")
class DropsWhatItsProducerStillWrites(MemoryTransport):
    def write(self, data):
        if self._ending is _Ending.OPEN:
            super().write(data)


@fault("a_lost_connection_stops_its_producer")
class LeavesItsProducerAlone(MemoryTransport):
    def _close(self, reason):
        self._producer = None
        super()._close(reason)


@fault("a_lost_connection_stops_its_producer")
class StopsItsProducerTwice(MemoryTransport):
    def _close(self, reason):
        if self._producer is not None:
            self._producer.stopProducing()
        super()._close(reason)


@fault("a_producer_that_comes_too_late_is_stopped")
class LetsAProducerWait(MemoryTransport):
    def registerProducer(self, producer, streaming):
        if self.connected:
            super().registerProducer(producer, streaming)


@fault("a_producer_that_has_left_is_told_nothing")
class RemembersItsProducer(MemoryTransport):
    _all = ()

    def registerProducer(self, producer, streaming):
        self._all = (*self._all, producer)
        super().registerProducer(producer, streaming)

    def _close(self, reason):
        for producer in self._all[:-1]:
            producer.stopProducing()
        super()._close(reason)
