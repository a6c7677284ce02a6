"""Which host is on the other side: addresses as bytes, networks as prefixes, this machine.  Floor 3.

Knows addresses only, no transport and no name: a host is what the system said of an accepted connection.  It is asked
of each connection that is accepted, hence the system's own functions: the module `ipaddress` takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any

__all__ = ["THIS_MACHINE", "NetworkNames", "Networks", "host_of"]

#: What an IPv4 host begins with that came in over IPv6.
_MAPPED = bytes(10) + b"\xff\xff"


def host_of(addr: Any) -> bytes | None:
    """Return the host of a connection's address, 4 bytes or 16; None when there is none: a UNIX socket, no address at all.

    An IPv4 host that came in over IPv6 (`::ffff:192.0.2.1`) is the IPv4 host.

    Args:
        addr: an `IAddress`, a tuple that begins with the host, or None.

    Raises:
        ValueError: it has a host, but not a numeric one.
    """
    text = addr[0] if isinstance(addr, tuple) else getattr(addr, "host", None)
    if text is None:
        return None
    try:
        if ":" not in text:
            return inet_pton(AF_INET, text)
        host = inet_pton(AF_INET6, text.partition("%")[0])
    except OSError:
        raise ValueError(f"{text!r} is no numeric address") from None
    return host[12:] if host.startswith(_MAPPED) else host


def _mask(size: int, bits: int) -> int:
    """Return a number of `size` bytes of which the first `bits` bits are set."""
    if not 0 <= bits <= 8 * size:
        raise ValueError(f"a prefix has 0 to {8 * size} bits here, not {bits}")
    return ((1 << bits) - 1) << (8 * size - bits)


class NetworkNames:
    """Names the network that a host counts for: `192.0.2.1`, `2001:db8::/64`.

    Args:
        ipv4_prefix: and ipv6_prefix: how many bits of a host's address are its network's.

    Raises:
        ValueError: an address has no such bits.
    """

    __slots__ = ("_of",)

    def __init__(self, ipv4_prefix: int, ipv6_prefix: int) -> None:
        #: By the size of a host: its family, the mask, what follows the name.
        self._of = {
            size: (family, _mask(size, bits), "" if bits == 8 * size else f"/{bits}")
            for size, family, bits in ((4, AF_INET, ipv4_prefix), (16, AF_INET6, ipv6_prefix))
        }

    def name(self, host: bytes) -> str:
        """Return the name of the network that `host` is in."""
        size = len(host)
        family, mask, suffix = self._of[size]
        return inet_ntop(family, (int.from_bytes(host, "big") & mask).to_bytes(size, "big")) + suffix


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
        return host is None or self.has(host)

    def has(self, host: bytes) -> bool:
        """Tell whether a host is in one of the networks."""
        if not self._networks:
            return False
        size, number = len(host), int.from_bytes(host, "big")
        return any(size == each and number & mask == network for each, mask, network in self._networks)

    def __repr__(self) -> str:
        return f"Networks({list(self._names)})"


def _parse(name: str) -> tuple[int, int, int]:
    """Return size, mask and number of a network."""
    try:
        network = ip_network(name)
    except ValueError as error:
        raise ValueError(f"{error}; write 10.0.0.0/8, 192.0.2.7 or fd00::/8") from None
    size = network.max_prefixlen // 8
    return size, _mask(size, network.prefixlen), int(network.network_address)


#: The peers that are this machine itself.
THIS_MACHINE = Networks(["127.0.0.0/8", "::1"])
