"""Descriptions of places to listen: `tcp:8080:interface=127.0.0.1`.  Floor 3.

Each type is a function or a parser in the tables at the end; its parameters are the arguments that the type has.
Other types come from plugins (`_plugins.py`).  docs/reference/descriptions.md says what each means.
"""

from __future__ import annotations

import os
import socket
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
    unparseEndpoint,
)
from selvage.endpoints._haproxy import proxyEndpoint
from selvage.endpoints._plugins import ListedParser, find_plugin
from selvage.endpoints._process import StandardIOEndpoint
from selvage.endpoints._systemd import ListenFDs
from selvage.endpoints._tcp import (
    AdoptedStreamServerEndpoint,
    SSL4ServerEndpoint,
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    UNIXServerEndpoint,
)
from selvage.interfaces import IStreamServerEndpointStringParser, implementer
from selvage.transports.tcp import makeBinding

if TYPE_CHECKING:
    from selvage.interfaces import IStreamServerEndpoint

__all__ = ["HAProxyServerParser", "_parseServer", "serverFromString"]

_DOMAINS = ("INET", "INET6", "UNIX")


# --- Types that are one call of the reactor: functions that return kind, positional and named arguments --------------


def _port(port: str, interface: str, reusePort: Any) -> Any:
    """Return a port, or what says that it is shared."""
    number = port_number(port)
    return makeBinding(interface, number, reusePort=True) if integer("reusePort", reusePort) else number


def _parseTCP(factory: Any, port: str, interface: str = "", backlog: Any = 50, reusePort: Any = 0) -> Any:
    """tcp:PORT[:interface=ADDRESS][:backlog=NUMBER][:reusePort=1]"""
    return (
        "TCP",
        (_port(port, interface, reusePort), factory),
        {"interface": interface, "backlog": integer("backlog", backlog)},
    )


def _parseUNIX(factory: Any, address: str, mode: str = "666", backlog: Any = 50, lockfile: Any = True) -> Any:
    """unix:PATH[:mode=OCTAL][:backlog=NUMBER][:lockfile=0]"""
    if not address:
        raise WrongValueError("address", "is empty; it has to be the path of the socket")
    return (
        "UNIX",
        (address, factory),
        {
            "mode": integer("mode", mode, 8),
            "backlog": integer("backlog", backlog),
            "wantPID": bool(integer("lockfile", lockfile)),
        },
    )


def _parseSSL(
    factory: Any,
    port: str,
    privateKey: str = "server.pem",
    certKey: str | None = None,
    sslmethod: str | None = None,
    interface: str = "",
    backlog: Any = 50,
    extraCertChain: str | None = None,
    dhParameters: str | None = None,
) -> Any:
    """ssl:PORT[:privateKey=FILE][:certKey=FILE][...]"""
    number = port_number(port)
    options = _tls.server_options(privateKey, certKey or privateKey, sslmethod, extraCertChain, dhParameters)
    return (
        "SSL",
        (number, factory, options),
        {"interface": interface, "backlog": integer("backlog", backlog)},
    )


# --- Types that make their endpoint themselves -------------------------------------------------------------------


@implementer(IStreamServerEndpointStringParser)
class _TCP6ServerParser(ListedParser):
    """tcp6:PORT[:backlog=NUMBER][:interface=ADDRESS][:reusePort=1]"""

    prefix = "tcp6"

    def _parseServer(
        self, reactor: Any, port: str, backlog: Any = 50, interface: str = "::", reusePort: Any = 0
    ) -> TCP6ServerEndpoint:
        return TCP6ServerEndpoint(
            reactor, _port(port, interface, reusePort), integer("backlog", backlog), interface
        )

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> TCP6ServerEndpoint:
        """Make the endpoint."""
        return self._parseServer(reactor, *args, **kwargs)


@implementer(IStreamServerEndpointStringParser)
class _StandardIOParser(ListedParser):
    """stdio:"""

    prefix = "stdio"

    def _parseServer(self, reactor: Any, nothing: str = "") -> StandardIOEndpoint:
        return StandardIOEndpoint(reactor)

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> StandardIOEndpoint:
        """Make the endpoint."""
        return StandardIOEndpoint(reactor)


@implementer(IStreamServerEndpointStringParser)
class _SystemdParser(ListedParser):
    """systemd:domain=INET|INET6|UNIX:index=NUMBER|name=NAME"""

    prefix = "systemd"

    #: What systemd passed; read when first needed.
    _sddaemon: Any = None

    def _parseServer(
        self, reactor: Any, domain: str, index: Any = None, name: str | None = None
    ) -> AdoptedStreamServerEndpoint:
        family = getattr(socket, f"AF_{one_of('domain', domain, _DOMAINS)}")
        daemon = self._sddaemon
        if daemon is None:
            daemon = self._sddaemon = ListenFDs.fromEnvironment()
        if (index is None) == (name is None):
            raise ValueError("systemd takes either an index or a name of the socket")
        number = None if index is None else integer("index", index)
        try:
            if number is not None:
                fileno = daemon.inheritedDescriptors()[number]
            else:
                fileno = daemon.inheritedNamedDescriptors()[name]
        except LookupError:
            raise _no_such_socket(daemon, index, name) from None
        return AdoptedStreamServerEndpoint(reactor, fileno, family)

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> AdoptedStreamServerEndpoint:
        """Make the endpoint."""
        return self._parseServer(reactor, *args, **kwargs)


