"""Sources that never rest: everybody else has a turn all the same.  Turns are counted, the clock decides nothing."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from selvage.defer import Deferred, succeed
from selvage.protocols import ClientFactory, Factory, Protocol
from selvage.reactor._base import MOST_CALLS_A_TURN
from selvage.tasks import Cooperator

# Turns that each of the others has to get while a source is busy.
TURNS = 5
# Turns of the busy source within which that has to happen; one each would do; a thousand or ten milliseconds a turn are allowed.
PATIENCE = 100_000


class Witnesses:
    """A timer, a chain of delayed calls, a call from a thread, a loop's callback, a reader and a connection.

    Each counts its turns, and the reactor is stopped when each has had enough, or the source too many.
    """

    def __init__(self, reactor):
        self.reactor = reactor
        self.turns = dict.fromkeys(["timer", "moment", "thread", "soon", "reader", "connection"], 0)
        self.busy = 0
        self.over = False

    def start(self):
        self.tick()
        self.moment()
        self.from_thread()
        self.soon()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.reader = PingPong(self, ours, theirs)
        self.reactor.addReader(self.reader)
        theirs.send(b"x")
        port = self.reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1")
        talker = ClientFactory.forProtocol(lambda: Talker(self))
        self.reactor.connectTCP("127.0.0.1", port.getHost().port, talker)

    def count(self, name):
        self.turns[name] += 1
        if not self.over and min(self.turns.values()) >= TURNS:
            self.end()
        return not self.over

    def source_had_a_turn(self):
        self.busy += 1
        if not self.over and self.busy > PATIENCE:
            self.end()
        return not self.over

    def end(self):
        self.over = True
        if self.reactor.running:
            self.reactor.stop()

    def tick(self):
        if self.count("timer"):
            self.reactor.callLater(0.001, self.tick)

    def moment(self):
        if self.count("moment"):
            self.reactor.callLater(0, self.moment)

    def from_thread(self):
        if self.count("thread"):
            self.reactor.callFromThread(self.from_thread)

    def soon(self):
        if self.count("soon"):
            self.reactor._asyncioEventloop.call_soon(self.soon)


class PingPong:
    """A reader that is ready now and then."""

    def __init__(self, witnesses, ours, theirs):
        self.witnesses = witnesses
        self.ours, self.theirs = ours, theirs

    def fileno(self):
        return self.ours.fileno()

    def doRead(self):
        self.ours.recv(1)
        if self.witnesses.count("reader"):
            self.theirs.send(b"x")

    def connectionLost(self, reason):
        self.ours.close()
        self.theirs.close()


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


class Talker(Protocol):
    def __init__(self, witnesses):
        self.witnesses = witnesses

    def connectionMade(self):
        self.transport.write(b"x")

    def dataReceived(self, data):
        if self.witnesses.count("connection"):
            self.transport.write(data)


def delayed_calls(reactor, turn):
    """A call that asks for itself again, at once."""

    def again():
        if turn():
            reactor.callLater(0, again)

    again()


def many_delayed_calls(reactor, turn):
    for _ in range(50):
        delayed_calls(reactor, turn)


def moved_calls(reactor, turn):
    """Calls that move another one to now."""

    def again():
        if turn():
            later = reactor.callLater(1000, again)
            reactor.callLater(0, later.reset, 0)

    again()


def calls_from_threads(reactor, turn):
    """A call from a thread that asks for itself again."""

    def again():
        if turn():
            reactor.callFromThread(again)

    again()


def flood_from_a_thread(reactor, turn):
    """A thread that asks for calls faster than they are made, and is always several turns ahead.

    Not further: calls from threads are made in order, so how long another one waits is for the thread to say, not for us.
    """
    room = threading.Semaphore(5 * MOST_CALLS_A_TURN)

    def call():
        room.release()
        turn()

    def flood():
        for _ in range(PATIENCE + 1):
            room.acquire()
            reactor.callFromThread(call)

    # So that the thread ends, too.
    reactor.addSystemEventTrigger("during", "shutdown", room.release, PATIENCE + 1)
    threading.Thread(target=flood, daemon=True).start()


def callbacks_of_the_loop(reactor, turn):
    def again():
        if turn():
            reactor._asyncioEventloop.call_soon(again)

    again()


def asyncio_task(reactor, turn):
    async def main():
        while turn():
            await asyncio.sleep(0)

    task = reactor._asyncioEventloop.create_task(main())
    reactor.addSystemEventTrigger("before", "shutdown", task.cancel)


def cooperator(reactor, turn):
    """An iterator without end, stepped for as long as one turn may take."""

    def work():
        while turn():
            yield from [None] * 100

    Cooperator(scheduler=lambda call: reactor.callLater(0, call)).cooperate(work())


def always_readable(reactor, turn):
    """A reader that does not read."""
    ours, theirs = socket.socketpair()
    theirs.send(b"x")

    class Reader:
        def fileno(self):
            return ours.fileno()

        def doRead(self):
            turn()

        def connectionLost(self, reason):
            ours.close()
            theirs.close()

    reactor.addReader(Reader())


def always_writable(reactor, turn):
    ours, theirs = socket.socketpair()

    class Writer:
        def fileno(self):
            return ours.fileno()

        def doWrite(self):
            turn()

        def connectionLost(self, reason):
            ours.close()
            theirs.close()

    reactor.addWriter(Writer())


def connection_that_talks_to_itself(reactor, turn):
    """A peer that has always sent more."""

    class Forever(Protocol):
        def connectionMade(self):
            self.transport.write(b"x" * 65536)

        def dataReceived(self, data):
            if turn():
                self.transport.write(data)

    port = reactor.listenTCP(0, Factory.forProtocol(Forever), interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Forever))


def deferreds_in_turns(reactor, turn):
    """A coroutine that awaits what fires in the next moment, for ever."""

    async def main():
        while turn():
            moment = Deferred()
            reactor.callLater(0, moment.callback, None)
            await moment
            await succeed(None)

    Deferred.fromCoroutine(main())


SOURCES = [
    delayed_calls,
    many_delayed_calls,
    moved_calls,
    calls_from_threads,
    flood_from_a_thread,
    callbacks_of_the_loop,
    asyncio_task,
    cooperator,
    always_readable,
    always_writable,
    connection_that_talks_to_itself,
    deferreds_in_turns,
]


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.__name__)
def test_a_source_that_never_rests_starves_nobody(reactor, run_for, source):
    witnesses = Witnesses(reactor)

    def start():
        witnesses.start()
        source(reactor, witnesses.source_had_a_turn)

    reactor.callWhenRunning(start)
    run_for(reactor, patience=20)
    for _ in range(3):  # what was open when the reactor stopped is closed on the loop's next turns
        reactor._asyncioEventloop.run_until_complete(asyncio.sleep(0))
    assert min(witnesses.turns.values()) >= TURNS, (witnesses.busy, witnesses.turns)


def test_a_row_of_calls_from_threads_is_made_in_parts(reactor, run_for):
    """However many were asked for meanwhile, timers have a turn after the first thousand."""
    made_before_the_timer = []
    calls = []

    def start():
        for number in range(10 * MOST_CALLS_A_TURN):
            reactor.callFromThread(calls.append, number)
        reactor.callFromThread(reactor.stop)
        reactor.callLater(0, lambda: made_before_the_timer.append(len(calls)))

    reactor.callWhenRunning(start)
    run_for(reactor)
    assert calls == list(range(10 * MOST_CALLS_A_TURN))
    assert made_before_the_timer[0] <= 2 * MOST_CALLS_A_TURN
