"""The PROXY protocol: who stands behind the load balancer that connected.  Floor 3.

    factory = HAProxyWrappingFactory(site, trusted=["10.0.0.0/8"])
    reactor.listenTCP(8080, factory)

Each connection begins with a header, version 1 or 2.  From then on `transport.getPeer()` is the client, and
`transport.proxy_info` all that the header says: `transport.proxy_info.tlvs.tls.common_name`, for example.

The parsers are our own: of the field's libraries the one on PyPI raises whatever `struct` and `int` raise for a broken
header, has no limit on its length, and takes `+80` for a port.

Source: the HAProxy project, "The PROXY protocol, versions 1 & 2".  Twisted: `twisted.protocols.haproxy`.
"""

from selvage._publish import publish
from selvage.protocols.haproxy._errors import (
    InvalidNetworkProtocol as InvalidNetworkProtocol,
    InvalidProxyHeader as InvalidProxyHeader,
    InvalidTLV as InvalidTLV,
    MissingAddressData as MissingAddressData,
    ProxyHeaderTimeout as ProxyHeaderTimeout,
    ProxyHeaderTooLong as ProxyHeaderTooLong,
    UntrustedProxy as UntrustedProxy,
)
from selvage.protocols.haproxy._info import (
    IProxyInfo as IProxyInfo,
    IProxyParser as IProxyParser,
    ProxyInfo as ProxyInfo,
    ProxyTLS as ProxyTLS,
    ProxyTLVs as ProxyTLVs,
)
from selvage.protocols.haproxy._v1 import V1Parser as V1Parser
from selvage.protocols.haproxy._v2 import V2Parser as V2Parser
from selvage.protocols.haproxy._wrapper import (
    HAProxyProtocolWrapper as HAProxyProtocolWrapper,
    HAProxyWrappingFactory as HAProxyWrappingFactory,
)

__all__ = [
    "HAProxyProtocolWrapper",
    "HAProxyWrappingFactory",
    "IProxyInfo",
    "IProxyParser",
    "InvalidNetworkProtocol",
    "InvalidProxyHeader",
    "InvalidTLV",
    "MissingAddressData",
    "ProxyHeaderTimeout",
    "ProxyHeaderTooLong",
    "ProxyInfo",
    "ProxyTLS",
    "ProxyTLVs",
    "UntrustedProxy",
    "V1Parser",
    "V2Parser",
]

publish(globals())