def _no_such_socket(daemon: Any, index: Any, name: str | None) -> LookupError:
    """Return the error for a socket that systemd did not pass: `IndexError` or `KeyError`, with what it did pass."""
    if index is not None:
        count = len(daemon.inheritedDescriptors())
        return IndexError(f"there is no socket number {index}: systemd passed {count} to this process")
    return KeyError(
        f"there is no socket {name!r}: systemd passed {sorted(daemon.inheritedNamedDescriptors())}"
    )


@implementer(IStreamServerEndpointStringParser)
class _DescriptorParser(ListedParser):
    """fd:NUMBER[:domain=INET|INET6|UNIX]"""

    prefix = "fd"

    def _parseServer(
        self, reactor: Any, fileno: str, domain: str | None = None
    ) -> AdoptedStreamServerEndpoint:
        number = integer("fileno", fileno)
        if domain is not None:
            family = getattr(socket, f"AF_{one_of('domain', domain, _DOMAINS)}")
            return AdoptedStreamServerEndpoint(reactor, number, family)
        try:
            with socket.socket(fileno=os.dup(number)) as listening:
                found = listening.family
        except (OSError, OverflowError) as error:
            raise WrongValueError(
                "fileno", f"has to be an open socket, and {number} is none: {error}"
            ) from None
        return AdoptedStreamServerEndpoint(reactor, number, found)

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> AdoptedStreamServerEndpoint:
        """Make the endpoint."""
        return self._parseServer(reactor, *args, **kwargs)


@implementer(IStreamServerEndpointStringParser)
class _TLSServerEndpointParser(ListedParser):
    """tls:DIRECTORY:PORT[:backlog=NUMBER][:interface=ADDRESS]"""

    prefix = "tls"

    def _parseServer(
        self, reactor: Any, path: str, port: str, backlog: Any = 50, interface: str = "::"
    ) -> Any:
        listening = TCP6ServerEndpoint(reactor, port_number(port), integer("backlog", backlog), interface)
        return _tls.server_endpoint(path, listening)

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """Make the endpoint."""
        return self._parseServer(reactor, *args, **kwargs)


@implementer(IStreamServerEndpointStringParser)
class HAProxyServerParser(ListedParser):
    """haproxy:DESCRIPTION[:trusted=NETWORK,NETWORK...]"""

    prefix = "haproxy"

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """Make the endpoint: what the rest describes, whose connections begin with a header of the PROXY protocol."""
        if args[:1] == (self.prefix,):
            raise ValueError("haproxy: within haproxy: a connection begins with one header")
        trusted = kwargs.pop("trusted", None)
        listening = serverFromString(reactor, unparseEndpoint(args, kwargs))
        try:
            return proxyEndpoint(listening, None if trusted is None else trusted.split(","))
        except ValueError as error:
            raise WrongValueError("trusted", f"has to be networks, separated by commas: {error}") from error


# --- The types ---------------------------------------------------------------------------------------------------

_serverParsers: dict[str, Callable[..., Any]] = {"tcp": _parseTCP, "unix": _parseUNIX, "ssl": _parseSSL}
_endpointServerFactories: dict[str, Callable[..., Any]] = {
    "TCP": TCP4ServerEndpoint,
    "SSL": SSL4ServerEndpoint,
    "UNIX": UNIXServerEndpoint,
}
_serverPlugins: dict[str, Any] = {
    parser.prefix: parser
    for parser in (
        _TCP6ServerParser(),
        _SystemdParser(),
        _DescriptorParser(),
        _StandardIOParser(),
        _TLSServerEndpointParser(),
        HAProxyServerParser(),
    )
}


def _parseServer(description: str, factory: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return what to call of the reactor for a description of one of the types in `_serverParsers`."""
    cut = Description(description)
    parser = _serverParsers.get(cut.kind)
    if parser is None:
        raise unknown_type(cut, list(_serverParsers))
    result: tuple[str, tuple[Any, ...], dict[str, Any]] = cut.call(parser, factory)
    return result


def serverFromString(reactor: Any, description: str) -> IStreamServerEndpoint:
    r"""Make the endpoint that a description stands for, to listen.

    Args:
        reactor: what the endpoint is to use.
        description: as in `tcp:8080`, `tcp:8080:interface=127.0.0.1:backlog=100`, `tcp6:8080`, `unix:/run/x.sock:mode=660`,
            `ssl:8443:privateKey=key.pem:certKey=cert.pem`, `tls:/etc/certificates:8443`, `systemd:domain=INET:index=0`,
            `fd:3`, `haproxy:tcp:8080`, `stdio:`.  A colon or backslash in a value gets a backslash:
            `quoteStringArgument`.  docs/reference/descriptions.md has them all.

    Raises:
        ValueError: the type is unknown, or its arguments are wrong; the message says where.

    Twisted: `twisted.internet.endpoints.serverFromString`.
    """
    cut = Description(description)
    if cut.kind in _serverParsers:
        name, (where, _factory, *more), options = cut.call(_serverParsers[cut.kind], None)
        made: IStreamServerEndpoint = _endpointServerFactories[name](reactor, where, *more, **options)
        return made
    own = _serverPlugins.get(cut.kind)
    parser = find_plugin(IStreamServerEndpointStringParser, cut.kind) if own is None else own
    if parser is None:
        raise unknown_type(cut, [*_serverParsers, *_serverPlugins])
    parse = parser.parseStreamServer if own is None else getattr(own, "_parseServer", own.parseStreamServer)
    return cut.call(parse, reactor)  # type: ignore[no-any-return]
