"""Endpoints as lines of text: what each means, and what is said of a line that is wrong."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
from hypothesis import given, strategies as st
from zope.interface.verify import verifyObject

from selvage.addresses import IPv4Address, IPv6Address
from selvage.endpoints import (
    AdoptedStreamServerEndpoint,
    StandardIOEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    _parse,
    _parseServer,
    _SystemdParser,
    _WrapperServerEndpoint,
    clientFromString,
    quoteStringArgument,
    serverFromString,
    unparseEndpoint,
)
from selvage.endpoints._client_strings import _clientPlugins
from selvage.endpoints._grammar import nearest
from selvage.endpoints._server_strings import _serverPlugins
from selvage.endpoints._systemd import ListenFDs
from selvage.interfaces import (
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpointStringParser,
)
from selvage.protocols import Factory
from selvage.transports.tcp import makeBinding

REACTOR = object()


# --- The grammar -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("description", "args", "kwargs"),
    [
        ("", [""], {}),
        ("a", ["a"], {}),
        ("a:", ["a", ""], {}),
        (":", ["", ""], {}),
        ("a::b", ["a", "", "b"], {}),
        ("a:b=c:d", ["a", "d"], {"b": "c"}),
        ("a=b=c", [], {"a": "b=c"}),
        ("a=:b", ["b"], {"a": ""}),
        (r"a\=b", ["a=b"], {}),
        (r"a\:b\\c", ["a:b\\c"], {}),
        (r"a:b=c\:d", ["a"], {"b": "c:d"}),
    ],
)
def test_grammar(description: str, args: list[str], kwargs: dict[str, str]) -> None:
    assert _parse(description) == (args, kwargs)


def test_unfinished_escape() -> None:
    with pytest.raises(ValueError, match="ends in a backslash"):
        serverFromString(REACTOR, "tcp:80\\")


@given(st.text().filter(lambda text: "=" not in text), st.text())
def test_quoted_text_comes_back(positional: str, named: str) -> None:
    line = f"x:{quoteStringArgument(positional)}:n={quoteStringArgument(named)}"
    assert _parse(line) == (["x", positional], {"n": named})


# --- Servers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("tcp:80", ("TCP", (80, "f"), {"interface": "", "backlog": 50})),
        ("tcp:port=80", ("TCP", (80, "f"), {"interface": "", "backlog": 50})),
        ("tcp:80:127.0.0.1:6", ("TCP", (80, "f"), {"interface": "127.0.0.1", "backlog": 6})),
        (r"tcp:80:interface=\:\:1", ("TCP", (80, "f"), {"interface": "::1", "backlog": 50})),
        ("unix:/x", ("UNIX", ("/x", "f"), {"mode": 0o666, "backlog": 50, "wantPID": True})),
        (
            "unix:/x:mode=660:lockfile=0:backlog=6",
            ("UNIX", ("/x", "f"), {"mode": 0o660, "backlog": 6, "wantPID": False}),
        ),
    ],
)
def test_servers_by_call(description: str, expected: Any) -> None:
    assert _parseServer(description, "f") == expected


@pytest.mark.parametrize(
    ("description", "kind", "attributes"),
    [
        ("tcp:80", TCP4ServerEndpoint, {"_port": 80, "_backlog": 50, "_interface": ""}),
        ("tcp6:80", TCP6ServerEndpoint, {"_port": 80, "_backlog": 50, "_interface": "::"}),
        (r"tcp6:80:interface=\:\:1", TCP6ServerEndpoint, {"_interface": "::1"}),
        ("unix:/x:mode=600", UNIXServerEndpoint, {"_address": "/x", "_mode": 0o600, "_wantPID": True}),
        ("stdio:", StandardIOEndpoint, {}),
        ("tcp:80:127.0.0.1:reusePort=1", TCP4ServerEndpoint, {"_interface": "127.0.0.1"}),
        ("haproxy:tcp:80", _WrapperServerEndpoint, {}),
    ],
)
def test_servers(description: str, kind: type, attributes: dict[str, Any]) -> None:
    endpoint: Any = serverFromString(REACTOR, description)
    assert type(endpoint) is kind
    assert getattr(endpoint, "_wrappedEndpoint", endpoint)._reactor is REACTOR
    assert {name: getattr(endpoint, name) for name in attributes} == attributes


def test_a_shared_port_is_listened_on_with_its_option() -> None:
    for kind, interface in (("tcp", ""), ("tcp6", "::")):
        endpoint: Any = serverFromString(REACTOR, f"{kind}:80:reusePort=1")
        assert endpoint._port == makeBinding(interface, 80, reusePort=True)
        assert repr(endpoint).endswith(":80>")


def test_behind_a_balancer() -> None:
    endpoint: Any = serverFromString(
        REACTOR, r"haproxy:trusted=192.0.2.0/24,fd00\:\:/8:tcp6:80:interface=\:\:1"
    )
    assert endpoint._wrappedEndpoint._interface == "::1"
    reading = endpoint._wrapperFactory(Factory())
    assert reading.buildProtocol(IPv4Address("TCP", "192.0.2.9", 1)) is not None
    assert reading.buildProtocol(IPv6Address("TCP", "fd00::9", 1)) is not None
    assert reading.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)) is None


def test_attack_101_a_description_trusts_this_machine_only_unless_it_says_whom() -> None:
    for description, served, refused in (
        ("haproxy:tcp:80", "127.0.0.1", "192.0.2.9"),
        ("haproxy:tcp:80:trusted=192.0.2.0/24", "192.0.2.9", "127.0.0.1"),
    ):
        endpoint: Any = serverFromString(REACTOR, description)
        reading = endpoint._wrapperFactory(Factory())
        assert reading.buildProtocol(IPv4Address("TCP", served, 1)) is not None
        assert reading.buildProtocol(IPv4Address("TCP", refused, 1)) is None


@pytest.mark.parametrize("more", ["", ":domain=INET"])
def test_an_open_descriptor(more: str) -> None:
    with socket.socket() as listening:
        endpoint: Any = serverFromString(REACTOR, f"fd:{listening.fileno()}{more}")
        assert (endpoint.fileno, endpoint.addressFamily) == (listening.fileno(), socket.AF_INET)
        assert os.fstat(listening.fileno())


@given(st.lists(st.text()), st.dictionaries(st.text(), st.text()))
def test_unparsing_is_the_inverse_of_parsing(args: list[str], kwargs: dict[str, str]) -> None:
    args = ["x", *args]
    assert _parse(unparseEndpoint(args, kwargs)) == (args, kwargs)


# --- Clients -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("description", "kind", "attributes"),
    [
        ("tcp:h:80", TCP4ClientEndpoint, {"_host": "h", "_port": 80, "_timeout": 30, "_bindAddress": None}),
        ("tcp:host=h:80", TCP4ClientEndpoint, {"_host": "h", "_port": 80}),
        ("tcp:h:port=80", TCP4ClientEndpoint, {"_host": "h", "_port": 80}),
        (b"tcp:h:80", TCP4ClientEndpoint, {"_host": "h", "_port": 80}),
        ("TCP:h:80", TCP4ClientEndpoint, {"_host": "h", "_port": 80}),
        (
            "tcp:host=h:port=80:timeout=7:bindAddress=192.0.2.1",
            TCP4ClientEndpoint,
            {"_timeout": 7, "_bindAddress": ("192.0.2.1", 0)},
        ),
        ("unix:/x", UNIXClientEndpoint, {"_path": "/x", "_timeout": 30, "_checkPID": 0}),
        ("unix:path=/x:lockfile=1:timeout=9", UNIXClientEndpoint, {"_checkPID": True, "_timeout": 9}),
    ],
)
def test_clients(description: str | bytes, kind: type, attributes: dict[str, Any]) -> None:
    endpoint: Any = clientFromString(REACTOR, description)
    assert type(endpoint) is kind
    assert endpoint._reactor is REACTOR
    assert {name: getattr(endpoint, name) for name in attributes} == attributes


# --- What is wrong with a line -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("ftl:80", "Unknown endpoint type: 'ftl'"),
        ("tpc:80", "Unknown endpoint type: 'tpc'; did you mean 'tcp'?"),
        ("sytemd:80", "Unknown endpoint type: 'sytemd'; did you mean 'systemd'?"),
        ("tcp", "'tcp' lacks 'port', as in 'tcp:port=...'"),
        ("tcp:", "'port' at position 4 of 'tcp:' has to be a number, not ''"),
        ("tcp:http", "'port' at position 4 of 'tcp:http' has to be a number, not 'http'"),
        (
            "tcp:80:backlog=many",
            "'backlog' at position 7 of 'tcp:80:backlog=many' has to be a number, not 'many'",
        ),
        (
            "unix:/x:mode=999",
            "'mode' at position 8 of 'unix:/x:mode=999' has to be an octal number, not '999'",
        ),
        (
            "tcp:80:interfaec=::1",
            "Unknown argument 'interfaec' at position 7 of 'tcp:80:interfaec=::1'; did you mean 'interface'? "
            "(there are port, interface, backlog, reusePort)",
        ),
        ("tcp:80:port=81", "'port' at position 7 of 'tcp:80:port=81' is there twice"),
        ("tcp:80:a:1:0:b", "'b' at position 13 of 'tcp:80:a:1:0:b' is one part too many"),
        ("tcp6:80:nonsense=1", "Unknown argument 'nonsense' at position 8 of 'tcp6:80:nonsense=1' "),
        ("systemd:index=0", "'systemd:index=0' lacks 'domain', as in 'systemd:domain=...'"),
        ("systemd:INTE:0", "'domain' at position 8 of 'systemd:INTE:0' has to be one of INET, INET6, UNIX"),
        (
            "systemd:INET:index=-1",
            "'index' at position 13 of 'systemd:INET:index=-1' has to be 0 or more, not '-1'",
        ),
        ("tcp:65536", "'port' at position 4 of 'tcp:65536' has to be from 0 to 65535, not 65536"),
        ("tcp:-1", "'port' at position 4 of 'tcp:-1' has to be 0 or more, not '-1'"),
        ("tcp:8_0", "'port' at position 4 of 'tcp:8_0' has to be a number, not '8_0'"),
        ("tcp: 80", "'port' at position 4 of 'tcp: 80' has to be a number, not ' 80'"),
        ("tcp:\u0668\u0660", "'port' at position 4 of 'tcp:\u0668\u0660' has to be a number"),
        ("tcp:port=80:port=81", "'port' at position 12 of 'tcp:port=80:port=81' is there twice"),
        ("tcp:80:reusePort=yes", "'reusePort' at position 7 of 'tcp:80:reusePort=yes' has to be a number"),
        ("unix:", "'address' at position 5 of 'unix:' is empty"),
        ("fd:x", "'fileno' at position 3 of 'fd:x' has to be a number, not 'x'"),
        (
            "fd:1000000",
            "'fileno' at position 3 of 'fd:1000000' has to be an open socket, and 1000000 is none: ",
        ),
        (
            "fd:0:domian=INET",
            "Unknown argument 'domian' at position 5 of 'fd:0:domian=INET'; did you mean 'domain'?",
        ),
        ("haproxy:tpc:80", "Unknown endpoint type: 'tpc'; did you mean 'tcp'?"),
        (
            "haproxy:tcp:80:trusted=everybody",
            "'trusted' at position 15 of 'haproxy:tcp:80:trusted=everybody' ",
        ),
        ("haproxy:" * 2000 + "tcp:80", "haproxy: within haproxy: a connection begins with one header"),
        ("harpoxy:tcp:80", "Unknown endpoint type: 'harpoxy'; did you mean 'haproxy'?"),
        ("", "Unknown endpoint type: ''"),
    ],
)
def test_wrong_servers(description: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        serverFromString(REACTOR, description)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("ftl:80", "Unknown endpoint type: 'ftl'"),
        ("tsl:h:80", "Unknown endpoint type: 'tsl'; did you mean 'ssl'?"),
        ("tcp:h", "'tcp:h' lacks 'port', as in 'tcp:port=...'"),
        ("tcp:h:http", "'port' at position 6 of 'tcp:h:http' has to be a number, not 'http'"),
        ("tcp:h:80:9", "'9' at position 9 of 'tcp:h:80:9' is one part too many"),
        (
            "tcp:h:80:timeuot=3",
            "Unknown argument 'timeuot' at position 9 of 'tcp:h:80:timeuot=3'; did you mean 'timeout'? "
            "(there are host, port, timeout, bindAddress)",
        ),
        (
            "tcp:h:80:timeout=soon",
            "'timeout' at position 9 of 'tcp:h:80:timeout=soon' has to be a number, not 'soon'",
        ),
        ("unix:", "'path' at position 5 of 'unix:' is empty"),
        (
            "unix:/x:lockfile=maybe",
            "'lockfile' at position 8 of 'unix:/x:lockfile=maybe' has to be a number, not 'maybe'",
        ),
        ("tcp:h:0", "'port' at position 6 of 'tcp:h:0' has to be from 1 to 65535, not 0"),
        ("tcp:h:80:host=i", "'host' at position 9 of 'tcp:h:80:host=i' is there twice"),
        ("tcp:host=h:host=i:80", "'host' at position 11 of 'tcp:host=h:host=i:80' is there twice"),
        ("socks5:h:80", "'proxy' is the proxy's host, unless 'endpoint' says how to reach it; give one"),
        (
            "socks5:h:80:p:endpoint=x",
            "'proxy' at position 12 of 'socks5:h:80:p:endpoint=x' is the proxy's host",
        ),
        ("socks5:h:80:p:x", "'proxyPort' at position 14 of 'socks5:h:80:p:x' has to be a number, not 'x'"),
        (
            "socks5:h:80:p:resolve=locla",
            "'resolve' at position 14 of 'socks5:h:80:p:resolve=locla' has to be one of ",
        ),
        ("sokcs5:h:80:p", "Unknown endpoint type: 'sokcs5'; did you mean 'socks5'?"),
        (
            "connect:h:80:p:pasword=x",
            "Unknown argument 'pasword' at position 15 of 'connect:h:80:p:pasword=x'; did you",
        ),
        ("connect:h:80:endpoint=tpc\\:h\\:80", "Unknown endpoint type: 'tpc'; did you mean 'tcp'?"),
        ("", "Unknown endpoint type: ''"),
        ("tls:h", "'tls:h' lacks 'port', as in 'tls:port=...'"),
        ("tls:h:https", "'port' at position 6 of 'tls:h:https' has to be a number, not 'https'"),
    ],
)
def test_wrong_clients(description: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        clientFromString(REACTOR, description)
    assert str(caught.value).startswith(message)


@given(st.text(max_size=30))
def test_any_text_makes_an_endpoint_or_a_value_error(description: str) -> None:
    for make in (serverFromString, clientFromString):
        try:
            make(REACTOR, description)
        except ValueError:
            pass


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("tpc", "tcp", True),
        ("tc", "tcp", True),
        ("tcpp", "tcp", True),
        ("tap", "tcp", True),
        ("ftl", "tls", False),
        ("INTERFACE", "interface", True),
        ("intrfcae", "interface", True),
        ("address", "interface", False),
    ],
)
def test_near_words(word: str, known: str, meant: bool) -> None:
    assert nearest(word, [known]) == (f"; did you mean {known!r}?" if meant else "")


# --- systemd -----------------------------------------------------------------------------------------------------


def parser() -> Any:
    made = _SystemdParser()
    made._sddaemon = ListenFDs([5, 6, 7], ["web", "mail", "unknown"])
    return made


@pytest.mark.parametrize("domain", ["INET", "INET6", "UNIX"])
def test_systemd_sockets_by_index_and_name(domain: str) -> None:
    for which in ({"index": "1"}, {"name": "mail"}):
        endpoint = parser().parseStreamServer(REACTOR, domain=domain, **which)
        assert isinstance(endpoint, AdoptedStreamServerEndpoint)
        assert (endpoint.reactor, endpoint.fileno) == (REACTOR, 6)
        assert endpoint.addressFamily == getattr(socket, f"AF_{domain}")


def test_systemd_wants_index_or_name() -> None:
    for which in ({}, {"index": "0", "name": "web"}):
        with pytest.raises(ValueError, match="either an index or a name"):
            parser().parseStreamServer(REACTOR, domain="INET", **which)


def test_systemd_names_what_there_is() -> None:
    with pytest.raises(IndexError, match="no socket number 9: systemd passed 3"):
        parser().parseStreamServer(REACTOR, domain="INET", index="9")
    with pytest.raises(KeyError, match="no socket 'ftp': systemd passed .'mail', 'unknown', 'web'."):
        parser().parseStreamServer(REACTOR, domain="INET", name="ftp")
    with pytest.raises(
        ValueError, match="'domain' has to be one of INET, INET6, UNIX, not 'INTE'; did you mean 'INET'"
    ):
        parser().parseStreamServer(REACTOR, domain="INTE", index="0")


@pytest.mark.parametrize(
    ("environ", "numbers", "names"),
    [
        ({}, [], {}),
        ({"LISTEN_PID": "1", "LISTEN_FDS": "2"}, [], {}),
        ({"LISTEN_PID": "us", "LISTEN_FDS": "two"}, [], {}),
        ({"LISTEN_PID": "me", "LISTEN_FDS": "2"}, [], {}),
        ({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}, [3, 4], {"unknown": 4}),
        (
            {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"},
            [3, 4],
            {"a": 3, "b": 4},
        ),
    ],
)
def test_what_systemd_says(environ: dict[str, str], numbers: list[int], names: dict[str, int]) -> None:
    sockets = ListenFDs.fromEnvironment(environ)
    assert sockets.inheritedDescriptors() == numbers
    assert sockets.inheritedNamedDescriptors() == names


def test_systemd_environment_is_read_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "1")
    endpoint: Any = _SystemdParser().parseStreamServer(REACTOR, "INET", "0")
    assert endpoint.fileno == 3


def test_parsers_keep_the_contract() -> None:
    for server in _serverPlugins.values():
        assert verifyObject(IStreamServerEndpointStringParser, server)
    for client in _clientPlugins.values():
        assert verifyObject(IStreamClientEndpointStringParserWithReactor, client)


def test_parsers_answer_to_plugin_users_too() -> None:
    assert _serverPlugins["tcp6"].parseStreamServer(REACTOR, "80")._port == 80
    assert isinstance(_serverPlugins["stdio"].parseStreamServer(REACTOR, ""), StandardIOEndpoint)
