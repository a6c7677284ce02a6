"""Tests that wait run on the reactor: whose they are, and how they end."""

from __future__ import annotations

from typing import Any

import pytest

from selvage.defer import Deferred, inlineCallbacks
from selvage.reactor import get_reactor
from selvage.tasks import deferLater

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


# --- Selvage's own tests use it ------------------------------------------------------------------------------------


async def test_here_too(reactor: Any) -> None:
    assert reactor is get_reactor() and reactor.running
    assert await deferLater(reactor, 0, lambda: 5) == 5


@inlineCallbacks
def test_here_too_in_the_old_style(logged_failures: Any) -> Any:
    Deferred().errback(KeyError("taken"))
    assert (yield deferLater(get_reactor(), 0, lambda: 5)) == 5
    assert [failure.type for failure in logged_failures.take()] == [KeyError]
