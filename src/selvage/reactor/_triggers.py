"""System event triggers: what is called before, during and after "startup", "shutdown" and the like.  Floor 2."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextvars import Context, copy_context
from inspect import iscoroutine
from typing import Any

from selvage.defer import Deferred, DeferredList
from selvage.failure import Failure, report

__all__ = ["ThreePhaseEvent", "ThreePhaseEventTrigger"]

_PHASES = ("before", "during", "after")


class ThreePhaseEventTrigger(tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]):
    """One trigger, `(callable, args, kwargs)`, which also remembers the context in which it was added."""

    context: Context

    def run(self) -> Any:
        """Call it in its context; what it raises goes to the hub and the result is None."""
        function, args, kwargs = self
        try:
            result = self.context.run(function, *args, **kwargs)
            if iscoroutine(result):
                return self.context.run(Deferred.fromCoroutine, result)
            return result
        except BaseException:
            report(
                Failure(), "Unhandled error in a system event trigger", source="trigger", callable=function
            )
            return None


class ThreePhaseEvent:
    """A named event with three lists of triggers.

    "before" triggers may return a Deferred (or a coroutine): the other phases wait for all of those.  Each trigger runs
    once, and one that raises keeps none of the others from running.

    Attributes:
        before, during, after: the triggers of each phase, as `(callable, args, kwargs)`.
        state: "BASE", or "BEFORE" while "before" triggers run or are awaited.
        finishedBefore: the "before" triggers of the firing in progress that have run.
    """

    def __init__(self) -> None:
        self.before: list[ThreePhaseEventTrigger] = []
        self.during: list[ThreePhaseEventTrigger] = []
        self.after: list[ThreePhaseEventTrigger] = []
        self.finishedBefore: list[ThreePhaseEventTrigger] = []
        self.state = "BASE"

    def addTrigger(self, phase: str, callable: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Add one trigger and return the handle that `removeTrigger` takes.

        Raises:
            KeyError: there is no such phase.
        """
        if phase not in _PHASES:
            raise KeyError(f"no event has a phase {phase!r}: the phases are 'before', 'during' and 'after'")
        trigger = ThreePhaseEventTrigger((callable, args, kwargs))
        trigger.context = copy_context()
        getattr(self, phase).append(trigger)
        return phase, callable, args, kwargs

    def removeTrigger(self, handle: Any) -> None:
        """Take a trigger back.

        Raises:
            ValueError: the handle is none, or its trigger is gone already.
            KeyError: the handle names an unknown phase.
        """
        try:
            phase, callable, args, kwargs = handle
        except (TypeError, ValueError):
            raise ValueError(f"{handle!r} is no trigger handle: pass what addTrigger returned") from None
        if phase not in _PHASES:
            raise KeyError(f"no event has a phase {phase!r}: the phases are 'before', 'during' and 'after'")
        trigger = (callable, args, kwargs)
        if self.state == "BEFORE" and phase == "before" and trigger in self.finishedBefore:
            # The wording is Twisted's: programs filter warnings by it.
            warnings.warn(
                "Removing already-fired system event triggers will raise an exception in a future version of Twisted.",
                category=DeprecationWarning,
                stacklevel=2,
            )
            return
        triggers = getattr(self, phase)
        if trigger not in triggers:
            raise ValueError(
                f"the {phase!r} trigger {callable!r} is not waiting: it has run or was removed before"
            )
        triggers.remove(trigger)

    def fireEvent(self) -> None:
        """Run the "before" triggers, then, when their Deferreds have fired, those of "during" and "after"."""
        self.state = "BEFORE"
        self.finishedBefore = []
        awaited: list[Deferred[Any]] = []
        while self.before:
            trigger = self.before.pop(0)
            self.finishedBefore.append(trigger)
            result = trigger.run()
            if isinstance(result, Deferred):
                awaited.append(result)
        DeferredList(awaited).addCallback(self._continue_firing)

    def _continue_firing(self, _results: object) -> None:
        self.state = "BASE"
        self.finishedBefore = []
        for triggers in (self.during, self.after):
            while triggers:
                triggers.pop(0).run()
