"""How a test counts that skips, fails or is stopped where that is unusual: as under Twisted's trial."""

from __future__ import annotations

import contextlib
import sys
import unittest as pyunit
from pathlib import Path
from typing import Any

import pytest

from selvage.testing.trial import runner, unittest
from selvage.testing.trial.reporter import TestResult

from .running import counts, run

Both = pytest.mark.parametrize("base", [unittest.TestCase, unittest.SynchronousTestCase])


@Both
def test_the_nearest_attribute_counts_even_if_it_is_none(base: Any) -> None:
    class Case(base):  # type: ignore[misc]
        skip = "not here"

        def test_it(self) -> None: ...

        def test_nevertheless(self) -> None: ...

        test_nevertheless.skip = None  # type: ignore[attr-defined]

    assert counts(run(Case)) == {"skips": 1, "successes": 1}


@Both
@pytest.mark.parametrize("thing", [contextlib.suppress, pyunit.skip])
def test_a_module_may_import_what_is_called_like_an_attribute(
    base: Any, thing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], thing.__name__, thing, raising=False)

    class Case(base):  # type: ignore[misc]
        def test_it(self) -> None: ...

    assert counts(run(Case)) == {"successes": 1}


@Both
def test_a_skip_in_setUp_counts_whatever_is_expected(base: Any) -> None:
    class Case(base):  # type: ignore[misc]
        def setUp(self) -> None:
            raise unittest.SkipTest("not here")

        def test_it(self) -> None: ...

        test_it.todo = "later"  # type: ignore[attr-defined]

    assert counts(run(Case)) == {"skips": 1}


@Both
def test_it_is_too_late_to_skip_in_a_cleanup(base: Any) -> None:
    class Case(base):  # type: ignore[misc]
        def clean(self) -> None:
            raise unittest.SkipTest("not here")

        def test_it(self) -> None:
            self.addCleanup(self.clean)

    assert counts(run(Case)) == {"errors": 1}


@pytest.mark.parametrize(
    ("base", "kind"), [(unittest.TestCase, "errors"), (unittest.SynchronousTestCase, "skips")]
)
def test_a_skip_in_tearDown(base: Any, kind: str) -> None:
    class Case(base):  # type: ignore[misc]
        def tearDown(self) -> None:
            raise unittest.SkipTest("not here")

        def test_it(self) -> None: ...

    assert counts(run(Case)) == {kind: 1}


@pytest.mark.parametrize(
    ("base", "kind"), [(unittest.TestCase, "expectedFailures"), (unittest.SynchronousTestCase, "skips")]
)
def test_a_skip_of_a_test_that_is_to_fail(base: Any, kind: str) -> None:
    class Case(base):  # type: ignore[misc]
        def test_it(self) -> None:
            raise unittest.SkipTest("not here")

        test_it.todo = "later"  # type: ignore[attr-defined]

    assert counts(run(Case)) == {kind: 1}


def test_a_skip_of_a_test_that_is_to_fail_otherwise() -> None:
    class Case(unittest.TestCase):
        def test_it(self) -> None:
            raise unittest.SkipTest("not here")

        test_it.todo = (ValueError, "later")  # type: ignore[attr-defined]

    assert counts(run(Case)) == {"skips": 1}


@Both
@pytest.mark.parametrize("where", ["setUp", "test_a", "tearDown", "clean"])
def test_an_interrupt_is_an_error_and_ends_the_run(base: Any, where: str) -> None:
    def interrupt(self: Any = None) -> None:
        raise KeyboardInterrupt

    class Case(base):  # type: ignore[misc]
        def test_a(self) -> None:
            if where == "clean":
                self.addCleanup(interrupt)

        def test_b(self) -> None: ...

    if where != "clean":
        setattr(Case, where, interrupt)
    result = run(Case)
    assert (result.testsRun, counts(result)) == (1, {"errors": 1})
    assert not result.wasSuccessful()


@pytest.mark.parametrize("error", ["SystemExit(0)", "GeneratorExit()", "RuntimeError()"])
def test_a_module_that_ends_the_program_is_an_error_of_that_module(
    error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "test_that_ends.py").write_text(f"raise {error}")
    result = TestResult()
    runner.TestLoader().loadByNames(["test_that_ends"]).run(result)
    assert counts(result) == {"errors": 1}
    assert "test_that_ends" not in sys.modules


def test_an_interrupt_while_a_module_is_imported_is_none_of_its_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "test_that_is_stopped.py").write_text("raise KeyboardInterrupt")
    loader = runner.TestLoader()
    for load in (
        lambda: loader.loadByNames(["test_that_is_stopped"]),
        lambda: loader.loadByName("test_that_is_stopped"),
    ):
        with pytest.raises(KeyboardInterrupt):
            load()
