"""`ClientCreator`: one protocol, one Deferred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from selvage.errors import CancelledError, ConnectionRefusedError
from selvage.failure import Failure
from selvage.protocols import ClientCreator, Protocol
from selvage.testing import MemoryReactorClock, StringTransport

Attempt = tuple[MemoryReactorClock, Any, Any, list[Any]]


def tcp(reactor: MemoryReactorClock, creator: ClientCreator[Any]) -> tuple[Any, Any]:
    deferred = creator.connectTCP("h", 1, 7, ("127.0.0.1", 2))
    host, port, factory, timeout, bind = reactor.tcpClients.pop()
    assert (host, port, timeout, bind) == ("h", 1, 7, ("127.0.0.1", 2))
    return deferred, factory


def unix(reactor: MemoryReactorClock, creator: ClientCreator[Any]) -> tuple[Any, Any]:
    deferred = creator.connectUNIX("/x", 7, True)
    address, factory, timeout, check = reactor.unixClients.pop()
    assert (address, timeout, check) == ("/x", 7, True)
    return deferred, factory


def ssl(reactor: MemoryReactorClock, creator: ClientCreator[Any]) -> tuple[Any, Any]:
    deferred = creator.connectSSL("h", 1, "context", 7, None)
    host, port, factory, context, timeout, bind = reactor.sslClients.pop()
    assert (host, port, context, timeout, bind) == ("h", 1, "context", 7, None)
    return deferred, factory


@pytest.fixture(params=[tcp, unix, ssl])
def attempt(request: pytest.FixtureRequest) -> Attempt:
    """The reactor, the Deferred, the factory and the results of an attempt."""
    reactor = MemoryReactorClock()
    start: Callable[..., Any] = request.param
    deferred, factory = start(reactor, ClientCreator(reactor, Protocol))
    results: list[Any] = []
    deferred.addBoth(results.append)
    return reactor, deferred, factory, results


def test_fires_on_the_turn_after_the_connection(attempt: Attempt) -> None:
    reactor, _, factory, results = attempt
    protocol = factory.buildProtocol(None)
    protocol.makeConnection(StringTransport())
    assert results == []
    reactor.advance(0)
    assert results == [protocol]
    assert factory.buildProtocol(None) is protocol
    reactor.advance(0)


def test_fails_on_the_turn_after_the_failure(attempt: Attempt) -> None:
    reactor, _, factory, results = attempt
    factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
    assert results == []
    reactor.advance(0)
    assert results[0].check(ConnectionRefusedError)
    factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
    assert reactor.getDelayedCalls() == []


def test_cancelling_disconnects(attempt: Attempt) -> None:
    reactor, deferred, _, results = attempt
    deferred.cancel()
    assert reactor.connectors.pop()._disconnected
    assert results[0].check(CancelledError)


@pytest.mark.parametrize("outcome", ["connected", "failed"])
def test_cancelling_between_the_outcome_and_its_news(attempt: Attempt, outcome: str) -> None:
    reactor, deferred, factory, results = attempt
    if outcome == "connected":
        factory.buildProtocol(None)
    else:
        factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
    assert len(reactor.getDelayedCalls()) == 1
    deferred.cancel()
    assert reactor.getDelayedCalls() == []
    assert reactor.connectors.pop()._disconnected
    assert results[0].check(CancelledError)


def test_protocol_is_made_with_the_arguments() -> None:
    class Greeter(Protocol):
        def __init__(self, greeting: str, *, loud: bool) -> None:
            self.greeting, self.loud = greeting, loud

    reactor = MemoryReactorClock()
    _, factory = tcp(reactor, ClientCreator(reactor, Greeter, "hi", loud=True))
    assert (factory.instance.greeting, factory.instance.loud) == ("hi", True)
    assert repr(factory) == f"<ClientCreator factory: {factory.instance!r}>"
