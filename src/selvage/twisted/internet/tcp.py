"""TCP transports."""

from selvage.transports._ip import _NUMERIC_ONLY as _NUMERIC_ONLY, resolve_ipv6 as _resolveIPv6
from selvage.transports.tcp import (
    BaseClient as BaseClient,
    Client as Client,
    Connection as Connection,
    Connector as Connector,
    Port as Port,
    Server as Server,
    makeBinding as makeBinding,
)

__all__ = [
    "_NUMERIC_ONLY",
    "BaseClient",
    "Client",
    "Connection",
    "Connector",
    "Port",
    "Server",
    "_resolveIPv6",
    "makeBinding",
]
