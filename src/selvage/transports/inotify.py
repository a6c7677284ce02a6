"""Hearing of changes to files and directories, as the kernel tells of them.  Floor 2; Linux.

    notifier = INotify()
    notifier.startReading()
    notifier.watch("/var/spool/mail", callbacks=[changed], autoAdd=True)

Paths are `FilePath`s of Twisted or whatever `os.fsencode` takes; callbacks get paths of the same kind (a bytes-mode
`FilePath`, else a `pathlib.Path`).  Twisted: `twisted.internet.inotify`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from selvage.errors import CONNECTION_LOST
from selvage.failure import Failure, report

from . import _inotify
from ._descriptor import FileDescriptor
from ._inotify import Event, INotifyError

__all__ = [
    "IN_ACCESS",
    "IN_ATTRIB",
    "IN_CHANGED",
    "IN_CLOSE",
    "IN_CLOSE_NOWRITE",
    "IN_CLOSE_WRITE",
    "IN_CREATE",
    "IN_DELETE",
    "IN_DELETE_SELF",
    "IN_DONT_FOLLOW",
    "IN_IGNORED",
    "IN_ISDIR",
    "IN_MASK_ADD",
    "IN_MODIFY",
    "IN_MOVED",
    "IN_MOVED_FROM",
    "IN_MOVED_TO",
    "IN_MOVE_SELF",
    "IN_ONESHOT",
    "IN_ONLYDIR",
    "IN_OPEN",
    "IN_Q_OVERFLOW",
    "IN_UNMOUNT",
    "IN_WATCH_MASK",
    "INotify",
    "INotifyError",
    "humanReadableMask",
]

IN_ACCESS = 0x00000001
IN_MODIFY = 0x00000002
IN_ATTRIB = 0x00000004
IN_CLOSE_WRITE = 0x00000008
IN_CLOSE_NOWRITE = 0x00000010
IN_OPEN = 0x00000020
IN_MOVED_FROM = 0x00000040
IN_MOVED_TO = 0x00000080
IN_CREATE = 0x00000100
IN_DELETE = 0x00000200
IN_DELETE_SELF = 0x00000400
IN_MOVE_SELF = 0x00000800
IN_UNMOUNT = 0x00002000
IN_Q_OVERFLOW = 0x00004000
IN_IGNORED = 0x00008000
IN_ONLYDIR = 0x01000000
IN_DONT_FOLLOW = 0x02000000
IN_MASK_ADD = 0x20000000
IN_ISDIR = 0x40000000
IN_ONESHOT = 0x80000000

IN_CLOSE = IN_CLOSE_WRITE | IN_CLOSE_NOWRITE
IN_MOVED = IN_MOVED_FROM | IN_MOVED_TO
IN_CHANGED = IN_MODIFY | IN_ATTRIB

#: What is watched for by default: everything but access, opening and closing.
IN_WATCH_MASK = (
    IN_MODIFY
    | IN_ATTRIB
    | IN_CREATE
    | IN_DELETE
    | IN_DELETE_SELF
    | IN_MOVE_SELF
    | IN_UNMOUNT
    | IN_MOVED_FROM
    | IN_MOVED_TO
)

_FLAG_TO_HUMAN = [
    (IN_ACCESS, "access"),
    (IN_MODIFY, "modify"),
    (IN_ATTRIB, "attrib"),
    (IN_CLOSE_WRITE, "close_write"),
    (IN_CLOSE_NOWRITE, "close_nowrite"),
    (IN_OPEN, "open"),
    (IN_MOVED_FROM, "moved_from"),
    (IN_MOVED_TO, "moved_to"),
    (IN_CREATE, "create"),
    (IN_DELETE, "delete"),
    (IN_DELETE_SELF, "delete_self"),
    (IN_MOVE_SELF, "move_self"),
    (IN_UNMOUNT, "unmount"),
    (IN_Q_OVERFLOW, "queue_overflow"),
    (IN_IGNORED, "ignored"),
    (IN_ONLYDIR, "only_dir"),
    (IN_DONT_FOLLOW, "dont_follow"),
    (IN_MASK_ADD, "mask_add"),
    (IN_ISDIR, "is_dir"),
    (IN_ONESHOT, "one_shot"),
]

# What the kernel tells whether it was asked for or not.
_ALWAYS_TOLD = IN_DELETE_SELF | IN_UNMOUNT | IN_Q_OVERFLOW

#: Bytes read at once: some thousand events, so that one turn of the reactor is no longer than that.
_READ_SIZE = 64 * 1024

_Callback = Callable[[Any, Any, int], object]


def humanReadableMask(mask: int) -> list[str]:
    """Return the names of what is in `mask`."""
    return [name for flag, name in _FLAG_TO_HUMAN if mask & flag]


class _Watch:
    """What is watched, and who hears of it.

    Attributes:
        path: as callbacks get it; mask: what they are called for; callbacks: called with the watch, a path and a mask.
        autoAdd: whether directories that appear below are watched as well.
    """

    __slots__ = ("autoAdd", "callbacks", "mask", "path", "raw")

    def __init__(self, path: Any, mask: int, autoAdd: bool, callbacks: Iterable[_Callback] | None) -> None:
        self.path = path
        self.raw = _raw(path)
        self.mask = mask | _ALWAYS_TOLD
        self.autoAdd = autoAdd
        self.callbacks = list(callbacks or ())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path} {'|'.join(humanReadableMask(self.mask))}>"

    def notify(self, path: Any, mask: int) -> None:
        """Call the callbacks; what one of them raises goes to the hub, and the others are called."""
        for callback in self.callbacks:
            try:
                callback(self, path, mask)
            except Exception:
                report(Failure(), f"Unhandled error when told of {path}", source="inotify", watch=self)


class INotify(FileDescriptor):
    """Watches files and directories; `startReading()` begins to tell of them.

    It closes when the last thing that it watches is deleted. Of a file that is watched under two names only the newer
    counts.

    Raises:
        INotifyError: there is no inotify here, or this user has too many descriptors of the kind.

    Twisted: `twisted.internet.inotify.INotify`. There, a callback that raises ends all watching, so does the first watched
    directory that is deleted; directories that are moved in are not watched, and lost events are not told of.
    """

    # The system's calls; tests replace them.
    _inotify: Any = _inotify

    def __init__(self, reactor: Any = None) -> None:
        FileDescriptor.__init__(self, reactor)
        self._fd: int = self._inotify.init()
        self.connected = 1
        # Nothing is ever written, so it closes at once.
        self._writeDisconnected = True
        self._unparsed = b""
        self._watches: dict[int, _Watch] = {}
        self._numbers: dict[bytes, int] = {}

    def __repr__(self) -> str:
        state = "open" if self.connected else "closed"
        return f"<{type(self).__name__} {state}, {len(self._watches)} watched>"

    # --- Watching ----------------------------------------------------------------------------------------------

    def watch(
        self,
        path: Any,
        mask: int = IN_WATCH_MASK,
        autoAdd: bool = False,
        callbacks: Iterable[_Callback] | None = None,
        recursive: bool = False,
    ) -> int:
        """Watch a file or directory; one that is watched already stays as it is.

        Args:
            mask: what to be told of, `IN_` constants joined by ``|``.
            autoAdd: watch directories that appear in it, too, and tell of what is in them by then; a thing may be told
                twice.
            callbacks: functions that take what watches (has the attribute `path`), the path of what changed, and a mask
                that says how. A mask with `IN_Q_OVERFLOW` says that the kernel has lost events, and only that: what is
                watched should be looked through.
            recursive: watch all directories below it, too; symbolic links are not followed.

        Returns: a number above 0.

        Raises:
            INotifyError: it cannot be watched: is not there, may not be read, or the user watches too much.
        """
        path = _own(path)
        number = self._add(_Watch(path, mask, autoAdd, callbacks))
        if recursive:
            for directory, is_directory in _entries(path):
                if is_directory:
                    self._add_below(directory, mask, autoAdd, callbacks, tell=False)
        return number

    def ignore(self, path: Any) -> None:
        """Watch `path` no more.

        Raises:
            KeyError: it is not watched.
        """
        raw = _raw(path)
        if raw not in self._numbers:
            raise KeyError(f"{os.fsdecode(raw)!r} is not watched")
        self._forget(self._numbers[raw])

    def _isWatched(self, path: Any) -> bool:
        return _raw(path) in self._numbers

    def _add(self, watch: _Watch) -> int:
        if watch.raw in self._numbers:
            return self._numbers[watch.raw]
        mask = watch.mask & ~(IN_Q_OVERFLOW | IN_UNMOUNT)
        if watch.autoAdd:
            mask |= IN_CREATE | IN_MOVED
        number: int = self._inotify.add(self._fd, watch.raw, mask)
        # The kernel knows files and not names: under another name it may be watched already.
        known = self._watches.get(number)
        if known is not None:
            self._numbers.pop(known.raw, None)
        self._watches[number] = watch
        self._numbers[watch.raw] = number
        return number

    def _add_below(
        self, path: Any, mask: int, autoAdd: bool, callbacks: Iterable[_Callback] | None, tell: bool
    ) -> None:
        """Watch a directory and all below it, and `tell` of what is there; what has gone meanwhile is passed over."""
        pending = [path]
        while pending and self.connected:
            watch = _Watch(pending.pop(), mask, autoAdd, callbacks)
            try:
                self._add(watch)
            except INotifyError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                    report(Failure(), f"{watch.path} is not watched", source="inotify", watch=watch)
                continue
            for entry, is_directory in _entries(watch.path):
                if is_directory:
                    pending.append(entry)
                seen = IN_CREATE | IN_ISDIR if is_directory else IN_CREATE
                if tell and watch.mask & IN_CREATE:
                    watch.notify(entry, seen)

    def _forget(self, number: int, removed: bool = False) -> None:
        watch = self._watches.pop(number)
        if self._numbers.get(watch.raw) == number:
            del self._numbers[watch.raw]
        if not removed:
            try:
                self._inotify.remove(self._fd, number)
            except INotifyError:
                pass  # the kernel has removed it, and its event has yet to come

    # --- What the kernel tells ---------------------------------------------------------------------------------

    def fileno(self) -> int:
        """Return the number of the descriptor, -1 when it is closed."""
        return self._fd

    def doRead(self) -> Any:
        """Take the events that have come, and tell of them."""
        try:
            data = os.read(self._fd, _READ_SIZE)
        except BlockingIOError:
            return None
        except OSError:
            return CONNECTION_LOST
        events, self._unparsed = _inotify.parse(self._unparsed + data)
        for event in events:
            if not self.connected:
                break
            if event.mask & IN_Q_OVERFLOW:
                for watch in list(self._watches.values()):
                    watch.notify(watch.path, IN_Q_OVERFLOW)
            elif event.watch in self._watches:
                self._take(event, self._watches[event.watch])
        return None

    def _take(self, event: Event, watch: _Watch) -> None:
        path = _child(watch.path, event.name) if event.name else watch.path
        if event.mask & IN_ISDIR and event.mask & IN_MOVED_FROM and event.name:
            self._forget_below(_raw(path))
        if event.mask & watch.mask & ~IN_ISDIR:
            watch.notify(path, event.mask)
        if event.mask & IN_ISDIR and event.mask & (IN_CREATE | IN_MOVED_TO) and watch.autoAdd:
            self._add_below(path, watch.mask, True, watch.callbacks, tell=True)
        if event.mask & (IN_DELETE_SELF | IN_UNMOUNT | IN_IGNORED):
            if event.watch in self._watches:
                self._forget(event.watch, removed=True)
            if not self._watches and not event.mask & IN_IGNORED:
                self.loseConnection()

    def _forget_below(self, raw: bytes) -> None:
        """Watch a directory that was moved away, and what is below it, no more: its names are not right any longer."""
        below = raw + os.fsencode(os.sep)
        for number, watch in list(self._watches.items()):
            if watch.autoAdd and (watch.raw == raw or watch.raw.startswith(below)):
                self._forget(number)

    def connectionLost(self, reason: Failure) -> None:
        """Close the descriptor; nothing is watched then."""
        FileDescriptor.connectionLost(self, reason)
        number, self._fd = self._fd, -1
        self._watches.clear()
        self._numbers.clear()
        if number == -1:
            return
        try:
            os.close(number)
        except OSError:
            report(Failure(), "Couldn't close an inotify descriptor", source="inotify")


def _own(path: Any) -> Any:
    """Return `path` as callbacks get it."""
    if hasattr(path, "asBytesMode"):
        return path.asBytesMode()
    return Path(os.fsdecode(path))


def _raw(path: Any) -> bytes:
    return os.fsencode(path.path if hasattr(path, "asBytesMode") else path)


def _child(path: Any, name: bytes) -> Any:
    return path.child(name) if hasattr(path, "asBytesMode") else path / os.fsdecode(name)


def _entries(path: Any) -> Iterator[tuple[Any, bool]]:
    """Yield what is in a directory, and of each whether it is a directory itself; nothing when it cannot be read."""
    try:
        with os.scandir(_raw(path)) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError:
        return
    for name, is_directory in found:
        yield _child(path, name), is_directory
