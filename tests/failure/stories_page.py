"""Runs the programs of tests/failure/stories, and writes docs/reference/stories.md from what they print.

    python -m tests.failure.stories_page

Each program imports `twisted` and fails. It runs on Selvage through the wing and, unless its first lines say that it is
about something that Selvage alone has, on the Twisted that is installed.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(__file__).parent / "stories"
PAGE = ROOT / "docs" / "reference" / "stories.md"
PATIENCE_S = 50

# With others, Twisted's reports differ in frames of its own.
PYTHON = (3, 11)

# Lines of a report that the page shows.
LONGEST_LINES = 40

# Paths of this machine, and line numbers of this Python's library.
_STORIES = re.compile(r'File "[^"\n]*[/\\]stories[/\\]')
_STORIES_BRIEF = re.compile(r"^[^\s\"]*[/\\]stories[/\\]", re.MULTILINE)
_INSTALLED = re.compile(r'File "[^"\n]*[/\\]site-packages[/\\]')
_INSTALLED_BRIEF = re.compile(r"^[^\s\"]*[/\\]site-packages[/\\]", re.MULTILINE)
_LIBRARY = re.compile(r'File "[^"\n]*[/\\]lib[/\\]python3\.\d+[/\\]([^"\n]*)", line \d+')

HEAD = """\
# Stories

What a failure tells of itself, here and on Twisted: the programs of `tests/failure/stories`, with the reports that they
print on Python 3.11. Of Twisted's own frames only the places are shown. This page is written by `python -m tests.failure.stories_page`, and a test compares it with what the programs print.
How to read a report is told in [Read the story of a failure](../howto/read-a-story.md).
"""


def programs() -> list[Path]:
    return sorted(FOLDER.glob("*.py"))


def about(program: Path) -> str:
    """What the program is about, in its own words."""
    words = ast.get_docstring(ast.parse(program.read_text()))
    assert words is not None, f"{program} does not say what it is about"
    return words


def needs_selvage(program: Path) -> bool:
    return "Selvage only" in about(program)


def run(program: Path, *, on_twisted: bool = False) -> str:
    """Give what a program prints, without the paths of this machine."""
    launcher = [] if on_twisted else ["-m", "selvage", "twisted"]
    done = subprocess.run(
        [sys.executable, *launcher, program.name],
        cwd=program.parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    text = done.stdout + done.stderr
    text = _STORIES.sub('File "', text)
    text = _STORIES_BRIEF.sub("", text)
    text = _INSTALLED.sub('File "', text)
    text = _INSTALLED_BRIEF.sub("", text)
    text = _LIBRARY.sub(r'File "\1", line ...', text)
    return text.strip("\n") + "\n"


def shortened(report: str) -> str:
    """Give what the page shows of a report on Twisted: of its own frames only where they are, not its source."""
    lines: list[str] = []
    below_twisted = False
    for line in report.splitlines():
        if not (below_twisted and line.startswith("    ")):
            lines.append(line)
        below_twisted = line.startswith('  File "twisted/')
    if len(lines) > LONGEST_LINES:
        left_out = len(lines) - LONGEST_LINES
        lines[LONGEST_LINES - 4 : -4] = [f"  ({left_out} lines are left out here)"]
    return "".join(f"{line}\n" for line in lines)


def page() -> str:
    """Give the page, by running everything."""
    parts = [HEAD]
    for program in programs():
        title = program.stem.replace("_", " ").capitalize()
        _, _, source = program.read_text().partition('"""\n\n')
        parts.append(f"## {title}\n\n{about(program)}\n")
        parts.append(f"```py\n{source}```\n")
        parts.append(f"On Selvage:\n\n```text\n{run(program)}```\n")
        if not needs_selvage(program):
            parts.append(f"On Twisted:\n\n```text\n{shortened(run(program, on_twisted=True))}```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
