"""What a pair of stream endpoints promises: one listens, the other connects to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selvage.testing.conformance._case import Bench, Contract, broken
from selvage.testing.conformance._parts import OneProtocol, Recorder, kinds_of

__all__ = ["ENDPOINTS", "EndpointBench"]


class Outcome:
    """What became of a Deferred.

    Attributes:
        results, failures: what it fired with.
        events: those of the recorder that it fired with, at that moment.
    """

    def __init__(self, deferred: Any) -> None:
        if not hasattr(deferred, "addCallbacks"):
            broken(f"{deferred!r} was returned, which is no Deferred")
        self.deferred = deferred
        self.results: list[Any] = []
        self.failures: list[Any] = []
        self.events: list[str] = []
        deferred.addCallbacks(self._fired, self.failures.append)

    def _fired(self, result: Any) -> None:
        self.results.append(result)
        self.events = list(getattr(result, "events", ()))

    @property
    def is_known(self) -> bool:
        return bool(self.results or self.failures)


class EndpointBench(Bench):
    """A listening and a connecting endpoint.

    Args:
        server: the endpoint that listens, or a function that makes a new one for each check.
        client: the endpoint that connects, or a function that makes one for the port that the server listens on.
        advance: lets the world go on by a little.
    """

    def __init__(self, server: Any, client: Any, advance: Callable[[], object], **options: Any) -> None:
        super().__init__(advance, **options)
        self._server = server
        self._client = client
        self._ports: list[Any] = []
        self._clients: list[Any] = []  # for each port, made while it is open and knows its address
        self._protocols: list[Recorder] = []

    def outcome(self, deferred: Any, otherwise: str) -> Outcome:
        """Wait for a Deferred."""
        outcome = Outcome(deferred)
        self.wait(lambda: outcome.is_known, otherwise)
        return outcome

    def listen(self, *made: Any) -> tuple[Any, OneProtocol]:
        """Listen with a factory of these protocols; returns port and factory."""
        factory = OneProtocol(*(made or (self.recorder,)))
        endpoint = self._server if hasattr(self._server, "listen") else self._server()
        listening = self.outcome(endpoint.listen(factory), "the Deferred of listen() did not fire")
        if listening.failures:
            broken(f"listen() failed: {listening.failures[0].value!r}")
        port = listening.results[0]
        self._ports.append(port)
        self._clients.append(self._client if hasattr(self._client, "connect") else self._client(port))
        return port, factory

    def connect(self, port: Any, *made: Any) -> Outcome:
        """Connect to `port` with a factory of these protocols; returns what is to become of it."""
        endpoint = self._clients[self._ports.index(port)]
        return Outcome(endpoint.connect(OneProtocol(*(made or (self.recorder,)))))

    def connected(self, port: Any, *made: Any) -> Any:
        """Connect and wait for the protocol."""
        return self.succeeds(self.connect(port, *made))

    def succeeds(self, outcome: Outcome) -> Any:
        """Wait for a connection attempt to succeed; returns the protocol."""
        self.wait(lambda: outcome.is_known, "the Deferred of connect() did not fire")
        if outcome.failures:
            broken(f"connect() failed: {outcome.failures[0].value!r}")
        return outcome.results[0]

    def fails(self, outcome: Outcome, *kinds: str) -> None:
        """Wait for a connection attempt to fail, with one of these."""
        self.wait(lambda: outcome.is_known, "the Deferred of connect() did not fire")
        if outcome.results:
            broken(f"connect() fired with {outcome.results[0]!r}")
        if not kinds_of(outcome.failures[0]) & set(kinds):
            broken(f"connect() failed with {outcome.failures[0].value!r}, not {' or '.join(kinds)}")

    def stop(self, port: Any) -> None:
        """Stop listening, and wait until that is done."""
        stopping = port.stopListening()
        if stopping is not None:
            self.outcome(stopping, "the Deferred of stopListening() did not fire")

    def recorder(self) -> Recorder:
        """Make a protocol that is closed at the end."""
        self._protocols.append(Recorder())
        return self._protocols[-1]

    def close(self) -> None:
        """End connections and ports."""
        for protocol in self._protocols:
            if protocol.transport is not None and not protocol.lost:
                protocol.transport.loseConnection()
        for port in self._ports:
            port.stopListening()
        self.settle()


ENDPOINTS = Contract("endpoints", EndpointBench)


@ENDPOINTS.promise()
def listening_gives_a_port(bench: EndpointBench) -> None:
    """listen() fires with a port that knows its address and starts its factory; stopListening stops both."""
    port, factory = bench.listen()
    if port.getHost() is None:
        broken("getHost() of the port is None")
    if (factory.started, factory.stopped) != (1, 0):
        broken(f"doStart was called {factory.started} times and doStop {factory.stopped} times")
    bench.stop(port)
    bench.wait(lambda: factory.stopped == 1, f"after stopListening doStop was called {factory.stopped} times")


@ENDPOINTS.promise()
def connecting_gives_the_protocol(bench: EndpointBench) -> None:
    """connect() fires with the very protocol that its factory built, connected; the server builds one as well."""
    port, factory = bench.listen()
    mine = bench.recorder()
    outcome = bench.connect(port, mine)
    got = bench.succeeds(outcome)
    if got is not mine:
        broken(f"connect() fired with {got!r} instead of {mine!r}")
    if outcome.events[:1] != ["made"]:
        broken("connect() fired before makeConnection was called")
    bench.wait(lambda: factory.built, "buildProtocol of the listening factory was not called")


@ENDPOINTS.promise()
def both_sides_can_talk(bench: EndpointBench) -> None:
    """What one side writes arrives at the other, and the end of one is the end of both."""
    theirs = bench.recorder()
    port, _ = bench.listen(theirs)
    mine = bench.connected(port, bench.recorder())
    bench.wait(lambda: theirs.transport, "the server's protocol was not connected")
    mine.transport.write(b"question")
    bench.wait(lambda: theirs.data == b"question", lambda: f"{theirs.data!r} arrived for b'question'")
    theirs.transport.write(b"answer")
    bench.wait(lambda: mine.data == b"answer", lambda: f"{mine.data!r} arrived for b'answer'")
    theirs.transport.loseConnection()
    bench.wait(lambda: mine.lost and theirs.lost, "connectionLost was not called on both sides")


@ENDPOINTS.promise()
def connections_are_independent(bench: EndpointBench) -> None:
    """Each connection has protocols of its own, and the end of one is not the end of another."""
    port, factory = bench.listen()
    one, other = bench.connected(port), bench.connected(port)
    bench.wait(
        lambda: len(factory.built) == 2, f"the server built {len(factory.built)} protocols for 2 connections"
    )
    one.transport.loseConnection()
    bench.wait(lambda: one.lost, "connectionLost was not called")
    bench.settle()
    if other.lost:
        broken("the end of one connection ended the other")


@ENDPOINTS.promise()
def a_factory_may_have_no_protocol(bench: EndpointBench) -> None:
    """When the connecting factory builds None, connect() fails with NoProtocol and the connection is closed."""
    theirs = bench.recorder()
    port, _ = bench.listen(theirs)
    bench.fails(bench.connect(port, None), "NoProtocol")
    bench.settle()
    bench.wait(lambda: theirs.lost or not theirs.transport, "the server's side stayed connected")


@ENDPOINTS.promise()
def a_factory_may_fail(bench: EndpointBench) -> None:
    """When the connecting factory raises, connect() fails with what it raised, and raises nothing itself."""
    port, _ = bench.listen()
    bench.fails(
        bench.connect(port, ZeroDivisionError("raised by a factory, on purpose")), "ZeroDivisionError"
    )


@ENDPOINTS.promise()
def a_server_may_have_no_protocol(bench: EndpointBench) -> None:
    """When the listening factory builds None, that client is disconnected and the next is served."""
    theirs = bench.recorder()
    port, _ = bench.listen(None, theirs)
    refused = bench.connected(port)
    bench.wait(lambda: refused.lost, "the client for whom there was no protocol stayed connected")
    bench.connected(port)
    bench.wait(lambda: theirs.transport, "the next client was not served")


@ENDPOINTS.promise()
def nobody_listens_no_more(bench: EndpointBench) -> None:
    """After stopListening connections go on, and a new one fails with a ConnectError."""
    port, _ = bench.listen()
    mine = bench.connected(port)
    bench.stop(port)
    bench.fails(bench.connect(port), "ConnectError", "ConnectingCancelledError")
    bench.settle()
    if mine.lost:
        broken("the end of the port ended its connection")


@ENDPOINTS.promise("cancelling")
def an_attempt_can_be_cancelled(bench: EndpointBench) -> None:
    """Cancelling connect() fails it at once with ConnectingCancelledError, and no protocol stays connected."""
    port, _ = bench.listen()
    mine = bench.recorder()
    outcome = bench.connect(port, mine)
    if outcome.is_known:
        return  # it connects before it returns: there is nothing to cancel
    outcome.deferred.cancel()
    if not outcome.failures:
        broken("cancel() did not make it fail")
    bench.fails(outcome, "ConnectingCancelledError", "CancelledError")
    bench.settle()
    if mine.transport is not None and not mine.lost:
        broken("the protocol of a cancelled attempt is connected")
