"""Descriptors watched by the reactor, on both loops."""

from __future__ import annotations

import asyncio
import contextvars
import os
import socket

import pytest
from zope.interface import implementer

from selvage.errors import ConnectionDone, ConnectionFdescWentAway, ConnectionLost
from selvage.failure import Failure
from selvage.interfaces import IHalfCloseableDescriptor, IReactorFDSet
from selvage.reactor import Reactor, _fdset
from selvage.reactor._fdset import CONNECTION_DONE, CONNECTION_LOST, ContinuousPolling, PollLikeMixin
from selvage.reactor._posixbase import PosixReactorBase, Waker
from selvage.reactor._watcher import EpollWatcher, LoopWatcher
from selvage.tasks import Clock


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


class Descriptor:
    def __init__(self, sock):
        self.sock = sock
        self.events = []
        self.on_read = self.on_write = self.on_lost = lambda: None

    def fileno(self):
        return self.sock.fileno()

    def doRead(self):
        self.events.append("read")
        return self.on_read()

    def doWrite(self):
        self.events.append("write")
        return self.on_write()

    def connectionLost(self, reason):
        self.events.append(reason)
        self.on_lost()

    def logPrefix(self):
        return "descriptor"


def test_reading(reactor, run_for, pair):
    ours, theirs = pair
    descriptor = Descriptor(ours)
    descriptor.on_read = lambda: (ours.recv(1), reactor.removeReader(descriptor), reactor.stop()) and None
    assert IReactorFDSet.providedBy(reactor)
    reactor.addReader(descriptor)
    reactor.addReader(descriptor)
    assert reactor.getReaders() == [descriptor]
    theirs.send(b"xy")
    run_for(reactor)
    assert descriptor.events == ["read"]
    assert reactor.getReaders() == []


def test_what_can_be_read_is_told_until_it_is_read(reactor, run_for, pair):
    ours, theirs = pair
    descriptor = Descriptor(ours)
    descriptor.on_read = lambda: reactor.stop() if len(descriptor.events) == 3 else None
    reactor.addReader(descriptor)
    theirs.send(b"x")
    run_for(reactor)
    assert descriptor.events[:3] == ["read"] * 3


def test_writing(reactor, run_for, pair):
    descriptor = Descriptor(pair[0])
    descriptor.on_write = lambda: (reactor.removeWriter(descriptor), reactor.stop()) and None
    reactor.addWriter(descriptor)
    reactor.addWriter(descriptor)
    assert reactor.getWriters() == [descriptor]
    run_for(reactor)
    assert descriptor.events == ["write"]
    assert reactor.getWriters() == []


def test_who_was_removed_hears_nothing(reactor, run_for, pair):
    ours, theirs = pair
    descriptor = Descriptor(ours)
    reactor.addReader(descriptor)
    reactor.addWriter(descriptor)
    reactor.removeReader(descriptor)
    reactor.removeWriter(descriptor)
    reactor.removeReader(descriptor)
    reactor.removeWriter(object())
    theirs.send(b"x")
    reactor.callLater(0.02, reactor.stop)
    run_for(reactor)
    assert descriptor.events == []


def test_remove_all(reactor, pair):
    both = Descriptor(pair[0])
    reader = Descriptor(pair[1])
    reactor.addReader(both)
    reactor.addWriter(both)
    reactor.addReader(reader)
    assert reactor.removeAll() == [both, reader]
    assert reactor.getReaders() == reactor.getWriters() == []


def test_stopping_ends_them(reactor, run_for, pair):
    descriptor = Descriptor(pair[0])
    reactor.addReader(descriptor)
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    (reason,) = descriptor.events
    assert isinstance(reason, Failure)
    assert reason.value is CONNECTION_LOST


def test_one_that_fails_at_the_end_keeps_no_other_from_its_end(reactor, run_for, pair, reports):
    bad, good = Descriptor(pair[0]), Descriptor(pair[1])
    bad.on_lost = lambda: 1 / 0
    reactor.addReader(bad)
    reactor.addReader(good)
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert len(good.events) == 1
    report = reports.pop()
    assert report.failure.check(ZeroDivisionError)
    assert report.source == "reader"


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        (ConnectionDone, ConnectionDone),
        (ConnectionDone("clean"), ConnectionDone),
        (ConnectionLost, ConnectionLost),
        (ConnectionLost("dirty"), ConnectionLost),
        (Failure(OSError("broken")), OSError),
        (LookupError, LookupError),
    ],
)
def test_what_do_read_returns_is_why_it_ends(reactor, run_for, pair, why, expected):
    ours, theirs = pair
    descriptor = Descriptor(ours)
    descriptor.on_read = lambda: why
    descriptor.on_lost = reactor.stop
    reactor.addReader(descriptor)
    reactor.addWriter(descriptor)
    descriptor.on_write = lambda: reactor.removeWriter(descriptor)
    theirs.send(b"x")
    run_for(reactor)
    assert descriptor.events[-1].check(expected)
    assert reactor.getReaders() == []


