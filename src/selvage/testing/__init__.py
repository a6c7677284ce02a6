"""What tests of networked programs need: time, transports and reactors that do only what the test says.

Beside the floors: may import any of them, and none imports it.

    clock = Clock(); clock.advance(5)                   # time
    transport = StringTransport()                       # keeps what a protocol writes
    pair = connect(server, client); pair.flush()        # two protocols joined in memory, moved step by step
    ScriptedPeer().send(b"220\\r\\n").play(client)        # the other side of a conversation, from a script
    reactor = MemoryReactorClock()                      # notes what is asked of it

Twisted: `twisted.internet.testing`; `connect`, `Pair`, `MemoryTransport` and `ScriptedPeer` are new.
"""

from selvage._publish import publish
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

publish(globals())
