"""`twisted.test.proto_helpers`: the old address of `twisted.internet.testing`.

An installed Twisted, whose package `twisted.test` runs beside ours, announces the deprecation of each of these names.
"""

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
