"""docs/reference/coverage.md is what the wing says, and says what it means."""

from __future__ import annotations

import importlib.util

import pytest

from tests import coverage_table
from tests.coverage_table import BORROWED, MISSING, NATIVE

needs_twisted = pytest.mark.skipif(
    importlib.util.find_spec("twisted") is None, reason="Twisted is not installed"
)


@pytest.mark.slow
@needs_twisted
def test_page_is_what_the_wing_gives():
    made = coverage_table.table()
    assert coverage_table.PAGE.read_text(encoding="utf-8") == coverage_table.page(made), (
        "docs/reference/coverage.md is out of date: run `make coverage`"
    )
    # What is known of three names, each of another kind.
    assert made["twisted.internet.defer"]["Deferred"] == NATIVE
    assert made["twisted.protocols.ident"]["IdentServer"] in (NATIVE, BORROWED)
    assert made["twisted.internet.selectreactor"]["win32select"] == MISSING


def test_every_name_is_counted_once():
    made = {
        "twisted.internet.x": {"a": NATIVE, "b": BORROWED, "c": MISSING},
        "twisted.internet.y": {"d": BORROWED},
        "twisted.web.z": {"e": NATIVE},
    }
    lines = coverage_table.page(made).splitlines()
    assert "| twisted.internet | 2 | 1 | 4 | 1 | 2 | 1 |" in lines
    assert "| twisted.web | 1 | 1 | 1 | 1 | 0 | 0 |" in lines
    assert "| twisted.mail | 0 | 0 | 0 | 0 | 0 | 0 |" in lines
    assert "| all | 3 | 2 | 5 | 2 | 2 | 1 |" in lines
    assert "| `twisted.internet.x` | `a` | `b` | `c` |" in lines


def test_packages_are_told_by_whole_names():
    assert coverage_table.package_of("twisted.internet.tcp") == "twisted.internet"
    assert coverage_table.package_of("twisted.python.log") == "twisted.python.log"
    assert coverage_table.package_of("twisted.python.logfile") == ""
    assert len(coverage_table.public_names()) > 100
