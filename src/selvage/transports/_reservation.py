"""What keeps a server polite when descriptors run out.  Floor 2.

A process that has used up its descriptors cannot accept, so the peer would wait in the queue, and the loop would be told
again and again that somebody is there.  So one descriptor is held in reserve: it is given up for a moment, the peer is
accepted and closed at once, and the descriptor is taken back.  uvloop does so by itself; this is for the ports that accept
without it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from types import TracebackType
from typing import Any

from selvage.failure import Failure, report
from selvage.interfaces._base import Interface, Protocol, implementer

__all__ = [
    "_BuffersLogs",
    "_FileDescriptorReservation",
    "_IFileDescriptorReservation",
    "_NullFileDescriptorReservation",
]


class _IFileDescriptorReservation(Interface, Protocol):
    """A descriptor in reserve; as a context manager it is given up within the block."""

    def reserve(self) -> None:
        """Take the descriptor; nothing happens when it is held already."""

    def available(self) -> bool:
        """Tell whether it is held."""


@implementer(_IFileDescriptorReservation)
class _FileDescriptorReservation:
    """A descriptor in reserve.

    Args:
        fileFactory: returns something with `close` that uses one descriptor.
    """

    def __init__(self, fileFactory: Callable[[], Any]) -> None:
        self._file_factory = fileFactory
        self._file: Any = None

    def available(self) -> bool:
        """Tell whether the descriptor is held."""
        return self._file is not None

    def reserve(self) -> None:
        """Take the descriptor.  When there is none left that is reported, not raised."""
        if self._file is not None:
            return
        try:
            self._file = self._file_factory()
        except OSError as exc:
            if exc.errno != errno.EMFILE:
                raise
            report(Failure(), "Could not reserve a file descriptor", source="reader")

    def __enter__(self) -> None:
        if self._file is None:
            raise RuntimeError("no file descriptor is reserved: check available() first")
        reserved, self._file = self._file, None
        reserved.close()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.reserve()
        except Exception:
            report(Failure(), "Could not reserve a file descriptor again", source="reader")


@implementer(_IFileDescriptorReservation)
class _NullFileDescriptorReservation:
    """Never holds a descriptor; for systems where holding one is of no use."""

    def available(self) -> bool:
        """Return False."""
        return False

    def reserve(self) -> None:
        """Do nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass


class _BufferingLogger:
    """Collects events; has the methods of a logger that accepting calls."""

    def __init__(self, namespace: str, events: list[dict[str, Any]]) -> None:
        self._namespace = namespace
        self._events = events

    def info(self, format: str, **fields: Any) -> None:
        """Keep an event."""
        self._events.append({**fields, "log_format": format, "log_namespace": self._namespace})


class _BuffersLogs:
    """Holds events back within a block: writing them may take a descriptor, and there is none.

    Args:
        namespace: the dotted name of who speaks.
        observer: called with each event when the block ends, however it ends.
    """

    def __init__(self, namespace: str, observer: Callable[[dict[str, Any]], object]) -> None:
        self._namespace = namespace
        self._observer = observer
        self._events: list[dict[str, Any]] = []

    def __enter__(self) -> _BufferingLogger:
        return _BufferingLogger(self._namespace, self._events)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        events, self._events = self._events, []
        for event in events:
            self._observer(event)
