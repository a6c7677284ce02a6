"""Descriptors that want to be told when they can be read or written.  Floor 2.

A descriptor has `fileno`, `doRead` or `doWrite`, and `connectionLost(reason)`.  What `doRead` or `doWrite` returns, if
anything, or raises, is why it is taken from the reactor.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any

from zope.interface import implementer

from selvage.errors import (
    CONNECTION_DONE,
    CONNECTION_LOST,
    ConnectionDone,
    ConnectionFdescWentAway,
    ConnectionLost,
)
from selvage.failure import Failure, report
from selvage.interfaces import IHalfCloseableDescriptor, IReactorFDSet

from ._watcher import make_watcher

__all__ = [
    "CONNECTION_DONE",
    "CONNECTION_LOST",
    "NO_FILEDESC",
    "NO_FILENO",
    "ContinuousPolling",
    "DisconnectSelectableMixin",
    "LoopFDSetMixin",
]

#: What reactors that programs bring along give to `_disconnectSelectable`: the descriptor was closed; it never had a number.
NO_FILEDESC = ConnectionFdescWentAway("Filedescriptor went away")
NO_FILENO = ConnectionFdescWentAway("Handler has no fileno method")

# Seconds between two looks for descriptors that were closed behind the reactor's back: neither epoll nor kqueue says so,
# and whoever waits on one would wait for ever.
_AUDIT_INTERVAL_S = 1.0

# Seconds between two calls of a descriptor that is always ready; the file a regular descriptor stands for never blocks.
_POLL_INTERVAL_S = 0.00001


class DisconnectSelectableMixin:
    """How a descriptor leaves a reactor (`removeReader`, `removeWriter`) when it is done or has failed."""

    def _disconnectSelectable(self, selectable: Any, why: Any, isRead: bool) -> None:
        """Take a descriptor from the reactor and tell it why.

        A descriptor that can be half closed and has only come to the end of its input stays for writing.
        """
        reactor: Any = self
        reactor.removeReader(selectable)
        done = why is ConnectionDone or isinstance(why, ConnectionDone)
        if done and isRead and IHalfCloseableDescriptor.providedBy(selectable):
            selectable.readConnectionLost(Failure._withoutTraceback(CONNECTION_DONE))
            return
        reactor.removeWriter(selectable)
        if isinstance(why, type):
            why = (
                CONNECTION_DONE
                if why is ConnectionDone
                else CONNECTION_LOST
                if why is ConnectionLost
                else why()
            )
        if why is CONNECTION_DONE or why is CONNECTION_LOST:
            why = Failure._withoutTraceback(why)
        selectable.connectionLost(why if isinstance(why, Failure) else Failure(why))

    def _is_watched(self, selectable: Any) -> bool:
        reactor: Any = self
        return selectable in reactor.getReaders() or selectable in reactor.getWriters()

    def _doReadOrWrite(self, selectable: Any, method: str) -> None:
        """Call `doRead` or `doWrite` and draw the consequences; raises nothing."""
        why: Any = None
        try:
            # Closed, and its number perhaps somebody else's by now: what there is to read is not for this one.
            if selectable.fileno() != -1:
                why = getattr(selectable, method)()
            if not why and self._is_watched(selectable) and selectable.fileno() == -1:
                why = ConnectionFdescWentAway("Filedescriptor went away")
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            report(Failure(), f"Unhandled error in {method}", source="reader", descriptor=selectable)
            why = error
        if why:
            try:
                self._disconnectSelectable(selectable, why, method == "doRead")
            except BaseException:
                report(Failure(), "Unhandled error in connectionLost", source="reader", descriptor=selectable)


class PollLikeMixin(DisconnectSelectableMixin):
    """For reactors that wait with something like poll(2), and are told of events as bits.

    Subclasses say which bits: `_POLL_DISCONNECTED`, `_POLL_IN`, `_POLL_OUT`.
    """

    _POLL_DISCONNECTED = 0
    _POLL_IN = 0
    _POLL_OUT = 0

    def _doReadOrWrite(self, selectable: Any, fd: int, event: int) -> None:  # type: ignore[override]
        """Serve one descriptor for which these events came; raises nothing."""
        serve = super()._doReadOrWrite
        if event & self._POLL_DISCONNECTED and not event & self._POLL_IN:
            reading = selectable in self.getReaders()  # type: ignore[attr-defined]
            self._disconnectSelectable(selectable, CONNECTION_DONE if reading else CONNECTION_LOST, reading)
            return
        if event & self._POLL_IN:
            serve(selectable, "doRead")
        if event & self._POLL_OUT and self._is_watched(selectable):
            serve(selectable, "doWrite")


class _PollLoop:
    """Calls a function over and over on a clock, for as long as it is wanted."""

    def __init__(self, clock: Any, function: Callable[[], object]) -> None:
        self.clock = clock
        self.running = True
        self._function = function
        self._schedule()

    def _schedule(self) -> None:
        self._call: Any = self.clock.callLater(_POLL_INTERVAL_S, self._turn)

    def _turn(self) -> None:
        self._call = None
        self._function()
        if self.running:
            self._schedule()

    def stop(self) -> None:
        """Call it no more."""
        self.running = False
        if self._call is not None:
            self._call.cancel()
            self._call = None


@implementer(IReactorFDSet)
class ContinuousPolling(DisconnectSelectableMixin):
    """Serves descriptors that the system cannot wait for, such as regular files: those are always ready.

    Args:
        reactor: for its clock.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._loop: _PollLoop | None = None
        self._readers: dict[Any, None] = {}
        self._writers: dict[Any, None] = {}

    def _check_loop(self) -> None:
        if self._readers or self._writers:
            if self._loop is None:
                self._loop = _PollLoop(self._reactor, self.iterate)
        elif self._loop is not None:
            self._loop.stop()
            self._loop = None

    def iterate(self) -> None:
        """Call every descriptor once."""
        for reader in list(self._readers):
            if reader in self._readers:
                self._doReadOrWrite(reader, "doRead")
        for writer in list(self._writers):
            if writer in self._writers:
                self._doReadOrWrite(writer, "doWrite")

    def addReader(self, reader: Any) -> None:
        """Call `reader.doRead` again and again."""
        self._readers[reader] = None
        self._check_loop()

    def addWriter(self, writer: Any) -> None:
        """Call `writer.doWrite` again and again."""
        self._writers[writer] = None
        self._check_loop()

    def removeReader(self, reader: Any) -> None:
        """Stop that; nothing happens when it is not watched."""
        self._readers.pop(reader, None)
        self._check_loop()

    def removeWriter(self, writer: Any) -> None:
        """Stop that; nothing happens when it is not watched."""
        self._writers.pop(writer, None)
        self._check_loop()

    def removeAll(self) -> list[Any]:
        """Stop watching everything and return it."""
        removed = list({**self._readers, **self._writers})
        self._readers.clear()
        self._writers.clear()
        self._check_loop()
        return removed

    def getReaders(self) -> list[Any]:
        """Return what is watched for reading."""
        return list(self._readers)

    def getWriters(self) -> list[Any]:
        """Return what is watched for writing."""
        return list(self._writers)

    def isReading(self, fd: Any) -> bool:
        """Tell whether a descriptor is watched for reading."""
        return fd in self._readers

    def isWriting(self, fd: Any) -> bool:
        """Tell whether a descriptor is watched for writing."""
        return fd in self._writers


