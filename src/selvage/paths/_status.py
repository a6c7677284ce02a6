"""What the system says of a path: kind, size, times, owner, permissions; asked once and remembered.  Floor 1."""

from __future__ import annotations

import os
import stat
from typing import AnyStr, Generic

from selvage.paths._permissions import Permissions

__all__ = ["Status"]


class Status(Generic[AnyStr]):
    """Answers questions about a path from what `os.stat` said last; `restat` and `changed` make it ask again.

    That there is nothing at the path is not remembered.
    """

    path: AnyStr
    _statinfo: os.stat_result | None = None

    def changed(self) -> None:
        """Forget what is known: the next question asks the system."""
        self._statinfo = None

    def restat(self, reraise: bool = True) -> None:
        """Ask the system.

        Args:
            reraise: raises when there is nothing at the path, or it cannot be asked for; else that is forgotten.

        Raises:
            OSError: as said.
        """
        try:
            self._statinfo = os.stat(self.path)
        except (OSError, ValueError):  # ValueError: no path can have this name
            self._statinfo = None
            if reraise:
                raise

    def _stat(self) -> os.stat_result:
        if self._statinfo is None:
            self.restat()
        assert self._statinfo is not None
        return self._statinfo

    def _mode(self) -> int:
        """Return kind and permissions, 0 where there is nothing."""
        if self._statinfo is None:
            self.restat(False)
        return 0 if self._statinfo is None else self._statinfo.st_mode

    def exists(self) -> bool:
        """Tell whether there is something at this path; a link that leads nowhere is nothing."""
        return self._mode() != 0

    def isdir(self) -> bool:
        """Tell whether it is a directory, or a link to one."""
        return stat.S_ISDIR(self._mode())

    def isfile(self) -> bool:
        """Tell whether it is a regular file, or a link to one."""
        return stat.S_ISREG(self._mode())

    def isBlockDevice(self) -> bool:
        """Tell whether it is a block device."""
        return stat.S_ISBLK(self._mode())

    def isSocket(self) -> bool:
        """Tell whether it is a UNIX socket."""
        return stat.S_ISSOCK(self._mode())

    def islink(self) -> bool:
        """Tell whether it is a symbolic link; asks the system each time."""
        return os.path.islink(self.path)

    def getsize(self) -> int:
        """Return the size in bytes.

        Raises:
            OSError: there is nothing at the path.
        """
        return self._stat().st_size

    def getModificationTime(self) -> float:
        """Return when its content was changed, in seconds since 1970.

        Raises:
            OSError: there is nothing at the path.
        """
        return float(self._stat().st_mtime)

    def getStatusChangeTime(self) -> float:
        """Return when its status was changed (on Windows: when it was made), in seconds since 1970.

        Raises:
            OSError: there is nothing at the path.
        """
        return float(self._stat().st_ctime)

    def getAccessTime(self) -> float:
        """Return when it was read, in seconds since 1970.

        Raises:
            OSError: there is nothing at the path.
        """
        return float(self._stat().st_atime)

    def getInodeNumber(self) -> int:
        """Return the number by which its device knows the file."""
        return self._stat().st_ino

    def getDevice(self) -> int:
        """Return the number of the device that it is on."""
        return self._stat().st_dev

    def getNumberOfHardLinks(self) -> int:
        """Return how many names the file has."""
        return self._stat().st_nlink

    def getUserID(self) -> int:
        """Return the number of its owner."""
        return self._stat().st_uid

    def getGroupID(self) -> int:
        """Return the number of its group."""
        return self._stat().st_gid

    def getPermissions(self) -> Permissions:
        """Return who may do what with it.

        Raises:
            OSError: there is nothing at the path.
        """
        return Permissions(stat.S_IMODE(self._stat().st_mode))
