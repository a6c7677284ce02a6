"""A lock that a dead process cannot hold: a symbolic link to the number of who holds it.  Floor 2.

Beside a UNIX socket it tells a server that runs from the file that a dead one left.  The same as
`twisted.python.lockfile`, so that programs of both kinds respect each other's.
"""

from __future__ import annotations

import errno
import os

__all__ = ["ProcessLock", "is_locked"]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's, but alive
    return True


def _holder(name: str | bytes) -> int | None:
    """Return the number of the process that a lock names; None when there is no lock."""
    try:
        return int(os.readlink(os.fsencode(name)))
    except ValueError:
        return 0  # not ours to understand: taken
    except OSError as exc:
        if exc.errno == errno.ENOENT:
            return None
        if exc.errno == errno.EINVAL:
            return 0  # a file that is no link, so none of ours
        raise


def is_locked(name: str | bytes) -> bool:
    """Tell whether a process that lives holds the lock."""
    holder = _holder(name)
    return holder is not None and (holder == 0 or _is_alive(holder))


class ProcessLock:
    """The lock with this name.

    Attributes:
        locked: whether we hold it.
        clean: False when it was taken from a dead process; then what it guards may need clearing away.
    """

    def __init__(self, name: str | bytes) -> None:
        self.name = name
        self.locked = False
        self.clean = True

    def lock(self) -> bool:
        """Take the lock; tell whether that worked."""
        clean = True
        while True:
            number = str(os.getpid())
            try:
                os.symlink(number if isinstance(self.name, str) else number.encode(), self.name)
            except FileExistsError:
                holder = _holder(self.name)
                if holder == 0 or (holder is not None and _is_alive(holder)):
                    return False
                clean = False
                try:
                    os.unlink(self.name)
                except FileNotFoundError:
                    pass
                continue
            self.locked, self.clean = True, clean
            return True

    def unlock(self) -> None:
        """Give the lock back.

        Raises:
            ValueError: it is not ours.
        """
        if not self.locked or _holder(self.name) != os.getpid():
            raise ValueError(f"the lock {self.name!r} is not held by this process")
        os.unlink(self.name)
        self.locked = False
