"""Test cases: what is run, what is told, and what of Selvage's own is in it."""

from __future__ import annotations

import asyncio
import gc
import os
import unittest as pyunit
import warnings
from typing import Any

import pytest

from selvage.defer import Deferred, NotACoroutineError, TimeoutError, fail, inlineCallbacks, succeed
from selvage.errors import ReactorAlreadyRunning
from selvage.failure import Failure, report
from selvage.logger import Logger, classic as log
from selvage.reactor import get_reactor
from selvage.tasks import deferLater
from selvage.testing.trial import unittest
from selvage.testing.trial.reporter import TestResult
from selvage.testing.trial.runner import TestSuite

from .running import counts, only_error, run


def test_a_deferred_a_coroutine_and_inline_callbacks_are_waited_for() -> None:
    done: list[str] = []

    class Case(unittest.TestCase):
        def test_deferred(self) -> Deferred[None]:
            d: Deferred[None] = Deferred()
            get_reactor().callLater(0, d.callback, None)
            return d.addCallback(lambda _: done.append("deferred"))

        async def test_coroutine(self) -> None:
            async with asyncio.timeout(5):
                await asyncio.get_running_loop().run_in_executor(None, int)
            done.append("coroutine")

        @inlineCallbacks
        def test_inline(self):
            yield succeed(None)
            done.append("inline")

    assert counts(run(Case)) == {"successes": 3}
    assert sorted(done) == ["coroutine", "deferred", "inline"]


def test_fixtures_and_cleanups_may_wait_and_come_in_order() -> None:
    order: list[str] = []

    class Case(unittest.TestCase):
        @classmethod
        def setUpClass(cls) -> None:
            order.append("setUpClass")

        @classmethod
        def tearDownClass(cls) -> None:
            order.append("tearDownClass")

        async def setUp(self) -> None:
            await asyncio.sleep(0)
            self.addCleanup(self.clean, "first")
            self.addCleanup(self.clean, "second")
            order.append("setUp")

        async def clean(self, which: str) -> None:
            await asyncio.sleep(0)
            order.append(which)

        def test_it(self) -> None:
            order.append("test")

        async def tearDown(self) -> None:
            await asyncio.sleep(0)
            order.append("tearDown")

    assert counts(run(Case)) == {"successes": 1}
    assert order == ["setUpClass", "setUp", "test", "second", "first", "tearDown", "tearDownClass"]


def test_class_fixtures_are_waited_for() -> None:
    order: list[str] = []

    class Base(unittest.TestCase):
        @classmethod
        async def setUpClass(cls) -> None:
            await asyncio.sleep(0)
            order.append(f"{cls.__name__} begins")

        @classmethod
        def tearDownClass(cls) -> Deferred[None]:
            return deferLater(get_reactor(), 0, order.append, "ends")

        def test_it(self) -> None:
            order.append("test")

    class Case(Base):
        @classmethod
        async def setUpClass(cls) -> None:
            await super().setUpClass()
            order.append("and more")

    assert counts(run(Case)) == {"successes": 1}
    assert order == ["Case begins", "and more", "test", "ends"]


def test_class_fixtures_that_are_mixed_in_are_waited_for() -> None:
    order: list[str] = []

    class Mixed:
        @classmethod
        async def setUpClass(cls) -> None:
            await asyncio.sleep(0)
            order.append(f"{cls.__name__} begins")

    class Base(Mixed, unittest.TestCase):
        def test_it(self) -> None:
            order.append("test")

    class Case(Base): ...

    assert counts(run(Case)) == {"successes": 1}
    assert order == ["Case begins", "test"]


@pytest.mark.parametrize(("hangs", "error"), [(True, TimeoutError), (False, KeyError)])
def test_a_class_fixture_that_waits_in_vain_or_fails_is_an_error(hangs: bool, error: type[Exception]) -> None:
    class Case(unittest.TestCase):
        timeout = 0.01

        @classmethod
        async def setUpClass(cls) -> None:
            await (Deferred() if hangs else fail(KeyError()))

        def test_it(self) -> None: ...

    result = run(Case)
    assert result.testsRun == 0
    only_error(result).trap(error)


