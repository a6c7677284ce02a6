"""Endpoints that go through a proxy keep the contract of every other endpoint, on real sockets and each loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from selvage import failure
from selvage.endpoints import (
    HTTPConnectClientEndpoint,
    SOCKS5ClientEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    _WrapperServerEndpoint,
)
from selvage.protocols.policies import ProtocolWrapper, WrappingFactory
from selvage.reactor import Reactor
from selvage.testing.conformance import cases

try:
    import uvloop
except ImportError:  # pragma: no cover
    uvloop = None

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.SelectorEventLoop}
if uvloop is not None:
    LOOPS["uvloop"] = uvloop.new_event_loop

#: What a proxy expects, to the last bytes of it, and what it answers.
SCRIPTS = {
    SOCKS5ClientEndpoint: [
        (b"\x05\x01\x00", b"\x05\x00"),
        (b"\x03\x06target\x00\x50", b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"),
    ],
    HTTPConnectClientEndpoint: [(b"\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n")],
}


class Granting(ProtocolWrapper):
    """A proxy and its target in one: grants what is asked, then is the connection of the wrapped factory's protocol."""

    def __init__(self, factory: Any, wrappedProtocol: Any) -> None:
        super().__init__(factory, wrappedProtocol)
        self.script = list(factory.script)
        self.asked = b""

    def makeConnection(self, transport: Any) -> None:
        self._attach(transport)

    def dataReceived(self, data: bytes) -> None:
        if self.wrappedProtocol is not None:
            self.wrappedProtocol.dataReceived(data)
            return
        self.asked += data
        expected, answer = self.script[0]
        if not self.asked.endswith(expected):
            return
        del self.script[0]
        self.asked = b""
        self.transport.write(answer)  # type: ignore[union-attr]
        if not self.script:
            self.wrappedProtocol = self.factory.wrappedFactory.buildProtocol(None)
            if self.wrappedProtocol is None:
                self.transport.loseConnection()  # type: ignore[union-attr]
            else:
                self._be_transport_of(self.wrappedProtocol)

    def connectionLost(self, reason: Any = None) -> None:
        if self.wrappedProtocol is not None:
            super().connectionLost(reason)


class GrantingFactory(WrappingFactory[Any]):
    def __init__(self, wrapped: Any, script: list[tuple[bytes, bytes]]) -> None:
        super().__init__(wrapped)
        self.script = script

    def buildProtocol(self, addr: Any) -> Any:
        return Granting(self, None)


@pytest.fixture(params=sorted(LOOPS))
def reactor(request: pytest.FixtureRequest) -> Iterator[Any]:
    loop = LOOPS[request.param]()
    made = Reactor(loop)
    yield made
    made._clear()
    loop.close()


@pytest.fixture
def quiet() -> Iterator[None]:
    """What a check lets fail on purpose is printed nowhere."""
    previous = failure.set_default_reporter(None)
    yield
    failure.set_default_reporter(previous)


@pytest.mark.parametrize("kind", list(SCRIPTS))
@pytest.mark.parametrize("case", cases("endpoints"), ids=str)
def test_contract(case: Any, kind: Any, reactor: Any, quiet: None) -> None:
    def server() -> Any:
        listening = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        return _WrapperServerEndpoint(listening, lambda factory: GrantingFactory(factory, SCRIPTS[kind]))

    def client(port: Any) -> Any:
        return kind(reactor, TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port), "target", 80)

    case.run(server, client, lambda: reactor.iterate(0.002))
