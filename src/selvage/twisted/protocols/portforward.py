"""`twisted.protocols.portforward`: forwarding a TCP port."""

from selvage.protocols.portforward import (
    Proxy as Proxy,
    ProxyClient as ProxyClient,
    ProxyClientFactory as ProxyClientFactory,
    ProxyFactory as ProxyFactory,
    ProxyServer as ProxyServer,
)
