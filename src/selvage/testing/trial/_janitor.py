"""Looks after the reactor when a test is over: what the test left there is named, and taken away.  Beside the floors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from selvage.errors import CONNECTION_DONE, ProcessExitedAlready
from selvage.failure import Failure
from selvage.interfaces import IListeningPort, IProcessTransport
from selvage.reactor import get_reactor
from selvage.testing._told import connection_told, is_connection, task_told, where_made
from selvage.testing._watched import processes, tasks, watched

__all__ = ["DirtyReactorAggregateError", "Janitor"]


class DirtyReactorAggregateError(Exception):
    """A test left something in the reactor.

    Attributes:
        delayedCalls: what is said of each delayed call that was still to come.
        selectables: what is said of each port, connection or child process that was still open.
        tasks: what is said of each asyncio task that was not done.
    """

    def __init__(
        self,
        delayedCalls: Sequence[Any],
        selectables: Sequence[Any] | None = None,
        tasks: Sequence[Any] = (),
    ) -> None:
        self.delayedCalls = delayedCalls
        self.selectables = selectables
        self.tasks = tasks

    def __str__(self) -> str:
        lines = ["Reactor was unclean."]
        if self.delayedCalls:
            lines.append("DelayedCalls: (set twisted.internet.base.DelayedCall.debug = True to debug)")
            lines += map(str, self.delayedCalls)
        if self.selectables:
            lines.append("Selectables:")
            lines += map(str, self.selectables)
        if self.tasks:
            lines.append("asyncio tasks:")
            lines += map(str, self.tasks)
        return "\n".join(lines)


class Janitor:
    """Cleans a reactor after a test.

    Args:
        test: whose errors they are.
        result: who is told.
        reactor: by default the ambient one.
        known: asyncio tasks that are not the test's.
    """

    def __init__(self, test: Any, result: Any, reactor: Any = None, known: Collection[Any] = ()) -> None:
        self.test = test
        self.result = result
        self.reactor = reactor
        self.known = known

    def postCaseCleanup(self) -> bool:
        """Cancel delayed calls and asyncio tasks that are left; tell of them, and whether there were none."""
        calls = self._cleanPending()
        left = self._clean_tasks()
        if calls or left:
            self.result.addError(self.test, Failure(DirtyReactorAggregateError(calls, tasks=left)))
        return not (calls or left)

    def postClassCleanup(self) -> None:
        """Cancel delayed calls, close what is open, and tell of it; end threads."""
        selectables = self._cleanReactor()
        calls = self._cleanPending()
        self._clean_threads()
        if selectables or calls:
            self.result.addError(self.test, Failure(DirtyReactorAggregateError(calls, selectables)))

    def _clean_threads(self) -> None:
        """End the threads of the reactor's pool: the next test gets a fresh one, of the usual size."""
        reactor = self._getReactor()
        if getattr(reactor, "threadpool", None) is not None:
            reactor._stopThreadPool()

    def _getReactor(self) -> Any:
        return get_reactor() if self.reactor is None else self.reactor

    def _cleanPending(self) -> list[str]:
        """Cancel the delayed calls of the reactor and return what is said of them."""
        reactor = self._getReactor()
        # Two turns: in the first what the test has just closed is told of that, in the second those who were told act.
        reactor.iterate(0)
        reactor.iterate(0)
        told = []
        for call in reactor.getDelayedCalls():
            if call.active():
                told.append(_call_told(call))
                call.cancel()
        return told

    def _clean_tasks(self) -> list[str]:
        """Cancel the asyncio tasks of the test and return what is said of them."""
        reactor = self._getReactor()
        left = [each for each in tasks(reactor) if each not in self.known]
        told = [task_told(each) + _creation(each) for each in left]
        for each in left:
            each.cancel()
        if left:
            reactor.iterate(0)  # in which they end
        return told

    def _cleanReactor(self) -> list[str]:
        """Take everything from the reactor that it watches, kill processes, and return what is said of them."""
        reactor = self._getReactor()
        told = []
        # What waits for the end of a process stays in the reactor.
        for selectable in watched([*reactor.removeAll(), *processes(reactor)]):
            if IProcessTransport.providedBy(selectable):
                _kill(selectable)
            whose = connection_told(selectable) if is_connection(selectable) else ""
            told.append(f"{selectable!r}{f': {whose}' if whose else ''}{_creation(selectable)}")
            if IListeningPort.providedBy(selectable):
                # Nobody can do it any more once it is out of the reactor, and its number is wanted again.
                selectable.stopListening()
            elif getattr(selectable, "connected", False) and hasattr(selectable, "_abandon"):
                selectable._abandon()  # its protocol would hear of an end in the next test
        return told


def _call_told(call: Any) -> str:
    words, stack, _ = str(call).partition("\n\ntraceback at creation:")
    return f"{words}>{_creation(call)}" if stack else words


def _creation(thing: Any) -> str:
    """In debug mode, where something was made."""
    of, frames = where_made(thing)
    title = f"traceback at creation{f' of {of}' if of else ''}"
    return f"\n\n{title}: \n\n" + "".join(reversed(frames)) if frames else ""


def _kill(process: Any) -> None:
    with suppress(ProcessExitedAlready):
        process.signalProcess("KILL")
    # Its pipes are out of the reactor, so nobody would close our ends of them.
    for pipe in list(getattr(process, "pipes", {}).values()):
        pipe.connectionLost(Failure(CONNECTION_DONE))
