"""What a reactor promises about time, running, threads and descriptors; what its connections promise is in `_network.py`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from selvage.testing.conformance._case import Bench, Contract, broken
from selvage.testing.conformance._parts import Recorder, provide

__all__ = ["REACTOR", "ReactorBench"]

#: Seconds between calls whose order is checked, and that one turn waits at most.
_STEP_S = 0.002

#: Turns of a function that always asks for another, in the time of a call that is due in `_STEP_S`: many times too many.
_MANY_TURNS = 1_000_000


class ReactorBench(Bench):
    """A fresh reactor.

    Args:
        make_reactor: makes it; called once for each check.
        dispose: called with it when the check is over, to close what it holds.
    """

    def __init__(
        self, make_reactor: Callable[[], Any], dispose: Callable[[Any], object] | None = None, **options: Any
    ) -> None:
        self.reactor = make_reactor()
        self._dispose = dispose
        self._open: list[socket.socket] = []
        self._ports: list[Any] = []
        self._protocols: list[Recorder] = []
        # A clock is moved; a reactor that is not running is given one turn.
        step = getattr(self.reactor, "advance", None) or self.reactor.iterate
        super().__init__(lambda: step(_STEP_S), **options)

    def run(self) -> None:
        """Run the reactor until somebody stops it."""
        hung: list[bool] = []

        def give_up() -> None:
            hung.append(True)
            self.reactor.crash()

        guard = self.reactor.callLater(self.patience_s, give_up)
        self.reactor.run(installSignalHandlers=False)
        if hung:
            broken("run() did not return")
        if guard.active():
            guard.cancel()

    def opened(self, port: Any) -> Any:
        """Remember a port, to stop it at the end."""
        self._ports.append(port)
        return port

    def recorder(self) -> Recorder:
        """Make a protocol whose connection is closed at the end."""
        self._protocols.append(Recorder())
        return self._protocols[-1]

    def sockets(self) -> tuple[socket.socket, socket.socket]:
        """Two sockets that are joined, and closed at the end."""
        pair = socket.socketpair()
        for each in pair:
            each.setblocking(False)
        self._open += pair
        return pair

    def close(self) -> None:
        """Leave nothing behind."""
        for protocol in self._protocols:
            if protocol.transport is not None and not protocol.lost:
                protocol.transport.loseConnection()
        for port in self._ports:
            port.stopListening()
        if self._ports:
            self.settle()
        for call in self.reactor.getDelayedCalls():
            call.cancel()
        if hasattr(self.reactor, "removeAll"):
            self.reactor.removeAll()
        for each in self._open:
            each.close()
        if self._dispose is not None:
            self._dispose(self.reactor)


REACTOR = Contract("reactor", ReactorBench)


def refusal(kind: str, function: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    """Make a call that is to be refused; returns what is wrong with the way it was, or nothing."""
    try:
        function(*args, **kwargs)
    except BaseException as error:
        names = {each.__name__ for each in type(error).__mro__}
        return "" if kind in names else f"{error!r} was raised, not {kind}"
    return f"nothing was raised, not {kind}"


def raises(kind: str, function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
    """Check that a call is refused with an error of this name."""
    if wrong := refusal(kind, function, *args, **kwargs):
        broken(wrong)


# Time


@REACTOR.promise()
def calls_come_in_the_order_of_their_times(bench: ReactorBench) -> None:
    """callLater calls with the arguments given, in the order of the times, and in that of the requests for what is due."""
    came: list[Any] = []

    def call(*args: Any, **kwargs: Any) -> None:
        came.append((*args, *kwargs.items()))

    due: list[tuple[float, Any]] = []
    for number in (-3, -2, -1):
        due.append(
            (bench.reactor.callLater(0, call, number, key=number).getTime(), (number, ("key", number)))
        )
    for number in (3, 1, 2):
        due.append((bench.reactor.callLater(number * _STEP_S, call, number).getTime(), (number,)))
    bench.wait(lambda: len(came) == 6, lambda: f"of six calls these came: {came}")
    # By the times that they were given: on a machine that is slow at the wrong moment 3 may be due before 1.
    if came != [arguments for _, arguments in sorted(due, key=lambda each: each[0])]:
        broken(f"due were {due}, and they came as {came}")


@REACTOR.promise()
def no_call_comes_early(bench: ReactorBench) -> None:
    """A call comes when seconds() has reached its time and not before; seconds() never goes back."""
    came: list[float] = []
    seconds = bench.reactor.seconds
    call = bench.reactor.callLater(4 * _STEP_S, lambda: came.append(seconds()))
    due = call.getTime()
    before = seconds()
    while not came:
        bench.advance()
        now = seconds()
        if now < before:
            broken(f"seconds() went from {before!r} to {now!r}")
        before = now
    # A thousandth of a millisecond is what floating point may lose.
    if came[0] < due - 1e-6:
        broken(f"it was due at {due!r} and came at {came[0]!r}")


@REACTOR.promise()
def a_cancelled_call_does_not_come(bench: ReactorBench) -> None:
    """cancel() prevents a call, once; it says so when there is nothing to cancel."""
    came: list[str] = []
    cancelled = bench.reactor.callLater(0, came.append, "cancelled")
    called = bench.reactor.callLater(0, came.append, "called")
    cancelled.cancel()
    bench.wait(lambda: came, "the other call did not come")
    bench.settle()
    if came != ["called"] or cancelled.active() or called.active():
        broken(f"these came: {came}; active() is {cancelled.active()} and {called.active()}")
    raises("AlreadyCancelled", cancelled.cancel)
    raises("AlreadyCalled", called.cancel)


@REACTOR.promise()
def a_call_can_be_moved(bench: ReactorBench) -> None:
    """reset() and delay() move a call, earlier and later."""
    came: list[str] = []
    sooner = bench.reactor.callLater(1000, came.append, "sooner")
    later = bench.reactor.callLater(0, came.append, "later")
    last = bench.reactor.callLater(_STEP_S, came.append, "last")
    later.delay(3 * _STEP_S)
    last.reset(8 * _STEP_S)
    sooner.reset(0)
    bench.wait(lambda: len(came) == 3, lambda: f"of three calls these came: {came}")
    if came != ["sooner", "later", "last"]:
        broken(f"they came as {came}")


@REACTOR.promise()
def waiting_calls_are_listed(bench: ReactorBench) -> None:
    """getDelayedCalls lists the calls that are still to come, and no others."""
    came: list[str] = []
    due, waiting, cancelled = (bench.reactor.callLater(delay, came.append, "x") for delay in (0, 1000, 1000))
    cancelled.cancel()
    if set(bench.reactor.getDelayedCalls()) != {due, waiting}:
        broken(f"it lists {bench.reactor.getDelayedCalls()}")
    bench.wait(lambda: came, "the call that is due did not come")
    if list(bench.reactor.getDelayedCalls()) != [waiting]:
        broken(f"when one has come it lists {bench.reactor.getDelayedCalls()}")


@REACTOR.promise("refusals")
def a_time_in_the_past_is_refused(bench: ReactorBench) -> None:
    """callLater raises where it is asked for a time before now."""
    raises("Exception", bench.reactor.callLater, -1, lambda: None)


@REACTOR.promise("refusals")
def what_cannot_be_called_is_refused(bench: ReactorBench) -> None:
    """callLater raises where it is given what cannot be called, not when the time has come."""
    raises("Exception", bench.reactor.callLater, 0, None)


@REACTOR.promise("turns")
def a_call_that_asks_for_another_starves_nobody(bench: ReactorBench) -> None:
    """A function that always has itself called again "at once" leaves turns to the others."""
    turns: list[bool] = []
    others: list[bool] = []

    def again() -> None:
        turns.append(True)
        if not others and len(turns) < _MANY_TURNS:
            bench.reactor.callLater(0, again)

    bench.reactor.callLater(_STEP_S, others.append, True)
    again()
    bench.wait(lambda: others, "the other call did not come")
    if len(turns) == _MANY_TURNS:
        broken(f"it was called {_MANY_TURNS:,} times before another call that was due")


@REACTOR.promise("failing calls")
def a_call_that_fails_harms_nobody(bench: ReactorBench) -> None:
    """An exception in a call reaches neither the reactor's caller nor the other calls."""
    came: list[bool] = []

    def fail() -> None:
        raise ZeroDivisionError("raised by a call, on purpose")

    bench.reactor.callLater(0, fail)
    bench.reactor.callLater(0, came.append, True)
    bench.wait(lambda: came, "the call after the one that failed did not come")


