"""The command: its options, runs in worker processes, and what it writes for other programs."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from selvage.testing.trial import command, reporter
from selvage.testing.trial._usage import UsageError

from .running import counts
from .test_running import SAMPLE, ids, write


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which and from which is run; and a module of tests in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    write(tmp_path, "test_given.py", SAMPLE)
    yield tmp_path
    for name in list(sys.modules):
        if name.startswith(("test_given", "test_more")):
            del sys.modules[name]


def options(*arguments: str) -> command.Options:
    config = command.Options()
    config.parseOptions(list(arguments))
    return config


def run(*arguments: str) -> tuple[Any, str]:
    """Run the command in this process; return the result and what was written."""
    config = options(*arguments)
    trial = command._makeRunner(config)
    trial.stream = io.StringIO()
    return trial.run(command._getSuite(config)), trial.stream.getvalue()


def test_the_options_are_those_of_trial(here: Path) -> None:
    config = options("-j", "3", "-e", "--tbformat=emacs", "-l", "my.log", "--unclean-warnings", "test_given")
    assert (config["jobs"], config["rterrors"], config["tbformat"]) == (3, 1, "emacs")
    assert (config["logfile"], config["unclean-warnings"], config["tests"]) == ("my.log", 1, ["test_given"])
    assert config["reporter"] is reporter.TreeReporter
    assert options("--reporter", "bwverbose")["reporter"] is reporter.VerboseTextReporter
    assert options("--random", "0")["random"] > 0
    text = str(config)
    for option in ("-B, --debug-stacktraces", "-u, --until-failure", "-z, --random=", "--junit-xml="):
        assert option in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--jobs", "0"], "strictly positive integer or 'auto'"),
        (["--jobs", "2", "--debug"], "can't specify --debug when using --jobs"),
        (["--random", "x"], "positive integer"),
        (["--order", "sideways"], "--help-orders"),
        (["--order", "alphabetical", "-z", "1"], "can't specify --random when using --order"),
        (["--reporter", "nobody"], "--help-reporters"),
        (["--reactor", "gtk9"], "there is no reactor 'gtk9'"),
        (["--tbformat", "art"], "'plain', 'emacs', or 'cgitb'"),
        (["--nopm"], "must specify --debug"),
        (["--recursionlimit", "deep"], "must be an integer"),
        (["--no-such-option"], "no-such-option"),
    ],
)
def test_a_wrong_command_line_is_named(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody's plugins are looked for.
    monkeypatch.delitem(sys.modules, "twisted", raising=False)
    monkeypatch.delitem(sys.modules, "twisted.python.usage", raising=False)
    with pytest.raises(UsageError) as raised:
        options(*arguments)
    assert words in str(raised.value)


def test_a_seed_gives_an_order_and_the_same_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orders = [ids(command._getSuite(options("-z", seed, "test_given"))) for seed in ("5", "5", "6")]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])
    assert "shuffled with seed 5" in capsys.readouterr().out


def test_from_top_to_bottom(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        from selvage.testing.trial import unittest

        class Second(unittest.TestCase):
            def test_z(self): ...
            def test_a(self): ...

        class First(unittest.TestCase):
            def test_it(self): ...
        """,
    )
    found = ids(command._getSuite(options("-o", "toptobottom", "test_more")))
    assert [name.removeprefix("test_more.") for name in found] == [
        "Second.test_z",
        "Second.test_a",
        "First.test_it",
    ]


def test_a_dry_run_runs_nothing(here: Path) -> None:
    result, _ = run("-n", "test_given")
    assert counts(result) == {"successes": 6}


def test_the_first_that_fails_ends_the_run(here: Path) -> None:
    result, _ = run("-x", "test_given")
    assert (result.testsRun, counts(result)) == (1, {"failures": 1})


