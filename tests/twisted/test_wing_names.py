"""Every public name of the Twisted modules that the wing provides is there, with the same parameter names."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.twisted._wing_names import Signature, differences, wing_modules

ROOT = Path(__file__).parent.parent.parent

# What differs on purpose: module -> beginning of the line -> reason.
DIFFERS: dict[str, dict[str, str]] = {
    "twisted.python.failure": {
        "count: missing": "a counter of Failures made so far, which would cost every Failure and which nobody reads",
        "traceupLength: missing": "how many outer frames Twisted copies into a Failure; ours copies none",
    },
}


@cache
def report() -> dict[str, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.twisted._wing_names"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("module", wing_modules())
def test_wing_module_has_what_twisted_has(module):
    excused = tuple(DIFFERS.get(module, {"\0": ""}))
    wrong = [line for line in report().get(module, []) if not line.startswith(excused)]
    assert not wrong, f"{module} of the wing:\n" + "\n".join(wrong)


def test_excuses_are_needed():
    for module, excuses in DIFFERS.items():
        for beginning, reason in excuses.items():
            assert reason
            assert any(line.startswith(beginning) for line in report().get(module, [])), (
                f"{module}: {beginning!r} does not differ any more; take it off the list"
            )


@pytest.mark.parametrize(
    ("theirs", "ours", "problems"),
    [
        ("(a, b=)", lambda a, b=1: 0, 0),
        ("(a, b=)", lambda a, b=1, c=2: 0, 0),
        ("(a, b=)", lambda *args, **kwargs: 0, 0),
        ("(a, b=)", lambda a, c=1: 0, 1),
        ("(a, b=)", lambda a, b: 0, 1),
        ("(a, b=)", lambda a: 0, 1),
        ("(a)", lambda a, b: 0, 1),
        ("(a)", lambda a, /: 0, 1),
        ("(a, *b, **c)", lambda a, *args, **kwargs: 0, 0),
        ("(a, *b, **c)", lambda a: 0, 2),
        ("(*, k=)", lambda *, k=1: 0, 0),
        ("(*, k=)", lambda: 0, 1),
        ("(f, *a, **kw)", lambda f, /, *a, **kw: 0, 0),
    ],
)
def test_differences_are_those_that_break_a_call(theirs, ours, problems):
    found = Signature.of(ours)
    assert found is not None
    assert len(differences(Signature.from_text(theirs), found)) == problems
