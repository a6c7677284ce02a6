"""Which address of several to try first.  Floor 2.

Source: RFC 6724 section 6, rules 1 (usable), 2 (scope), 5 (label), 6 (precedence) and 8 (smaller scope).  Only for sets on
which all systems agree: at most one address of each kind below.  Two of one kind are a question of subnets and prefixes,
other kinds (unique local, 6to4, ...) one of the system's table, which it may have from 2003 or from gai.conf.

An address is usable when the system has a route to it, which is asked by connecting a UDP socket: nothing is sent.
"""

from __future__ import annotations

import ipaddress
import socket

__all__ = ["in_order_of_preference"]

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# The kinds, by precedence: RFC 6724 section 2.1.
_LOOPBACK_6, _GLOBAL_6, _ANY_4, _OTHER = range(4)

_GLOBAL = ipaddress.IPv6Network("2000::/3")
_TUNNELS = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))

# Discard (RFC 863): some port has to be named.
_ANY_PORT = 9


def in_order_of_preference(entries: list[tuple[int, str]]) -> list[tuple[int, str]] | None:
    """Return addresses, each with its family, the one to try first in front; None where systems differ."""
    kinds = {_kind(ipaddress.ip_address(text)) for _, text in entries}
    if _OTHER in kinds or len(kinds) < len(entries):
        return None
    return sorted(entries, key=_rank)


def _rank(entry: tuple[int, str]) -> tuple[bool, bool, bool, int, int]:
    family, text = entry
    destination = ipaddress.ip_address(text)
    kind = _kind(destination)
    nearby = _is_nearby(destination)
    source = _source_for(family, text)
    if source is None:
        return True, False, False, kind, not nearby
    return False, _is_nearby(source) != nearby, _kind(source) != kind, kind, not nearby


def _source_for(family: int, address: str) -> _IPAddress | None:
    """Return the address of ours from which the system would send, None when there is no way."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, _ANY_PORT))
            return ipaddress.ip_address(probe.getsockname()[0].partition("%")[0])
    except OSError:
        return None


def _is_nearby(address: _IPAddress) -> bool:
    """Tell whether the address is of link-local scope, as loopback is, and not global."""
    return address.is_loopback or address.is_link_local


def _kind(address: _IPAddress) -> int:
    if isinstance(address, ipaddress.IPv4Address):
        return _ANY_4
    if address.is_loopback:
        return _LOOPBACK_6
    return _GLOBAL_6 if address in _GLOBAL and not any(address in each for each in _TUNNELS) else _OTHER
