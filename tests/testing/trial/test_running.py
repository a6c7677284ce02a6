"""Loading tests, running them in a folder of their own, and what reporters write."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from selvage.failure import Failure, collectors, report
from selvage.logger import Logger
from selvage.testing.trial import reporter, runner, unittest
from selvage.testing.trial.reporter import TestResult

from .running import SAMPLE, counts, ids, write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which and from which is run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_names_of_modules_classes_methods_packages_and_files_are_found(here: Path) -> None:
    write(here, "found_pkg/__init__.py", "")
    write(here, "found_pkg/test_one.py", SAMPLE)
    write(here, "found_pkg/below/__init__.py", "")
    write(here, "found_pkg/below/test_two.py", SAMPLE)
    loader = runner.TestLoader()
    whole = [f"found_pkg.test_one.ATests.{name}" for name in ("test_fail", "test_ok", "test_skip")]
    assert ids(loader.loadByName("found_pkg.test_one"))[:3] == whole
    assert len(ids(loader.loadByName("found_pkg.test_one.ATests"))) == 6
    assert ids(loader.loadByName("found_pkg.test_one.ATests.test_ok")) == [whole[1]]
    assert len(ids(loader.loadByName("found_pkg"))) == 6
    assert len(ids(loader.loadByName("found_pkg", recurse=True))) == 12
    assert len(ids(loader.loadByName("found_pkg/below/test_two.py"))) == 6
    # Nothing twice, whatever it is called.
    assert (
        len(ids(loader.loadByNames(["found_pkg.test_one", "found_pkg/test_one.py", "found_pkg.test_one"])))
        == 6
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module_here", "No module named 'no_such_module_here'"),
        ("os.nothing", "has no attribute 'nothing'"),
        ("no_such_module_here.x", "'no_such_module_here.x' does not name an object"),
        ("nowhere/test_it.py", "'nowhere/test_it.py' doesn't exist"),
    ],
)
def test_what_cannot_be_found_is_an_error_of_that_name(name: str, words: str) -> None:
    result = TestResult()
    runner.TestLoader().loadByName(name).run(result)
    [(test, failure)] = result.errors
    assert test.id() == name
    assert words in str(failure.value)


def test_a_module_that_cannot_be_imported_is_an_error_and_the_others_run(here: Path) -> None:
    write(here, "broken_pkg/__init__.py", "")
    write(here, "broken_pkg/test_a.py", "import no_such_thing_at_all")
    write(here, "broken_pkg/test_b.py", SAMPLE)
    result = TestResult()
    runner.TestLoader().loadByName("broken_pkg").run(result)
    assert [test.id() for test, _ in result.errors] == [
        "broken_pkg.test_a",
        "broken_pkg.test_b.ATests.test_wrong",
    ]


def run_sample(here: Path, kind: Any, **options: Any) -> str:
    path = write(here, "test_written.py", SAMPLE)
    sys.modules.pop("test_written", None)
    stream = io.StringIO()
    trial = runner.TrialRunner(kind, stream=stream, **options)
    trial.run(runner.TestLoader().loadByName(str(path)))
    return re.sub(r"\d+\.\d+s", "0.001s", stream.getvalue().replace(str(here), "HERE"))


def test_the_tree(here: Path) -> None:
    assert run_sample(here, reporter.TreeReporter) == textwrap.dedent(
        """\
        test_written
          ATests
            test_fail ...                                                        [FAIL]
            test_ok ...                                                            [OK]
            test_skip ...                                                     [SKIPPED]
            test_todo ...                                                        [TODO]
            test_todo_ok ...                                               [SUCCESS!?!]
            test_wrong ...                                                      [ERROR]

        ===============================================================================
        [SKIPPED]
        no

        test_written.ATests.test_skip
        ===============================================================================
        [TODO]
        Reason: 'later'
        Traceback (most recent call last):
          File "HERE/test_written.py", line 8, in test_todo
            def test_todo(self): self.fail("x")
        selvage.testing.trial.unittest.FailTest: x

        test_written.ATests.test_todo
        ===============================================================================
        [FAIL]
        Traceback (most recent call last):
          File "HERE/test_written.py", line 5, in test_fail
            def test_fail(self): self.assertEqual(1, 2)
        selvage.testing.trial.unittest.FailTest: 1 != 2

        test_written.ATests.test_fail
        ===============================================================================
        [ERROR]
        Traceback (most recent call last):
          File "HERE/test_written.py", line 12, in test_wrong
            def test_wrong(self): raise RuntimeError("boom")
        builtins.RuntimeError: boom

        test_written.ATests.test_wrong
        ===============================================================================
        [SUCCESS!?!]
        Reason: 'later'

        test_written.ATests.test_todo_ok
        -------------------------------------------------------------------------------
        Ran 6 tests in 0.001s

        FAILED (skips=1, expectedFailures=1, failures=1, errors=1, unexpectedSuccesses=1, successes=1)
        """
    )


@pytest.mark.parametrize(
    ("kind", "beginning"),
    [
        (reporter.TextReporter, "F.ST!E\n"),
        (reporter.VerboseTextReporter, "test_written.ATests.test_fail ... [FAILURE]\n"),
        (reporter.TimingTextReporter, "test_written.ATests.test_fail ... [FAILURE]\n(0."),
    ],
)
def test_lines_and_characters(here: Path, kind: Any, beginning: str) -> None:
    assert run_sample(here, kind).startswith(beginning)


def test_numbers_for_programs(here: Path) -> None:
    last = run_sample(here, reporter.MinimalReporter).splitlines()[-1].split()
    assert last[1:] == ["6", "6", "1", "1", "1"]


def test_subunit_is_what_its_own_library_reads(here: Path) -> None:
    subunit = pytest.importorskip("subunit")
    stream = io.BytesIO()
    path = write(here, "test_streamed.py", SAMPLE)
    runner.TrialRunner(reporter.SubunitReporter, stream=stream).run(runner.TestLoader().loadByName(str(path)))
    stream.seek(0)
    import unittest as pyunit

    read = pyunit.TestResult()
    subunit.ProtocolTestCase(stream).run(read)
    assert read.testsRun == 6
    assert [test.id().rpartition(".")[2] for test, _ in read.errors] == ["test_wrong"]
    assert [test.id().rpartition(".")[2] for test, _ in read.failures] == ["test_fail"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_failures_are_told_with_their_story(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter._AnsiColorizer, "supported", lambda stream=None: True)

    class Case(unittest.TestCase):
        async def test_it(self) -> None:
            try:
                int("x")
            except ValueError as error:
                raise KeyError("missing") from error

    stream = Terminal()
    runner.TrialRunner(reporter.TreeReporter, stream=stream).run(Case("test_it"))
    text = stream.getvalue()
    assert "\x1b[31;1mFAILED\x1b[0m" in text
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert "invalid literal for int()" in plain  # the cause
    assert "direct cause" in plain
    assert 'raise KeyError("missing") from error' in plain


def test_every_failure_at_the_hub_counts_however_many_are_equal(here: Path) -> None:
    class Case(unittest.SynchronousTestCase):
        def test_it(self) -> None:
            for _ in range(200):
                report(Failure(ValueError("again")), "over and over", source="reactor")
            self.assertEqual(len(self.flushLoggedErrors(ValueError)), 200)

    result = TestResult()
    Case("test_it").run(result)
    assert counts(result) == {"successes": 1}
    assert not collectors


def test_tests_run_in_a_folder_that_is_made_anew_and_held(here: Path) -> None:
    places: list[str] = []

    class Case(unittest.SynchronousTestCase):
        def test_it(self) -> None:
            places.append(os.getcwd())
            Path("left").touch()
            Logger().info("said within")

        def test_within(self) -> None:
            os.chdir(here)
            self.addCleanup(os.chdir, str(here / "_trial_temp"))
            runner.TrialRunner(reporter.Reporter, stream=io.StringIO()).run(Case("test_it"))

    trial = runner.TrialRunner(reporter.Reporter, stream=io.StringIO())
    trial.run(Case("test_it"))
    assert "said within" in (here / "_trial_temp" / "test.log").read_text()
    trial.run(Case("test_within"))
    assert places == [str(here / "_trial_temp"), str(here / "_trial_temp-1")]
    assert not (here / "_trial_temp" / "left").exists()
    assert os.getcwd() == str(here)


def test_a_folder_that_is_not_trials_is_not_removed(here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "precious").touch()
    trial = runner.TrialRunner(reporter.Reporter, stream=io.StringIO(), workingDirectory="mine")
    with pytest.raises(runner.util._NoTrialMarker, match="--temp-directory"):
        trial.run(unittest.TestSuite())
    assert (here / "mine" / "precious").exists()


def test_until_failure_runs_again_and_keeps_the_tests(here: Path) -> None:
    runs: list[int] = []

    class Case(unittest.SynchronousTestCase):
        def test_it(self) -> None:
            runs.append(1)
            self.assertLess(len(runs), 3)

    stream = io.StringIO()
    result = runner.TrialRunner(reporter.Reporter, stream=stream).runUntilFailure(Case("test_it"))
    assert (len(runs), counts(result)) == (3, {"failures": 1})
    assert "Test Pass 3" in stream.getvalue()


def test_a_suite_that_lets_go_of_its_tests_runs_fixtures_of_classes_once(here: Path) -> None:
    order: list[str] = []

    class Case(unittest.SynchronousTestCase):
        @classmethod
        def setUpClass(cls) -> None:
            order.append("set up")

        @classmethod
        def tearDownClass(cls) -> None:
            order.append("tear down")

        def test_a(self) -> None:
            order.append(f"a, {suite.countTestCases()} left")

        def test_b(self) -> None:
            order.append(f"b, {suite.countTestCases()} left")

    suite = runner.TestLoader(runner.DestructiveTestSuite).loadClass(Case)
    suite.run(TestResult())
    assert order == ["set up", "a, 2 left", "b, 1 left", "tear down"]
    assert suite.countTestCases() == 0


def test_an_error_between_tests_is_told(here: Path) -> None:
    class Suite(runner.TestSuite):
        def run(self, result: Any, debug: bool = False) -> Any:
            report(Failure(ValueError("between")), "between tests", source="reactor")
            return result

    result = runner.TrialRunner(reporter.Reporter, stream=io.StringIO()).run(Suite())
    [(holder, failure)] = result.errors
    assert holder.id() == runner.NOT_IN_TEST
    assert failure.check(ValueError)


@pytest.mark.slow
def test_no_twisted_is_needed(here: Path) -> None:
    write(here, "test_alone.py", SAMPLE)
    program = """
        import sys
        sys.modules["twisted"] = None
        from selvage.testing.trial import reporter, runner
        result = runner.TrialRunner(reporter.TextReporter).run(runner.TestLoader().loadByName("test_alone"))
        assert result.testsRun == 6
        assert not [name for name in sys.modules if name.startswith("twisted.")]
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("F.ST!E")