@pytest.mark.parametrize("base", [unittest.TestCase, unittest.SynchronousTestCase])
@pytest.mark.parametrize("error", [unittest.SkipTest, pyunit.SkipTest])
def test_a_skip_in_setUpClass_skips_all_tests(base: Any, error: type[Exception]) -> None:
    class Case(base):  # type: ignore[misc]
        @classmethod
        def setUpClass(cls) -> None:
            raise error("no database")

        def test_one(self) -> None: ...
        def test_two(self) -> None: ...

    result = run(Case)
    assert counts(result) == {"skips": 1}
    assert [reason for _, reason in result.skips] == ["no database"]


def test_an_error_in_setUpClass_is_told_once_and_no_test_runs() -> None:
    class Case(unittest.TestCase):
        @classmethod
        def setUpClass(cls) -> None:
            raise RuntimeError("no database")

        def test_one(self) -> None: ...
        def test_two(self) -> None: ...

    result = run(Case)
    assert counts(result) == {"errors": 1}
    assert str(only_error(result).value) == "no database"


def test_a_failure_at_the_hub_is_an_error_of_the_test_exactly_once() -> None:
    class Case(unittest.SynchronousTestCase):
        def test_it(self) -> None:
            report(Failure(ValueError("left over")), "nobody took it", source="reactor")

        def test_taken(self) -> None:
            report(Failure(ValueError("left over")), "nobody took it", source="reactor")
            [failure] = self.flushLoggedErrors(ValueError)
            self.assertEqual(str(failure.value), "left over")

    result = run(Case)
    assert counts(result) == {"errors": 1, "successes": 1}
    assert only_error(result).check(ValueError)


def test_a_deferred_whose_failure_nobody_took_fails_its_test() -> None:
    class Case(unittest.TestCase):
        def test_it(self) -> None:
            fail(ZeroDivisionError("lost"))
            gc.collect()

    assert only_error(run(Case)).check(ZeroDivisionError)


def test_errors_of_both_log_systems_are_taken_by_type_and_the_rest_is_told() -> None:
    class Case(unittest.SynchronousTestCase):
        def test_it(self) -> None:
            log.err(ValueError("older"))
            Logger().failure("newer", Failure(KeyError("newer")))
            self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    result = run(Case)
    assert counts(result) == {"errors": 1}
    assert only_error(result).check(ValueError)


def test_a_test_that_hangs_says_what_it_waits_for() -> None:
    never: Deferred[None] = Deferred()

    async def answer() -> None:
        await never

    class Case(unittest.TestCase):
        timeout = 0.01

        async def test_it(self) -> None:
            await answer()

    failure = only_error(run(Case))
    assert failure.check(TimeoutError)
    text = str(failure.value)
    assert "(test_it) still running at 0.01 secs" in text
    assert "in answer" in text
    assert "Deferred" in text.splitlines()[-1]


def test_a_test_that_has_its_result_but_waits_in_a_callback_is_timed_out_too() -> None:
    class Case(unittest.TestCase):
        timeout = 0.01

        def test_it(self) -> Deferred[None]:
            return succeed(None).addCallback(lambda _: Deferred())

    result = run(Case)
    assert counts(result) == {"errors": 1}
    assert only_error(result).check(TimeoutError)


def test_a_test_that_fails_late_is_told_with_its_own_failure() -> None:
    class Case(unittest.TestCase):
        def test_it(self) -> Deferred[None]:
            waited: Deferred[None] = Deferred()
            get_reactor().callLater(0, waited.errback, ValueError("late"))
            return succeed(None).addCallback(lambda _: waited)

    assert str(only_error(run(Case)).value) == "late"


def test_a_generator_is_refused() -> None:
    class Case(unittest.TestCase):
        def test_it(self):
            yield

    assert "is a generator function and therefore will never run" in str(only_error(run(Case)).value)


def test_an_asynchronous_generator_is_refused() -> None:
    class Case(unittest.TestCase):
        async def test_it(self):
            yield

    assert "asynchronous generator function" in str(only_error(run(Case)).value)


def test_a_synchronous_test_that_is_a_coroutine_is_refused() -> None:
    class Case(unittest.SynchronousTestCase):
        async def test_it(self) -> None:
            self.fail("nobody awaits it")

        async def test_other(self):
            yield

    result = run(Case)
    assert counts(result) == {"errors": 2}
    told = [str(failure.value) for _, failure in result.errors]
    assert "TestCase waits for coroutines" in told[0] and "asynchronous generator function" in told[1]


