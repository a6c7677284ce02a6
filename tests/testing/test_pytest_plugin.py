"""The pytest plugin: each test runs a pytest of its own on a small file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from selvage.defer import Deferred, inlineCallbacks
from selvage.reactor import get_reactor
from selvage.tasks import deferLater

PATIENCE_S = 50
HEAD = """
import asyncio
import pytest
from selvage.defer import Deferred, inlineCallbacks
from selvage.reactor import get_reactor
from selvage.tasks import deferLater
"""


class Outcome:
    """What a pytest said."""

    def __init__(self, output: str) -> None:
        self.output = output
        #: By test how it ended; "passed+error" if it passed and left something behind.
        self.tests: dict[str, str] = {}
        for how, name in re.findall(
            r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL) [^\n]*?::(\w+)", output, re.MULTILINE
        ):
            known = self.tests.get(name)
            self.tests[name] = how.lower() if known is None else f"{known}+{how.lower()}"

    def section(self, test: str) -> str:
        """What is said of one test that did not pass."""
        match = re.search(
            rf"^_+ (?:ERROR at \w+ of )?{test} _+$(.*?)(?=^(?:_{{5}}|={{5}}))", self.output, re.M | re.S
        )
        assert match is not None, self.output
        return match[1]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def run(source: str, *arguments: str, mode: str = "auto", ini: str = "", conftest: str = "") -> Outcome:
        (tmp_path / "test_it.py").write_text(HEAD + dedent(source))
        (tmp_path / "conftest.py").write_text(dedent(conftest))
        (tmp_path / "pytest.ini").write_text(f"[pytest]\nselvage_mode = {mode}\n{ini}\n")
        plugins = ["-p", "no:selvage", "-p", "selvage.testing.pytest_plugin"]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-rA",
                "-p",
                "no:cacheprovider",
                *plugins,
                *arguments,
                "test_it.py",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return Outcome(done.stdout + done.stderr)

    return run


pytestmark = pytest.mark.slow


def test_tests_that_wait_run_on_the_reactor(run: Any) -> None:
    outcome = run(
        """
        async def test_coroutine():
            reactor = get_reactor()
            assert reactor.running
            assert await deferLater(reactor, 0, lambda: 5) == 5
            assert await asyncio.sleep(0, 6) == 6

        async def test_coroutine_fails():
            await asyncio.sleep(0)
            assert 1 == 2

        @inlineCallbacks
        def test_generator():
            assert (yield deferLater(get_reactor(), 0, lambda: 5)) == 5

        @inlineCallbacks
        def test_generator_fails():
            yield deferLater(get_reactor(), 0, int, "x")

        def test_deferred():
            return deferLater(get_reactor(), 0, lambda: None)

        def test_deferred_fails():
            return deferLater(get_reactor(), 0, int, "x")

        def test_plain():
            assert not get_reactor().running

        async def test_skips():
            pytest.skip("not today")

        @pytest.mark.xfail(raises=ZeroDivisionError, strict=True)
        async def test_is_expected_to_fail():
            1 / 0

        @pytest.mark.parametrize("number", [1, 2])
        async def test_parameters(number):
            assert number in (1, 2)

        class TestInClass:
            async def test_method(self):
                self.here = await asyncio.sleep(0, 1)
                assert self.here == 1

        async def test_yields():
            yield 1

        async def test_ends_with_a_stopped_reactor():
            get_reactor().stop()
            await Deferred()

        async def test_after_that():
            await asyncio.sleep(0)
        """
    )
    assert outcome.tests == {
        "test_coroutine": "passed",
        "test_coroutine_fails": "failed",
        "test_generator": "passed",
        "test_generator_fails": "failed",
        "test_deferred": "passed",
        "test_deferred_fails": "failed",
        "test_plain": "passed",
        "test_is_expected_to_fail": "xfail",
        "test_parameters": "passed+passed",
        "TestInClass": "passed",
        "test_yields": "failed",
        "test_ends_with_a_stopped_reactor": "failed",
        "test_after_that": "passed",
    }
    assert "1 skipped" in outcome.output
    assert "assert 1 == 2" in outcome.section("test_coroutine_fails")
    assert "invalid literal" in outcome.section("test_deferred_fails")
    assert "test_yields is an asynchronous generator" in outcome.section("test_yields")
    assert "the reactor was stopped before" in outcome.section("test_ends_with_a_stopped_reactor")


def test_in_strict_mode_only_marked_tests_are_ours(run: Any) -> None:
    outcome = run(
        """
        @pytest.mark.selvage
        async def test_marked():
            await deferLater(get_reactor(), 0, lambda: 5)

        async def test_unmarked():
            pass

        @pytest.mark.selvage(5)
        async def test_wrongly_marked():
            pass

        @pytest.mark.selvage(timeout="5")
        async def test_marked_with_text():
            pass
        """,
        mode="strict",
    )
    assert (outcome.tests["test_marked"], outcome.tests["test_unmarked"]) == ("passed", "failed")
    said = outcome.section("test_unmarked")
    assert "async def functions are not natively supported" in said
    assert "mark it with @pytest.mark.selvage" in said
    assert "the marker selvage takes timeout= and clean=, not 5" in outcome.output
    assert "the marker selvage takes timeout= as seconds above 0, not '5'" in outcome.output
    assert outcome.output.count("ERROR at") == 2 and "KeyError" not in outcome.output


def test_what_nobody_handled_fails_the_test(run: Any) -> None:
    outcome = run(
        """
        from selvage.logger import Logger

        async def test_forgets_a_failure():
            deferLater(get_reactor(), 0, int, "forgotten")
            await asyncio.sleep(0.01)

        async def test_takes_it(logged_failures):
            deferLater(get_reactor(), 0, int, "forgotten")
            await asyncio.sleep(0.01)
            (failure,) = logged_failures.take(ValueError)
            assert "forgotten" in str(failure.value)

        async def test_takes_another(logged_failures):
            deferLater(get_reactor(), 0, int, "forgotten")
            await asyncio.sleep(0.01)
            assert logged_failures.take(KeyError) == []
            assert len(logged_failures) == 1

        async def test_logs_one():
            try:
                1 / 0
            except ZeroDivisionError:
                Logger().failure("it went wrong")

        def test_plain(logged_failures):
            Deferred().errback(KeyError("left"))

        async def test_fails_and_forgets():
            deferLater(get_reactor(), 0, int, "forgotten")
            await asyncio.sleep(0.01)
            assert not "on its own"

        async def test_the_same_again():
            deferLater(get_reactor(), 0, int, "forgotten")
            await asyncio.sleep(0.01)

        async def test_innocent():
            await asyncio.sleep(0)
        """
    )
    assert outcome.tests == {
        "test_forgets_a_failure": "failed",
        "test_takes_it": "passed",
        "test_takes_another": "failed",
        "test_logs_one": "failed",
        "test_plain": "failed",
        "test_fails_and_forgets": "failed",
        "test_the_same_again": "failed",
        "test_innocent": "passed",
    }
    said = outcome.section("test_forgets_a_failure")
    assert "1 failure that nobody handled" in said and "invalid literal" in said
    assert "it went wrong" in outcome.section("test_logs_one")
    assert "Failures that nobody handled" in outcome.section("test_fails_and_forgets")


LEAVES = """
    import socket, threading, time
    from selvage.endpoints import TCP4ClientEndpoint, connectProtocol
    from selvage.protocols import Factory, ProcessProtocol, Protocol
    from selvage.reactor import deferToThread
    from selvage.tasks import Clock

    kept = []

    async def test_leaves_a_call():
        get_reactor().callLater(1000, print, "late")

    async def test_leaves_a_port():
        get_reactor().listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")

    async def test_leaves_a_task():
        asyncio.ensure_future(asyncio.sleep(1000))
        await asyncio.sleep(0)

    async def test_leaves_a_deferred():
        kept.append(Deferred())

    @pytest.mark.selvage(clean=False)
    async def test_may_leave_what_it_wants():
        kept.append(Deferred())

    def test_plain_leaves_a_call(reactor):
        reactor.callLater(1000, print, "late")

    async def test_leaves_a_connection():
        port = get_reactor().listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        endpoint = TCP4ClientEndpoint(get_reactor(), "127.0.0.1", port.getHost().port)
        await connectProtocol(endpoint, Protocol())
        await port.stopListening()

    async def test_leaves_a_process():
        get_reactor().spawnProcess(ProcessProtocol(), "sleep", ["sleep", "1000"])

    async def test_leaves_pipes():
        over = Deferred()

        class Ends(ProcessProtocol):
            def processExited(self, reason):
                over.callback(None)

        # Its own child has the pipes until the first of them is closed.
        get_reactor().spawnProcess(Ends(), "sh", ["sh", "-c", "exec 3<&0; cat <&3 &"])
        await over

    async def test_leaves_a_descriptor():
        kept.append(socket.socketpair())
        get_reactor().addReader(Readable(kept[-1][0]))

    class Readable:
        def __init__(self, socket):
            self.fileno = socket.fileno

        def logPrefix(self):
            return "readable"

    async def test_leaves_a_thread():
        gate = threading.Event()
        kept.append(gate)
        threading.Thread(target=gate.wait, name="forgotten").start()

    def test_lets_the_thread_go():
        kept[-1].set()

    async def test_uses_threads():
        thread = threading.Thread(target=time.sleep, args=(0.05,))  # it ends, though nobody joins it
        thread.start()
        assert await asyncio.to_thread(int, "5") == await deferToThread(int, "5")

    async def test_leaves_nothing():
        port = get_reactor().listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
        await port.stopListening()
        clock = Clock()
        clock.callLater(1000, print)
