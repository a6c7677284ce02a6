"""Runs Twisted's own tests on Selvage: `make conformance`, or `python -m tests.conformance` beside an installed Twisted.

Every test that passes on real Twisted (the baseline) has to pass here, or to be listed in exclusions.toml with its
reason; the exit status says whether that is so.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from . import _report
from ._both_trials import compare, tests_of_trial
from ._commands import compare_commands
from ._data import BASELINE, Baseline, Exclusions, ModuleBaseline, check_reasons, heading_slugs
from ._measure import measure, run_watched
from ._modules import discover, module_under_test, select, twisted_folder
from ._runner import TIME_LIMIT
from ._shares import shares_of
from ._verdict import ModuleVerdict

PYTHON = ".".join(map(str, sys.version_info[:2]))
RESULTS = Path(__file__).resolve().parents[2] / "conformance-results"


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 140)
    root = twisted_folder()
    everything = discover(root)
    modules = select(everything, options.names) if options.names else everything
    if options.commands:
        return 1 if compare_commands(console, options.jobs) else 0
    if options.real_trial:
        # Its own tests are not what is compared.
        modules = [module for module in modules if not tests_of_trial(module)]
    if options.baseline:
        return make_baseline(console, modules, options)
    baseline = Baseline.load()
    exclusions = Exclusions.load()
    faults = check_reasons(exclusions, baseline, heading_slugs())
    expected = baseline.of(PYTHON)
    for missing in sorted(set(modules) - set(expected)):
        faults.append(f"{missing}: this module is not in the baseline; make it anew with --baseline")
        modules.remove(missing)
    if options.both_trials:
        differing = compare(console, modules, expected, exclusions, options)
        differing += 0 if options.names else compare_commands(console, options.jobs)
        return 1 if differing else 0
    results, verdicts = measure(
        console, modules, expected, exclusions, options, real_trial=options.real_trial
    )
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
    parser.add_argument(
        "--both-trials",
        action="store_true",
        help="run the tests under Selvage's trial and under Twisted's, and the commands, too; fail where they differ",
    )
    parser.add_argument(
        "--commands", action="store_true", help="compare only the commands of both trials, on small modules"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results as JSON")
    return parser.parse_args()


def make_baseline(console: Console, modules: list[str], options: argparse.Namespace) -> int:
    """Run `modules` on real Twisted and record what became of each test; other modules keep their record."""
    results = run_watched(console, modules, options, None)
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
