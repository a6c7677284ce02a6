"""Which addresses are of the public network: a filter against requests that reach into one's own.  Floor 3."""

from __future__ import annotations

from typing import Any

__all__ = ["is_public_address"]


def is_public_address(address: Any) -> bool:
    """Tell whether an address belongs to the public network, for `HostnameEndpoint(address_filter=...)`.

    Not public are loopback, private and link-local networks, multicast, what is reserved, and IPv6 addresses in which
    such an IPv4 address hides (mapped, 6to4, NAT64).

    Args:
        address: an `IPv4Address` or `IPv6Address`.

    Source: IANA's special-purpose address registries, as the standard library's `ipaddress` has them; RFC 6052 for NAT64.
    """
    # Imported when it is used: most programs connect without a filter.
    import ipaddress

    found = ipaddress.ip_address(address.host.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in ipaddress.IPv6Network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return found.is_global and not found.is_multicast
