"""What nobody handled fails a test, and what is in the report of one that has failed."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.slow


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