def test_todo_and_skip_as_attributes_decorators_and_exceptions() -> None:
    class Case(unittest.TestCase):
        def test_fails(self) -> None:
            self.fail("as expected")

        test_fails.todo = "later"  # type: ignore[attr-defined]

        def test_fails_otherwise(self) -> None:
            raise RuntimeError

        test_fails_otherwise.todo = (ValueError, "later")  # type: ignore[attr-defined]

        def test_passes(self) -> None: ...

        test_passes.todo = "later"  # type: ignore[attr-defined]

        def test_attribute(self) -> None: ...

        test_attribute.skip = "by attribute"  # type: ignore[attr-defined]

        @pyunit.skip("by decorator")
        def test_decorated(self) -> None: ...

        def test_raises(self) -> None:
            raise unittest.SkipTest("by exception")

        def test_standard(self) -> None:
            self.skipTest("by the standard method")

    result = run(Case)
    assert counts(result) == {"errors": 1, "skips": 4, "expectedFailures": 1, "unexpectedSuccesses": 1}
    assert sorted(str(reason) for _, reason in result.skips) == [
        "by attribute",
        "by decorator",
        "by exception",
        "by the standard method",
    ]


@pytest.mark.parametrize("base", [unittest.TestCase, unittest.SynchronousTestCase])
def test_what_the_standard_decorator_expects_to_fail(base: Any) -> None:
    class Case(base):  # type: ignore[misc]
        @pyunit.expectedFailure
        def test_fails(self) -> None:
            self.fail("as expected")

        @pyunit.expectedFailure
        def test_passes(self) -> None: ...

        @pyunit.expectedFailure
        def test_with_a_reason(self) -> None:
            self.fail("as expected")

        test_with_a_reason.todo = "later"  # type: ignore[attr-defined]

    result = run(Case)
    assert counts(result) == {"expectedFailures": 2, "unexpectedSuccesses": 1}
    assert [todo.reason for _, _, todo in result.expectedFailures] == ["Test expected to fail", "later"]


def test_what_the_standard_decorator_of_a_class_expects_to_fail() -> None:
    @pyunit.expectedFailure
    class Case(unittest.TestCase):
        def test_fails(self) -> None:
            self.fail("as expected")

    assert counts(run(Case)) == {"expectedFailures": 1}


def test_warnings_that_nobody_took_are_given_when_the_test_is_over() -> None:
    class Case(unittest.SynchronousTestCase):
        def test_taken(self) -> None:
            warnings.warn("taken")
            self.assertEqual([each["message"] for each in self.flushWarnings([self.test_taken])], ["taken"])

        def test_given(self) -> None:
            warnings.warn("given")

    with pytest.warns(UserWarning, match="given") as given:
        result = run(Case)
    assert [str(each.message) for each in given] == ["given"]
    assert counts(result) == {"successes": 2}


def test_a_stop_of_the_reactor_ends_the_run() -> None:
    class Case(unittest.TestCase):
        def test_a_stops(self) -> Deferred[None]:
            get_reactor().callLater(0, lambda: get_reactor().stop())
            return Deferred()

    with pytest.raises(KeyboardInterrupt):
        run(Case)
    assert "stop" not in vars(get_reactor())


def test_an_interrupt_in_a_test_stops_the_run_after_its_cleanups() -> None:
    done: list[str] = []

    class Case(unittest.TestCase):
        def test_a(self) -> None:
            self.addCleanup(done.append, "cleaned")
            raise KeyboardInterrupt

        def test_b(self) -> None:
            done.append("went on")

    result = run(Case)
    assert result.shouldStop
    assert done == ["cleaned"]


def test_a_wait_within_a_wait_is_refused() -> None:
    class Case(unittest.TestCase):
        async def test_it(self) -> None:
            self._wait(Deferred())

    assert "running already" in str(only_error(run(Case)).value)


def test_a_wait_that_is_refused_leaves_the_one_around_it_as_it_was() -> None:
    class Case(unittest.TestCase):
        async def test_a(self) -> None:
            self.assertRaises(ReactorAlreadyRunning, self._wait, Deferred())
            get_reactor().stop()
            await Deferred()

        async def test_b(self) -> None:
            await deferLater(get_reactor(), 0)

    with pytest.raises(KeyboardInterrupt):
        run(Case, "test_a")
    assert run(Case, "test_b").wasSuccessful()


