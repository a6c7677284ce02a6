"""Endpoints that are one call to the reactor, and what wraps them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from zope.interface import implementer
from zope.interface.verify import verifyObject

from selvage.defer import Deferred, fail, succeed
from selvage.endpoints import (
    AdoptedStreamServerEndpoint,
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ClientEndpoint,
    TCP6ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    _WrapperEndpoint,
    _WrapperServerEndpoint,
    _WrappingFactory,
    _WrappingProtocol,
    connectProtocol,
)
from selvage.errors import (
    AlreadyListened,
    CannotListenError,
    ConnectError,
    ConnectingCancelledError,
    DNSLookupError,
    NoProtocol,
    UserError,
)
from selvage.failure import Failure
from selvage.interfaces import (
    IHalfCloseableProtocol,
    IHandshakeListener,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from selvage.protocols import ClientFactory, Factory, Protocol
from selvage.testing import MemoryReactorClock, RaisingMemoryReactor, StringTransport


def result_of(deferred: Deferred[Any]) -> Any:
    """What a Deferred that has fired fired with."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    [result] = results
    return result


class Notes(Protocol):
    def __init__(self) -> None:
        self.heard: list[Any] = []

    def connectionMade(self) -> None:
        self.heard.append("made")

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.heard.append("lost")


CLIENTS: dict[str, tuple[Callable[[Any], Any], str, tuple[Any, ...]]] = {
    "tcp4": (
        lambda r: TCP4ClientEndpoint(r, "127.0.0.1", 80, 7, ("127.0.0.2", 0)),
        "tcpClients",
        ("127.0.0.1", 80, 7, ("127.0.0.2", 0)),
    ),
    "tcp6": (lambda r: TCP6ClientEndpoint(r, "::1", 80, 7), "tcpClients", ("::1", 80, 7, None)),
    "ssl4": (
        lambda r: SSL4ClientEndpoint(r, "127.0.0.1", 80, "context", 7),
        "sslClients",
        ("127.0.0.1", 80, "context", 7, None),
    ),
    "unix": (lambda r: UNIXClientEndpoint(r, "/x", 7, True), "unixClients", ("/x", 7, True)),
}
SERVERS: dict[str, tuple[Callable[[Any], Any], str, tuple[Any, ...]]] = {
    "tcp4": (lambda r: TCP4ServerEndpoint(r, 80, 9, "127.0.0.1"), "tcpServers", (80, 9, "127.0.0.1")),
    "tcp6": (lambda r: TCP6ServerEndpoint(r, 80), "tcpServers", (80, 50, "::")),
    "ssl4": (lambda r: SSL4ServerEndpoint(r, 80, "context"), "sslServers", (80, "context", 50, "")),
    "unix": (lambda r: UNIXServerEndpoint(r, "/x", 9, 0o600, True), "unixServers", ("/x", 9, 0o600, True)),
}


def attempt(kind: str) -> tuple[MemoryReactorClock, Deferred[Any], Any]:
    """Start to connect; the reactor, the Deferred, and the factory that the reactor was given."""
    make, attribute, expected = CLIENTS[kind]
    reactor = MemoryReactorClock()
    deferred = make(reactor).connect(Factory.forProtocol(Notes))
    [call] = getattr(reactor, attribute)
    factory = next(each for each in call if isinstance(each, _WrappingFactory))
    assert tuple(each for each in call if each is not factory) == expected
    return reactor, deferred, factory


@pytest.mark.parametrize("kind", CLIENTS)
def test_client_keeps_the_contract_and_says_where(kind: str) -> None:
    endpoint = CLIENTS[kind][0](MemoryReactorClock())
    assert verifyObject(IStreamClientEndpoint, endpoint)
    assert any(place in repr(endpoint) for place in ("127.0.0.1:80", "[::1]:80", "unix:/x"))


@pytest.mark.parametrize("kind", CLIENTS)
def test_client_fires_with_the_protocol(kind: str) -> None:
    _, deferred, factory = attempt(kind)
    wrapper = factory.buildProtocol(None)
    wrapper.makeConnection(StringTransport())
    protocol = result_of(deferred)
    assert isinstance(protocol, Notes)
    assert (protocol.heard, protocol.factory) == (["made"], factory._wrappedFactory)


@pytest.mark.parametrize("kind", CLIENTS)
def test_client_fails_with_the_reason(kind: str) -> None:
    _, deferred, factory = attempt(kind)
    factory.clientConnectionFailed(None, Failure(ConnectError(string="no")))
    assert result_of(deferred).check(ConnectError)


@pytest.mark.parametrize("kind", CLIENTS)
def test_client_cancelled_while_connecting(kind: str) -> None:
    """Fails with the address that was meant; the connector is told; its own report comes too late to matter."""
    reactor, deferred, factory = attempt(kind)
    deferred.cancel()
    failure = result_of(deferred)
    assert failure.check(ConnectingCancelledError)
    assert failure.value.address == reactor.connectors[0].getDestination()
    assert reactor.connectors[0].stoppedConnecting
    factory.clientConnectionFailed(None, Failure(UserError()))


