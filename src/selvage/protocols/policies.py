"""Factories that put a policy on another factory's connections: limits, time-outs, throttling, records.  Floor 3.

A `WrappingFactory` gives the reactor protocols of its own, each of which is protocol to the real transport and transport
to the wrapped protocol.  Time comes from the ambient reactor unless `callLater` is overridden.

Twisted: `twisted.protocols.policies`.  New here are the limits on hostile peers: `LimitConnectionsPerAddressFactory`,
`LimitAcceptRateFactory` and `LimitSlowReadersFactory`, which take a `reactor=`, and which say what they refuse and how often.
"""

from selvage._publish import publish
from selvage.protocols._address_limits import (
    AcceptRateExceeded as AcceptRateExceeded,
    LimitAcceptRateFactory as LimitAcceptRateFactory,
    LimitConnectionsPerAddressFactory as LimitConnectionsPerAddressFactory,
)
from selvage.protocols._limits import (
    LimitConnectionsByPeer as LimitConnectionsByPeer,
    LimitTotalConnectionsFactory as LimitTotalConnectionsFactory,
)
from selvage.protocols._records import (
    SpewingFactory as SpewingFactory,
    SpewingProtocol as SpewingProtocol,
    TrafficLoggingFactory as TrafficLoggingFactory,
    TrafficLoggingProtocol as TrafficLoggingProtocol,
)
from selvage.protocols._refusals import Refusals as Refusals, TooManyConnections as TooManyConnections
from selvage.protocols._slow_readers import (
    LimitSlowReadersFactory as LimitSlowReadersFactory,
    OutputLimitExceeded as OutputLimitExceeded,
    OutputStalled as OutputStalled,
)
from selvage.protocols._throttling import (
    ThrottlingFactory as ThrottlingFactory,
    ThrottlingProtocol as ThrottlingProtocol,
)
from selvage.protocols._timeouts import (
    TimeoutFactory as TimeoutFactory,
    TimeoutMixin as TimeoutMixin,
    TimeoutProtocol as TimeoutProtocol,
)
from selvage.protocols._wrapping import (
    ProtocolWrapper as ProtocolWrapper,
    WrappingFactory as WrappingFactory,
)

__all__ = [
    "AcceptRateExceeded",
    "LimitAcceptRateFactory",
    "LimitConnectionsByPeer",
    "LimitConnectionsPerAddressFactory",
    "LimitSlowReadersFactory",
    "LimitTotalConnectionsFactory",
    "OutputLimitExceeded",
    "OutputStalled",
    "ProtocolWrapper",
    "Refusals",
    "SpewingFactory",
    "SpewingProtocol",
    "ThrottlingFactory",
    "ThrottlingProtocol",
    "TimeoutFactory",
    "TimeoutMixin",
    "TimeoutProtocol",
    "TooManyConnections",
    "TrafficLoggingFactory",
    "TrafficLoggingProtocol",
    "WrappingFactory",
]

publish(globals())
