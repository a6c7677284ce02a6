"""`twisted.internet.testing`: transports, reactors and protocols for tests."""

from selvage.tasks import Clock as Clock
from selvage.testing import (
    AccumulatingProtocol as AccumulatingProtocol,
    EventLoggingObserver as EventLoggingObserver,
    FakeDatagramTransport as FakeDatagramTransport,
    LineSendingProtocol as LineSendingProtocol,
    MemoryReactor as MemoryReactor,
    MemoryReactorClock as MemoryReactorClock,
    NonStreamingProducer as NonStreamingProducer,
    RaisingMemoryReactor as RaisingMemoryReactor,
    StringIOWithoutClosing as StringIOWithoutClosing,
    StringTransport as StringTransport,
    StringTransportWithDisconnection as StringTransportWithDisconnection,
    SynchronousResolver as SynchronousResolver,
    _FakeConnector as _FakeConnector,
    _FakePort as _FakePort,
    waitUntilAllDisconnected as waitUntilAllDisconnected,
)

__all__ = [
    "AccumulatingProtocol",
    "EventLoggingObserver",
    "FakeDatagramTransport",
    "LineSendingProtocol",
    "MemoryReactor",
    "MemoryReactorClock",
    "NonStreamingProducer",
    "RaisingMemoryReactor",
    "StringIOWithoutClosing",
    "StringTransport",
    "StringTransportWithDisconnection",
    "_FakeConnector",
    "_FakePort",
    "waitUntilAllDisconnected",
]
