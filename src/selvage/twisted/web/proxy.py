"""`twisted.web.proxy`: pass requests on to another server."""

from selvage.web._sentinels import NOT_DONE_YET as NOT_DONE_YET
from selvage.web.proxy import (
    Proxy as Proxy,
    ProxyClient as ProxyClient,
    ProxyClientFactory as ProxyClientFactory,
    ProxyRequest as ProxyRequest,
    ReverseProxy as ReverseProxy,
    ReverseProxyRequest as ReverseProxyRequest,
    ReverseProxyResource as ReverseProxyResource,
)