def test_an_error_is_reported_and_is_why_it_ends(reactor, run_for, pair, reports):
    for add, hook in ((reactor.addReader, "on_read"), (reactor.addWriter, "on_write")):
        descriptor = Descriptor(pair[0])
        setattr(descriptor, hook, lambda: 1 / 0)
        descriptor.on_lost = reactor.crash
        add(descriptor)
        pair[1].send(b"x")
        run_for(reactor)
        assert descriptor.events[-1].check(ZeroDivisionError)
        report = reports.pop()
        assert report.source == "reader"
        assert report.context["descriptor"] is descriptor


def test_an_error_in_connection_lost_is_reported(reactor, run_for, pair, reports):
    descriptor = Descriptor(pair[0])
    descriptor.on_read = lambda: ConnectionDone()
    descriptor.on_lost = lambda: (reactor.stop(), 1 / 0)
    reactor.addReader(descriptor)
    pair[1].send(b"x")
    run_for(reactor)
    assert reports.pop().failure.check(ZeroDivisionError)


def test_keyboard_interrupt_goes_through(reactor, pair):
    def interrupt():
        raise KeyboardInterrupt

    descriptor = Descriptor(pair[0])
    descriptor.on_read = interrupt
    reactor.addReader(descriptor)
    pair[1].send(b"x")
    with pytest.raises(KeyboardInterrupt):
        reactor.run(installSignalHandlers=False)


def test_the_end_of_input_leaves_who_can_be_half_closed_for_writing(reactor, run_for, pair):
    @implementer(IHalfCloseableDescriptor)
    class HalfCloseable(Descriptor):
        def readConnectionLost(self, reason):
            self.events.append(("half", reason.value))
            reactor.callLater(0, reactor.stop)

        def writeConnectionLost(self, reason):
            raise AssertionError

    descriptor = HalfCloseable(pair[0])
    descriptor.on_read = lambda: ConnectionDone
    reactor.addReader(descriptor)
    reactor.addWriter(descriptor)
    pair[1].send(b"x")
    run_for(reactor)
    assert ("half", CONNECTION_DONE) in descriptor.events
    assert descriptor.events.count("read") == 1


def test_one_that_closes_itself_while_it_reads_is_told(reactor, run_for, pair):
    ours, theirs = pair
    descriptor = Descriptor(ours)
    descriptor.on_read = ours.close
    descriptor.on_lost = reactor.stop
    reactor.addReader(descriptor)
    theirs.send(b"x")
    run_for(reactor)
    assert descriptor.events[-1].check(ConnectionFdescWentAway)


def test_one_that_was_closed_elsewhere_is_told(reactor, run_for, pair, monkeypatch):
    monkeypatch.setattr(_fdset, "_AUDIT_INTERVAL_S", 0.01)
    ours, theirs = pair
    reader, writer = Descriptor(ours), Descriptor(theirs)
    reader.on_lost = reactor.stop
    reactor.addReader(reader)
    theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            theirs.send(bytes(65536))
    reactor.addWriter(writer)
    reactor.removeReader(reader)
    ours.recv(1)
    reactor.addReader(reader)
    reader.on_read = lambda: ours.close() and None
    run_for(reactor)
    assert reader.events[-1].check(ConnectionFdescWentAway)


def test_one_whose_number_went_to_another_hears_nothing_of_that(reactor, run_for, pair, monkeypatch):
    monkeypatch.setattr(_fdset, "_AUDIT_INTERVAL_S", 0.02)
    ours, theirs = pair
    victim = Descriptor(ours)
    victim.on_lost = reactor.stop
    reactor.addReader(victim)

    def replace():
        number = ours.fileno()
        first, second = socket.socketpair()
        ours.close()
        os.dup2(first.fileno(), number)
        second.send(b"not for the victim")
        others.extend([first, second, socket.socket(fileno=number)])

    others = []
    reactor.callLater(0.001, replace)
    run_for(reactor)
    for other in others:
        other.close()
    assert len(victim.events) == 1
    assert victim.events[0].check(ConnectionFdescWentAway)


