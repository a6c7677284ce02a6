"""Compares what Selvage did with what Twisted did, test by test."""

from __future__ import annotations

from dataclasses import dataclass, field

from ._data import Exclusions, ModuleBaseline
from ._runner import ModuleResult

__all__ = ["ModuleVerdict", "judge"]

PASSES = ("passed", "todo")


@dataclass
class ModuleVerdict:
    """The tests of one module that pass on Twisted, each in exactly one of the four sets."""

    module: str
    passed: set[str] = field(default_factory=set)
    excluded: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    """Listed tests that pass, so that their entry is to go; they are among `passed` too."""

    @property
    def on_twisted(self) -> int:
        """How many tests of this module pass on Twisted."""
        return len(self.passed) + len(self.excluded) + len(self.pending) + len(self.failing)


def judge(baseline: ModuleBaseline, result: ModuleResult, exclusions: Exclusions) -> ModuleVerdict:
    """Sort the tests of one module; one that the run did not report, or skipped, does not pass."""
    verdict = ModuleVerdict(result.module)
    for test in baseline.passed:
        listed = test in exclusions.excluded or test in exclusions.pending
        if result.outcomes.get(test) in PASSES:
            verdict.passed.add(test)
            if listed:
                verdict.stale.add(test)
        elif test in exclusions.excluded:
            verdict.excluded.add(test)
        elif test in exclusions.pending:
            verdict.pending.add(test)
        else:
            verdict.failing.add(test)
    return verdict