"""


def test_what_is_left_behind_is_an_error(run: Any) -> None:
    outcome = run(LEAVES)
    assert outcome.tests == {
        "test_leaves_a_call": "passed+error",
        "test_leaves_a_port": "passed+error",
        "test_leaves_a_task": "passed+error",
        "test_leaves_a_deferred": "passed+error",
        "test_may_leave_what_it_wants": "passed",
        "test_plain_leaves_a_call": "passed+error",
        "test_leaves_a_connection": "passed+error",
        "test_leaves_a_process": "passed+error",
        "test_leaves_pipes": "passed+error",
        "test_leaves_a_descriptor": "passed+error",
        "test_leaves_a_thread": "passed+error",
        "test_lets_the_thread_go": "passed",
        "test_uses_threads": "passed",
        "test_leaves_nothing": "passed",
    }
    assert "delayed call: <DelayedCall" in outcome.section("test_leaves_a_call")
    assert "port: <<class 'selvage.transports.tcp.Port'>" in outcome.section("test_leaves_a_port")
    assert "await its stopListening()" in outcome.section("test_leaves_a_port")
    assert (
        len(
            re.findall(
                r"connection: Protocol, 127.0.0.1:\d+ to 127", outcome.section("test_leaves_a_connection")
            )
        )
        == 2
    )
    (pid,) = re.findall(r"process: <Process pid=(\d+)", outcome.section("test_leaves_a_process"))
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    assert "process: <Process pid=None" in outcome.section("test_leaves_pipes")
    assert "watched by the reactor: <test_it.Readable" in outcome.section("test_leaves_a_descriptor")
    assert "thread: <Thread(forgotten" in outcome.section("test_leaves_a_thread")
    assert "asyncio task: <Task" in outcome.section("test_leaves_a_task")
    assert "without a result: Deferred at" in outcome.section("test_leaves_a_deferred")
    assert "selvage_debug = true says where" in outcome.section("test_leaves_a_deferred")


def test_in_debug_mode_it_says_where_it_was_made(run: Any) -> None:
    names = [f"test_leaves_a_{what}" for what in ("call", "deferred", "port")]
    outcome = run(LEAVES, "-k", " or ".join(names), ini="selvage_debug = true")
    for name in names:
        # Of the stack only what the test itself has called.
        assert re.findall(r"made in File .*?(\w+\.py).* in (\w+)", outcome.section(name)) == [
            ("test_it.py", name)
        ]


def test_a_test_that_does_not_end_is_cancelled_and_says_what_it_waits_for(run: Any) -> None:
    outcome = run(
        """
        @pytest.mark.selvage(timeout=0.05)
        async def test_waits():
            await deep()

        async def deep():
            await Deferred()

        cleaned = []

        @pytest.mark.selvage(timeout=0.05)
        async def test_cleans_up():
            try:
                await Deferred()
            finally:
                await asyncio.sleep(0)
                cleaned.append(True)

        def test_has_cleaned_up():
            assert cleaned

        @pytest.mark.selvage(timeout=0.05)
        async def test_does_not_give_up():
            while True:
                try:
                    await asyncio.sleep(1000)
                except BaseException:
                    pass

        gates = []

        @pytest.mark.selvage(timeout=0.05)
        async def test_goes_on_after_its_time():
            for _ in range(2):  # cancelled in the first
                gates.append(Deferred())
                try:
                    await gates[-1]
                except BaseException:
                    pass

        async def test_is_not_ended_by_the_one_before():
            gates[-1].callback(None)
            for _ in range(10):
                await asyncio.sleep(0)

        async def test_default():
            await Deferred()

        @pytest.mark.selvage(timeout=0.01)
        async def test_is_late_and_done():
            import time
            time.sleep(0.05)
        """,
        ini="selvage_timeout = 0.06",
    )
    for name in ("test_is_late_and_done", "test_has_cleaned_up", "test_is_not_ended_by_the_one_before"):
        assert outcome.tests.pop(name) == "passed"
    assert {how.partition("+")[0] for how in outcome.tests.values()} == {"failed"}
    said = outcome.section("test_waits")
    assert "test_waits is not done after 0.05 s" in said
    assert "in deep" in said
    assert "after 0.06 s" in outcome.section("test_default")


def test_what_pytest_is_told_in_a_callback_counts_for_the_test(run: Any) -> None:
    outcome = run(
        """
        async def test_fails():
            get_reactor().callLater(0, pytest.fail, "told from a callback")
            await Deferred()

        async def test_fails_from_a_thread():
            get_reactor().callInThread(pytest.fail, "told from a thread")
            await Deferred()

        async def test_skips():
            get_reactor().callLater(0, pytest.skip, "not today")
            await Deferred()

        @pytest.mark.timeout(0.2, func_only=True)
        async def test_of_pytest_timeout():
            await Deferred()

        async def test_goes_on():
            await asyncio.sleep(0)
        """
    )
    names = ("test_fails", "test_fails_from_a_thread", "test_of_pytest_timeout")
    assert outcome.tests == {**dict.fromkeys(names, "failed"), "test_goes_on": "passed"}
    assert "1 skipped" in outcome.output
    said = outcome.section("test_fails")
    assert "told from a callback" in said and "waits for Deferred" in said
    assert "Failures that nobody handled" not in said
    assert "told from a thread" in outcome.section("test_fails_from_a_thread")
    assert "from pytest-timeout" in outcome.section("test_of_pytest_timeout")


def test_an_interrupt_ends_the_run(run: Any) -> None:
    outcome = run(
        """
        import os, signal

        async def test_is_interrupted():
            os.kill(os.getpid(), signal.SIGINT)
            await Deferred()

        async def test_does_not_run():
            pass
        """
    )
    assert outcome.tests == {}
    assert "KeyboardInterrupt" in outcome.output and "no tests ran" in outcome.output


def test_fixtures_that_wait(run: Any) -> None:
    outcome = run(
        """
        from selvage.protocols import Factory, Protocol

        log = []

        @pytest.fixture
        async def number():
            return await asyncio.sleep(0, 5)

        @pytest.fixture
        async def resource(number):
            log.append("open")
            await asyncio.sleep(0)
            yield number + 1
            await asyncio.sleep(0)
            log.append("closed")

        @pytest.fixture(scope="module")
        async def server(reactor):
            port = reactor.listenTCP(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
            yield port
            await port.stopListening()
            log.append("stopped")

        @pytest.fixture
        @inlineCallbacks
        def old_style():
            return (yield deferLater(get_reactor(), 0, lambda: "old"))

        async def test_values(resource, old_style):
            assert (resource, old_style, log) == (6, "old", ["open"])

        def test_plain_test_with_fixture_that_waits(number):
            assert log == ["open", "closed"]
            assert number == 5

        async def test_server(server):
            assert server.getHost().port

        async def test_the_same_server(server):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.getHost().port)
            writer.close()
            await writer.wait_closed()

        class TestInClass:
            @pytest.fixture
            async def mine(self):
                self.here = 1
                yield self

            async def test_instance(self, mine):
                assert mine is self and self.here == 1

        @pytest.fixture
        async def broken():
            await asyncio.sleep(0)
            1 / 0

        async def test_broken_fixture(broken):
            pass

        @pytest.fixture
        async def greedy():
            yield 1
            yield 2

        async def test_greedy_fixture(greedy):
            pass

        async def test_dynamic(request):
            request.getfixturevalue("number")
        """
    )
    assert outcome.tests == {
        "test_values": "passed",
        "test_plain_test_with_fixture_that_waits": "passed",
        "test_server": "passed",
        "test_the_same_server": "passed",
        "TestInClass": "passed",
        "test_broken_fixture": "error",
        "test_greedy_fixture": "passed+error",
        "test_dynamic": "failed",
    }
    assert "has to be named as an argument" in outcome.output
    assert "fixture greedy yields more than once" in outcome.output


def test_the_other_fixtures(run: Any) -> None:
    outcome = run(
        """
        import socket
        from selvage.tasks import Clock
        from selvage.testing import MemoryReactorClock

        def test_clock(clock, memory_reactor, reactor, unused_port):
            assert type(clock) is Clock and type(memory_reactor) is MemoryReactorClock
            assert reactor is get_reactor()
            socket.create_server(("127.0.0.1", unused_port)).close()
        """,
        mode="strict",
    )
    assert outcome.tests == {"test_clock": "passed"}


def test_a_fixture_of_the_same_name_is_none_of_ours(run: Any) -> None:
    outcome = run(
        """
        @pytest.fixture
        def reactor():
            return "a nuclear one"

        def test_theirs(reactor):
            assert reactor == "a nuclear one"
            Deferred().errback(KeyError("left"))
        """
    )
    assert outcome.tests == {"test_theirs": "passed"}


def test_hypothesis_calls_tests_that_wait(run: Any) -> None:
    outcome = run(
        """
        from hypothesis import given, settings, strategies as st

        seen = []

        @given(st.integers(0, 5))
        @settings(max_examples=10, database=None)
        async def test_property(number):
            seen.append(await asyncio.sleep(0, number))
            assert number < 4

        def test_it_ran():
            assert 4 in seen
        """
    )
    assert outcome.tests == {"test_property": "failed", "test_it_ran": "passed"}
    assert "number=4" in outcome.section("test_property")


def test_beside_anyio_and_asyncio(run: Any) -> None:
    source = """
        import pytest_asyncio

        @pytest.mark.anyio
        async def test_anyio():
            import sniffio
            assert asyncio.get_running_loop() is not None
            await asyncio.sleep(0)

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest_asyncio.fixture
        async def theirs():
            yield await asyncio.sleep(0, 3)

        @pytest.mark.asyncio
        async def test_asyncio(theirs):
            assert theirs == 3
            get_reactor()

        async def test_ours():
            assert get_reactor().running
            await deferLater(get_reactor(), 0, lambda: None)

        @pytest.mark.asyncio
        async def test_asyncio_again(theirs):
            await deferLater(get_reactor(), 0, lambda: None)

        async def test_ours_again():
            await deferLater(get_reactor(), 0, lambda: None)
    """
    outcome = run(source.replace("            import sniffio\n", ""), "-p", "anyio", "-p", "asyncio")
    assert outcome.tests == dict.fromkeys(
        ["test_anyio", "test_asyncio", "test_ours", "test_asyncio_again", "test_ours_again"], "passed"
    ), outcome.output


def test_tests_that_run_reactors_of_their_own(run: Any) -> None:
    outcome = run(
        """
        import selvage

        async def main():
            await deferLater(get_reactor(), 0, lambda: None)

        def test_runs_a_program():
            selvage.run(main)

        async def test_waits():
            await main()

        def test_runs_asyncio():
            asyncio.run(main())

        async def test_waits_again():
            await main()

        def test_runs_a_program_again(reactor):
            selvage.run(main)
        """
    )
    assert set(outcome.tests.values()) == {"passed"} and len(outcome.tests) == 5, outcome.output


def test_cases_of_trial_run_as_under_trial(run: Any) -> None:
    outcome = run(
        """
        import selvage
        from selvage.testing.trial.unittest import SynchronousTestCase, TestCase

        def test_stops_the_reactor():
            async def main():
                await deferLater(get_reactor(), 0, lambda: None)
            selvage.run(main)

        class Waiting(TestCase):
            def setUp(self):
                return deferLater(get_reactor(), 0, setattr, self, "ready", True)

            def test_deferred(self):
                return deferLater(get_reactor(), 0, self.assertTrue, self.ready)

            async def test_coroutine(self):
                self.assertEqual(await deferLater(get_reactor(), 0, lambda: 5), 5)

            def test_deferred_fails(self):
                return deferLater(get_reactor(), 0, self.fail, "as told")

            def test_leaves_a_call(self):
                get_reactor().callLater(1000, print)

            def test_logs(self):
                Deferred().errback(KeyError("left"))
                self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

            def test_skips(self):
                pass
            test_skips.skip = "not today"

            def test_todo(self):
                self.fail("later")
            test_todo.todo = "later"

        class Plain(SynchronousTestCase):
            def test_result(self):
                self.assertNoResult(Deferred())

        async def test_waits_after_that():
            await deferLater(get_reactor(), 0, lambda: None)
        """
    )
    ended = dict(
        re.findall(r"^(\w+) [^\n]*?::(?:\w+::)?(test_\w+)", outcome.output, re.M)
        and [
            (name, how)
            for how, name in re.findall(r"^([A-Z]+) [^\n]*?::(?:\w+::)?(test_\w+)", outcome.output, re.M)
        ]
    )
    assert ended == {
        "test_stops_the_reactor": "PASSED",
        "test_deferred": "PASSED",
        "test_coroutine": "PASSED",
        "test_deferred_fails": "FAILED",
        "test_leaves_a_call": "FAILED",
        "test_logs": "PASSED",
        "test_todo": "XFAIL",
        "test_result": "PASSED",
        "test_waits_after_that": "PASSED",
    }, outcome.output
    assert "1 skipped" in outcome.output
    assert "as told" in outcome.output
    assert "Reactor was unclean" in outcome.output


def test_faults_are_in_the_report_of_a_failed_test(run: Any) -> None:
    outcome = run(
        """
        from selvage.testing import AccumulatingProtocol
        from selvage.testing.faults import Cut, FaultPlan

        def test_under_faults():
            plan = FaultPlan(Cut(at=3), seed=77)
            pair = plan.connect(AccumulatingProtocol(), AccumulatingProtocol())
            pair.first.protocol.write(b"hello")
            plan.settle(pair)
            assert pair.second.protocol.data == b"hello"
        """,
        mode="strict",
    )
    said = outcome.section("test_under_faults")
    assert "Faults injected" in said
    assert "SELVAGE_FAULT_SEED=77" in said and "connection 1, sent, at 3: cut" in said


@pytest.mark.parametrize(
    ("mode", "ini", "words"),
    [
        ("sometimes", "", 'selvage_mode is "auto" or "strict", not'),
        ("auto", "selvage_timeout = soon", "selvage_timeout is a number of seconds, not 'soon'"),
        ("auto", "selvage_timeout = -1", "selvage_timeout has to be above 0"),
    ],
)
def test_settings_that_make_no_sense(run: Any, mode: str, ini: str, words: str) -> None:
    assert words in run("", mode=mode, ini=ini).output


def test_the_plugin_imports_nothing_of_selvage_that_is_not_needed(run: Any) -> None:
    outcome = run("")
    program = "import selvage.testing.pytest_plugin, sys; print([m for m in sys.modules if m.startswith('selvage.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "['selvage._publish', 'selvage.testing', 'selvage.testing.pytest_plugin']"
    ), outcome.output


# --- Selvage's own tests use it ------------------------------------------------------------------------------------


async def test_here_too(reactor: Any) -> None:
    assert reactor is get_reactor() and reactor.running
    assert await deferLater(reactor, 0, lambda: 5) == 5


@inlineCallbacks
def test_here_too_in_the_old_style(logged_failures: Any) -> Any:
    Deferred().errback(KeyError("taken"))
    assert (yield deferLater(get_reactor(), 0, lambda: 5)) == 5
    assert [failure.type for failure in logged_failures.take()] == [KeyError]
