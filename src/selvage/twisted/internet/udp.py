"""UDP transports."""

from selvage.transports.udp import (
    MulticastMixin as MulticastMixin,
    MulticastPort as MulticastPort,
    Port as Port,
)

__all__ = ["MulticastMixin", "MulticastPort", "Port"]