# Running


@REACTOR.promise("running")
def what_waits_for_the_start_is_called_in_order(bench: ReactorBench) -> None:
    """callWhenRunning calls when the reactor runs, in order, and at once when it does already."""
    came: list[Any] = []
    bench.reactor.callWhenRunning(came.append, "first")

    def second() -> None:
        came.append("second")
        bench.reactor.callWhenRunning(came.append, "at once")
        came.append("after")
        bench.reactor.stop()

    bench.reactor.callWhenRunning(second)
    if came:
        broken("it was called before the reactor ran")
    bench.run()
    if came != ["first", "second", "at once", "after"]:
        broken(f"the calls were {came}")


@REACTOR.promise("running")
def stopping_is_asked_for_once(bench: ReactorBench) -> None:
    """stop() makes run() return after this turn; stopping what is stopping or does not run raises ReactorNotRunning."""
    raises("ReactorNotRunning", bench.reactor.stop)
    came: list[str] = []

    def stop() -> None:
        bench.reactor.stop()
        came.append(refusal("ReactorNotRunning", bench.reactor.stop))

    bench.reactor.callWhenRunning(stop)
    bench.run()
    if came != [""]:
        broken("; ".join(came) or "stop() ended what called it")


@REACTOR.promise("running")
def a_reactor_does_not_run_twice_at_a_time(bench: ReactorBench) -> None:
    """run() within run() raises ReactorAlreadyRunning."""
    came: list[str] = []

    def run_again() -> None:
        came.append(refusal("ReactorAlreadyRunning", bench.reactor.run, installSignalHandlers=False))
        bench.reactor.stop()

    bench.reactor.callWhenRunning(run_again)
    bench.run()
    if came != [""]:
        broken("; ".join(came))


