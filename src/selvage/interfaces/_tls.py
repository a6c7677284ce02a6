"""TLS: transports, and the objects that configure their contexts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._base import Interface, Protocol
from ._transport import ITCPTransport

if TYPE_CHECKING:
    from ._address import IConnector, IListeningPort
    from ._protocol import IProtocolFactory

__all__ = [
    "IAcceptableCiphers",
    "ICipher",
    "INegotiated",
    "IOpenSSLClientConnectionCreator",
    "IOpenSSLContextFactory",
    "IOpenSSLServerConnectionCreator",
    "IReactorSSL",
    "ISSLTransport",
    "ITLSTransport",
]


class IOpenSSLServerConnectionCreator(Interface, Protocol):
    """What makes the TLS state of each accepted connection."""

    def serverConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Return a new `OpenSSL.SSL.Connection` for a server.

        Args:
            tlsProtocol: the TLS protocol that will drive it.
        """


class IOpenSSLClientConnectionCreator(Interface, Protocol):
    """What makes the TLS state of each outgoing connection."""

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Return a new `OpenSSL.SSL.Connection` for a client.

        Args:
            tlsProtocol: the TLS protocol that will drive it.
        """


class IOpenSSLContextFactory(Interface, Protocol):
    """What makes TLS contexts; the older way, blind to the connection it is for."""

    def getContext(self) -> Any:
        """Return an `OpenSSL.SSL.Context`."""


class ITLSTransport(ITCPTransport, Protocol):
    """A TCP transport that can change to TLS in mid-stream."""

    def startTLS(self, contextFactory: Any) -> object:
        """Begin the handshake; all that is written from now on is encrypted.

        Args:
            contextFactory: an `IOpenSSLClientConnectionCreator` or `IOpenSSLServerConnectionCreator`, whichever side
                this is, or else an `IOpenSSLContextFactory`.
        """


class ISSLTransport(ITCPTransport, Protocol):
    """A stream over TLS."""

    def getPeerCertificate(self) -> Any:
        """Return the certificate that the peer has shown, None when it has shown none."""


class INegotiated(ISSLTransport, Protocol):
    """A stream over TLS whose protocol was chosen by ALPN."""

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """The chosen protocol's ALPN name, None when none was chosen or, before data has come, not yet."""


class ICipher(Interface, Protocol):
    """One cipher suite."""

    @property
    def fullName(self) -> str:
        """The suite's full name as OpenSSL spells it."""


class IAcceptableCiphers(Interface, Protocol):
    """A choice among cipher suites."""

    def selectCiphers(self, availableCiphers: tuple[ICipher, ...]) -> tuple[ICipher, ...]:
        """Return those of the available suites that may be used, the preferred one first."""


class IReactorSSL(Interface, Protocol):
    """A reactor with TLS over TCP."""

    def connectSSL(
        self,
        host: str,
        port: int,
        factory: IProtocolFactory,
        contextFactory: Any,
        timeout: float,
        bindAddress: tuple[str, int] | None,
    ) -> IConnector:
        """Connect over TLS; arguments as for `IReactorTCP.connectTCP`.

        Args:
            contextFactory: an `IOpenSSLClientConnectionCreator` or `IOpenSSLContextFactory`.
        """

    def listenSSL(
        self,
        port: int,
        factory: IProtocolFactory,
        contextFactory: Any,
        backlog: int = 50,
        interface: str = "",
    ) -> IListeningPort:
        """Accept connections over TLS; arguments as for `IReactorTCP.listenTCP`.

        Args:
            contextFactory: an `IOpenSSLServerConnectionCreator` or `IOpenSSLContextFactory`.
        """
