"""What the proxy says: lines in colour where a person looks, JSON lines where a program reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, TextIO

from selvage.failure import printable
from selvage.testing.faults import FaultPlan, Injected

__all__ = ["Output"]

_DIRECTIONS = {"received": "client to server", "sent": "server to client", "": ""}
_ARROWS = {"received": "->", "sent": "<-", "": "  "}

_STYLES = {"connection": "dim", "closed": "dim", "unreachable": "bold red", "fault": "yellow"}

# Faults of connections that the proxy never takes, and so says nothing else of.
_NOT_TAKEN = ("refuse", "timeout")


class Output:
    """Says what happens, and adds it up.

    Args:
        stream: where to.
        as_json: as JSON lines; else as text, in colour if the stream is a terminal.
        now: gives the seconds since the proxy began.

    Attributes:
        connections: how many there were, those that a fault refused among them.
        over: how many have ended.
    """

    def __init__(self, stream: TextIO, as_json: bool, now: Callable[[], float]) -> None:
        from rich.console import Console

        self._stream = stream
        self._as_json = as_json
        self._now = now
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._totals: Counter[str] = Counter()
        self.connections = 0
        self.over = 0

    def listening(self, address: str, plan: FaultPlan) -> None:
        """Say where the proxy listens, and what it will do."""
        faults = [repr(fault) for fault in plan.faults]
        if self._as_json:
            self._write_json("listening", address=address, seed=plan.seed, faults=faults)
            return
        self._print(f"listening on {address}, seed {plan.seed}", "bold")
        for each in faults or ["no faults: everything passes as it is"]:
            self._print(f"  {each}", "dim")

    def event(self, name: str, target: str, facts: dict[str, Any]) -> None:
        """Say what happened to a connection."""
        self.connections += name == "connection"
        self.over += name == "closed"
        for count in ("to_server", "to_client"):
            self._totals[count] += facts.get(count, 0)
        if self._as_json:
            self._write_json(name, connection=_number(target), **facts)
        else:
            words = ", ".join(f"{fact.replace('_', ' ')} {value}" for fact, value in facts.items())
            self._line(target, "  ", f"{name}: {words}", _STYLES.get(name, ""))

    def fault(self, injected: Injected) -> None:
        """Say which fault struck."""
        target = injected.target
        if injected.fault in _NOT_TAKEN:
            self.connections += 1
            self.over += 1
        if self._as_json:
            self._write_json(
                "fault",
                connection=_number(target),
                fault=injected.fault,
                direction=_DIRECTIONS[injected.direction],
                byte=injected.at,
                detail=injected.detail,
            )
        else:
            at = "" if injected.at is None else f" at byte {injected.at}"
            detail = f" ({injected.detail})" if injected.detail else ""
            self._line(target, _ARROWS[injected.direction], f"{injected.fault}{at}{detail}", _STYLES["fault"])

    def summary(self, plan: FaultPlan) -> None:
        """Say what it came to."""
        totals = {
            "connections": self.connections,
            "bytes to server": self._totals["to_server"],
            "bytes to client": self._totals["to_client"],
        }
        if self._as_json:
            keys = {name.replace(" ", "_"): value for name, value in totals.items()}
            self._write_json("summary", seed=plan.seed, **keys, faults=dict(plan.counts))
            return
        from rich.table import Table

        table = Table(
            box=None, show_header=False, pad_edge=False, title=f"seed {plan.seed}", title_justify="left"
        )
        for name, value in [*totals.items(), *sorted(plan.counts.items())]:
            table.add_row(name, f"{value:,}")
        self._console.print(table)

    def _line(self, target: str, arrow: str, words: str, style: str) -> None:
        self._print(f"{self._now():9.3f}  #{_number(target):<4} {arrow} {words}", style)

    def _print(self, words: str, style: str) -> None:
        # Words of a peer's address or a resolver's error reach this: they shall not speak to the terminal.
        self._console.print(printable(words), style=style, markup=False)

    def _write_json(self, event: str, **facts: Any) -> None:
        self._stream.write(json.dumps({"time": round(self._now(), 6), "event": event, **facts}) + "\n")
        self._stream.flush()


def _number(target: str) -> int:
    """The number of "connection 3"."""
    return int(target.rpartition(" ")[2])
