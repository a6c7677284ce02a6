"""Runs test modules on Selvage, or on real Twisted, while a person watches; what fails runs twice before it is believed."""

from __future__ import annotations

import argparse
from collections.abc import Collection

from rich.console import Console

from ._data import Exclusions, ModuleBaseline
from ._runner import ModuleResult, run_modules
from ._verdict import ModuleVerdict, judge

__all__ = ["measure", "run_watched"]


def measure(
    console: Console,
    modules: list[str],
    expected: dict[str, ModuleBaseline],
    exclusions: Exclusions,
    options: argparse.Namespace,
    *,
    real_trial: bool,
) -> tuple[dict[str, ModuleResult], list[ModuleVerdict]]:
    """Run `modules` on Selvage; those with failing tests a second time, alone, before they are believed."""
    listed = exclusions.excluded.keys() | exclusions.pending.keys()
    results = run_watched(console, modules, options, listed, real_trial=real_trial)
    verdicts = {name: judge(expected[name], results[name], exclusions) for name in modules}
    suspects = [name for name in modules if verdicts[name].failing]
    if suspects and not options.no_retry:
        console.print(f"again, one at a time: {len(suspects)} modules with failing tests")
        for name, second in run_modules(
            suspects, listed=listed, jobs=1, time_limit=options.time_limit, real_trial=real_trial
        ).items():
            again = judge(expected[name], second, exclusions)
            for test in sorted(verdicts[name].failing & again.passed):
                console.print(f"passes only sometimes: {test}", style="yellow", highlight=False)
                results[name].outcomes[test] = second.outcomes[test]
            verdicts[name] = judge(expected[name], results[name], exclusions)
    return results, list(verdicts.values())


def run_watched(
    console: Console,
    modules: list[str],
    options: argparse.Namespace,
    listed: Collection[str] | None,
    *,
    real_trial: bool = False,
) -> dict[str, ModuleResult]:
    """Run `modules`, and say how far it is; `listed` as `run_modules` has it."""
    with console.status("") as status:
        count = 0

        def each(result: ModuleResult) -> None:
            nonlocal count
            count += 1
            status.update(f"{count} of {len(modules)}: {result.module}")
            if result.ended:
                console.print(f"{result.module}: {result.ended}", style="yellow", highlight=False)

        return run_modules(
            modules,
            listed=listed,
            jobs=options.jobs,
            time_limit=options.time_limit,
            real_trial=real_trial,
            each=each,
        )
