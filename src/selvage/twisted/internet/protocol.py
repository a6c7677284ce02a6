"""`twisted.internet.protocol`: protocols and their factories."""

from selvage.protocols import (
    AbstractDatagramProtocol as AbstractDatagramProtocol,
    BaseProtocol as BaseProtocol,
    ClientCreator as ClientCreator,
    ClientFactory as ClientFactory,
    ConnectedDatagramProtocol as ConnectedDatagramProtocol,
    ConsumerToProtocolAdapter as ConsumerToProtocolAdapter,
    DatagramProtocol as DatagramProtocol,
    Factory as Factory,
    FileWrapper as FileWrapper,
    ProcessProtocol as ProcessProtocol,
    Protocol as Protocol,
    ProtocolToConsumerAdapter as ProtocolToConsumerAdapter,
    ReconnectingClientFactory as ReconnectingClientFactory,
    ServerFactory as ServerFactory,
    _InstanceFactory as _InstanceFactory,
    connectionDone as connectionDone,
)

__all__ = [
    "AbstractDatagramProtocol",
    "ClientCreator",
    "ClientFactory",
    "ConnectedDatagramProtocol",
    "DatagramProtocol",
    "Factory",
    "FileWrapper",
    "ProcessProtocol",
    "Protocol",
    "ReconnectingClientFactory",
    "ServerFactory",
    "connectionDone",
]
