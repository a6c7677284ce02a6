"""`twisted.internet.base`: what reactors, ports and connectors have in common."""

from selvage.reactor import (
    BlockingResolver as BlockingResolver,
    DelayedCall as DelayedCall,
    PluggableResolverMixin as PluggableResolverMixin,
    ReactorBase as ReactorBase,
    ThreadedResolver as ThreadedResolver,
)
from selvage.transports import BaseConnector as BaseConnector, BasePort as BasePort
