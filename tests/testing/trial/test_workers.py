"""The command with worker processes (`-j`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from .running import SAMPLE, counts, run_command as run, write


@pytest.mark.slow
def test_workers_tell_what_one_process_tells(here: Path) -> None:
    alone, _ = run("test_given")
    several, _ = run("-j", "2", "test_given")
    assert counts(alone) == counts(several)
    for kind in ("errors", "failures", "expectedFailures"):
        [(test, failure, *_)] = getattr(several, kind)
        [(same, expected, *_)] = getattr(alone, kind)
        assert test.id() == same.id()
        assert failure.getErrorMessage() == expected.getErrorMessage()
        assert failure.frames[-1][:3] == expected.frames[-1][:3]
    assert [reason for _, reason in several.skips] == ["no"]
    assert [todo.reason for _, todo in several.unexpectedSuccesses] == ["later"]


@pytest.mark.slow
def test_the_first_that_fails_ends_the_run_of_workers(here: Path) -> None:
    result, _ = run("-j", "1", "-x", "test_given")
    assert (result.testsRun, counts(result)) == (1, {"failures": 1})


@pytest.mark.slow
def test_an_interrupt_in_a_worker_is_an_error_and_ends_the_run(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_a(self): raise KeyboardInterrupt
            def test_b(self): ...
        """,
    )
    result, _ = run("-j", "1", "test_more")
    assert (result.testsRun, counts(result)) == (1, {"errors": 1})


@pytest.mark.slow
def test_a_worker_that_dies_fails_its_test_alone(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        import os
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_a(self): ...
            def test_dies(self): os._exit(3)
            def test_z(self): ...
        """,
    )
    result, _ = run("-j", "1", "test_more")
    assert counts(result) == {"successes": 2, "errors": 1}
    [(test, failure)] = result.errors
    assert test.id().endswith("test_dies")
    assert "the worker process" in str(failure.value) and "exit code 3" in str(failure.value)


@pytest.mark.slow
def test_fixtures_of_a_class_are_run_once_by_one_worker(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        import os
        from pathlib import Path
        from selvage.testing.trial import unittest

        class Shared(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                with open(Path(__file__).with_name("set_up"), "a") as file:
                    file.write("once")
                cls.pid = os.getpid()

            def test_a(self): self.assertEqual(self.pid, os.getpid())
            def test_b(self): self.assertEqual(self.pid, os.getpid())
        """,
    )
    result, _ = run("-j", "2", "test_more")
    assert counts(result) == {"successes": 2}
    assert (here / "set_up").read_text() == "once"


@pytest.mark.slow
def test_workers_have_folders_of_their_own_and_find_modules_by_their_files(here: Path) -> None:
    write(here, "deep/nest/test_more.py", SAMPLE)
    result, _ = run("-j", "2", "deep/nest/test_more.py", "nothing.there")
    assert counts(result)["successes"] == 1
    assert [test.id() for test, _ in result.errors if test.id() == "nothing.there"]
    assert (here / "_trial_temp" / "0" / "test.log").exists()


@pytest.mark.slow
def test_a_warning_in_a_worker_is_written_here(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        import warnings
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_it(self): warnings.warn("careful")
        """,
    )
    _, text = run("-j", "1", "test_more")
    assert "UserWarning: careful" in text
