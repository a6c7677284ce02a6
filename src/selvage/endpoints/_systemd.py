"""Sockets that a service manager has opened for this process.  Floor 3."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

__all__ = ["ListenFDs"]


class ListenFDs:
    """The file descriptors that systemd passes on.

    Args:
        descriptors: their numbers.
        names: their names, as many; unnamed ones are called "unknown".

    Source: sd_listen_fds(3).  Twisted: `twisted.python.systemd.ListenFDs`.
    """

    #: The number of the first one, by systemd's convention.
    _START = 3

    def __init__(self, descriptors: Sequence[int], names: Sequence[str] = ()) -> None:
        self._descriptors = list(descriptors)
        self._names = list(names)

    @classmethod
    def fromEnvironment(cls, environ: Mapping[str, str] | None = None, start: int | None = None) -> ListenFDs:
        """Read what systemd says in the environment; none when that was meant for another process.

        Args:
            environ: the environment; `os.environ` by default.
            start: the number of the first descriptor; 3 by default.
        """
        environ = os.environ if environ is None else environ
        start = cls._START if start is None else start
        try:
            if int(environ["LISTEN_PID"]) != os.getpid():
                return cls([])
            count = int(environ["LISTEN_FDS"])
        except (KeyError, ValueError):
            return cls([])
        names = environ.get("LISTEN_FDNAMES", "")
        return cls(range(start, start + count), names.split(":") if names else ["unknown"] * count)

    def inheritedDescriptors(self) -> list[int]:
        """Return the numbers, in order."""
        return list(self._descriptors)

    def inheritedNamedDescriptors(self) -> dict[str, int]:
        """Return the numbers by name."""
        return dict(zip(self._names, self._descriptors, strict=False))
