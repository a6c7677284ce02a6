"""Endpoints, the plugins that make them from strings, and the oldest of service containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._base import Interface, Protocol

if TYPE_CHECKING:
    from selvage.defer import Deferred

    from ._address import IListeningPort
    from ._protocol import IProtocolFactory

__all__ = [
    "IServiceCollection",
    "IStreamClientEndpoint",
    "IStreamClientEndpointStringParserWithReactor",
    "IStreamServerEndpoint",
    "IStreamServerEndpointStringParser",
]


class IStreamClientEndpoint(Interface, Protocol):
    """A place to connect to."""

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        """Connect once.

        Fires with the protocol that the factory made, when it is connected.
        Fails with ConnectError, or NoProtocol when the factory made none. Cancelling gives the attempt up.
        """


class IStreamServerEndpoint(Interface, Protocol):
    """A place to listen."""

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen.

        Fires with the port.
        Fails with CannotListenError.
        """


class IStreamServerEndpointStringParser(Interface, Protocol):
    """A plugin for `serverFromString`."""

    @property
    def prefix(self) -> str:
        """The word before the first colon that this plugin answers to."""

    def parseStreamServer(self, reactor: Any, *args: Any, **kwargs: Any) -> IStreamServerEndpoint:
        """Make the endpoint.

        Args:
            args: the parts of the description after the prefix that have no name.
            kwargs: those of the form name=value.
        """


class IStreamClientEndpointStringParserWithReactor(Interface, Protocol):
    """A plugin for `clientFromString`."""

    @property
    def prefix(self) -> str:
        """The word before the first colon that this plugin answers to."""

    def parseStreamClient(self, reactor: Any, *args: Any, **kwargs: Any) -> IStreamClientEndpoint:
        """Make the endpoint; arguments as for `parseStreamServer`."""


class IServiceCollection(Interface, Protocol):
    """A container of named services."""

    def getServiceNamed(self, serviceName: str) -> Any:
        """Return a service.

        Raises:
            KeyError: none has that name.
        """

    def addService(self, service: Any) -> object:
        """Take a service in."""

    def removeService(self, service: Any) -> object:
        """Let a service go."""
