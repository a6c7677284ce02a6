"""The story of a failure, case by case: small programs in `stories`, and beside each the report that a person gets.

The reports are read by people and written by hand: when one changes, look whether it tells the story better than before.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from . import stories_page


@pytest.mark.slow
@pytest.mark.parametrize("program", stories_page.programs(), ids=lambda program: program.stem)
def test_it_tells_the_whole_story(program: Path) -> None:
    assert stories_page.run(program) == program.with_suffix(".txt").read_text()


@pytest.mark.parametrize("program", stories_page.programs(), ids=lambda program: program.stem)
def test_no_report_shows_machinery(program: Path) -> None:
    expected = program.with_suffix(".txt").read_text()
    for line in expected.splitlines():
        if 'File "' in line:
            assert f'File "{program.name}", line ' in line


@pytest.mark.slow
@pytest.mark.needs_twisted
@pytest.mark.timeout(300)
@pytest.mark.skipif(importlib.util.find_spec("twisted") is None, reason="needs an installed Twisted")
@pytest.mark.skipif(sys.version_info[:2] != stories_page.PYTHON, reason="is written on another Python")
def test_the_page_shows_what_the_programs_print() -> None:
    assert stories_page.PAGE.read_text() == stories_page.page()
