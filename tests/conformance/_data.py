"""The two data files beside this one: what passes on real Twisted (baseline) and what may fail on Selvage, and why."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Baseline", "Exclusions", "ModuleBaseline", "check_reasons", "heading_slugs"]

HERE = Path(__file__).resolve().parent
BASELINE = HERE / "baseline.json"
EXCLUSIONS = HERE / "exclusions.toml"
DIFFERENCES = HERE.parents[1] / "docs" / "design" / "differences.md"

#: What a reason may begin with, by the table it stands in.
KINDS = {"excluded": ("private", "differs"), "pending": ("tls", "processes", "stdio")}
_REASON = re.compile(r"(?P<kind>[a-z]+): (?:\[(?P<section>[a-z0-9-]+)\] )?(?P<text>\S.{9,})")


@dataclass
class ModuleBaseline:
    """What one test module did on real Twisted."""

    passed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def add(self, test: str, outcome: str) -> None:
        """Record one test; an expected failure is a pass, all else that is neither pass nor skip is a failure."""
        for each in (self.passed, self.skipped, self.failed):
            each.discard(test)
        if outcome in ("passed", "todo"):
            self.passed.add(test)
        elif outcome == "skipped":
            self.skipped.add(test)
        else:
            self.failed.add(test)


@dataclass
class Baseline:
    """What every test module did on real Twisted.

    The file holds the record of one version of Python whole, and of other versions the modules that differ (a few tests
    are about modules that later versions no longer have).
    """

    python: str
    twisted: str
    modules: dict[str, ModuleBaseline]
    others: dict[str, dict[str, ModuleBaseline]] = field(default_factory=dict)
    """Minor version of Python to the modules that did otherwise there."""

    @classmethod
    def load(cls, path: Path = BASELINE) -> Baseline:
        """Read the file.

        Raises:
            SystemExit: there is none.
        """
        if not path.exists():
            raise SystemExit("no baseline; make one on real Twisted with `make conformance ARGS=--baseline`")
        data = json.loads(path.read_text(encoding="utf-8"))
        others = {version: _unpack_all(modules) for version, modules in data["others"].items()}
        return cls(data["python"], data["twisted"], _unpack_all(data["modules"]), others)

    def of(self, python: str) -> dict[str, ModuleBaseline]:
        """The record of one minor version of Python, or of the nearest that has been recorded, the older first."""
        minors = {_minor(version): version for version in (self.python, *self.others)}
        nearest = min(sorted(minors), key=lambda minor: abs(minor - _minor(python)))
        return self.modules | self.others.get(minors[nearest], {})

    def record(self, python: str, modules: dict[str, ModuleBaseline]) -> None:
        """Take `modules` as what `python` does now; modules that are not among them keep their record."""
        if python == self.python:
            self.modules.update(modules)
            return
        merged = self.others.get(python, {}) | modules
        self.others[python] = {name: one for name, one in merged.items() if one != self.modules.get(name)}

    def passing(self) -> set[str]:
        """Every test that passes on some version of Python."""
        records = [self.modules, *self.others.values()]
        return {test for modules in records for module in modules.values() for test in module.passed}

    def save(self, path: Path = BASELINE) -> None:
        """Write one line for each test class, so that a change shows as a small diff."""
        others = ",\n".join(
            f"{json.dumps(version)}: {_pack_all(modules)}" for version, modules in sorted(self.others.items())
        )
        path.write_text(
            f'{{"python": "{self.python}", "twisted": "{self.twisted}", "modules": {_pack_all(self.modules)},\n'
            f'"others": {{\n{others}\n}}}}\n',
            encoding="utf-8",
        )


@dataclass
class Exclusions:
    """The tests that pass on Twisted and need not pass here: test id to reason, in two tables."""

    excluded: dict[str, str]
    pending: dict[str, str]

    @classmethod
    def load(cls, path: Path = EXCLUSIONS) -> Exclusions:
        """Read the file; a missing one is empty.

        Raises:
            SystemExit: the file has a table other than `excluded` and `pending`.
        """
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if unknown := set(data) - set(KINDS):
            raise SystemExit(f"{path.name}: no table may be called {', '.join(sorted(unknown))}")
        return cls(data.get("excluded", {}), data.get("pending", {}))


def check_reasons(exclusions: Exclusions, baseline: Baseline, sections: set[str]) -> list[str]:
    """What is wrong with the list itself: one sentence for each fault.

    Args:
        sections: headings of docs/design/differences.md as `heading_slugs` gives them; each `differs:` names one.
    """
    passing = baseline.passing()
    faults = []
    for table, kinds in KINDS.items():
        for test, reason in getattr(exclusions, table).items():
            if test not in passing:
                faults.append(f"{test}: no test of this name passes on Twisted, so it needs no entry")
            match = _REASON.fullmatch(reason) if isinstance(reason, str) else None
            if match is None or match["kind"] not in kinds:
                faults.append(
                    f"{test}: its reason under [{table}] is to begin with {' or '.join(k + ':' for k in kinds)} "
                    f"and to say why, not {reason!r}"
                )
            elif match["kind"] == "differs" and match["section"] not in sections:
                faults.append(
                    f"{test}: `differs: [section] why` names a heading of docs/design/differences.md; "
                    f"there is none called {match['section']!r}"
                )
    faults += [f"{test}: stands in both tables" for test in exclusions.excluded if test in exclusions.pending]
    return faults


def heading_slugs(path: Path = DIFFERENCES) -> set[str]:
    """The headings of a Markdown file as link targets: lower-case words joined by hyphens."""
    if not path.exists():
        return set()
    headings = re.findall(r"^#+ +(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _pack_all(modules: dict[str, ModuleBaseline]) -> str:
    rows = ",\n".join(f"{json.dumps(name)}: {{\n{_pack(one)}\n}}" for name, one in sorted(modules.items()))
    return f"{{\n{rows}\n}}"


def _unpack_all(packed: dict[str, Any]) -> dict[str, ModuleBaseline]:
    return {name: _unpack(one) for name, one in packed.items()}


def _pack(module: ModuleBaseline) -> str:
    lines = []
    for outcome in ("passed", "skipped", "failed"):
        classes: dict[str, list[str]] = {}
        for test in sorted(getattr(module, outcome)):
            prefix, _, name = test.rpartition(".")
            classes.setdefault(prefix, []).append(name)
        rows = ",\n".join(f"  {json.dumps(prefix)}: {json.dumps(names)}" for prefix, names in classes.items())
        if rows:
            lines.append(f' "{outcome}": {{\n{rows}\n }}')
    return ",\n".join(lines)


def _unpack(packed: dict[str, dict[str, list[str]]]) -> ModuleBaseline:
    def ids(outcome: str) -> set[str]:
        return {
            f"{prefix}.{name}" if prefix else name
            for prefix, names in packed.get(outcome, {}).items()
            for name in names
        }

    return ModuleBaseline(ids("passed"), ids("skipped"), ids("failed"))
