"""Endpoints behind a load balancer that speaks the PROXY protocol.  Floor 3."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from selvage.endpoints._wrapping import _WrapperServerEndpoint

if TYPE_CHECKING:
    from selvage.interfaces import IStreamServerEndpoint

__all__ = ["proxyEndpoint"]


def proxyEndpoint(
    wrappedEndpoint: IStreamServerEndpoint, trusted: Iterable[str] | None = None
) -> _WrapperServerEndpoint:
    """Make an endpoint whose connections begin with a header of the PROXY protocol, version 1 or 2.

    Args:
        wrappedEndpoint: listens.
        trusted: networks of the proxies, as in `["10.0.0.0/8"]`; by default this machine.  Whoever else connects is refused.

    Raises:
        ValueError: one of `trusted` is no network.

    Twisted: `twisted.protocols.haproxy.proxyEndpoint`, which trusts everybody.
    """
    # Imported when it is used: most programs listen without a proxy.
    from selvage.protocols._networks import Networks
    from selvage.protocols.haproxy import HAProxyWrappingFactory

    if trusted is None:
        return _WrapperServerEndpoint(wrappedEndpoint, HAProxyWrappingFactory)
    networks = list(trusted)
    Networks(networks)  # what is wrong with them is said now and not when the endpoint listens
    return _WrapperServerEndpoint(wrappedEndpoint, partial(HAProxyWrappingFactory, trusted=networks))
