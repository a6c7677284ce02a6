"""Everything that nobody handled arrives at the hub exactly once, wherever it was left over."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading

import pytest

import selvage
from selvage.defer import Deferred, ensureDeferred, inlineCallbacks
from selvage.failure import _hub, set_default_reporter, subscribe
from selvage.logger import Logger, globalLogPublisher
from selvage.protocols import Factory, Protocol
from selvage.reactor import deferToThread, get_reactor
from selvage.tasks import LoopingCall, deferLater

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


class Planned(Exception):
    """What is left over in these tests."""


def fail(*args):
    raise Planned(*args)


def timer(reactor):
    reactor.callLater(0, fail)


def looping_call(reactor):
    LoopingCall(fail).start(1)


def call_from_thread(reactor):
    reactor.callFromThread(fail)


def call_in_thread(reactor):
    reactor.callInThread(fail)


def deferred_of_thread(reactor):
    deferToThread(fail)


def deferred(reactor):
    d = Deferred()
    d.addCallback(fail)
    d.callback(None)


def coroutine(reactor):
    async def main():
        fail()

    ensureDeferred(main())


def generator(reactor):
    @inlineCallbacks
    def main():
        yield deferLater(reactor, 0)
        fail()

    main()


def trigger(reactor):
    d = Deferred()
    d.addCallback(fail)
    reactor.callWhenRunning(d.callback, None)


def reader(reactor):
    reading, writing = os.pipe()
    os.write(writing, b"x")

    class Reader:
        def fileno(self):
            return reading

        def doRead(self):
            fail()

        def connectionLost(self, reason):
            os.close(reading)
            os.close(writing)

        def logPrefix(self):
            return "reader"

    reactor.addReader(Reader())


def protocol(reactor):
    class Server(Protocol):
        def connectionMade(self):
            port.stopListening()

        def dataReceived(self, data):
            fail()

    class Client(Protocol):
        def connectionMade(self):
            self.transport.write(b"x")

    port = reactor.listenTCP(0, Factory.forProtocol(Server), interface="127.0.0.1")
    from selvage.endpoints import TCP4ClientEndpoint

    TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port).connect(Factory.forProtocol(Client))


def asyncio_task(reactor):
    async def main():
        fail()

    asyncio.ensure_future(main())


def asyncio_call(reactor):
    asyncio.get_running_loop().call_soon(fail)


def plain_thread(reactor):
    threading.Thread(target=fail).start()


def finalizer(reactor):
    class Dropped:
        def __del__(self):
            fail()

    Dropped()


def observer(reactor):
    def broken(event):
        globalLogPublisher.removeObserver(broken)
        fail()

    globalLogPublisher.addObserver(broken)
    Logger("test").info("hello")


def error_callback(reactor):
    def broken(failure):
        reactor.removeErrorCallback(broken)
        fail()

    reactor.addErrorCallback(broken)
    reactor.callLater(0, lambda: 1 / 0)


SOURCES = {
    timer: "timer",
    looping_call: "deferred",
    call_from_thread: "thread",
    call_in_thread: "thread",
    deferred_of_thread: "deferred",
    deferred: "deferred",
    coroutine: "deferred",
    generator: "deferred",
    trigger: "deferred",
    reader: "reader",
    protocol: "protocol",
    asyncio_task: "asyncio",
    asyncio_call: "asyncio",
    plain_thread: "thread",
    finalizer: "finalizer",
    observer: "observer",
    error_callback: "subscriber",
}


@pytest.fixture
def heard(monkeypatch):
    """The sources of the planned failures that the default reporter gets, and those that a subscriber gets."""
    reported, subscribed = [], []
    subscribers = _hub._subscribers
    before = set_default_reporter(
        lambda report: reported.append(report.source) if report.failure.check(Planned) else None
    )
    subscribe(lambda report: subscribed.append(report.source) if report.failure.check(Planned) else None)
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    monkeypatch.setattr("sys.unraisablehook", lambda args: None)
    handler = signal.getsignal(signal.SIGUSR1)
    yield reported, subscribed
    signal.signal(signal.SIGUSR1, handler)
    _hub._subscribers = subscribers
    set_default_reporter(before)


@pytest.mark.slow
@pytest.mark.parametrize("loop_factory", [None, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
@pytest.mark.parametrize("leave_over", SOURCES, ids=lambda function: function.__name__)
def test_each_arrives_once(heard, leave_over, loop_factory):
    reported, subscribed = heard

    async def main():
        reactor = get_reactor()
        leave_over(reactor)
        for _ in range(1000):
            await deferLater(reactor, 0.005)
            gc.collect()
            if reported:
                break
        # What would come twice would come now.
        await deferLater(reactor, 0.02)
        gc.collect()

    selvage.run(main, loop_factory=loop_factory)
    assert reported == [SOURCES[leave_over]]
    # Trouble with subscribers is for the default reporter alone.
    assert subscribed == ([] if leave_over is error_callback else reported)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs SIGUSR1")
@pytest.mark.parametrize("loop_factory", [None, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def test_a_signal_handler_that_raises_ends_nothing(heard, loop_factory):
    """It may interrupt anything; here it interrupts the loop, which waits."""
    reported, subscribed = heard

    async def main():
        reactor, done = get_reactor(), Deferred()
        subscribe(lambda report: reactor.callFromThread(done.callback, None))
        signal.signal(signal.SIGUSR1, fail)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        await done
        await deferLater(reactor, 0)
        return "went on"

    assert selvage.run(main, loop_factory=loop_factory) == "went on"
    assert reported == subscribed == ["signal"]
