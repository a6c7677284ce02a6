"""WebSocket: a resource that speaks it, and an endpoint that connects to one.  Floor 4.

wsproto does the frames.  What a peer may send is bounded: the size of a message, inflated or not, and its fragments.

Twisted: `twisted.web.websocket`.
"""

from selvage._publish import publish
from selvage.web.websocket._client import (
    ConnectionRejected as ConnectionRejected,
    WebSocketClientEndpoint as WebSocketClientEndpoint,
)
from selvage.web.websocket._interfaces import (
    WebSocketClientFactory as WebSocketClientFactory,
    WebSocketProtocol as WebSocketProtocol,
    WebSocketServerFactory as WebSocketServerFactory,
    WebSocketTransport as WebSocketTransport,
)
from selvage.web.websocket._server import WebSocketResource as WebSocketResource
from selvage.web.websocket._wire import WebSocketViolation as WebSocketViolation

__all__ = [
    "ConnectionRejected",
    "WebSocketClientEndpoint",
    "WebSocketClientFactory",
    "WebSocketProtocol",
    "WebSocketResource",
    "WebSocketServerFactory",
    "WebSocketTransport",
    "WebSocketViolation",
]

publish(globals())
