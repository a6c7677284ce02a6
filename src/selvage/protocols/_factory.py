"""Factories: what outlives single connections and makes a protocol for each.  Floor 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, cast

from selvage.interfaces import ILoggingContext, IProtocolFactory, implementer
from selvage.protocols._mention import mention

if TYPE_CHECKING:
    from typing import Self

    from typing_extensions import TypeVar

    from selvage.failure import Failure
    from selvage.interfaces import IAddress, IConnector

    # With a default, `class EchoFactory(Factory)` says all that mypy --strict wants to hear.
    P = TypeVar("P", default=Any)
else:
    from typing import TypeVar

    P = TypeVar("P")

__all__ = ["ClientFactory", "Factory", "ServerFactory"]


@implementer(IProtocolFactory, ILoggingContext)
class Factory(Generic[P]):
    """Makes a protocol for each connection and keeps what the connections share.

    Set `protocol` to the class of the protocols, or override `buildProtocol`.

    Twisted: `twisted.internet.protocol.Factory`.
    """

    #: Called without arguments for each connection; most often the protocol's class.
    protocol: Callable[[], P] | None = None
    #: How many ports and connectors use this factory at present.
    numPorts = 0
    #: Whether starting and stopping are mentioned to the log.
    noisy = True

    @classmethod
    def forProtocol(cls, protocol: Callable[[], P], *args: Any, **kwargs: Any) -> Self:
        """Make a factory of this class whose protocols are of the class `protocol`.

        Args:
            protocol: called without arguments for each connection.
            args: and kwargs: for the factory's own class.

        Raises:
            TypeError: `protocol` is a protocol, not a class of them.
        """
        if protocol is not None and not callable(protocol):
            raise TypeError(
                f"{cls.__name__}.forProtocol() takes a class, which it calls for each connection, not {protocol!r}: "
                f"pass {type(protocol).__name__} itself"
            )
        factory = cls(*args, **kwargs)
        factory.protocol = protocol
        return factory

    def logPrefix(self) -> str:
        """Return the name under which messages about this factory appear: the name of its class."""
        return self.__class__.__name__

    def doStart(self) -> None:
        """Count one more user and call `startFactory` for the first.  For ports and connectors."""
        if self.numPorts == 0:
            if self.noisy:
                mention(self, "Starting factory {factory!r}", factory=self)
            self.startFactory()
        self.numPorts += 1

    def doStop(self) -> None:
        """Count one user less and call `stopFactory` after the last.  For ports and connectors.

        A factory that is not in use stays as it is.
        """
        if self.numPorts == 0:
            return
        self.numPorts -= 1
        if self.numPorts == 0:
            if self.noisy:
                mention(self, "Stopping factory {factory!r}", factory=self)
            self.stopFactory()

    def startFactory(self) -> None:
        """Hook: called before the first connection is possible; may be called again after `stopFactory`."""

    def stopFactory(self) -> None:
        """Hook: called when nothing uses this factory any more; connections may still be open."""

    def buildProtocol(self, addr: IAddress | None) -> P | None:
        """Make the protocol for one connection.

        Args:
            addr: the peer's address.

        Returns: the protocol, its `factory` set to this factory; None from a subclass's version refuses the connection.

        Raises:
            TypeError: this factory knows no protocol.
        """
        make = self.protocol
        if make is None:
            raise TypeError(
                f"{self!r} has no protocol to build: set its `protocol` attribute to a Protocol class, "
                "use Factory.forProtocol(...) or override buildProtocol()"
            )
        # Read through the instance: a plain function stored in the class body becomes a method, as in Twisted.
        protocol = make()
        cast(Any, protocol).factory = self
        return protocol


class ServerFactory(Factory[P]):
    """A factory for the accepting side; a name for readers, equal to `Factory`.

    Twisted: `twisted.internet.protocol.ServerFactory`.
    """


class ClientFactory(Factory[P]):
    """A factory for the connecting side, told of attempts that began, failed and ended.

    Twisted: `twisted.internet.protocol.ClientFactory`.
    """

    def startedConnecting(self, connector: IConnector) -> None:
        """Hook: an attempt begins; `connector.stopConnecting()` would end it."""

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Hook: an attempt ended without a connection; `connector.connect()` would try again.

        Args:
            reason: wraps a `ConnectError` or one of its subclasses.
        """

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Hook: an established connection is over; `connector.connect()` would connect again.

        Args:
            reason: wraps `ConnectionDone` or `ConnectionLost`, as in `Protocol.connectionLost`.
        """
