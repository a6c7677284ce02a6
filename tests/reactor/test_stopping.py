"""Stopping a reactor that is busy, from wherever somebody thinks of it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest

from selvage.defer import Deferred
from selvage.errors import ReactorNotRunning
from selvage.protocols import ClientFactory, Factory, Protocol
from selvage.reactor import deferToThreadPool
from tests.reactor.test_resolver import Receiver


@pytest.fixture
def events(reactor):
    """What happens on the way out; the last of it."""
    seen = []
    reactor.addSystemEventTrigger("after", "shutdown", seen.append, "shut down")
    return seen


def stop_in_thread(reactor):
    threading.Thread(target=reactor.stop).start()


def stop_in_pool(reactor):
    reactor.callInThread(reactor.stop)


def stop_from_thread(reactor):
    threading.Thread(target=reactor.callFromThread, args=(reactor.stop,)).start()


def stop_in_signal_handler(reactor):
    previous = signal.signal(signal.SIGUSR1, lambda *args: reactor.stop())
    reactor.addSystemEventTrigger("after", "shutdown", signal.signal, signal.SIGUSR1, previous)
    threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGUSR1)).start()


def stop_in_task(reactor):
    async def main():
        await asyncio.sleep(0)
        reactor.stop()

    task = reactor._asyncioEventloop.create_task(main())
    reactor.addSystemEventTrigger("after", "shutdown", lambda: task)


def stop_in_callback(reactor):
    reactor.callLater(0, reactor.stop)


def stop_in_coroutine(reactor):
    async def main():
        await deferToThreadPool(reactor, reactor.getThreadPool(), int)
        reactor.stop()

    Deferred.fromCoroutine(main())


WAYS = [
    stop_in_thread,
    stop_in_pool,
    stop_from_thread,
    stop_in_signal_handler,
    stop_in_task,
    stop_in_callback,
    stop_in_coroutine,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_idle_reactor_is_woken_and_stops(reactor, run_for, events, way):
    reactor.callWhenRunning(way, reactor)
    run_for(reactor)
    assert events == ["shut down"]


@pytest.mark.parametrize("way", [stop_in_thread, stop_in_callback], ids=lambda way: way.__name__)
def test_a_reactor_with_much_to_do_stops(reactor, run_for, events, way):
    ran = []

    def again():
        ran.append(None)
        reactor.callLater(0, again)
        reactor.callFromThread(ran.append, None)

    for number in range(10_000):
        reactor.callLater(1000 + number, ran.append, None)
    reactor.callWhenRunning(again)
    reactor.callWhenRunning(way, reactor)
    run_for(reactor)
    assert events == ["shut down"]
    assert ran


def test_stopping_twice_says_so_and_stops_once(reactor, run_for, events):
    def stop():
        reactor.stop()
        with pytest.raises(ReactorNotRunning, match="stopped already"):
            reactor.stop()
        events.append("stopped")

    reactor.callWhenRunning(stop)
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: pytest.raises(ReactorNotRunning, reactor.stop) and None
    )
    run_for(reactor)
    assert events == ["stopped", "shut down"]


@pytest.mark.parametrize("phase", ["before", "during", "after"])
def test_stopping_in_a_startup_trigger(reactor, run_for, events, phase):
    reactor.addSystemEventTrigger(phase, "startup", reactor.stop)
    reactor.addSystemEventTrigger("after", "startup", events.append, "started")
    run_for(reactor)
    assert events == ["started", "shut down"]
    assert not reactor.running


def test_stopping_while_startup_waits_for_a_deferred(reactor, run_for, events):
    waiting = Deferred()

    def wait():
        reactor.callLater(0, reactor.stop)
        return waiting

    reactor.addSystemEventTrigger("before", "startup", wait)
    run_for(reactor)
    assert events == ["shut down"]
    assert not reactor.running
    waiting.callback(None)
    reactor.crash()


def test_shutdown_waits_for_timers_threads_and_each_other(reactor, run_for, events):
    timer, thread = Deferred(), Deferred()

    def wait_for_a_timer():
        reactor.callLater(0, timer.callback, None)
        return timer.addCallback(lambda _: events.append("timer"))

    def wait_for_a_thread():
        work = deferToThreadPool(reactor, reactor.getThreadPool(), lambda: None)
        return work.addCallback(lambda _: events.append("thread"))

    async def wait_for_both():
        await thread
        events.append("both")

    reactor.addSystemEventTrigger("before", "shutdown", wait_for_a_timer)
    reactor.addSystemEventTrigger("before", "shutdown", wait_for_a_thread)
    reactor.addSystemEventTrigger("before", "shutdown", wait_for_both)
    timer.addCallback(lambda _: thread.callback(None))
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert sorted(events[:-1]) == ["both", "thread", "timer"]
    assert events[-1] == "shut down"


def test_crashing_in_a_shutdown_trigger_ends_the_run_all_the_same(reactor, run_for, events):
    reactor.addSystemEventTrigger("before", "shutdown", reactor.crash)
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert events == ["shut down"]


def test_stopping_between_two_iterations(reactor, events):
    reactor.startRunning()
    reactor.iterate()
    reactor.stop()
    assert events == []
    reactor.iterate()
    assert events == ["shut down"]
    assert not reactor.running
    reactor.iterate()


def test_pending_name_look_ups_do_not_hold_up_the_end(reactor, run_for):
    """The ones that a thread is at are waited for; the others are not even begun."""
    release = threading.Event()
    begun = []

    def slow(*args):
        begun.append(args)
        release.wait(30)
        return []

    reactor.nameResolver._getaddrinfo = slow
    receivers = [Receiver() for _ in range(1000)]

    def start():
        for receiver in receivers:
            reactor.nameResolver.resolveHostName(receiver, "host.example")
        quit_team = reactor.getThreadPool()._team.quit
        reactor.getThreadPool()._team.quit = lambda: (release.set(), quit_team())
        reactor.stop()

    reactor.callWhenRunning(start)
    run_for(reactor)
    assert len(begun) <= 10
    assert all(receiver.events in (["began"], ["began", "complete"]) for receiver in receivers)


@pytest.mark.slow
def test_stopping_with_many_connections_open_tells_each_of_them_once(reactor, run_for):
    """Their writes wait for peers that do not read."""
    count = 300
    made, lost = [], []

    class Party(Protocol):
        def connectionMade(self):
            made.append(self)
            self.transport.pauseProducing()
            self.transport.write(b"x" * 1_000_000)
            if len(made) == 2 * count:
                reactor.stop()

        def connectionLost(self, reason):
            lost.append(self)

    def start():
        port = reactor.listenTCP(0, Factory.forProtocol(Party), backlog=count, interface="127.0.0.1")
        for _ in range(count):
            reactor.connectTCP("127.0.0.1", port.getHost().port, ClientFactory.forProtocol(Party))

    reactor.callWhenRunning(start)
    run_for(reactor, patience=60)
    for _ in range(3):  # what was open when the reactor stopped is closed on the loop's next turns
        reactor._asyncioEventloop.run_until_complete(asyncio.sleep(0))
    assert len(lost) == 2 * count
    assert set(lost) == set(made)
    assert reactor.getReaders() == reactor.getWriters() == []
