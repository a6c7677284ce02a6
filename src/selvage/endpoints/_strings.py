r"""Endpoints described by a line of text: `tcp:8080:interface=127.0.0.1`.  Floor 3.

The grammar: parts separated by colons; a part with an equals sign names its value, any other has its meaning by its
place; a backslash takes the next character literally.  The first part is the type.

    description = type *( ":" part )
    part        = [ name "=" ] value
    value       = *( any but ":" and "\" / "\" any )

What is wrong with a description is said with its place in it and the nearest word that would be right.

The types are in the tables at the end of this module.  Others come from plugins of an installed Twisted
(`IStreamServerEndpointStringParser`, `IStreamClientEndpointStringParserWithReactor`).

Source: Twisted's "Getting connected with endpoints" (docs).
"""

from __future__ import annotations

import inspect
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from selvage.endpoints import _tls
from selvage.endpoints._borrowed import borrow_or_none
from selvage.endpoints._process import StandardIOEndpoint
from selvage.endpoints._systemd import ListenFDs
from selvage.endpoints._tcp import (
    AdoptedStreamServerEndpoint,
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
)
from selvage.interfaces import (
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpointStringParser,
    implementer,
)

if TYPE_CHECKING:
    from selvage.interfaces import IStreamClientEndpoint, IStreamServerEndpoint

__all__ = ["clientFromString", "quoteStringArgument", "serverFromString"]


def quoteStringArgument(argument: str) -> str:
    r"""Return `argument` so that it can stand in a description as one value: `:` and `\` get a backslash.

    Twisted: `twisted.internet.endpoints.quoteStringArgument`.
    """
    return argument.replace("\\", "\\\\").replace(":", "\\:")


# --- The grammar -------------------------------------------------------------------------------------------------


class _Part:
    """One part of a description: its name or None, its value, and where it begins."""

    __slots__ = ("at", "name", "value")

    def __init__(self, at: int) -> None:
        self.at = at
        self.name: str | None = None
        self.value = ""


def _tokenize(description: str) -> list[_Part]:
    """Cut a description into its parts.

    Raises:
        ValueError: it ends in the middle of an escape.
    """
    parts = [_Part(0)]
    characters = iter(enumerate(description))
    for at, character in characters:
        part = parts[-1]
        if character == ":":
            parts.append(_Part(at + 1))
        elif character == "=" and part.name is None:
            part.name, part.value = part.value, ""
        elif character == "\\":
            following = next(characters, None)
            if following is None:
                raise ValueError(f"{description!r} ends in a backslash; a backslash itself is written '\\\\'")
            part.value += following[1]
        else:
            part.value += character
    return parts


def _parse(description: str) -> tuple[list[str], dict[str, str]]:
    """Return the values without name, in order, and those with."""
    parts = _tokenize(description)
    args = [part.value for part in parts if part.name is None]
    return args, {part.name: part.value for part in parts if part.name is not None}


def _is_near(word: str, other: str) -> bool:
    """Whether one slip of the finger, or two in a long word, makes `other` of `word`."""
    if abs(len(word) - len(other)) > 2:
        return False
    previous: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(word, 1):
        before, previous, row = previous, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and word[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)  # two letters swapped
            row.append(cost)
    return row[-1] <= (1 if len(other) < 6 else 2)


def _nearest(word: str, known: Iterable[str]) -> str:
    """Return the end of a message: the known word that was probably meant, or nothing."""
    near = [other for other in known if _is_near(word.lower(), other.lower())]
    return f"; did you mean {near[0]!r}?" if near else ""


def _unknown(kind: str, description: str, known: Sequence[str]) -> ValueError:
    """Return what to raise when there is no type `kind`; what looks like a port or an address gets the type it lacks."""
    error = ValueError(f"Unknown endpoint type: {kind!r}{_nearest(kind, known)}")
    if description.rpartition(":")[2].isdecimal():
        error.add_note(f"A description begins with its type, as in 'tcp:{description}'")
    error.add_note(f"The types are {', '.join(known)}")
    return error


def _check_description(description: object) -> None:
    if not isinstance(description, str):
        raise TypeError(
            f"an endpoint is made of the reactor and a description, as in 'tcp:8080'; {description!r} is no description"
        )


class _WrongValueError(ValueError):
    """A value that does not fit; whoever knows the description says where it stands."""


def _integer(name: str, value: object, base: int = 10) -> int:
    """Return `value` as a number.

    Raises:
        ValueError: it is none; the message names it.
    """
    try:
        return int(value, base) if isinstance(value, str) else int(value)  # type: ignore[call-overload]
    except ValueError:
        kind = "an octal number" if base == 8 else "a number"
        raise _WrongValueError(f"{name!r} has to be {kind}, not {value!r}") from None


