"""The command: its options, and what it writes for other programs."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from selvage.testing.trial import command, reporter
from selvage.testing.trial._usage import UsageError

from .running import counts, ids, options, run_command as run, write


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

    result, text = run("--junit-xml", "made/results.xml", "--reporter", "text", "test_given")
    assert counts(result)["successes"] == 1
    assert text.startswith("F.ST!E")
    [suite] = JUnitXml.fromfile(str(here / "made" / "results.xml"))
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


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-x",),
        ("--unclean-warnings",),
        ("--force-gc",),
        pytest.param(("-j", "1"), marks=pytest.mark.slow),
    ],
)
def test_a_part_of_a_test_that_fails_is_told_to_everybody(here: Path, options: tuple[str, ...]) -> None:
    from junitparser import JUnitXml

    write(
        here,
        "test_more.py",
        """
        import unittest

        class Case(unittest.TestCase):
            def test_parts(self):
                for number in (1.5, 2.5):
                    with self.subTest(number=number):
                        self.assertEqual(number, 1.5)

            def test_that_comes_later(self): ...
        """,
    )
    result, _ = run(*options, "--junit-xml", "results.xml", "test_more")
    assert [len(result.failures), result.testsRun] == [1, 1 if options == ("-x",) else 2]
    [suite] = JUnitXml.fromfile(str(here / "results.xml"))
    assert suite.failures == 1
    [failed] = [case for case in suite if case.is_failure]
    assert failed.classname == "test_more.Case"
    assert failed.name.startswith("test_parts")


def test_a_fixture_of_a_class_that_fails_has_its_name_in_junit_xml(here: Path) -> None:
    from junitparser import JUnitXml

    write(
        here,
        "test_more.py",
        """
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            @classmethod
            def setUpClass(cls): raise RuntimeError
            def test_it(self): ...
        """,
    )
    _, text = run("--reporter", "junit", "test_more")
    [case] = next(iter(JUnitXml.fromstring(text.encode())))
    assert case.name == "setUpClass (test_more.Case)"


def test_test_names_from_the_line_of_a_source_file(here: Path) -> None:
    write(here, "source.py", "# -*- test-case-name: test_given,test_more; coding: utf-8 -*-\n")
    assert command.getTestModules("source.py") == ["test_given", "test_more"]
    config = options("--testmodule", "source.py")
    assert config["tests"] == ["test_given", "test_more"]


def test_random_is_random() -> None:
    """The seed of the command is no business of the tests that run."""
    random.seed(1)
    before = random.random()
    random.seed(1)
    command._getLoader(options("-z", "3")).sorter(None)
    assert random.random() == before


def test_help_is_text_of_eighty_columns() -> None:
    assert max(map(len, str(command.Options()).splitlines())) <= 80


def test_tracebacks_for_an_editor_and_with_variables(here: Path) -> None:
    _, text = run("--tbformat", "emacs", "test_given.ATests.test_wrong")
    assert f"{here / 'test_given.py'}:12:test_wrong\nbuiltins.RuntimeError: boom\n" in text
    _, text = run("--tbformat", "cgitb", "test_given.ATests.test_wrong")
    assert "test_wrong" in text and "boom" in text


def test_an_assertion_that_a_deferred_called_shows_none_of_its_own_lines(here: Path) -> None:
    write(
        here,
        "test_more.py",
        """
        from selvage.defer import succeed
        from selvage.testing.trial import unittest

        class Case(unittest.TestCase):
            def test_it(self): return self.assertFailure(succeed(1), ValueError)
        """,
    )
    _, text = run("test_more")
    assert "did not catch an error, instead got 1" in text
    assert "File " not in text


def test_errors_at_once(here: Path) -> None:
    _, text = run("-e", "--reporter", "bwverbose", "test_given.ATests.test_wrong")
    assert text.index("builtins.RuntimeError: boom") < text.index("[ERROR]")


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
