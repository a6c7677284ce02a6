"""The ambient reactor on a loop that somebody else runs."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from selvage.defer import Deferred
from selvage.errors import ReactorAlreadyRunning
from selvage.protocols import Factory, Protocol
from selvage.reactor import Reactor, deferToThread, get_reactor, run
from selvage.reactor._threadable import isInIOThread


@pytest.fixture
def asyncio_run(loop_factory):
    def run_main(main):
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(main)

    return run_main


def later(seconds, value=None):
    deferred = Deferred()
    get_reactor().callLater(seconds, deferred.callback, value)
    return deferred


def test_timers_threads_and_names_work_with_no_set_up(asyncio_run):
    async def main():
        reactor = get_reactor()
        assert reactor.running
        assert await later(0.01, "timer") == "timer"
        assert await deferToThread(lambda: "thread") == "thread"
        assert await reactor.resolve("localhost") == "127.0.0.1"
        assert isInIOThread()
        assert reactor._asyncioEventloop is asyncio.get_running_loop()

    for _ in range(3):
        asyncio_run(main())
        assert not get_reactor().running


def test_the_first_thing_asked_for_attaches(asyncio_run):
    reactor = get_reactor()

    async def timer():
        reactor.callLater(0, print)

    async def from_thread():
        done = asyncio.Event()
        reactor.callFromThread(done.set)
        await asyncio.wait_for(done.wait(), 5)

    async def when_running():
        called = []
        reactor.callWhenRunning(called.append, 1)
        assert called == [1]

    async def loop():
        assert reactor._asyncioEventloop is asyncio.get_running_loop()

    async def thread_pool():
        assert reactor.getThreadPool().started

    async def moved_sooner():
        fired = asyncio.Event()
        call = outside.pop()
        call.func = fired.set
        call.reset(0)
        await asyncio.wait_for(fired.wait(), 5)

    outside = [reactor.callLater(60, print)]
    for main in (timer, from_thread, when_running, loop, thread_pool, moved_sooner):
        asyncio_run(main())
        assert not reactor.running


def test_what_was_scheduled_before_runs_on_the_loop(asyncio_run):
    events = []
    reactor = get_reactor()
    reactor.callWhenRunning(events.append, "started")
    reactor.callLater(0, events.append, "timer")
    reactor.callFromThread(events.append, "from thread")

    async def main():
        assert reactor.running
        assert events == []
        await asyncio.sleep(0.01)
        assert events == ["started", "from thread", "timer"]

    asyncio_run(main())


def test_startup_and_shutdown_events(asyncio_run):
    events = []
    reactor = get_reactor()

    async def main(number):
        reactor.addSystemEventTrigger("during", "startup", events.append, ("up", number))
        reactor.addSystemEventTrigger(
            "before", "shutdown", lambda: later(0.01).addCallback(lambda _: events.append(("before", number)))
        )
        reactor.addSystemEventTrigger("after", "shutdown", events.append, ("after", number))
        assert reactor.running
        await asyncio.sleep(0.001)
        events.append(("main", number))

    for number in range(2):
        asyncio_run(main(number))
    assert events == [(what, number) for number in range(2) for what in ("up", "main", "before", "after")]
    assert reactor.threadpool is None


def test_reactor_run_says_that_it_is_not_needed(asyncio_run):
    async def main():
        reactor = get_reactor()
        for _ in range(2):
            with pytest.raises(ReactorAlreadyRunning, match=r"leave reactor\.run\(\) out"):
                reactor.run()
            assert reactor.running
        other = Reactor(asyncio.SelectorEventLoop())
        with pytest.raises(ReactorAlreadyRunning, match=r"leave reactor\.run\(\) out"):
            other.run()
        other._asyncioEventloop.close()

    asyncio_run(main())


def test_only_the_ambient_reactor_attaches(asyncio_run):
    async def main():
        other = Reactor(asyncio.SelectorEventLoop())
        assert not other.running
        call = other.callLater(0, print, "never")
        await asyncio.sleep(0.01)
        assert call.active()
        other._asyncioEventloop.close()

    asyncio_run(main())


def test_stop_ends_the_reactors_part_only(asyncio_run):
    events = []

    async def main():
        reactor = get_reactor()
        await later(0.001)
        reactor.addSystemEventTrigger("during", "shutdown", events.append, "shutdown")
        reactor.stop()
        await asyncio.sleep(0.01)
        assert events == ["shutdown"]
        assert not reactor._running
        assert await later(0.001, "again") == "again"

    asyncio_run(main())


def test_stop_as_the_first_thing(asyncio_run):
    async def main():
        get_reactor().stop()
        await asyncio.sleep(0.01)
        assert get_reactor()._attachment is None

    asyncio_run(main())


def test_crash_detaches(asyncio_run):
    async def main():
        reactor = get_reactor()
        await later(0.001)
        reactor.crash()
        assert reactor._attachment is None
        assert await later(0.001, "again") == "again"

    asyncio_run(main())


def test_a_loop_that_is_closed_without_a_word_is_noticed(loop_factory):
    reactor = get_reactor()

    async def main():
        return await later(0.001, "value")

    for _ in range(3):
        loop = loop_factory()
        assert loop.run_until_complete(main()) == "value"
        loop.close()
    reactor.crash()


def test_running_between_attached_and_run(asyncio_run):
    async def main():
        return await later(0.001, asyncio.get_running_loop())

    loops = [asyncio_run(main()), run(main), asyncio_run(main()), run(main)]
    assert len(set(map(id, loops))) == 4


def test_a_loop_set_beforehand_is_the_reactors(loop_factory):
    loop = loop_factory()
    asyncio.set_event_loop(loop)
    try:
        reactor = get_reactor()
        assert reactor._asyncioEventloop is loop

        async def main():
            assert reactor.running
            return await later(0.001, "value")

        assert loop.run_until_complete(main()) == "value"
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_tcp_within_asyncio(asyncio_run):
    class Echo(Protocol):
        def dataReceived(self, data):
            self.transport.write(data[::-1])

    async def main():
        port = get_reactor().listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1")
        reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
        writer.write(b"abc")
        assert await reader.readexactly(3) == b"cba"
        writer.close()
        await writer.wait_closed()
        # The port is left open: shutdown closes it.
        return port.getHost().port

    number = asyncio_run(main())
    assert get_reactor().getReaders() == []
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", number))


def test_a_port_opened_on_another_loop_is_reported_as_lost(asyncio_run, reports):
    reactor = get_reactor()
    port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")

    async def main():
        await later(0.001)

    asyncio_run(main())
    report = reports.pop()
    assert report.context["transport"] is port
    assert "open ports and connections from within" in report.failure.getErrorMessage()


def test_errors_of_the_loop_reach_the_hub_unless_somebody_else_handles_them(loop_factory, reports):
    async def main():
        get_reactor().callWhenRunning(int)
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(0.01)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())
    assert reports.pop().source == "asyncio"
    seen = []
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.get_loop().set_exception_handler(lambda loop, context: seen.append(context))
        runner.run(main())
    assert len(seen) == 1


def test_attached_in_another_thread(loop_factory):
    results = []

    async def main():
        results.append(await later(0.001, threading.get_ident()))

    def elsewhere():
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(main())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(10)
    assert results == [thread.ident]


def test_clean_up_code_may_use_the_reactor_after_it_has_been_shut_down(asyncio_run):
    async def generate():
        try:
            yield
        finally:
            await later(0.001)
            done.append(True)

    done = []
    generator = generate()

    async def main():
        await later(0.001)
        await generator.__anext__()

    asyncio_run(main())
    assert done == [True]
    get_reactor().crash()
