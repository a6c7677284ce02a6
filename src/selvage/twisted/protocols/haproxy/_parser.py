"""`twisted.protocols.haproxy._parser`: descriptions of endpoints behind a proxy."""

from selvage.endpoints import HAProxyServerParser as HAProxyServerParser, unparseEndpoint as unparseEndpoint
