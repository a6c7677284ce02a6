"""The command as a program: its status, what it prints and leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .running import write


def program(
    here: Path, *arguments: str, typed: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "selvage", "trial", *arguments],
        cwd=here,
        env={**os.environ, "COVERAGE_RUN": "", **environment},
        input=typed,
        capture_output=True,
        text=True,
        timeout=50,
    )


@pytest.mark.slow
def test_the_program_and_its_status(here: Path) -> None:
    failed = program(here, "--reporter", "text", "test_given")
    assert (failed.returncode, failed.stdout[:6]) == (1, "F.ST!E")
    assert program(here, "--reporter", "text", "-j", "2", "test_given.ATests.test_ok").returncode == 0
    wrong = program(here, "--jobs", "none")
    assert wrong.returncode == 1
    assert "Expecting integer argument to jobs, got 'none'" in wrong.stderr
    assert "Usage" in program(here).stdout or "[options]" in program(here).stdout


# What cannot be made whoever asks for it: `file` is one.
NO_FOLDER = "{here}/file/folder' for the tests cannot be made ("


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--temp-directory", "file"], "{here}/file' is not a folder that trial has made"),
        (["--temp-directory", "folder"], "{here}/folder' is not a folder that trial has made"),
        (["--temp-directory", "file/folder"], NO_FOLDER),
        (["--temp-directory", "file/folder", "-j", "2"], NO_FOLDER),
        (["--temp-directory", "file/folder", "--coverage"], NO_FOLDER),
        (["--temp-directory", "held"], "{here}/held' is in use by another run of trial"),
        (["--temp-directory", "taken"], "{here}/taken' for the tests cannot be made ("),
        (["--logfile", "."], "the log file '.' cannot be written to ("),
        (["--junit-xml", "file/xml"], "the results cannot be written to '{here}/file/xml' ("),
    ],
    ids=" ".join,
)
def test_what_cannot_be_made_is_said_in_a_sentence(here: Path, arguments: list[str], words: str) -> None:
    (here / "file").touch()
    (here / "folder").mkdir()
    (here / "held.lock").symlink_to(str(os.getpid()))
    (here / "taken.lock").symlink_to("elsewhere")
    done = program(here, *arguments, "test_given.ATests.test_ok")
    assert done.returncode == 1, "as of a wrong command line"
    assert words.format(here=here) in done.stderr
    assert done.stderr.count("\n") == 1 and arguments[0] in done.stderr.partition("choose another")[2]
    assert "Ran" not in done.stdout


@pytest.mark.slow
def test_where_it_was_made_that_a_test_leaves_behind(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        from selvage.reactor import get_reactor
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_it(self):
                get_reactor().callLater(100, print)
        """,
    )
    made = "in test_it\n    get_reactor().callLater(100, print)"
    assert made not in program(here, "test_more").stdout
    assert made in program(here, "-B", "test_more").stdout


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [(), ("-j", "2")])
def test_coverage_is_written(here: Path, jobs: tuple[str, ...]) -> None:
    write(
        here,
        "test_more.py",
        """
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_it(self):
                if not self:
                    print("never")

            def test_other(self):
                self.test_it()
        """,
    )
    assert program(here, *jobs, "--coverage", "test_more").returncode == 0
    [covered] = (here / "_trial_temp" / "coverage").glob("*test_more.cover")
    assert "    2:         if not self:" in covered.read_text()
    assert '>>>>>>             print("never")' in covered.read_text()


@pytest.mark.slow
def test_an_interrupt_ends_the_run_with_a_summary(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        import os, signal
        from selvage.defer import Deferred
        from selvage.reactor import get_reactor
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_a(self):
                get_reactor().callLater(0, os.kill, os.getpid(), signal.SIGINT)
                return Deferred()

            def test_b(self):
                print("went on")
        """,
    )
    done = program(here, "--reporter", "bwverbose", "test_more")
    assert done.returncode == -signal.SIGINT
    assert "(test_a) was stopped" in done.stdout
    assert done.stdout.endswith("FAILED (errors=1)\n")
    assert "went on" not in done.stdout
    assert done.stderr == ""


@pytest.mark.slow
def test_an_interrupt_ends_a_run_with_workers_and_tells_what_had_not_ended(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        import os, signal
        from selvage.defer import Deferred
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_a(self): ...

            def test_b(self):
                os.kill(os.getppid(), signal.SIGINT)
                return Deferred()

            def test_c(self): ...
        """,
    )
    done = program(here, "-j", "1", "--reporter", "bwverbose", "test_more")
    assert done.returncode == -signal.SIGINT
    assert "2 tests have not ended, the first of them: test_more.Case.test_b" in done.stdout
    assert done.stdout.endswith("FAILED (errors=1, successes=1)\n")


@pytest.mark.slow
def test_each_call_is_printed(here: Path) -> None:
    done = program(here, "--spew", "--reporter", "text", "test_given.ATests.test_ok")
    assert done.returncode == 0
    assert f"ATests.test_ok in {here / 'test_given.py'}:6" in done.stderr


@pytest.mark.slow
def test_modules_that_are_not_to_be_had(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_it(self):
                with self.assertRaises(ImportError):
                    import imaplib
        """,
    )
    assert (
        program(here, "--without-module", "imaplib,nntplib", "--reporter", "text", "test_more").returncode
        == 0
    )


@pytest.mark.slow
def test_a_twisted_program_is_tested_where_no_twisted_is_installed(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        from twisted.internet import defer, reactor
        from twisted.trial import unittest

        class Case(unittest.TestCase):
            def test_it(self):
                d = defer.Deferred()
                reactor.callLater(0, d.callback, None)
                return d
        """,
    )
    alone = (
        "import sys\n"
        "from selvage import _wing, cli\n"
        "_wing.WingFinder._installed_spec = lambda self, fullname, path: None\n"
        "cli.main(['trial', '--reporter', 'text', 'test_more'])"
    )
    done = subprocess.run([sys.executable, "-c", alone], cwd=here, capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout[:2]) == (0, ".\n"), done.stderr


@pytest.mark.slow
def test_a_debugger_is_entered_where_a_test_fails(here: Path) -> None:
    done = program(
        here, "--debug", "test_given.ATests.test_wrong", typed="continue\nprint(self.id())\ncontinue\n"
    )
    assert done.returncode == 1
    assert "post-mortem of exception 'boom'" in done.stdout
    assert '-> def test_wrong(self): raise RuntimeError("boom")' in done.stdout
    assert "(Pdb) test_given.ATests.test_wrong\n" in done.stdout
    without = program(here, "--debug", "--nopm", "test_given.ATests.test_wrong", typed="continue\n")
    assert "post-mortem" not in without.stdout and "FAILED (errors=1)" in without.stdout
