"""`reactor.addErrorCallback`: functions of one Failure, subscribed to the hub.  Floor 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.failure import Failure, Report, subscribe, unsubscribe

__all__ = ["add", "remove"]

_hooks: list[tuple[Callable[[Failure], object], Callable[[Report], object]]] = []


def add(f: Callable[[Failure], object], filters: dict[str, Any]) -> None:
    """Subscribe `f`, with arguments for `subscribe`; twice is once.

    Raises:
        TypeError: it cannot be called.
    """
    if not callable(f):
        raise TypeError(f"addErrorCallback() takes a function of one Failure, not {f!r}")
    if any(known == f for known, _ in _hooks):
        return

    def on_report(report: Report) -> None:
        # Summaries are about failures that it has had.
        if report.kind == "failure":
            f(report.failure)

    on_report.__name__ = on_report.__qualname__ = getattr(f, "__qualname__", repr(f))
    subscribe(on_report, **filters)
    _hooks.append((f, on_report))


def remove(f: Callable[[Failure], object]) -> None:
    """Take `f` back.

    Raises:
        ValueError: it is not subscribed.
    """
    for entry in _hooks:
        if entry[0] == f:
            _hooks.remove(entry)
            unsubscribe(entry[1])
            return
    raise ValueError(f"{f!r} is no error callback: it was never added, or has been removed")
