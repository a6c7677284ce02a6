"""Addresses of connections and ports: plain records that compare, hash and print by value.

Floor 1. One is made for each accepted connection, hence slots and no more checks than mistakes need. A record knows
nothing of sockets and looks nothing up.
"""

from __future__ import annotations

import os
from typing import Literal

from zope.interface import implementer

from selvage.interfaces import IAddress

__all__ = ["HostnameAddress", "IPv4Address", "IPv6Address", "UNIXAddress"]

_KINDS = frozenset({"TCP", "UDP"})


def _refuse_kind(cls: type, type: object) -> ValueError:
    return ValueError(f"{cls.__name__}: 'type' must be 'TCP' or 'UDP', not {type!r}")


class _Record:
    """Comparison, hash, order and repr over the fields that a subclass names."""

    __slots__ = ("__weakref__",)
    __match_args__: tuple[str, ...] = ()

    def _fields(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._fields() == other._fields()

    def __lt__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._fields() < other._fields()

    def __le__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._fields() <= other._fields()

    def __gt__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._fields() > other._fields()

    def __ge__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self._fields() >= other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        fields = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__match_args__])
        return f"{self.__class__.__name__}({fields})"


@implementer(IAddress)
class IPv4Address(_Record):
    """One end of a TCP or UDP exchange over IPv4.

    Args:
        type: "TCP" or "UDP".
        host: dotted quad.
        port: 0 to 65535.

    Raises:
        ValueError: `type` is something else.
    """

    __slots__ = ("host", "port", "type")
    __match_args__ = ("type", "host", "port")

    type: Literal["TCP", "UDP"]
    host: str
    port: int

    def __init__(self, type: Literal["TCP", "UDP"], host: str, port: int) -> None:
        if type not in _KINDS:
            raise _refuse_kind(self.__class__, type)
        self.type = type
        self.host = host
        self.port = port

    # Servers keep tables by peer address: these two say without a loop what `_Record` says for every class.

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self.host == other.host and self.port == other.port and self.type == other.type

    def __hash__(self) -> int:
        return hash((self.type, self.host, self.port))


@implementer(IAddress)
class IPv6Address(_Record):
    """One end of a TCP or UDP exchange over IPv6.

    Args:
        type: "TCP" or "UDP".
        host: IPv6 literal, without brackets.
        port: 0 to 65535.
        flowInfo: the flow label as the socket address carries it, 0 for none.
        scopeID: index or name of the interface that a link-local `host` belongs to, 0 for none.

    Raises:
        ValueError: `type` is something else.
    """

    __slots__ = ("flowInfo", "host", "port", "scopeID", "type")
    __match_args__ = ("type", "host", "port", "flowInfo", "scopeID")

    type: Literal["TCP", "UDP"]
    host: str
    port: int
    flowInfo: int
    scopeID: str | int

    def __init__(
        self, type: Literal["TCP", "UDP"], host: str, port: int, flowInfo: int = 0, scopeID: str | int = 0
    ) -> None:
        if type not in _KINDS:
            raise _refuse_kind(self.__class__, type)
        self.type = type
        self.host = host
        self.port = port
        self.flowInfo = flowInfo
        self.scopeID = scopeID

    def _fields(self) -> tuple[object, ...]:
        return (self.type, self.host, self.port, self.flowInfo, self.scopeID)


@implementer(IAddress)
class HostnameAddress(_Record):
    """A host by name, before it is looked up.

    Args:
        hostname: the name as bytes, IDNA-encoded when it is not ASCII.
        port: 0 to 65535.
    """

    __slots__ = ("hostname", "port")
    __match_args__ = ("hostname", "port")

    hostname: bytes
    port: int

    def __init__(self, hostname: bytes, port: int) -> None:
        self.hostname = hostname
        self.port = port


@implementer(IAddress)
class UNIXAddress(_Record):
    """A UNIX socket's place.

    Two are equal when they have the same name or, where both are files, when they are the same file: links count as
    what they point to.

    Args:
        name: path; with a leading NUL, a name in Linux's abstract namespace; None for a socket without a name.
            Text is kept as bytes in the file system's encoding.
    """

    __slots__ = ("name",)
    __match_args__ = ("name",)

    name: bytes | None

    def __init__(self, name: bytes | str | None) -> None:
        if name is not None and not isinstance(name, bytes):
            if not isinstance(name, str):
                raise TypeError(f"UNIXAddress: name must be bytes, str or None, not {name!r}")
            name = os.fsencode(name)
        self.name = name

    def _file(self) -> tuple[int, int] | None:
        """Return what identifies the file, device and inode; None when there is no such file."""
        if not self.name or self.name[0] == 0:
            return None
        try:
            status = os.stat(self.name)
        except (OSError, ValueError):  # ValueError: a NUL inside
            return None
        return (status.st_dev, status.st_ino)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, UNIXAddress):
            return NotImplemented
        if self.name == other.name:
            return True
        file = self._file()
        return file is not None and file == other._file()

    def __hash__(self) -> int:
        # Equal addresses have to hash alike, so a name that is a file hashes as that file.
        return hash(self._file() or self.name)

    def __repr__(self) -> str:
        return f"UNIXAddress({None if self.name is None else os.fsdecode(self.name)!r})"


@implementer(IAddress)
class _ProcessAddress:
    """The address of a child process's pipes, which have none."""

    __slots__ = ("__weakref__",)