@implementer(IReactorFDSet)
class LoopFDSetMixin(DisconnectSelectableMixin):
    """`addReader` and kin on the loop; what the system cannot wait for is polled."""

    _asyncioEventloop: Any
    _loop: Any

    def _init_fdset(self) -> None:
        # Descriptor -> its number when it was added: by then `fileno` may say something else, or raise.
        self._reads: dict[Any, int] = {}
        self._writes: dict[Any, int] = {}
        # Number -> who watches it now, and in which context: a closed descriptor's number may have gone to another
        # before it was removed.
        self._read_owners: dict[int, tuple[Any, Context]] = {}
        self._write_owners: dict[int, tuple[Any, Context]] = {}
        self._watcher = make_watcher(self._on_ready)
        self._continuousPolling = ContinuousPolling(self)
        self._audit_handle: Any = None

    @property
    def _poller(self) -> Any:
        """The epoll that descriptors are in, while there are any."""
        return self._watcher.poller

    def addReader(self, reader: Any) -> None:
        """Call `reader.doRead` whenever its descriptor can be read, in the context of who calls this.

        Raises:
            OSError: the descriptor is not open.
        """
        if reader not in self._reads and not self._continuousPolling.isReading(reader):
            number = _descriptor(reader)
            self._asyncioEventloop  # noqa: B018 - attaches, or makes the loop
            try:
                self._watcher.watch(number, True, number in self._write_owners)
            except PermissionError:
                self._continuousPolling.addReader(reader)
            else:
                self._reads[reader] = number
                self._read_owners[number] = reader, copy_context()
                self._audit_later()

    def addWriter(self, writer: Any) -> None:
        """Call `writer.doWrite` whenever its descriptor can be written, in the context of who calls this.

        Raises:
            OSError: the descriptor is not open.
        """
        if writer not in self._writes and not self._continuousPolling.isWriting(writer):
            number = _descriptor(writer)
            self._asyncioEventloop  # noqa: B018 - attaches, or makes the loop
            try:
                self._watcher.watch(number, number in self._read_owners, True)
            except PermissionError:
                self._continuousPolling.addWriter(writer)
            else:
                self._writes[writer] = number
                self._write_owners[number] = writer, copy_context()
                self._audit_later()

    def removeReader(self, reader: Any) -> None:
        """Stop calling `reader.doRead`; nothing happens when it is not watched."""
        number = self._reads.pop(reader, None)
        if number is None:
            self._continuousPolling.removeReader(reader)
        elif self._read_owners[number][0] is reader:
            del self._read_owners[number]
            self._watch_less(number)

    def removeWriter(self, writer: Any) -> None:
        """Stop calling `writer.doWrite`; nothing happens when it is not watched."""
        number = self._writes.pop(writer, None)
        if number is None:
            self._continuousPolling.removeWriter(writer)
        elif self._write_owners[number][0] is writer:
            del self._write_owners[number]
            self._watch_less(number)

    def _watch_less(self, number: int) -> None:
        try:
            self._watcher.watch(number, number in self._read_owners, number in self._write_owners)
        except OSError:
            # It was closed while both ends of it were watched; the audit will find the one that is left.
            self._watcher.watch(number, False, False)

    def removeAll(self) -> list[Any]:
        """Stop watching everything and return it."""
        internal = self._internalReaders  # type: ignore[attr-defined]
        removed = {**self._reads, **self._writes}
        removed.update(dict.fromkeys(self._continuousPolling.removeAll()))
        for selectable in removed:
            if selectable not in internal:
                self.removeReader(selectable)
                self.removeWriter(selectable)
        return [selectable for selectable in removed if selectable not in internal]

    def _on_ready(self, number: int, readable: bool, writable: bool) -> None:
        found = self._write_owners.get(number)
        if readable and number in self._read_owners:
            reader, context = self._read_owners[number]
            context.run(self._doReadOrWrite, reader, "doRead")
        # Reading may have closed it, and given its number to another, about whom nothing is known yet.
        now = self._write_owners.get(number)
        if writable and found is not None and now is not None and now[0] is found[0]:
            writer, context = now
            context.run(self._doReadOrWrite, writer, "doWrite")

    def _stop_watching(self) -> None:
        """Take the descriptors from the loop, but remember them for the next one."""
        self._stop_auditing()
        self._watcher.detach()

    def _watch_on(self, loop: Any) -> None:
        """Watch on this loop what is to be watched."""
        self._watcher.attach(loop)
        if self._reads or self._writes:
            self._audit_later()

    def _is_watched(self, selectable: Any) -> bool:
        return (
            selectable in self._reads
            or selectable in self._writes
            or self._continuousPolling.isReading(selectable)
            or self._continuousPolling.isWriting(selectable)
        )

    def _audit_later(self) -> None:
        if self._audit_handle is None and self._loop is not None:
            self._audit_handle = self._loop.call_later(_AUDIT_INTERVAL_S, self._audit)

    def _audit(self) -> None:
        """Take descriptors from the reactor that were closed without telling it."""
        self._stop_auditing()
        for watched, is_read in ((self._reads, True), (self._writes, False)):
            for selectable, number in list(watched.items()):
                if selectable in watched and _is_closed(selectable, number):
                    why = ConnectionFdescWentAway("Filedescriptor went away")
                    try:
                        self._disconnectSelectable(selectable, why, is_read)
                    except BaseException:
                        report(
                            Failure(),
                            "Unhandled error in connectionLost",
                            source="reader",
                            descriptor=selectable,
                        )
        if self._reads or self._writes:
            self._audit_later()

    def _stop_auditing(self) -> None:
        handle, self._audit_handle = self._audit_handle, None
        if handle is not None:
            handle.cancel()

    def getReaders(self) -> list[Any]:
        """Return what is watched for reading."""
        return [*self._reads, *self._continuousPolling.getReaders()]

    def getWriters(self) -> list[Any]:
        """Return what is watched for writing."""
        return [*self._writes, *self._continuousPolling.getWriters()]


def _descriptor(selectable: Any) -> int:
    number: int = selectable.fileno()
    if number < 0:
        raise OSError(
            f"{selectable!r} cannot be watched: its fileno() is {number}, so it is closed or was never open"
        )
    return number


def _is_closed(selectable: Any, number: int) -> bool:
    try:
        if selectable.fileno() == -1:
            return True
        os.fstat(number)
    except Exception:
        return True
    return False
