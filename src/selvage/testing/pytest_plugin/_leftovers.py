"""What a test leaves behind: delayed calls, open ports and connections, asyncio tasks, Deferreds without a result."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from selvage.defer import Pending, getDebugging, pending
from selvage.interfaces import IListeningPort
from selvage.reactor import get_reactor

__all__ = ["Surroundings", "hint"]

# Turns of the reactor before what is left is looked for: in the first, who was just closed is told of that; in the second,
# those who were told act.
_TURNS = 2


class Surroundings:
    """What there is besides the test: what was there before it, and what fixtures of wider scope have made."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}  # by id, and kept alive so that an id stays its own
        self._learn(_everything())

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let what is made in a block not count as the test's."""
        before = {id(each) for each in _everything()}
        try:
            yield
        finally:
            self._learn(each for each in _everything() if id(each) not in before)

    def clean(self) -> list[str]:
        """Take away what is left, and say what it was."""
        reactor: Any = get_reactor()
        if reactor._loop is not None and not reactor._loop.is_closed() and not reactor.running:
            for _ in range(_TURNS):
                reactor.iterate(0)
        gc.collect()
        # All is looked at before anything is removed, which may leave traces of its own.
        left = [
            (kind, words, remove, each)
            for kind, found, words, remove in (
                ("delayed call", _delayed_calls(), str, lambda call: call.cancel()),
                ("open", _selectables(), repr, _close),
                ("asyncio task", _tasks(), repr, lambda task: task.cancel()),
                ("without a result", _deferreds(), lambda d: str(Pending.of(d)), lambda d: None),
            )
            for each in found
            if id(each) not in self._known
        ]
        told = [f"{kind}: " + words(each).replace("\n", "\n    ") for kind, words, _, each in left]
        for _, _, remove, each in left:
            remove(each)
        if told and reactor._loop is not None and not reactor._loop.is_closed():
            reactor.iterate(0)  # what was closed and cancelled ends
            self._learn(_everything())
        return told

    def _learn(self, things: Iterable[Any]) -> None:
        self._known.update((id(each), each) for each in things)


def hint() -> str:
    """Say how to learn more, where that is so."""
    return "" if getDebugging() else "\n(selvage_debug = true says where each was made)"


def _everything() -> list[Any]:
    return [*_delayed_calls(), *_selectables(), *_tasks(), *_deferreds()]


def _delayed_calls() -> list[Any]:
    return [call for call in get_reactor().getDelayedCalls() if call.active()]


def _selectables() -> list[Any]:
    reactor: Any = get_reactor()
    return list({id(each): each for each in [*reactor.getReaders(), *reactor.getWriters()]}.values())


def _tasks() -> list[Any]:
    loop = get_reactor()._loop
    return (
        []
        if loop is None or loop.is_closed()
        else [each for each in asyncio.all_tasks(loop) if not each.done()]
    )


def _deferreds() -> list[Any]:
    # Of a coroutine that waits only the outermost is told, which says what it waits for.
    return [each.deferred for each in pending() if not each.waiters]


def _close(selectable: Any) -> None:
    reactor: Any = get_reactor()
    if IListeningPort.providedBy(selectable):
        selectable.stopListening()
    elif hasattr(selectable, "abortConnection"):
        selectable.abortConnection()
    else:
        reactor.removeReader(selectable)
        reactor.removeWriter(selectable)
