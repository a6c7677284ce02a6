"""Debug mode's view of callbacks: where they were added, and which of them a failure passed.  Floor 0.

In debug mode each callback is wrapped when it is added. The wrapper knows where that was, and notes on the exception
(`selvage.failure._trail`) when the callback raises it or passes it on. Outside debug mode nothing of this exists: the
methods by which callbacks are added are exchanged when debug mode is turned on, so that they need not ask.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

from selvage.defer._debug import DebugInfo, place_here
from selvage.failure import Failure, machinery
from selvage.failure._trail import note

if TYPE_CHECKING:
    from selvage.defer._deferred import Deferred

__all__ = ["Traced", "exchange"]


class Traced:
    """A callback, and where it was added."""

    __slots__ = ("added", "function", "info")

    def __init__(self, function: Callable[..., Any], info: DebugInfo | None) -> None:
        self.function = function
        # Not held: a failure that is left over refers by its frames to this, and must not keep its own sentinel alive.
        self.info = None if info is None else ref(info)
        self.added = place_here()

    @machinery
    def __call__(self, result: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            new = self.function(result, *args, **kwargs)
        except BaseException as error:
            self._note(error, result)
            del result, args, kwargs
            raise
        if isinstance(new, Failure):
            self._note(new.value, result)
        return new

    def _note(self, error: object, result: object) -> None:
        passed = isinstance(result, Failure) and result.value is error
        info = None if self.info is None else self.info()
        note(
            error,
            "passed" if passed else "raised",
            name_of(self.function),
            added=self.added,
            made=None if info is None else info.made,
            fired=None if info is None else info.first_fired,
        )

    def __getattr__(self, name: str) -> Any:
        # Who looks at a callback wants to see the function.
        return getattr(self.function, name)

    def __repr__(self) -> str:
        return repr(self.function)


def name_of(function: Any) -> str:
    """Name a function, or whatever else is called in the place of one."""
    try:
        name = getattr(function, "__qualname__", None)
    except Exception:
        name = None  # somebody's attributes get in the way
    return name if isinstance(name, str) else f"{type(function).__name__} object"


def exchange(cls: Any, on: bool) -> None:
    """Let the methods of `Deferred` that add callbacks wrap them, or let them be as they were."""
    if not _PLAIN:
        _PLAIN.update((name, vars(cls)[name]) for name in _TRACING)
    for name, method in (_TRACING if on else _PLAIN).items():
        setattr(cls, name, method)


# The methods outside debug mode.
_PLAIN: dict[str, Any] = {}


def _traced(d: Deferred[Any], function: Any) -> Any:
    return None if function is None else Traced(function, d._debugInfo)


def _add_callbacks(self: Any, callback: Any, errback: Any = None, *args: Any, **kwargs: Any) -> Any:
    return _PLAIN["addCallbacks"](self, _traced(self, callback), _traced(self, errback), *args, **kwargs)


def _add_callback(self: Any, callback: Any, *args: Any, **kwargs: Any) -> Any:
    return _PLAIN["addCallback"](self, _traced(self, callback), *args, **kwargs)


def _add_errback(self: Any, errback: Any, *args: Any, **kwargs: Any) -> Any:
    return _PLAIN["addErrback"](self, _traced(self, errback), *args, **kwargs)


def _add_both(self: Any, callback: Any, *args: Any, **kwargs: Any) -> Any:
    return _PLAIN["addBoth"](self, _traced(self, callback), *args, **kwargs)


_TRACING: dict[str, Any] = {
    "addBoth": _add_both,
    "addCallback": _add_callback,
    "addCallbacks": _add_callbacks,
    "addErrback": _add_errback,
}
