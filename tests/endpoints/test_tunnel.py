"""Connecting through proxies: the endpoints around the two machines, on peers that play a script."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from selvage.addresses import HostnameAddress
from selvage.defer import Deferred
from selvage.endpoints import (
    HostnameEndpoint,
    HTTPConnectClientEndpoint,
    ProxyAuthenticationError,
    ProxyConnectionError,
    ProxyError,
    ProxyProtocolError,
    ProxyRefusedError,
    ProxyTimeoutError,
    SOCKS5ClientEndpoint,
    clientFromString,
)
from selvage.errors import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionRefusedError,
    DNSLookupError,
    NoProtocol,
)
from selvage.failure import Failure
from selvage.interfaces import IStreamClientEndpoint
from selvage.protocols import Factory, Protocol, connectionDone
from selvage.testing import MemoryReactorClock, Pair, ScriptedPeer

ASKED = b"\x05\x01\x00"
REQUEST = b"\x05\x01\x00\x03\x06target\x00\x50"
GRANTED = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
CONNECT = b"CONNECT target:80 HTTP/1.1\r\nHost: target:80\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n\r\n"


class Talker(Protocol):
    """Remembers what happens to it."""

    def __init__(self) -> None:
        self.received = b""
        self.reason: Failure | None = None
        self.pause = False

    def connectionMade(self) -> None:
        if self.pause:
            self.transport.pauseProducing()  # type: ignore[attr-defined]

    def dataReceived(self, data: bytes) -> None:
        self.received += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.reason = reason


@implementer(IStreamClientEndpoint)
class Wire:
    """An endpoint whose connections the test makes."""

    def __init__(self) -> None:
        self.attempts: list[Deferred[Any]] = []
        self.factory: Any = None
        self.cancelled = 0

    def __repr__(self) -> str:
        return "<Wire>"

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        def cancel(_: Any) -> None:
            self.cancelled += 1

        self.factory = protocolFactory
        attempt: Deferred[Any] = Deferred(cancel)
        self.attempts.append(attempt)
        return attempt

    def play(self, peer: ScriptedPeer) -> Pair:
        """Let the connection stand, with `peer` on the other side."""
        protocol = self.factory.buildProtocol(None)
        pair = peer.play(protocol)
        self.attempts[-1].callback(protocol)
        return pair


class Try:
    """One `connect` through a proxy."""

    def __init__(self, kind: Any = SOCKS5ClientEndpoint, host: str = "target", **options: Any) -> None:
        self.reactor = MemoryReactorClock()
        self.wire = Wire()
        self.endpoint = kind(self.reactor, self.wire, host, 80, **options)
        self.talker = Talker()
        self.addresses: list[Any] = []
        self.factory = Factory[Any]()
        self.factory.buildProtocol = self.build  # type: ignore[method-assign]
        self.results: list[Any] = []
        self.deferred = self.endpoint.connect(self.factory)
        self.deferred.addBoth(self.results.append)

    def build(self, address: Any) -> Any:
        self.addresses.append(address)
        return self.talker

    @property
    def error(self) -> Any:
        (failure,) = self.results
        return failure.value

    def assert_over(self) -> None:
        """Nothing is left to happen, and the error says where it happened."""
        assert self.reactor.getDelayedCalls() == []
        assert (self.error.proxy, self.error.target) == ("<Wire>", "target:80")
        assert "target:80" in str(self.error) and "<Wire>" in str(self.error)


def both(kind: Any) -> ScriptedPeer:
    """Return a peer that grants what is asked, up to and without its last answer."""
    if kind is SOCKS5ClientEndpoint:
        return ScriptedPeer().expect(ASKED).send(b"\x05\x00").expect(REQUEST)
    return ScriptedPeer().expect(CONNECT)


KINDS = [
    (SOCKS5ClientEndpoint, GRANTED),
    (HTTPConnectClientEndpoint, OK),
]


@pytest.mark.parametrize(("kind", "answer"), KINDS)
def test_the_protocol_gets_its_connection(kind: Any, answer: bytes) -> None:
    attempt = Try(kind)
    peer = both(kind).send(answer)
    pair = attempt.wire.play(peer)
    peer.assert_finished()
    assert attempt.results == [attempt.talker]
    assert attempt.addresses == [HostnameAddress(b"target", 80)]
    assert attempt.reactor.getDelayedCalls() == []
    before = len(peer.received)
    attempt.talker.transport.write(b"ping")  # type: ignore[union-attr]
    peer.transport.write(b"pong")  # type: ignore[union-attr]
    pair.flush()
    assert (peer.received[before:], attempt.talker.received) == (b"ping", b"pong")
    peer.transport.loseConnection()  # type: ignore[union-attr]
    pair.flush()
    assert attempt.talker.reason is not None


@pytest.mark.parametrize(("kind", "answer"), KINDS)
@pytest.mark.parametrize("chunk", [None, 1])
def test_what_follows_the_answer_is_the_targets(kind: Any, answer: bytes, chunk: int | None) -> None:
    attempt = Try(kind)
    protocol = attempt.wire.factory.buildProtocol(None)
    peer = both(kind).send(answer + b"220 hello")
    pair = peer.play(protocol, chunk=chunk)
    attempt.wire.attempts[0].callback(protocol)
    pair.flush()
    assert attempt.results == [attempt.talker]
    assert attempt.talker.received == b"220 hello"


@pytest.mark.parametrize(("kind", "answer"), KINDS)
def test_what_follows_the_answer_waits_for_a_protocol_that_paused(kind: Any, answer: bytes) -> None:
    attempt = Try(kind)
    attempt.talker.pause = True
    peer = both(kind).send(answer + b"220 hello")
    pair = attempt.wire.play(peer)
    pair.flush()
    assert attempt.results == [attempt.talker]
    assert attempt.talker.received == b""
    attempt.talker.transport.resumeProducing()  # type: ignore[union-attr]
    assert attempt.talker.received == b""
    attempt.reactor.advance(0)
    peer.transport.write(b" again")  # type: ignore[union-attr]
    pair.flush()
    assert attempt.talker.received == b"220 hello again"


@pytest.mark.parametrize(
    ("kind", "sent", "error", "stage"),
    [
        (SOCKS5ClientEndpoint, b"\x05\xff", ProxyAuthenticationError, "greeting"),
        (SOCKS5ClientEndpoint, b"HTTP/1.1 400 Bad\r\n\r\n", ProxyProtocolError, "greeting"),
        (SOCKS5ClientEndpoint, b"\x05\x00\x05\x05\x00\x01", ProxyRefusedError, "request"),
        (HTTPConnectClientEndpoint, b"HTTP/1.1 407 No\r\n\r\n", ProxyAuthenticationError, "request"),
        (HTTPConnectClientEndpoint, b"HTTP/1.1 403 No\r\n\r\n", ProxyRefusedError, "request"),
        (HTTPConnectClientEndpoint, b"\x05\x00", ProxyProtocolError, "request"),
    ],
)
def test_a_proxy_that_says_no(kind: Any, sent: bytes, error: type[ProxyError], stage: str) -> None:
    attempt = Try(kind)
    peer = ScriptedPeer().send(sent)
    attempt.wire.play(peer).flush()
    assert type(attempt.error) is error
    assert isinstance(attempt.error, ConnectError)
    assert attempt.error.stage == stage
    assert peer.reason is not None  # the connection to the proxy is closed
    assert attempt.addresses == []
    attempt.assert_over()


@pytest.mark.parametrize("kind", [SOCKS5ClientEndpoint, HTTPConnectClientEndpoint])
def test_a_proxy_that_hangs_up(kind: Any) -> None:
    attempt = Try(kind)
    attempt.wire.play(ScriptedPeer().close()).flush()
    assert type(attempt.error) is ProxyConnectionError
    assert attempt.error.stage == ("greeting" if kind is SOCKS5ClientEndpoint else "request")
    assert "the proxy ended the connection: Connection was closed cleanly" in attempt.error.reason
    attempt.assert_over()


def test_a_proxy_that_cannot_be_reached() -> None:
    attempt = Try()
    refused = ConnectionRefusedError()
    attempt.wire.attempts[0].errback(Failure(refused))
    assert type(attempt.error) is ProxyConnectionError
    assert attempt.error.stage == "connect"
    assert attempt.error.__cause__ is refused
    attempt.assert_over()


@pytest.mark.parametrize(
    ("kind", "stage"), [(SOCKS5ClientEndpoint, "greeting"), (HTTPConnectClientEndpoint, "request")]
)
def test_the_deadline_is_on_by_default_and_covers_it_all(kind: Any, stage: str) -> None:
    unreached = Try(kind)
    unreached.reactor.advance(30)
    assert type(unreached.error) is ProxyTimeoutError
    assert (unreached.error.stage, unreached.wire.cancelled) == ("connect", 1)
    unreached.assert_over()
    silent = Try(kind)
    silent.reactor.advance(20)
    peer = ScriptedPeer()
    pair = silent.wire.play(peer)
    silent.reactor.advance(9.9)
    assert silent.results == []
    silent.reactor.advance(0.1)
    pair.flush()
    assert type(silent.error) is ProxyTimeoutError
    assert silent.error.stage == stage
    assert "no connection within 30 s" in str(silent.error)
    assert peer.reason is not None
    silent.assert_over()


def test_no_deadline_when_none_is_wanted() -> None:
    assert Try(timeout_s=None).reactor.getDelayedCalls() == []


def test_cancelling_ends_what_is_under_way() -> None:
    early = Try()
    early.deferred.cancel()
    assert type(early.error) is ConnectingCancelledError
    assert early.wire.cancelled == 1
    late = Try()
    peer = ScriptedPeer()
    pair = late.wire.play(peer)
    late.deferred.cancel()
    pair.flush()
    assert type(late.error) is ConnectingCancelledError
    assert peer.reason is not None
    for attempt in (early, late):
        assert attempt.reactor.getDelayedCalls() == []


def test_a_connection_that_comes_after_the_end_is_closed() -> None:
    attempt = Try()
    attempt.reactor.advance(30)
    protocol = attempt.wire.factory.buildProtocol(None)
    peer = ScriptedPeer()
    peer.play(protocol).flush()
    assert peer.received == b""
    assert peer.reason is not None


def test_a_factory_that_builds_nothing() -> None:
    attempt = Try()
    attempt.talker = None  # type: ignore[assignment]
    peer = both(SOCKS5ClientEndpoint).send(GRANTED)
    attempt.wire.play(peer).flush()
    assert type(attempt.error) is NoProtocol
    assert peer.reason is not None


# --- Who looks the name up ---------------------------------------------------------------------------------------


class Resolver:
    """Knows one answer."""

    def __init__(self, *addresses: Any) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    def resolveHostName(self, receiver: Any, name: str, portNumber: int = 0, **more: Any) -> Any:
        self.asked.append(name)
        receiver.resolutionBegan(self)
        for address in self.addresses:
            receiver.addressResolved(address)
        receiver.resolutionComplete()
        return self

    def cancel(self) -> None:
        pass


@pytest.mark.parametrize("resolve", ["remote", "local"])
def test_who_looks_the_name_up(resolve: str) -> None:
    from selvage.addresses import IPv6Address

    reactor, wire = MemoryReactorClock(), Wire()
    resolver = Resolver(IPv6Address("TCP", "2001:db8::7", 80))
    reactor.installNameResolver(resolver)  # type: ignore[arg-type]
    endpoint = SOCKS5ClientEndpoint(reactor, wire, "target", 80, resolve=resolve)
    endpoint.connect(Factory.forProtocol(Talker))
    peer = ScriptedPeer().expect(ASKED).send(b"\x05\x00")
    wire.play(peer).flush()
    assert resolver.asked == ([] if resolve == "remote" else ["target"])
    named = b"\x03\x06target" if resolve == "remote" else b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x07"
    assert peer.received == ASKED + b"\x05\x01\x00" + named + b"\x00\x50"


def test_a_name_that_cannot_be_looked_up_here() -> None:
    reactor, wire = MemoryReactorClock(), Wire()
    reactor.installNameResolver(Resolver())  # type: ignore[arg-type]
    failures: list[Any] = []
    SOCKS5ClientEndpoint(reactor, wire, "target", 80, resolve="local").connect(
        Factory.forProtocol(Talker)
    ).addErrback(failures.append)
    error = failures[0].value
    assert (type(error), error.stage) == (ProxyConnectionError, "resolve")
    assert type(error.__cause__) is DNSLookupError
    assert wire.attempts == []
    assert reactor.getDelayedCalls() == []


class Waiting(Resolver):
    """Does not answer."""

    cancelled = False

    def resolveHostName(self, receiver: Any, name: str, portNumber: int = 0, **more: Any) -> Any:
        receiver.resolutionBegan(self)
        return self

    def cancel(self) -> None:
        self.cancelled = True


@pytest.mark.parametrize("ending", ["deadline", "cancel"])
def test_a_look_up_that_takes_too_long(ending: str) -> None:
    reactor, wire, resolver = MemoryReactorClock(), Wire(), Waiting()
    reactor.installNameResolver(resolver)  # type: ignore[arg-type]
    failures: list[Any] = []
    connecting = SOCKS5ClientEndpoint(reactor, wire, "target", 80, resolve="local").connect(
        Factory.forProtocol(Talker)
    )
    connecting.addErrback(failures.append)
    if ending == "cancel":
        connecting.cancel()
        assert failures[0].check(ConnectingCancelledError)
    else:
        reactor.advance(30)
        assert failures[0].check(ProxyTimeoutError)
        assert failures[0].value.stage == "resolve"
    assert resolver.cancelled
    assert wire.attempts == []
    assert reactor.getDelayedCalls() == []


def test_an_endpoint_that_raises_is_heard_as_it_is() -> None:
    """A mistake of the program's is no answer of a proxy's."""

    class Broken(Wire):
        def connect(self, protocolFactory: Any) -> Deferred[Any]:
            raise ZeroDivisionError("mine")

    reactor = MemoryReactorClock()
    failures: list[Any] = []
    SOCKS5ClientEndpoint(reactor, Broken(), "target", 80).connect(Factory.forProtocol(Talker)).addErrback(
        failures.append
    )
    assert failures[0].check(ZeroDivisionError)
    assert reactor.getDelayedCalls() == []


# --- Chains and descriptions -------------------------------------------------------------------------------------


def test_a_proxy_behind_a_proxy() -> None:
    reactor, wire = MemoryReactorClock(), Wire()
    inner = SOCKS5ClientEndpoint(reactor, wire, "second", 8080)
    outer = HTTPConnectClientEndpoint(reactor, inner, "target", 80)
    talker = Talker()
    results: list[Any] = []
    factory = Factory[Any]()
    factory.buildProtocol = lambda addr: talker  # type: ignore[method-assign]
    outer.connect(factory).addBoth(results.append)
    peer = (
        ScriptedPeer()
        .expect(ASKED)
        .send(b"\x05\x00")
        .expect(b"\x05\x01\x00\x03\x06second\x1f\x90")
        .send(GRANTED)
        .expect(CONNECT)
        .send(OK + b"hello")
    )
    wire.play(peer).flush()
    peer.assert_finished()
    assert results == [talker]
    assert talker.received == b"hello"
    assert reactor.getDelayedCalls() == []
    assert repr(outer) == (
        "<HTTPConnectClientEndpoint target:80 through <SOCKS5ClientEndpoint second:8080 through <Wire>>>"
    )


@pytest.mark.parametrize(
    ("description", "kind", "shown"),
    [
        ("socks5:target:80:proxy", SOCKS5ClientEndpoint, "target:80 through <HostnameEndpoint proxy:1080>"),
        (
            "socks5:target:80:proxy:9050",
            SOCKS5ClientEndpoint,
            "target:80 through <HostnameEndpoint proxy:9050>",
        ),
        (r"socks5:\:\:1:80:proxy", SOCKS5ClientEndpoint, "[::1]:80 through <HostnameEndpoint proxy:1080>"),
        (
            "connect:target:443:proxy",
            HTTPConnectClientEndpoint,
            "target:443 through <HostnameEndpoint proxy:8080>",
        ),
        (
            r"connect:target:443:endpoint=socks5\:second\:3128\:first",
            HTTPConnectClientEndpoint,
            "target:443 through <SOCKS5ClientEndpoint second:3128 through <HostnameEndpoint first:1080>>",
        ),
        (
            "connect:host=target:port=443:proxy=proxy:proxyPort=3128:username=u:password=secret:timeout=5",
            HTTPConnectClientEndpoint,
            "target:443 through <HostnameEndpoint proxy:3128>",
        ),
    ],
)
def test_descriptions(description: str, kind: type, shown: str) -> None:
    endpoint = clientFromString(MemoryReactorClock(), description)
    assert repr(endpoint) == f"<{kind.__name__} {shown}>"
    assert "secret" not in repr(endpoint)


def test_what_a_description_can_set() -> None:
    endpoint: Any = clientFromString(
        MemoryReactorClock(), r"socks5:t:80:p:username=u\:v:password=a=b:resolve=local:timeout=5"
    )
    assert (endpoint._username, endpoint._password) == ("u:v", "a=b")
    assert (endpoint._resolve, endpoint._timeout_s) == ("local", 5)
    unlimited: Any = clientFromString(MemoryReactorClock(), "connect:t:80:p:timeout=0")
    assert unlimited._timeout_s is None


@pytest.mark.parametrize("kind", [SOCKS5ClientEndpoint, HTTPConnectClientEndpoint])
@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("", 80),
        ("h x", 80),
        ("h\r\nX: y", 80),
        ("user@h", 80),
        ("h/x", 80),
        ("h:81", 80),
        ("fe80::1%eth0", 80),
        ("h", 0),
        ("h", 65536),
        ("h", "80"),
    ],
)
def test_hosts_and_ports_that_are_none(kind: Any, host: str, port: Any) -> None:
    with pytest.raises(ValueError):
        kind(MemoryReactorClock(), Wire(), host, port)


@pytest.mark.parametrize("kind", [SOCKS5ClientEndpoint, HTTPConnectClientEndpoint])
def test_contract(kind: Any) -> None:
    assert verifyObject(IStreamClientEndpoint, Try(kind).endpoint)
    with pytest.raises(ValueError, match="needs a username"):
        Try(kind, password="p")


def test_errors_survive_pickling() -> None:
    for error in (
        ProxyTimeoutError("connect", "p", "t:1", "slow"),
        ProxyRefusedError("request", "p", "t:1", "no", 5),
    ):
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), str(copy), copy.__dict__) == (type(error), str(error), error.__dict__)


# --- What the field has suffered ---------------------------------------------------------------------------------


def test_attack_074_credentials_for_the_proxy_stay_outside_the_tunnel() -> None:
    attempt = Try(HTTPConnectClientEndpoint, username="user", password="secret", headers=[("X-Key", "mine")])
    peer = ScriptedPeer()
    pair = attempt.wire.play(peer)
    head = peer.received
    assert b"Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\nX-Key: mine\r\n\r\n" in head
    peer.transport.write(OK)  # type: ignore[union-attr]
    pair.flush()
    attempt.talker.transport.write(b"GET / HTTP/1.1\r\n\r\n")  # type: ignore[union-attr]
    pair.flush()
    assert peer.received == head + b"GET / HTTP/1.1\r\n\r\n"


def test_attack_076_tls_inside_the_tunnel_verifies_the_target_and_outside_it_the_proxy() -> None:
    """Each TLS layer checks the name of whom its own description names; the tunnel offers neither the other's."""
    from selvage.endpoints import _tls

    asked: list[str] = []

    def client_endpoint(reactor: Any, host: str, *rest: Any) -> Any:
        asked.append(host)
        return rest[-1] or HostnameEndpoint(reactor, host, 1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_tls, "client_endpoint", client_endpoint)
        clientFromString(
            MemoryReactorClock(),
            r"tls:target:443:endpoint=connect\:target\:443\:endpoint=tls\\\:proxy\\\:3129",
        )
    assert asked == ["proxy", "target"]
