"""Which host is on the other side: addresses as numbers, networks as prefixes, this machine.  Floor 3.

Knows addresses only, no transport and no name: a host is what the system said of an accepted connection.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

__all__ = ["Networks", "host_of", "network_of"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def host_of(addr: Any) -> _Address | None:
    """Return the host of a connection's address as a number, or None when there is none: a UNIX socket, no address at all.

    An IPv4 host that came in over IPv6 (`::ffff:192.0.2.1`) is the IPv4 host.

    Args:
        addr: an `IAddress`, a tuple that begins with the host, or None.

    Raises:
        ValueError: it has a host, but not a numeric one.
    """
    text = addr[0] if isinstance(addr, tuple) else getattr(addr, "host", None)
    if text is None:
        return None
    host = ipaddress.ip_address(text)
    return host.ipv4_mapped or host if host.version == 6 else host


def network_of(host: _Address, ipv4_prefix: int, ipv6_prefix: int) -> str:
    """Return the network that a host counts for, as text: itself where the prefix is as long as an address."""
    bits = ipv4_prefix if host.version == 4 else ipv6_prefix
    if bits == host.max_prefixlen:
        return str(host)
    shift = host.max_prefixlen - bits
    return f"{type(host)(int(host) >> shift << shift)}/{bits}"


class Networks:
    """A list of networks that somebody trusts.

    Whoever has no host, such as the peer of a UNIX socket, is in every list: he got past the socket's file mode.

    Args:
        networks: as in `["10.0.0.0/8", "192.0.2.7", "fd00::/8"]`.

    Raises:
        TypeError: this is one string, not several.
        ValueError: one of them is no network; the message names it.
    """

    __slots__ = ("_names", "_networks")

    def __init__(self, networks: Iterable[str]) -> None:
        if isinstance(networks, str):
            raise TypeError(f"a list of networks is needed, as in [{networks!r}]")
        self._names = tuple(networks)
        self._networks = [_parse(name) for name in self._names]

    def __contains__(self, addr: Any) -> bool:
        """Tell whether the peer with this address is in one of the networks; a host that is no number is in none."""
        try:
            host = host_of(addr)
        except ValueError:
            return False
        return host is None or any(host in network for network in self._networks)

    def __repr__(self) -> str:
        return f"Networks({list(self._names)})"


def _parse(name: str) -> Any:
    try:
        return ipaddress.ip_network(name)
    except ValueError as error:
        raise ValueError(f"{error}; write 10.0.0.0/8, 192.0.2.7 or fd00::/8") from None


#: The peers that are this machine itself.
THIS_MACHINE = Networks(["127.0.0.0/8", "::1"])
