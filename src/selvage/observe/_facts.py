"""What leaves the program about a report: texts, cut and without secrets.  Floor 5."""

from __future__ import annotations

from typing import NoReturn

from selvage.failure import Locals, Report, safe_repr

__all__ = ["facts_of", "missing"]

# Characters of one fact; enough for the repr of a connection or a call.
_FACT_LIMIT = 300

_POLICY = Locals()


def facts_of(report: Report) -> dict[str, str]:
    """Give the facts of a report as texts; those whose names smell of secrets are left out."""
    facts = {"message": report.message}
    for name, value in report.context.items():
        if not _POLICY.hides(name, value):
            text = value if isinstance(value, str) else safe_repr(value)
            facts[name] = text if len(text) <= _FACT_LIMIT else text[:_FACT_LIMIT] + "..."
    return facts


def missing(package: str, extra: str, error: ImportError) -> NoReturn:
    """Say what to install."""
    raise ImportError(
        f"{package} is not installed; it comes with: pip install 'selvage[{extra}]'", name=error.name
    ) from error
