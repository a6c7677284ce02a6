"""Which events anybody wants, known before they are made.  Floor 1.

Most events of a program that runs well are wanted by nobody: "debug" is switched off. What such an event costs is what
a log costs. So the question is answered when the answer changes, not when an event is logged:

* an observer may have a method `least_level(namespace)`, see `ILogObserver`; who has none wants everything;
* for each namespace that has loggers there is one `Gate` with a flag a level, shared by all its loggers; a logger asks
  its gate's flag, which is one attribute test, and goes no further when it is down;
* when observers come or go or a filter's levels change, `levels_changed` sets the flags of every gate anew.

A gate that is open lets events through to observers that throw them away, which is right though slow; a gate that is
shut while somebody wants its events would lose them. So a change opens gates before `levels_changed` returns, and in
doubt they are open.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakValueDictionary

from ._levels import LogLevel

__all__ = ["Gate", "gate_for", "least_level", "levels_changed", "lowest"]


class Gate:
    """What is wanted of one namespace by one observer: a flag for each level."""

    __slots__ = ("__weakref__", "critical", "debug", "error", "info", "namespace", "observer", "warn")

    def __init__(self, observer: Any, namespace: str) -> None:
        self.observer = observer
        self.namespace = namespace
        self.debug = self.info = self.warn = self.error = self.critical = True

    def wants(self, level: LogLevel) -> bool:
        """Tell whether the flag of `level` is up."""
        return getattr(self, level.name)  # type: ignore[no-any-return]

    def update(self) -> None:
        """Ask the observer anew."""
        level = least_level(self.observer, self.namespace)
        least = _NONE if level is None else level.value
        self.debug = least <= 0
        self.info = least <= 1
        self.warn = least <= 2
        self.error = least <= 3
        self.critical = least <= 4


# Above every level.
_NONE = len(LogLevel)

# By identity of the observer, which the gate keeps alive, and namespace.
_gates: WeakValueDictionary[tuple[int, str], Gate] = WeakValueDictionary()
_change = threading.RLock()


def gate_for(observer: Any, namespace: str) -> Gate:
    """Return the gate between the loggers of `namespace` and `observer`."""
    if getattr(observer, "least_level", None) is None:
        # It wants everything, always; who asks again gets a gate that is just as open.
        return Gate(observer, namespace)
    key = id(observer), namespace
    gate = _gates.get(key)
    if gate is None:
        with _change:
            gate = _gates.setdefault(key, Gate(observer, namespace))
            gate.update()
    return gate


def least_level(observer: Any, namespace: str) -> LogLevel | None:
    """Return the lowest level of events of `namespace` that `observer` wants, None if it wants none."""
    ask: Callable[[str], LogLevel | None] | None = getattr(observer, "least_level", None)
    if ask is None:
        return LogLevel.debug
    try:
        return ask(namespace)
    except Exception:
        # It will say what is wrong with it when it is called.
        return LogLevel.debug


def lowest(levels: Iterable[LogLevel | None]) -> LogLevel | None:
    """Return the lowest level of several answers of `least_level`: what any of those asked wants."""
    found: LogLevel | None = None
    for level in levels:
        if level is not None and (found is None or level.value < found.value):
            found = level
    return found


def levels_changed() -> None:
    """Set every gate anew; to be called when an observer's `least_level` answers otherwise than before."""
    with _change:
        for gate in list(_gates.values()):
            gate.update()
