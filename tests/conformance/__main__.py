"""Runs Twisted's own tests on Selvage: `make conformance`, or `python -m tests.conformance` beside an installed Twisted.

Every test that passes on real Twisted (the baseline) has to pass here, or to be listed in exclusions.toml with its
reason; the exit status says whether that is so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection
from pathlib import Path

from rich.console import Console

from . import _report
from ._data import BASELINE, Baseline, Exclusions, ModuleBaseline, check_reasons, heading_slugs
from ._modules import discover, module_under_test, select, twisted_folder
from ._runner import TIME_LIMIT, ModuleResult, run_modules
from ._shares import shares_of
from ._verdict import ModuleVerdict, judge

PYTHON = ".".join(map(str, sys.version_info[:2]))
RESULTS = Path(__file__).resolve().parents[2] / "conformance-results"


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 140)
    root = twisted_folder()
    everything = discover(root)
    modules = select(everything, options.names) if options.names else everything
    if options.real_trial:
        # Its own tests are not what is compared.
        modules = [module for module in modules if not module.startswith("twisted.trial.")]
    if options.baseline:
        return make_baseline(console, modules, options)
    baseline = Baseline.load()
    exclusions = Exclusions.load()
    faults = check_reasons(exclusions, baseline, heading_slugs())
    expected = baseline.of(PYTHON)
    for missing in sorted(set(modules) - set(expected)):
        faults.append(f"{missing}: this module is not in the baseline; make it anew with --baseline")
        modules.remove(missing)
    results, verdicts = measure(console, modules, expected, exclusions, options)
    subjects = {module: module_under_test(module, root) for module in modules}
    details = bool(options.names) and not options.list_failing
    _report.print_failing(console, verdicts, results, details=details)
    _report.save_details(options.save, verdicts, results)
    if options.shares:
        shares = shares_of(verdicts, subjects)
        _report.print_shares(console, shares, baseline.twisted)
        faults += [f"{share.group.name}: fewer pass than are demanded" for share in shares if share.missed]
    else:
        _report.print_table(console, verdicts, expected, subjects, baseline.twisted)
    if options.json:
        data = _report.as_json(verdicts, results, subjects)
        options.json.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    for verdict in verdicts:
        faults += [
            f"{test}: passes, so its entry in exclusions.toml is to go" for test in sorted(verdict.stale)
        ]
    for fault in faults:
        console.print(fault, style="red", highlight=False, markup=False, soft_wrap=True)
    failing = sum(len(verdict.failing) for verdict in verdicts)
    console.print(_closing_line(verdicts, failing, options.save), highlight=False)
    return 1 if failing or faults else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("names", nargs="*", help="test modules or packages, by dotted name; by default all")
    parser.add_argument(
        "--baseline", action="store_true", help="run on real Twisted and record what passes there"
    )
    parser.add_argument("-j", "--jobs", type=int, default=2, metavar="N", help="processes at a time (2)")
    parser.add_argument(
        "--time-limit", type=float, default=TIME_LIMIT, metavar="S", help=f"per module ({TIME_LIMIT:.0f})"
    )
    parser.add_argument(
        "--no-retry", action="store_true", help="do not run failing modules a second time, alone"
    )
    parser.add_argument(
        "--list-failing", action="store_true", help="only name failing tests, without their last lines"
    )
    parser.add_argument(
        "--save", type=Path, default=RESULTS, metavar="FOLDER", help="for the tracebacks of tests that fail"
    )
    parser.add_argument(
        "--shares",
        action="store_true",
        help="print what share of which tests passes, beside what is demanded",
    )
    parser.add_argument(
        "--real-trial", action="store_true", help="have Twisted's own trial run the tests, not Selvage's"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results as JSON")
    return parser.parse_args()


def make_baseline(console: Console, modules: list[str], options: argparse.Namespace) -> int:
    """Run `modules` on real Twisted and record what became of each test; other modules keep their record."""
    results = _run(console, modules, options, None)
    recorded: dict[str, ModuleBaseline] = {}
    for module, result in results.items():
        one = recorded[module] = ModuleBaseline()
        for test, outcome in result.outcomes.items():
            one.add(test, outcome)
        if result.ended:
            console.print(f"{module}: {result.ended}", style="red")
    baseline = Baseline.load() if BASELINE.exists() else Baseline(PYTHON, _twisted_version(), {})
    baseline.record(PYTHON, recorded)
    baseline.save()
    for outcome in ("passed", "skipped", "failed"):
        console.print(f"{sum(len(getattr(one, outcome)) for one in recorded.values())} {outcome}")
    for module in sorted(recorded):
        for test in sorted(recorded[module].failed):
            console.print(f"fails on Twisted: {test}", highlight=False)
    return 0


def measure(
    console: Console,
    modules: list[str],
    expected: dict[str, ModuleBaseline],
    exclusions: Exclusions,
    options: argparse.Namespace,
) -> tuple[dict[str, ModuleResult], list[ModuleVerdict]]:
    """Run `modules` on Selvage; those with failing tests a second time, alone, before they are believed."""
    listed = exclusions.excluded.keys() | exclusions.pending.keys()
    results = _run(console, modules, options, listed)
    verdicts = {name: judge(expected[name], results[name], exclusions) for name in modules}
    suspects = [name for name in modules if verdicts[name].failing]
    if suspects and not options.no_retry:
        console.print(f"again, one at a time: {len(suspects)} modules with failing tests")
        for name, second in run_modules(
            suspects, listed=listed, jobs=1, time_limit=options.time_limit, real_trial=options.real_trial
        ).items():
            again = judge(expected[name], second, exclusions)
            for test in sorted(verdicts[name].failing & again.passed):
                console.print(f"passes only sometimes: {test}", style="yellow", highlight=False)
                results[name].outcomes[test] = second.outcomes[test]
            verdicts[name] = judge(expected[name], results[name], exclusions)
    return results, list(verdicts.values())


def _run(
    console: Console, modules: list[str], options: argparse.Namespace, listed: Collection[str] | None
) -> dict[str, ModuleResult]:
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
            real_trial=options.real_trial,
            each=each,
        )


def _twisted_version() -> str:
    from importlib.metadata import version

    return version("twisted")


def _closing_line(verdicts: list[ModuleVerdict], failing: int, folder: Path) -> str:
    passed = sum(len(verdict.passed) for verdict in verdicts)
    if failing:
        return (
            f"[red]{failing} tests pass on Twisted and fail here[/red], {passed} pass; tracebacks in {folder}"
        )
    return f"[green]{passed} tests pass here as on Twisted, and none fails without a reason[/green]"


if __name__ == "__main__":
    sys.exit(main())
