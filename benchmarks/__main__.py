"""Run the benchmarks: peers interleaved, medians over rounds, a table, an error when a budget is missed."""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict

import click
from rich.console import Console
from rich.table import Table

from ._peers import BenchmarkError
from ._scenarios import Budget, Scenario, all_scenarios

Medians = dict[str, dict[str, dict[str, float]]]  # row -> unit -> peer -> median


def run(scenario: Scenario, rounds: int, console: Console) -> Medians:
    """Take `rounds` samples of each peer, one peer after the other within a round, and return the medians."""
    samples: dict[str, dict[str, dict[str, list[float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    peers = [peer for peer, command in scenario.peers.items() if command is not None]
    for number in range(rounds):
        for peer in peers:
            if console.is_terminal:
                console.print(
                    f"[dim]{scenario.name}: round {number + 1} of {rounds}, {peer:<20}[/]", end="\r"
                )
            for row, units in scenario.sample(peer).items():
                for unit, value in units.items():
                    samples[row][unit][peer].append(value)
    if console.is_terminal:
        console.print(" " * 70, end="\r")
    return {
        row: {
            unit: {peer: statistics.median(v) for peer, v in peers.items()} for unit, peers in units.items()
        }
        for row, units in samples.items()
    }


def table_of(scenario: Scenario, medians: Medians) -> Table:
    """One line a row and unit: what each peer spends, and in brackets how many times less than Twisted."""
    table = Table(title=scenario.name, title_justify="left", header_style="bold")
    table.add_column("what")
    table.add_column("unit")
    peers = list(
        dict.fromkeys(peer for units in medians.values() for values in units.values() for peer in values)
    )
    for peer in peers:
        table.add_column(peer, justify="right")
    for row, units in medians.items():
        for unit, values in units.items():
            cells = []
            for peer in peers:
                value = values.get(peer)
                cells.append("" if value is None else f"{value:,.3g} ({values['twisted'] / value:.2f})")
            table.add_row(row, unit, *cells)
    return table


def judge(budget: Budget, medians: Medians) -> tuple[bool, float, str]:
    """Whether the budget holds, the ratio reached, and a line that says so."""
    values = medians[budget.row][budget.unit]
    ratio = values[budget.against] / values["selvage"]
    holds = ratio >= budget.at_least
    word = "[green]holds[/]" if holds else "[bold red]MISSED[/]"
    line = f"{word}  {budget.row}, {budget.unit}: {ratio:.2f} x {budget.against}; the budget is {budget.at_least:.2f}"
    return holds, ratio, line


@click.command()
@click.option("--only", help="Run the scenarios whose name, or one of whose rows, contains this.")
@click.option(
    "--rounds", type=click.IntRange(min=1), help="Samples of each peer (default: by scenario, 3 to 5)."
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False), help="Write the medians to this file.")
def main(only: str | None, rounds: int | None, json_file: str | None) -> None:
    """Measure Selvage beside its peers in one run. In brackets: how many times less than Twisted (more is better)."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        chosen = [s for s in all_scenarios() if matches(s, only)]
        if not chosen:
            raise BenchmarkError(f"nothing is called {only!r}")
        verdicts, everything = [], {}
        for scenario in chosen:
            medians = run(scenario, rounds or scenario.rounds, console)
            everything[scenario.name] = medians
            console.print(table_of(scenario, medians))
            for budget in scenario.budgets:
                verdicts.append(judge(budget, medians))
                console.print(verdicts[-1][2])
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error
    if json_file:
        with open(json_file, "w") as file:
            json.dump(everything, file, indent=1)
    missed = [line for holds, _, line in verdicts if not holds]
    console.print(f"\n{len(verdicts) - len(missed)} of {len(verdicts)} budgets hold")
    for line in missed:
        console.print(line)
    sys.exit(1 if missed else 0)


def matches(scenario: Scenario, only: str | None) -> bool:
    if only is None:
        return True
    return any(only.lower() in name.lower() for name in [scenario.name, *(b.row for b in scenario.budgets)])


if __name__ == "__main__":
    main()
