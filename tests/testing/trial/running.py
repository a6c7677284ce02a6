"""Runs small test cases and suites, and tells how they went."""

from __future__ import annotations

from typing import Any

from selvage.testing.trial.reporter import TestResult
from selvage.testing.trial.runner import TestLoader


def run(case: type, *names: str) -> TestResult:
    """Run a class's tests, or those of these names, and return the result."""
    result = TestResult()
    suite: Any = TestLoader().loadClass(case)
    if names:
        suite._tests = [test for test in suite._tests if test._testMethodName in names]
    suite.run(result)
    return result


def counts(result: Any) -> dict[str, int]:
    """Return how many tests ended in which way, of the ways that there were."""
    kinds = ("errors", "failures", "skips", "expectedFailures", "unexpectedSuccesses")
    found = {"successes": result.successes, **{kind: len(getattr(result, kind)) for kind in kinds}}
    return {kind: number for kind, number in found.items() if number}


def only_error(result: Any) -> Any:
    """Return the Failure of the only error."""
    [(_, failure)] = result.errors
    return failure
