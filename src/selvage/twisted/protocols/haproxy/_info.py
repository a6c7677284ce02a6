"""`twisted.protocols.haproxy._info`: what a header says."""

from selvage.protocols.haproxy import ProxyInfo as ProxyInfo
