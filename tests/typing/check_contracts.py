"""Our own classes keep the contracts of selvage.interfaces, as checkers see them; no declaration is needed for that."""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true, reportMissingTypeStubs=false

from __future__ import annotations

from typing import assert_type

from selvage import Factory, Protocol, Reactor, get_reactor, run
from selvage.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorCore,
    IReactorFDSet,
    IReactorPluggableNameResolver,
    IReactorPluggableResolver,
    IReactorTCP,
    IReactorTCP2,
    IReactorThreads,
    IReactorTime,
    ITransport,
)
from selvage.protocols import ClientFactory, ReconnectingClientFactory, ServerFactory
from selvage.protocols.basic import Int32StringReceiver, LineReceiver
from selvage.tasks import Clock
from selvage.testing import StringTransport


class Echo(Protocol):
    """As users write it."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)


class Lines(LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        self.sendLine(line)


class EchoFactory(Factory):
    """No type arguments: mypy --strict has to be content all the same."""

    protocol = Echo


class CountingFactory(ServerFactory[Echo]):
    count = 0

    def buildProtocol(self, addr: IAddress) -> Echo | None:
        self.count += 1
        return super().buildProtocol(addr)


protocols: list[IProtocol] = [Protocol(), Echo(), Lines(), LineReceiver(), Int32StringReceiver()]
factories: list[IProtocolFactory] = [
    Factory(),
    ServerFactory(),
    ClientFactory(),
    ReconnectingClientFactory(),
    Factory.forProtocol(Echo),
    EchoFactory(),
    CountingFactory.forProtocol(Echo),
]
assert_type(CountingFactory.forProtocol(Echo).count, int)
clocks: list[IReactorTime] = [Clock(), get_reactor()]
call: IDelayedCall = Clock().callLater(1, print, "now")
transport: ITransport = StringTransport()


def reactor_is_all_of(reactor: Reactor) -> None:
    core: IReactorCore = reactor
    time: IReactorTime = reactor
    threads: IReactorThreads = reactor
    descriptors: IReactorFDSet = reactor
    resolving: IReactorPluggableResolver = reactor
    names: IReactorPluggableNameResolver = reactor
    tcp: IReactorTCP = reactor
    tcp2: IReactorTCP2 = reactor
    print(core, time, threads, descriptors, resolving, names, tcp, tcp2)


async def main(reactor: Reactor) -> int:
    reactor.listenTCP(0, Factory.forProtocol(Echo)).stopListening()
    return 3


assert_type(run(main), int)
