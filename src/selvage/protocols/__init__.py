"""Protocols and their factories: what one writes programs with.  Floor 3.

A protocol holds one conversation, a factory makes a protocol for each connection and keeps what they share.
`selvage.protocols.basic` has those that cut the stream into lines and strings.

Twisted: all of `twisted.internet.protocol`.
"""

from selvage._publish import publish
from selvage.protocols._adapters import (
    ConsumerToProtocolAdapter as ConsumerToProtocolAdapter,
    FileWrapper as FileWrapper,
    ProtocolToConsumerAdapter as ProtocolToConsumerAdapter,
)
from selvage.protocols._client_creator import (
    ClientCreator as ClientCreator,
    _InstanceFactory as _InstanceFactory,
)
from selvage.protocols._factory import (
    ClientFactory as ClientFactory,
    Factory as Factory,
    ServerFactory as ServerFactory,
)
from selvage.protocols._protocol import (
    AbstractDatagramProtocol as AbstractDatagramProtocol,
    BaseProtocol as BaseProtocol,
    ConnectedDatagramProtocol as ConnectedDatagramProtocol,
    DatagramProtocol as DatagramProtocol,
    ProcessProtocol as ProcessProtocol,
    Protocol as Protocol,
    connectionDone as connectionDone,
)
from selvage.protocols._reconnecting import ReconnectingClientFactory as ReconnectingClientFactory

__all__ = [
    "AbstractDatagramProtocol",
    "BaseProtocol",
    "ClientCreator",
    "ClientFactory",
    "ConnectedDatagramProtocol",
    "ConsumerToProtocolAdapter",
    "DatagramProtocol",
    "Factory",
    "FileWrapper",
    "ProcessProtocol",
    "Protocol",
    "ProtocolToConsumerAdapter",
    "ReconnectingClientFactory",
    "ServerFactory",
    "connectionDone",
]

publish(globals())
