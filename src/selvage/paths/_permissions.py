"""Who may do what with a file.  Floor 1.

Twisted: `Permissions` and `RWX` of `twisted.python.filepath`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RWX", "Permissions"]


@dataclass(init=False, unsafe_hash=True)
class RWX:
    """What one class of users may do.

    Args:
        readable: may read it.
        writable: may write to it.
        executable: may execute it, or enter the directory.
    """

    read: bool
    write: bool
    execute: bool

    def __init__(self, readable: bool, writable: bool, executable: bool) -> None:
        self.read = readable
        self.write = writable
        self.execute = executable

    def shorthand(self) -> str:
        """Return it in the form of `ls`: `r-x`."""
        return "".join(
            letter if may else "-"
            for letter, may in zip("rwx", (self.read, self.write, self.execute), strict=True)
        )


@dataclass(init=False, unsafe_hash=True)
class Permissions:
    """What owner, group and all others may do.

    Args:
        statModeInt: the mode, as `os.stat` and `os.chmod` have it.
    """

    user: RWX
    group: RWX
    other: RWX

    def __init__(self, statModeInt: int) -> None:
        self.user, self.group, self.other = (
            RWX(*(bool(statModeInt >> shift & bit) for bit in (4, 2, 1))) for shift in (6, 3, 0)
        )

    def shorthand(self) -> str:
        """Return it in the form of `ls`: `rwxr-x---`."""
        return self.user.shorthand() + self.group.shorthand() + self.other.shorthand()

    def __repr__(self) -> str:
        return f"[{self.user} | {self.group} | {self.other}]"
