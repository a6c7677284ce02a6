"""What the reactor and its loop have to do, as who uses them knows it: a process, and not its pipes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from selvage.interfaces import IProcessTransport

__all__ = ["processes", "tasks", "watched"]


def watched(selectables: Iterable[Any]) -> list[Any]:
    """Return each thing once; instead of the pipes of a process, and of what waits for its end, the process."""
    things = [_process_of(each) or each for each in selectables]
    return list({id(each): each for each in things}.values())


def processes(reactor: Any) -> list[Any]:
    """Return the child processes of a reactor, if it is one that tells what it watches."""
    if not hasattr(reactor, "getReaders"):
        return []
    return [each for each in watched(reactor.getReaders()) if IProcessTransport.providedBy(each)]


def tasks(reactor: Any) -> list[Any]:
    """Return the asyncio tasks of a reactor's loop that are not done."""
    loop = getattr(reactor, "_loop", None)
    if loop is None or loop.is_closed():
        return []
    return [each for each in asyncio.all_tasks(loop) if not each.done()]


def _process_of(selectable: Any) -> Any:
    found = getattr(selectable, "proc", None) or getattr(selectable, "_process", None)
    return found if IProcessTransport.providedBy(found) else None
