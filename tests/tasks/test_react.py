"""`react`: from main function to exit code."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from selvage.defer import Deferred, fail, succeed
from selvage.errors import NotACoroutineError, ReactorNotRunning
from selvage.tasks import Clock, deferLater, react
from tests.reports import collected_reports


class Reactor(Clock):
    """As much of a reactor as `react` asks for; it runs until it is stopped or nothing is left to do."""

    def __init__(self):
        super().__init__()
        self.running = False
        self.hooks, self.triggers, self.stops = [], [], 0

    def callWhenRunning(self, function, *args):
        if self.running:
            function(*args)
        else:
            self.hooks.append((function, args))

    def addSystemEventTrigger(self, phase, event, function, *args):
        assert event == "shutdown"
        self.triggers.append((phase, function, args))

    def run(self):
        self.running = True
        for function, args in self.hooks:
            function(*args)
        while self.running:
            assert self.calls, "nothing will ever stop this reactor"
            self.advance(self.calls[0].getTime() - self.seconds())
        for phase in ("before", "during"):
            for trigger_phase, function, args in self.triggers:
                if phase == trigger_phase:
                    function(*args)

    def stop(self):
        if not self.running:
            raise ReactorNotRunning()
        self.stops += 1
        self.running = False


@pytest.fixture
def reactor():
    return Reactor()


@pytest.fixture
def reports():
    with collected_reports() as seen:
        yield seen


def exit_code(main, *args, reactor):
    with pytest.raises(SystemExit) as caught:
        react(main, *args, _reactor=reactor)
    assert not reactor.running
    return caught.value.code


def test_runs_until_the_coroutine_is_done(reactor):
    async def main(given, word):
        assert given is reactor
        await deferLater(given, 2)
        return word

    assert exit_code(main, ["word"], reactor=reactor) == 0
    assert (reactor.seconds(), reactor.stops) == (2, 1)


@pytest.mark.parametrize("main", [lambda _: succeed(1), lambda r: deferLater(r, 0)])
def test_runs_until_the_deferred_fires(reactor, main):
    assert exit_code(main, reactor=reactor) == 0


def test_a_failure_is_reported_and_gives_1(reactor, reports):
    async def main(reactor):
        raise ValueError("no good")

    assert exit_code(main, reactor=reactor) == 1
    [report] = reports
    assert (report.failure.type, report.message) == (ValueError, "main function encountered error")


@pytest.mark.parametrize("code", [0, 23, "in words", None])
def test_system_exit_gives_its_code(reactor, reports, code):
    assert exit_code(lambda _: fail(SystemExit(code)), reactor=reactor) == code
    assert reports == []


def test_what_main_raises_before_it_returns_anything_is_raised(reactor):
    with pytest.raises(ZeroDivisionError):
        react(lambda _: 1 / 0, _reactor=reactor)


def test_main_has_to_return_something_to_wait_for(reactor):
    with pytest.raises(NotACoroutineError):
        react(lambda _: None, _reactor=reactor)


def test_stopping_the_reactor_ends_it_without_the_result(reactor):
    def main(reactor):
        reactor.callLater(1, reactor.stop)
        return Deferred()

    assert exit_code(main, reactor=reactor) == 0


@pytest.mark.parametrize("how", ["callback", "errback"])
def test_a_result_that_comes_during_shutdown_does_not_stop_twice(reactor, reports, how):
    def main(reactor):
        done = Deferred()
        reactor.callLater(1, reactor.stop)
        reactor.addSystemEventTrigger("during", "shutdown", getattr(done, how), ValueError())
        return done

    assert exit_code(main, reactor=reactor) == (0 if how == "callback" else 1)
    assert reactor.stops == 1


def test_a_result_in_the_same_breath_as_stop_does_not_stop_twice(reactor):
    def main(reactor):
        done = Deferred()

        def both():
            reactor.stop()
            done.callback(None)

        reactor.callWhenRunning(both)
        return done

    assert exit_code(main, reactor=reactor) == 0
    assert reactor.stops == 1


def program(text):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=30, check=False
    )


@pytest.mark.slow
def test_on_the_real_reactor():
    done = program(
        """
        from selvage.tasks import deferLater, react

        async def main(reactor, word):
            print(await deferLater(reactor, 0.01, word.upper))

        react(main, ["done"])
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "DONE\n", "")


@pytest.mark.slow
def test_a_failure_is_printed_once():
    done = program(
        """
        from selvage.tasks import react

        async def main(reactor):
            raise ValueError("no good")

        react(main)
        """
    )
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    assert "main function encountered error" in done.stderr
    assert "ValueError: no good" in done.stderr


@pytest.mark.slow
def test_the_exit_code_of_a_program():
    done = program(
        """
        import sys
        from selvage.tasks import react

        async def main(reactor):
            sys.exit(7)

        react(main)
        """
    )
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.slow
def test_repeated_calls_and_common_tasks_on_the_real_reactor():
    done = program(
        """
        from selvage.tasks import LoopingCall, coiterate, react

        async def main(reactor):
            seen = []
            loop = LoopingCall(lambda: seen.append(1) or len(seen) == 3 and loop.stop())
            await loop.start(0.01)
            await coiterate(seen.append(2) for _ in range(3))
            print(seen)

        react(main)
        """
    )
    assert (done.stdout, done.stderr) == ("[1, 1, 1, 2, 2, 2]\n", "")
