"""`twisted.internet.base`: what reactors, ports and connectors have in common."""

from selvage.reactor import (
    BlockingResolver as BlockingResolver,
    DelayedCall as DelayedCall,
    PluggableResolverMixin as PluggableResolverMixin,
    ReactorBase as ReactorBase,
    ThreadedResolver as ThreadedResolver,
)
from selvage.reactor._base import SystemEventID as _SystemEventID  # noqa: F401
from selvage.reactor._triggers import ThreePhaseEvent as _ThreePhaseEvent  # noqa: F401
from selvage.transports import BaseConnector as BaseConnector, BasePort as BasePort
