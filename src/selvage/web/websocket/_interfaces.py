"""What WebSocket's parts promise one another.  Floor 4.

Twisted: the protocols of `twisted.web.websocket`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from selvage.failure import Failure

__all__ = ["WebSocketClientFactory", "WebSocketProtocol", "WebSocketServerFactory", "WebSocketTransport"]


class WebSocketTransport(Protocol):
    """The way to the peer, as a `WebSocketProtocol` has it."""

    def sendTextMessage(self, text: str) -> None:
        """Send a text message; after `loseConnection` it is dropped."""

    def sendBytesMessage(self, data: bytes) -> None:
        """Send a binary message; after `loseConnection` it is dropped."""

    def loseConnection(self, code: int = 1000, reason: str = "") -> None:
        """Close, with a status code and a reason of up to 123 bytes; what was sent before arrives."""

    def ping(self, payload: bytes = b"") -> None:
        """Ask the peer whether it is there; `pongReceived` gets the same payload."""

    def attachProducer(self, producer: Any) -> None:
        """Have a push producer paused while the peer does not read fast enough."""

    def detachProducer(self) -> None:
        """Let go of the producer."""


class WebSocketProtocol(Protocol):
    """What a program writes: it is told of messages."""

    def negotiationStarted(self, transport: WebSocketTransport) -> None:
        """Hook: called once, first, with the way to the peer, which is not open yet."""

    def negotiationFinished(self) -> None:
        """Hook: called once, when messages can be sent and will come."""

    def bytesMessageReceived(self, data: bytes) -> None:
        """Hook: called with each binary message."""

    def textMessageReceived(self, message: str) -> None:
        """Hook: called with each text message."""

    def pongReceived(self, payload: bytes) -> None:
        """Hook: called when the peer answers a ping."""

    def connectionLost(self, reason: Failure) -> None:
        """Hook: called once, last.  The reason is a `WebSocketViolation` when the peer broke the rules."""


#: What is called for each connection; the other hooks, for what the peer may send.
_ALWAYS_CALLED = ("negotiationStarted", "negotiationFinished", "connectionLost")


def check_protocol(protocol: object, factory: object) -> None:
    """Refuse what a factory has built if it cannot be told of a connection.

    Raises:
        TypeError: it has not got the hooks.
    """
    missing = [name for name in _ALWAYS_CALLED if not hasattr(protocol, name)]
    if missing:
        raise TypeError(
            f"{factory!r} built {protocol!r}, which is no protocol of WebSocket: it has no {' and no '.join(missing)}"
        )


_WSP = TypeVar("_WSP", bound=WebSocketProtocol, covariant=True)


class WebSocketServerFactory(Protocol[_WSP]):
    """Makes a protocol for each connection that a server accepts."""

    def buildProtocol(self, request: Any) -> _WSP:
        """Return the protocol; None refuses the connection."""
        ...


class WebSocketClientFactory(Protocol[_WSP]):
    """Makes the protocol of a client's connection."""

    def buildProtocol(self, url: str) -> _WSP:
        """Return the protocol."""
        ...
