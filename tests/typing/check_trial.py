"""What checkers make of test cases: what the assertions return, and what may be waited for."""

from __future__ import annotations

from typing import Any, assert_type

from selvage.defer import Deferred, succeed
from selvage.failure import Failure
from selvage.testing.trial import reporter, runner, unittest


class Case(unittest.TestCase):
    timeout = 5

    def setUp(self) -> None:
        self.addCleanup(self.clean, "over")
        self.addCleanup(self.clean, 7)  # type: ignore[arg-type]

    def clean(self, why: str) -> None: ...

    async def test_results(self) -> None:
        assert_type(self.failureResultOf(succeed(1), KeyError), Failure)
        assert_type(self.flushLoggedErrors(ValueError), list[Failure])
        assert_type(self.flushWarnings(), list[dict[str, Any]])
        assert_type(self.mktemp(), str)
        self.patch(self, "timeout", 1).restore()

    def test_failure(self) -> Deferred[int]:
        d: Deferred[int] = Deferred()
        return self.assertFailure(d, ValueError)


def running() -> None:
    result = reporter.TestResult()
    runner.TestLoader().loadClass(Case).run(result)
    assert_type(result.successes, int)
    assert_type(result.wasSuccessful(), bool)
    assert_type(unittest.makeTodo("later"), unittest.Todo)
    runner.TrialRunner(reporter.TreeReporter, forceGarbageCollection=True).run(Case("test_results"))
    runner.TrialRunner(reporter.TreeReporter, forceGarbage=True)  # type: ignore[call-arg]
