"""The examples of testing pass under pytest, as their pages say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.examples.programs import ROOT


@pytest.mark.slow
def test_fetch_on_a_network_that_fails() -> None:
    plugins = ["-p", "no:cacheprovider", "-p", "no:selvage", "-p", "selvage.testing.pytest_plugin"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            *plugins,
            "-o",
            "selvage_mode=auto",
            "examples/testing/test_fetch.py",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "51 passed" in done.stdout
