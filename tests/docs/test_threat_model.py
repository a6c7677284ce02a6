"""The table of attacks in the threat model is what the tests are: each number has some, in the files that it names."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/design/threat-model.md"

#: The attacks on servers that have a row each, and those on clients behind them, which have tests.
SERVERS, ALL = range(1, 72), range(1, 84)

_ROW = re.compile(r"^\| (\d+) \| [^|]+ \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)


def numbers(file: Path) -> set[int]:
    """Return the attacks that the tests of a file are named after."""
    found: set[int] = set()
    for names in re.findall(
        r"def test_\w*attack((?:_and)?(?:_\d{3})(?:(?:_and)?_\d{3})*)_", file.read_text()
    ):
        found.update(map(int, re.findall(r"\d{3}", names)))
    return found


def rows() -> dict[int, tuple[str, list[str]]]:
    """Return what is done, and the files, by number."""
    page = PAGE.read_text(encoding="utf-8")
    return {
        int(number): (what, re.findall(r"`([^`]+)`", files)) for number, what, files in _ROW.findall(page)
    }


def test_each_attack_has_a_test_or_concerns_no_part_of_ours():
    tried = set().union(*map(numbers, (ROOT / "tests").rglob("test_*.py")))
    absent = {number for number, (what, _) in rows().items() if what.startswith("no such part")}
    assert set(ALL) - tried == absent == {41}


def test_each_row_names_files_with_tests_of_its_number():
    table = rows()
    assert list(table) == list(SERVERS)
    for number, (what, files) in table.items():
        if what.startswith("no such part"):
            assert files == []
            continue
        assert files, number
        for file in files:
            assert number in numbers(ROOT / "tests" / file), (number, file)