def test_what_a_test_makes_the_reactor_say_of_itself_keeps_no_other_from_waiting() -> None:
    class Case(unittest.TestCase):
        def test_a(self) -> None:
            reactor: Any = get_reactor()
            reactor.running = True

        async def test_b(self) -> None:
            await deferLater(get_reactor(), 0)

    assert run(Case).wasSuccessful()


def test_a_standard_result_hears_of_every_end() -> None:
    class Case(unittest.TestCase):
        def test_error(self) -> None:
            raise RuntimeError

        def test_fail(self) -> None:
            self.fail("so")

        def test_skip(self) -> None:
            raise unittest.SkipTest("so")

        def test_todo(self) -> None:
            self.fail("so")

        test_todo.todo = "so"  # type: ignore[attr-defined]

        def test_done(self) -> None: ...

        test_done.todo = "so"  # type: ignore[attr-defined]

        def test_ok(self) -> None: ...

    result = pyunit.TestResult()
    pyunit.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    kinds = ("errors", "failures", "skipped", "expectedFailures", "unexpectedSuccesses")
    assert [len(getattr(result, kind)) for kind in kinds] == [1, 1, 1, 1, 1]
    assert result.testsRun == 6


def test_a_standard_result_hears_reasons_as_text() -> None:
    class Case(unittest.SynchronousTestCase):
        def test_it(self) -> None:
            raise unittest.SkipTest

    result = pyunit.TestResult()
    with pytest.warns(DeprecationWarning, match="Give a reason for skipping"):
        pyunit.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert [reason for _, reason in result.skipped] == [""]


def test_a_standard_case_in_a_suite_of_trial_has_its_fixtures() -> None:
    order: list[str] = []

    class Case(pyunit.TestCase):
        @classmethod
        def setUpClass(cls) -> None:
            order.append("class")

        def test_it(self) -> None:
            order.append("test")
            for number in range(3):
                with self.subTest(number=number):
                    self.assertNotEqual(number, 1)

    result = TestResult()
    suite = TestSuite(pyunit.defaultTestLoader.loadTestsFromTestCase(Case))
    suite.run(result)
    assert order == ["class", "test"]
    [(test, failure)] = result.failures
    assert "number=1" in test.id()
    assert failure.check(AssertionError)
    suite.run(TestResult())
    assert order == ["class", "test"] * 2


def test_a_temporary_path_is_new_and_in_a_folder_of_the_test(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    class Case(unittest.SynchronousTestCase):
        def test_it(self) -> None: ...

    case = Case("test_it")
    first, second = case.mktemp(), case.mktemp()
    assert first != second
    assert first.split("/")[1:3] == ["Case", "test_it"]
    assert not (tmp_path / first).exists()
    assert (tmp_path / first).parent.is_dir()
    monkeypatch.setattr(os, "makedirs", None)
    assert case.mktemp() not in (first, second)


def test_results_of_deferreds_and_coroutines_are_asserted() -> None:
    case = unittest.SynchronousTestCase()

    async def answer() -> int:
        return 42

    async def break_down() -> None:
        raise KeyError("x")

    assert case.successResultOf(succeed(1)) == 1
    assert case.successResultOf(answer()) == 42
    assert case.failureResultOf(break_down(), KeyError).check(KeyError)
    for assertion in (case.successResultOf, case.failureResultOf, case.assertNoResult):
        with pytest.raises(NotACoroutineError, match="3"):
            assertion(3)  # type: ignore[arg-type]
    pending: Deferred[int] = Deferred()
    case.assertNoResult(pending)
    pending.callback(3)
    assert case.successResultOf(pending) == 3
    for wrong, words in (
        (lambda: case.successResultOf(Deferred()), "found no result instead"),
        (lambda: case.successResultOf(break_down()), "builtins.KeyError: 'x'"),
        (lambda: case.failureResultOf(succeed(1)), "found success result (1) instead"),
        (lambda: case.failureResultOf(break_down(), ValueError), "Failure of type (builtins.ValueError)"),
        (lambda: case.assertNoResult(succeed(1)), "found 1 instead"),
    ):
        with pytest.raises(unittest.FailTest) as raised:
            wrong()
        assert words in str(raised.value)
