"""What mypy --strict and pyright have to make of the interfaces.

Each `type: ignore` marks a mistake that has to be noticed: both checkers are told to complain of ignores without cause.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportUntypedClassDecorator=false, reportMissingTypeStubs=false

from __future__ import annotations

from typing import assert_type

from zope.interface import implementer as zope_implementer

from selvage.addresses import IPv4Address, UNIXAddress
from selvage.failure import Failure
from selvage.interfaces import (
    IAddress,
    IConsumer,
    IHalfCloseableProtocol,
    IHostResolution,
    IListeningPort,
    INegotiated,
    IProtocol,
    IProtocolFactory,
    IPullProducer,
    IPushProducer,
    IReactorTCP,
    IReactorTime,
    ITCPTransport,
    ITransport,
    implementer,
)


@implementer(IProtocol)
class Echo:
    """A user's protocol: other parameter names, no base class."""

    transport: ITransport

    def makeConnection(self, transport: ITransport) -> None:
        self.transport = transport

    def connectionMade(self) -> None:
        self.transport.write(b"hello")

    def dataReceived(self, chunk: bytes) -> None:
        self.transport.write(chunk)
        self.transport.writeSequence([chunk, chunk])

    def connectionLost(self, why: Failure) -> None:
        self.transport.loseConnection()


class HalfCloseEcho(Echo):
    def readConnectionLost(self) -> None:
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None: ...


@implementer(IProtocolFactory)
class EchoFactory:
    def buildProtocol(self, addr: IAddress) -> Echo:
        if isinstance(addr, IPv4Address):
            print(addr.host, addr.port + 1)
        return Echo()

    def doStart(self) -> None: ...

    def doStop(self) -> None: ...


class Door:
    """Refuses everybody."""

    def buildProtocol(self, addr: object) -> None:
        return None

    def doStart(self) -> None: ...

    def doStop(self) -> None: ...


@zope_implementer(IPushProducer)
class Ticker:
    def __init__(self, consumer: IConsumer) -> None:
        consumer.registerProducer(self, streaming=True)

    def pauseProducing(self) -> None: ...

    def resumeProducing(self) -> None: ...

    def stopProducing(self) -> None: ...


class Resolution:
    name: str = "example.com"

    def cancel(self) -> None: ...


class TextProtocol(Echo):
    def dataReceived(self, chunk: str) -> None:  # type: ignore[override]
        """Wrong: bytes come, not text."""


class Lonely:
    def stopProducing(self) -> None: ...


class NumberedResolution(Resolution):
    name: int = 5  # type: ignore[assignment]


def takes_protocol(protocol: IProtocol) -> None: ...


def takes_factory(factory: IProtocolFactory) -> None: ...


def takes_push(producer: IPushProducer) -> None: ...


def takes_pull(producer: IPullProducer) -> None: ...


def takes_resolution(resolution: IHostResolution) -> None: ...


def right(consumer: IConsumer) -> None:
    takes_protocol(Echo())
    takes_protocol(HalfCloseEcho())
    takes_factory(EchoFactory())
    takes_factory(Door())
    takes_push(Ticker(consumer))
    takes_pull(Ticker(consumer))
    takes_resolution(Resolution())
    assert_type(Echo().transport, ITransport)


def wrong() -> None:
    takes_protocol(TextProtocol())  # type: ignore[arg-type]
    takes_protocol(EchoFactory())  # type: ignore[arg-type]
    takes_factory(Echo())  # type: ignore[arg-type]
    takes_push(Lonely())  # type: ignore[arg-type]
    takes_resolution(NumberedResolution())  # type: ignore[arg-type]
    takes_protocol(IProtocol)  # type: ignore[arg-type]


def asking(protocol: IProtocol, transport: ITransport) -> None:
    if IHalfCloseableProtocol.providedBy(protocol):
        protocol.readConnectionLost()
        protocol.dataReceived(b"still a protocol")
    if ITCPTransport.providedBy(transport):
        assert_type(transport, ITCPTransport)
        transport.setTcpNoDelay(True)
    if INegotiated.providedBy(transport):
        assert_type(transport.negotiatedProtocol, bytes | None)
        transport.negotiatedProtocol = b"h2"  # type: ignore[misc]
    IProtocol.implementedBy(Echo)
    IProtocol.nothing  # type: ignore[attr-defined]
    assert_type(IProtocol["dataReceived"].__doc__ is None, bool)
    print(list(IProtocol), "dataReceived" in IProtocol, IProtocol.names(all=True))


def serving(reactor: IReactorTCP, clock: IReactorTime) -> None:
    port = reactor.listenTCP(0, EchoFactory(), interface="127.0.0.1")
    assert_type(port, IListeningPort)
    print(port.getHost())
    reactor.connectTCP("127.0.0.1", 80, EchoFactory(), timeout=3).disconnect()
    reactor.listenTCP("http", EchoFactory())  # type: ignore[arg-type]
    call = clock.callLater(0.5, print, "later", sep=" ")
    call.reset(1)
    call.reset("soon")  # type: ignore[arg-type]


def addresses() -> None:
    address = IPv4Address("TCP", "127.0.0.1", 80)
    assert_type(address.port, int)
    assert_type(UNIXAddress("/tmp/x").name, bytes | None)
    declared: IAddress = address
    print(declared)
    IPv4Address("TLS", "127.0.0.1", 80)  # type: ignore[arg-type]
