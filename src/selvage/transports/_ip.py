"""IP literals: telling them from names, and reading an IPv6 one with its scope.  Floor 2."""

from __future__ import annotations

import socket
from typing import Any

__all__ = ["_resolveIPv6", "isIPAddress", "isIPv6Address"]

_NUMERIC_ONLY = socket.AI_NUMERICHOST | getattr(socket, "AI_NUMERICSERV", 0)


def isIPAddress(addr: str | bytes, family: int = socket.AF_INET) -> bool:
    """Tell whether `addr` is a complete IP literal of the family.

    Args:
        addr: text, or ASCII bytes.  An IPv6 literal may end in a scope, as in "fe80::1%eth0".
        family: AF_INET or AF_INET6.

    Raises:
        ValueError: another family.
    """
    if isinstance(addr, bytes):
        try:
            addr = addr.decode("ascii")
        except UnicodeDecodeError:
            return False
    if family == socket.AF_INET6:
        addr = addr.partition("%")[0]
    elif family != socket.AF_INET:
        raise ValueError(f"unknown address family {family!r}: only AF_INET and AF_INET6 have IP literals")
    try:
        socket.inet_pton(family, addr)
    except (ValueError, OSError):
        return False
    return True


def isIPv6Address(addr: str | bytes) -> bool:
    """Tell whether `addr` is an IPv6 literal, scope or not."""
    return isIPAddress(addr, socket.AF_INET6)


def _resolveIPv6(ip: str, port: int) -> tuple[Any, ...]:
    """Return the socket address (host, port, flow info, scope id) of an IPv6 literal; never asks a name server.

    Raises:
        socket.gaierror: `ip` is no literal, or `port` no number.
    """
    # The system cuts a port to 16 bits or refuses it; whoever binds or connects shall hear of a wrong one.
    service = 0 if isinstance(port, int) else port
    address = socket.getaddrinfo(ip, service, 0, 0, 0, _NUMERIC_ONLY)[0][4]
    return (address[0], port, *address[2:])
