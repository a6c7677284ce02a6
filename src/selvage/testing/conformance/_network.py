"""What a reactor promises about TCP and UDP beyond what its transports do, and pairs of transports to check those."""

from __future__ import annotations

import shutil
import tempfile
from typing import Any

from selvage.testing.conformance._case import broken
from selvage.testing.conformance._parts import OneProtocol, kinds_of, provide
from selvage.testing.conformance._reactor import REACTOR, ReactorBench, raises
from selvage.testing.conformance._transport import MakePair

__all__ = ["tcp_pair", "tls_pair", "unix_pair"]

_HERE = "127.0.0.1"
#: Seconds that one turn of a reactor waits at most.
_TURN_S = 0.0005


class _ReactorPair:
    """What `make_pair` returns: lets the reactor take a turn, and stops listening at the end."""

    def __init__(self, reactor: Any, port: Any, folder: str | None = None) -> None:
        self._reactor = reactor
        self._port = port
        self._folder = folder

    def __call__(self) -> None:
        self._reactor.iterate(_TURN_S)

    def close(self) -> None:
        """Stop listening, and remove the folder of the socket."""
        self._port.stopListening()
        self()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def tcp_pair(reactor: Any) -> MakePair:
    """Make a `make_pair` for `check_transport` over TCP: the first protocol is the client's, the second the server's.

    Args:
        reactor: provides `IReactorTCP` and has `iterate`; it is not running.
    """

    def make_pair(first: Any, second: Any) -> _ReactorPair:
        port = reactor.listenTCP(0, OneProtocol(second), interface=_HERE)
        reactor.connectTCP(_HERE, port.getHost().port, OneProtocol(first))
        return _ReactorPair(reactor, port)

    return make_pair


def tls_pair(reactor: Any, client_context: Any, server_context: Any) -> MakePair:
    """Make a `make_pair` for `check_transport` over TLS: the first protocol is the client's, the second the server's.

    Args:
        reactor: provides `IReactorSSL` and has `iterate`; it is not running.
        client_context, server_context: what `connectSSL` and `listenSSL` take; the server is known by 127.0.0.1.
    """

    def make_pair(first: Any, second: Any) -> _ReactorPair:
        port = reactor.listenSSL(0, OneProtocol(second), server_context, interface=_HERE)
        reactor.connectSSL(_HERE, port.getHost().port, OneProtocol(first), client_context)
        return _ReactorPair(reactor, port)

    return make_pair


def unix_pair(reactor: Any) -> MakePair:
    """Make a `make_pair` for `check_transport` over UNIX sockets: the first is the client's, the second the server's.

    Args:
        reactor: provides `IReactorUNIX` and has `iterate`; it is not running.
    """

    def make_pair(first: Any, second: Any) -> _ReactorPair:
        # The path is short: that of a UNIX socket may have no more than about 100 bytes.
        folder = tempfile.mkdtemp(prefix="pair-")
        path = f"{folder}/socket"
        port = reactor.listenUNIX(path, OneProtocol(second))
        reactor.connectUNIX(path, OneProtocol(first))
        return _ReactorPair(reactor, port, folder)

    return make_pair


def _listen(bench: ReactorBench, *made: Any) -> tuple[Any, OneProtocol]:
    factory = OneProtocol(*(made or (bench.recorder,)))
    return bench.opened(bench.reactor.listenTCP(0, factory, interface=_HERE)), factory


@REACTOR.promise("tcp")
def a_port_listens_at_once(bench: ReactorBench) -> None:
    """listenTCP listens before it returns: getHost() knows the port, and one that is taken is refused with CannotListenError."""
    port, factory = _listen(bench)
    number = port.getHost().port
    if not number:
        broken(f"getHost() is {port.getHost()!r}")

    def listen_again() -> None:
        bench.opened(bench.reactor.listenTCP(number, OneProtocol(bench.recorder), interface=_HERE))

    raises("CannotListenError", listen_again)
    port.stopListening()
    bench.wait(lambda: factory.stopped == 1, f"after stopListening doStop was called {factory.stopped} times")
    listen_again()


