"""treq, unmodified, on Selvage's `Agent`: its own tests, through the wing, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

treq = pytest.importorskip("treq")

pytestmark = [pytest.mark.slow, pytest.mark.needs_twisted]

#: Where these tests ask a httpbin, which they start: only with httpbin and gunicorn installed.
NEED_HTTPBIN = frozenset({"test_treq_integration", "test_child"})


def modules() -> list[str]:
    here = Path(treq.__file__).parent
    names = [
        ".".join(("treq", *path.relative_to(here).with_suffix("").parts))
        for path in sorted(here.glob("test/**/test_*.py"))
    ]
    if find_spec("httpbin") is not None and find_spec("gunicorn") is not None:
        return names
    return [name for name in names if name.rpartition(".")[2] not in NEED_HTTPBIN]


def test_treqs_own_tests_pass(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "selvage", "twisted", "-m", "twisted.trial", *modules()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    passed = re.search(r"^PASSED \(.*successes=(\d+)\)$", done.stdout, re.MULTILINE)
    assert passed is not None, done.stdout[-5000:]
    assert int(passed[1]) >= 190


def test_that_was_selvages_agent(tmp_path: Path) -> None:
    """The wing answers for `twisted.web.client`, so that the test above says something."""
    program = tmp_path / "program.py"
    program.write_text("import treq.api as it; print(it.Agent.__module__)\n")
    command = [sys.executable, "-m", "selvage", "twisted", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout == "selvage.web.client\n", done.stderr
