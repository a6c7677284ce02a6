"""Runs Twisted's tests on Selvage under both trials, Selvage's and Twisted's, and says where they do not agree.

Trial's own tests are left out: they are about the one or the other.  What the tests say of Selvage is `make conformance`'s
affair; here a test may fail as long as both trials say so.
"""

from __future__ import annotations

import argparse
from collections import Counter

from rich.console import Console

from ._data import Exclusions, ModuleBaseline
from ._measure import measure
from ._runner import ModuleResult, run_modules

__all__ = ["compare", "disagreements", "tests_of_trial"]

#: How a test of which nothing was reported is said to have ended.
NOT_RUN = "not run"

Results = dict[str, ModuleResult]


def tests_of_trial(module: str) -> bool:
    """Tell whether a test module is about trial itself."""
    return module.startswith("twisted.trial.")


def compare(
    console: Console,
    modules: list[str],
    expected: dict[str, ModuleBaseline],
    exclusions: Exclusions,
    options: argparse.Namespace,
) -> int:
    """Run `modules` under both, print how many tests ended in which way, and each that did not end alike.

    Returns:
        How many did not.
    """
    modules = [module for module in modules if not tests_of_trial(module)]
    runs: list[Results] = []
    for real_trial in (False, True):
        console.print(f"under {'Twisted' if real_trial else 'Selvage'}'s trial: {len(modules)} modules")
        runs.append(measure(console, modules, expected, exclusions, options, real_trial=real_trial)[0])
    listed = exclusions.excluded.keys() | exclusions.pending.keys()
    suspects = sorted({module for module, _ in disagreements(*runs)})
    if suspects and not options.no_retry:
        console.print(f"again, one at a time: {len(suspects)} modules that did not end alike")
        for run, real_trial in zip(runs, (False, True), strict=True):
            run.update(
                run_modules(
                    suspects, listed=listed, jobs=1, time_limit=options.time_limit, real_trial=real_trial
                )
            )
    found = disagreements(*runs)
    for whose, run in zip(("Selvage", "Twisted"), runs, strict=True):
        console.print(f"{whose}'s trial: {_counts(run)}", highlight=False)
    for (module, test), (ours, theirs) in found.items():
        console.print(
            f"{test or module}: {ours} under Selvage's trial, {theirs} under Twisted's", style="red"
        )
    return len(found)


def disagreements(ours: Results, theirs: Results) -> dict[tuple[str, str], tuple[str, str]]:
    """Return module and name of each test that did not end alike, and how it did; without a name, of a whole module."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for module in sorted(ours):
        one, other = ours[module], theirs[module]
        if one.ended != other.ended:
            found[module, ""] = (one.ended or "complete", other.ended or "complete")
        for test in sorted(one.outcomes.keys() | other.outcomes.keys()):
            pair = (one.outcomes.get(test, NOT_RUN), other.outcomes.get(test, NOT_RUN))
            if pair[0] != pair[1]:
                found[module, test] = pair
    return found


def _counts(run: Results) -> str:
    counts = Counter(outcome for result in run.values() for outcome in result.outcomes.values())
    each = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
    return f"{counts.total()} tests: {each}"
