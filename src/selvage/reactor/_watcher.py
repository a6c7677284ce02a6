"""How the loop is told which descriptors to watch.  Floor 2; knows descriptors by number only.

Where the system has epoll, descriptors go to an epoll of our own, and the loop watches that one.  uvloop hands descriptors to
libuv, which ends the process (`abort`) when one of them was closed before the loop came round to it; closing first and
removing afterwards is an everyday thing in programs that keep descriptors.  Our own epoll forgets a closed descriptor without
a word.  Connections and ports do not come here: the loop serves those itself.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Any

__all__ = ["EpollWatcher", "LoopWatcher", "make_watcher"]

# Any: type checkers know it by platform, and on some it has no epoll.
_system: Any = select

#: Called with the number of a descriptor, whether it can be read, and whether it can be written.
OnReady = Callable[[int, bool, bool], object]


class LoopWatcher:
    """Lets the loop watch each descriptor.

    Args:
        on_ready: called when one is ready.
    """

    #: The epoll object, where there is one.
    poller: Any = None

    def __init__(self, on_ready: OnReady) -> None:
        self._on_ready = on_ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: dict[int, tuple[bool, bool]] = {}

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch on this loop from now on."""
        self._loop = loop
        for number, (read, write) in self._watched.items():
            self._tell(number, read, write)

    def detach(self) -> None:
        """Leave the loop; what is watched is remembered for the next one."""
        loop, self._loop = self._loop, None
        if loop is not None and not loop.is_closed():
            for number, (read, write) in self._watched.items():
                if read:
                    loop.remove_reader(number)
                if write:
                    loop.remove_writer(number)

    def watch(self, number: int, read: bool, write: bool) -> None:
        """Watch one descriptor for reading, for writing, for both or, by saying neither, no longer.

        Raises:
            PermissionError: the system cannot wait for it, because it is always ready.
            OSError: it is not open.
        """
        had = self._watched.get(number, (False, False))
        self._tell(number, read, write, had)
        if read or write:
            self._watched[number] = (read, write)
        else:
            self._watched.pop(number, None)

    def _tell(self, number: int, read: bool, write: bool, had: tuple[bool, bool] = (False, False)) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if read and not had[0]:
            loop.add_reader(number, self._on_ready, number, True, False)
        elif had[0] and not read:
            loop.remove_reader(number)
        if write and not had[1]:
            loop.add_writer(number, self._on_ready, number, False, True)
        elif had[1] and not write:
            loop.remove_writer(number)


class EpollWatcher:
    """Watches descriptors with an epoll, and lets the loop watch that; the same to its user as `LoopWatcher`."""

    def __init__(self, on_ready: OnReady) -> None:
        self._on_ready = on_ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: dict[int, int] = {}  # number -> event mask
        self._polls = 0
        # Number -> how often had been polled when it came.  What one poll has found must not be told to a descriptor that
        # came since then: it may have the number of one that was closed, which is whom that was about.
        self._since: dict[int, int] = {}
        self.poller: Any = None  # there while anything is watched

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """As `LoopWatcher.attach`."""
        self._loop = loop
        if self.poller is not None:
            loop.add_reader(self.poller.fileno(), self._poll)

    def detach(self) -> None:
        """As `LoopWatcher.detach`."""
        loop, self._loop = self._loop, None
        if loop is not None and self.poller is not None and not loop.is_closed():
            loop.remove_reader(self.poller.fileno())

    def watch(self, number: int, read: bool, write: bool) -> None:
        """As `LoopWatcher.watch`."""
        mask = (_system.EPOLLIN if read else 0) | (_system.EPOLLOUT if write else 0)
        if mask:
            self._register(number, mask)
        elif self._watched.pop(number, None) is not None:
            del self._since[number]
            try:
                self.poller.unregister(number)
            except OSError:
                pass  # it was closed, and so is forgotten already
            if not self._watched:
                self._end()

    def _register(self, number: int, mask: int) -> None:
        begun = self.poller is None
        if begun:
            self.poller = _system.epoll()
        try:
            try:
                self.poller.register(number, mask)
                self._since[number] = self._polls
            except FileExistsError:
                self.poller.modify(number, mask)
                self._since.setdefault(number, self._polls)
        except BaseException:
            if begun:
                self.poller.close()
                self.poller = None
            raise
        self._watched[number] = mask
        if begun and self._loop is not None and not self._loop.is_closed():
            self._loop.add_reader(self.poller.fileno(), self._poll)

    def _end(self) -> None:
        poller, self.poller = self.poller, None
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(poller.fileno())
        poller.close()

    def _poll(self) -> None:
        if self.poller is None:
            return
        self._polls = poll = self._polls + 1
        for number, events in self.poller.poll(0):
            watched = self._watched.get(number)
            if watched is None:
                continue  # somebody before it in this row has removed it
            if self._since[number] >= poll:
                # ... and it came back, or another has its number.  To let it wait for the next turn could be for ever: in that
                # it may be removed and added again.
                events = _found_now(number, watched)
            # An error or a hang-up is for whoever watches: reading or writing will tell what it is.
            readable = bool(events & ~_system.EPOLLOUT and watched & _system.EPOLLIN)
            writable = bool(events & ~_system.EPOLLIN and watched & _system.EPOLLOUT)
            self._on_ready(number, readable, writable)


def _found_now(number: int, mask: int) -> int:
    """Ask the system for one descriptor; its numbers for events are those of epoll."""
    poller = _system.poll()
    poller.register(number, mask)
    return sum(events & ~_system.POLLNVAL for _, events in poller.poll(0))


def make_watcher(on_ready: OnReady) -> LoopWatcher | EpollWatcher:
    """Return the watcher for this system."""
    return EpollWatcher(on_ready) if hasattr(_system, "epoll") else LoopWatcher(on_ready)
