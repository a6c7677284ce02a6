"""Beside others: hypothesis, the plugins of anyio and asyncio, programs that run, and cases of trial."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = pytest.mark.slow


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
