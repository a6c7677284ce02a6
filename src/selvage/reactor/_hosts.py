"""Names that this machine knows without asking anybody: its hosts file, and "localhost".  Floor 2; knows no reactor.

The system's `getaddrinfo` would answer these from the same file, but has to be called in a thread, since nobody knows before
whether it will ask the network.  So what it would say is said here, for the plain cases; `find` returns None for all
others, and for those one asks the system:

* where the system looks elsewhere first (the "hosts" line of nsswitch.conf begins with something other than "files");
* a file of more than `LIMIT_BYTES`: reading it would hold up everything else;
* where systems differ: an IPv4 address wanted of a name that has "::1" or an IPv4-mapped address; several addresses whose
  order is a matter of the system's tables and subnets.

Source: hosts(5), nsswitch.conf(5), and what glibc's `getaddrinfo` answers; an address that is there twice comes once.
RFC 6761 section 6.3: "localhost" means the loopback addresses where the file does not know it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from socket import AF_INET, AF_INET6, AF_UNSPEC, inet_pton

from ._address_order import in_order_of_preference
from ._platform import HOSTS_PATH, SERVICES_PATH

__all__ = ["LIMIT_BYTES", "HostsFile", "files_come_first", "parse_hosts"]

#: A larger file is left to the system and its thread: reading this much takes two milliseconds, and what is larger is
#: a list of blocked names with a hundred thousand lines.
LIMIT_BYTES = 65536

_LOOPBACK = ((AF_INET6, "::1"), (AF_INET, "127.0.0.1"))

#: Family and text of an address.
Entry = tuple[int, str]

# Python's idea of white space and of line ends is wider than C's.
_SPACE = re.compile(rb"[ \t\v\f\r]+")


def parse_hosts(content: bytes) -> dict[bytes, list[Entry]]:
    """Read a hosts file: an address and its names a line, up to "#"; a line that is none is ignored.

    Returns: name in lower case -> its addresses, in the file's order, each once.
    """
    found: dict[bytes, list[Entry]] = {}
    for line in content.split(b"\n"):
        if b"\0" in line:
            continue  # C sees half of it
        address, *names = _SPACE.split(line.partition(b"#")[0].strip(b" \t\v\f\r"))
        entry = _entry(address) if names else None
        if entry is None:
            continue
        for name in names:
            entries = found.setdefault(name.lower(), [])
            if entry not in entries:
                entries.append(entry)
    return found


def _entry(address: bytes) -> Entry | None:
    try:
        text = address.decode("ascii")
        family = AF_INET6 if ":" in text else AF_INET
        inet_pton(family, text)
    except (OSError, ValueError):
        return None
    return family, text


def files_come_first(content: bytes) -> bool:
    """Tell from nsswitch.conf whether the hosts file is what the system asks first, and believes.

    A file that does not say is one that says "files dns".
    """
    for line in content.split(b"\n"):
        key, colon, sources = line.partition(b"#")[0].partition(b":")
        if colon and key.strip() == b"hosts":
            words = sources.lower().split()
            return words[:1] == [b"files"] and not (words[1:2] and b"success" in words[1])
    return True


def _canonical(name: str) -> bytes:
    return name.lower().encode("ascii")


class HostsFile:
    """The hosts file, read again when it has changed.

    Args:
        path: where it is; None where the system has none.
        services_path: of nsswitch.conf; None where the system has none.
    """

    def __init__(self, path: str | None = HOSTS_PATH, services_path: str | None = SERVICES_PATH) -> None:
        self._path = path
        self._services_path = services_path
        self._seen: object = _NEVER
        self._names: dict[bytes, list[Entry]] | None = None  # None: leave it to the system

    def find(self, name: str, family: int = AF_UNSPEC) -> list[Entry] | None:
        """Look a name up.

        Args:
            name: ASCII.
            family: AF_INET, AF_INET6, or AF_UNSPEC for both.

        Returns: family and text of each address, in the order in which to try them; None where the system has to be asked.
        """
        if self._path is None:
            return None
        self._refresh(self._path)
        if self._names is None:
            return None
        key = _canonical(name)
        entries: Iterable[Entry] = self._names.get(key, _LOOPBACK if key == b"localhost" else ())
        wanted = [entry for entry in entries if family in (AF_UNSPEC, entry[0])]
        if not wanted or (family == AF_INET and not _all_native(entries, wanted)):
            return None
        return wanted if len(wanted) == 1 else in_order_of_preference(wanted)

    def _refresh(self, path: str) -> None:
        seen = (_stamp(path), self._services_path and _stamp(self._services_path))
        if seen == self._seen:
            return
        self._seen = seen
        self._names = None
        if files_come_first(_read(self._services_path)):
            content = _read(path)
            if len(content) <= LIMIT_BYTES:
                self._names = parse_hosts(content)


_NEVER = object()


def _all_native(entries: Iterable[Entry], wanted: list[Entry]) -> bool:
    """Tell whether these are all the IPv4 addresses that any C library makes of the entries."""
    for family, address in entries:
        if family == AF_INET6:
            octets = inet_pton(AF_INET6, address)
            if octets == _V6_LOOPBACK and (AF_INET, "127.0.0.1") not in wanted:
                return False
            if octets.startswith(_V4_MAPPED):
                return False
    return True


_V6_LOOPBACK = inet_pton(AF_INET6, "::1")
_V4_MAPPED = bytes(10) + b"\xff\xff"


def _stamp(path: str) -> object:
    """Return what changes when the file does."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: str | None) -> bytes:
    """Return the file's content, or a little more than the limit of it; nothing of a file that cannot be read."""
    if path is None:
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(LIMIT_BYTES + 1)
    except OSError:
        return b""