@pytest.mark.parametrize("kind", CLIENTS)
def test_client_fails_when_the_reactor_raises(kind: str) -> None:
    error = ConnectError(string="no")
    deferred = CLIENTS[kind][0](RaisingMemoryReactor(None, error)).connect(Factory.forProtocol(Notes))
    assert result_of(deferred).value is error


@pytest.mark.parametrize("kind", SERVERS)
def test_server_listens_as_told(kind: str) -> None:
    make, attribute, expected = SERVERS[kind]
    reactor = MemoryReactorClock()
    factory = Factory.forProtocol(Notes)
    endpoint = make(reactor)
    assert verifyObject(IStreamServerEndpoint, endpoint)
    port = result_of(endpoint.listen(factory))
    assert port.getHost() is not None
    [call] = getattr(reactor, attribute)
    assert factory in call
    assert tuple(each for each in call if each is not factory) == expected


@pytest.mark.parametrize("kind", SERVERS)
def test_server_fails_when_the_port_is_busy(kind: str) -> None:
    error = CannotListenError("", 80, OSError("busy"))
    deferred = SERVERS[kind][0](RaisingMemoryReactor(error)).listen(Factory.forProtocol(Notes))
    assert result_of(deferred).value is error


def test_servers_say_where() -> None:
    assert repr(TCP4ServerEndpoint(None, 80)) == "<TCP4ServerEndpoint *:80>"
    assert repr(TCP6ServerEndpoint(None, 80)) == "<TCP6ServerEndpoint [::]:80>"
    assert repr(SSL4ServerEndpoint(None, 80, None)) == "<SSL4ServerEndpoint *:80>"
    assert repr(UNIXServerEndpoint(None, "/x")) == "<UNIXServerEndpoint unix:/x>"


def tcp6_by_name(answer: Deferred[Any]) -> tuple[MemoryReactorClock, Deferred[Any]]:
    reactor = MemoryReactorClock()
    endpoint = TCP6ClientEndpoint(reactor, "six.example", 80)
    asked: list[Any] = []

    def look_up(function: Any, *args: Any) -> Deferred[Any]:
        asked.append((function, args))
        return answer

    endpoint._deferToThread = look_up  # type: ignore[method-assign, assignment]
    deferred = endpoint.connect(Factory.forProtocol(Notes))
    assert asked == [(socket.getaddrinfo, ("six.example", 0, socket.AF_INET6))]
    return reactor, deferred


def test_tcp6_looks_names_up() -> None:
    answers = [(socket.AF_INET6, 0, 0, "", ("::2", 0, 0, 0)), (socket.AF_INET6, 0, 0, "", ("::3", 0, 0, 0))]
    reactor, _ = tcp6_by_name(succeed(answers))
    assert reactor.tcpClients[0][:2] == ("::2", 80)


def test_tcp6_name_without_address() -> None:
    _, deferred = tcp6_by_name(fail(socket.gaierror(-2, "Name or service not known")))
    failure = result_of(deferred)
    assert failure.check(DNSLookupError)
    assert "six.example" in str(failure.value)


def test_tcp6_other_errors_stay_what_they_are() -> None:
    _, deferred = tcp6_by_name(fail(ZeroDivisionError()))
    assert result_of(deferred).check(ZeroDivisionError)


# --- Adopted sockets ---------------------------------------------------------------------------------------------


def adopted(reactor: Any) -> tuple[AdoptedStreamServerEndpoint, list[Any]]:
    endpoint = AdoptedStreamServerEndpoint(reactor, 13, socket.AF_INET)
    done: list[Any] = []
    endpoint._setNonBlocking = lambda fd: done.append(("non-blocking", fd))  # type: ignore[method-assign, assignment]
    endpoint._close = lambda fd: done.append(("close", fd, len(reactor.adoptedPorts)))  # type: ignore[method-assign, assignment]
    return endpoint, done


def test_adopted_socket_is_taken_over_once() -> None:
    reactor = MemoryReactorClock()
    endpoint, done = adopted(reactor)
    factory = Factory.forProtocol(Notes)
    assert verifyObject(IStreamServerEndpoint, endpoint)
    assert repr(endpoint) == "<AdoptedStreamServerEndpoint file descriptor 13>"
    assert result_of(endpoint.listen(factory)).getHost() is not None
    assert reactor.adoptedPorts == [(13, socket.AF_INET, factory)]
    assert done == [("non-blocking", 13), ("close", 13, 1)]
    assert result_of(endpoint.listen(factory)).check(AlreadyListened)
    assert repr(endpoint) == "<AdoptedStreamServerEndpoint file descriptor 13, used>"


