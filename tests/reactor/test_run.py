"""`selvage.run`."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import subprocess
import sys
import threading
import weakref

import pytest

from selvage.defer import Deferred, fail, getDebugging, inlineCallbacks, succeed
from selvage.errors import CancelledError, ReactorAlreadyRunning
from selvage.reactor import DelayedCall, deferToThread, get_reactor, run


def later(seconds, value=None):
    deferred = Deferred()
    get_reactor().callLater(seconds, deferred.callback, value)
    return deferred


def test_every_kind_of_main():
    async def coroutine(value):
        await later(0.001)
        await asyncio.sleep(0.001)
        return value

    @inlineCallbacks
    def inline(value):
        yield later(0.001)
        return value

    async def future():
        return 5

    assert run(coroutine, 1) == 1
    assert run(lambda: later(0.001, 2)) == 2
    assert run(inline, 3) == 3
    assert run(lambda: 4) == 4
    assert run(lambda: asyncio.ensure_future(future())) == 5
    assert run(lambda: succeed(6)) == 6


def test_it_raises_what_main_raises():
    async def coroutine():
        await later(0.001)
        raise LookupError("coroutine")

    def function():
        raise LookupError("function")

    for main in (coroutine, function, lambda: fail(LookupError("deferred"))):
        with pytest.raises(LookupError):
            run(main)

    async def leave():
        sys.exit(3)

    with pytest.raises(SystemExit) as info:
        run(leave)
    assert info.value.code == 3


def test_the_traceback_leads_to_main():
    async def coroutine():
        await later(0.001)
        raise LookupError

    with pytest.raises(LookupError) as info:
        run(coroutine)
    assert "coroutine" in [entry.name for entry in info.traceback]


def test_any_number_of_times_with_one_reactor_and_a_fresh_loop():
    loops = []
    reactor = get_reactor()

    async def main():
        assert get_reactor() is reactor
        assert reactor.running
        assert reactor._asyncioEventloop is asyncio.get_running_loop()
        loops.append(asyncio.get_running_loop())

    for _ in range(5):
        run(main)
        assert loops[-1].is_closed()
        assert not reactor._running
    assert len(set(map(id, loops))) == 5


def test_no_descriptor_leaks():
    run(later, 0)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        run(later, 0)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_loop_of_choice():
    made = []

    def factory():
        made.append(asyncio.SelectorEventLoop())
        return made[-1]

    async def main():
        return asyncio.get_running_loop()

    assert run(main, loop_factory=factory) is made[0]
    assert made[0].is_closed()


def test_debug_mode_lasts_as_long_as_the_run():
    async def main():
        return asyncio.get_running_loop().get_debug(), getDebugging(), DelayedCall.debug

    assert run(main, debug=True) == (True, True, True)
    assert run(main) == (False, False, False)
    assert (getDebugging(), DelayedCall.debug) == (False, False)


def test_it_cannot_be_nested():
    async def main():
        with pytest.raises(ReactorAlreadyRunning, match="await the coroutine or Deferred instead"):
            run(main)
        return "refused"

    assert run(main) == "refused"
    assert asyncio.run(main()) == "refused"


def test_reactor_run_cannot_be_called_within():
    async def main():
        with pytest.raises(ReactorAlreadyRunning):
            get_reactor().run()

    run(main)


def test_what_is_left_over_is_ended(reports):
    events = []
    left = []

    async def forever():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            events.append("task cancelled")
            raise

    async def generate():
        try:
            while True:
                yield
        finally:
            events.append("generator closed")

    async def main():
        reactor = get_reactor()
        left.append(reactor.callLater(60, events.append, "never"))
        left.append(asyncio.ensure_future(forever()))
        generator = generate()
        left.append(generator)
        await generator.__anext__()
        await deferToThread(int)
        left.append(reactor.threadpool)
        reactor.callFromThread(events.append, "from thread")
        reactor.addReader(Descriptor())
        await later(0.001)

    class Descriptor:
        def fileno(self):
            return reading

        def doRead(self):
            pass

        def connectionLost(self, reason):
            events.append("descriptor lost")

    reading, writing = os.pipe()
    try:
        run(main)
    finally:
        os.close(reading)
        os.close(writing)
    reactor = get_reactor()
    assert not left[0].active()
    assert reactor.getDelayedCalls() == []
    assert left[3].joined
    assert reactor.threadpool is None
    assert sorted(events) == ["descriptor lost", "from thread", "generator closed", "task cancelled"]


def test_shutdown_triggers_are_fired_and_awaited():
    events = []

    async def main():
        reactor = get_reactor()
        reactor.addSystemEventTrigger(
            "before", "shutdown", lambda: later(0.01).addCallback(lambda _: events.append(1))
        )
        reactor.addSystemEventTrigger("after", "shutdown", events.append, 2)

    run(main)
    assert events == [1, 2]
    run(main)
    assert events == [1, 2, 1, 2]


def test_what_was_set_up_before_the_run_is_part_of_it():
    events = []
    reactor = get_reactor()
    reactor.callWhenRunning(events.append, "started")
    reactor.callLater(0, events.append, "timer")
    reactor.addSystemEventTrigger("during", "shutdown", events.append, "shutdown")
    run(later, 0.01)
    assert events == ["started", "timer", "shutdown"]
    run(later, 0)
    assert events == ["started", "timer", "shutdown"]


def test_stopping_the_reactor_cancels_main_and_gives_none():
    events = []

    async def main():
        get_reactor().callLater(0.01, get_reactor().stop)
        try:
            await later(60)
        except CancelledError:
            events.append("cancelled")
            await later(0.01)
            events.append("cleaned up")
            raise

    assert run(main) is None
    assert events == ["cancelled", "cleaned up"]


def test_a_result_given_on_the_way_out_counts():
    async def main():
        get_reactor().stop()
        try:
            await later(60)
        except CancelledError:
            return "rescued"

    assert run(main) == "rescued"


def test_a_cancellation_of_mains_own_is_raised():
    async def main():
        raise CancelledError("of my own")

    with pytest.raises(CancelledError, match="of my own"):
        run(main)


def test_a_crash_ends_the_run():
    async def main():
        get_reactor().crash()
        await later(60)

    assert run(main) is None
    assert run(lambda: later(0, "again")) == "again"


def test_interrupt_cancels_main_and_is_raised():
    events = []

    async def main():
        get_reactor().callLater(0.01, os.kill, os.getpid(), signal.SIGINT)
        try:
            await later(60)
        finally:
            await later(0.01)
            events.append("cleaned up")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(main)
    assert events == ["cleaned up"]
    assert signal.getsignal(signal.SIGINT) is before


def test_termination_gives_the_exit_status_of_the_signal():
    async def main():
        get_reactor().callLater(0.01, os.kill, os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)

    with pytest.raises(SystemExit) as info:
        run(main)
    assert info.value.code == 128 + signal.SIGTERM


def test_a_main_that_survives_the_interrupt_keeps_its_result():
    async def main():
        get_reactor().callLater(0.01, os.kill, os.getpid(), signal.SIGINT)
        try:
            await later(60)
        except CancelledError:
            return "survived"

    assert run(main) == "survived"


def test_a_second_interrupt_does_not_wait_for_main():
    async def main():
        reactor = get_reactor()
        reactor.callLater(0.01, os.kill, os.getpid(), signal.SIGINT)
        reactor.callLater(0.03, os.kill, os.getpid(), signal.SIGINT)
        while True:
            try:
                await later(60)
            except CancelledError:
                pass

    with pytest.raises(KeyboardInterrupt):
        run(main)
    # The coroutine refuses to end; let go of it here.
    gc.collect()


def test_an_interrupt_of_a_plain_deferred():
    def main():
        get_reactor().callLater(0.01, os.kill, os.getpid(), signal.SIGINT)
        return Deferred()

    with pytest.raises(KeyboardInterrupt):
        run(main)


def test_in_another_thread():
    results = []

    def elsewhere():
        results.append(run(lambda: later(0.001, threading.get_ident())))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(10)
    assert results == [thread.ident]


def test_main_runs_in_a_context_of_its_own():
    variable = contextvars.ContextVar("variable", default="outside")

    async def main():
        assert variable.get() == "set before"
        variable.set("set within")

    def outside():
        variable.set("set before")
        run(main)
        return variable.get()

    assert contextvars.copy_context().run(outside) == "set before"


def test_nothing_of_a_run_is_kept_alive():
    class Thing:
        pass

    refs = []

    async def main():
        thing = Thing()
        refs.append(weakref.ref(thing))
        await later(0.001)

    run(main)
    gc.collect()
    assert refs[0]() is None


@pytest.mark.slow
def test_as_a_program():
    program = (
        "import selvage, sys\n"
        "async def main(name):\n"
        "    print('hello', name)\n"
        "    raise SystemExit(5)\n"
        "selvage.run(main, 'world')\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout, done.stderr) == (5, "hello world\n", "")
