"""Runs a pytest of its own on a small file, and tells what it said."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

PATIENCE_S = 50
HEAD = """
import asyncio
import pytest
from selvage.defer import Deferred, inlineCallbacks
from selvage.reactor import get_reactor
from selvage.tasks import deferLater
"""


class Outcome:
    """What a pytest said."""

    def __init__(self, output: str) -> None:
        self.output = output
        #: By test how it ended; "passed+error" if it passed and left something behind.
        self.tests: dict[str, str] = {}
        for how, name in re.findall(
            r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL) [^\n]*?::(\w+)", output, re.MULTILINE
        ):
            known = self.tests.get(name)
            self.tests[name] = how.lower() if known is None else f"{known}+{how.lower()}"

    def section(self, test: str) -> str:
        """What is said of one test that did not pass."""
        match = re.search(
            rf"^_+ (?:ERROR at \w+ of )?{test} _+$(.*?)(?=^(?:_{{5}}|={{5}}))", self.output, re.M | re.S
        )
        assert match is not None, self.output
        return match[1]


def run_pytest(
    folder: Path, source: str, *arguments: str, mode: str = "auto", ini: str = "", conftest: str = ""
) -> Outcome:
    """Run the tests of a source, which begins with `HEAD`, in a folder."""
    (folder / "test_it.py").write_text(HEAD + dedent(source))
    (folder / "conftest.py").write_text(dedent(conftest))
    (folder / "pytest.ini").write_text(f"[pytest]\nselvage_mode = {mode}\n{ini}\n")
    plugins = ["-p", "no:selvage", "-p", "selvage.testing.pytest_plugin"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-rA",
            "-p",
            "no:cacheprovider",
            *plugins,
            *arguments,
            "test_it.py",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Outcome(done.stdout + done.stderr)
