"""Which protocols ALPN offers, and chooses from.  Floor 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selvage.interfaces import IProtocolNegotiationFactory

__all__ = ["acceptable_protocols"]


def acceptable_protocols(tls_protocol: Any, default: Sequence[bytes] | None) -> tuple[bytes, ...]:
    """Return what ALPN is to offer on a connection: what the wrapped factory says, if it says something, else `default`."""
    factory = getattr(tls_protocol, "factory", None)
    inner = getattr(factory, "wrappedFactory", factory)
    if IProtocolNegotiationFactory.providedBy(inner):
        return tuple(inner.acceptableProtocols())
    return tuple(default or ())