def _names(
    parts: list[_Part], known: Sequence[str], description: str, before: Iterable[str] = ()
) -> set[str]:
    """Return the names in `parts`.

    Raises:
        ValueError: one of them is not in `known`, or is there twice, or was given `before`.
    """
    names = set(before)
    for part in parts:
        if part.name is None:
            continue
        if part.name not in known:
            raise ValueError(
                f"Unknown argument {part.name!r} at position {part.at} of {description!r}"
                f"{_nearest(part.name, known)} (there are {', '.join(known)})"
            )
        if part.name in names:
            raise ValueError(f"{part.name!r} at position {part.at} of {description!r} is there twice")
        names.add(part.name)
    return names


def _call(parser: Callable[..., Any], description: str, *before: Any) -> Any:
    """Call the parser of a type with the parts after the type, and say of any that does not fit where it stands."""
    kind, *parts = _tokenize(description)
    parameters = inspect.signature(parser).parameters
    known = list(parameters)[len(before) :]
    positional = [part for part in parts if part.name is None]
    for extra in positional[len(known) :]:
        raise ValueError(f"{extra.value!r} at position {extra.at} of {description!r} is one part too many")
    given = _names(parts, known, description, known[: len(positional)])
    for name in known:
        if name not in given and parameters[name].default is inspect.Parameter.empty:
            raise ValueError(f"{description!r} lacks {name!r}, as in '{kind.value}:{name}=...'")
    try:
        return parser(
            *before,
            *(part.value for part in positional),
            **{part.name: part.value for part in parts if part.name is not None},
        )
    except _WrongValueError as error:
        raise ValueError(f"{error} (in {description!r})") from None


# --- Servers: functions that return (kind, positional, named arguments of the reactor's method) ------------------


def _parseTCP(factory: Any, port: str, interface: str = "", backlog: Any = 50) -> Any:
    """tcp:PORT[:interface=ADDRESS][:backlog=NUMBER]"""
    return (
        "TCP",
        (_integer("port", port), factory),
        {"interface": interface, "backlog": _integer("backlog", backlog)},
    )


