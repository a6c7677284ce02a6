"""Descriptions of places to connect to: `tcp:example.com:80`.  Floor 3.

Each type is a function or a parser in the tables at the end; its parameters are the arguments that the type has.
Other types come from plugins (`_plugins.py`).  docs/reference/descriptions.md says what each means.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from selvage.endpoints import _tls
from selvage.endpoints._grammar import (
    Description,
    WrongValueError,
    integer,
    one_of,
    port_number,
    unknown_type,
)
from selvage.endpoints._hostname import HostnameEndpoint
from selvage.endpoints._plugins import ListedParser, find_plugin
from selvage.endpoints._tcp import SSL4ClientEndpoint, TCP4ClientEndpoint, UNIXClientEndpoint
from selvage.interfaces import IStreamClientEndpointStringParserWithReactor, implementer

if TYPE_CHECKING:
    from selvage.interfaces import IStreamClientEndpoint

__all__ = ["clientFromString"]


# --- Types that are one call of the reactor: functions that return the named arguments of the endpoint ---------------


def _parseClientTCP(host: str, port: str, timeout: Any = None, bindAddress: str | None = None) -> Any:
    """tcp:HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS]"""
    given: dict[str, Any] = {"host": host, "port": port_number(port, lowest=1)}
    if timeout is not None:
        given["timeout"] = integer("timeout", timeout)
    if bindAddress is not None:
        given["bindAddress"] = (bindAddress, 0)
    return given


def _parseClientSSL(
    host: str,
    port: str,
    timeout: Any = None,
    bindAddress: str | None = None,
    hostname: str | None = None,
    certKey: str | None = None,
    privateKey: str | None = None,
    caCertsDir: str | None = None,
) -> Any:
    """ssl:HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS][:privateKey=FILE][:certKey=FILE][:caCertsDir=DIRECTORY]"""
    given = _parseClientTCP(host, port, timeout, bindAddress)
    given["sslContextFactory"] = _tls.client_options(hostname, certKey, privateKey, caCertsDir)
    return given


def _parseClientUNIX(path: str, timeout: Any = None, lockfile: Any = None) -> Any:
    """unix:PATH[:timeout=SECONDS][:lockfile=1]"""
    if not path:
        raise WrongValueError("path", "is empty; it has to be the path of the socket")
    given: dict[str, Any] = {"path": path}
    if lockfile is not None:
        given["checkPID"] = bool(integer("lockfile", lockfile))
    if timeout is not None:
        given["timeout"] = integer("timeout", timeout)
    return given


# --- Types that make their endpoint themselves -------------------------------------------------------------------


@implementer(IStreamClientEndpointStringParserWithReactor)
class _TLSClientEndpointParser(ListedParser):
    """tls:HOST:PORT[:timeout=...][:bindAddress=...][:certificate=...][:privateKey=...][:trustRoots=...][:endpoint=...]"""

    prefix = "tls"

    @staticmethod
    def _parseClient(
        reactor: Any,
        host: str,
        port: str,
        timeout: Any = 30,
        bindAddress: str | None = None,
        certificate: str | None = None,
        privateKey: str | None = None,
        trustRoots: str | None = None,
        endpoint: str | None = None,
    ) -> Any:
        return _tls.client_endpoint(
            reactor,
            host,
            port_number(port, lowest=1),
            integer("timeout", timeout),
            bindAddress,
            _tls.private_certificate(certificate, privateKey),
            _tls.trust_roots(trustRoots),
            None if endpoint is None else clientFromString(reactor, endpoint),
        )

    def parseStreamClient(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """Make the endpoint."""
        return self._parseClient(reactor, *args, **kwargs)


def _proxied(
    kind: str,
    reactor: Any,
    proxy: str | None,
    proxyPort: Any,
    endpoint: str | None,
    timeout: Any,
    **more: Any,
) -> Any:
    """Make an endpoint that goes through a proxy."""
    # Imported when it is used: few programs have a proxy.
    from selvage.endpoints import _tunnel

    if (proxy is None) == (endpoint is None):
        raise WrongValueError(
            "proxy", "is the proxy's host, unless 'endpoint' says how to reach it; give one of them"
        )
    if proxy is not None:
        through: Any = HostnameEndpoint(reactor, proxy, port_number(proxyPort, 1, "proxyPort"))
    else:
        through = clientFromString(reactor, endpoint or "")
    more["port"] = port_number(more["port"], lowest=1)
    return getattr(_tunnel, kind)(reactor, through, timeout_s=integer("timeout", timeout) or None, **more)


@implementer(IStreamClientEndpointStringParserWithReactor)
class _SOCKS5Parser(ListedParser):
    """socks5:HOST:PORT:PROXY[:PROXYPORT][:username=...:password=...][:resolve=local][:timeout=...] or [:endpoint=...]"""

    prefix = "socks5"

    @staticmethod
    def _parseClient(
        reactor: Any,
        host: str,
        port: str,
        proxy: str | None = None,
        proxyPort: Any = 1080,
        username: str | None = None,
        password: str | None = None,
        resolve: str = "remote",
        timeout: Any = 30,
        endpoint: str | None = None,
    ) -> Any:
        return _proxied(
            "SOCKS5ClientEndpoint",
            reactor,
            proxy,
            proxyPort,
            endpoint,
            timeout,
            host=host,
            port=port,
            username=username,
            password=password,
            resolve=one_of("resolve", resolve, ("remote", "local")),
        )

    def parseStreamClient(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """Make the endpoint."""
        return self._parseClient(reactor, *args, **kwargs)


@implementer(IStreamClientEndpointStringParserWithReactor)
class _HTTPConnectParser(ListedParser):
    """connect:HOST:PORT:PROXY[:PROXYPORT][:username=...:password=...][:timeout=...] or [:endpoint=...]"""

    prefix = "connect"

    @staticmethod
    def _parseClient(
        reactor: Any,
        host: str,
        port: str,
        proxy: str | None = None,
        proxyPort: Any = 8080,
        username: str | None = None,
        password: str | None = None,
        timeout: Any = 30,
        endpoint: str | None = None,
    ) -> Any:
        return _proxied(
            "HTTPConnectClientEndpoint",
            reactor,
            proxy,
            proxyPort,
            endpoint,
            timeout,
            host=host,
            port=port,
            username=username,
            password=password,
        )

    def parseStreamClient(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """Make the endpoint."""
        return self._parseClient(reactor, *args, **kwargs)


# --- The types ---------------------------------------------------------------------------------------------------

_clientParsers: dict[str, Callable[..., Any]] = {
    "TCP": _parseClientTCP,
    "SSL": _parseClientSSL,
    "UNIX": _parseClientUNIX,
}
_endpointClientFactories: dict[str, Callable[..., Any]] = {
    "TCP": TCP4ClientEndpoint,
    "SSL": SSL4ClientEndpoint,
    "UNIX": UNIXClientEndpoint,
}
_clientPlugins: dict[str, Any] = {
    parser.prefix: parser for parser in (_TLSClientEndpointParser(), _SOCKS5Parser(), _HTTPConnectParser())
}


def _places(cut: Description) -> list[str]:
    """Name the values that have none: two are host and port, a single one is whichever is missing."""
    if cut.kind.upper() == "UNIX":
        return ["path"]
    return [name for name in ("host", "port") if len(cut.args) == 2 or name not in cut.kwargs]


def clientFromString(reactor: Any, description: str | bytes) -> IStreamClientEndpoint:
    r"""Make the endpoint that a description stands for, to connect.

    Args:
        reactor: what the endpoint is to use.
        description: as in `tcp:example.com:80`, `tcp:host=example.com:port=80:timeout=5:bindAddress=192.0.2.1`,
            `tls:example.com:443`, `ssl:example.com:443`, `unix:/run/x.sock`, `socks5:example.com:80:127.0.0.1:1080`,
            `connect:example.com:443:proxy.example:3128`.  Bytes are UTF-8.  docs/reference/descriptions.md has them all.

    Raises:
        ValueError: the type is unknown, or its arguments are wrong; the message says where.

    Twisted: `twisted.internet.endpoints.clientFromString`.
    """
    cut = Description(description.decode("utf-8") if isinstance(description, bytes) else description)
    name = cut.kind.upper()
    if name in _clientParsers:
        options = cut.call(_clientParsers[name], places=_places(cut))
        made: IStreamClientEndpoint = _endpointClientFactories[name](reactor, **options)
        return made
    own = _clientPlugins.get(cut.kind)
    parser = find_plugin(IStreamClientEndpointStringParserWithReactor, cut.kind) if own is None else own
    if parser is None:
        raise unknown_type(cut, [*(name.lower() for name in _clientParsers), *_clientPlugins])
    return cut.call(parser.parseStreamClient if own is None else own._parseClient, reactor)  # type: ignore[no-any-return]
