"""What tests of networked programs need: time, transports and reactors that do only what the test says.

Beside the floors: may import any of them, and none imports it.

    clock = Clock(); clock.advance(5)                   # time
    transport = StringTransport()                       # keeps what a protocol writes
    pair = connect(server, client); pair.flush()        # two protocols joined in memory, moved step by step
    ScriptedPeer().send(b"220\\r\\n").play(client)        # the other side of a conversation, from a script
    reactor = MemoryReactorClock()                      # notes what is asked of it

Twisted: `twisted.internet.testing`; `connect`, `Pair`, `MemoryTransport` and `ScriptedPeer` are new.
"""

from typing import TYPE_CHECKING

from selvage._publish import load_late

if TYPE_CHECKING:
    from selvage.tasks import Clock
    from selvage.testing._datagram import FakeDatagramTransport
    from selvage.testing._memory_reactor import (
        MemoryReactor,
        MemoryReactorClock,
        RaisingMemoryReactor,
        SynchronousResolver,
        _FakeConnector,
        _FakePort,
    )
    from selvage.testing._observer import EventLoggingObserver
    from selvage.testing._pair import MemoryTransport, Pair, connect
    from selvage.testing._protocols import (
        AccumulatingProtocol,
        LineSendingProtocol,
        NonStreamingProducer,
        waitUntilAllDisconnected,
    )
    from selvage.testing._script import ScriptedPeer
    from selvage.testing._string_transport import (
        StringIOWithoutClosing,
        StringTransport,
        StringTransportWithDisconnection,
    )

__all__ = [
    "AccumulatingProtocol",
    "Clock",
    "EventLoggingObserver",
    "FakeDatagramTransport",
    "LineSendingProtocol",
    "MemoryReactor",
    "MemoryReactorClock",
    "MemoryTransport",
    "NonStreamingProducer",
    "Pair",
    "RaisingMemoryReactor",
    "ScriptedPeer",
    "StringIOWithoutClosing",
    "StringTransport",
    "StringTransportWithDisconnection",
    "SynchronousResolver",
    "_FakeConnector",
    "_FakePort",
    "connect",
    "waitUntilAllDisconnected",
]

# Loaded when first asked for: the pytest plugin stands in this package and is imported by every run of pytest.
_LATE = {
    "AccumulatingProtocol": "selvage.testing._protocols",
    "Clock": "selvage.tasks",
    "EventLoggingObserver": "selvage.testing._observer",
    "FakeDatagramTransport": "selvage.testing._datagram",
    "LineSendingProtocol": "selvage.testing._protocols",
    "MemoryReactor": "selvage.testing._memory_reactor",
    "MemoryReactorClock": "selvage.testing._memory_reactor",
    "MemoryTransport": "selvage.testing._pair",
    "NonStreamingProducer": "selvage.testing._protocols",
    "Pair": "selvage.testing._pair",
    "RaisingMemoryReactor": "selvage.testing._memory_reactor",
    "ScriptedPeer": "selvage.testing._script",
    "StringIOWithoutClosing": "selvage.testing._string_transport",
    "StringTransport": "selvage.testing._string_transport",
    "StringTransportWithDisconnection": "selvage.testing._string_transport",
    "SynchronousResolver": "selvage.testing._memory_reactor",
    "_FakeConnector": "selvage.testing._memory_reactor",
    "_FakePort": "selvage.testing._memory_reactor",
    "connect": "selvage.testing._pair",
    "waitUntilAllDisconnected": "selvage.testing._protocols",
}

if not TYPE_CHECKING:
    __getattr__ = load_late(globals(), _LATE)
