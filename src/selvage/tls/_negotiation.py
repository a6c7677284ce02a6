"""Whether protocols can be negotiated: they can, everywhere, so nobody has to ask any more.  Floor 2."""

from __future__ import annotations

import warnings
from enum import Flag

__all__ = ["ProtocolNegotiationSupport", "protocolNegotiationMechanisms"]


class ProtocolNegotiationSupport(Flag):
    """Ways to negotiate a protocol.

    Twisted: `twisted.internet.ssl.ProtocolNegotiationSupport`.
    """

    NOSUPPORT = 0
    NPN = 1
    ALPN = 2


def protocolNegotiationMechanisms() -> ProtocolNegotiationSupport:
    """Return the ways there are: ALPN.  Deprecated.

    Twisted: `twisted.internet.ssl.protocolNegotiationMechanisms`.
    """
    warnings.warn(
        f"{protocolNegotiationMechanisms.__module__}.protocolNegotiationMechanisms was deprecated in Twisted 26.10.0",
        DeprecationWarning,
        stacklevel=2,
    )
    return ProtocolNegotiationSupport.ALPN
