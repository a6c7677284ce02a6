"""Places to listen and to connect, as objects and as lines of text.  Floor 3.

    endpoint = serverFromString(reactor, "tcp:8000:interface=127.0.0.1")
    port = await endpoint.listen(Factory.forProtocol(Echo))
    echo = await connectProtocol(HostnameEndpoint(reactor, "localhost", 8000), Echo())

Twisted: all of `twisted.internet.endpoints`.
"""

from typing import Any

from selvage._publish import load_late, publish
from selvage.endpoints._client_strings import (
    _TLSClientEndpointParser as _TLSClientEndpointParser,
    clientFromString as clientFromString,
)
from selvage.endpoints._errors import (
    AddressForbiddenError as AddressForbiddenError,
    ProxyAuthenticationError as ProxyAuthenticationError,
    ProxyConnectionError as ProxyConnectionError,
    ProxyError as ProxyError,
    ProxyProtocolError as ProxyProtocolError,
    ProxyRefusedError as ProxyRefusedError,
    ProxyTimeoutError as ProxyTimeoutError,
)
from selvage.endpoints._grammar import (
    _parse as _parse,
    quoteStringArgument as quoteStringArgument,
    unparseEndpoint as unparseEndpoint,
)
from selvage.endpoints._haproxy import proxyEndpoint as proxyEndpoint
from selvage.endpoints._hostname import (
    HostnameEndpoint as HostnameEndpoint,
    _SimpleHostnameResolver as _SimpleHostnameResolver,
)
from selvage.endpoints._process import (
    ProcessEndpoint as ProcessEndpoint,
    StandardErrorBehavior as StandardErrorBehavior,
    StandardIOEndpoint as StandardIOEndpoint,
    _ProcessEndpointTransport as _ProcessEndpointTransport,
    _WrapIProtocol as _WrapIProtocol,
)
from selvage.endpoints._public_addresses import is_public_address as is_public_address
from selvage.endpoints._server_strings import (
    HAProxyServerParser as HAProxyServerParser,
    _parseServer as _parseServer,
    _StandardIOParser as _StandardIOParser,
    _SystemdParser as _SystemdParser,
    _TCP6ServerParser as _TCP6ServerParser,
    _TLSServerEndpointParser as _TLSServerEndpointParser,
    serverFromString as serverFromString,
)
from selvage.endpoints._tcp import (
    AdoptedStreamServerEndpoint as AdoptedStreamServerEndpoint,
    SSL4ClientEndpoint as SSL4ClientEndpoint,
    SSL4ServerEndpoint as SSL4ServerEndpoint,
    TCP4ClientEndpoint as TCP4ClientEndpoint,
    TCP4ServerEndpoint as TCP4ServerEndpoint,
    TCP6ClientEndpoint as TCP6ClientEndpoint,
    TCP6ServerEndpoint as TCP6ServerEndpoint,
    UNIXClientEndpoint as UNIXClientEndpoint,
    UNIXServerEndpoint as UNIXServerEndpoint,
)
from selvage.endpoints._tls import (
    TLSServerEndpoint as _TLSServerEndpoint,  # noqa: F401
    _loadCAsFromDir as _loadCAsFromDir,
    wrapClientTLS as wrapClientTLS,
    wrapServerTLS as wrapServerTLS,
)
from selvage.endpoints._tunnel import (
    HTTPConnectClientEndpoint as HTTPConnectClientEndpoint,
    SOCKS5ClientEndpoint as SOCKS5ClientEndpoint,
)
from selvage.endpoints._wrapping import (
    _WrapperEndpoint as _WrapperEndpoint,
    _WrapperServerEndpoint as _WrapperServerEndpoint,
    _WrappingFactory as _WrappingFactory,
    _WrappingProtocol as _WrappingProtocol,
    connectProtocol as connectProtocol,
)
from selvage.transports.stdio import PipeAddress as PipeAddress, StandardIO as StandardIO

__all__ = [
    "AddressForbiddenError",
    "AdoptedStreamServerEndpoint",
    "HAProxyServerParser",
    "HTTPConnectClientEndpoint",
    "HostnameEndpoint",
    "ProcessEndpoint",
    "ProxyAuthenticationError",
    "ProxyConnectionError",
    "ProxyError",
    "ProxyProtocolError",
    "ProxyRefusedError",
    "ProxyTimeoutError",
    "SOCKS5ClientEndpoint",
    "SSL4ClientEndpoint",
    "SSL4ServerEndpoint",
    "StandardErrorBehavior",
    "StandardIOEndpoint",
    "TCP4ClientEndpoint",
    "TCP4ServerEndpoint",
    "TCP6ClientEndpoint",
    "TCP6ServerEndpoint",
    "UNIXClientEndpoint",
    "UNIXServerEndpoint",
    "clientFromString",
    "connectProtocol",
    "is_public_address",
    "proxyEndpoint",
    "quoteStringArgument",
    "serverFromString",
    "unparseEndpoint",
    "wrapClientTLS",
    "wrapServerTLS",
]

# Names that programs import from Twisted's module of endpoints though they are at home elsewhere, by that home.
_load = load_late(
    globals(),
    {
        "Certificate": "selvage.tls",
        "CertificateOptions": "selvage.tls",
        "KeyPair": "selvage.tls",
        "PrivateCertificate": "selvage.tls",
        "SNIConnectionCreator": "selvage.tls",
        "TLSMemoryBIOFactory": "selvage.protocols.tls",
        "autoReloadingDirectoryOfPEMs": "selvage.tls",
        "optionsForClientTLS": "selvage.tls",
        "trustRootFromCertificates": "selvage.tls",
    },
)


def __getattr__(name: str) -> Any:
    return _load(name)


publish(globals())
