"""Run the benchmarks: peers interleaved, medians over rounds, a table, an error when a budget is missed."""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict

import click
from rich.console import Console
from rich.table import Table

from ._peers import BenchmarkError, Neighbours
from ._scenarios import Budget, Scenario, all_scenarios
from ._web import web_scenarios

# Above this share of the time on a processor, the load and not the server is what limits the rate.
LOAD_IS_LIMIT = 0.9
# Above this share of all processors' time for other programs, what they do to the caches is part of every figure.
BUSY_MACHINE = 0.15

Taken = dict[str, dict[str, dict[str, list[float]]]]  # row -> unit -> peer -> one value a round
Medians = dict[str, dict[str, dict[str, float]]]


def run(scenario: Scenario, rounds: int, console: Console) -> Taken:
    """Take `rounds` samples of each peer, one peer after the other within a round."""
    samples: Taken = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
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
    return samples


def medians_of(taken: Taken) -> Medians:
    return {
        row: {
            unit: {peer: statistics.median(v) for peer, v in peers.items()} for unit, peers in units.items()
        }
        for row, units in taken.items()
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
            if unit == "load_busy":
                continue
            cells = []
            for peer in peers:
                value = values.get(peer)
                cells.append("" if value is None else f"{value:,.3g} ({values['twisted'] / value:.2f})")
            table.add_row(row, unit, *cells)
    return table


def limited_by_load(medians: Medians) -> str:
    """A line that names the peers which the load could not keep busy: their rate is higher than the table says."""
    named = {
        peer
        for units in medians.values()
        for peer, busy in units.get("load_busy", {}).items()
        if busy > LOAD_IS_LIMIT
    }
    return f"the load is the limit of the rate of: {', '.join(sorted(named))}" if named else ""


def judge(budget: Budget, taken: Taken) -> tuple[bool, str]:
    """Whether the budget holds, and a line that says so.

    The ratio is the median of those within each round: what disturbs the machine for a while disturbs both of a round.
    """
    values = taken[budget.row][budget.unit]
    ratios = [theirs / ours for theirs, ours in zip(values[budget.against], values["selvage"], strict=True)]
    ratio = statistics.median(ratios)
    holds = ratio >= budget.at_least
    word = "[green]holds[/]" if holds else "[bold red]MISSED[/]"
    line = (
        f"{word}  {budget.row}, {budget.unit}: {ratio:.2f} x {budget.against}{spread(ratios)}; "
        f"the budget is {budget.at_least:.2f}"
    )
    return holds, line


def spread(ratios: list[float]) -> str:
    """The middle half of the rounds, by which a reader sees how much of a figure is noise."""
    if len(ratios) < 3:
        return ""
    low, _, high = statistics.quantiles(ratios, method="inclusive")
    return f" ({low:.2f} to {high:.2f} in {len(ratios)} rounds)"


@click.command()
@click.option("--only", help="Run the scenarios whose name, or one of whose rows, contains this.")
@click.option(
    "--rounds", type=click.IntRange(min=1), help="Samples of each peer (default: by scenario, 3 to 9)."
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False), help="Write the medians to this file.")
def main(only: str | None, rounds: int | None, json_file: str | None) -> None:
    """Measure Selvage beside its peers in one run. In brackets: how many times less than Twisted (more is better)."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        chosen = choose([*all_scenarios(), *web_scenarios()], only)
        if not chosen:
            raise BenchmarkError(f"nothing is called {only!r}")
        verdicts, everything = [], {}
        for scenario in chosen:
            neighbours = Neighbours()
            taken = run(scenario, rounds or scenario.rounds, console)
            others = neighbours.share()
            medians = everything[scenario.name] = medians_of(taken)
            console.print(table_of(scenario, medians))
            if absent := [peer for peer, command in scenario.peers.items() if command is None]:
                console.print(f"not measured, as it is not installed: {', '.join(absent)}")
            if note := limited_by_load(medians):
                console.print(note)
            if others > BUSY_MACHINE:
                console.print(
                    f"[yellow]other programs used {others:.0%} of the machine: ratios are nearer to 1 then[/]"
                )
            for budget in scenario.budgets:
                verdicts.append(judge(budget, taken))
                console.print(verdicts[-1][1])
    except BenchmarkError as error:
        raise click.ClickException(str(error)) from error
    if json_file:
        with open(json_file, "w") as file:
            json.dump(everything, file, indent=1)
    missed = [line for holds, line in verdicts if not holds]
    console.print(f"\n{len(verdicts) - len(missed)} of {len(verdicts)} budgets hold")
    for line in missed:
        console.print(line)
    sys.exit(1 if missed else 0)


def choose(scenarios: list[Scenario], only: str | None) -> list[Scenario]:
    """The scenario of exactly this name, or those whose name, or one of whose rows, contains it."""
    if only is None:
        return scenarios
    word = only.lower()
    exactly = [s for s in scenarios if s.name.lower() == word]
    return exactly or [
        s for s in scenarios if any(word in name.lower() for name in [s.name, *(b.row for b in s.budgets)])
    ]


if __name__ == "__main__":
    main()
