"""What a person sees of a conformance run: the table by package, the failing tests, the files for a developer."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ._data import ModuleBaseline
from ._modules import native, package_of
from ._runner import ModuleResult
from ._shares import Share
from ._verdict import ModuleVerdict

__all__ = ["as_json", "print_failing", "print_shares", "print_table", "save_details"]

_LAST_LINES = 6


def print_table(
    console: Console,
    verdicts: list[ModuleVerdict],
    expected: dict[str, ModuleBaseline],
    subjects: dict[str, str],
    twisted: str,
) -> None:
    """One row for each package, and the sum."""
    headings = (
        "modules",
        "pass on Twisted",
        "pass here",
        "share",
        "excluded",
        "pending",
        "failing",
        "native",
    )
    table = _table(f"Twisted {twisted}'s tests on Selvage", "package", *headings)
    rows: dict[str, list[ModuleVerdict]] = defaultdict(list)
    for verdict in verdicts:
        rows[package_of(verdict.module)].append(verdict)
    for package in sorted(rows):
        table.add_row(package, *_row(rows[package], expected, subjects))
    table.add_section()
    table.add_row("all", *_row(verdicts, expected, subjects), style="bold")
    console.print(table)


def print_shares(console: Console, shares: list[Share], twisted: str) -> None:
    """One row for each group of tests of which a share is demanded."""
    headings = ("modules", "pass on Twisted", "pass here", "share", "at least", "excluded", "pending")
    table = _table(f"Of what passes on Twisted {twisted}, what passes on Selvage", "tests of", *headings)
    for share in shares:
        percent = f"{share.percent:.1f} %"
        table.add_row(
            share.group.name,
            str(share.modules),
            str(share.on_twisted),
            str(share.here),
            f"[red]{percent}[/red]" if share.missed else percent,
            "" if share.group.at_least is None else f"{share.group.at_least:g} %",
            str(share.excluded),
            str(share.pending),
        )
    console.print(table)


def _table(title: str, first: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _row(
    verdicts: list[ModuleVerdict], expected: dict[str, ModuleBaseline], subjects: dict[str, str]
) -> list[str]:
    sizes = {verdict.module: len(expected[verdict.module].passed) for verdict in verdicts}
    on_twisted = sum(sizes.values())
    here = sum(len(verdict.passed) for verdict in verdicts)
    ours = sum(size for module, size in sizes.items() if native(subjects[module]))
    failing = sum(len(verdict.failing) for verdict in verdicts)
    return [
        str(len(verdicts)),
        str(on_twisted),
        str(here),
        f"{100 * here / on_twisted:.1f} %" if on_twisted else "",
        str(sum(len(verdict.excluded) for verdict in verdicts)),
        str(sum(len(verdict.pending) for verdict in verdicts)),
        f"[red]{failing}[/red]" if failing else "0",
        f"{100 * ours / on_twisted:.0f} %" if on_twisted else "",
    ]


def print_failing(
    console: Console, verdicts: list[ModuleVerdict], results: dict[str, ModuleResult], *, details: bool
) -> None:
    """List the failing tests by module, with the last lines of each when `details`; say how a broken run ended."""
    for verdict in verdicts:
        result = results[verdict.module]
        if result.ended and verdict.failing:
            console.print(f"[red]{verdict.module}: {result.ended}[/red]", highlight=False)
        broken = [verdict.module] if verdict.module in result.outcomes else []
        for test in broken + sorted(verdict.failing):
            console.print(
                f"{test}: {result.outcomes.get(test, 'not run')}",
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
            if details:
                for line in result.texts.get(test, "").rstrip().splitlines()[-_LAST_LINES:]:
                    console.print("    " + line, highlight=False, markup=False, soft_wrap=True)


def save_details(folder: Path, verdicts: list[ModuleVerdict], results: dict[str, ModuleResult]) -> None:
    """Write, for each module with failing tests, a file with their tracebacks; remove the file of one without."""
    folder.mkdir(parents=True, exist_ok=True)
    for verdict in verdicts:
        path = folder / f"{verdict.module}.txt"
        result = results[verdict.module]
        unhappy = sorted(verdict.failing | verdict.excluded | verdict.pending)
        # A module that cannot be imported is reported under its own name, which no baseline knows.
        if verdict.module in result.outcomes:
            unhappy.insert(0, verdict.module)
        if not unhappy:
            path.unlink(missing_ok=True)
            continue
        parts = [f"{verdict.module}: {result.ended or 'complete'}, {result.seconds:.1f} s\n"]
        for test in unhappy:
            outcome = result.outcomes.get(test, "not run")
            parts.append(f"{'=' * 100}\n{test}: {outcome}\n{result.texts.get(test, '')}\n")
        if result.ended or not result.outcomes:
            parts.append(f"{'=' * 100}\noutput of the process:\n{result.output}\n")
        path.write_text("".join(parts), encoding="utf-8")


def as_json(
    verdicts: list[ModuleVerdict], results: dict[str, ModuleResult], subjects: dict[str, str]
) -> dict[str, object]:
    """The whole run as plain data."""
    return {
        verdict.module: {
            "subject": subjects[verdict.module],
            "native": native(subjects[verdict.module]),
            "seconds": round(results[verdict.module].seconds, 2),
            "ended": results[verdict.module].ended,
            "passed": len(verdict.passed),
            "excluded": sorted(verdict.excluded),
            "pending": sorted(verdict.pending),
            "failing": {
                test: results[verdict.module].outcomes.get(test, "not run")
                for test in sorted(verdict.failing)
            },
        }
        for verdict in verdicts
    }
