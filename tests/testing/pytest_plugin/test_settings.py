"""Settings, and what the plugin costs those who do not use it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("mode", "ini", "words"),
    [
        ("sometimes", "", 'selvage_mode is "auto" or "strict", not'),
        ("auto", "selvage_timeout = soon", "selvage_timeout is a number of seconds, not 'soon'"),
        ("auto", "selvage_timeout = -1", "selvage_timeout has to be above 0"),
    ],
)
def test_settings_that_make_no_sense(run: Any, mode: str, ini: str, words: str) -> None:
    assert words in run("", mode=mode, ini=ini).output


def test_the_plugin_imports_nothing_of_selvage_that_is_not_needed(run: Any) -> None:
    outcome = run("")
    program = "import selvage.testing.pytest_plugin, sys; print([m for m in sys.modules if m.startswith('selvage.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "['selvage._publish', 'selvage.testing', 'selvage.testing.pytest_plugin']"
    ), outcome.output