def _parseUNIX(factory: Any, address: str, mode: str = "666", backlog: Any = 50, lockfile: Any = True) -> Any:
    """unix:PATH[:mode=OCTAL][:backlog=NUMBER][:lockfile=0]"""
    return (
        "UNIX",
        (address, factory),
        {
            "mode": _integer("mode", mode, 8),
            "backlog": _integer("backlog", backlog),
            "wantPID": bool(_integer("lockfile", lockfile)),
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
    options = _tls.server_options(privateKey, certKey or privateKey, sslmethod, extraCertChain, dhParameters)
    return (
        "SSL",
        (_integer("port", port), factory, options),
        {"interface": interface, "backlog": _integer("backlog", backlog)},
    )


@implementer(IStreamServerEndpointStringParser)
class _TCP6ServerParser:
    """tcp6:PORT[:backlog=NUMBER][:interface=ADDRESS]"""

    prefix = "tcp6"

    def _parseServer(
        self, reactor: Any, port: str, backlog: Any = 50, interface: str = "::"
    ) -> TCP6ServerEndpoint:
        return TCP6ServerEndpoint(reactor, _integer("port", port), _integer("backlog", backlog), interface)

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> TCP6ServerEndpoint:
        """Make the endpoint."""
        return self._parseServer(reactor, *args, **kwargs)


@implementer(IStreamServerEndpointStringParser)
class _StandardIOParser:
    """stdio:"""

    prefix = "stdio"

    def _parseServer(self, reactor: Any, nothing: str = "") -> StandardIOEndpoint:
        return StandardIOEndpoint(reactor)

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> StandardIOEndpoint:
        """Make the endpoint."""
        return StandardIOEndpoint(reactor)


@implementer(IStreamServerEndpointStringParser)
class _SystemdParser:
    """systemd:domain=INET|INET6|UNIX:index=NUMBER|name=NAME"""

    prefix = "systemd"

    #: What systemd passed; read when first needed.
    _sddaemon: Any = None

    def _parseServer(
        self, reactor: Any, domain: str, index: Any = None, name: str | None = None
    ) -> AdoptedStreamServerEndpoint:
        daemon = self._sddaemon
        if daemon is None:
            daemon = self._sddaemon = ListenFDs.fromEnvironment()
        if (index is None) == (name is None):
            raise ValueError("systemd takes either an index or a name of the socket")
        try:
            if index is not None:
                fileno = daemon.inheritedDescriptors()[_integer("index", index)]
            else:
                fileno = daemon.inheritedNamedDescriptors()[name]
        except LookupError:
            raise _no_such_socket(daemon, index, name) from None
        family = getattr(socket, f"AF_{domain}", None)
        if family is None:
            raise ValueError(
                f"Unknown domain {domain!r}{_nearest(domain, _DOMAINS)} (there are {', '.join(_DOMAINS)})"
            )
        return AdoptedStreamServerEndpoint(reactor, fileno, family)

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> AdoptedStreamServerEndpoint:
        """Make the endpoint."""
        return self._parseServer(reactor, *args, **kwargs)


_DOMAINS = ("INET", "INET6", "UNIX")


def _no_such_socket(daemon: Any, index: Any, name: str | None) -> LookupError:
    """Return the error for a socket that systemd did not pass: `IndexError` or `KeyError`, with what it did pass."""
    if index is not None:
        count = len(daemon.inheritedDescriptors())
        return IndexError(f"there is no socket number {index}: systemd passed {count} to this process")
    return KeyError(
        f"there is no socket {name!r}: systemd passed {sorted(daemon.inheritedNamedDescriptors())}"
    )


def _parseServer(description: str, factory: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Return what to call of the reactor for a description of one of the types in `_serverParsers`."""
    kind = _tokenize(description)[0].value
    parser = _serverParsers.get(kind)
    if parser is None:
        raise _unknown(kind, description, list(_serverParsers))
    result: tuple[str, tuple[Any, ...], dict[str, Any]] = _call(parser, description, factory)
    return result


def serverFromString(reactor: Any, description: str) -> IStreamServerEndpoint:
    r"""Make the endpoint that a description stands for, to listen.

    Args:
        reactor: what the endpoint is to use.
        description: as in `tcp:8080`, `tcp:8080:interface=127.0.0.1:backlog=100`, `tcp6:8080`, `unix:/run/x.sock:mode=660`,
            `ssl:8443:privateKey=key.pem:certKey=cert.pem`, `tls:/etc/certificates:8443`, `systemd:domain=INET:index=0`,
            `stdio:`.  A colon or backslash in a value gets a backslash: `quoteStringArgument`.

    Raises:
        ValueError: the type is unknown, or its arguments are wrong; the message says where.

    Twisted: `twisted.internet.endpoints.serverFromString`.
    """
    _check_description(description)
    kind = _tokenize(description)[0].value
    if kind in _serverParsers:
        name, (where, _factory, *more), options = _parseServer(description, None)
        made: IStreamServerEndpoint = _endpointServerFactories[name](reactor, where, *more, **options)
        return made
    own = _serverPlugins.get(kind)
    if own is not None:
        parse = getattr(own, "_parseServer", own.parseStreamServer)
        return _call(parse, description, reactor)  # type: ignore[no-any-return]
    plugin = _plugin(IStreamServerEndpointStringParser, kind)
    if plugin is None:
        raise _unknown(kind, description, [*_serverParsers, *_serverPlugins])
    args, kwargs = _parse(description)
    return plugin.parseStreamServer(reactor, *args[1:], **kwargs)  # type: ignore[no-any-return]


# --- Clients: functions that return the named arguments of the endpoint ------------------------------------------


def _by_place(first: str, second: str, args: tuple[str, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Name the values that have none: two are `first` and `second`, a single one is whichever is missing."""
    names = [name for name in (first, second) if len(args) == 2 or name not in kwargs]
    if len(args) > len(names):
        raise _WrongValueError(f"{args[len(names)]!r} is one part too many after {first} and {second}")
    return {**kwargs, **dict(zip(names, args, strict=False))}


def _tcp_client_options(given: dict[str, Any]) -> dict[str, Any]:
    """Convert what all clients over TCP share."""
    for name in ("host", "port"):
        if name not in given:
            raise _WrongValueError(f"the description lacks {name!r}")
    given["port"] = _integer("port", given["port"])
    if "timeout" in given:
        given["timeout"] = _integer("timeout", given["timeout"])
    if "bindAddress" in given:
        given["bindAddress"] = (given["bindAddress"], 0)
    return given


def _parseClientTCP(*args: str, **kwargs: str) -> dict[str, Any]:
    """tcp:HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS]"""
    given = _by_place("host", "port", args, kwargs)
    return _tcp_client_options(given)


def _parseClientSSL(*args: str, **kwargs: str) -> dict[str, Any]:
    """ssl:HOST:PORT[:timeout=SECONDS][:bindAddress=ADDRESS][:privateKey=FILE][:certKey=FILE][:caCertsDir=DIRECTORY]"""
    given = _by_place("host", "port", args, kwargs)
    options = {name: given.pop(name) for name in _TLS_ARGUMENTS if name in given}
    given = _tcp_client_options(given)
    given["sslContextFactory"] = _tls.client_options(**options)
    return given


def _parseClientUNIX(*args: str, **kwargs: str) -> dict[str, Any]:
    """unix:PATH[:timeout=SECONDS][:lockfile=1]"""
    given: dict[str, Any] = dict(kwargs)
    if args:
        given["path"] = args[0]
    if not given.get("path"):
        raise _WrongValueError("the description lacks 'path'")
    if "lockfile" in given:
        given["checkPID"] = bool(_integer("lockfile", given.pop("lockfile")))
    if "timeout" in given:
        given["timeout"] = _integer("timeout", given["timeout"])
    return given


def clientFromString(reactor: Any, description: str | bytes) -> IStreamClientEndpoint:
    r"""Make the endpoint that a description stands for, to connect.

    Args:
        reactor: what the endpoint is to use.
        description: as in `tcp:example.com:80`, `tcp:host=example.com:port=80:timeout=5:bindAddress=192.0.2.1`,
            `tls:example.com:443`, `ssl:example.com:443`, `unix:/run/x.sock`.  Bytes are UTF-8.

    Raises:
        ValueError: the type is unknown, or its arguments are wrong.

    Twisted: `twisted.internet.endpoints.clientFromString`.
    """
    text = description.decode("utf-8") if isinstance(description, bytes) else description
    _check_description(text)
    (kind, *args), kwargs = _parse(text)
    parser = _clientParsers.get(kind.upper())
    try:
        if parser is not None:
            _names(_tokenize(text)[1:], _clientArguments[kind.upper()], text)
            made: IStreamClientEndpoint = _endpointClientFactories[kind.upper()](
                reactor, **parser(*args, **kwargs)
            )
            return made
        own = _clientPlugins.get(kind)
        if own is not None:
            return _call(own._parseClient, text, reactor)  # type: ignore[no-any-return]
    except _WrongValueError as error:
        raise ValueError(f"{error} (in {text!r})") from None
    plugin = _plugin(IStreamClientEndpointStringParserWithReactor, kind)
    if plugin is None:
        raise _unknown(kind, text, [*(name.lower() for name in _clientParsers), *_clientPlugins])
    return plugin.parseStreamClient(reactor, *args, **kwargs)  # type: ignore[no-any-return]


@implementer(IStreamClientEndpointStringParserWithReactor)
class _TLSClientEndpointParser:
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
            _integer("port", port),
            _integer("timeout", timeout),
            bindAddress,
            _tls.private_certificate(certificate, privateKey),
            _tls.trust_roots(trustRoots),
            None if endpoint is None else clientFromString(reactor, endpoint),
        )

    def parseStreamClient(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """Make the endpoint."""
        return self._parseClient(reactor, *args, **kwargs)


@implementer(IStreamServerEndpointStringParser)
class _TLSServerEndpointParser:
    """tls:DIRECTORY:PORT[:backlog=NUMBER][:interface=ADDRESS]"""

    prefix = "tls"

    def _parseServer(
        self, reactor: Any, path: str, port: str, backlog: Any = 50, interface: str = "::"
    ) -> Any:
        listening = TCP6ServerEndpoint(
            reactor, _integer("port", port), _integer("backlog", backlog), interface
        )
        return _tls.server_endpoint(path, listening)

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> Any:
        """Make the endpoint."""
        return self._parseServer(reactor, *args, **kwargs)


# --- The types ---------------------------------------------------------------------------------------------------

_serverParsers: dict[str, Callable[..., Any]] = {"tcp": _parseTCP, "unix": _parseUNIX, "ssl": _parseSSL}
_endpointServerFactories: dict[str, Callable[..., Any]] = {
    "TCP": TCP4ServerEndpoint,
    "SSL": SSL4ServerEndpoint,
    "UNIX": UNIXServerEndpoint,
}
_serverPlugins: dict[str, Any] = {
    parser.prefix: parser
    for parser in (_TCP6ServerParser(), _SystemdParser(), _StandardIOParser(), _TLSServerEndpointParser())
}

_clientParsers: dict[str, Callable[..., Any]] = {
    "TCP": _parseClientTCP,
    "SSL": _parseClientSSL,
    "UNIX": _parseClientUNIX,
}
_TLS_ARGUMENTS = ("hostname", "certKey", "privateKey", "caCertsDir")
_clientArguments = {
    "TCP": ("host", "port", "timeout", "bindAddress"),
    "SSL": ("host", "port", "timeout", "bindAddress", *_TLS_ARGUMENTS),
    "UNIX": ("path", "timeout", "lockfile"),
}
_endpointClientFactories: dict[str, Callable[..., Any]] = {
    "TCP": TCP4ClientEndpoint,
    "SSL": SSL4ClientEndpoint,
    "UNIX": UNIXClientEndpoint,
}
_clientPlugins: dict[str, Any] = {_TLSClientEndpointParser.prefix: _TLSClientEndpointParser()}


def _plugin(interface: Any, kind: str) -> Any:
    """Return the plugin for a type that is not in the tables, or None."""
    plugins = borrow_or_none("plugin", "getPlugins")
    if plugins is None:
        return None
    return next((plugin for plugin in plugins(interface) if plugin.prefix.lower() == kind.lower()), None)
