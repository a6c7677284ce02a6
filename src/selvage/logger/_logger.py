"""What programs log with.  Floor 1."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import time
from types import TracebackType
from typing import Any, Protocol
from weakref import ref

from selvage.failure import Failure

from . import _bound
from ._interest import Gate, gate_for
from ._interfaces import ILogObserver, LogEvent
from ._levels import InvalidLogLevelError, LogLevel
from ._observer import globalLogPublisher

__all__ = ["Logger", "Operation", "_loggerFor"]

_DEBUG, _INFO, _WARN, _ERROR, _CRITICAL = LogLevel


class Operation(Protocol):
    """How the block of a `Logger.failuresHandled` went."""

    @property
    def succeeded(self) -> bool:
        """Whether the block has ended, and without an exception."""

    @property
    def failed(self) -> bool:
        """Whether the block has ended by an exception."""

    @property
    def failure(self) -> Failure | None:
        """The exception that ended it, or None."""


class Logger:
    """Emits events of one namespace.

    Either an object of its own (`log = Logger()` in a module, whose name becomes the namespace) or an attribute of a
    class: `log = Logger()` there gives each class and instance a logger whose namespace is the class's name and whose
    `log_source` is the class or instance, so that formats can refer to it.

    An event that no observer wants is not made at all: see `selvage.logger.configure` and `LogLevelFilterPredicate`.

    Args:
        namespace: dotted name of who speaks; by default the module that makes the logger.
        source: object that speaks.
        observer: gets the events; by default `globalLogPublisher`, and so everybody who listens.
    """

    # All that loggers of one namespace share: its name, their observer, and what that wants; see _interest.
    _gate: Gate

    # Only in what stands in a class body and was asked for: by identity of a class, a weak reference to it and its gate.
    _owners: dict[int, tuple[Callable[[], Any], Gate]] = {}

    def __init__(
        self, namespace: str | None = None, source: object = None, observer: ILogObserver | None = None
    ) -> None:
        if namespace is None:
            namespace = sys._getframe(1).f_globals.get("__name__", "<unknown>")
        self._gate = gate_for(globalLogPublisher if observer is None else observer, namespace)
        self.source = source

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "emit" in cls.__dict__:
            # Who overrides `emit` sees every event, so the levels' methods have to come by it.
            for level in LogLevel:
                if getattr(cls, level.name) is getattr(Logger, level.name):
                    setattr(cls, level.name, _through_emit(level))

    @property
    def namespace(self) -> str:
        """Dotted name of who speaks."""
        return self._gate.namespace

    @namespace.setter
    def namespace(self, namespace: str) -> None:
        self._gate = gate_for(self._gate.observer, namespace)

    @property
    def observer(self) -> ILogObserver:
        """Who gets the events."""
        return self._gate.observer  # type: ignore[no-any-return]

    @observer.setter
    def observer(self, observer: ILogObserver) -> None:
        self._gate = gate_for(observer, self._gate.namespace)
        self._owners = {}

    def __get__(self, instance: object, owner: type | None = None) -> Logger:
        """Return the logger of a class or an instance."""
        known = self._owners.get(id(owner))
        if known is not None and known[0]() is owner:
            gate = known[1]
        else:
            gate = self._gate_of(type(instance) if owner is None else owner)
        source = owner if instance is None else instance
        if type(self) is not Logger:
            return type(self)(gate.namespace, source, observer=gate.observer)
        # As __init__ does it, at a third of the time: this is called for each `self.log`.
        made = _new(Logger)
        made._gate = gate
        made.source = source
        return made

    def _gate_of(self, owner: type) -> Gate:
        gate = gate_for(self._gate.observer, f"{owner.__module__}.{owner.__name__}")
        if not self._owners:
            self._owners = {}
        owners, key = self._owners, id(owner)
        owners[key] = ref(owner, lambda _: owners.pop(key, None)), gate
        return gate

    def debug(self, format: str | None = None, **kwargs: object) -> None:
        """Emit an event at level debug: what helps whoever looks for a mistake."""
        if self._gate.debug or "log_trace" in kwargs:
            self._send(_DEBUG, format, kwargs)

    def info(self, format: str | None = None, **kwargs: object) -> None:
        """Emit an event at level info: what the program does."""
        if self._gate.info or "log_trace" in kwargs:
            self._send(_INFO, format, kwargs)

    def warn(self, format: str | None = None, **kwargs: object) -> None:
        """Emit an event at level warn: what may become a problem."""
        if self._gate.warn or "log_trace" in kwargs:
            self._send(_WARN, format, kwargs)

    def error(self, format: str | None = None, **kwargs: object) -> None:
        """Emit an event at level error: something went wrong, and was dealt with."""
        if self._gate.error or "log_trace" in kwargs:
            self._send(_ERROR, format, kwargs)

    def critical(self, format: str | None = None, **kwargs: object) -> None:
        """Emit an event at level critical: something went wrong that nobody has dealt with."""
        if self._gate.critical or "log_trace" in kwargs:
            self._send(_CRITICAL, format, kwargs)

    def emit(self, level: LogLevel, format: str | None = None, **kwargs: object) -> None:
        """Emit an event.

        Args:
            level: how much it matters.
            format: a template in the manner of `str.format`, over the fields; formatted only when somebody reads it.
                `{name()}` calls the field first.
            kwargs: the fields.
        """
        if not isinstance(level, LogLevel):
            self.failure(
                "Got invalid log level {invalidLevel!r} in {logger}.emit().",
                Failure(InvalidLogLevelError(level)),
                invalidLevel=level,
                logger=self,
            )
        else:
            self._send_if_wanted(level, format, kwargs)

    def failure(
        self,
        format: str,
        failure: Failure | None = None,
        level: LogLevel = LogLevel.critical,
        **kwargs: object,
    ) -> None:
        """Emit an event that has a Failure, whose report comes with its text.

        Args:
            format: what was going on.
            failure: what went wrong; by default the exception that is being handled.
            level: how much it matters.
            kwargs: the fields.
        """
        if failure is None:
            failure = Failure()
        self.emit(level, format, log_failure=failure, **kwargs)

    def failuresHandled(
        self, format: str, level: LogLevel = LogLevel.critical, **kwargs: object
    ) -> AbstractContextManager[Operation]:
        """Return a context manager that logs the exception its block raises, whatever it is, and goes on.

        What `as` gives tells how the block went: see `Operation`.
        """
        return _Handled(self, format, level, kwargs)

    def failureHandler(
        self, staticMessage: str, level: LogLevel = LogLevel.critical
    ) -> AbstractContextManager[None]:
        """Return a context manager as `failuresHandled` does, without fields, that may be used any number of times.

        Made once, outside of a loop, it costs hardly more than `try` does.
        """
        return _Handler(self, staticMessage, level)

    def _send_if_wanted(self, level: LogLevel, format: str | None, event: LogEvent) -> None:
        if self._gate.wants(level) or "log_trace" in event:
            self._send(level, format, event)

    def _send(self, level: LogLevel, format: str | None, event: LogEvent) -> None:
        fields = _bound.current()
        if fields:
            event = {**fields, **event}
        gate = self._gate
        event["log_logger"] = self
        event["log_level"] = level
        event["log_namespace"] = gate.namespace
        event["log_source"] = self.source
        event["log_format"] = format
        event["log_time"] = time()
        if "log_trace" in event:
            event["log_trace"].append((self, gate.observer))
        gate.observer(event)

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, here or in another process, logs to whoever listens there.
        observer = None if self.observer is globalLogPublisher else self.observer
        state = {name: value for name, value in vars(self).items() if name not in _MADE_ANEW}
        return type(self), (self.namespace, self.source, observer), state

    def __repr__(self) -> str:
        return f"<Logger {self._gate.namespace!r}>"


_MADE_ANEW = frozenset({"_gate", "_owners", "source"})

_new: Callable[[type[Logger]], Logger] = object.__new__


def _through_emit(level: LogLevel) -> Callable[..., None]:
    def method(self: Logger, format: str | None = None, **kwargs: object) -> None:
        self.emit(level, format, **kwargs)

    method.__name__ = level.name
    method.__doc__ = getattr(Logger, level.name).__doc__
    return method


class _Handled:
    """The context manager of `failuresHandled`, and the operation that it gives."""

    succeeded = False
    failure: Failure | None = None

    def __init__(self, logger: Logger, format: str, level: LogLevel, fields: dict[str, object]) -> None:
        self._logger = logger
        self._format = format
        self._level = level
        self._fields = fields

    @property
    def failed(self) -> bool:
        return self.failure is not None

    def __enter__(self) -> Operation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> bool:
        if value is None:
            self.succeeded = True
            return False
        self.failure = Failure(value, kind, tb)
        self._logger.failure(self._format, self.failure, self._level, **self._fields)
        return True


class _Handler:
    """The context manager of `failureHandler`."""

    __slots__ = ("_level", "_logger", "_message")

    def __init__(self, logger: Logger, message: str, level: LogLevel) -> None:
        self._logger = logger
        self._message = message
        self._level = level

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> bool:
        if value is None:
            return False
        self._logger.failure(self._message, Failure(value, kind, tb), self._level)
        return True


def _loggerFor(obj: object) -> Logger:
    """Return the logger of an object whose class has none: named for the class, with the object as source."""
    return _unowned.__get__(obj, type(obj))


_unowned = Logger()