def test_adopted_socket_that_cannot_be_adopted() -> None:
    class Refusing:
        adoptedPorts: list[Any] = []

        def adoptStreamPort(self, *args: Any) -> None:
            raise OSError("no socket")

    endpoint, _ = adopted(Refusing())
    assert result_of(endpoint.listen(Factory.forProtocol(Notes))).check(OSError)


# --- The wrapper -------------------------------------------------------------------------------------------------


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class Everything(Notes):
    def readConnectionLost(self) -> None:
        self.heard.append("read lost")

    def writeConnectionLost(self) -> None:
        self.heard.append("write lost")

    def handshakeCompleted(self) -> None:
        self.heard.append("handshake")

    def fileDescriptorReceived(self, descriptor: int) -> None:
        self.heard.append(descriptor)


def test_wrapper_hands_everything_on() -> None:
    wrapped = Everything()
    wrapper = _WrappingProtocol(Deferred(), wrapped)
    wrapper.makeConnection(StringTransport())
    wrapper.dataReceived(b"x")
    wrapper.fileDescriptorReceived(3)
    wrapper.handshakeCompleted()
    wrapper.readConnectionLost()
    wrapper.writeConnectionLost()
    wrapper.connectionLost()
    assert wrapped.heard == ["made", b"x", 3, "handshake", "read lost", "write lost", "lost"]
    assert wrapper.transport is wrapped.transport


def test_wrapper_provides_what_the_wrapped_provides() -> None:
    wrapper = _WrappingProtocol(Deferred(), Everything())
    assert IHalfCloseableProtocol.providedBy(wrapper) and IHandshakeListener.providedBy(wrapper)
    plain = _WrappingProtocol(Deferred(), Notes())
    assert not IHalfCloseableProtocol.providedBy(plain) and not IHandshakeListener.providedBy(plain)


def test_wrapper_has_the_wrapped_name() -> None:
    class Bare:
        pass

    assert _WrappingProtocol(Deferred(), Notes()).logPrefix() == "Notes"
    assert _WrappingProtocol(Deferred(), Bare()).logPrefix() == "Bare"


def test_wrapping_factory_counts_for_the_wrapped() -> None:
    wrapped = ClientFactory[Any]()
    wrapped.noisy = False
    wrapping = _WrappingFactory(wrapped)
    wrapping.doStart()
    assert wrapped.numPorts == 1
    wrapping.doStop()
    assert wrapped.numPorts == 0


def test_factory_that_builds_nothing_or_raises_fails_the_attempt() -> None:
    class Nothing(Factory[Any]):
        def buildProtocol(self, addr: Any) -> None:
            return None

    class Broken(Factory[Any]):
        def buildProtocol(self, addr: Any) -> None:
            raise ZeroDivisionError

    for kind, error in ((Nothing, NoProtocol), (Broken, ZeroDivisionError)):
        wrapping = _WrappingFactory(kind())
        assert wrapping.buildProtocol(None) is None
        assert result_of(wrapping._onConnection).check(error)


def test_connect_protocol_connects_this_one() -> None:
    reactor = MemoryReactorClock()
    protocol = Notes()
    deferred = connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", 80), protocol)
    factory = reactor.tcpClients[0][2]
    assert not factory._wrappedFactory.noisy
    factory.buildProtocol(None).makeConnection(StringTransport())
    assert result_of(deferred) is protocol


class Wrapper(Factory[Any]):
    """Makes protocols that have a `wrappedProtocol`."""

    def __init__(self, factory: Any) -> None:
        self.factory = factory

    def buildProtocol(self, addr: Any) -> Any:
        protocol = Protocol()
        protocol.wrappedProtocol = self.factory.buildProtocol(addr)  # type: ignore[attr-defined]
        return protocol


def test_wrapper_endpoint_fires_with_the_inner_protocol() -> None:
    reactor = MemoryReactorClock()
    endpoint = _WrapperEndpoint(TCP4ClientEndpoint(reactor, "127.0.0.1", 80), Wrapper)
    assert repr(endpoint) == "<_WrapperEndpoint over <TCP4ClientEndpoint 127.0.0.1:80>>"
    deferred = endpoint.connect(Factory.forProtocol(Notes))
    reactor.tcpClients[0][2].buildProtocol(None).makeConnection(StringTransport())
    assert isinstance(result_of(deferred), Notes)


def test_wrapper_server_endpoint_listens_with_the_wrapper() -> None:
    reactor = MemoryReactorClock()
    endpoint = _WrapperServerEndpoint(TCP4ServerEndpoint(reactor, 80), Wrapper)
    assert repr(endpoint) == "<_WrapperServerEndpoint over <TCP4ServerEndpoint *:80>>"
    factory = Factory.forProtocol(Notes)
    result_of(endpoint.listen(factory))
    assert reactor.tcpServers[0][1].factory is factory
