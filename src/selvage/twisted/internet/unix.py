"""UNIX socket transports."""

from selvage.transports.unix import (
    Client as Client,
    ConnectedDatagramPort as ConnectedDatagramPort,
    Connector as Connector,
    DatagramPort as DatagramPort,
    Port as Port,
    Server as Server,
)

__all__ = ["Client", "ConnectedDatagramPort", "Connector", "DatagramPort", "Port", "Server"]
