"""Showing which way an event went.  Floor 1."""

from __future__ import annotations

from typing import Any

from ._interfaces import LogTrace

__all__ = ["formatTrace"]


def formatTrace(trace: LogTrace) -> str:
    """Return a trace as text: who passed the event to whom, further in what was passed on.

    Args:
        trace: what the log system has put into the list that was given to an event as `log_trace`.
    """
    if not trace:
        return ""
    root = trace[0][0]
    depths = {id(root): 0}
    lines = [_named(root)]
    for giver, taker in trace:
        depth = depths[id(taker)] = depths.get(id(giver), 0) + 1
        lines.append(f"{'  ' * depth}-> {_named(taker)}")
    return "".join(line + "\n" for line in lines)


def _named(observer: Any) -> str:
    name = getattr(observer, "name", None)
    return f"{observer}" if name is None else f"{observer} ({name})"
