"""What happened in the service, by name; the last count tells it."""

from __future__ import annotations

from collections import Counter

from selvage import failure

__all__ = ["count_failure", "crash", "happened"]

happened: Counter[str] = Counter()


def crash(where: str) -> None:
    """Fail as a bug in a program would; exactly one report has to come of it."""
    happened["crash"] += 1
    happened[f"crash in {where}"] += 1
    raise RuntimeError(f"a bug in {where}")


def count_failure(report: failure.Report) -> None:
    """Subscribed to the hub."""
    happened["reported"] += 1
    # By name, so that an error that nobody meant to make is seen for what it is.
    message = str(report.failure.value)
    meant = message.startswith(("a bug in", "nobody waits"))
    happened[f"reported {report.failure.type.__name__}{'' if meant else ': ' + message[:100]}"] += 1
