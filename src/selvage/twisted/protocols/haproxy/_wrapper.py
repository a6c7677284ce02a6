"""`twisted.protocols.haproxy._wrapper`: the protocol that reads the header, and its factory."""

from selvage.endpoints._haproxy import proxyEndpoint as proxyEndpoint
from selvage.protocols.haproxy import (
    HAProxyProtocolWrapper as HAProxyProtocolWrapper,
    HAProxyWrappingFactory as HAProxyWrappingFactory,
)
