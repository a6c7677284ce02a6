"""Which address of several to try first.  Floor 2.

Source: RFC 6724 section 6, rules 1 (usable), 2 (scope), 5 (label), 6 (precedence) and 8 (smaller scope).  Only for sets on
which all systems agree: at most one address of each kind below.  Two of one kind are a question of subnets and prefixes,
other kinds (unique local, 6to4, ...) one of the system's table, which it may have from 2003 or from gai.conf.

An address is usable when the system has a route to it, which is asked by connecting a UDP socket: nothing is sent.
"""

from __future__ import annotations

import socket
from socket import AF_INET6, inet_pton

__all__ = ["in_order_of_preference"]

# Addresses are handled as their octets: the module `ipaddress` would make every program start later.

# The kinds, by precedence: RFC 6724 section 2.1.
_LOOPBACK_6, _GLOBAL_6, _ANY_4, _OTHER = range(4)

_LOOPBACK = inet_pton(AF_INET6, "::1")
# 2001::/32 and 2002::/16: Teredo and 6to4.
_TUNNELS = (b"\x20\x01\0\0", b"\x20\x02")

# Discard (RFC 863): some port has to be named.
_ANY_PORT = 9


def in_order_of_preference(entries: list[tuple[int, str]]) -> list[tuple[int, str]] | None:
    """Return addresses, each with its family, the one to try first in front; None where systems differ."""
    kinds = {_kind(inet_pton(family, text)) for family, text in entries}
    if _OTHER in kinds or len(kinds) < len(entries):
        return None
    return sorted(entries, key=_rank)


def _rank(entry: tuple[int, str]) -> tuple[bool, bool, bool, int, bool]:
    family, text = entry
    destination = inet_pton(family, text)
    kind = _kind(destination)
    nearby = _is_nearby(destination)
    source = _source_for(family, text)
    if source is None:
        return True, False, False, kind, not nearby
    return False, _is_nearby(source) != nearby, _kind(source) != kind, kind, not nearby


def _source_for(family: int, address: str) -> bytes | None:
    """Return the address of ours from which the system would send, None when there is no way."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, _ANY_PORT))
            return inet_pton(family, probe.getsockname()[0].partition("%")[0])
    except OSError:
        return None


def _is_nearby(address: bytes) -> bool:
    """Tell whether the address is of link-local scope, as loopback is, and not global."""
    if len(address) == 4:
        return address[0] == 127 or address.startswith(b"\xa9\xfe")  # 127/8, 169.254/16
    return address == _LOOPBACK or (address[0] == 0xFE and address[1] & 0xC0 == 0x80)  # fe80::/10


def _kind(address: bytes) -> int:
    if len(address) == 4:
        return _ANY_4
    if address == _LOOPBACK:
        return _LOOPBACK_6
    return _GLOBAL_6 if address[0] & 0xE0 == 0x20 and not address.startswith(_TUNNELS) else _OTHER  # 2000::/3
