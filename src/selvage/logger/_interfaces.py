"""What an event is, and what looks at events.  Floor 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from selvage.interfaces._base import Interface

if TYPE_CHECKING:
    import typing
    from typing import Protocol

    class Output(typing.Protocol):
        """A file as far as a log needs one: it takes text or bytes."""

        def write(self, data: Any, /) -> object:
            """Write all of it."""

        def flush(self) -> object:
            """Have it written."""

else:
    from selvage.interfaces._base import Protocol

    Output = Any

__all__ = ["ILogObserver", "LogEvent", "LogTrace", "Output"]

#: One event: facts by name. Names that begin with `log_` are the log system's own.
LogEvent: TypeAlias = dict[str, Any]

#: Who passed an event to whom: pairs, in order; kept in the event's `log_trace` if that is there.
LogTrace: TypeAlias = list[tuple[Any, Any]]


class ILogObserver(Interface, Protocol):
    """Called with each event: any function of one argument will do.

    One that has a method `least_level(namespace)` too says by it which events it wants: it returns the lowest level at
    which it does anything with an event of that namespace, or None if it wants none. Loggers then do not even make the
    others. Whoever changes its answer calls `selvage.logger.levels_changed()`.
    """

    def __call__(self, event: LogEvent, /) -> object:
        """Take note of one event; other observers get the same dictionary, so leave it as it is."""
