"""Choosing which events an observer gets.  Floor 1."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from selvage.failure import safe_repr
from selvage.interfaces._base import Interface, implementer

from ._interest import least_level, levels_changed, lowest
from ._interfaces import ILogObserver, LogEvent
from ._levels import InvalidLogLevelError, LogLevel, Names
from ._observer import bitbucketLogObserver

if TYPE_CHECKING:
    from typing import Protocol
else:
    from selvage.interfaces._base import Protocol

__all__ = [
    "FilteringLogObserver",
    "ILogFilterPredicate",
    "LogLevelFilterPredicate",
    "PredicateResult",
    "shouldLogEvent",
]


# Namespaces whose level is remembered: more than a program has, unless it makes them up while it runs.
_KEPT = 4096


class PredicateResult(Names):
    """What a predicate says of an event."""

    #: Pass it on, and ask no other predicate.
    yes = 0
    #: Do not pass it on, and ask no other predicate.
    no = 1
    #: Let the others decide; when no one minds, pass it on.
    maybe = 2


class ILogFilterPredicate(Interface, Protocol):
    """Decides on one event: any function of one argument will do.

    One that says no to all that is below some level may have a method `least_level(namespace)`; see `ILogObserver`.
    """

    def __call__(self, event: LogEvent, /) -> PredicateResult:
        """Say what shall become of one event."""


def shouldLogEvent(predicates: Iterable[ILogFilterPredicate], event: LogEvent) -> bool:
    """Ask predicates, in order, whether an event is to be passed on.

    Raises:
        TypeError: a predicate returned something else than a `PredicateResult`.
    """
    for predicate in predicates:
        result = predicate(event)
        if result is PredicateResult.maybe:
            continue
        if result is PredicateResult.yes:
            return True
        if result is PredicateResult.no:
            return False
        raise TypeError(f"A predicate returns a PredicateResult; {safe_repr(predicate)} returned {result!r}")
    return True


@implementer(ILogObserver)
class FilteringLogObserver:
    """Passes those events on to which its predicates do not say no.

    Args:
        observer: gets what passes.
        predicates: asked in order, until one says yes or no.
        negativeObserver: gets the others.
    """

    def __init__(
        self,
        observer: ILogObserver,
        predicates: Iterable[ILogFilterPredicate],
        negativeObserver: ILogObserver = bitbucketLogObserver,
    ) -> None:
        self._observer = observer
        self._predicates = tuple(predicates)
        self._negativeObserver = negativeObserver
        self._shouldLogEvent = partial(shouldLogEvent, self._predicates)

    def __call__(self, event: LogEvent) -> None:
        """Pass one event on, to one of the two."""
        observer = self._observer if self._shouldLogEvent(event) else self._negativeObserver
        if observer is bitbucketLogObserver:
            return
        if "log_trace" in event:
            event["log_trace"].append((self, observer))
        observer(event)

    def least_level(self, namespace: str) -> LogLevel | None:
        """Return the lowest level that can pass and that somebody then wants; see `ILogObserver`."""
        passed = least_level(self._observer, namespace)
        for predicate in self._predicates:
            if getattr(predicate, "least_level", None) is None:
                # It may say yes to anything that comes to it.
                break
            passes = least_level(predicate, namespace)
            passed = None if passed is None or passes is None else max(passed, passes)
        return lowest((passed, least_level(self._negativeObserver, namespace)))


@implementer(ILogFilterPredicate)
class LogLevelFilterPredicate:
    """Says no to events below a level, which may be set for each namespace and holds for those below it too.

    Args:
        defaultLogLevel: holds where nothing was set.
    """

    def __init__(self, defaultLogLevel: LogLevel = LogLevel.info) -> None:
        self._default = defaultLogLevel
        self._levels: dict[str, LogLevel] = {}
        # What was found before; forgotten when a level changes.
        self._found: dict[str, LogLevel] = {}

    @property
    def defaultLogLevel(self) -> LogLevel:
        """The level that holds where nothing was set."""
        return self._default

    @defaultLogLevel.setter
    def defaultLogLevel(self, level: LogLevel) -> None:
        self._default = level
        self._change()

    def logLevelForNamespace(self, namespace: str) -> LogLevel:
        """Return the level that holds for a namespace: its own, or that of the nearest one above it."""
        # The dictionary as it is now: what is found while somebody changes a level shall not outlive the change.
        kept = self._found
        found = kept.get(namespace)
        if found is None:
            if len(kept) >= _KEPT:
                kept.clear()
            found = kept[namespace] = self._find(namespace or "")
        return found

    def _find(self, namespace: str) -> LogLevel:
        while namespace:
            level = self._levels.get(namespace)
            if level is not None:
                return level
            namespace = namespace.rpartition(".")[0]
        return self._levels.get("", self._default)

    def _change(self) -> None:
        self._found = {}
        levels_changed()

    def setLogLevelForNamespace(self, namespace: str, level: LogLevel) -> None:
        """Set the level of a namespace, and of those below it that have none of their own.

        Args:
            namespace: dotted name; "" for the level that holds where nothing else does.
            level: a level, not its name.

        Raises:
            InvalidLogLevelError: `level` is no level.
        """
        if not isinstance(level, LogLevel):
            raise InvalidLogLevelError(level)
        self._levels[namespace or ""] = level
        self._change()

    def clearLogLevels(self) -> None:
        """Forget what was set; the default holds everywhere."""
        self._levels.clear()
        self._change()

    def lowest(self) -> LogLevel:
        """Return the lowest level that holds anywhere."""
        return min({"": self._default, **self._levels}.values())

    def least_level(self, namespace: str) -> LogLevel | None:
        """Return the level that holds for a namespace; see `ILogObserver`."""
        # An event without a namespace never passes.
        return self.logLevelForNamespace(namespace) if namespace else None

    def __call__(self, event: LogEvent) -> PredicateResult:
        """Say no, or maybe."""
        level: Any = event.get("log_level")
        namespace = event.get("log_namespace")
        if not isinstance(level, LogLevel) or not namespace:
            return PredicateResult.no
        if level.value < self.logLevelForNamespace(namespace).value:
            return PredicateResult.no
        return PredicateResult.maybe
