"""Runs the command of both trials, Selvage's and Twisted's, on small modules, and compares how they end.

What is compared is what a build server sees: the exit status, how many tests ran, and how many ended in which way.  A command
line on which the two are meant to differ is named with the reason; it has to differ, else its reason is to go.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

__all__ = ["COMMANDS", "DIFFERENT", "End", "compare_commands", "end_of"]

CORPUS = Path(__file__).with_name("corpus")

#: Seconds that one command may take; each takes one or two.
TIME_LIMIT = 120.0

#: What no tool that reads the sources of this project could read.
BROKEN = "from twisted.trial import unittest\nclass Cases(unittest.TestCase):\n    def test_it(self) ...\n"

#: Command lines on which both end alike.
#: None in which it matters which of two workers is the faster: one that dies, or is interrupted, is another's test.
COMMANDS = """
passes
fails
skips
todos
timeouts
logged
warned
fixtures
unclean
--unclean-warnings unclean
inherits
interface
interrupts
interrupt_setup
interrupt_teardown
importerror
syntaxerror
raises
exits
nothing
moduleskip
skipimport
testsuite
loadtests
./passes.py
./syntaxerror.py
./package/test/test_one.py
package
package.test
package/test
package.test.test_one.Waiting.test_plain
-N package
passes fails skips
passes passes
no_such_file.py
no.such.module
passes.NoSuch
passes.Waiting.no_such
--testmodule testmodule.py
--testmodule nofile.py
-x passes fails
-n passes fails skips importerror
-u fails
-z 5 passes
-z -1 passes
-z 1 -o alphabetical passes
-o alphabetical passes
-o toptobottom passes
-o sideways passes
-e fails
--reporter text fails skips
--reporter bwverbose fails skips
--reporter summary fails skips
--reporter timing fails skips
--reporter subunit passes
--reporter nosuch passes
--tbformat plain fails
--tbformat emacs fails
--tbformat cgitb fails
--tbformat art fails
-B unclean
--force-gc passes
--disablegc passes
--recursionlimit 500 passes
--recursionlimit deep passes
--temp-directory elsewhere passes
-l other.log passes
--profile passes
--coverage passes
--without-module imaplib passes
--without-module passes passes
--reactor epoll passes
--reactor nosuch passes
--nopm passes
--debug --debugger nosuch.thing passes
--version
--help
--help-orders
--help-reporters
--help-reactors
--nosuch
-j 0 passes
-j x passes
--jobs auto passes
-j 2 passes fails skips
-j 2 fixtures
-j 2 timeouts
-j 2 warned
-j 2 importerror passes
-j 2 no.such
-j 2 package
-j 1 unclean
-j 1 -x fails
-j 2 -x passes
-j 2 -u fails
-j 2 -n passes
-j 2 -e fails
-j 2 -z 3 passes
-j 2 -o alphabetical passes
-j 2 --coverage passes
-j 2 --unclean-warnings unclean
-j 2 --reporter text fails
-j 2 --tbformat emacs fails
-j 2 --reactor epoll passes
-j 2 --recursionlimit 500 passes
-j 2 --without-module imaplib passes
-j 2 --temp-directory elsewhere passes
-j 2 -l other.log passes
-j 2 --debug passes
-j 2 --profile passes
-j 2 --debug-stacktraces passes
""".strip().splitlines()

#: Command lines on which they differ, and why: most of it is in docs/design/differences.md, under Trial.
DIFFERENT = {
    "passes.py": "a file in the current folder needs no ./",
    "classfixtures": "fixtures of classes and modules are run",
    "-j 2 classfixtures": "fixtures of classes and modules are run",
    "interrupt_synchronous": "an interrupt ends the run in synchronous tests, too",
    "oddities": "an error of a cleanup keeps a synchronous test from being a success; a todo of 3 is an error",
    "standard": "Twisted's reporters fail on standard decorators",
    "-j 2 standard": "Twisted's workers run no standard tests",
    "expected": "unittest.expectedFailure is a todo",
    "neverruns": "asynchronous generators, and coroutines in synchronous cases, are errors",
    "stops": "the summary is written when the run is stopped",
    "-j 2 todos": "Twisted's main process fails on what workers tell of a todo",
    "-j 2 logged": "Twisted's main process fails on what workers tell of a todo",
    "--reporter junit passes": "there is a reporter of JUnit XML",
    "--junit-xml results.xml passes": "there is an option for JUnit XML",
}


@dataclass(frozen=True)
class End:
    """How a command ended."""

    status: int | str
    counts: tuple[str, ...]

    def __str__(self) -> str:
        return f"status {self.status}, {'; '.join(self.counts) or 'no summary'}"


def end_of(status: int | str, output: str) -> End:
    """Return how a command ended, of which this is the exit status and what it printed."""
    lines = [line for line in output.splitlines() if re.match(r"(PASSED|FAILED)\b|Ran \d", line)]
    return End(status, tuple(re.sub(r" in [\d.]+s$", "", line) for line in lines))


def compare_commands(console: Console, jobs: int) -> int:
    """Run all command lines under both trials, and print where they differ and should not, or should and do not.

    Returns:
        On how many.
    """
    wrong = 0
    lines = [*COMMANDS, *DIFFERENT]
    with ThreadPoolExecutor(jobs) as pool, console.status("") as status:
        for line, (ours, theirs) in zip(lines, pool.map(_both, lines), strict=True):
            status.update(f"trial {line}")
            if (ours != theirs) == (line in DIFFERENT):
                continue
            wrong += 1
            verdict = "both ended alike, and need no reason to differ" if ours == theirs else f"{ours}"
            console.print(f"trial {line}: {verdict}", style="red", highlight=False, markup=False)
            if ours != theirs:
                console.print(f"    Twisted's: {theirs}", highlight=False, markup=False)
    console.print(
        f"{len(lines)} command lines: {len(lines) - wrong} end as they should, "
        f"{len(COMMANDS)} of them are to end alike, {len(DIFFERENT)} to differ",
        highlight=False,
    )
    return wrong


def _both(line: str) -> tuple[End, End]:
    return _run(line, on_selvage=True), _run(line, on_selvage=False)


def _run(line: str, on_selvage: bool) -> End:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment.pop("SELVAGE_TWISTED", None)
    if on_selvage:
        environment["SELVAGE_TWISTED"] = "1"
        # The sources beside this file, whichever copy of Selvage the environment has.
        environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2] / "src")
    with tempfile.TemporaryDirectory(prefix="cf-") as scratch:
        folder = Path(scratch) / "corpus"
        shutil.copytree(CORPUS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "syntaxerror.py").write_text(BROKEN, encoding="utf-8")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "twisted.trial", *line.split()],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=TIME_LIMIT,
            )
        except subprocess.TimeoutExpired:
            return End(f"killed after {TIME_LIMIT:.0f} s", ())
        return end_of(done.returncode, done.stdout)
