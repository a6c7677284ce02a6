"""Running, stopping, crashing, iterating and system events, on both loops."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import socket
import sys
import threading

import pytest

from selvage.defer import Deferred
from selvage.errors import ReactorAlreadyRunning, ReactorNotRestartable, ReactorNotRunning
from selvage.interfaces import _ISupportsExitSignalCapturing
from selvage.reactor import Reactor, ReactorBase, _loop
from selvage.reactor._base import MOST_CALLS_A_TURN


def test_run_and_stop(reactor, run_for):
    states = []
    reactor.callWhenRunning(lambda: states.append(reactor.running))
    reactor.callWhenRunning(reactor.stop)
    assert not reactor.running
    run_for(reactor)
    assert states == [True]
    assert not reactor.running


def test_phases_come_in_order_and_running_changes_between_before_and_during(reactor, run_for):
    events = []
    for event in ("startup", "shutdown"):
        for phase in ("after", "during", "before"):
            reactor.addSystemEventTrigger(
                phase, event, lambda *a: events.append((*a, reactor.running)), event, phase
            )
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert events == [
        ("startup", "before", False),
        ("startup", "during", True),
        ("startup", "after", True),
        ("shutdown", "before", True),
        ("shutdown", "during", False),
        ("shutdown", "after", False),
    ]


def test_startup_triggers_run_within_the_loop_and_before_anything_else(reactor, run_for):
    events = []
    reactor.callLater(0, events.append, "timer")
    reactor.callFromThread(events.append, "from thread")
    reactor.addSystemEventTrigger("before", "startup", lambda: events.append(asyncio.get_running_loop()))
    reactor.callLater(0.01, reactor.stop)
    run_for(reactor)
    assert events == [reactor._asyncioEventloop, "from thread", "timer"]


def test_stop_fires_shutdown_on_the_next_turn(reactor, run_for):
    events = []
    reactor.addSystemEventTrigger("before", "shutdown", events.append, "shutdown")

    def stop():
        reactor.stop()
        events.append("stop returned")

    reactor.callWhenRunning(stop)
    run_for(reactor)
    assert events == ["stop returned", "shutdown"]


def test_shutdown_waits_for_deferreds_and_coroutines_of_before_triggers(reactor, run_for):
    events = []

    def slowly():
        deferred = Deferred()
        reactor.callLater(0.02, deferred.callback, None)
        return deferred.addCallback(lambda _: events.append("deferred"))

    async def also_slowly():
        await asyncio.sleep(0.03)
        events.append("coroutine")

    reactor.addSystemEventTrigger("before", "shutdown", slowly)
    reactor.addSystemEventTrigger("before", "shutdown", also_slowly)
    reactor.addSystemEventTrigger("during", "shutdown", events.append, "during")
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert events == ["deferred", "coroutine", "during"]


def test_startup_with_a_deferred_before_it_runs_timers_meanwhile(reactor, run_for):
    events = []

    def slowly():
        deferred = Deferred()
        reactor.callLater(0.01, deferred.callback, None)
        return deferred

    reactor.addSystemEventTrigger("before", "startup", slowly)
    reactor.addSystemEventTrigger("during", "startup", lambda: events.append(reactor.running))
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert events == [True]


def test_a_trigger_that_raises_is_reported_and_keeps_nobody_from_running(reactor, run_for, reports):
    events = []
    for event in ("startup", "shutdown"):
        for phase in ("before", "during", "after"):
            reactor.addSystemEventTrigger(phase, event, lambda: 1 / 0)
            reactor.addSystemEventTrigger(phase, event, events.append, (event, phase))
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert len(events) == 6
    assert [report.source for report in reports] == ["trigger"] * 6
    assert all(report.failure.check(ZeroDivisionError) for report in reports)
    reports.clear()


def test_triggers_run_in_the_context_in_which_they_were_added(reactor, run_for):
    variable = contextvars.ContextVar("variable", default="outside")
    seen = []

    def add():
        variable.set("inside")
        reactor.callWhenRunning(lambda: seen.append(variable.get()))
        reactor.addSystemEventTrigger("before", "shutdown", lambda: seen.append(variable.get()))

    contextvars.copy_context().run(add)
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert seen == ["inside", "inside"]


def test_call_when_running_calls_at_once_in_a_running_reactor(reactor, run_for):
    events = []

    def first():
        assert reactor.callWhenRunning(events.append, "second") is None
        events.append("first")
        reactor.stop()

    assert reactor.callWhenRunning(first) is not None
    run_for(reactor)
    assert events == ["second", "first"]


def test_a_trigger_can_be_removed(reactor, run_for):
    events = []
    trigger = reactor.callWhenRunning(events.append, "no")
    reactor.removeSystemEventTrigger(trigger)
    with pytest.raises(ValueError, match="has run or was removed"):
        reactor.removeSystemEventTrigger(trigger)
    with pytest.raises(TypeError):
        reactor.removeSystemEventTrigger(None)
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert events == []


def test_what_cannot_be_called_is_refused_at_once(reactor):
    for add in (
        reactor.callWhenRunning,
        reactor.callFromThread,
        lambda what: reactor.callLater(0, what),
        lambda what: reactor.addSystemEventTrigger("before", "shutdown", what),
    ):
        with pytest.raises(AssertionError, match="do not call it"):
            add(None)
    with pytest.raises(KeyError, match="the phases are"):
        reactor.addSystemEventTrigger("meanwhile", "shutdown", print)


def test_own_events(reactor):
    events = []
    reactor.addSystemEventTrigger("during", "coffee", events.append, "brewing")
    reactor.fireSystemEvent("coffee")
    reactor.fireSystemEvent("coffee")
    reactor.fireSystemEvent("nobody cares")
    assert events == ["brewing"]


def test_stop_without_running_says_so(reactor, run_for):
    with pytest.raises(ReactorNotRunning, match="is not running"):
        reactor.stop()

    def stop_twice():
        reactor.stop()
        with pytest.raises(ReactorNotRunning, match="was stopped already"):
            reactor.stop()

    reactor.callWhenRunning(stop_twice)
    run_for(reactor)
    with pytest.raises(ReactorNotRunning):
        reactor.stop()


def test_run_within_run_says_so(reactor, run_for):
    caught = []

    def again():
        for run in (reactor.run, reactor.startRunning):
            with pytest.raises(ReactorAlreadyRunning, match="running already") as info:
                run()
            caught.append(info)
        reactor.stop()

    reactor.callWhenRunning(again)
    run_for(reactor)
    assert len(caught) == 2


def test_run_after_stop_says_what_to_use(reactor, run_for):
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    with pytest.raises(ReactorNotRestartable, match=r"selvage\.run\(main\)"):
        reactor.run()


def test_run_after_crash_begins_anew(reactor, run_for):
    events = []
    reactor.addSystemEventTrigger("before", "shutdown", events.append, "shutdown")
    for number in range(3):
        reactor.callWhenRunning(events.append, number)
        reactor.callWhenRunning(reactor.crash)
        run_for(reactor)
        assert not reactor.running
    assert events == [0, 1, 2]
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)
    assert events == [0, 1, 2, "shutdown"]


def test_timers_survive_a_crash(reactor, run_for):
    events = []
    reactor.callLater(0.02, events.append, "timer")
    reactor.callWhenRunning(reactor.crash)
    run_for(reactor)
    assert events == []
    reactor.callLater(0.03, reactor.stop)
    run_for(reactor)
    assert events == ["timer"]


def test_crash_in_a_timer_does_not_run_the_rest_of_the_program(reactor, run_for):
    events = []
    reactor.callLater(0.01, reactor.crash)
    reactor.callLater(0.05, events.append, "later")
    run_for(reactor)
    assert events == []


def test_shutdown_fired_by_hand_as_test_runners_do(reactor, run_for):
    events = []
    reactor.addSystemEventTrigger("after", "shutdown", events.append, 1)
    reactor.fireSystemEvent("shutdown")
    assert events == [1]
    reactor.callWhenRunning(reactor.stop)
    run_for(reactor)


def test_somebody_stops_the_loop_itself(reactor):
    reactor.callLater(0.01, lambda: asyncio.get_running_loop().stop())
    reactor.run()
    assert not reactor.running
    reactor.callWhenRunning(reactor.stop)
    reactor.run()


def test_iterate_serves_what_is_due_and_returns(reactor):
    events = []
    reactor.callLater(0, events.append, "due")
    reactor.callLater(60, events.append, "not due")
    reactor.callFromThread(events.append, "from thread")
    reactor.iterate()
    assert events == ["from thread", "due"]
    assert not reactor.running
    reactor.iterate(0)
    assert events == ["from thread", "due"]


def test_iterate_waits_at_most_as_long_as_it_is_told(reactor):
    events = []
    before = reactor.seconds()
    reactor.iterate(0.05)
    assert 0.04 < reactor.seconds() - before < 5
    reactor.callLater(0.05, events.append, "timer")
    before = reactor.seconds()
    while not events:
        reactor.iterate(5)
    assert reactor.seconds() - before < 4


def test_iterate_is_woken_by_another_thread(reactor):
    events = []
    thread = threading.Timer(0.05, reactor.callFromThread, [events.append, "woken"])
    thread.start()
    before = reactor.seconds()
    while not events:
        reactor.iterate(10)
    assert reactor.seconds() - before < 8
    thread.join()


def test_a_program_with_a_loop_of_its_own(reactor):
    events = []
    reactor.callWhenRunning(events.append, "started")
    reactor.startRunning(installSignalHandlers=False)
    assert reactor.running
    assert events == ["started"]
    reactor.callLater(0.01, reactor.stop)
    reactor.addSystemEventTrigger("before", "shutdown", events.append, "shutdown")
    while reactor.running:
        reactor.iterate(0.1)
    assert events == ["started", "shutdown"]


def test_iterate_within_a_running_loop_says_so(reactor, run_for):
    caught = []

    def iterate():
        with pytest.raises(ReactorAlreadyRunning, match="return to the loop"):
            reactor.iterate()
        caught.append(True)
        reactor.stop()

    reactor.callWhenRunning(iterate)
    run_for(reactor)
    assert caught


def test_a_callback_that_never_rests_starves_nobody(reactor, run_for):
    counts = {"timer": 0, "thread": 0}

    def timer():
        counts["timer"] += 1
        reactor.callLater(0, timer)

    def thread():
        counts["thread"] += 1
        reactor.callFromThread(thread)

    reactor.callWhenRunning(timer)
    reactor.callWhenRunning(thread)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        ours.send(b"x")
        theirs.send(b"y")

        class Descriptor:
            def fileno(self):
                return ours.fileno()

            def doRead(self):
                ours.recv(1)
                reactor.removeReader(self)
                reactor.callLater(0.01, reactor.stop)

            def connectionLost(self, reason):
                pass

        reactor.addReader(Descriptor())
        run_for(reactor)
    assert counts["timer"] > 1
    assert counts["thread"] > 1


# -- signals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_stops_the_reactor(reactor, run_for, name):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    events = []
    reactor.addSystemEventTrigger("before", "shutdown", events.append, "shutdown")
    reactor.callLater(0.01, os.kill, os.getpid(), number)
    run_for(reactor)
    assert events == ["shutdown"]
    assert reactor._exitSignal == number
    assert _ISupportsExitSignalCapturing.providedBy(reactor)
    assert signal.getsignal(number) is before


def test_a_signal_wakes_an_idle_reactor(reactor):
    thread = threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGINT])
    reactor.callWhenRunning(thread.start)
    reactor.run()
    thread.join()
    assert reactor._exitSignal == signal.SIGINT


def test_a_second_signal_during_shutdown_is_no_error(reactor, run_for, reports):
    waiting = Deferred()
    reactor.addSystemEventTrigger("before", "shutdown", lambda: waiting)
    reactor.callLater(0.01, os.kill, os.getpid(), signal.SIGINT)
    reactor.callLater(0.03, os.kill, os.getpid(), signal.SIGINT)
    reactor.callLater(0.06, waiting.callback, None)
    run_for(reactor)


def test_signal_handlers_can_be_left_out(reactor):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    during = []
    reactor.callWhenRunning(lambda: during.extend(map(signal.getsignal, (signal.SIGINT, signal.SIGTERM))))
    reactor.callWhenRunning(reactor.stop)
    reactor.run(installSignalHandlers=False)
    assert during == before


def test_a_sigint_handler_of_the_program_stays(reactor, run_for):
    came = []
    previous = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        reactor.callLater(0.01, os.kill, os.getpid(), signal.SIGINT)
        reactor.callLater(0.05, reactor.stop)
        run_for(reactor)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert came == [True]


def test_handlers_come_back_after_a_crash_and_after_an_error(reactor):
    before = signal.getsignal(signal.SIGTERM)
    reactor.callWhenRunning(reactor.crash)
    reactor.run()
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_handler_installed_meanwhile_stays(reactor, run_for):
    previous = signal.getsignal(signal.SIGTERM)

    def mine(number, frame):
        pass

    try:
        reactor.callWhenRunning(signal.signal, signal.SIGTERM, mine)
        reactor.callWhenRunning(reactor.stop)
        run_for(reactor)
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, previous)


def test_running_in_another_thread_installs_no_handlers(reactor):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    during = []
    reactor.callWhenRunning(lambda: during.extend(map(signal.getsignal, (signal.SIGINT, signal.SIGTERM))))
    reactor.callWhenRunning(reactor.stop)
    thread = threading.Thread(target=reactor.run)
    thread.start()
    thread.join(10)
    assert during == before


def test_sigbreak_is_handled_like_the_others(reactor, run_for):
    reactor.callWhenRunning(reactor.sigBreak, 21)
    run_for(reactor)
    assert reactor._exitSignal == 21


def test_keyboard_interrupt_without_handlers_ends_the_run(reactor):
    def interrupt():
        raise KeyboardInterrupt

    reactor.callLater(0.01, interrupt)
    with pytest.raises(KeyboardInterrupt):
        reactor.run(installSignalHandlers=False)
    assert not reactor.running
    reactor.callWhenRunning(reactor.stop)
    reactor.run()


def test_system_exit_in_a_callback_is_reported_as_twisted_does(reactor, run_for, reports):
    reactor.callLater(0, sys.exit, 3)
    reactor.callLater(0.02, reactor.stop)
    run_for(reactor)
    assert reports.pop().failure.check(SystemExit)


# -- loops ------------------------------------------------------------------------------------------------------------


def test_a_loop_that_was_passed_stays_open(make_reactor):
    reactor = make_reactor()
    loop = reactor._asyncioEventloop
    reactor.callWhenRunning(reactor.stop)
    reactor.run()
    assert not loop.is_closed()


def test_a_loop_of_our_own_is_closed_after_stop_and_its_descriptors_with_it():
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        reactor = Reactor()
        loop = reactor._asyncioEventloop
        reactor.callWhenRunning(reactor.stop)
        reactor.run()
        assert loop.is_closed()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_reactor_that_never_ran_closes_its_loop_when_it_goes():
    import gc

    reactor = Reactor()
    loop = reactor._asyncioEventloop
    del reactor
    gc.collect()
    assert loop.is_closed()


def test_a_reactor_taken_apart_as_test_helpers_do_releases_its_loop():
    reactor = Reactor()
    loop = reactor._asyncioEventloop
    reactor._uninstallHandler()
    for reader in reactor._internalReaders:
        reactor.removeReader(reader)
        reader.connectionLost(None)
    reactor._internalReaders.clear()
    reactor.disconnectAll()
    assert loop.is_closed()


def test_uvloop_is_the_default_and_becomes_the_current_loop():
    import uvloop

    reactor = Reactor()
    loop = reactor._asyncioEventloop
    assert isinstance(loop, uvloop.Loop)
    future = asyncio.ensure_future(asyncio.sleep(0), loop=asyncio.get_event_loop_policy().get_event_loop())
    assert future.get_loop() is loop
    future.add_done_callback(lambda _: reactor.stop())
    reactor.run()
    assert future.done()


def test_tasks_left_over_are_cancelled_and_generators_closed(reports):
    events = []
    reactor = Reactor()

    async def generate():
        try:
            yield 1
            yield 2
        finally:
            events.append("generator closed")

    async def linger():
        async for _ in generate():
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                events.append("cancelled")
                raise

    async def fail_late():
        try:
            await asyncio.sleep(60)
        finally:
            raise LookupError("while cleaning up")

    keep = []

    def start():
        keep.append(asyncio.ensure_future(linger()))
        keep.append(asyncio.ensure_future(fail_late()))
        reactor.callLater(0.01, reactor.stop)

    reactor.callWhenRunning(start)
    reactor.run()
    assert events[0] == "cancelled"
    assert "generator closed" in events
    assert reports.pop().failure.check(LookupError)


def test_asyncio_errors_reach_the_hub(reactor, run_for, reports):
    def start():
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: 1 / 0)
        loop.call_exception_handler({"message": "something odd", "detail": 7})
        loop.call_later(0.01, reactor.stop)

    reactor.callWhenRunning(start)
    run_for(reactor)
    by_type = {report.failure.type: report for report in reports}
    assert by_type[ZeroDivisionError].source == "asyncio"
    assert by_type[RuntimeError].message == "something odd"
    assert by_type[RuntimeError].context["detail"] == 7
    reports.clear()


def test_an_exception_handler_of_the_program_stays(loop_factory):
    loop = loop_factory()
    seen = []
    loop.set_exception_handler(lambda loop, context: seen.append(context["exception"]))
    reactor = Reactor(loop)
    reactor.callWhenRunning(lambda: loop.call_soon(lambda: 1 / 0))
    reactor.callLater(0.01, reactor.stop)
    reactor.run()
    loop.close()
    assert isinstance(seen[0], ZeroDivisionError)


def test_without_uvloop_the_loop_is_asyncios(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    reactor = Reactor()
    assert isinstance(reactor._asyncioEventloop, asyncio.SelectorEventLoop)
    reactor.callWhenRunning(reactor.stop)
    reactor.run()


def test_on_windows_the_loop_is_one_that_watches_descriptors(monkeypatch):
    monkeypatch.setattr(_loop, "IS_WINDOWS", True)
    loop = _loop.new_event_loop()
    assert isinstance(loop, asyncio.SelectorEventLoop)
    loop.close()


def test_a_proactor_is_refused():
    class ProactorEventLoop:
        pass

    with pytest.raises(TypeError, match="watches no descriptors"):
        Reactor(ProactorEventLoop())


def test_two_reactors_one_after_the_other_in_one_program(make_reactor, run_for):
    first, second = make_reactor(), make_reactor()
    events = []
    for name, reactor in (("first", first), ("second", second)):
        reactor.callLater(0.01, events.append, name)
        reactor.callLater(0.02, reactor.stop)
        run_for(reactor)
    assert events == ["first", "second"]


# -- a reactor with an engine of its own --------------------------------------------------------------------------------


class SteppedReactor(ReactorBase):
    """Waits for nothing; its clock is moved by waiting."""

    def __init__(self):
        self.now = 1000.0
        self.waits = []
        super().__init__()

    def seconds(self):
        return self.now

    def installWaker(self):
        pass

    def removeAll(self):
        return []

    def doIteration(self, delay):
        self.waits.append(delay)
        self.now += delay or 0


def test_a_subclass_with_its_own_clock_and_engine_is_a_whole_reactor(reports):
    reactor = SteppedReactor()
    events = []
    reactor.callLater(5, events.append, "five")
    reactor.callLater(2, events.append, "two")
    reactor.callLater(7, reactor.stop)
    reactor.callFromThread(events.append, "thread")
    reactor.run()
    assert events == ["thread", "two", "five"]
    assert [wait for wait in reactor.waits if wait] == [2, 3, 2]


def test_an_engine_that_fails_is_reported_and_tried_again(reports):
    class Failing(SteppedReactor):
        def doIteration(self, delay):
            super().doIteration(delay)
            if len(self.waits) == 1:
                raise OSError("no wait today")

    reactor = Failing()
    reactor.callLater(1, reactor.stop)
    reactor.run()
    assert reports.pop().failure.check(OSError)


@pytest.mark.parametrize(
    "hook",
    ["addReader", "addWriter", "removeReader", "removeWriter"],
)
def test_missing_hooks_say_what_to_override(hook):
    with pytest.raises(NotImplementedError, match=f"override {hook}"):
        getattr(SteppedReactor(), hook)(object())


def test_missing_hooks_without_arguments_say_what_to_override():
    class Bare(ReactorBase):
        def installWaker(self):
            pass

    bare = Bare()
    for hook in ("removeAll", "getReaders", "getWriters"):
        with pytest.raises(NotImplementedError, match=f"override {hook}"):
            getattr(bare, hook)()
    with pytest.raises(NotImplementedError, match="override doIteration"):
        bare.doIteration(0)
    with pytest.raises(NotImplementedError, match="override installWaker"):
        ReactorBase()


# -- error callbacks ----------------------------------------------------------------------------------------------------


def test_error_callbacks_hear_of_every_source(reactor, run_for, reports):
    seen = []
    reactor.addErrorCallback(seen.append)
    reactor.addErrorCallback(seen.append)

    def fail_with(error):
        raise error

    reactor.callLater(0, fail_with, KeyError("timer"))
    reactor.callInThread(fail_with, IndexError("thread"))
    reactor.callFromThread(fail_with, LookupError("from thread"))
    reactor.callWhenRunning(fail_with, ValueError("trigger"))
    reactor.callWhenRunning(lambda: Deferred().errback(OSError("deferred")))
    reactor.callLater(0.05, reactor.stop)
    run_for(reactor)
    assert {failure.type for failure in seen} == {KeyError, IndexError, LookupError, ValueError, OSError}
    assert len(seen) == 5
    assert {report.source for report in reports} == {"timer", "thread", "trigger", "deferred"}
    reports.clear()
    reactor.removeErrorCallback(seen.append)
    with pytest.raises(ValueError, match="never added"):
        reactor.removeErrorCallback(seen.append)


def test_a_turn_with_many_calls_from_threads_does_not_end_the_next_run(reactor):
    """They are made in parts, and each part would have the loop stop."""
    for _ in range(5 * MOST_CALLS_A_TURN):
        reactor.callFromThread(lambda: None)
    reactor.iterate(0)
    reactor.iterate(0)
    reactor.callLater(0.01, reactor.stop)
    ended = []
    reactor.addSystemEventTrigger("during", "shutdown", ended.append, True)
    reactor.run(installSignalHandlers=False)
    assert ended == [True]
