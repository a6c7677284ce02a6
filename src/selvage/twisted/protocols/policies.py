"""`twisted.protocols.policies`: limits, time-outs, throttling and records for other factories' connections."""

from selvage.protocols._wrapping import WP as WP
from selvage.protocols.policies import (
    LimitConnectionsByPeer as LimitConnectionsByPeer,
    LimitTotalConnectionsFactory as LimitTotalConnectionsFactory,
    ProtocolWrapper as ProtocolWrapper,
    SpewingFactory as SpewingFactory,
    SpewingProtocol as SpewingProtocol,
    ThrottlingFactory as ThrottlingFactory,
    ThrottlingProtocol as ThrottlingProtocol,
    TimeoutFactory as TimeoutFactory,
    TimeoutMixin as TimeoutMixin,
    TimeoutProtocol as TimeoutProtocol,
    TrafficLoggingFactory as TrafficLoggingFactory,
    TrafficLoggingProtocol as TrafficLoggingProtocol,
    WrappingFactory as WrappingFactory,
)