@REACTOR.promise("running")
def the_end_comes_in_phases(bench: ReactorBench) -> None:
    """At shutdown the triggers of before, during and after come in that order; one that was removed does not come."""
    came: list[str] = []
    add = bench.reactor.addSystemEventTrigger
    for phase in ("after", "during", "before"):
        add(phase, "shutdown", came.append, phase)
    bench.reactor.removeSystemEventTrigger(add("before", "shutdown", came.append, "removed"))
    bench.reactor.callWhenRunning(bench.reactor.stop)
    bench.run()
    if came != ["before", "during", "after"]:
        broken(f"the triggers came as {came}")


@REACTOR.promise("running")
def a_trigger_that_fails_harms_no_other(bench: ReactorBench) -> None:
    """An exception in a trigger keeps neither the other triggers nor the end."""
    came: list[str] = []

    def fail() -> None:
        raise ZeroDivisionError("raised by a trigger, on purpose")

    for phase in ("before", "during", "after"):
        bench.reactor.addSystemEventTrigger(phase, "shutdown", fail)
        bench.reactor.addSystemEventTrigger(phase, "shutdown", came.append, phase)
    bench.reactor.callWhenRunning(bench.reactor.stop)
    bench.run()
    if came != ["before", "during", "after"]:
        broken(f"the other triggers came as {came}")


# Threads


@REACTOR.promise("threads")
def calls_from_threads_come_in_order_in_the_reactor(bench: ReactorBench) -> None:
    """callFromThread wakes a reactor that sleeps, and what is asked for by one thread comes in order, in the reactor's."""
    came: list[int] = []
    where: set[int] = set()

    def call(number: int) -> None:
        came.append(number)
        where.add(threading.get_ident())
        if number == 99:
            bench.reactor.stop()

    def ask() -> None:
        for number in range(100):
            bench.reactor.callFromThread(call, number)

    thread = threading.Thread(target=ask)
    bench.reactor.callWhenRunning(thread.start)
    bench.run()
    thread.join()
    if came != list(range(100)) or where != {threading.get_ident()}:
        broken(f"{len(came)} calls came, as {came[:5]}..., in {len(where)} threads")


