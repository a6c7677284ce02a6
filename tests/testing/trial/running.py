"""Runs small test cases and suites, and the command on files with some, and tells how they went."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path
from typing import Any

from selvage.testing.trial import command, runner
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


SAMPLE = """
    from selvage.testing.trial import unittest

    class ATests(unittest.TestCase):
        def test_fail(self): self.assertEqual(1, 2)
        def test_ok(self): pass
        def test_skip(self): raise unittest.SkipTest("no")
        def test_todo(self): self.fail("x")
        test_todo.todo = "later"
        def test_todo_ok(self): pass
        test_todo_ok.todo = "later"
        def test_wrong(self): raise RuntimeError("boom")
"""


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def ids(suite: Any) -> list[str]:
    return [test.id() for test in runner._iterateTests(suite)]


def options(*arguments: str) -> command.Options:
    """Read a command line."""
    config = command.Options()
    config.parseOptions(list(arguments))
    return config


def run_command(*arguments: str) -> tuple[Any, str]:
    """Run the command in this process; return the result and what was written."""
    config = options(*arguments)
    trial = command._makeRunner(config)
    trial.stream = io.StringIO()
    return trial.run(command._getSuite(config)), trial.stream.getvalue()
