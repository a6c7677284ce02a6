"""UDP transports."""

from selvage.transports.udp import (
    MulticastMixin as MulticastMixin,
    MulticastPort as MulticastPort,
    Port as Port,
    _sockErrReadIgnore as _sockErrReadIgnore,
    _sockErrReadRefuse as _sockErrReadRefuse,
)

__all__ = ["MulticastMixin", "MulticastPort", "Port"]
