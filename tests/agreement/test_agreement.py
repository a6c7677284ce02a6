"""A part of `make agreement`, and what it takes for a test."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

from selvage.testing.trial import unittest

from . import _sample
from .__main__ import compare

WAITING = """
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
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["tests/defer/test_deferred.py", "tests/defer/test_coroutines.py"], 60),
        (["tests/tasks/test_clock.py"], 10),
        (["examples/guide/chapter4/test_error_handling.py"], 2),
        (["examples/testing/test_fetch.py"], 1),
    ],
)
def test_both_runners_agree(names: list[str], count: int) -> None:
    files = [_sample.ROOT / name for name in names]
    ends, differing = compare(files[0].parent, files)
    assert differing == []
    assert set(ends) == {"passed"}
    assert ends.total() >= count


@pytest.mark.slow
def test_both_runners_agree_however_a_test_ends() -> None:
    ends, differing = compare(_sample.corpus()[0].parent, _sample.corpus(), on_wing=True)
    assert differing == []
    assert min(ends["passed"], ends["failed"], ends["skipped"]) >= 25


@pytest.mark.slow
def test_both_runners_agree_about_what_waits(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(WAITING)
    ends, differing = compare(tmp_path, [test])
    assert differing == []
    assert ends == {"passed": 5, "failed": 5, "skipped": 2}


@pytest.mark.slow
def test_a_test_that_ends_otherwise_is_named(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(
        "import os\n"
        "def test_same(): ...\n"
        "def test_skips(): __import__('pytest').skip('so')\n"
        "def test_other(): assert not os.getcwd().endswith('_trial_temp')\n"
    )
    ends, differing = compare(tmp_path, [test])
    assert differing == ["test_it.test_other"]
    assert ends == {"passed": 2, "skipped": 1}


def test_what_needs_nothing_is_a_test_of_both(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sample")

    def define(name: str, thing: Any) -> None:
        thing.__module__ = "sample"
        setattr(module, name, thing)

    def test_plain() -> None: ...
    def test_given(tmp_path: Path) -> None: ...
    @pytest.mark.slow
    def test_marked() -> None: ...
    def helper() -> None: ...

    class Case(unittest.TestCase):
        def test_it(self) -> None: ...

    for thing in (test_plain, test_given, test_marked, helper, Case):
        define(thing.__name__, thing)
    module.test_imported = inspect.getsource  # type: ignore[attr-defined]
    assert [name for name, _ in _sample.tests_of(module)] == ["test_plain", "Case"]
    module.pytestmark = pytest.mark.slow  # type: ignore[attr-defined]
    assert list(_sample.tests_of(module)) == []


def test_all_files_with_tests_are_looked_at() -> None:
    files = _sample.files()
    assert Path(__file__).resolve() in files
    assert _sample.ROOT / "examples/testing/test_fetch.py" in files
    assert _sample.name_of(Path(__file__).resolve()) == __name__
    assert _sample.load(Path(__file__).resolve()) is sys.modules[__name__]


@pytest.mark.slow
def test_pytest_does_not_mind_that_the_wing_is_there_before_it(tmp_path: Path) -> None:
    """It would warn of a package with a plugin that is imported already, and warnings are errors in many projects."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--noconftest", "-W", "error"),
            *("-p", "no:asyncio", "-p", "no:cacheprovider", "-c", os.devnull),
            *("--rootdir", str(_sample.ROOT), str(_sample.ROOT / "tests/conformance/corpus/passes.py")),
        ],
        cwd=tmp_path,
        env={**os.environ, "SELVAGE_TWISTED": "1"},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.stdout.rstrip().splitlines()[-1].startswith("8 passed"), done.stdout + done.stderr


def test_what_it_needs_does_not_change_how_ci_runs_all_others() -> None:
    assert settings.get_current_profile_name() == ("same each time" if os.environ.get("CI") else "patient")