@REACTOR.promise("tcp")
def a_client_and_a_server_meet(bench: ReactorBench) -> None:
    """connectTCP connects to what listenTCP listens on; each factory builds one protocol, for the other side's address."""
    mine, theirs = bench.recorder(), bench.recorder()
    port, server = _listen(bench, theirs)
    client = OneProtocol(mine)
    bench.reactor.connectTCP(_HERE, port.getHost().port, client)
    bench.wait(lambda: mine.transport and theirs.transport, "the two were not connected")
    if len(server.built) != 1 or server.built[0] != mine.transport.getHost():
        broken(f"the server built {len(server.built)} protocols, for {server.built}")
    if len(client.built) != 1 or client.built[0] != port.getHost():
        broken(f"the client built {len(client.built)} protocols, for {client.built}")
    mine.transport.loseConnection()
    bench.wait(lambda: mine.lost and theirs.lost, "connectionLost was not called on both sides")
    bench.wait(
        lambda: client.stopped == 1,
        "doStop of the client's factory was not called when its connection was lost",
    )


@REACTOR.promise("tcp")
def a_failed_attempt_says_why(bench: ReactorBench) -> None:
    """A connection that is refused fails with ConnectionRefusedError, later and once; one that is given up with UserError."""
    port, _ = _listen(bench)
    number = port.getHost().port
    port.stopListening()
    bench.settle()
    refused, given_up = OneProtocol(bench.recorder), OneProtocol(bench.recorder)
    bench.reactor.connectTCP(_HERE, number, refused)
    if refused.failed:
        broken("clientConnectionFailed was called from within connectTCP()")
    bench.wait(lambda: refused.failed, "clientConnectionFailed was not called")
    bench.reactor.connectTCP(_HERE, number, given_up).stopConnecting()
    bench.wait(lambda: given_up.failed, "clientConnectionFailed was not called after stopConnecting()")
    bench.settle()
    for factory, kind in ((refused, "ConnectionRefusedError"), (given_up, "UserError")):
        if len(factory.failed) != 1 or kind not in kinds_of(factory.failed[0]):
            broken(
                f"clientConnectionFailed was given {[each.value for each in factory.failed]}, not one {kind}"
            )
        if (factory.started, factory.stopped) != (1, 1):
            broken(f"doStart was called {factory.started} times and doStop {factory.stopped} times")


class _Datagrams:
    def __init__(self, answer: bool = False) -> None:
        self.transport: Any = None
        self.got: list[Any] = []
        self.refused = self.stopped = 0
        self._answer = answer
        provide(self, "ILoggingContext")
        self.noisy = False

    def logPrefix(self) -> str:
        return "conformance"

    def makeConnection(self, transport: Any) -> None:
        self.transport = transport

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.got.append((datagram, addr))
        if self._answer:
            self.transport.write(b"answer to " + datagram, addr)

    def connectionRefused(self) -> None:
        self.refused += 1

    def doStop(self) -> None:
        self.stopped += 1


@REACTOR.promise("udp")
def datagrams_arrive_as_they_were_sent(bench: ReactorBench) -> None:
    """Each datagram comes as one datagramReceived, with its sender's address, which can be answered."""
    echo, client = _Datagrams(answer=True), _Datagrams()
    ports = [
        bench.opened(bench.reactor.listenUDP(0, protocol, interface=_HERE)) for protocol in (echo, client)
    ]
    here, there = ((_HERE, port.getHost().port) for port in reversed(ports))
    bench.wait(lambda: client.transport and echo.transport, "the protocols got no transport")
    for datagram in (b"one", b"", b"x" * 8000):
        client.transport.write(datagram, there)
        # One at a time: the network may drop or exchange what is under way together.
        bench.grows(client.got, lambda: f"no answer came; so far: {client.got}")
    expected = [(b"one", here), (b"", here), (b"x" * 8000, here)]
    if echo.got != expected or client.got != [(b"answer to " + datagram, there) for datagram, _ in expected]:
        broken(f"{[(len(data), addr) for data, addr in [*echo.got, *client.got]]} came")
    for port in ports:
        port.stopListening()
    bench.wait(
        lambda: echo.stopped == client.stopped == 1, "doStop was not called once each after stopListening"
    )


@REACTOR.promise("udp")
def a_connected_socket_hears_of_a_closed_port(bench: ReactorBench) -> None:
    """A protocol whose transport is connected hears connectionRefused when nobody listens there."""
    gone = bench.reactor.listenUDP(0, _Datagrams(), interface=_HERE)
    number = gone.getHost().port
    gone.stopListening()
    bench.settle()
    client = _Datagrams()
    bench.opened(bench.reactor.listenUDP(0, client, interface=_HERE))
    bench.wait(lambda: client.transport, "the protocol got no transport")
    client.transport.connect(_HERE, number)
    client.transport.write(b"anybody?")
    bench.wait(lambda: client.refused, "connectionRefused was not called")
