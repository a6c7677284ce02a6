"""`twisted.protocols.haproxy`: the PROXY protocol."""

from selvage.endpoints._haproxy import proxyEndpoint as proxyEndpoint

__all__ = ["proxyEndpoint"]