@REACTOR.promise("threads")
def work_is_done_in_threads(bench: ReactorBench) -> None:
    """callInThread calls in another thread, which can hand its result back by callFromThread."""
    where: list[Any] = []

    def work(argument: str) -> None:
        where.append(threading.get_ident())
        bench.reactor.callFromThread(where.append, argument)
        bench.reactor.callFromThread(bench.reactor.stop)

    bench.reactor.callWhenRunning(bench.reactor.callInThread, work, "argument")
    bench.run()
    if len(where) != 2 or where[0] == threading.get_ident() or where[1] != "argument":
        broken(f"the calls came with {where}; this is thread {threading.get_ident()}")


# Descriptors


class Watched:
    """A reader and writer of a socket that counts what it is told."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.read: list[bytes] = []
        self.written = 0
        self.lost: list[Any] = []
        provide(self, "IReadDescriptor", "IWriteDescriptor")

    def fileno(self) -> int:
        """The socket's."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """What log events begin with."""
        return "conformance"

    def doRead(self) -> None:
        """Read one byte."""
        self.read.append(self._socket.recv(1))

    def doWrite(self) -> None:
        """Count."""
        self.written += 1

    def connectionLost(self, reason: Any) -> None:
        """Keep the reason."""
        self.lost.append(reason)


@REACTOR.promise("descriptors")
def a_reader_is_told_while_there_is_input(bench: ReactorBench) -> None:
    """doRead of a reader is called as long as there is input, and not before it is added nor after it is removed."""
    near, far = bench.sockets()
    reader = Watched(near)
    far.send(b"ab")
    bench.settle()
    if reader.read:
        broken("it was called before it was added")
    bench.reactor.addReader(reader)
    bench.wait(lambda: len(reader.read) == 2, lambda: f"of 2 bytes it read {len(reader.read)}")
    if list(bench.reactor.getReaders()).count(reader) != 1:
        broken("getReaders does not list it once")
    bench.reactor.removeReader(reader)
    far.send(b"c")
    bench.settle()
    if len(reader.read) != 2 or reader in bench.reactor.getReaders():
        broken("it was called, or listed, after removeReader")


@REACTOR.promise("descriptors")
def a_writer_is_told_while_there_is_room(bench: ReactorBench) -> None:
    """doWrite of a writer is called as long as there is room, and not after it is removed."""
    near, _ = bench.sockets()
    writer = Watched(near)
    bench.reactor.addWriter(writer)
    bench.wait(lambda: writer.written > 1, lambda: f"doWrite was called {writer.written} times")
    if list(bench.reactor.getWriters()).count(writer) != 1:
        broken("getWriters does not list it once")
    bench.reactor.removeWriter(writer)
    count = writer.written
    bench.settle()
    if writer.written != count or writer in bench.reactor.getWriters():
        broken("it was called, or listed, after removeWriter")


@REACTOR.promise("descriptors")
def all_can_be_removed(bench: ReactorBench) -> None:
    """removeAll forgets every reader and writer and returns them; removing what is not there is no error."""
    near, far = bench.sockets()
    both = Watched(near)
    bench.reactor.removeReader(both)
    bench.reactor.removeWriter(both)
    bench.reactor.addReader(both)
    bench.reactor.addWriter(both)
    removed = list(bench.reactor.removeAll())
    far.send(b"x")
    bench.settle()
    if removed.count(both) != 1 or both.read or both.written:
        broken(
            f"it returned {removed}, and doRead was called {len(both.read)} times, doWrite {both.written} times"
        )


@REACTOR.promise("descriptors")
def a_descriptor_that_fails_is_dropped(bench: ReactorBench) -> None:
    """When doRead raises, that descriptor is removed and told of its end, once."""
    near, far = bench.sockets()
    reader = Watched(near)

    def fail() -> None:
        raise ZeroDivisionError("raised by a descriptor, on purpose")

    reader.doRead = fail  # type: ignore[method-assign]
    bench.reactor.addReader(reader)
    far.send(b"x")
    bench.wait(lambda: reader.lost, "connectionLost was not called")
    bench.settle()
    if len(reader.lost) != 1 or reader in bench.reactor.getReaders():
        broken(f"connectionLost was called {len(reader.lost)} times")