def test_a_debugger_of_ones_own(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        calls = []

        class Debugger:
            def runcall(self, f, *args):
                calls.append(f)
                return f(*args)

        debugger = Debugger()
        """,
    )
    result, _ = run("--debug", "--nopm", "--debugger", "test_more.debugger", "test_given")
    assert result.testsRun == 6
    assert len(sys.modules["test_more"].calls) == 1
    with pytest.raises(command._DebuggerNotFound, match="no_such"):
        command._makeRunner(options("--debug", "--debugger", "no_such.debugger"))


def test_a_profile(here: Path) -> None:
    import pstats

    run("--profile", "test_given.ATests.test_ok")
    assert pstats.Stats(str(here / "_trial_temp" / "profile.data")).total_calls > 0


def test_junit_xml_is_what_its_own_library_reads(here: Path) -> None:
    from junitparser import Error, Failure, JUnitXml, Skipped

    result, text = run("--junit-xml", "results.xml", "--reporter", "text", "test_given")
    assert counts(result)["successes"] == 1
    assert text.startswith("F.ST!E")
    [suite] = JUnitXml.fromfile(str(here / "results.xml"))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (6, 1, 1, 2)
    kinds = {case.name: [type(each) for each in case.result] for case in suite}
    assert kinds == {
        "test_fail": [Failure],
        "test_ok": [],
        "test_skip": [Skipped],
        "test_todo": [Skipped],
        "test_todo_ok": [],
        "test_wrong": [Error],
    }
    [wrong] = [case for case in suite if case.name == "test_wrong"]
    assert "in test_wrong" in wrong.result[0].text
    _, only = run("--reporter", "junit", "test_given")
    assert JUnitXml.fromstring(only.encode()).tests == 6


def test_junit_xml_holds_characters_that_xml_has_not(here: Path) -> None:
    from junitparser import JUnitXml

    write(
        here,
        "test_more.py",
        r"""
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_it(self): raise RuntimeError("\x00 & < \ud800 \N{SNOWMAN}")
        """,
    )
    _, text = run("--reporter", "junit", "test_more")
    [suite] = JUnitXml.fromstring(text.encode("utf-8"))
    [case] = suite
    assert "\\x00 & <" in case.result[0].message
    assert "\N{SNOWMAN}" in case.result[0].message


def test_test_names_from_the_line_of_a_source_file(here: Path) -> None:
    write(here, "source.py", "# -*- test-case-name: test_given,test_more; coding: utf-8 -*-\n")
    assert command.getTestModules("source.py") == ["test_given", "test_more"]
    config = options("--testmodule", "source.py")
    assert config["tests"] == ["test_given", "test_more"]


# --- In worker processes ---------------------------------------------------------------------------------------------


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


def program(here: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "selvage", "trial", *arguments],
        cwd=here,
        env={**os.environ, "COVERAGE_RUN": "", **environment},
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


def test_random_is_random() -> None:
    """The seed of the command is no business of the tests that run."""
    random.seed(1)
    before = random.random()
    random.seed(1)
    command._getLoader(options("-z", "3")).sorter(None)
    assert random.random() == before


def test_help_is_text_of_eighty_columns() -> None:
    assert max(map(len, str(command.Options()).splitlines())) <= 80


@pytest.mark.slow
def test_pytest_and_trial_agree(here: Path) -> None:
    """A sample of tests, of which each ends in another way, under both runners."""
    from junitparser import JUnitXml

    write(
        here,
        "test_more.py",
        """
        import asyncio
        import unittest as standard

        from selvage.defer import Deferred, fail, inlineCallbacks
        from selvage.failure import Failure, report
        from selvage.reactor import get_reactor
        from selvage.tasks import deferLater
        from selvage.testing.trial import unittest


        class Case(unittest.TestCase):
            timeout = 0.1

            async def test_coroutine(self):
                async with asyncio.timeout(5):
                    await asyncio.sleep(0.001)

            @inlineCallbacks
            def test_inline(self):
                yield deferLater(get_reactor(), 0)

            def test_deferred_fails(self): return fail(ValueError("so"))
            def test_hangs(self): return Deferred()
            def test_leaves_a_call(self): get_reactor().callLater(100, print)
            def test_unhandled(self): report(Failure(ValueError("so")), "left", source="reactor")
            def test_taken(self):
                report(Failure(ValueError("so")), "left", source="reactor")
                self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

            @standard.skip("so")
            def test_skipped(self): ...

            def test_todo(self): self.fail("so")
            test_todo.todo = "so"


        class Shared(unittest.TestCase):
            @classmethod
            async def setUpClass(cls): cls.made = await asyncio.sleep(0.001, "made")
            def test_finds_it(self): self.assertEqual(self.made, "made")


        class Standard(standard.TestCase):
            def test_passes(self): ...
            def test_fails(self): self.fail("so")
        """,
    )
    program(here, "--junit-xml", "trial.xml", "--reporter", "text", "test_more", "test_given")
    subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "-p",
                "no:asyncio",
                "-q",
                "-c",
                os.devnull,
            ),
            *("--rootdir", str(here), "--junitxml", "pytest.xml", "test_more.py", "test_given.py"),
        ],
        cwd=here,
        capture_output=True,
        timeout=50,
    )

    def ends(name: str) -> dict[str, str]:
        cases = [case for suite in JUnitXml.fromfile(str(here / name)) for case in suite]
        return {
            f"{case.classname}.{case.name}": "skipped"
            if case.is_skipped
            else "passed"
            if case.is_passed
            else "failed"
            for case in cases
            # A test that was to fail and did not is a pass for trial, and not for pytest.
            if case.name != "test_todo_ok"
        }

    trial, pytests = ends("trial.xml"), ends("pytest.xml")
    assert len(trial) == 17
    assert trial == pytests


def test_tracebacks_for_an_editor_and_with_variables(here: Path) -> None:
    _, text = run("--tbformat", "emacs", "test_given.ATests.test_wrong")
    assert f"{here / 'test_given.py'}:12:test_wrong\nbuiltins.RuntimeError: boom\n" in text
    _, text = run("--tbformat", "cgitb", "test_given.ATests.test_wrong")
    assert "test_wrong" in text and "boom" in text


def test_errors_at_once(here: Path) -> None:
    _, text = run("-e", "--reporter", "bwverbose", "test_given.ATests.test_wrong")
    assert text.index("builtins.RuntimeError: boom") < text.index("[ERROR]")


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


WORDS = st.text(
    st.characters(exclude_characters=";:\n\r", exclude_categories=("Cs", "Cc")), min_size=1
).filter(lambda word: word == word.strip() != "" and "-*-" not in f" {word} ")


@given(st.dictionaries(WORDS, WORDS, min_size=1), st.sampled_from(["", "# ", "<!-- "]))
def test_variables_of_a_file_are_read_as_they_are_written(variables: dict[str, str], before: str) -> None:
    written = "; ".join(f"{name}: {value}" for name, value in variables.items())
    assert command._parseLocalVariables(f"{before}-*- {written} -*-") == variables


@given(st.text())
def test_any_other_line_is_refused(line: str) -> None:
    try:
        found = command._parseLocalVariables(line)
    except ValueError:
        return
    assert line.count("-*-") >= 2 and found


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
