"""Runs the same tests under pytest and under trial and compares how each ends: `make agreement`.

It takes every `TestCase` among the tests and the examples, and of the tests that are functions those which need nothing
given: no fixtures, no parameters, no marks.  pytest runs them without the project's own `conftest.py`, so that both runners
have only what comes with Selvage.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import groupby
from pathlib import Path

from junitparser import JUnitXml

from . import _sample

#: Seconds for the tests of one folder.
TIME_LIMIT = 300

Ends = dict[str, str]


_ATTACK = "tests.failure.test_attacks.test_attack_116_"
_CORPUS = "tests.conformance.corpus."

#: Tests that end otherwise under trial, by why they do.
_REASONS = {
    "under trial every failure reaches the test, however many are equal": [
        _ATTACK + "an_alarm_is_not_sent_a_thousand_times",
        _ATTACK + "many_kinds_of_errors_are_bounded_as_well",
    ],
    "under pytest a success that was not expected is a failure": [
        *(f"{_CORPUS}todos.{case}.test_passes" for case in ("Cases", "Synchronous", "Whole")),
        *(f"{_CORPUS}{module}.Cases.test_unexpected" for module in ("standard", "expected")),
    ],
    "under pytest it is never too late to skip": [
        *(f"{_CORPUS}skips.{case}.test_one" for case in ("InCleanup", "InTearDown")),
    ],
    "a part of a test is told of by itself under trial": [
        *(f"{_CORPUS}standard.Cases.test_parts{part}" for part in ("", " (number=1)")),
    ],
}
DIFFERENT = {test for tests in _REASONS.values() for test in tests}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.agreement", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="by default all files with tests")
    parser.add_argument("--under-trial", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--names", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    files = [path.resolve() for path in options.files] or _sample.files()
    if options.under_trial:
        return run_trial(files, options.under_trial)
    if options.names:
        for path in files:
            for name, _ in _sample.tests_of(_sample.load(path)):
                print(f"{path}::{name}")
        return 0
    totals: Counter[str] = Counter()
    wrong: list[str] = []
    for folder, group in groupby(files, key=lambda path: path.parent):
        ends, differing = compare(folder, list(group))
        totals += ends
        wrong += differing
    if not options.files:
        ends, differing = compare(_sample.corpus()[0].parent, _sample.corpus(), on_wing=True)
        totals += ends
        wrong += differing
    each = ", ".join(f"{number} {end}" for end, number in sorted(totals.items()))
    print(f"{totals.total()} tests under both runners: {each}; {len(wrong)} end otherwise under trial")
    return 1 if wrong or not totals else 0


def compare(folder: Path, files: list[Path], *, on_wing: bool = False) -> tuple[Counter[str], list[str]]:
    """Run the tests of files of one folder under both.

    Args:
        on_wing: `import twisted` means Selvage; all of the files' tests are of classes, and warnings are no errors.

    Returns:
        How many ended in which way under pytest, and the names of those which ended otherwise under trial for no known reason.
    """
    with tempfile.TemporaryDirectory(prefix="agreement-") as scratch:
        trial = _run(
            [sys.executable, "-m", "tests.agreement", "--under-trial"],
            Path(scratch) / "trial.xml",
            files,
            on_wing,
        )
        if not trial:
            return Counter(), []
        if on_wing:
            names = [str(path) for path in files]
        else:
            # Another process, for what the files import is not to be in this one: with trial loaded the hub tells all.
            asked = [sys.executable, "-m", "tests.agreement", "--names", *map(str, files)]
            names = subprocess.check_output(asked, cwd=_sample.ROOT, text=True).splitlines()
        command = [sys.executable, "-m", "pytest", "-q", "--noconftest", "-p", "tests.agreement._fresh"]
        # Names of tests begin there; pytest runs elsewhere.
        command += ["--rootdir", str(_sample.ROOT if folder.is_relative_to(_sample.ROOT) else folder)]
        command += ["-W", "default"] if on_wing else []
        pytests = _run([*command, "--junitxml"], Path(scratch) / "pytest.xml", names, on_wing)
    wrong = []
    for test in sorted(trial.keys() | pytests.keys()):
        ours, theirs = trial.get(test, "not run"), pytests.get(test, "not run")
        if (ours != theirs) != (test in DIFFERENT):
            wrong.append(test)
            print(f"{test}: {ours} under trial, {theirs} under pytest", flush=True)
    print(f"{os.path.relpath(folder, _sample.ROOT)}: {len(trial)} tests", flush=True)
    return Counter(pytests.values()), wrong


def _run(command: list[str], results: Path, what: list[Path] | list[str], on_wing: bool) -> Ends:
    """Run a command that writes its results as JUnit XML, and return how each test ended."""
    done = subprocess.run(
        [*command, str(results), *map(str, what)],
        cwd=results.parent,  # a test may write where it runs
        env={
            **os.environ,
            "PYTHONPATH": str(_sample.ROOT),
            "TMPDIR": str(results.parent),
            "SELVAGE_TWISTED": "1" if on_wing else "",
        },
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
    )
    if not results.exists():
        raise SystemExit(f"{' '.join(command)} wrote no results:\n{done.stdout}{done.stderr}")
    ends: Ends = {}
    for suite in JUnitXml.fromfile(str(results)):
        for case in suite:
            # Classes of one file have names of their own; functions are of a class under trial alone.
            name = f"{case.classname}.{case.name}".replace(".Functions.", ".")
            failed = case.is_failure or case.is_error
            end = "failed" if failed else "skipped" if case.is_skipped else "passed"
            # An error of a fixture is told beside what the test did.
            ends[name] = end if ends.get(name) in (None, "passed") else ends[name]
    return ends


def run_trial(files: list[Path], results: Path) -> int:
    """Run the tests of files under trial, in this process."""
    from selvage.testing.trial import unittest
    from selvage.testing.trial._junit import JUnitReporter
    from selvage.testing.trial.runner import TrialRunner

    tests = unittest.TestSuite(_sample.suite(path) for path in files)
    if not tests.countTestCases():
        results.write_text("<testsuites/>")
        return 0
    with results.open("w", encoding="utf-8") as stream:
        folder = results.with_name("_trial_temp")
        TrialRunner(JUnitReporter, stream=stream, workingDirectory=str(folder)).run(tests)
    return 0


if __name__ == "__main__":
    sys.exit(main())
