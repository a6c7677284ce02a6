"""Transports: the reactor's sockets, riding the loop's own transports.  Floor 2.

`tcp`, `udp` and `unix` hold ports, connections and connectors under their Twisted names; the reactor's methods
(`listenTCP` and kin) make them.  Producers and consumers, and the one gate where `OSError` becomes a Selvage error, are
here too.  Knows of protocols and factories only what it calls on them.
"""

from __future__ import annotations

from selvage._publish import publish

from ._connecting import BaseConnector
from ._descriptor import FileDescriptor
from ._errors import errnoMapping, getConnectError
from ._ip import isIPAddress, isIPv6Address
from ._listening import BasePort

__all__ = [
    "BaseConnector",
    "BasePort",
    "FileDescriptor",
    "errnoMapping",
    "getConnectError",
    "isIPAddress",
    "isIPv6Address",
]

publish(globals())
