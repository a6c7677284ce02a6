"""What a program hears that needs a module of Twisted which nobody has."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

# As on a machine without Twisted: nothing but the wing answers for the name.
HIDE_TWISTED = """
import sys
import selvage
from importlib.machinery import PathFinder
class Hiding:
    @staticmethod
    def find_spec(name, path=None, target=None):
        found = None if name.partition(".")[0] == "twisted" else PathFinder.find_spec(name, path, target)
        return found
sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
selvage.install_twisted()
"""


@pytest.mark.parametrize(
    "statement",
    ["import twisted.words.xish", "from twisted.words import xish", "from twisted.python import htmlizer"],
)
def test_the_error_says_who_has_it(statement: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIDE_TWISTED + statement], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: No module named 'twisted.")
    assert "pip install twisted" in last


def test_a_program_may_try() -> None:
    code = HIDE_TWISTED + "try:\n import twisted.words\nexcept ImportError:\n print('without')\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert done.stdout == "without\n", done.stderr
