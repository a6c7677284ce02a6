"""`twisted.web.websocket`: a resource that speaks WebSocket, and an endpoint that connects to one."""

from selvage.web.websocket import (
    ConnectionRejected as ConnectionRejected,
    WebSocketClientEndpoint as WebSocketClientEndpoint,
    WebSocketClientFactory as WebSocketClientFactory,
    WebSocketProtocol as WebSocketProtocol,
    WebSocketResource as WebSocketResource,
    WebSocketServerFactory as WebSocketServerFactory,
    WebSocketTransport as WebSocketTransport,
)