def test_an_old_owner_of_a_number_does_not_remove_the_new_one(reactor, run_for, pair):
    ours, theirs = pair
    old = Descriptor(socket.socket(fileno=os.dup(ours.fileno())))
    number = old.fileno()
    reactor.addReader(old)
    old.sock.close()
    os.dup2(ours.fileno(), number)
    new = Descriptor(socket.socket(fileno=number))
    new.on_read = lambda: reactor.crash()
    reactor.addReader(new)
    reactor.removeReader(old)
    theirs.send(b"x")
    run_for(reactor)
    assert set(new.events) == {"read"}
    reactor.removeReader(new)
    new.sock.close()


def test_one_that_is_not_open_is_refused(reactor):
    closed = socket.socket()
    closed.close()
    for add in (reactor.addReader, reactor.addWriter):
        with pytest.raises(OSError, match="it is closed or was never open"):
            add(Descriptor(closed))


def test_a_regular_file_is_always_ready(reactor, run_for, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    with path.open("r+b", buffering=0) as file:
        descriptor = Descriptor(file)
        read = []

        def on_read():
            data = file.read(1)
            read.append(data)
            return None if data else ConnectionDone

        descriptor.on_read = on_read
        descriptor.on_lost = reactor.stop
        reactor.addReader(descriptor)
        reactor.addReader(descriptor)
        reactor.addWriter(descriptor)
        descriptor.on_write = lambda: reactor.removeWriter(descriptor)
        assert reactor.getReaders() == [descriptor]
        assert reactor.getWriters() == [descriptor]
        run_for(reactor)
    assert read == [b"a", b"b", b"c", b""]
    assert descriptor.events.count("write") == 1
    assert descriptor.events[-1].check(ConnectionDone)


def test_watching_before_the_loop_there_will_be(pair):
    """What is watched goes along when the ambient reactor attaches to a loop."""
    ours, theirs = pair
    reactor = Reactor(_lazy=True)
    reactor._may_attach = True
    descriptor = Descriptor(ours)
    done = []
    descriptor.on_read = lambda: (ours.recv(1), done.append(asyncio.get_running_loop())) and None
    reactor.addReader(descriptor)
    reactor.addWriter(descriptor)
    descriptor.on_write = lambda: reactor.removeWriter(descriptor)

    async def main():
        assert reactor.running
        theirs.send(b"x")
        while not done:
            await asyncio.sleep(0.001)
        assert done == [asyncio.get_running_loop()]

    asyncio.run(main())
    assert descriptor.events[-1].check(ConnectionLost)
    reactor._clear()


# -- polling --------------------------------------------------------------------------------------------------------------


def test_polling_by_a_clock():
    clock = Clock()
    poller = ContinuousPolling(clock)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        one, two = Descriptor(ours), Descriptor(theirs)
        poller.addReader(one)
        poller.addWriter(two)
        assert (poller.getReaders(), poller.getWriters()) == ([one], [two])
        assert poller.isReading(one)
        assert not poller.isReading(two)
        assert poller.isWriting(two)
        assert len(clock.getDelayedCalls()) == 1
        clock.advance(0.00001)
        clock.advance(0.00001)
        assert (one.events, two.events) == (["read"] * 2, ["write"] * 2)
        one.on_read = lambda: poller.removeWriter(two)
        clock.advance(0.00001)
        assert (one.events, two.events) == (["read"] * 3, ["write"] * 2)
        poller.addWriter(one)
        assert poller.removeAll() == [one]
        assert clock.getDelayedCalls() == []
        poller.addReader(one)
        one.on_read = ConnectionDone
        clock.advance(0.00001)
        assert one.events[-1].check(ConnectionDone)
        assert clock.getDelayedCalls() == []


# -- the waker ------------------------------------------------------------------------------------------------------------


def test_a_waker_can_be_woken_any_number_of_times_and_after_the_end():
    waker = Waker()
    waker.o.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    for _ in range(10_000):
        waker.wakeUp()
    waker.doRead()
    with pytest.raises(BlockingIOError):
        waker.i.recv(1)
    assert waker.fileno() > 0
    assert waker.logPrefix() == "<Waker>"
    waker.connectionLost(None)
    waker.connectionLost(None)
    waker.wakeUp()
    waker.doRead()
    assert waker.fileno() == -1


def test_a_reactor_on_the_posix_base():
    class Selecting(PosixReactorBase):
        """Waits with nothing but its waker."""

        def __init__(self):
            self.readers = {}
            super().__init__()

        def addReader(self, reader):
            self.readers[reader] = True

        def removeReader(self, reader):
            self.readers.pop(reader, None)

        removeWriter = removeReader

        def removeAll(self):
            return self._removeAll(self.readers, [])

        def doIteration(self, delay):
            self.waker.i.setblocking(True)
            self.waker.i.settimeout(delay)
            try:
                self.waker.i.recv(1)
            except TimeoutError:
                pass

    reactor = Selecting()
    assert reactor.waker in reactor._internalReaders
    extra = Descriptor(reactor.waker.i)
    reactor.addReader(extra)
    events = []

    def woken():
        events.append("woken")
        reactor.stop()

    reactor.callInThread(lambda: reactor.callFromThread(woken))
    reactor.run()
    assert events == ["woken"]
    assert list(reactor.readers) == [reactor.waker]
    assert len(extra.events) == 1
    reactor.waker.connectionLost(None)


# -- how the loop is told -------------------------------------------------------------------------------------------------


def test_one_that_is_closed_before_the_loop_comes_round_harms_nobody(reactor, run_for, pair, monkeypatch):
    """libuv would end the process."""
    monkeypatch.setattr(_fdset, "_AUDIT_INTERVAL_S", 0.01)
    ours, theirs = pair
    closed, other = Descriptor(socket.socket(fileno=os.dup(ours.fileno()))), Descriptor(theirs)

    def add():
        reactor.addReader(closed)
        reactor.addWriter(closed)
        reactor.addWriter(other)
        closed.sock.close()
        reactor.removeWriter(closed)

    reactor.callWhenRunning(add)
    closed.on_lost = reactor.stop
    other.on_write = lambda: reactor.removeWriter(other)
    run_for(reactor)
    assert other.events == ["write"]
    assert len(closed.events) == 1
    assert closed.events[0].check(ConnectionFdescWentAway)


def test_the_epoll_is_there_while_it_is_needed(reactor, pair):
    assert reactor._poller is None
    descriptor = Descriptor(pair[0])
    reactor.addReader(descriptor)
    assert reactor._poller.fileno() > 0
    reactor.addWriter(descriptor)
    reactor.removeReader(descriptor)
    reactor.removeWriter(descriptor)
    assert reactor._poller is None


def test_descriptors_run_in_the_context_in_which_they_were_added(reactor, run_for, pair):
    variable = contextvars.ContextVar("variable", default="outside")
    seen = []

    def add(descriptor, value):
        variable.set(value)
        reactor.addReader(descriptor)

    def note(descriptor):
        seen.append(variable.get())
        reactor.removeReader(descriptor)
        if len(seen) == len(pair):
            reactor.stop()

    for n, sock in enumerate(pair):
        descriptor = Descriptor(sock)
        descriptor.on_read = lambda d=descriptor: note(d)
        contextvars.copy_context().run(add, descriptor, n)
    for sock in pair:
        sock.send(b"x")
    run_for(reactor)
    assert sorted(seen) == [0, 1]


@pytest.fixture(params=["epoll", "loop"])
def watcher(request):
    class Watched:
        def __init__(self):
            self.events = []
            kind = {"epoll": EpollWatcher, "loop": LoopWatcher}[request.param]
            self.watcher = kind(lambda *event: self.events.append(event))

    return Watched()


def turn(loop, seconds=0.01):
    loop.run_until_complete(asyncio.sleep(seconds))


def test_watchers(watcher, loop_factory, pair):
    ours, theirs = pair
    number = ours.fileno()
    watch = watcher.watcher.watch
    first, second = loop_factory(), loop_factory()
    watch(number, True, False)
    watcher.watcher.attach(first)
    turn(first)
    assert watcher.events == []
    theirs.send(b"x")
    turn(first)
    assert set(watcher.events) == {(number, True, False)}
    watcher.watcher.detach()
    watcher.events.clear()
    turn(first)
    assert watcher.events == []
    watcher.watcher.attach(second)
    turn(second)
    assert set(watcher.events) == {(number, True, False)}
    watcher.events.clear()
    watch(number, True, True)
    turn(second)
    assert {(read, write) for _, read, write in watcher.events} in (
        {(True, True)},
        {(True, False), (False, True)},
    )
    watch(number, False, True)
    watcher.events.clear()
    turn(second)
    assert set(watcher.events) == {(number, False, True)}
    watch(number, False, False)
    watch(number, False, False)
    watcher.events.clear()
    turn(second)
    assert watcher.events == []
    watcher.watcher.detach()
    first.close()
    second.close()


def test_a_hang_up_is_told_to_who_reads(watcher, loop_factory):
    reading, writing = os.pipe()
    loop = loop_factory()
    watcher.watcher.attach(loop)
    watcher.watcher.watch(reading, True, False)
    os.close(writing)
    turn(loop)
    assert set(watcher.events) == {(reading, True, False)}
    watcher.watcher.watch(reading, False, False)
    os.close(reading)
    loop.close()
    watcher.watcher.detach()


def test_a_file_that_is_always_ready_is_refused_by_watchers(watcher, loop_factory, tmp_path):
    loop = loop_factory()
    watcher.watcher.attach(loop)
    with (tmp_path / "file").open("wb") as file, pytest.raises(PermissionError):
        watcher.watcher.watch(file.fileno(), True, False)
    watcher.watcher.detach()
    loop.close()


def test_one_reader_may_remove_another_that_is_ready_too(reactor, run_for, pair):
    one, two = map(Descriptor, pair)
    for mine, other in ((one, two), (two, one)):
        mine.on_read = lambda other=other: (
            (reactor.removeReader(other), reactor.callLater(0.01, reactor.crash)) and None
        )
        reactor.addReader(mine)
    for sock in pair:
        sock.send(b"x")
    run_for(reactor)
    assert (one.events == []) != (two.events == [])
    reactor.removeAll()


def test_events_as_bits():
    class Polling(PollLikeMixin):
        _POLL_DISCONNECTED, _POLL_IN, _POLL_OUT = 8, 1, 4

        def __init__(self):
            self.readers, self.writers = {}, {}

        def removeReader(self, reader):
            self.readers.pop(reader, None)

        def removeWriter(self, writer):
            self.writers.pop(writer, None)

        def getReaders(self):
            return list(self.readers)

        def getWriters(self):
            return list(self.writers)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        for events, expected in ((1, ["read"]), (4, ["write"]), (5, ["read", "write"]), (9, ["read"])):
            reactor, descriptor = Polling(), Descriptor(ours)
            reactor.readers[descriptor] = reactor.writers[descriptor] = True
            reactor._doReadOrWrite(descriptor, ours.fileno(), events)
            assert descriptor.events == expected
        for watched, reason in (("readers", ConnectionDone), ("writers", ConnectionLost)):
            reactor, descriptor = Polling(), Descriptor(ours)
            getattr(reactor, watched)[descriptor] = True
            reactor._doReadOrWrite(descriptor, ours.fileno(), 8)
            assert descriptor.events[0].check(reason)


def test_one_closed_between_two_runs_is_told_before_the_next(reactor, run_for):
    """Then its number may go to the loop, and who closes it again, as careless programs do, would break that."""
    reading, writing = os.pipe()

    class Careless(Descriptor):
        def __init__(self):
            super().__init__(None)

        def fileno(self):
            return reading

        def connectionLost(self, reason):
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.close(reading)
            super().connectionLost(reason)

    careless = Careless()
    reactor.addReader(careless)
    reactor.callWhenRunning(reactor.crash)
    run_for(reactor)
    os.close(reading)
    reactor.callWhenRunning(reactor.crash)
    run_for(reactor)
    assert len(careless.events) == 1
    os.close(writing)


@pytest.mark.parametrize("make", [EpollWatcher, LoopWatcher])
def test_one_that_had_an_error_goes_on_hearing(reactor, run_for, reports, make):
    """A datagram socket whose peer was not there has an error once, and works."""
    if make is LoopWatcher and not isinstance(reactor._asyncioEventloop, asyncio.BaseEventLoop):
        # libuv takes it from its epoll, without a word: one more reason for our own. Its kqueue knows no such event.
        pytest.skip("uvloop lets go of a descriptor with an error where it watches that with epoll")
    reactor._watcher = make(reactor._on_ready)
    reactor._watcher.attach(reactor._asyncioEventloop)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind(("127.0.0.1", 0))
        ours.setblocking(False)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs:
            theirs.bind(("127.0.0.1", 0))
            address = theirs.getsockname()
        ours.connect(address)
        heard = []

        class Reader(Descriptor):
            def doRead(self):
                try:
                    heard.append(ours.recv(100))
                except ConnectionRefusedError:
                    heard.append("refused")
                    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    peer.bind(address)
                    peer.sendto(b"here now", ours.getsockname())
                    peer.close()
                else:
                    reactor.stop()

        reader = Reader(ours)
        reactor.addReader(reader)
        ours.send(b"is somebody there?")
        run_for(reactor)
        reactor.removeReader(reader)
        assert heard == ["refused", b"here now"]


@pytest.mark.parametrize("make", [EpollWatcher, LoopWatcher])
def test_what_was_found_of_a_closed_one_is_not_told_to_who_has_its_number_next(reactor, run_for, make):
    """Two are ready at once; the first closes the other, and a newcomer gets its number."""
    reactor._watcher = make(reactor._on_ready)
    reactor._watcher.attach(reactor._asyncioEventloop)
    pairs = [socket.socketpair() for _ in range(3)]
    first, second, newcomer = (Descriptor(ours) for ours, _ in pairs)

    def give_number_away(mine, other):
        reactor.removeReader(mine)
        reactor.removeReader(other)
        os.dup2(newcomer.sock.fileno(), other.sock.fileno())
        newcomer.sock = other.sock
        reactor.addReader(newcomer)
        reactor.callLater(0, reactor.callLater, 0, reactor.crash)

    first.on_read = lambda: give_number_away(first, second)
    second.on_read = lambda: give_number_away(second, first)
    reactor.addReader(first)
    reactor.addReader(second)
    for _, theirs in pairs[:2]:
        theirs.send(b"x")
    run_for(reactor)
    reactor.removeReader(newcomer)
    for sock in [sock for pair in pairs for sock in pair]:
        sock.close()
    assert sorted([first.events, second.events]) == [[], ["read"]]
    assert newcomer.events == []


@pytest.mark.parametrize("make", [EpollWatcher, LoopWatcher])
def test_what_was_found_of_a_closed_one_is_not_told_to_who_writes_by_its_number_next(reactor, run_for, make):
    reactor._watcher = make(reactor._on_ready)
    reactor._watcher.attach(reactor._asyncioEventloop)
    ours, theirs = socket.socketpair()
    full, other_end = socket.socketpair()
    full.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            full.send(b"x" * 65536)
    descriptor, newcomer = Descriptor(ours), Descriptor(full)

    def give_number_away():
        reactor.removeReader(descriptor)
        reactor.removeWriter(descriptor)
        os.dup2(full.fileno(), ours.fileno())
        newcomer.sock = ours
        reactor.addWriter(newcomer)
        reactor.callLater(0, reactor.callLater, 0, reactor.crash)

    descriptor.on_read = give_number_away
    descriptor.on_write = lambda: None
    reactor.addReader(descriptor)
    reactor.addWriter(descriptor)
    theirs.send(b"x")
    run_for(reactor)
    reactor.removeWriter(newcomer)
    for sock in (ours, theirs, full, other_end):
        sock.close()
    assert newcomer.events == []


def test_one_that_another_stops_and_starts_in_each_turn_is_heard(reactor, run_for):
    reactor._watcher = EpollWatcher(reactor._on_ready)
    reactor._watcher.attach(reactor._asyncioEventloop)
    pairs = [socket.socketpair() for _ in range(2)]
    first, second = (Descriptor(ours) for ours, _ in pairs)

    def stop_and_start(mine, other):
        reactor.removeReader(other)
        reactor.addReader(other)
        if len(mine.events) == 20:
            reactor.crash()

    first.on_read = lambda: stop_and_start(first, second)
    second.on_read = lambda: stop_and_start(second, first)
    reactor.addReader(first)
    reactor.addReader(second)
    for _, theirs in pairs:
        theirs.send(b"x")
    run_for(reactor)
    reactor.removeAll()
    for sock in [sock for pair in pairs for sock in pair]:
        sock.close()
    assert abs(len(first.events) - len(second.events)) <= 1


def test_one_that_stops_and_starts_to_write_whenever_it_reads_writes(reactor, run_for, pair):
    reactor._watcher = EpollWatcher(reactor._on_ready)
    reactor._watcher.attach(reactor._asyncioEventloop)
    ours, theirs = pair
    descriptor = Descriptor(ours)

    def stop_and_start():
        reactor.removeWriter(descriptor)
        reactor.addWriter(descriptor)
        if len(descriptor.events) >= 20:
            reactor.crash()

    descriptor.on_read = stop_and_start
    descriptor.on_write = lambda: None
    reactor.addReader(descriptor)
    reactor.addWriter(descriptor)
    theirs.send(b"x")
    run_for(reactor)
    reactor.removeAll()
    assert "write" in descriptor.events
